"""Steps on θ and ψ: jointly, or alternating as in the lecture's "simple idea", with a learning-rate schedule."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from vae_explorer.engine.config import TrainingConfig
from vae_explorer.engine.vae import NetworkModel


class Optimisation:
    """The optimizer of a model.

    Attributes:
        learning_rate: before the schedule; may be set between steps.
        current_rate: of the last step.
    """

    def __init__(self, model: NetworkModel, config: TrainingConfig, total_steps: int) -> None:
        self._config, self._total_steps = config, total_steps
        self._generation = list(model.generation_parameters())
        self._inference = list(model.inference_parameters())
        parameters = self._generation + self._inference
        if config.optimizer == "adamax":
            self._optimizer: torch.optim.Optimizer = torch.optim.Adamax(
                parameters, lr=config.learning_rate
            )
        else:
            self._optimizer = torch.optim.Adam(parameters, lr=config.learning_rate, fused=True)
        self.learning_rate = self.current_rate = config.learning_rate

    def prepare(self, step: int) -> None:
        """Where steps alternate, hold ψ fixed on even steps and θ on odd ones, and save its arithmetic."""
        if self._config.optimisation == "alternating":
            self._hold(self._inference, step % 2 == 0)
            self._hold(self._generation, step % 2 == 1)

    @staticmethod
    def _hold(parameters: list[nn.Parameter], held: bool) -> None:
        for parameter in parameters:
            parameter.requires_grad_(not held)

    def step(self, loss: Tensor, step: int) -> None:
        """One step down a loss."""
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.current_rate = self.learning_rate * self._schedule(step)
        for group in self._optimizer.param_groups:
            group["lr"] = self.current_rate
        self._optimizer.step()

    def _schedule(self, step: int) -> float:
        if self._config.schedule == "constant":
            return 1.0
        return 0.5 * (1.0 + math.cos(math.pi * step / self._total_steps))

    def tensors(self) -> dict[str, Tensor]:
        """The optimizer's moments, flat: `index.name`."""
        state = self._optimizer.state_dict()["state"]
        return {
            f"{index}.{name}": value
            for index, parts in state.items()
            for name, value in parts.items()
        }

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """The inverse of `tensors`."""
        parts: dict[int, dict[str, Tensor]] = {}
        parameters = self._generation + self._inference
        for name, value in tensors.items():
            index, _, key = name.partition(".")
            like = parameters[int(index)]
            # The fused step walks memory, so that a moment must lie as its parameter does.
            laid_out = torch.empty_like(like).copy_(value) if value.shape == like.shape else value
            parts.setdefault(int(index), {})[key] = laid_out
        state = self._optimizer.state_dict()
        self._optimizer.load_state_dict({**state, "state": parts})
