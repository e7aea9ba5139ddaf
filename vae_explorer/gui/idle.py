"""Long work on the window's own thread, in slices so short that nobody sees them."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future
from typing import Any, Generic, TypeAlias, TypeVar

from PySide6.QtCore import QObject, QTimer

from vae_explorer.gui.beside import Beside, Piece

BUDGET_MS = 5.0  # of a frame's 16.7 ms
PAINTED_MS = 2  # after which what was just changed is on screen
PATIENCE_S = 0.1  # so long work gives way to a mouse that never rests

Task: TypeAlias = Iterator[None] | Generator[Piece | None, Any, None]
_Item = TypeVar("_Item")


class Pace(QTimer):
    """The beat of work behind the window: it gives way to what the user does, though not for ever."""

    def __init__(
        self, act: Callable[[], None], interval: int, patience: float, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._began = 0.0
        self._act, self._patience = act, patience
        self.setInterval(interval)
        self.timeout.connect(self._beat)

    def begin(self) -> None:
        """Beat, if it does not already."""
        if not self.isActive():
            self._began = time.perf_counter()
            self.start()

    def give_way(self) -> None:
        """The next beat is a whole interval from now, unless the last was long ago."""
        if self.isActive() and not self.is_overdue:
            self.start()

    @property
    def is_overdue(self) -> bool:
        """Whether it has given way for as long as it does."""
        return time.perf_counter() - self._began >= self._patience

    def _beat(self) -> None:
        self._act()
        self._began = time.perf_counter()


class IdleQueue(QObject):
    """Named generators, advanced a little whenever the window has nothing else to do.

    A generator yields after each piece of work; a newer one of the same name takes its place. Under the
    user's hands a slice is a single piece, and the tasks take turns. A piece that would take a frame is
    yielded instead, as a function: another thread does it, and `yield` gives its result.

    Args:
        interval: milliseconds between slices, which leave the window room for input and painting.
        patience: seconds that work gives way to what the user does, if that never rests.
        budget: milliseconds of a slice after which no further piece of work is begun.
    """

    def __init__(
        self,
        parent: QObject | None = None,
        interval: int = 10,
        patience: float = PATIENCE_S,
        budget: float = BUDGET_MS,
    ) -> None:
        super().__init__(parent)
        self._budget = budget
        self._used_at = 0.0  # when the user last did something
        self._tasks: dict[str, Task] = {}
        self._following: dict[str, Task] = {}  # begun when the task of the same name is done
        self._beside = Beside(self)
        self._timer = Pace(self._advance, interval, patience, self)

    def run(self, name: str, task: Task) -> None:
        """Do this work, in place of any of the same name."""
        self._beside.drop(name)
        self._following.pop(name, None)
        self._tasks[name] = task
        self._timer.begin()

    def begin(self, name: str, task: Task) -> None:
        """The same, with its first piece done now: all of it, where it yields nothing."""
        self.run(name, task)
        self._go_on(name, task, lambda: next(task))

    def begin_after(self, name: str, task: Task) -> None:
        """The same when the work of this name is done: its result is shown, however soon newer ones are asked for."""
        if name in self._tasks:
            self._following[name] = task
        else:
            self.begin(name, task)

    def give_way(self) -> None:
        """The user did something: its answer and the painting of it come first."""
        self._used_at = time.perf_counter()
        self._timer.give_way()

    def drop(self, name: str | None = None) -> None:
        """Forget the work of this name, or all of it."""
        for dropped in list(self._tasks) if name is None else [name]:
            self._tasks.pop(dropped, None)
            self._following.pop(dropped, None)
            self._beside.drop(dropped)

    def shut_down(self) -> None:
        """Forget all work, and wait for the piece that the other thread does."""
        self.drop()
        self._beside.shut_down()

    @property
    def busy(self) -> bool:
        """Whether anything is left to do."""
        return bool(self._tasks)

    def finish(self) -> None:
        """Do all that is left now, in this thread: for a picture of the window, and for tests."""
        while self._tasks:
            self._step()
            self._beside.finish()

    def _advance(self) -> None:
        now = time.perf_counter()
        in_use = now - self._used_at < PATIENCE_S and not self._timer.is_overdue
        end = now + (0.0 if in_use else self._budget / 1000.0)
        self._step()
        if in_use and len(self._tasks) > 1:
            name = next(iter(self._tasks))
            self._tasks[name] = self._tasks.pop(name)
        while self._ready() is not None and time.perf_counter() < end:
            self._step()
        if self._ready() is None:
            self._timer.stop()

    def _ready(self) -> str | None:
        """The first task that waits for no other thread."""
        return next((name for name in self._tasks if not self._beside.waits_for(name)), None)

    def _step(self) -> None:
        name = self._ready()
        if name is not None:  # they were not dropped
            task = self._tasks[name]
            self._go_on(name, task, lambda: next(task))

    def _go_on(self, name: str, task: Task, step: Callable[[], Piece | None]) -> None:
        try:
            piece = step()
        except StopIteration:
            if self._tasks.get(name) is task:
                del self._tasks[name]
                if name in self._following:
                    self.begin(name, self._following[name])
            return
        except BaseException:
            self._tasks.pop(name, None)  # a task that failed would fail again at every tick
            self._following.pop(name, None)
            raise
        if piece is not None and self._tasks.get(name) is task:
            self._beside.ask(name, piece, lambda future: self._resume(name, task, future))

    def _resume(self, name: str, task: Task, future: Future[Any]) -> None:
        """A piece of a task is done: what comes of it is shown at once."""
        assert isinstance(task, Generator)
        self._go_on(name, task, lambda: task.send(future.result()))
        self._timer.begin()


class Turns(Generic[_Item]):
    """Brings things up to date one after the other, where all at once would hold the window up.

    What falls behind again keeps its turn if it waits for one, else it comes last.
    """

    def __init__(self, act: Callable[[_Item], object], interval: int, parent: QObject) -> None:
        """One turn every `interval` milliseconds, as long as any is waited for."""
        self._act = act
        self._waiting: dict[_Item, None] = {}
        self._timer = Pace(self._next, interval, PATIENCE_S, parent)

    def add(self, items: Iterable[_Item]) -> None:
        """Give each of these a turn."""
        self._waiting.update(dict.fromkeys(items))
        if self._waiting:
            self._timer.begin()

    def give_way(self) -> None:
        """The user did something: its answer and the painting of it come first."""
        self._timer.give_way()

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
