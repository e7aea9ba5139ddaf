"""Pieces of work that would hold the window up: another thread does them, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeAlias

from PySide6.QtCore import QObject

from vae_explorer.gui.training_thread import Worker

Piece: TypeAlias = Callable[[], Any]
Then: TypeAlias = Callable[["Future[Any]"], None]

RESULT_MS = 4  # at most, from a result to who asked for it


class _Job:
    """A piece, whose future is the only message."""

    def __init__(self, name: str, piece: Piece, then: Then) -> None:
        self.name, self.then = name, then
        self._piece = piece

    def run(self, post: Callable[[object], None]) -> None:
        post((self, self.done()))

    def done(self) -> Future[Any]:
        """Do it in this thread; the future raises what it raised."""
        future: Future[Any] = Future()
        try:
            future.set_result(self._piece())
        except BaseException as error:
            future.set_exception(error)
        return future

    def cancel(self) -> None:
        """A piece is short, and nobody waits for what is not wanted any more."""


class Beside(QObject):
    """Named pieces of work; a newer one of the same name takes the place of one that waits or runs.

    A piece may use nothing that the window's thread changes meanwhile.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._asked: dict[str, _Job] = {}  # done in this order
        self._worker = Worker(self, RESULT_MS)
        self._worker.messages_arrived.connect(self._on_messages)
        self._worker.ended.connect(self._begin)

    def ask(self, name: str, piece: Piece, then: Then) -> None:
        """Do `piece` in the other thread, then call `then` in this one, if nothing newer was asked for."""
        self._asked.pop(name, None)  # the newest comes last
        self._asked[name] = _Job(name, piece, then)
        self._begin()

    def waits_for(self, name: str) -> bool:
        """Whether the result of this name is not there yet."""
        return name in self._asked

    def drop(self, name: str) -> None:
        """Nobody wants this any more."""
        self._asked.pop(name, None)

    def finish(self) -> None:
        """Do all that is left now, in this thread."""
        while self._asked:
            job = next(iter(self._asked.values()))
            self._hand_over(job, job.done())

    def shut_down(self) -> None:
        """Forget what waits, and wait for the piece that is being done."""
        self._asked.clear()
        self._worker.shut_down()

    def _begin(self) -> None:
        if self._asked and not self._worker.busy:
            self._worker.start(next(iter(self._asked.values())))

    def _on_messages(self, messages: Sequence[tuple[_Job, Future[Any]]]) -> None:
        for job, future in messages:
            self._hand_over(job, future)

    def _hand_over(self, job: _Job, future: Future[Any]) -> None:
        if self._asked.get(job.name) is job:
            del self._asked[job.name]
            job.then(future)
