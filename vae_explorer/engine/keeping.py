"""The state of a training for those who keep it on a disk, as often as that costs little."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from vae_explorer.engine.events import StateEvent

SHARE = 1 / 20
"""Of the time, that keeping may take at most."""


class Keeping:
    """When a state is offered: after the first epoch, then so many seconds apart, or more where writing is slow."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._next = time.perf_counter() + (seconds or 0.0)
        self._has_epoch = False

    def offer(
        self, make: Callable[[], StateEvent], *, epoch_ended: bool = False
    ) -> Iterator[StateEvent]:
        """Yields the state where it is due; what is done with it before the training goes on is what it costs."""
        first = epoch_ended and not self._has_epoch
        self._has_epoch |= epoch_ended
        began = time.perf_counter()
        if self._seconds is None or not (first or began >= self._next):
            return
        yield make()
        ended = time.perf_counter()
        self._next = ended + max(self._seconds, (ended - began) / SHARE)
