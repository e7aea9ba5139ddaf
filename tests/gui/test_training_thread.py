"""The worker: messages in order, failures told, cancelled and waited for."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from vae_explorer.gui.training_thread import Failed, Worker


class Counting:
    """Posts numbers, and perhaps fails at the end."""

    def __init__(self, count: int, error: Exception | None = None) -> None:
        self.count, self.error = count, error

    def run(self, post: Callable[[object], None]) -> None:
        for number in range(self.count):
            post(number)
        if self.error is not None:
            raise self.error

    def cancel(self) -> None:
        raise AssertionError("nobody should cancel this")


class Endless:
    """Runs until it is cancelled."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self.ended = False

    def run(self, post: Callable[[object], None]) -> None:
        while not self.cancelled.wait(0.001):
            post("tick")
        self.ended = True

    def cancel(self) -> None:
        self.cancelled.set()


class Heard:
    """What a worker said, as batches, and how often it ended."""

    def __init__(self, worker: Worker) -> None:
        self.batches: list[list[object]] = []
        self.ended = 0
        worker.messages_arrived.connect(self.batches.append)
        worker.ended.connect(self.end)

    def end(self) -> None:
        self.ended += 1

    @property
    def messages(self) -> list[object]:
        return [message for batch in self.batches for message in batch]


def test_messages_arrive_in_order_and_in_few_batches(qtbot: QtBot) -> None:
    worker = Worker()
    heard = Heard(worker)
    with qtbot.waitSignal(worker.ended):
        worker.start(Counting(5000))
    assert heard.messages == list(range(5000))
    assert len(heard.batches) < 50
    assert heard.ended == 1
    assert not worker.busy


def test_a_failure_is_the_last_message_and_carries_its_traceback(qtbot: QtBot) -> None:
    worker = Worker()
    heard = Heard(worker)
    with qtbot.waitSignal(worker.ended):
        worker.start(Counting(3, ValueError("no good")))
    *numbers, last = heard.messages
    assert numbers == [0, 1, 2]
    assert isinstance(last, Failed)
    assert isinstance(last.error, ValueError)
    assert "Traceback" in last.details
    assert "no good" in last.details


def test_a_job_runs_on_a_thread_that_qt_has_no_part_in(qtbot: QtBot) -> None:
    threads = []

    class Asking(Counting):
        def run(self, post: Callable[[object], None]) -> None:
            threads.append(threading.current_thread())

    worker = Worker()
    with qtbot.waitSignal(worker.ended):
        worker.start(Asking(0))
    assert [thread.name for thread in threads] == ["Asking"]
    assert not isinstance(
        threads[0], threading._DummyThread
    )  # what Python calls one that it did not start


def test_one_job_at_a_time(qtbot: QtBot) -> None:
    worker, job = Worker(), Endless()
    worker.start(job)
    with pytest.raises(RuntimeError):
        worker.start(Counting(1))
    with qtbot.waitSignal(worker.ended):
        worker.cancel()
    assert job.ended


def test_shut_down_waits_and_drops_what_is_left() -> None:
    worker, job = Worker(), Endless()
    heard = Heard(worker)
    worker.start(job)
    worker.shut_down()
    assert job.ended
    assert not worker.busy
    assert heard.ended == 0
    worker.shut_down()  # again is harmless


def test_to_finish_is_to_wait_and_to_hear_all() -> None:
    worker = Worker()
    heard = Heard(worker)
    worker.finish()  # nothing to wait for
    worker.start(Counting(3))
    worker.finish()
    assert heard.messages == [0, 1, 2]
    assert heard.ended == 1 and not worker.busy


def test_a_worker_can_be_used_again(qtbot: QtBot) -> None:
    worker = Worker()
    heard = Heard(worker)
    for _ in range(2):
        with qtbot.waitSignal(worker.ended):
            worker.start(Counting(2))
    assert heard.messages == [0, 1, 0, 1]
