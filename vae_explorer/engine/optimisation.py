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
        current_rate: of the last step that was prepared.
    """

    def __init__(self, model: NetworkModel, config: TrainingConfig, total_steps: int) -> None:
        self._config, self._total_steps = config, total_steps
        self._generation = list(model.generation_parameters())
        self._inference = list(model.inference_parameters())
        self._optimizer = Optimizer(config.optimizer, self._generation + self._inference)
        self.learning_rate = self.current_rate = config.learning_rate

    def prepare(self, step: int) -> int:
        """What is to be done before a step, and whose turn it is.

        Where steps alternate, ψ is held fixed on even steps and θ on odd ones, and its arithmetic saved.
        """
        self.current_rate = self.learning_rate * self._schedule(step)
        if step % FORGET_EVERY == 0:
            self._optimizer.forget_faded()
        if self._config.optimisation == "joint":
            return 0
        self._hold(self._inference, step % 2 == 0)
        self._hold(self._generation, step % 2 == 1)
        return step % 2

    @staticmethod
    def _hold(parameters: list[nn.Parameter], held: bool) -> None:
        for parameter in parameters:
            parameter.requires_grad_(not held)

    def step(self, loss: Tensor, rate: float | Tensor) -> None:
        """One step down a loss, by its gradient and what is there of it already, of a learning rate."""
        if loss.requires_grad:
            loss.backward()
        self._optimizer.step(rate)

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
