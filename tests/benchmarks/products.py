"""The matrix products and convolutions of a training step, alone, on the same shapes.

Products go through `torch.mm`, as those of most programs do, or by the way that the engine takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from vae_explorer.engine.products import product

Layer = nn.Linear | nn.Conv2d | nn.ConvTranspose2d
Call = tuple[
    Layer, Tensor, Tensor, bool
]  # a layer, its input, its output, whether ∂input is wanted
Multiply = Callable[[Tensor, Tensor, Tensor], object]  # a, b and memory for a·b


@contextmanager
def recorded(model: nn.Module) -> Iterator[list[Call]]:
    """The layers called in here, with random tensors in the shapes and layouts of the real ones."""
    calls: list[Call] = []

    def note(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        assert isinstance(layer, Layer)
        x, y = inputs[0], output
        if isinstance(layer, nn.Linear):
            x, y = x.flatten(0, -2), y.flatten(0, -2)
        like = torch.randn_like(x.detach()), torch.randn_like(y.detach())
        calls.append((layer, *like, inputs[0].requires_grad))

    hooks = [m.register_forward_hook(note) for m in model.modules() if isinstance(m, Layer)]
    try:
        yield calls
    finally:
        for hook in hooks:
            hook.remove()


def torchs_multiply(a: Tensor, b: Tensor, out: Tensor) -> None:
    torch.mm(a, b, out=out)


def engines_multiply(a: Tensor, b: Tensor, _: Tensor) -> None:
    product(a, b)


def forward_and_backward(calls: list[Call], multiply: Multiply) -> Callable[[], None]:
    """All products of a step: the output, ∂weight, and ∂input where a step needs it."""
    works = [
        _linear(*c, multiply) if isinstance(c[0], nn.Linear) else _convolution(*c) for c in calls
    ]

    def run() -> None:
        for work in works:
            work()

    return run


def _linear(
    layer: Layer, x: Tensor, y: Tensor, wants_input: bool, multiply: Multiply
) -> Callable[[], None]:
    weight = layer.weight.detach()
    out, grad_weight, grad_input = y.clone(), weight.clone(), x.clone()

    def run() -> None:
        multiply(x, weight.t(), out)
        multiply(y.t(), x, grad_weight)
        if wants_input:
            multiply(y, weight, grad_input)

    return run


def _convolution(layer: Layer, x: Tensor, y: Tensor, wants_input: bool) -> Callable[[], None]:
    assert not isinstance(layer, nn.Linear)
    weight = layer.weight.detach()
    transposed = isinstance(layer, nn.ConvTranspose2d)
    geometry = (layer.stride, layer.padding, layer.dilation, transposed)
    rest = (layer.output_padding, layer.groups)

    def run() -> None:
        torch.ops.aten.convolution(x, weight, None, *geometry, *rest)
        wanted = [wants_input, True, False]
        torch.ops.aten.convolution_backward(y, x, weight, None, *geometry, *rest, wanted)

    return run
