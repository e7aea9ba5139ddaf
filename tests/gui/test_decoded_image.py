"""The decoded image, its modes and its export."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QFontMetricsF
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from vae_explorer.gui.decoded_image import DecodedImage
from vae_explorer.gui.style import DARK, LIGHT, small_font

CROSS = np.eye(8) + np.eye(8)[::-1]


@pytest.fixture
def decoded(qtbot: QtBot) -> DecodedImage:
    widget = DecodedImage()
    qtbot.addWidget(widget)
    widget.resize(360, 340)
    widget.show()
    return widget


def main_pixel(decoded: DecodedImage, x: float, y: float) -> QColor:
    """The colour at a share of the main picture's width and height."""
    place = decoded._places()[0]
    point = QPoint(round(place.left() + x * place.width()), round(place.top() + y * place.height()))
    return decoded.grab().toImage().pixelColor(point)


def test_the_image_is_large_and_its_pixels_are_squares(decoded: DecodedImage) -> None:
    decoded.set_image(CROSS, "z")
    place = decoded._places()[0]
    assert place.width() == place.height() > 240
    assert main_pixel(decoded, 0.5 / 8, 0.5 / 8).name() == LIGHT.text.name()
    assert main_pixel(decoded, 1.4 / 8, 0.5 / 8).name() == LIGHT.canvas.name()
    assert main_pixel(decoded, 0.9 / 8, 0.9 / 8).name() == LIGHT.text.name()


def test_smooth_pixels_pass_into_each_other(decoded: DecodedImage) -> None:
    decoded.set_image(CROSS)
    decoded.set_smooth(True)
    edge = main_pixel(decoded, 1.0 / 8, 0.5 / 8)
    assert LIGHT.text.lightness() + 30 < edge.lightness() < LIGHT.canvas.lightness() - 30


def test_an_image_that_is_not_square_keeps_its_proportions(decoded: DecodedImage) -> None:
    decoded.set_image(np.zeros((10, 20, 3)))
    place = decoded._places()[0]
    assert place.width() == pytest.approx(2 * place.height())


@pytest.mark.parametrize("size", [(240, 220), (300, 300), (360, 340), (700, 360), (500, 800)])
def test_the_neighbour_stands_beside_it_and_nothing_overlaps(
    decoded: DecodedImage, size: tuple[int, int]
) -> None:
    decoded.resize(*size)
    QApplication.processEvents()
    decoded.set_image(CROSS, "z")
    decoded.set_neighbour(CROSS, "nearest")
    decoded.set_terms({"log p(x|z)": -80.0, "KL": 4.0, "ELBO": -84.0})
    main, beside = decoded._places()
    assert beside is not None
    assert not main.intersects(beside)
    assert main.width() >= beside.width() > 50
    assert main.left() >= 0 and beside.right() <= size[0]
    assert beside.bottom() == main.bottom() <= size[1] - 22


def test_terms_use_two_lines_where_one_is_too_short(decoded: DecodedImage) -> None:
    decoded.set_terms({"reconstruction": -80.04, "KL": 4.0, "log π": -2.3, "ELBO": -86.3})
    decoded.resize(900, 340)
    assert decoded._term_lines() == [
        "reconstruction −80.0  ·  KL 4.0  ·  log π −2.3  ·  ELBO −86.3 nats"
    ]
    decoded.resize(260, 340)
    assert len(decoded._term_lines()) == 2


def test_the_unit_of_a_density_is_said_whole_or_on_hover_alone(decoded: DecodedImage) -> None:
    decoded.set_unit("nats of a density")
    decoded.set_terms({"log p(z)": -1.8, "log p(real|z)": 1199.3})
    decoded.resize(900, 340)
    assert decoded._term_lines() == ["log p(z) −1.8  ·  log p(real|z) 1,199.3 nats of a density"]
    for width in (420, 340, 300, 260, 220, 140):
        decoded.resize(width, 340)
        written = " ".join(decoded._term_lines())
        assert written.endswith("nats of a density") or "nats" not in written
    assert "nats" not in written
    assert decoded.toolTip().endswith("1,199.3 nats of a density")


def test_the_mode_is_told_when_the_user_changes_it(qtbot: QtBot, decoded: DecodedImage) -> None:
    assert decoded.mode == "mean"
    with qtbot.assertNotEmitted(decoded.mode_changed):
        decoded._modes["sample"].setChecked(True)
    assert decoded.mode == "sample"
    with qtbot.waitSignal(decoded.mode_changed) as told:
        qtbot.mouseClick(decoded._modes["mean"], Qt.MouseButton.LeftButton)
    assert told.args == ["mean"]


def test_copy_and_save_are_offered_only_with_an_image(qtbot: QtBot, decoded: DecodedImage) -> None:
    assert not decoded._copy.isEnabled()
    assert decoded.picture() is None
    decoded.set_image(CROSS)
    with qtbot.waitSignal(decoded.copy_requested):
        qtbot.mouseClick(decoded._copy, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(decoded.save_requested):
        qtbot.mouseClick(decoded._save, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(decoded.copy_requested):
        qtbot.keyClick(decoded, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)


def test_the_exported_picture_has_the_models_own_pixels(decoded: DecodedImage) -> None:
    decoded.set_theme(DARK)
    decoded.set_image(np.array([[0.0, 0.5], [1.0, 0.25]]))
    picture = decoded.picture()
    assert picture is not None
    levels = [[QColor(picture.pixel(x, y)).red() for x in range(2)] for y in range(2)]
    assert levels == [[0, 128], [255, 64]]


def test_without_an_image_it_says_what_to_do(decoded: DecodedImage) -> None:
    empty = decoded.grab().toImage()
    decoded.set_image(np.zeros((8, 8)))
    assert decoded.grab().toImage() != empty
    decoded.set_image(None)
    assert not decoded._copy.isEnabled()


def test_the_theme_changes_ink_and_paper(decoded: DecodedImage) -> None:
    decoded.set_image(CROSS)
    decoded.set_theme(DARK)
    assert main_pixel(decoded, 0.5 / 8, 0.5 / 8).name() == DARK.text.name()


def test_captions_share_a_narrow_line_by_need(decoded: DecodedImage) -> None:
    decoded.resize(262, 220)
    decoded.set_image(CROSS, "z = (−1.20, −0.80)")
    decoded.set_neighbour(CROSS, "a 6")
    metrics = QFontMetricsF(small_font())
    border = decoded._caption_border(131.0)
    assert border >= metrics.horizontalAdvance("z = (−1.20, −0.80)")
    assert decoded.width() - border - 8 >= metrics.horizontalAdvance("a 6")


def test_where_it_is_low_the_image_keeps_the_room_of_a_second_line(decoded: DecodedImage) -> None:
    decoded.set_terms({"log p(z) of this point": -1.8, "log p(real|z, y) of that": -199.3})
    decoded.resize(260, 230)
    assert decoded._term_lines() == ["log p(real|z, y) of that −199.3 nats"]
    assert decoded.toolTip().startswith("log p(z) of this point −1.8")


def test_the_ring_of_the_focus_is_whole_where_the_picture_fills_the_width(
    decoded: DecodedImage, qtbot: QtBot
) -> None:
    decoded.resize(240, 400)
    decoded.set_image(CROSS)
    decoded.set_neighbour(CROSS, "nearest real")
    qtbot.waitUntil(decoded.isActiveWindow)
    decoded.setFocus(Qt.FocusReason.TabFocusReason)
    main, picture = decoded._places()[0].toRect(), decoded.grab().toImage()
    assert main.left() <= 1  # no room for a ring around it
    edges = (range(main.left(), main.left() + 3), range(main.right() - 2, main.right() + 1))
    for edge in edges:
        assert LIGHT.accent in [picture.pixelColor(x, main.center().y()) for x in edge]
