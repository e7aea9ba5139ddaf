"""The real window as a picture: loaded, a point pinned and a digit drawn, at exactly the size asked."""

from __future__ import annotations

import time
from pathlib import Path

from PySide6.QtCore import QEventLoop, QPoint, QSize, Qt, QTimer
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication

from vae_explorer.engine.errors import EngineError
from vae_explorer.engine.files import write_whole
from vae_explorer.gui.controller import Controller
from vae_explorer.gui.pixels import png_bytes

PATIENCE = 120.0  # seconds for the engine and the model to load
PINNED = (0.62, -0.35)

# A three, as a hand draws it: places on the sheet, both coordinates from 0 to 1, y downwards.
THREE = [
    (0.32, 0.24), (0.40, 0.18), (0.50, 0.16), (0.60, 0.19), (0.66, 0.27), (0.64, 0.36),
    (0.56, 0.43), (0.46, 0.47), (0.57, 0.50), (0.66, 0.57), (0.69, 0.67), (0.64, 0.77),
    (0.54, 0.83), (0.42, 0.83), (0.31, 0.77),
]  # fmt: skip


def take_screenshot(controller: Controller, path: Path, size: QSize) -> None:
    """Wait for the model, pin and draw, and write the picture as PNG.

    Raises:
        EngineError: the model could not be opened, or the picture cannot be written.
    """
    window = controller.window
    window.resize(size)
    wait_until_loaded(controller)
    if not controller.session.ready:
        raise EngineError(window.banner.text() or "There is no model to show.")
    set_the_scene(controller)
    settle(controller)
    write_whole(path, png_bytes(render(controller, size)))


def wait_until_loaded(controller: Controller) -> None:
    """Run the event loop until a model is on show, or opening one has failed."""
    loop = QEventLoop()
    controller.opened.connect(loop.quit)
    controller.open_failed.connect(loop.quit)
    QTimer.singleShot(round(PATIENCE * 1000), loop.quit)
    if not controller.session.ready:
        loop.exec()


def set_the_scene(controller: Controller) -> None:
    """Pin a point and draw a three, as a user would who needs no hint any more."""
    if not controller.session.ready:
        return
    controller.exploring.select_class(3)
    controller.exploring.pin(*PINNED)
    controller.window.canvas.set_hint("")
    controller.window.pad.draw_stroke(THREE)


def settle(controller: Controller, seconds: float = 0.6) -> None:
    """Let timers fire and everything be computed and painted."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
    controller.exploring.finish()
    controller.idle.finish()
    for _ in controller.window.make_curves():
        pass
    QApplication.processEvents()


def render(controller: Controller, size: QSize) -> QImage:
    """The window in an image of exactly this size."""
    window = controller.window
    window.setFixedSize(size)  # where a screen is smaller than what is asked for
    QApplication.processEvents()
    image = QImage(size, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    window.render(painter, QPoint(0, 0))
    painter.end()
    return image
