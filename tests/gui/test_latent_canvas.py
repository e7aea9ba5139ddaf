"""The latent canvas under a real mouse and keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QEnterEvent, QImage, QPainter, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from vae_explorer.gui import canvas_labels, canvas_paint
from vae_explorer.gui.canvas_frame import Frame
from vae_explorer.gui.canvas_layers import PointsLayer
from vae_explorer.gui.canvas_paint import PIN_ARM
from vae_explorer.gui.latent_canvas import LatentCanvas
from vae_explorer.gui.style import DARK, LIGHT

NAMES = ("zero", "one", "two")
POINTS = np.array([[-1.0, 0.0], [0.0, 1.0], [1.0, -1.0]], dtype=np.float32)
Caught = list[tuple[object, ...]]
LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
SHIFT, NO_KEY = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.NoModifier


@pytest.fixture
def canvas(qtbot: QtBot) -> LatentCanvas:
    widget = LatentCanvas()
    qtbot.addWidget(widget)
    widget.resize(560, 520)
    widget.show()
    widget.set_points(POINTS, np.arange(3), NAMES)
    qtbot.waitUntil(lambda: drawn(widget, 1.0, -1.0))
    return widget


def at(canvas: LatentCanvas, x: float, y: float) -> QPoint:
    return canvas.to_pixel(x, y).toPoint()


def shot(canvas: LatentCanvas) -> QImage:
    return canvas.grab().toImage()


def colour(canvas: LatentCanvas, x: float, y: float) -> QColor:
    return shot(canvas).pixelColor(at(canvas, x, y))


def drawn(canvas: LatentCanvas, x: float, y: float) -> bool:
    return colour(canvas, x, y).name() != LIGHT.canvas.name()


def differ(first: QImage, second: QImage) -> bool:
    """Whether two pictures differ by more than a letter's anti-aliasing."""
    a, b = (
        np.frombuffer(image.constBits(), np.uint8).astype(int)
        for image in (first.convertToFormat(QImage.Format.Format_RGB32), second)
    )
    return bool(np.abs(a - b).max() > 16)


def caught(signal: object) -> Caught:
    seen: Caught = []
    signal.connect(lambda *values: seen.append(values))  # type: ignore[attr-defined]
    return seen


def wheel(canvas: LatentCanvas, position: QPoint, notches: int) -> None:
    place = QPointF(position)
    event = QWheelEvent(
        place, canvas.mapToGlobal(place), QPoint(), QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton, NO_KEY, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(canvas, event)


def drag(
    qtbot: QtBot,
    canvas: LatentCanvas,
    start: QPoint,
    end: QPoint,
    button: Qt.MouseButton = LEFT,
    keys: Qt.KeyboardModifier = NO_KEY,
) -> None:
    qtbot.mousePress(canvas, button, keys, start)
    qtbot.mouseMove(canvas, (start + end) / 2)
    qtbot.mouseMove(canvas, end)
    qtbot.mouseRelease(canvas, button, keys, end)


def pixel_size(canvas: LatentCanvas) -> float:
    """Latent units per pixel."""
    return abs(canvas.frame.to_latent(1, 0)[0] - canvas.frame.to_latent(0, 0)[0])


# --- mouse -----------------------------------------------------------------------------------


def test_hover_tells_the_latent_point_under_the_cursor(qtbot: QtBot, canvas: LatentCanvas) -> None:
    seen = caught(canvas.point_hovered)
    qtbot.mouseMove(canvas, at(canvas, 0.5, -0.7))
    assert seen[-1] == pytest.approx((0.5, -0.7), abs=pixel_size(canvas))


def test_hover_outside_the_plot_tells_that_it_left(qtbot: QtBot, canvas: LatentCanvas) -> None:
    hovered, left = caught(canvas.point_hovered), caught(canvas.hover_left)
    qtbot.mouseMove(canvas, at(canvas, 0.0, 0.0))
    qtbot.mouseMove(canvas, QPoint(5, canvas.height() - 30))
    assert len(hovered) == 1
    assert len(left) == 1


def test_click_pins_and_tells(qtbot: QtBot, canvas: LatentCanvas) -> None:
    seen = caught(canvas.point_picked)
    qtbot.mouseClick(canvas, LEFT, NO_KEY, at(canvas, 0.5, 0.25))
    assert seen[-1] == pytest.approx((0.5, 0.25), abs=pixel_size(canvas))
    assert canvas.pinned == seen[-1]
    assert colour(canvas, 0.5, 0.25).lightness() < 80  # the pin's middle


def test_drag_scrubs_the_pin_along(qtbot: QtBot, canvas: LatentCanvas) -> None:
    picked, hovered = caught(canvas.point_picked), caught(canvas.point_hovered)
    drag(qtbot, canvas, at(canvas, -0.5, 0.5), at(canvas, 0.5, -0.5))
    assert len(picked) >= 3
    assert picked[-1] == pytest.approx((0.5, -0.5), abs=pixel_size(canvas))
    assert hovered[-1] == picked[-1]


def test_a_scrub_beyond_the_edge_stays_in_the_plot(qtbot: QtBot, canvas: LatentCanvas) -> None:
    picked = caught(canvas.point_picked)
    drag(qtbot, canvas, at(canvas, 0.0, 0.0), QPoint(canvas.width() + 300, 200))
    assert picked[-1][0] == pytest.approx(canvas.view[1])


def test_click_on_a_dot_tells_its_index(qtbot: QtBot, canvas: LatentCanvas) -> None:
    seen, picked = caught(canvas.sample_clicked), caught(canvas.point_picked)
    qtbot.mouseClick(canvas, LEFT, NO_KEY, at(canvas, 0.0, 1.0) + QPoint(3, 2))
    assert seen == [(1,)]
    assert len(picked) == 1
    qtbot.mouseClick(canvas, LEFT, NO_KEY, at(canvas, 0.4, 0.4))
    assert len(seen) == 1


def test_double_click_on_a_dot_takes_its_image(qtbot: QtBot, canvas: LatentCanvas) -> None:
    seen, picked = caught(canvas.sample_picked), caught(canvas.point_picked)
    place = at(canvas, 0.0, 1.0) + QPoint(3, 2)
    qtbot.mouseClick(canvas, LEFT, NO_KEY, place)
    assert seen == []
    qtbot.mouseDClick(canvas, LEFT, NO_KEY, place)
    assert seen == [(1,)]
    known = len(picked)
    qtbot.mouseMove(canvas, place + QPoint(60, 0))  # the button is up: nothing is pulled along
    assert len(picked) == known
    qtbot.mouseDClick(canvas, LEFT, NO_KEY, at(canvas, 0.4, 0.4))
    assert len(seen) == 1
    assert len(picked) > known, "where there is no dot, it is two clicks"


def test_a_handle_on_a_dot_lies_on_top(qtbot: QtBot, canvas: LatentCanvas) -> None:
    seen = caught(canvas.sample_picked)
    canvas.set_path((0.0, 1.0), (1.0, 1.0))
    qtbot.mouseDClick(canvas, LEFT, NO_KEY, at(canvas, 0.0, 1.0))
    assert seen == []


def test_the_cursors_tremble_after_a_click_is_no_hovering(
    qtbot: QtBot, canvas: LatentCanvas
) -> None:
    hovered, place = caught(canvas.point_hovered), at(canvas, 0.5, 0.25)
    qtbot.mouseClick(canvas, LEFT, NO_KEY, place)
    qtbot.mouseMove(canvas, place + QPoint(2, 1))
    assert hovered == []
    qtbot.mouseMove(canvas, place + QPoint(6, 0))
    assert len(hovered) == 1


def test_a_scrub_that_ends_on_a_point_picks_no_sample(qtbot: QtBot, canvas: LatentCanvas) -> None:
    seen = caught(canvas.sample_clicked)
    drag(qtbot, canvas, at(canvas, 0.6, 0.3), at(canvas, 0.0, 1.0))
    assert seen == []


def test_points_that_are_hidden_cannot_be_picked(qtbot: QtBot, canvas: LatentCanvas) -> None:
    clicked, picked = caught(canvas.sample_clicked), caught(canvas.sample_picked)
    canvas.set_layer("points", False)
    qtbot.mouseClick(canvas, LEFT, NO_KEY, at(canvas, 0.0, 1.0))
    qtbot.mouseDClick(canvas, LEFT, NO_KEY, at(canvas, 0.0, 1.0))
    assert clicked == picked == []


def test_wheel_zooms_about_the_cursor(canvas: LatentCanvas) -> None:
    place = at(canvas, 1.0, -0.8)
    before, width = canvas.frame.to_latent(place.x(), place.y()), canvas.view[1] - canvas.view[0]
    wheel(canvas, place, 2)
    assert canvas.frame.to_latent(place.x(), place.y()) == pytest.approx(before)
    assert canvas.view[1] - canvas.view[0] == pytest.approx(width / 1.44)
    wheel(canvas, place, -2)
    assert canvas.view[1] - canvas.view[0] == pytest.approx(width)


@pytest.mark.parametrize("button", [RIGHT, Qt.MouseButton.MiddleButton])
def test_other_buttons_pan(qtbot: QtBot, canvas: LatentCanvas, button: Qt.MouseButton) -> None:
    picked, start = caught(canvas.point_picked), at(canvas, 0.0, 0.0)
    drag(qtbot, canvas, start, start + QPoint(60, 40), button)
    moved = at(canvas, 0.0, 0.0) - start
    assert (moved.x(), moved.y()) == (60, 40)
    assert picked == []


def test_shift_drag_draws_a_path_whose_handles_can_be_moved(
    qtbot: QtBot, canvas: LatentCanvas
) -> None:
    paths, picked = caught(canvas.path_drawn), caught(canvas.point_picked)
    drag(qtbot, canvas, at(canvas, -1.5, -1.0), at(canvas, 1.5, 1.0), keys=SHIFT)
    assert paths[-1] == pytest.approx((-1.5, -1.0, 1.5, 1.0), abs=pixel_size(canvas))
    drag(qtbot, canvas, at(canvas, 1.5, 1.0), at(canvas, 1.0, -1.5))
    assert paths[-1] == pytest.approx((-1.5, -1.0, 1.0, -1.5), abs=2 * pixel_size(canvas))
    drag(qtbot, canvas, at(canvas, -1.5, -1.0), at(canvas, -2.0, 0.5))
    assert paths[-1][:2] == pytest.approx((-2.0, 0.5), abs=2 * pixel_size(canvas))
    assert picked == []


def test_what_a_path_is_dragged_over_is_told(qtbot: QtBot, canvas: LatentCanvas) -> None:
    seen = caught(canvas.point_hovered)
    drag(qtbot, canvas, at(canvas, -1.5, -1.0), at(canvas, 1.5, 1.0), keys=SHIFT)
    assert seen[-1] == pytest.approx((1.5, 1.0), abs=pixel_size(canvas))


def test_the_header_is_no_place_to_hover(qtbot: QtBot, canvas: LatentCanvas) -> None:
    left = caught(canvas.hover_left)
    qtbot.mouseMove(canvas, at(canvas, 0.0, 0.0))
    bar = canvas._header._bar
    centre = QPointF(bar.rect().center())
    QApplication.sendEvent(bar, QEnterEvent(centre, centre, bar.mapToGlobal(centre)))
    assert len(left) == 1


def test_a_shift_click_is_no_path(qtbot: QtBot, canvas: LatentCanvas) -> None:
    drawn_paths = caught(canvas.path_drawn)
    qtbot.mouseClick(canvas, LEFT, SHIFT, at(canvas, 0.0, 0.0))
    assert drawn_paths == []
    assert canvas.path_ends is None


# --- keys ------------------------------------------------------------------------------------


def test_arrow_keys_step_the_pin(qtbot: QtBot, canvas: LatentCanvas) -> None:
    seen = caught(canvas.point_picked)
    canvas.set_pinned((0.0, 0.0))
    qtbot.keyClick(canvas, Qt.Key.Key_Right)
    small = seen[-1][0]
    qtbot.keyClick(canvas, Qt.Key.Key_Up, SHIFT)
    assert isinstance(small, float) and small > 0
    assert seen[-1] == pytest.approx((small, 10 * small))
    qtbot.keyClick(canvas, Qt.Key.Key_Down, SHIFT)
    qtbot.keyClick(canvas, Qt.Key.Key_Left)
    assert seen[-1] == pytest.approx((0.0, 0.0), abs=1e-9)


def test_a_stepped_pin_stays_in_view(qtbot: QtBot, canvas: LatentCanvas) -> None:
    for _ in range(30):
        qtbot.keyClick(canvas, Qt.Key.Key_Right, SHIFT)
    assert canvas.pinned is not None
    assert canvas.view[0] < canvas.pinned[0] < canvas.view[1]
    assert canvas.pinned[0] > 5


def test_f_fits_after_a_zoom(qtbot: QtBot, canvas: LatentCanvas) -> None:
    fitted = canvas.view
    wheel(canvas, at(canvas, 1.0, 1.0), 5)
    assert canvas.view != pytest.approx(fitted)
    qtbot.keyClick(canvas, Qt.Key.Key_F)
    assert canvas.view == pytest.approx(fitted)


def test_plus_and_minus_zoom(qtbot: QtBot, canvas: LatentCanvas) -> None:
    before = canvas.view
    qtbot.keyClick(canvas, Qt.Key.Key_Plus)
    assert canvas.view[1] < before[1]
    qtbot.keyClick(canvas, Qt.Key.Key_Minus)
    assert canvas.view == pytest.approx(before)


def test_escape_takes_away_the_path_then_the_pin(qtbot: QtBot, canvas: LatentCanvas) -> None:
    canvas.set_pinned((0.0, 0.0))
    canvas.set_path((0.0, 0.0), (1.0, 1.0))
    with qtbot.waitSignal(canvas.path_cleared):
        qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    assert canvas.pinned is not None
    with qtbot.waitSignal(canvas.pin_cleared):
        qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    assert canvas.pinned is None


# --- layers and looks ------------------------------------------------------------------------


def test_points_wear_their_class_colours(canvas: LatentCanvas) -> None:
    for index, (x, y) in enumerate(POINTS):
        seen, want = colour(canvas, x, y), LIGHT.class_color(index)
        assert abs(seen.hslHue() - want.hslHue()) < 12


def test_a_toggle_hides_and_shows_points(qtbot: QtBot, canvas: LatentCanvas) -> None:
    canvas.set_layer("points", False)
    canvas.set_layer("prior", False)
    assert not drawn(canvas, 1.0, -1.0)
    canvas.set_layer("points", True)
    assert drawn(canvas, 1.0, -1.0)


def test_only_the_user_is_told_of_layers(qtbot: QtBot, canvas: LatentCanvas) -> None:
    seen = caught(canvas.layer_toggled)
    canvas.set_layer("support", True)
    assert seen == []
    assert canvas._scene.visible["support"]
    button = next(b for b in canvas.findChildren(type(canvas._header._more)) if b.text() == "Prior")
    qtbot.mouseClick(button, LEFT)
    assert seen == [("prior", False)]
    assert not canvas._scene.visible["prior"]


def test_an_unknown_layer_is_an_error(canvas: LatentCanvas) -> None:
    with pytest.raises(KeyError):
        canvas.set_layer("grid", True)


def layer_shows(
    qtbot: QtBot,
    canvas: LatentCanvas,
    name: str,
    give: Callable[[], None],
    where: tuple[float, float],
) -> None:
    canvas.set_layer("prior", False)
    give()
    canvas.set_layer(name, True)
    qtbot.waitUntil(lambda: drawn(canvas, *where))
    canvas.set_layer(name, False)
    assert not drawn(canvas, *where)


def test_the_manifold_is_the_right_way_up(qtbot: QtBot, canvas: LatentCanvas) -> None:
    images = np.zeros((2, 2, 4, 4))
    images[0, 1] = 1.0  # the upper right quarter is all ink
    layer_shows(
        qtbot, canvas, "manifold", lambda: canvas.set_manifold(images, (-2, 2, -2, 2)), (1.5, 1.5)
    )
    canvas.set_layer("manifold", True)
    assert not drawn(canvas, -1.5, 1.5)
    assert not drawn(canvas, 1.5, -1.5)


def test_regions_are_the_right_way_up(qtbot: QtBot, canvas: LatentCanvas) -> None:
    classes = np.zeros((8, 8), dtype=int)
    classes[:4] = 2
    give = lambda: canvas.set_regions(classes, np.ones((8, 8)), (-2, 2, -2, 2))  # noqa: E731
    layer_shows(qtbot, canvas, "regions", give, (1.5, 1.5))
    canvas.set_layer("regions", True)
    hue = LIGHT.class_color(2).hslHue()
    assert abs(colour(canvas, -1.5, 1.5).hslHue() - hue) < 15
    assert abs(colour(canvas, -1.5, -1.5).hslHue() - hue) > 15


def test_support_veils_empty_places(qtbot: QtBot, canvas: LatentCanvas) -> None:
    points = np.random.default_rng(0).normal(scale=0.5, size=(2000, 2)).astype(np.float32)
    canvas.set_points(points)
    canvas.set_layer("points", False)
    layer_shows(qtbot, canvas, "support", lambda: None, (-2.6, 2.0))
    canvas.set_layer("support", True)
    assert not drawn(canvas, 0.0, 0.0)


def test_prior_circles_lie_at_one_and_two_sigma(canvas: LatentCanvas) -> None:
    canvas.clear_points()
    image = shot(canvas)
    for sigma in (1.0, 2.0):
        ring = [
            image.pixelColor(at(canvas, sigma * np.cos(a), sigma * np.sin(a))).lightness()
            for a in np.linspace(0.1, 1.4, 60)
        ]
        assert min(ring) < 190  # dashes
    between = [
        image.pixelColor(at(canvas, 1.5 * np.cos(a), 1.5 * np.sin(a))).lightness()
        for a in np.linspace(0.1, 1.4, 60)
    ]
    assert min(between) > 240


def chips(canvas: LatentCanvas, monkeypatch: pytest.MonkeyPatch) -> dict[str, QRectF]:
    """The words that are painted over the canvas, and where."""
    placed: dict[str, QRectF] = {}
    paint = canvas_labels.chip

    def noted(painter: QPainter, rect: QRectF, text: str, *look: Any) -> None:
        placed[text] = rect
        paint(painter, rect, text, *look)

    monkeypatch.setattr(canvas_labels, "chip", noted)
    shot(canvas)
    return placed


def test_a_posterior_is_called_by_its_symbol(
    canvas: LatentCanvas, monkeypatch: pytest.MonkeyPatch
) -> None:
    canvas.set_ellipse((0.3, 0.75), np.eye(2) / 20, "q(z|x)")
    assert chips(canvas, monkeypatch).keys() == {"1σ", "2σ", "q(z|x)"}


@pytest.mark.parametrize("pin", [(0.3, 0.75), (0.5, 0.75), (0.72, -0.72), (3.2, 3.0), (-3.2, -3.2)])
def test_words_keep_clear_of_the_pin(
    canvas: LatentCanvas, monkeypatch: pytest.MonkeyPatch, pin: tuple[float, float]
) -> None:
    canvas.set_drawing(pin if abs(pin[0]) > 3 else (0.3, 0.75), np.eye(2) / 20)
    canvas.set_pinned(pin)
    placed = chips(canvas, monkeypatch)
    assert placed.keys() == {"1σ", "2σ", "your drawing"}
    x, y = canvas.to_pixel(*pin).toTuple()
    for rect in placed.values():
        assert not rect.intersects(QRectF(x - PIN_ARM, y - PIN_ARM, 2 * PIN_ARM, 2 * PIN_ARM))
        assert canvas_paint.plot_rect(canvas.frame).contains(rect)


def test_the_names_of_the_circles_keep_out_of_the_way_of_a_mark(
    canvas: LatentCanvas, monkeypatch: pytest.MonkeyPatch
) -> None:
    canvas.set_drawing((0.3, 0.75), np.eye(2) / 20)
    placed = chips(canvas, monkeypatch)
    assert placed.keys() == {"1σ", "2σ", "your drawing"}
    for name in ("1σ", "2σ"):
        assert not placed[name].intersects(placed["your drawing"])


def test_a_clicked_class_is_brought_forward(qtbot: QtBot, canvas: LatentCanvas) -> None:
    canvas.set_layer("prior", False)
    entry = canvas._scene._legend[0]
    place = (entry.rect.center() + canvas._scene._legend_origin).toPoint()
    qtbot.mouseClick(canvas, LEFT, NO_KEY, place)
    qtbot.waitUntil(lambda: colour(canvas, 0.0, 1.0).lightness() > 225)
    assert colour(canvas, -1.0, 0.0).lightness() < 160
    qtbot.mouseClick(canvas, LEFT, NO_KEY, place)
    qtbot.waitUntil(lambda: colour(canvas, 0.0, 1.0).lightness() < 160)


def test_no_other_class_cuts_into_the_dots_of_a_highlighted_one() -> None:
    crowd = np.random.default_rng(0).normal(size=(4000, 2)).astype(np.float32) * 0.3
    layer, frame = PointsLayer(), Frame().placed(0, 0, 400, 300).fitted((-4.0, 4.0, -3.0, 3.0))
    layer.set(np.vstack([crowd, [[0.0, 0.0]]]), np.repeat([0, 1], [4000, 1]), 2)
    raster = layer.render(frame, 1.0, LIGHT, highlighted=1)
    assert raster is not None
    x, y = (round(v) for v in frame.to_pixel(0.0, 0.0))
    body = {raster.image.pixelColor(x + i, y + j).name() for i in (-1, 0) for j in (-1, 0)}
    hues = {QColor(name).hue() for name in body}
    assert all(abs(hue - LIGHT.class_color(1).hue()) < 10 for hue in hues)


def test_the_legend_names_every_class_at_every_width(canvas: LatentCanvas) -> None:
    names = [f"a class with a long name {i}" for i in range(10)]
    canvas.set_points(POINTS, np.arange(3), names)
    for width in (260, 560, 1200):
        canvas.resize(width, 500)
        QApplication.processEvents()
        entries = canvas._scene._legend
        assert [e.index for e in entries] == list(range(10))
        assert max(e.rect.right() for e in entries) <= width


def test_forty_seven_classes_fit_the_legend(canvas: LatentCanvas) -> None:
    canvas.set_points(POINTS, np.arange(3), [chr(65 + i) for i in range(47)])
    canvas.resize(700, 600)
    QApplication.processEvents()
    assert len(canvas._scene._legend) == 47


def test_a_drawing_and_an_ellipse_leave_marks(canvas: LatentCanvas) -> None:
    canvas.set_layer("prior", False)
    canvas.set_drawing(np.array([-1.0, -1.5]), np.diag([0.2, 0.1]))
    canvas.set_ellipse((1.5, 1.5), np.diag([0.3, 0.2]))
    assert drawn(canvas, -1.0, -1.5)
    assert drawn(canvas, 1.5, 1.5)
    canvas.clear_drawing()
    canvas.clear_ellipse()
    assert not drawn(canvas, -1.0, -1.5)
    assert not drawn(canvas, 1.5, 1.5)


def test_an_ellipse_is_tilted_as_its_covariance_is(canvas: LatentCanvas) -> None:
    canvas.set_layer("prior", False)
    for sign in (1.0, -1.0):
        canvas.set_ellipse((0.0, 0.0), np.array([[1.0, 0.0], [sign * 0.9, 0.1]]))
        assert drawn(canvas, 1.0, sign * 0.9)
        assert not drawn(canvas, 1.0, sign * -0.9)


def test_the_prior_stands_where_its_mean_lies(canvas: LatentCanvas) -> None:
    canvas.clear_points()
    assert not drawn(canvas, 0.7, 1.3)
    canvas.set_axes(("principal 1", "principal 2"), (0.7, 0.3))
    assert drawn(canvas, 0.7, 1.3)


@pytest.mark.parametrize(
    ("titles", "y", "words"),
    [
        (("z₁", "z₂"), -1.25, "z₁ = 0.50, z₂ = −1.25"),
        (("z₁", "z₂"), -0.001, "z₁ = 0.50, z₂ = 0.00"),
        (("z₁", ""), -1.25, "z₁ = 0.50"),
        (("principal 1", "principal 2"), -1.25, "principal 1 = 0.50, principal 2 = −1.25"),
    ],
)
def test_a_place_is_named_by_the_axes(
    canvas: LatentCanvas, titles: tuple[str, str], y: float, words: str
) -> None:
    canvas.set_axes(titles)
    assert canvas._scene.place_in_words((0.5, y)) == words


def test_a_message_stands_in_the_middle_of_an_empty_canvas(
    qtbot: QtBot, canvas: LatentCanvas
) -> None:
    canvas.clear_points()
    canvas.set_layer("prior", False)
    qtbot.waitUntil(lambda: not drawn(canvas, 1.0, -1.0))
    before = shot(canvas)
    canvas.set_enabled_message("No model is open.")
    assert differ(shot(canvas), before)
    canvas.set_enabled_message(None)
    assert not differ(shot(canvas), before)


def test_the_dark_theme_is_dark(qtbot: QtBot, canvas: LatentCanvas) -> None:
    canvas.set_theme(DARK)
    assert colour(canvas, -2.5, 2.5).name() == DARK.canvas.name()
    qtbot.waitUntil(lambda: colour(canvas, 1.0, -1.0).lightness() > 80)


def test_a_wrong_shape_is_refused(canvas: LatentCanvas) -> None:
    with pytest.raises(ValueError, match=r"\(N, 2\)"):
        canvas.set_points(np.zeros((5, 3)))
    with pytest.raises(ValueError, match="labels"):
        canvas.set_points(np.zeros((5, 2)), np.zeros(4, dtype=int), NAMES)


def test_points_that_are_not_numbers_are_left_out(qtbot: QtBot, canvas: LatentCanvas) -> None:
    broken = np.vstack([POINTS, [[np.nan, np.inf]]])
    canvas.set_points(broken, np.array([0, 1, 2, 0]), NAMES)
    qtbot.waitUntil(lambda: drawn(canvas, 1.0, -1.0))


# --- view ------------------------------------------------------------------------------------


def test_view_change_is_told_once_it_has_settled(qtbot: QtBot, canvas: LatentCanvas) -> None:
    seen = caught(canvas.view_changed)
    for _ in range(5):
        wheel(canvas, at(canvas, 0.0, 0.0), 1)
    assert seen == []
    qtbot.waitUntil(lambda: len(seen) > 0)
    assert len(seen) == 1
    assert seen[0] == pytest.approx(canvas.view)


def test_one_scale_for_both_axes_at_every_size(canvas: LatentCanvas) -> None:
    for size in ((300, 300), (900, 400), (400, 800)):
        canvas.resize(*size)
        QApplication.processEvents()
        origin, one = canvas.to_pixel(0, 0), canvas.to_pixel(1, 1)
        assert one.x() - origin.x() == pytest.approx(origin.y() - one.y())
        x0, x1, y0, y1 = canvas.view
        assert x0 < -2 and x1 > 2 and y0 < -2 and y1 > 2  # still fitted


def test_a_resize_keeps_the_users_view(canvas: LatentCanvas) -> None:
    wheel(canvas, at(canvas, 0.5, 0.5), 4)
    centre = (canvas.frame.x, canvas.frame.y, canvas.frame.scale)
    canvas.resize(700, 600)
    QApplication.processEvents()
    assert (canvas.frame.x, canvas.frame.y, canvas.frame.scale) == pytest.approx(centre)


def test_a_narrow_header_moves_its_layers_into_a_menu(canvas: LatentCanvas) -> None:
    header = canvas._header
    canvas.resize(900, 500)
    QApplication.processEvents()
    assert all(b.isVisible() for b in header._buttons)
    canvas.resize(250, 400)
    QApplication.processEvents()
    assert header._more.isVisible()
    assert not any(b.isVisible() for b in header._buttons)


def test_hundreds_of_thousands_of_points_are_all_there(qtbot: QtBot, canvas: LatentCanvas) -> None:
    points = np.clip(np.random.default_rng(0).normal(size=(300_000, 2)), -3, 3)
    canvas.set_points(points, np.arange(300_000) % 3, NAMES)
    qtbot.waitUntil(lambda: canvas._scene.points._splat is not None)
    splat = canvas._scene.points._splat
    assert splat is not None
    edge = splat.border
    assert splat.ink.sum() == splat.ink[edge:-edge, edge:-edge].sum() == 300_000


def test_in_one_dimension_the_prior_is_lines_and_the_height_has_no_numbers(
    qtbot: QtBot, canvas: LatentCanvas
) -> None:
    canvas.clear_points()
    two = shot(canvas)
    canvas.set_axes(("z₁", ""))
    qtbot.waitUntil(lambda: differ(shot(canvas), two))
    one = shot(canvas)
    column = [one.pixelColor(at(canvas, 1.0, y / 50)).lightness() for y in range(102, 120)]
    assert min(column) < 200, "a dashed line goes through heights that no circle reaches"
    left = round(canvas.frame.left)
    margin = one.copy(0, at(canvas, 0.0, 2.1).y(), left - 2, 30)
    paper = {margin.pixel(x, y) for x in range(margin.width()) for y in range(margin.height())}
    assert len(paper) == 1


def test_axes_are_painted_anew_only_when_the_view_changes(
    canvas: LatentCanvas, monkeypatch: pytest.MonkeyPatch
) -> None:
    painted: list[float] = []
    axes = canvas_paint.axes

    def counted(*given: Any) -> None:
        painted.append(given[1].scale)
        axes(*given)

    monkeypatch.setattr(canvas_paint, "axes", counted)
    canvas.set_points(POINTS + 0.05, np.arange(3), NAMES)
    canvas._redraw()
    shot(canvas)
    assert painted == []
    for act in (
        lambda: canvas.look(canvas.frame.zoomed(1.5, 200, 200)),
        lambda: canvas.set_axes(("z₃", "z₄")),
        lambda: canvas.set_layer("prior", False),
        lambda: canvas.set_theme(DARK),
        lambda: canvas.highlight_class(1),
    ):
        before, known = shot(canvas), len(painted)
        act()
        assert differ(before, shot(canvas).convertToFormat(before.format()))
        assert len(painted) == known + 1


def test_pictures_of_new_points_give_way_to_an_answer(
    canvas: LatentCanvas, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    canvas.set_points(POINTS, np.arange(3), NAMES)
    began_anew: list[bool] = []
    monkeypatch.setattr(canvas._refresh, "_patience", 60.0)  # however slow the machine is
    monkeypatch.setattr(canvas._refresh, "start", lambda: began_anew.append(True))
    canvas.give_way()
    assert began_anew
    assert "points" in canvas._scene._stale
    qtbot.waitUntil(lambda: "points" not in canvas._scene._stale)
    assert not canvas._refresh.isActive()
