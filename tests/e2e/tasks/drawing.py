"""Tasks of somebody who draws."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from tests.e2e.tasks.player import Place, Player
from tests.e2e.tasks.task import Task

SEVEN = [(0.25, 0.22), (0.74, 0.22), (0.6, 0.5), (0.47, 0.85)]
ONE = [(0.5, 0.15), (0.5, 0.85)]
DASH = [(0.3, 0.5), (0.7, 0.5)]
CONTROL = Qt.KeyboardModifier.ControlModifier


def read_the_verdict(player: Player) -> None:
    player.draw(SEVEN)
    bars = player.window.bars
    player.wait(lambda: bars._verdict is not None)
    assert bars.accessibleDescription().startswith("Most probable: 7")
    assert bars._verdict is not None and int(bars._verdict.argmax()) == 7
    assert player.window.canvas._scene.drawing is not None
    player.wait(lambda: "Your drawing" in player.window.equation._subject.words())


def undo_a_stroke(player: Player) -> None:
    pad = player.window.pad
    player.draw(ONE)
    first = pad.array()
    player.draw(DASH)
    assert (pad.array() > first).any()
    player.press(Qt.Key.Key_Z, CONTROL)
    assert np.array_equal(pad.array(), first)
    player.click("Redo")
    assert (pad.array() > first).any()


def ten_sevens_in_my_hand(player: Player) -> None:
    """Draw a 1, take the 7 in the same hand, and walk about near it."""
    row, window = player.window.handwriting, player.window
    player.draw(ONE)
    player.wait(lambda: window.canvas._scene.drawing is not None)
    player.click("All classes in this handwriting", row._tile(7).center().toPoint())
    assert window.classes.selected == 7
    mine = window.canvas.pinned
    assert mine is not None
    player.drag_path(mine, _towards_middle(mine))
    frames = player.controller.pages.path_frames
    assert frames is not None and len(frames) >= 10
    explorer = player.controller.session.explorer
    assert (explorer.classify(frames).argmax(axis=1) == 7).sum() >= 10
    np.testing.assert_allclose(frames[0], explorer.decode(np.array([mine]), 7)[0], atol=0.1)


def drop_a_photograph(player: Player) -> None:
    """A dark digit on bright paper arrives as ink."""
    path = player.folder / "photograph.png"
    photograph = QImage(200, 300, QImage.Format.Format_RGB32)
    photograph.fill(QColor(225, 220, 205))
    painter = QPainter(photograph)
    painter.setPen(QPen(QColor(40, 40, 60), 18))
    painter.drawLine(60, 70, 140, 70)
    painter.drawLine(140, 70, 90, 230)
    painter.end()
    assert photograph.save(str(path))
    player.drop(path)
    seven = "Most probable: 7"
    player.wait(lambda: player.window.bars.accessibleDescription().startswith(seven))


def _towards_middle(place: Place) -> Place:
    return 0.6 * place[0], 0.6 * place[1]


TASKS = [
    Task("draw a digit and read what the model makes of it", 1, read_the_verdict),
    Task("undo a stroke, and have it back", 4, undo_a_stroke),
    Task("make ten 7s in my handwriting", 3, ten_sevens_in_my_hand),
    Task("have a photograph of a digit read", 1, drop_a_photograph),
]
