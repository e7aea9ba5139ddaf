"""Steps on θ and ψ: jointly, or alternating as in the lecture's "simple idea", with a learning-rate schedule."""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor, nn

from vae_explorer.engine.config import TrainingConfig
from vae_explorer.engine.optimizers import Optimizer
from vae_explorer.engine.vae import NetworkModel

FORGET_EVERY = 100  # steps: what fades by a tenth a step shrinks to 10⁻⁵ meanwhile


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
        self._optimizer = Optimizer(config.optimizer, self._generation + self._inference)
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
        """One step down a loss, by its gradient and what is there of it already."""
        if loss.requires_grad:
            loss.backward()
        self.current_rate = self.learning_rate * self._schedule(step)
        self._optimizer.step(self.current_rate)
        if step % FORGET_EVERY == 0:
            self._optimizer.forget_faded()

    def _schedule(self, step: int) -> float:
        if self._config.schedule == "constant":
            return 1.0
        return 0.5 * (1.0 + math.cos(math.pi * step / self._total_steps))

    def tensors(self) -> dict[str, Tensor]:
        """The optimizer's moments, flat: `index.name`."""
        return {
            f"{index}.{name}": value
            for index, parts in enumerate(self._optimizer.state)
            for name, value in parts.items()
        }

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """The inverse of `tensors`."""
        for name, value in tensors.items():
            index, _, key = name.partition(".")
            self._optimizer.state[int(index)][key].copy_(value)
