"""Adam and Adamax (Kingma and Ba, "Adam: a method for stochastic optimization", 2015), by torch's own functions.

The classes of `torch.optim` cannot be had without importing torch's compiler: two seconds before the first step, and
150 MB. The functions that they call can, and so can the operation behind Adam's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.optim.adamax import adamax

from vae_explorer.engine.fused import spend_gradient

BETA1, BETA2 = 0.9, 0.999  # decay of the mean gradient and of its size
EPSILON = 1e-8
NEGLIGIBLE = 1e-30  # of a moment: a step along it is 10⁻²² of a learning rate
# The operation of this name in `torch.ops` would ask the device for the number of a learning rate that lies there.
_fused_adam: Callable[..., None] = torch._fused_adam_  # type: ignore[attr-defined]
MOMENTS = {"adam": ("exp_avg", "exp_avg_sq"), "adamax": ("exp_avg", "exp_inf")}


class Optimizer:
    """Steps on those parameters that have a gradient.

    Attributes:
        state: of each parameter in turn: its steps so far and its moments, by name. A moment lies in memory as its
            parameter does, for Adam walks both side by side.
    """

    def __init__(self, name: Literal["adam", "adamax"], parameters: Sequence[nn.Parameter]) -> None:
        self._fused = name == "adam"  # one pass over memory, without a wait for the device
        names = (*MOMENTS[name], "step")
        device = parameters[0].device if self._fused else "cpu"
        self._counts = torch.zeros(len(parameters), device=device)
        first, second = ([torch.zeros_like(p.detach()) for p in parameters] for _ in range(2))
        self._columns: list[list[Tensor]] = [list(parameters), first, second, list(self._counts)]
        rows = zip(*self._columns[1:], strict=True)
        self.state = [dict(zip(names, row, strict=True)) for row in rows]

    @torch.no_grad()
    def forget_faded(self) -> None:
        """Negligible moments are zero from now on; to be called every hundred steps or so.

        A gradient that is gone for good, as of a pixel that became black, fades below 10⁻³⁸ in eight hundred steps,
        where a processor takes a hundred times as long over each number: a third of a step, of all cores.
        """
        for column in self._columns[1:3]:
            for moment in column:
                torch.hardshrink(moment, NEGLIGIBLE, out=moment)

    @torch.no_grad()
    def step(self, rate: float | Tensor) -> None:
        """One step of a learning rate, which spends the gradients: they need not lie beside the next forward pass.

        Args:
            rate: a tensor only for Adam, and on the parameters' device.
        """
        moving = [index for index, p in enumerate(self._columns[0]) if p.grad is not None]
        everything = len(moving) == len(self.state)
        columns = self._columns if everything else [[c[i] for i in moving] for c in self._columns]
        parameters, first, second, steps = columns
        gradients = [p.grad for p in parameters if p.grad is not None]
        if self._fused:
            if everything:
                self._counts += 1  # all at once, where torch's `adam` takes them one by one
            else:
                torch.ops.aten._foreach_add_(steps, 1)
            _fused_adam(
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
        for parameter in parameters:
            spend_gradient(parameter)
