"""The real window in a process of its own: posts real events to it, and writes what it saw as JSON.

`python -m tests.benchmarks.window_process TASK [--data-dir FOLDER] [--train] [--count N]`
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QEventLoop, QObject, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

from tests.benchmarks.resident import peak_memory, resident_memory
from vae_explorer.engine.config import ModelConfig, TrainingConfig
from vae_explorer.gui.app import DEFAULT_SIZE, build
from vae_explorer.gui.controller.application import Controller, Options
from vae_explorer.gui.drawing_sheet import DrawingSheet

Delays = dict[str, list[float]]  # seconds on the clock, and of the window's thread at work

PATIENCE_MS = 240_000
EVENTS_MS = (20, 50)  # between two events: at random, so that none keeps step with a timer
LATENESS_MS = 8
SIZES = (1_000, 10_000, 100_000, 1_000_000)  # points on the canvas
MODEL = ModelConfig(
    kind="joint-vae", preset="deep", widths=(384, 256), activation="silu", classifier="conv",
    class_names=tuple("0123456789"),
)  # fmt: skip


class Painted(QObject):
    """Measures from an event to the paint that shows its answer, once that paint is done.

    Attributes:
        delays: seconds on the clock.
        work: seconds that the window's thread had the processor in them, whatever else ran.
    """

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.delays: list[float] = []
        self.work: list[float] = []
        self._posted: tuple[float, float] | None = None
        self._answered = False
        widget.installEventFilter(self)

    def post(self, receiver: QWidget, event: QMouseEvent) -> None:
        """Hand an event to Qt, as the system would."""
        if self._posted is None:
            self._posted = time.perf_counter(), time.thread_time()
        QApplication.postEvent(receiver, event)

    def answer(self) -> None:
        """What is to be shown is known; the next paint shows it."""
        self._answered = self._posted is not None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint and self._answered:
            self._answered = False
            QTimer.singleShot(0, self._done)  # Qt is back from painting and flushing by then
        return False

    def _done(self) -> None:
        if self._posted is not None:
            self.delays.append(time.perf_counter() - self._posted[0])
            self.work.append(time.thread_time() - self._posted[1])
        self._posted = None


class Probe:
    """A window with its controller, and what can be done to it."""

    def __init__(self, data_dir: Path | None) -> None:
        app = QApplication.instance() or QApplication(["benchmark"])
        assert isinstance(app, QApplication)
        self.app = app
        self.controller: Controller = build(app, Options(None, data_dir, "light"), remembers=False)
        self.window = self.controller.window
        self.window.resize(*DEFAULT_SIZE)
        self.window.show()
        self.run(self.controller.opened.connect, self.controller.start)
        self.wait(1000)

    def run(
        self, connect: Callable[[Callable[..., None]], object], begin: Callable[[], object]
    ) -> None:
        """The event loop until a signal, given its `connect`."""
        loop = QEventLoop()
        connect(lambda *_: loop.quit())
        QTimer.singleShot(0, begin)
        QTimer.singleShot(PATIENCE_MS, loop, loop.quit)
        loop.exec()

    def wait(self, milliseconds: int) -> None:
        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()

    def train(self, dataset: str, epochs: int = 10_000) -> None:
        """Start a training, and wait for its first epoch to be under way."""
        training = TrainingConfig(epochs=epochs)
        self.run(
            self.controller.training.model_replaced.connect,
            lambda: self.controller.training.start(MODEL, dataset, training),
        )
        self.wait(1500)

    def repeat(self, count: int, act: Callable[[int], object]) -> None:
        """Do something `count` times, at irregular moments."""
        loop, done = QEventLoop(), 0
        timer = QTimer(loop)
        timer.setTimerType(Qt.TimerType.PreciseTimer)
        timer.setSingleShot(True)

        def tick() -> None:
            nonlocal done
            if done == count:
                loop.quit()
                return
            act(done)
            done += 1
            timer.start(random.randint(*EVENTS_MS))

        timer.timeout.connect(tick)
        tick()
        loop.exec()

    def close(self) -> None:
        self.controller.session.unsaved = False
        self.window.close()
        self.app.processEvents()


def mouse(kind: QEvent.Type, widget: QWidget, x: float, y: float, pressed: bool) -> QMouseEvent:
    """A mouse event at a place of a widget."""
    place = QPointF(x, y)
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    moves = kind == QEvent.Type.MouseMove
    return QMouseEvent(
        kind, place, widget.mapToGlobal(place), none if moves else left, left if pressed else none,
        Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip


def hover(probe: Probe, count: int) -> Delays:
    """From a move over the canvas to the decoded picture on screen, in seconds."""
    canvas, painted = probe.window.canvas, Painted(probe.window.image)
    probe.controller.exploring.looked.connect(painted.answer)

    def move(step: int) -> None:
        x = canvas.width() * (0.3 + 0.4 * ((7 * step) % 101) / 101)
        y = canvas.height() * (0.3 + 0.4 * ((5 * step) % 97) / 97)
        painted.post(canvas, mouse(QEvent.Type.MouseMove, canvas, x, y, False))

    probe.repeat(count, move)
    return {"clock": painted.delays, "work": painted.work}


def stroke(probe: Probe, count: int) -> Delays:
    """From a move of the pen to the bars that answer it, in seconds."""
    sheet, painted = probe.window.pad.findChild(DrawingSheet), Painted(probe.window.bars)
    assert sheet is not None
    probe.controller.handwriting.drawing_answered.connect(painted.answer)
    side = min(sheet.width(), sheet.height())

    def place(step: int) -> tuple[float, float]:
        part = (step % 40) / 40
        return sheet.width() / 2 + side * (part - 0.5) * 0.6, sheet.height() / 2 + side * 0.3 * part

    def act(step: int) -> None:
        if step % 40 == 0:
            QApplication.postEvent(
                sheet, mouse(QEvent.Type.MouseButtonRelease, sheet, *place(step), False)
            )
            QApplication.postEvent(
                sheet, mouse(QEvent.Type.MouseButtonPress, sheet, *place(step), True)
            )
        painted.post(sheet, mouse(QEvent.Type.MouseMove, sheet, *place(step + 1), True))

    probe.repeat(count, act)
    return {"clock": painted.delays, "work": painted.work}


def lateness(probe: Probe, count: int) -> Delays:
    """How late a timer of the window is, in seconds."""
    late: list[float] = []
    loop, timer = QEventLoop(), QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.setSingleShot(True)
    due = 0.0

    def tick() -> None:
        nonlocal due
        late.append(max(0.0, time.perf_counter() - due))
        if len(late) > count:
            loop.quit()
            return
        due = time.perf_counter() + LATENESS_MS / 1000
        timer.start(LATENESS_MS)

    timer.timeout.connect(tick)
    tick()
    loop.exec()
    return {"clock": late[1:]}


def manifold(probe: Probe, count: int) -> Delays:
    """A 20 × 20 manifold on the window's thread, in seconds."""
    seconds: list[float] = []
    work: list[float] = []
    explorer = probe.controller.session.explorer

    def act(_: int) -> None:
        began, worked = time.perf_counter(), time.thread_time()
        explorer.manifold(20, label=3)
        seconds.append(time.perf_counter() - began)
        work.append(time.thread_time() - worked)

    probe.repeat(count, act)
    return {"clock": seconds, "work": work}


def throughput(probe: Probe, dataset: str, epochs: int) -> float:
    """Images a second of a whole training in the window, curves and canvas live, after its first epoch."""
    events: list[object] = []
    probe.controller.training.epoch_ended.connect(events.append)
    training = TrainingConfig(epochs=epochs)
    probe.run(
        probe.controller.training.finished.connect,
        lambda: probe.controller.training.start(MODEL, dataset, training),
    )
    return max(float(event.images_per_second) for event in events[1:])  # type: ignore[attr-defined]


def points(probe: Probe, count: int) -> dict[str, float]:
    """Seconds to show so many points on the canvas, the median of a few."""
    import numpy as np

    costs = {}
    for size in SIZES:
        generator = np.random.default_rng(size)
        means = generator.standard_normal((size, 2)).astype(np.float32)
        labels = generator.integers(0, 10, size)
        seconds = []
        for _ in range(count):
            began = time.perf_counter()
            probe.window.canvas.set_points(means, labels, MODEL.class_names)
            probe.window.canvas.fit_view()
            probe.window.canvas.grab()
            seconds.append(time.perf_counter() - began)
        costs[str(size)] = sorted(seconds)[count // 2]
    return costs


def memory(probe: Probe, dataset: str) -> dict[str, int]:
    """Bytes of the window with a model on show, and at the largest while it trains."""
    idle = resident_memory()
    probe.train(dataset)
    probe.wait(15_000)
    return {"idle": idle, "training": peak_memory()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("task")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--count", type=int, default=300)
    asked = parser.parse_args()
    dataset = "mnist" if asked.data_dir else "digits"
    probe = Probe(asked.data_dir)
    if asked.train:
        probe.train(dataset)
    tasks: dict[str, Callable[[], object]] = {
        "hover": lambda: hover(probe, asked.count),
        "stroke": lambda: stroke(probe, asked.count),
        "lateness": lambda: lateness(probe, asked.count),
        "manifold": lambda: manifold(probe, asked.count),
        "points": lambda: points(probe, asked.count),
        "memory": lambda: memory(probe, dataset),
        "throughput": lambda: throughput(probe, dataset, asked.count),
    }
    result = tasks[asked.task]()
    if asked.train:
        assert probe.controller.training.busy, "the training ended before the measurement did"
    sys.stdout.write(json.dumps(result))
    sys.stdout.flush()
    probe.close()


if __name__ == "__main__":
    main()
