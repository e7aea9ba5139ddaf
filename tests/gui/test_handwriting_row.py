"""The row of all classes in one handwriting."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetricsF
from pytestqt.qtbot import QtBot

from vae_explorer.gui import style
from vae_explorer.gui.handwriting_row import HandwritingRow

NAMES = tuple("0123456789")
FASHION = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip


@pytest.fixture
def row(qtbot: QtBot) -> HandwritingRow:
    widget = HandwritingRow(style.LIGHT)
    qtbot.addWidget(widget)
    widget.resize(640, 90)
    widget.show()
    return widget


def filled(row: HandwritingRow) -> HandwritingRow:
    images = np.linspace(0, 1, 10)[:, None, None] * np.ones((10, 28, 28))
    row.set_images(images, NAMES, style.LIGHT.class_colors(10))
    return row


def test_every_class_has_its_picture(row: HandwritingRow) -> None:
    filled(row)
    picture = row.grab().toImage()
    shades = [picture.pixelColor(row._tile(i).center().toPoint()).lightness() for i in range(10)]
    assert shades == sorted(shades, reverse=True)
    assert shades[0] - shades[-1] > 150


def test_a_name_is_in_the_colour_of_text_with_a_dot_in_its_own(row: HandwritingRow) -> None:
    filled(row)
    picture = row.grab().toImage()
    for index in range(10):
        tile = row._tile(index).toRect()
        place = [
            (x, y)
            for x in range(tile.left(), tile.right())
            for y in range(tile.bottom() + 3, tile.bottom() + 17)
        ]
        shown = [picture.pixelColor(*at) for at in place]
        assert style.LIGHT.class_color(index).name() in {color.name() for color in shown}
        assert min(color.lightness() for color in shown) < 60  # a stroke of the numeral


def test_a_click_picks_the_class(row: HandwritingRow, qtbot: QtBot) -> None:
    filled(row)
    with qtbot.waitSignal(row.class_picked) as picked:
        place = row._tile(7).center().toPoint()
        qtbot.mouseClick(row, Qt.MouseButton.LeftButton, pos=place)
    assert picked.args == [7]


def test_the_keyboard_picks_too(row: HandwritingRow, qtbot: QtBot) -> None:
    filled(row)
    qtbot.keyClick(row, Qt.Key.Key_Right)
    qtbot.keyClick(row, Qt.Key.Key_Right)
    with qtbot.waitSignal(row.class_picked) as picked:
        qtbot.keyClick(row, Qt.Key.Key_Return)
    assert picked.args == [1]


def test_beside_the_pictures_nothing_is_picked(row: HandwritingRow, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(row.class_picked):
        qtbot.mouseClick(row, Qt.MouseButton.LeftButton, pos=row.rect().center())


@pytest.mark.parametrize("size", [(640, 90), (300, 100), (340, 170), (1600, 120)])
@pytest.mark.parametrize("classes", [1, 10, 47])
def test_all_classes_stay_inside(row: HandwritingRow, size: tuple[int, int], classes: int) -> None:
    images = np.zeros((classes, 28, 28))
    names = [f"class {i}" for i in range(classes)]
    row.set_images(images, names, style.LIGHT.class_colors(classes))
    row.resize(*size)
    for index in range(classes):
        row._reveal(index)  # of many not all are seen at once
        tile = row._tile(index)
        assert tile.right() <= size[0]
        assert tile.bottom() <= size[1]
        assert tile.width() >= (1 if classes <= 12 else 28)


@pytest.mark.parametrize(("size", "columns"), [((594, 160), 5), ((640, 90), 10), ((2000, 300), 10)])
def test_rows_are_as_few_and_as_even_as_can_be(
    row: HandwritingRow, size: tuple[int, int], columns: int
) -> None:
    filled(row)
    row.resize(*size)
    assert sum(row._tile(i).top() == row._tile(0).top() for i in range(10)) == columns


def test_pictures_keep_to_the_margins(row: HandwritingRow) -> None:
    filled(row).setContentsMargins(0, 20, 0, 0)
    assert row._tile(0).top() == 20
    assert row._tile(9).bottom() <= row.height()


def test_colour_images_are_shown_too(row: HandwritingRow) -> None:
    images = np.zeros((2, 8, 8, 3))
    images[1, :, :, 0] = 1
    row.set_images(images, ("a", "b"), style.LIGHT.class_colors(2))
    color = row.grab().toImage().pixelColor(row._tile(1).center().toPoint())
    assert color.red() == 255
    assert color.green() == 0


def test_images_without_names_are_an_error(row: HandwritingRow) -> None:
    with pytest.raises(ValueError, match="3 images"):
        row.set_images(np.zeros((3, 8, 8)), ("a",), [])


def test_it_can_be_emptied(row: HandwritingRow) -> None:
    filled(row)
    row.set_images(None, (), [])
    assert row._index_at(row.rect().center().toPointF()) == -1
    assert not row._bar.isVisible()


@pytest.mark.parametrize("classes", [2, 10, 256])
def test_a_drawing_that_begins_moves_nothing(row: HandwritingRow, classes: int) -> None:
    before = [row.heightForWidth(width) for width in (262, 381, 700)]
    names = [f"class {i}" for i in range(classes)]
    row.set_images(np.zeros((classes, 28, 28)), names, style.LIGHT.class_colors(classes))
    assert [row.heightForWidth(width) for width in (262, 381, 700)] == before


def test_long_names_are_told_apart(row: HandwritingRow) -> None:
    row.resize(381, 50)
    row.set_images(np.zeros((10, 28, 28)), FASHION, style.LIGHT.class_colors(10))
    metrics = QFontMetricsF(style.small_font())
    pitch = row._tile(1).left() - row._tile(0).left()
    assert len(set(row._labels)) == 10
    assert all(len(label) >= 3 for label in row._labels)
    assert all(metrics.horizontalAdvance(label) < pitch for label in row._labels)


def test_many_classes_are_scrolled_to(row: HandwritingRow, qtbot: QtBot) -> None:
    row.resize(381, 50)
    names = [f"class {i}" for i in range(47)]
    row.set_images(np.zeros((47, 28, 28)), names, style.LIGHT.class_colors(47))
    assert row._bar.isVisible()
    below = row._tile(20).top()
    row._bar.setValue(row._bar.maximum())
    assert row._tile(20).top() < below
    with qtbot.waitSignal(row.class_picked) as picked:
        place = row._tile(46).center().toPoint()
        qtbot.mouseClick(row, Qt.MouseButton.LeftButton, pos=place)
    assert picked.args == [46]
    qtbot.keyClick(row, Qt.Key.Key_Right)  # on to the first
    assert row._tile(0).top() >= 0


def test_a_click_leaves_no_ring_and_a_key_does(row: HandwritingRow, qtbot: QtBot) -> None:
    filled(row)
    qtbot.mouseClick(row, Qt.MouseButton.LeftButton, pos=row._tile(7).center().toPoint())
    row.setFocus(Qt.FocusReason.MouseFocusReason)
    assert not row._shows_focus
    qtbot.keyClick(row, Qt.Key.Key_Left)
    assert row._shows_focus
