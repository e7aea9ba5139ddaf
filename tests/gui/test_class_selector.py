"""The class selector under a real mouse and keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFocusEvent, QFontMetricsF, QHelpEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from vae_explorer.gui import chip_grid, chip_paint, style
from vae_explorer.gui.chip_grid import bar_share, reweighted, share_weight
from vae_explorer.gui.class_selector import ClassSelector
from vae_explorer.gui.contrast import readable_on
from vae_explorer.gui.style import DARK, LIGHT

DIGITS = [str(i) for i in range(10)]
FASHION = [
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
]  # fmt: skip
LEFT, NO_KEY = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


@pytest.fixture
def selector(qtbot: QtBot) -> ClassSelector:
    widget = ClassSelector()
    qtbot.addWidget(widget)
    widget.resize(360, 230)
    widget.set_classes(DIGITS)
    widget.set_prior(np.full(10, 0.1))
    widget.show()
    return widget


def caught(signal: object) -> list[tuple[object, ...]]:
    seen: list[tuple[object, ...]] = []
    signal.connect(lambda *values: seen.append(values))  # type: ignore[attr-defined]
    return seen


def middle(rect: QRectF) -> QPoint:
    return rect.center().toPoint()


def on_bar(selector: ClassSelector, index: int, share: float) -> QPoint:
    bar = selector.cell(index).bar
    return QPointF(bar.center().x(), bar.bottom() - share * bar.height()).toPoint()


def test_a_click_on_chip_or_image_selects(qtbot: QtBot, selector: ClassSelector) -> None:
    seen = caught(selector.class_selected)
    qtbot.mouseClick(selector, LEFT, NO_KEY, middle(selector.cell(3).chip))
    qtbot.mouseClick(selector, LEFT, NO_KEY, middle(selector.cell(8).image))
    assert seen == [(3,), (8,)]
    assert selector.selected == 8


def test_the_selected_class_again_tells_nothing(qtbot: QtBot, selector: ClassSelector) -> None:
    seen = caught(selector.class_selected)
    selector.set_selected(5)
    qtbot.mouseClick(selector, LEFT, NO_KEY, middle(selector.cell(5).chip))
    assert seen == []


def test_arrow_keys_walk_over_the_grid(qtbot: QtBot, selector: ClassSelector) -> None:
    seen = caught(selector.class_selected)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Up, Qt.Key.Key_Left):
        qtbot.keyClick(selector, key)
    columns = selector._columns()
    assert seen == [(1,), (1 + columns,), (columns,), (0,)]


def test_dragging_a_bar_edits_the_prior(qtbot: QtBot, selector: ClassSelector) -> None:
    seen, chosen = caught(selector.prior_edited), caught(selector.class_selected)
    qtbot.mousePress(selector, LEFT, NO_KEY, on_bar(selector, 2, 0.3))
    qtbot.mouseMove(selector, on_bar(selector, 2, 0.7))
    qtbot.mouseRelease(selector, LEFT, NO_KEY, on_bar(selector, 2, 0.7))
    prior = seen[-1][0]
    assert isinstance(prior, np.ndarray)
    assert prior.sum() == pytest.approx(1)
    assert prior[2] == pytest.approx(0.49, abs=0.04)
    np.testing.assert_allclose(np.delete(prior, 2), (1 - prior[2]) / 9)
    assert chosen == []


def test_a_double_click_on_a_bar_gives_back_the_learned_prior(
    qtbot: QtBot, selector: ClassSelector
) -> None:
    learned = np.linspace(1, 2, 10) / 15
    selector.set_prior(np.full(10, 0.1), learned)
    seen = caught(selector.prior_edited)
    assert selector._reset.isVisible()
    qtbot.mouseDClick(selector, LEFT, NO_KEY, on_bar(selector, 4, 0.2))
    np.testing.assert_allclose(seen[-1][0], learned)  # type: ignore[arg-type]
    assert not selector._reset.isVisible()


def test_without_a_prior_the_whole_cell_selects(qtbot: QtBot, selector: ClassSelector) -> None:
    selector.set_prior(None)
    seen = caught(selector.class_selected)
    qtbot.mouseClick(selector, LEFT, NO_KEY, on_bar(selector, 6, 0.5))
    assert seen == [(6,)]


def test_samples_are_asked_of_the_selected_class(qtbot: QtBot, selector: ClassSelector) -> None:
    selector.set_selected(7)
    with qtbot.waitSignal(selector.samples_requested) as asked:
        qtbot.mouseClick(selector._samples, LEFT)
    assert asked.args == [7]


def test_images_are_shown_below_their_chips(selector: ClassSelector) -> None:
    images = np.zeros((10, 28, 28))
    images[4] = 1.0
    selector.set_images(images)
    picture = selector.grab().toImage()
    inked, blank = (picture.pixelColor(middle(selector.cell(i).image)).name() for i in (4, 5))
    assert inked == LIGHT.text.name()
    assert blank == LIGHT.canvas.name()


def test_the_selected_chip_differs_by_more_than_colour(selector: ClassSelector) -> None:
    selector.set_selected(1)
    picture = selector.grab().toImage()

    def rim(index: int) -> str:
        chip = selector.cell(index).chip
        return picture.pixelColor(QPoint(round(chip.center().x()), round(chip.top()) + 1)).name()

    assert QColor(rim(1)).lightness() < 60  # outlined in the text colour
    assert QColor(rim(2)).lightness() > 200


@pytest.mark.parametrize("count", [1, 2, 10, 26, 47, 256])
@pytest.mark.parametrize("width", [220, 360, 900])
def test_every_class_has_its_place(selector: ClassSelector, count: int, width: int) -> None:
    selector.set_classes([f"class {i}" for i in range(count)])
    selector.resize(width, selector.heightForWidth(width))
    QApplication.processEvents()
    cells = [selector.cell(i).whole for i in range(count)]
    assert not any(a.intersects(b) for i, a in enumerate(cells) for b in cells[:i])
    for index in range(count):
        selector.set_selected(index)  # of many not all are seen at once
        cell = selector.cell(index)
        assert QRectF(selector.rect()).adjusted(0, 32, 1, 1).contains(cell.whole)
        if count > 12:
            assert cell.image.width() >= 40 and cell.chip.width() >= 56


def test_many_classes_are_scrolled_to(qtbot: QtBot, selector: ClassSelector) -> None:
    selector.set_classes([f"class {i}" for i in range(256)])
    selector.resize(360, 230)
    assert selector._bar.isVisible()
    assert selector.heightForWidth(360) < 280
    seen = caught(selector.class_selected)
    selector._bar.setValue(selector._bar.maximum())
    qtbot.mouseClick(selector, LEFT, NO_KEY, middle(selector.cell(255).image))
    assert seen == [(255,)]
    above = next(cell for cell in selector._cells if 5 < cell.whole.bottom() < 30)
    qtbot.mouseClick(selector, LEFT, NO_KEY, middle(above.whole.intersected(QRectF(0, 0, 360, 20))))
    assert seen == [(255,)]  # under the header nothing can be hit
    qtbot.keyClick(selector, Qt.Key.Key_Left)
    selector.set_selected(0)
    assert selector._bar.value() == 0


def test_a_notch_of_the_wheel_is_a_row(selector: ClassSelector) -> None:
    selector.set_classes([f"class {i}" for i in range(256)])
    selector.resize(360, 230)
    columns, top = selector._columns(), selector.cell(0).whole.top()
    place = QPointF(100, 100)
    for row in (1, 2, 3):
        notch = QWheelEvent(
            place, place, QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton, NO_KEY,
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(selector, notch)
        assert selector.cell(row * columns).whole.top() == top


def test_few_classes_need_no_scroll_bar(selector: ClassSelector) -> None:
    assert not selector._bar.isVisible()
    selector.resize(260, 150)
    assert not selector._bar.isVisible()


@pytest.mark.parametrize("width", [250, 366, 700])
def test_names_are_told_apart_and_keep_off_the_edge(selector: ClassSelector, width: int) -> None:
    selector.resize(width, 230)
    for names in (FASHION, [f"class {i}" for i in range(256)]):
        selector.set_classes(names)
        room = selector.cell(0).chip.width() - 12
        for labels, font in (
            (selector._labels, style.small_font()),
            (selector._bold_labels, style.title_font()),
        ):
            assert len(set(labels)) == len(names)
            assert all(QFontMetricsF(font).horizontalAdvance(label) <= room for label in labels)


def test_a_dot_goes_before_a_letter_does(selector: ClassSelector) -> None:
    selector.resize(366, 200)
    assert selector._with_dots
    selector.set_classes(FASHION)
    assert not selector._with_dots
    assert selector._labels[1] == "Trouser"


def test_a_large_panel_has_large_images_from_its_left_edge_on(selector: ClassSelector) -> None:
    assert selector.heightForWidth(1000) > selector.heightForWidth(366)
    selector.resize(900, 400)
    first, last = selector.cell(0), selector.cell(4)
    assert first.whole.left() <= 2
    assert first.image.width() == 120
    assert last.whole.right() > 850  # the columns share the width


def test_the_ring_is_for_the_keyboard(qtbot: QtBot, selector: ClassSelector) -> None:
    for reason, shown in (
        (Qt.FocusReason.TabFocusReason, True),
        (Qt.FocusReason.MouseFocusReason, False),
    ):
        QApplication.sendEvent(selector, QFocusEvent(QEvent.Type.FocusIn, reason))
        assert selector._chip(selector.selected).has_focus == shown
    qtbot.keyClick(selector, Qt.Key.Key_Right)
    assert selector._chip(selector.selected).has_focus


def test_no_class_of_that_index(selector: ClassSelector) -> None:
    with pytest.raises(IndexError):
        selector.set_selected(10)


def test_no_classes_at_all(qtbot: QtBot, selector: ClassSelector) -> None:
    selector.set_classes([])
    assert not selector._samples.isEnabled()
    qtbot.mouseClick(selector, LEFT, NO_KEY, QPoint(100, 100))
    qtbot.keyClick(selector, Qt.Key.Key_Right)
    assert not selector.grab().isNull()


def test_the_bars_scale_has_an_inverse() -> None:
    for weight in (0.0, 0.02, 0.1, 0.5, 1.0):
        assert share_weight(bar_share(weight)) == pytest.approx(weight)
    assert bar_share(0.1) > 0.3  # one in ten can still be seen


def test_reweighting_sums_to_one() -> None:
    prior = np.array([0.5, 0.3, 0.2])
    np.testing.assert_allclose(reweighted(prior, 0, 0.2), [0.2, 0.48, 0.32])
    np.testing.assert_allclose(reweighted(prior, 1, 7.0), [0, 1, 0])
    np.testing.assert_allclose(reweighted(np.array([1.0, 0, 0]), 0, 0.4), [0.4, 0.3, 0.3])
    np.testing.assert_allclose(reweighted(np.array([1.0]), 0, 0.4), [1.0])


def test_one_row_where_the_room_is_wide() -> None:
    cells = chip_grid.arrange(10, QRectF(0, 0, 900, 100))
    assert len({cell.whole.top() for cell in cells}) == 1


def test_names_on_selected_chips_can_be_read() -> None:
    def luminance(color: QColor) -> float:
        parts = [color.redF(), color.greenF(), color.blueF()]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for theme in (LIGHT, DARK):
        for color in theme.class_colors(47):
            low, high = sorted((luminance(color), luminance(readable_on(color))))
            assert (high + 0.05) / (low + 0.05) >= 4.5


def test_names_with_one_beginning_are_told_apart_by_their_ends(selector: ClassSelector) -> None:
    selector.set_classes([f"handwritten letter {c}" for c in "abcdefghijklmno"])
    selector.set_selected(14)
    names = []
    for index in (0, 1):
        chip = selector.cell(index).chip.toRect()
        names.append(selector.grab(chip.adjusted(16, 0, 0, 0)).toImage())
    assert names[0] != names[1]


def test_names_are_painted_anew_only_when_they_change(
    selector: ClassSelector, monkeypatch: pytest.MonkeyPatch
) -> None:
    painted: list[str] = []
    paint = chip_paint.paint
    monkeypatch.setattr(
        chip_paint, "paint", lambda *given: (painted.append(given[2].name), paint(*given))
    )
    before = selector.grab().toImage()
    painted.clear()
    selector.set_images(np.ones((10, 28, 28)))
    after = selector.grab().toImage()
    assert after != before
    assert painted == []
    selector.set_selected(3)
    selector.grab()
    assert painted == DIGITS


def test_every_change_of_a_chip_is_seen(qtbot: QtBot, selector: ClassSelector) -> None:
    """Nothing that is kept from an earlier painting may hide a change."""

    def changed(act: Callable[[], object]) -> bool:
        before = selector.grab().toImage()
        act()
        return selector.grab().toImage() != before

    prior = np.linspace(1, 2, 10) / 15
    assert changed(lambda: selector.set_prior(prior))
    assert changed(lambda: selector.set_selected(4))
    assert changed(lambda: qtbot.mouseMove(selector, middle(selector.cell(2).chip)))
    assert changed(lambda: selector.set_theme(DARK))
    assert changed(lambda: selector.set_classes([f"{i}th" for i in range(10)]))
    assert changed(lambda: selector.resize(420, 260))


def test_the_images_take_a_themes_colours(selector: ClassSelector) -> None:
    selector.set_images(np.ones((10, 28, 28)))
    selector.set_theme(DARK)
    color = selector.grab().toImage().pixelColor(middle(selector.cell(4).image))
    assert color.name() == DARK.text.name()


def test_the_bars_of_the_class_prior_are_named_and_can_be_hit(
    selector: ClassSelector, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "π" in selector._note.text() and "drag" in selector._note.toolTip()
    bar = selector.cell(3).bar
    assert bar.width() >= 16
    for x in (bar.left() + 1, bar.right() - 1):
        qtbot.mouseMove(selector, QPoint(round(x), round(bar.center().y())))
        assert selector.cursor().shape() == Qt.CursorShape.SizeVerCursor
    shown = caught_tips(monkeypatch)
    place = middle(bar)
    QApplication.sendEvent(selector, QHelpEvent(QEvent.Type.ToolTip, place, place))
    assert shown[0][1].startswith("3: π = 0.100") and shown[0][2] is selector
    selector.set_classes(DIGITS)  # of a model without a prior over them
    assert selector._note.text() == ""


def caught_tips(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What tooltips are shown, and whose: without a widget they have not the window's look."""
    shown: list[Any] = []
    monkeypatch.setattr(QToolTip, "showText", lambda *given: shown.append(given))
    return shown
