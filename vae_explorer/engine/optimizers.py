"""Adam and Adamax (Kingma and Ba, "Adam: a method for stochastic optimization", 2015).

The same numbers as the classes of `torch.optim`, which cannot be had without importing torch's compiler: two seconds
before the first step, and 150 MB.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

DECAY = (0.9, 0.999)  # β₁ of the mean gradient, β₂ of its size
EPSILON = 1e-8


class Optimizer(ABC):
    """Steps on those parameters that have a gradient.

    Attributes:
        state: of each parameter in turn: its steps so far and its moments, by name. A moment lies in memory as its
            parameter does, for Adam walks both side by side.
    """

    moments: tuple[str, str]

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        self._parameters = parameters
        self.state: list[dict[str, Tensor]] = [
            {"step": self._counter(p), **{name: torch.zeros_like(p) for name in self.moments}}
            for p in map(torch.detach, parameters)
        ]

    def _counter(self, parameter: Tensor) -> Tensor:
        return torch.zeros((), device=parameter.device)

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """One step of a learning rate, which spends the gradients: they need not lie beside the next forward pass."""
        pairs = zip(self._parameters, self.state, strict=True)
        moving = [(p, p.grad, state) for p, state in pairs if p.grad is not None]
        self._move(moving, rate)
        for parameter, *_ in moving:
            parameter.grad = None

    @abstractmethod
    def _move(
        self, moving: list[tuple[nn.Parameter, Tensor, dict[str, Tensor]]], rate: float
    ) -> None:
        """Parameters with their gradient and state."""


class Adam(Optimizer):
    """All parameters in one pass over memory, without a wait for the device."""

    moments = ("exp_avg", "exp_avg_sq")

    def _move(
        self, moving: list[tuple[nn.Parameter, Tensor, dict[str, Tensor]]], rate: float
    ) -> None:
        steps = [state["step"] for *_, state in moving]
        torch._foreach_add_(steps, 1)  # type: ignore[attr-defined]
        torch._fused_adam_(  # type: ignore[attr-defined]
            [parameter for parameter, *_ in moving],
            [gradient for _, gradient, _ in moving],
            *([state[name] for *_, state in moving] for name in self.moments),
            [],
            steps,
            lr=rate,
            beta1=DECAY[0],
            beta2=DECAY[1],
            eps=EPSILON,
            weight_decay=0.0,
            amsgrad=False,
            maximize=False,
        )


class Adamax(Optimizer):
    """Adam with the largest of recent gradients in place of their root mean square."""

    moments = ("exp_avg", "exp_inf")

    def _counter(self, parameter: Tensor) -> Tensor:
        return torch.zeros(())  # on the CPU, where reading it waits for nothing

    def _move(
        self, moving: list[tuple[nn.Parameter, Tensor, dict[str, Tensor]]], rate: float
    ) -> None:
        for parameter, gradient, state in moving:
            mean, largest = (state[name] for name in self.moments)
            steps = state["step"].add_(1).item()
            mean.lerp_(gradient, 1.0 - DECAY[0])
            torch.maximum(largest.mul_(DECAY[1]), gradient.abs().add_(EPSILON), out=largest)
            parameter.addcdiv_(mean, largest, value=-rate / (1.0 - DECAY[0] ** steps))
