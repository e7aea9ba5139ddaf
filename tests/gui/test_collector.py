"""Garbage is collected on the window's thread only."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from vae_explorer.gui.collector import Collector
from vae_explorer.gui.controller.application import Controller
from vae_explorer.gui.jobs import uncollected


class Knot:
    """Garbage that only a collection finds."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def collector() -> Iterator[Collector]:
    parent = QObject()
    made = Collector(parent)
    yield made
    made.stop()


def test_another_thread_collects_nothing_however_much_it_makes(
    collector: Collector, qtbot: QtBot
) -> None:
    threads: list[str] = []

    def note(phase: str, _: dict[str, int]) -> None:
        threads.append(threading.current_thread().name)

    def work() -> None:
        for _ in range(5000):
            Knot()

    dropped = weakref.ref(Knot())
    gc.callbacks.append(note)
    try:
        thread = threading.Thread(target=work, name="training")
        thread.start()
        thread.join()
        assert threads == []
        assert dropped() is not None
        collector.collect()
    finally:
        gc.callbacks.remove(note)
    assert set(threads) == {threading.main_thread().name}
    assert dropped() is None


def test_nothing_is_collected_amid_an_import(collector: Collector) -> None:
    """It would look through all that is made there, and hold the window up."""
    began, end = threading.Event(), threading.Event()
    phases: list[str] = []

    def work() -> None:
        with uncollected():
            began.set()
            assert end.wait(20)

    thread = threading.Thread(target=work)
    gc.callbacks.append(lambda phase, _: phases.append(phase))
    try:
        thread.start()
        assert began.wait(20)
        some = [Knot() for _ in range(5000)]
        collector.collect()
        assert phases == []
        end.set()
        thread.join()
        some += [Knot() for _ in range(5000)]
        collector.collect()
        assert phases == ["start", "stop"]
    finally:
        gc.callbacks.pop()
        end.set()


def test_a_closed_window_leaves_python_to_collect(joint: Controller) -> None:
    assert not gc.isenabled()
    joint.window.close()
    assert gc.isenabled()
