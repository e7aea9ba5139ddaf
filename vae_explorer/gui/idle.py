"""Long work on the window's own thread, in slices so short that nobody sees them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from PySide6.QtCore import QObject, QTimer

BUDGET_MS = 5.0  # of a frame's 16.7 ms

_Item = TypeVar("_Item")


class IdleQueue(QObject):
    """Named generators, advanced a little whenever the window has nothing else to do.

    A generator yields after each piece of work; a newer one of the same name takes its place.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks: dict[str, Iterator[None]] = {}
        self._timer = QTimer(self)
        self._timer.setInterval(10)  # leaves the window room for input and painting between slices
        self._timer.timeout.connect(self._advance)

    def run(self, name: str, task: Iterator[None]) -> None:
        """Do this work, in place of any of the same name."""
        self._tasks[name] = task
        self._timer.start()

    def drop(self, name: str | None = None) -> None:
        """Forget the work of this name, or all of it."""
        if name is None:
            self._tasks.clear()
        else:
            self._tasks.pop(name, None)

    @property
    def busy(self) -> bool:
        """Whether anything is left to do."""
        return bool(self._tasks)

    def finish(self) -> None:
        """Do all that is left now: for a picture of the window, and for tests."""
        while self._tasks:
            self._step()

    def _advance(self) -> None:
        end = time.perf_counter() + BUDGET_MS / 1000.0
        while self._tasks and time.perf_counter() < end:
            self._step()
        if not self._tasks:
            self._timer.stop()

    def _step(self) -> None:
        name, task = next(iter(self._tasks.items()))
        try:
            next(task)
        except StopIteration:
            if self._tasks.get(name) is task:
                del self._tasks[name]
        except BaseException:
            self._tasks.pop(name, None)  # a task that failed would fail again at every tick
            raise


class Turns(Generic[_Item]):
    """Brings things up to date one after the other, where all at once would hold the window up.

    What falls behind again keeps its turn if it waits for one, else it comes last.
    """

    def __init__(self, act: Callable[[_Item], object], interval: int, parent: QObject) -> None:
        """One turn every `interval` milliseconds, as long as any is waited for."""
        self._act = act
        self._waiting: dict[_Item, None] = {}
        self._timer = QTimer(parent)
        self._timer.setInterval(interval)
        self._timer.timeout.connect(self._next)

    def add(self, items: Iterable[_Item]) -> None:
        """Give each of these a turn."""
        self._waiting.update(dict.fromkeys(items))
        if self._waiting and not self._timer.isActive():
            self._timer.start()

    def clear(self) -> None:
        """Forget the turns that are waited for."""
        self._waiting.clear()

    def finish(self) -> None:
        """Let all have their turns now."""
        while self._waiting:
            self._next()

    def _next(self) -> None:
        if not self._waiting:
            self._timer.stop()
            return
        item = next(iter(self._waiting))
        del self._waiting[item]
        self._act(item)
