"""A data set small enough that a training takes a fraction of a second."""

from __future__ import annotations

import torch

from vae_explorer.engine.data import Dataset, Split

SHAPE = (1, 8, 8)
NAMES = ("left", "right", "top")


def bars(count: int, seed: int, labelled: bool = True) -> Split:
    """Noisy pictures of a bright half: left, right or top."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 3, (count,), generator=generator)
    images = torch.randint(0, 40, (count, *SHAPE), generator=generator)
    bright = torch.randint(170, 256, (count, *SHAPE), generator=generator)
    for label, half in enumerate((slice(0, 4), slice(4, 8))):
        images[labels == label, :, :, half] = bright[labels == label, :, :, half]
    images[labels == 2, :, :4] = bright[labels == 2, :, :4]
    return Split(images.to(torch.uint8), labels if labelled else None)


def small_dataset(labelled: bool = True) -> Dataset:
    """300 images to train on, 60 to validate and 60 to test on."""
    return Dataset(
        name="bars",
        title="Bars",
        train=bars(300, 0, labelled),
        validation=bars(60, 1, labelled),
        test=bars(60, 2, labelled),
        class_names=NAMES if labelled else (),
    )
