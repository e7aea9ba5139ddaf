"""Targets made where they are asked for, against those of all images at once."""

from __future__ import annotations

import pytest
import torch

from vae_explorer.engine import targets
from vae_explorer.engine.likelihoods import (
    Bernoulli,
    Categorical,
    ContinuousBernoulli,
    Gaussian,
    Likelihood,
)
from vae_explorer.engine.targets import Targets

LIKELIHOODS = [Bernoulli(), Bernoulli(False), ContinuousBernoulli(), Gaussian(0.1), Categorical(5)]


@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=lambda each: type(each).__name__)
def test_every_slice_is_that_of_all_images_at_once(likelihood: Likelihood) -> None:
    images = torch.randint(0, 256, (9, 16), dtype=torch.uint8)
    expected = likelihood.target(images, torch.Generator().manual_seed(3))
    index = torch.arange(9)
    made = Targets(likelihood, lambda i: images[i], index, torch.Generator().manual_seed(3))
    part = made.select(torch.tensor([8, 2, 5]))
    assert (len(made), len(part)) == (9, 3)
    for _ in range(2):  # the same at every use
        assert torch.equal(made[2:7], expected[2:7])
        assert torch.equal(made[torch.tensor([4, 0])], expected[[4, 0]])
        assert torch.equal(part[1:], expected[[2, 5]])
        assert len(part.select(torch.empty(0, dtype=torch.int64))[:5]) == 0


def test_pictures_are_read_where_they_are_asked_for() -> None:
    read: list[int] = []

    def rows(index: torch.Tensor) -> torch.Tensor:
        read.append(len(index))
        return torch.zeros(len(index), 16, dtype=torch.uint8)

    made = Targets(Gaussian(0.1), rows, torch.arange(1000))
    assert read == []
    assert made[10:14].shape == (4, 16)
    assert read == [4]


def test_pieces_that_are_drawn_apart_are_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "DRAWN_AT_ONCE", 4 * 16)
    images = torch.full((10, 16), 128, dtype=torch.uint8)
    made = Targets(Bernoulli(), lambda i: images[i], torch.arange(10), torch.Generator())
    assert torch.equal(made[:], made[:])
    assert len(made[:].unique(dim=0)) == 10  # no piece repeats another
