"""What a newcomer is told on the canvas."""

from __future__ import annotations

from PySide6.QtCore import QSettings, Qt
from pytestqt.qtbot import QtBot

from tests.gui.windows import MakeController
from vae_explorer.gui.controller.application import Controller


def test_the_hint_goes_for_good_after_a_move_and_a_click(
    make_controller: MakeController, joint: Controller, qtbot: QtBot
) -> None:
    canvas = joint.window.canvas
    assert canvas._scene.hint
    qtbot.mouseMove(canvas, canvas.to_pixel(0.5, 0.5).toPoint())
    assert canvas._scene.hint
    place = canvas.to_pixel(1.0, 0.5).toPoint()
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    assert not canvas._scene.hint
    joint.settings.sync()
    again = QSettings(joint.settings.fileName(), QSettings.Format.IniFormat)
    assert again.value("hints/canvas_known", False, bool)
    assert not make_controller().window.canvas._scene.hint
