"""Matrix products by the faster of torch's two libraries.

On a CPU torch leaves products in single precision to MKL, which takes half the width of an AMD processor's AVX-512, and
convolutions to oneDNN, which takes all of it: twice as fast there, and no slower elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

LEAST_WORK = 2**20
"""Multiplications from which oneDNN, which takes ten microseconds to begin, is the faster."""


def _find_onednn() -> Callable[..., Tensor] | None:
    """The operation, where this torch has it and takes these arguments: it is meant for torch's own compiler."""
    if not torch.backends.mkldnn.is_available():
        return None
    one = torch.ones(1, 1)
    try:
        operation = torch.ops.mkldnn._linear_pointwise.default
        return operation if operation(one, one, one[0], "none", [], "").item() == 2.0 else None
    except (AttributeError, RuntimeError, TypeError):
        return None


_ONEDNN = _find_onednn()


def product(a: Tensor, b: Tensor, bias: Tensor | None = None, out: Tensor | None = None) -> Tensor:
    """a·b, and a bias for every row where there is one: (N, K), (K, M), (M,) -> (N, M); without autograd.

    Under autocast the factors and their product are reduced, and the result is float32 none the less.
    """
    if torch.is_autocast_enabled(a.device.type):
        reduced = torch.mm(a, b)
        result = reduced.float() if out is None else out.copy_(reduced)
        return result if bias is None else result.add_(bias)
    if _is_for_onednn(a, b):
        bias = None if bias is None else bias.contiguous()  # it is read as if it were
        result = _ONEDNN(a, b.t(), bias, "none", [], "")  # type: ignore[misc]
        return result if out is None else out.copy_(result)
    result = torch.mm(a, b, out=out)
    # In the cache, where torch's own way first copies the bias to every row.
    return result if bias is None else result.add_(bias)


class Linear(nn.Linear):
    """torch's layer by the faster library, where neither a compiler nor autocast has a way of its own.

    It has first derivatives alone.
    """

    def forward(self, input: Tensor) -> Tensor:
        """(..., K) -> (..., M)."""
        flat = input.flatten(0, -2) if input.dim() > 1 else input.unsqueeze(0)
        if torch.compiler.is_compiling() or not _is_for_onednn(flat, self.weight.t()):
            return super().forward(input)
        out: Tensor = _Linear.apply(flat, self.weight, self.bias)
        return out.view(*input.shape[:-1], -1)


def _is_for_onednn(a: Tensor, b: Tensor) -> bool:
    return (
        _ONEDNN is not None
        and a.device.type == "cpu"
        and a.dtype == b.dtype == torch.float32
        and len(a) * b.numel() >= LEAST_WORK
        and not torch.is_autocast_enabled("cpu")
    )


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:  # noqa: ANN001
        ctx.save_for_backward(x, weight)
        return product(x, weight.t(), bias)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, of_out: Tensor):  # type: ignore[override]  # noqa: ANN001, ANN205
        x, weight = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        return (
            product(of_out, weight) if wanted[0] else None,
            product(of_out.t(), x) if wanted[1] else None,
            of_out.sum(0) if wanted[2] else None,
        )
