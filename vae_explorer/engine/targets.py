"""What a likelihood models of many images, made where it is asked for."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from vae_explorer.engine.data import Rows
from vae_explorer.engine.likelihoods import Bernoulli, Likelihood

DRAWN_AT_ONCE = 2**28
"""Pixels that are binarised in one piece: those of other pieces come out otherwise."""


class Targets:
    """To be sliced and indexed as the tensor (N, P) of `likelihood.target`, every time with the same values.

    Floats of a whole split would take four to eight times the memory of its bytes. Only what is drawn at random is
    kept, as bytes.

    Args:
        pixels: of some images, on the device.
        index: which of them, int64 (N,), on the device.
        generator: of stochastic binarisation.
    """

    def __init__(
        self,
        likelihood: Likelihood,
        pixels: Rows,
        index: Tensor,
        generator: torch.Generator | None = None,
    ) -> None:
        self._index = index
        self._make: Callable[[Tensor], Tensor] = lambda some: likelihood.target(pixels(some))
        if likelihood.stochastic:
            assert isinstance(likelihood, Bernoulli)
            first = pixels(index[:1])
            pieces = index.split(max(1, DRAWN_AT_ONCE // first.shape[1]))
            drawn = torch.cat([likelihood.draw(pixels(piece), generator) for piece in pieces])
            self._index = torch.arange(len(index), device=index.device)
            self._make = lambda some: drawn[some].view(torch.uint8).to(torch.float32)

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, rows: slice | Tensor) -> Tensor:
        """(B, P) of some of the images."""
        return self._make(self._index[rows])

    def select(self, rows: slice | Tensor) -> Targets:
        """Some of them, with the same values."""
        part = Targets.__new__(Targets)
        part._index, part._make = self._index[rows], self._make
        return part
