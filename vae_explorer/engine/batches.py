"""Which images a step sees."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


def images_at_once(pixels: int) -> int:
    """How many images of so many pixel values to take at a time where no gradient is wanted: at most 1000.

    Large ones are fewer, lest they take more memory than a step of a training.
    """
    return max(1, min(1000, 2**20 // pixels))


def choose_labelled(labels: Tensor, classes: int, count: int, seed: int) -> Tensor:
    """The indices (count,) of the images that keep their label: a random choice, as even over classes as can be."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(labels), generator=generator)
    rank = torch.empty(len(labels), dtype=torch.int64)
    for label in range(classes):
        members = order[labels[order] == label]
        rank[members] = torch.arange(len(members))
    return torch.argsort(rank * classes + labels, stable=True)[:count]


class BatchOrder:
    """A shuffled pass over the train split, and beside it an endless one over the labelled images where only some are.

    Args:
        images: N, of the train split.
        labelled: indices of the labelled images, or `None` where all images are used alike.
        generator: on the device, the source of every shuffle.
    """

    def __init__(
        self, images: int, batch_size: int, labelled: Tensor | None, generator: torch.Generator
    ) -> None:
        self._images, self._batch_size, self._generator = images, batch_size, generator
        self._labelled = labelled
        self._order = torch.empty(0, dtype=torch.int64)
        self._labelled_order = torch.empty(0, dtype=torch.int64)
        self.steps = -(-images // batch_size)
        self.position = self.steps  # no pass has begun
        self.labelled_position = 0

    def shuffle(self) -> None:
        """Begin a new pass."""
        self._order = torch.randperm(
            self._images, generator=self._generator, device=self._generator.device
        )
        self.position = 0

    def next(self) -> tuple[Tensor, Tensor | None]:
        """The indices of the next batch, and those of the next labelled batch where only some images are labelled."""
        start = self.position * self._batch_size
        self.position += 1
        return self._order[start : start + self._batch_size], self._next_labelled()

    def _next_labelled(self) -> Tensor | None:
        if self._labelled is None:
            return None
        if self.labelled_position >= len(self._labelled_order):
            shuffled = torch.randperm(
                len(self._labelled), generator=self._generator, device=self._generator.device
            )
            self._labelled_order, self.labelled_position = self._labelled[shuffled], 0
        start = self.labelled_position
        self.labelled_position += self._batch_size
        return self._labelled_order[start : start + self._batch_size]

    def tensors(self) -> dict[str, Tensor]:
        """What, with the positions, fixes the batches to come."""
        return {"images": self._order, "labelled": self._labelled_order}

    def restore(self, tensors: Mapping[str, Tensor], position: int, labelled_position: int) -> None:
        """The inverse of `tensors`."""
        device = self._generator.device
        self._order, self._labelled_order = (
            tensors["images"].to(device),
            tensors["labelled"].to(device),
        )
        self.position, self.labelled_position = position, labelled_position
