"""Tasks of somebody who keeps what was made."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage

from tests.e2e.tasks.player import Player
from tests.e2e.tasks.task import Task

CONTROL = Qt.KeyboardModifier.ControlModifier


def export_the_canvas(player: Player) -> None:
    target = player.folder / "plane.png"
    with player.naming_file("plane"):
        player.press(Qt.Key.Key_E, CONTROL)
    player.wait(lambda: not player.controller.export._worker.busy)
    picture = QImage(str(target))
    assert picture.width() == player.window.canvas.width() and picture.height() > 300
    assert str(target) in player.window.banner.text()


def open_by_drop(player: Player) -> None:
    before = player.controller.session.opened
    player.drop(player.models["vae"])
    player.wait(lambda: player.controller.session.opened is not before)
    assert player.window.windowTitle().startswith("vae")
    assert not player.window.classes.isVisible()
    assert player.window.menus.recent_menu.actions()[0].text() == "vae"


def save_under_another_name(player: Player) -> None:
    target = player.folder / "mine.safetensors"
    with player.naming_file("mine"):
        player.press(Qt.Key.Key_S, CONTROL | Qt.KeyboardModifier.ShiftModifier)
    player.wait(lambda: player.window.windowTitle().startswith("mine"))
    assert target.stat().st_size > 100_000
    player.drop(target)
    player.wait(lambda: player.window.training.state() == "idle")
    assert player.window.banner.kind() == "info"


TASKS = [
    Task("export the canvas as a picture", 2, export_the_canvas),
    Task("open a model by dropping its file", 1, open_by_drop),
    Task("save the model under a name of my own", 3, save_under_another_name),
]
