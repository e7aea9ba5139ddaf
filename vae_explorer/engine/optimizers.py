"""Adam and Adamax (Kingma and Ba, "Adam: a method for stochastic optimization", 2015), by torch's own functions.

The classes of `torch.optim` cannot be had without importing torch's compiler: two seconds before the first step, and
150 MB. The functions that they call can, and so can the operation behind Adam's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.optim.adamax import adamax

from vae_explorer.engine.fused import spend_gradient

BETA1, BETA2 = 0.9, 0.999  # decay of the mean gradient and of its size
EPSILON = 1e-8
MOMENTS = {"adam": ("exp_avg", "exp_avg_sq"), "adamax": ("exp_avg", "exp_inf")}


class Optimizer:
    """Steps on those parameters that have a gradient.

    Attributes:
        state: of each parameter in turn: its steps so far and its moments, by name. A moment lies in memory as its
            parameter does, for Adam walks both side by side.
    """

    def __init__(self, name: Literal["adam", "adamax"], parameters: Sequence[nn.Parameter]) -> None:
        self._fused = name == "adam"  # one pass over memory, without a wait for the device
        self._names = (*MOMENTS[name], "step")
        self._parameters = parameters
        device = parameters[0].device if self._fused else "cpu"
        self._counts = torch.zeros(len(parameters), device=device)
        self.state: list[dict[str, Tensor]] = []
        for parameter, count in zip(map(torch.detach, parameters), self._counts, strict=True):
            first, second = torch.zeros_like(parameter), torch.zeros_like(parameter)
            self.state.append(dict(zip(self._names, (first, second, count), strict=True)))

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """One step of a learning rate, which spends the gradients: they need not lie beside the next forward pass."""
        pairs = zip(self._parameters, self.state, strict=True)
        moving = [(p, p.grad, state) for p, state in pairs if p.grad is not None]
        parameters: list[Tensor] = [parameter for parameter, *_ in moving]
        gradients = [gradient for _, gradient, _ in moving]
        first, second, steps = ([state[name] for *_, state in moving] for name in self._names)
        if self._fused:
            if len(moving) == len(self.state):
                self._counts += 1  # all at once, where torch's `adam` takes them one by one
            else:
                torch.ops.aten._foreach_add_(steps, 1)
            torch.ops.aten._fused_adam_(
                *(parameters, gradients, first, second, [], steps),
                amsgrad=False,
                beta1=BETA1,
                beta2=BETA2,
                lr=rate,
                weight_decay=0.0,
                eps=EPSILON,
                maximize=False,
            )
        else:
            adamax(
                *(parameters, gradients, first, second, steps),
                beta1=BETA1,
                beta2=BETA2,
                lr=rate,
                weight_decay=0.0,
                eps=EPSILON,
            )
        for parameter, *_ in moving:
            spend_gradient(parameter)
