"""Adam and Adamax (Kingma and Ba, "Adam: a method for stochastic optimization", 2015), by torch's own functions.

The classes of `torch.optim` cannot be had without importing torch's compiler: two seconds before the first step, and
150 MB. The functions that they call can.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.optim.adam import adam
from torch.optim.adamax import adamax

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
        self.state: list[dict[str, Tensor]] = []
        for parameter in map(torch.detach, parameters):
            first, second = torch.zeros_like(parameter), torch.zeros_like(parameter)
            count = torch.zeros((), device=parameter.device if self._fused else "cpu")
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
            adam(
                *(parameters, gradients, first, second, [], steps),
                fused=True,
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
        for parameter in parameters:
            parameter.grad = None
