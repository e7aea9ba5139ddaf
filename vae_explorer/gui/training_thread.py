"""A thread that works beside the window's: it runs one job and keeps what the job says until asked.

A job puts messages into a buffer under a lock; a timer of the window drains the buffer into one
call, so that a training which takes a thousand steps a second costs the window thirty calls.

The thread is Python's own, not a `QThread`: Qt would ask that one for its class on the new thread, without Python's
lock, by a table of PySide's that the window's thread may be filling.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QObject, QTimer, Signal

_log = logging.getLogger(__name__)

DRAIN_INTERVAL_MS = 33
SWITCH_INTERVAL = 0.001  # seconds: how soon a busy thread gives the interpreter to the window


class Job(Protocol):
    """Work to do away from the window. Both methods are called from different threads."""

    def run(self, post: Callable[[object], None]) -> None:
        """Do the work, handing messages to `post`; any exception ends the job as a `Failed`."""
        ...

    def cancel(self) -> None:
        """Ask the job to end soon; it may still post messages until it does."""
        ...


@dataclass(frozen=True)
class Failed:
    """A job ended by an exception."""

    error: BaseException
    details: str  # the traceback, to copy


class _JobThread(threading.Thread):
    """Runs one job, once."""

    def __init__(self, job: Job) -> None:
        super().__init__(name=type(job).__name__)
        self._job = job
        self._lock = threading.Lock()
        self._messages: list[object] = []

    def run(self) -> None:
        try:
            self._job.run(self._post)
        except BaseException as error:  # a thread has no one else to tell
            details = "".join(traceback.format_exception(error))
            self._post(Failed(error, details))

    def take(self) -> list[object]:
        """Everything posted since the last call."""
        with self._lock:
            messages, self._messages = self._messages, []
        return messages

    def _post(self, message: object) -> None:
        with self._lock:
            self._messages.append(message)


class Worker(QObject):
    """One job at a time, its messages delivered on the window's thread in batches.

    `messages_arrived` carries a non-empty list; `ended` comes after the job's last message, also
    when the job failed (its last message is then a `Failed`).
    """

    messages_arrived = Signal(list)
    ended = Signal()

    def __init__(self, parent: QObject | None = None, interval: int = DRAIN_INTERVAL_MS) -> None:
        """Deliver every `interval` milliseconds."""
        super().__init__(parent)
        sys.setswitchinterval(SWITCH_INTERVAL)
        self._thread: _JobThread | None = None
        self._job: Job | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(interval)
        self._timer.timeout.connect(self.drain)

    @property
    def busy(self) -> bool:
        """Whether a job is running, or has ended with messages not yet delivered."""
        return self._thread is not None

    @property
    def job(self) -> Job | None:
        """The job that is running."""
        return self._job

    def start(self, job: Job) -> None:
        """Run a job. Raises RuntimeError while another is running."""
        if self._thread is not None:
            raise RuntimeError("The worker is busy.")
        self._job = job
        self._thread = _JobThread(job)
        self._thread.start()
        self._timer.start()

    def cancel(self) -> None:
        """Ask the running job, if any, to end soon."""
        if self._job is not None:
            self._job.cancel()

    def drain(self) -> None:
        """Deliver what has been posted; the timer calls this."""
        thread = self._thread
        if thread is None:
            return
        done = not thread.is_alive()  # asked first: what is posted before it is then in `take`
        messages = thread.take()
        if done:
            self._forget(thread)
        if messages:
            self.messages_arrived.emit(messages)
        if done:
            self.ended.emit()

    def finish(self) -> None:
        """Wait for the job to end, and deliver what it still says."""
        if self._thread is not None:
            self._thread.join()
            self.drain()

    def shut_down(self) -> None:
        """Cancel and wait for the job to end. What it still says is dropped."""
        thread = self._thread
        if thread is None:
            return
        self.cancel()
        self._forget(thread)

    def _forget(self, thread: _JobThread) -> None:
        thread.join()
        self._timer.stop()
        self._thread = None
        self._job = None
