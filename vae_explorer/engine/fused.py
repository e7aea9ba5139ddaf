"""Log p(x|z) with its gradient in one pass, for likelihoods whose gradient is known in closed form.

With a linear last layer the pass goes block by block, so that a block of logits is made, read, and turned into its own
gradient while it lies in the processor's cache; what is left for the backward pass is matrix products.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from vae_explorer.engine.products import product

CACHED_VALUES = 2**19
"""Logits at a time on a CPU. Elsewhere all are made at once, for launches cost more than memory there."""

_SPARE = "spare_gradient"  # of a parameter: memory that nobody reads any more
_SPARE_LOGITS = "spare_logits"  # of a last layer's weight: the same, of the step before


class ValueAndGradient(Protocol):
    """Log p(x|z) and its gradient.

    Logits (..., B, P·k) and a target (B, P) give (..., B) and, where `wanted`, (..., B, P·k). The logits may be
    overwritten where `spend` says so.
    """

    def __call__(
        self, logits: Tensor, target: Tensor, *, wanted: bool, spend: bool
    ) -> tuple[Tensor, Tensor | None]: ...


def log_prob(logits: Tensor, target: Tensor, rule: ValueAndGradient) -> Tensor:
    """Log p(x|z) of logits that somebody else made, (..., B)."""
    if not torch.is_grad_enabled():
        return rule(logits, target, wanted=False, spend=False)[0]
    return _LogProb.apply(logits, target, rule)


def linear_log_prob(
    hidden: Tensor,
    layer: nn.Linear,
    target: Tensor,
    parameters_per_value: int,
    rule: ValueAndGradient,
) -> Tensor:
    """Log p(x|z) of the logits that a last layer makes of hidden units (..., B, H), (..., B).

    Without a gradient it is as many samples at a time as a processor's cache holds.
    """
    wanted = torch.is_grad_enabled()
    arguments = (layer.weight, layer.bias, target, parameters_per_value, rule, wanted)
    if wanted or hidden.dim() < 3 or hidden.device.type != "cpu":
        return _LinearLogProb.apply(hidden, *arguments)
    samples = max(1, CACHED_VALUES // max(1, target.numel() * parameters_per_value))
    return torch.cat([_LinearLogProb.apply(part, *arguments) for part in hidden.split(samples)])


def linear_log_prob_and_gradient(
    hidden: Tensor,
    layer: nn.Linear,
    target: Tensor,
    parameters_per_value: int,
    rule: ValueAndGradient,
    of_value: float,
) -> tuple[Tensor, Tensor]:
    """`linear_log_prob` and the gradient of the hidden units, whose layer gets its own as `grad`; without autograd.

    Args:
        of_value: the gradient of every log p(x|z).
    """
    weight, bias = layer.weight, layer.bias
    value, kept = _forward(hidden, (weight, bias), target, parameters_per_value, rule, wanted=True)
    of_values = torch.full_like(value, of_value)
    of_hidden, weight.grad, bias.grad = _backward(hidden, weight, kept, of_values, (True, True))
    assert of_hidden is not None
    return value, of_hidden


def spend_gradient(parameter: Tensor) -> None:
    """Drop a gradient after a step along it; the memory of a fused layer's is kept for the next.

    New memory costs a page fault every four kilobytes, of 256 grey levels a sixth of a step.
    """
    if hasattr(parameter, _SPARE):
        setattr(parameter, _SPARE, parameter.grad)
    parameter.grad = None


def release_gradient(parameter: Tensor) -> None:
    """Drop a gradient, and whatever memory is kept for the next."""
    parameter.grad = None
    for name in (_SPARE, _SPARE_LOGITS):
        if hasattr(parameter, name):
            delattr(parameter, name)


def _spare_memory(weight: Tensor, name: str, *shape: int) -> Tensor:
    """What is kept under a name, for one user at a time; new memory of a shape where it is too small or lent."""
    spare = getattr(weight, name, None)
    setattr(weight, name, None)
    return weight.new_empty(shape) if spare is None or spare.numel() < math.prod(shape) else spare


class _LogProb(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits: Tensor, target: Tensor, rule: ValueAndGradient) -> Tensor:  # noqa: ANN001
        value, gradient = rule(logits, target, wanted=True, spend=False)
        ctx.save_for_backward(gradient)
        return value

    @staticmethod
    def backward(ctx, of_value: Tensor):  # type: ignore[override]  # noqa: ANN001, ANN205
        (gradient,) = ctx.saved_tensors
        return gradient.mul_(of_value.unsqueeze(-1)), None, None  # torch refuses a second pass


class _LinearLogProb(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx,  # noqa: ANN001
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor,
        target: Tensor,
        parameters_per_value: int,
        rule: ValueAndGradient,
        wanted: bool,
    ) -> Tensor:
        layer = weight, bias
        value, kept = _forward(hidden, layer, target, parameters_per_value, rule, wanted)
        ctx.memory = kept.memory
        ctx.save_for_backward(hidden, weight, *kept.gradients)
        return value

    @staticmethod
    def backward(ctx, of_value: Tensor):  # type: ignore[override]  # noqa: ANN001, ANN205
        hidden, weight, *gradients = ctx.saved_tensors
        wanted = ctx.needs_input_grad[:2]
        kept = _Kept(gradients, ctx.memory)
        return *_backward(hidden, weight, kept, of_value, wanted), None, None, None, None


class _Kept(NamedTuple):
    """What a pass forward leaves for the pass back: ∂log p/∂logits block by block, and the memory of the logits."""

    gradients: list[Tensor]
    memory: Tensor | None


def _forward(
    hidden: Tensor,
    layer: tuple[Tensor, Tensor],
    target: Tensor,
    parameters_per_value: int,
    rule: ValueAndGradient,
    wanted: bool,
) -> tuple[Tensor, _Kept]:
    weight, bias = layer
    rows, flat = hidden.shape[:-1], hidden.flatten(0, -2)
    total, gradients, memory = None, [], None
    count = len(flat)
    blocks = list(_blocks(flat, target.shape[-1], parameters_per_value))
    if wanted and len(blocks) > 1:
        memory = _spare_memory(weight, _SPARE_LOGITS, count * len(weight))
    for pixels in blocks:
        block = slice(pixels.start * parameters_per_value, pixels.stop * parameters_per_value)
        out = None
        if memory is not None:
            out = memory[count * block.start : count * block.stop].view(count, -1)
        logits = product(flat, weight[block].t(), bias[block], out).unflatten(0, rows)
        value, gradient = rule(logits, target[..., pixels], wanted=wanted, spend=True)
        total = value if total is None else total.add_(value)
        if gradient is not None:
            gradients.append(gradient.view(count, -1))
    assert total is not None
    return total, _Kept(gradients, memory)


def _backward(
    hidden: Tensor, weight: Tensor, kept: _Kept, of_value: Tensor, wanted: tuple[bool, bool]
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """The gradients of hidden units, weight and bias; `wanted` are those of the hidden units, and of the layer."""
    flat, scale = hidden.flatten(0, -2), of_value.reshape(-1, 1)
    scaled = flat * scale  # fewer numbers than the logits have
    of_flat = of_weight = of_bias = None
    if wanted[1]:
        of_bias = weight.new_empty(len(weight))
        if len(kept.gradients) > 1:
            of_weight = _spare_memory(weight, _SPARE, *weight.shape)
    start = 0
    for gradient in kept.gradients:
        block = slice(start, start := start + gradient.shape[1])
        if of_bias is not None:
            # `out` keeps the precision of the sum, which a GPU's autocast would reduce.
            torch.mv(gradient.t(), scale.squeeze(1), out=of_bias[block])
            out = None if of_weight is None else of_weight[block]
            of_rows = product(gradient.t(), scaled, out=out)
            of_weight = of_rows if of_weight is None else of_weight
        if of_flat is not None:
            of_flat += product(gradient, weight[block])
        elif wanted[0]:
            of_flat = product(gradient, weight[block])
    setattr(weight, _SPARE_LOGITS, kept.memory)
    of_hidden = None if of_flat is None else of_flat.mul_(scale).view(hidden.shape)
    return of_hidden, of_weight, of_bias


def _blocks(flat: Tensor, pixels: int, parameters_per_value: int) -> Iterator[slice]:
    step = pixels
    if flat.device.type == "cpu":
        logits = max(1, len(flat)) * parameters_per_value  # of a pixel
        step = max(1, min(pixels, CACHED_VALUES // logits))
    for start in range(0, pixels, step):
        yield slice(start, min(start + step, pixels))
