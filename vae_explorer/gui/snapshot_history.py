"""The snapshots of one training, thinned out so that they fit in memory. No Qt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

BUDGET_BYTES = 64 * 2**20
MOST = 400  # snapshots: as many as a slider can tell apart


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The weights at some moment of a training, and where they put the gallery's images.

    Attributes:
        means, stds: of the images' posteriors, (n, d).
        is_best: whether these are the weights that the training ended with.
    """

    epoch: float
    state: Mapping[str, Tensor]
    means: np.ndarray | None = None
    stds: np.ndarray | None = None
    is_best: bool = False

    @property
    def is_half(self) -> bool:
        """Whether the weights are of half precision."""
        return any(tensor.element_size() == 2 for tensor in self.state.values())

    @property
    def size(self) -> int:
        """Bytes of memory."""
        weights = sum(t.numel() * t.element_size() for t in self.state.values())
        return weights + sum(a.nbytes for a in (self.means, self.stds) if a is not None)

    def compact(self) -> Snapshot:
        """The same with weights of half precision, in half the memory."""
        return replace(self, state={name: tensor.half() for name, tensor in self.state.items()})


class SnapshotHistory:
    """Snapshots in the order of time; when they grow too many, every second one goes.

    All but the newest hold their weights in half precision, whose eleven bits no picture tells from all.
    """

    def __init__(self, budget: int = BUDGET_BYTES, most: int = MOST) -> None:
        self._budget, self._most = budget, most
        self._snapshots: list[Snapshot] = []
        self._bytes = 0
        self._stride = 1  # of the snapshots offered, one in so many is kept
        self._offered = 0

    def __len__(self) -> int:
        return len(self._snapshots)

    def __getitem__(self, index: int) -> Snapshot:
        return self._snapshots[index]

    def __iter__(self) -> Iterator[Snapshot]:
        return iter(self._snapshots)

    def add(self, snapshot: Snapshot) -> None:
        """Keep a snapshot; the newest is always there, older ones thin out evenly.

        Where a training goes on from before the newest, those since are dropped.
        """
        while self._snapshots and self._snapshots[-1].epoch >= snapshot.epoch:
            self._bytes -= self._snapshots.pop().size
        newest_is_passing = (self._offered - 1) % self._stride != 0 and len(self._snapshots) > 1
        if newest_is_passing:
            self._bytes -= self._snapshots.pop().size
        elif self._snapshots:
            newest = self._snapshots[-1]
            self._snapshots[-1] = newest.compact()
            self._bytes -= newest.size - self._snapshots[-1].size
        self._snapshots.append(snapshot)
        self._bytes += snapshot.size
        self._offered += 1
        while len(self._snapshots) > 2 and self._full:
            self._thin()

    def end(self, best: Snapshot) -> None:
        """Put the weights that the training ended with last; once, in place of a moment that had the same."""
        if self._snapshots and self._snapshots[-1].epoch == best.epoch:
            self._snapshots.pop()
        self._snapshots.append(best)

    def go_on(self) -> Snapshot:
        """The training goes on: take the weights away that `end` put last, and return them."""
        best = self._snapshots.pop()
        self._bytes = sum(snapshot.size for snapshot in self._snapshots)
        self._offered = 1  # as after a snapshot that stays
        return best

    def drop_broken(self) -> None:
        """Forget the newest snapshots whose weights are no numbers, as a diverging training leaves them."""
        while self._snapshots and not _is_sound(self._snapshots[-1]):
            self._snapshots.pop()

    def clear(self) -> None:
        """Forget all of them, before another training."""
        self.__init__(self._budget, self._most)

    @property
    def _full(self) -> bool:
        return self._bytes > self._budget or len(self._snapshots) > self._most

    def _thin(self) -> None:
        kept = self._snapshots[:-1:2]
        if kept[-1] is not self._snapshots[-1]:
            kept.append(self._snapshots[-1])
        self._snapshots = kept
        self._stride *= 2
        self._bytes = sum(snapshot.size for snapshot in kept)


def _is_sound(snapshot: Snapshot) -> bool:
    return all(bool(tensor.isfinite().all()) for tensor in snapshot.state.values())
