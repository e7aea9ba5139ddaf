"""The snapshots of one training, thinned out so that they fit in memory. No Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

BUDGET_BYTES = 128 * 2**20
MOST = 400  # snapshots: as many as a slider can tell apart


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The weights at some moment of a training, and where they put the gallery's images."""

    epoch: float
    state: Mapping[str, Tensor]
    embedding: np.ndarray | None  # (n, d)

    @property
    def size(self) -> int:
        """Bytes of memory."""
        weights = sum(t.numel() * t.element_size() for t in self.state.values())
        return weights + (0 if self.embedding is None else self.embedding.nbytes)


class SnapshotHistory:
    """Snapshots in the order of time; when they grow too many, every second one goes."""

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

    def epochs(self) -> list[float]:
        """The moments there are, ascending."""
        return [snapshot.epoch for snapshot in self._snapshots]

    def add(self, snapshot: Snapshot) -> None:
        """Keep a snapshot; the newest is always there, older ones thin out evenly."""
        newest_is_passing = (self._offered - 1) % self._stride != 0 and len(self._snapshots) > 1
        if newest_is_passing:
            self._bytes -= self._snapshots.pop().size
        self._snapshots.append(snapshot)
        self._bytes += snapshot.size
        self._offered += 1
        while len(self._snapshots) > 2 and self._full:
            self._thin()

    def last_finite(self) -> int | None:
        """The newest snapshot whose weights are all numbers; a diverging training leaves others."""
        for index in range(len(self._snapshots) - 1, -1, -1):
            if all(bool(t.isfinite().all()) for t in self._snapshots[index].state.values()):
                return index
        return None

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
