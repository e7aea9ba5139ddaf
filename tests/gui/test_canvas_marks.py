"""What the canvas marks beside layers and pin: the point on show, real images, and words for a newcomer."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from vae_explorer.gui.canvas_paint import AIMED_RING, NEAREST_RING, SHOWN_RING, RingKind
from vae_explorer.gui.latent_canvas import LatentCanvas
from vae_explorer.gui.style import LIGHT

POINTS = np.array([[-1.0, 0.0], [0.0, 1.0], [1.0, -1.0]], dtype=np.float32)
Place = tuple[float, float]


@pytest.fixture
def canvas(qtbot: QtBot) -> LatentCanvas:
    widget = LatentCanvas()
    qtbot.addWidget(widget)
    widget.resize(560, 520)
    widget.show()
    widget.set_points(POINTS, np.arange(3), ("zero", "one", "two"))
    return widget


def at(canvas: LatentCanvas, x: float, y: float) -> QPoint:
    return canvas.to_pixel(x, y).toPoint()


def rings(canvas: LatentCanvas) -> dict[RingKind, Place]:
    return {ring.kind: ring.centre for ring in canvas._scene._rings()}


def colours_on_ring(canvas: LatentCanvas, x: float, y: float, kind: RingKind) -> list[QColor]:
    image, centre = canvas.grab().toImage(), at(canvas, x, y)
    turns = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    offsets = [
        QPoint(round(kind.radius * np.cos(a)), round(kind.radius * np.sin(a))) for a in turns
    ]
    return [image.pixelColor(centre + offset) for offset in offsets]


def test_the_point_on_show_is_ringed(canvas: LatentCanvas) -> None:
    canvas.set_shown((-2.0, 2.0))
    assert rings(canvas)[SHOWN_RING] == (-2.0, 2.0)
    seen = colours_on_ring(canvas, -2.0, 2.0, SHOWN_RING)
    assert np.mean([colour.lightness() for colour in seen]) < 110
    canvas.set_shown(None)
    assert SHOWN_RING not in rings(canvas)


def test_no_ring_where_the_pin_is(canvas: LatentCanvas) -> None:
    canvas.set_shown((0.5, 0.5))
    canvas.set_pinned((0.5, 0.5))
    assert SHOWN_RING not in rings(canvas)
    canvas.set_shown((0.6, 0.5))
    assert SHOWN_RING in rings(canvas)


def test_an_end_of_a_path_has_its_own_mark(canvas: LatentCanvas) -> None:
    canvas.set_shown((1.0, 1.0))
    assert SHOWN_RING in rings(canvas)
    canvas.set_path((0.0, 0.0), (1.0, 1.0))
    assert SHOWN_RING not in rings(canvas)
    canvas.set_path(None)
    assert SHOWN_RING in rings(canvas)


def test_in_one_dimension_the_pins_height_means_nothing(canvas: LatentCanvas) -> None:
    canvas.set_axes(("z₁", ""))
    canvas.set_pinned((0.5, 2.0))
    canvas.set_shown((0.5, 0.0))
    assert SHOWN_RING not in rings(canvas)


def test_a_cursor_that_decodes_needs_no_ring(qtbot: QtBot, canvas: LatentCanvas) -> None:
    canvas.point_hovered.connect(lambda x, y: canvas.set_shown((x, y)))
    for x in (0.3, 0.4):
        qtbot.mouseMove(canvas, at(canvas, x, 0.3))
    assert SHOWN_RING not in rings(canvas)
    canvas._scene.hovered = (0.6, 0.3)  # the next frame's answer has not come yet
    assert SHOWN_RING not in rings(canvas)
    canvas.hover(None)
    assert SHOWN_RING in rings(canvas)


def test_the_read_out_is_of_the_point_on_show(
    qtbot: QtBot, canvas: LatentCanvas, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Place] = []
    words = canvas._scene.place_in_words
    monkeypatch.setattr(canvas._scene, "place_in_words", lambda p: told.append(p) or words(p))
    qtbot.mouseMove(canvas, at(canvas, 0.3, 0.3))
    canvas.set_shown((1.0, -1.0))
    canvas.grab()
    assert told[-1] == (1.0, -1.0)


def test_the_nearest_real_image_has_a_ring_about_its_dot(canvas: LatentCanvas) -> None:
    canvas.set_nearest(1)
    assert rings(canvas) == {NEAREST_RING: (0.0, 1.0)}
    canvas.set_pinned((0.0, 1.0))
    assert rings(canvas) == {}
    canvas.set_pinned(None)
    canvas.set_layer("points", False)
    assert rings(canvas) == {}, "there is no dot"
    canvas.set_layer("points", True)
    canvas.set_nearest(7)
    assert rings(canvas) == {}, "of a model before"


def test_the_dot_that_a_click_would_mean_is_ringed(qtbot: QtBot, canvas: LatentCanvas) -> None:
    qtbot.mouseMove(canvas, at(canvas, 1.0, -1.0) + QPoint(3, 2))
    qtbot.waitUntil(lambda: rings(canvas) == {AIMED_RING: (1.0, -1.0)})
    seen = colours_on_ring(canvas, 1.0, -1.0, AIMED_RING)
    assert np.median([abs(c.hslHue() - LIGHT.accent.hslHue()) for c in seen]) < 20
    qtbot.mouseMove(canvas, at(canvas, 1.0, -1.0) + QPoint(9, 0))
    qtbot.waitUntil(lambda: rings(canvas) == {})


def test_the_ringed_dot_is_sought_anew_when_dots_move(qtbot: QtBot, canvas: LatentCanvas) -> None:
    qtbot.mouseMove(canvas, at(canvas, 1.0, -1.0))
    qtbot.waitUntil(lambda: AIMED_RING in rings(canvas))
    canvas.set_points(POINTS + 0.7, np.arange(3), ("zero", "one", "two"))
    qtbot.waitUntil(lambda: rings(canvas) == {})


def test_a_hint_stands_in_its_corner_until_it_is_taken_away(canvas: LatentCanvas) -> None:
    before = canvas.grab().toImage()
    canvas.set_hint("Move to decode")
    assert canvas.grab().toImage() != before
    canvas.set_hint("")
    assert canvas.grab().toImage() == before
