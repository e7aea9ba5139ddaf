"""The drawing pad, driven by a real mouse: what it draws is what the engine gets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QColor, QDropEvent, QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot
from pytestqt.wait_signal import SignalBlocker

from vae_explorer.engine.drawing import to_model_input
from vae_explorer.engine.errors import InputError
from vae_explorer.gui import style
from vae_explorer.gui.drawing_pad import RESOLUTION, DrawingPad
from vae_explorer.gui.drawing_sheet import DrawingSheet, ModelView, ink_of
from vae_explorer.gui.ink import InkSheet
from vae_explorer.gui.strokes import Stroke

ZIGZAG = [(0.2, 0.2), (0.8, 0.25), (0.3, 0.6), (0.75, 0.85), (0.4, 0.4), (0.45, 0.8)]


@pytest.fixture
def pad(qtbot: QtBot) -> DrawingPad:
    widget = DrawingPad(style.LIGHT)
    qtbot.addWidget(widget)
    widget.resize(380, 300)
    widget.show()
    return widget


def sheet_of(pad: DrawingPad) -> DrawingSheet:
    sheet = pad.findChild(DrawingSheet)
    assert isinstance(sheet, DrawingSheet)
    return sheet


def drag(qtbot: QtBot, pad: DrawingPad, *places: tuple[float, float]) -> None:
    """Draw with the left button through places given as shares of the sheet."""
    sheet = sheet_of(pad)
    side = min(sheet.width(), sheet.height())
    left, top = (sheet.width() - side) // 2, (sheet.height() - side) // 2
    points = [QPoint(left + round(x * side), top + round(y * side)) for x, y in places]
    qtbot.mousePress(sheet, Qt.MouseButton.LeftButton, pos=points[0])
    for point in points[1:]:
        qtbot.mouseMove(sheet, point)
    qtbot.mouseRelease(sheet, Qt.MouseButton.LeftButton, pos=points[-1])


def test_the_sheet_begins_clear(pad: DrawingPad) -> None:
    assert pad.is_clear
    assert pad.array().shape == (RESOLUTION, RESOLUTION)
    assert pad.array().dtype == np.uint8
    assert not pad.array().any()


def test_a_stroke_of_the_mouse_is_ink_where_it_went(qtbot: QtBot, pad: DrawingPad) -> None:
    with qtbot.waitSignal(pad.drawing_changed):
        drag(qtbot, pad, (0.5, 0.2), (0.5, 0.5), (0.5, 0.8))
    ink = pad.array()
    assert ink[140, 140] == 255
    assert ink[140, 40] == 0
    rows = np.flatnonzero(ink.any(axis=1))
    assert abs(rows[0] - (0.2 * RESOLUTION - 12)) <= 3  # half the brush above the first point
    assert abs(rows[-1] - (0.8 * RESOLUTION + 12)) <= 3


def test_a_click_is_a_dot(qtbot: QtBot, pad: DrawingPad) -> None:
    drag(qtbot, pad, (0.5, 0.5))
    area = np.count_nonzero(pad.array() > 127)
    assert area == pytest.approx(np.pi * 12**2, rel=0.05)


def test_a_stroke_painted_as_it_grows_is_the_stroke_painted_at_once() -> None:
    growing, at_once = InkSheet(200, QColor("black")), InkSheet(200, QColor("black"))
    stroke = Stroke([ZIGZAG[0]], 0.09)
    growing.begin(stroke)
    for point in ZIGZAG[1:]:
        stroke.points.append(point)
        growing.extend(stroke)
    at_once.repaint([stroke])
    difference = np.abs(growing.alpha().astype(int) - at_once.alpha())
    assert at_once.alpha().max() == 255
    assert difference.max() <= 8  # rounding of curves that are cut at other places
    assert np.count_nonzero(difference) < 60


def test_only_what_changed_is_painted_anew() -> None:
    sheet = InkSheet(400, QColor("black"))
    stroke = Stroke([(0.1, 0.1)], 0.05)
    sheet.begin(stroke)
    for x in (0.2, 0.3, 0.5, 0.8, 0.85):
        stroke.points.append((x, 0.1))
        changed = sheet.extend(stroke)
    assert changed.left() > 180  # the first points lie left of it
    assert changed.height() < 40


def test_a_line_is_smooth_between_its_points() -> None:
    """Three points of a right angle: the line bends instead of having a corner."""
    sheet = InkSheet(200, QColor("black"))
    sheet.repaint([Stroke([(0.2, 0.8), (0.2, 0.2), (0.8, 0.2)], 0.04)])
    ink = sheet.alpha()
    assert ink[40, 40] == 0  # the corner itself
    assert ink[55, 55] == 255  # where the curve cuts it


def test_the_drawing_is_the_same_on_every_screen(qtbot: QtBot) -> None:
    drawings = []
    for size in ((250, 200), (700, 600)):
        pad = DrawingPad(style.DARK)
        qtbot.addWidget(pad)
        pad.resize(*size)
        pad.show()
        pad.draw_stroke(ZIGZAG)
        drawings.append(pad.array())
    np.testing.assert_array_equal(*drawings)


def test_the_brush_and_the_eraser(qtbot: QtBot, pad: DrawingPad) -> None:
    pad.draw_stroke([(0.1, 0.5), (0.9, 0.5)])
    before = np.count_nonzero(pad.array())
    qtbot.mouseClick(pad._eraser, Qt.MouseButton.LeftButton)
    drag(qtbot, pad, (0.5, 0.2), (0.5, 0.8))
    assert pad.array()[140, 140] == 0
    assert pad.array()[140, 60] == 255
    assert np.count_nonzero(pad.array()) < before
    qtbot.mouseClick(pad._eraser, Qt.MouseButton.LeftButton)
    drag(qtbot, pad, (0.5, 0.5))
    assert pad.array()[140, 140] == 255


def test_the_eraser_shows_what_it_would_erase(qtbot: QtBot, pad: DrawingPad) -> None:
    """By a picture, since a screen's scale has no bearing on one."""
    sheet = sheet_of(pad)
    bare = sheet.grab().toImage()

    def outline(x: float, y: float) -> tuple[np.ndarray, QPoint]:
        side = min(sheet.width(), sheet.height())
        mouse = QPoint(round(x * side), round(y * side)) + sheet._square().topLeft()
        qtbot.mouseMove(sheet, mouse)
        shown = sheet.grab().toImage()
        size = range(shown.height()), range(shown.width())
        return np.array(
            [[shown.pixel(c, r) != bare.pixel(c, r) for c in size[1]] for r in size[0]]
        ), mouse

    assert not outline(0.4, 0.7)[0].any()
    qtbot.mouseClick(pad._eraser, Qt.MouseButton.LeftButton)
    ratio = sheet.devicePixelRatioF()
    for width in (20, 44):
        pad._brush.setValue(width)
        changed, mouse = outline(0.4, 0.7)
        rows, columns = (np.flatnonzero(changed.any(axis=axis)) for axis in (1, 0))
        wanted = width / RESOLUTION * sheet._square().width()
        for found, middle in ((rows, mouse.y()), (columns, mouse.x())):
            assert abs((found[-1] - found[0]) / ratio - wanted) < 3
            assert abs((found[-1] + found[0]) / 2 / ratio - middle) < 1.5
    QGuiApplication.sendEvent(sheet, QEvent(QEvent.Type.Leave))
    assert sheet.grab().toImage() == bare


def test_a_wider_brush_leaves_more_ink(pad: DrawingPad) -> None:
    amounts = []
    for width in (10, 44):
        pad._brush.setValue(width)
        pad.clear()
        pad.draw_stroke([(0.2, 0.5), (0.8, 0.5)])
        amounts.append(np.count_nonzero(pad.array()))
    assert amounts[1] > 3 * amounts[0]


def test_undo_redo_and_clear(qtbot: QtBot, pad: DrawingPad) -> None:
    pad.draw_stroke(ZIGZAG)
    once = pad.array()
    pad.draw_stroke([(0.1, 0.9), (0.9, 0.9)])
    twice = pad.array()
    with qtbot.waitSignals([pad.drawing_changed, pad.history_changed]):
        pad.undo()
    np.testing.assert_array_equal(pad.array(), once)
    pad.redo()
    np.testing.assert_array_equal(pad.array(), twice)
    pad.clear()
    assert pad.is_clear
    assert not pad.array().any()
    pad.undo()
    np.testing.assert_array_equal(pad.array(), twice)


def test_buttons_are_enabled_where_they_can_do_something(pad: DrawingPad) -> None:
    undo, redo, clear = pad._undo_button, pad._redo_button, pad._clear_button
    assert [b.isEnabled() for b in (undo, redo, clear)] == [False, False, False]
    pad.draw_stroke(ZIGZAG)
    assert [b.isEnabled() for b in (undo, redo, clear)] == [True, False, True]
    undo.click()
    assert [b.isEnabled() for b in (undo, redo, clear)] == [False, True, False]


def test_delete_clears_the_sheet(qtbot: QtBot, pad: DrawingPad) -> None:
    pad.draw_stroke(ZIGZAG)
    qtbot.keyClick(sheet_of(pad), Qt.Key.Key_Delete)
    assert pad.is_clear


def test_resizing_and_another_theme_keep_the_drawing(pad: DrawingPad) -> None:
    pad.draw_stroke(ZIGZAG)
    before = pad.array()
    pad.resize(600, 500)
    pad.set_theme(style.DARK)
    np.testing.assert_array_equal(pad.array(), before)
    sheet = sheet_of(pad)
    picture = sheet.grab().toImage()
    ink = picture.pixelColor(*_place(sheet, (0.2, 0.2)))
    assert ink.lightness() > 200  # light ink on the dark theme


def _place(sheet: DrawingSheet, share: tuple[float, float]) -> tuple[int, int]:
    side = min(sheet.width(), sheet.height())
    left, top = (sheet.width() - side) // 2, (sheet.height() - side) // 2
    return left + round(share[0] * side), top + round(share[1] * side)


def _offered(blocker: SignalBlocker) -> Path | QImage:
    assert blocker.args is not None
    return blocker.args[0]


def _first(blocker: SignalBlocker) -> str:
    assert blocker.args is not None
    return str(blocker.args[0])


def test_a_resize_while_drawing_keeps_what_was_there(pad: DrawingPad) -> None:
    pad.draw_stroke([(0.1, 0.5), (0.9, 0.5)])
    pad._begin(0.5, 0.2)
    pad.resize(500, 420)
    pad.grab()
    pad._extend(0.5, 0.8)
    sheet = sheet_of(pad)
    picture = sheet.grab().toImage()
    for share in ((0.2, 0.5), (0.5, 0.3), (0.46, 0.5)):
        assert picture.pixelColor(*_place(sheet, share)).lightness() < 60


def digit_image(paper: int, ink: int) -> QImage:
    """An upright bar on paper, 60 × 90."""
    image = QImage(60, 90, QImage.Format.Format_RGB32)
    image.fill(QColor(paper, paper, paper))
    for y in range(20, 70):
        for x in range(26, 34):
            image.setPixelColor(x, y, QColor(ink, ink, ink))
    return image


@pytest.mark.parametrize(("paper", "ink"), [(255, 0), (0, 255), (235, 40)])
def test_a_picture_comes_in_with_its_ink_high(pad: DrawingPad, paper: int, ink: int) -> None:
    pad.place(ink_of(digit_image(paper, ink)))
    drawing = pad.array()
    assert drawing[140, 140] == 255
    assert drawing[20, 20] == 0
    assert to_model_input(drawing).any(axis=0).sum() <= 5  # an upright bar


def test_a_transparent_picture_has_white_paper(pad: DrawingPad) -> None:
    image = QImage(60, 60, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    for y in range(10, 50):
        image.setPixelColor(30, y, QColor("black"))
    pad.place(ink_of(image))
    assert pad.array()[140, 140:145].max() > 100
    assert pad.array()[140, 20] == 0


def test_paste_takes_the_clipboards_picture(qtbot: QtBot, pad: DrawingPad) -> None:
    QGuiApplication.clipboard().setImage(digit_image(255, 0))
    with qtbot.waitSignal(pad.picture_offered) as offered:
        pad.paste()
    assert ink_of(_offered(offered))[40, 30] == 255
    QGuiApplication.clipboard().setText("no picture")
    with qtbot.waitSignal(pad.picture_refused) as refused:
        pad.paste()
    assert "clipboard" in _first(refused)


def test_a_dropped_file_is_opened(qtbot: QtBot, pad: DrawingPad, tmp_path: Path) -> None:
    path = tmp_path / "digit.png"
    assert digit_image(255, 0).save(str(path))
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    event = QDropEvent(
        QPointF(10, 10),
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    with qtbot.waitSignal(pad.picture_offered) as offered:
        sheet_of(pad).dropEvent(event)
    assert ink_of(_offered(offered))[40, 30] == 255


def test_open_asks_for_a_file(
    qtbot: QtBot, pad: DrawingPad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "digit.png"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    with qtbot.waitSignal(pad.picture_offered) as offered:
        pad.choose_picture()
    assert _offered(offered) == path


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "notes.png"
    text.write_text("not a picture")
    with pytest.raises(InputError, match="notes"):
        ink_of(text)
    blank = QImage(20, 20, QImage.Format.Format_RGB32)
    blank.fill(Qt.GlobalColor.white)
    with pytest.raises(InputError, match="blank"):
        ink_of(blank)


def test_the_model_view_shows_what_it_is_given(pad: DrawingPad) -> None:
    empty = pad._model_view.grab().toImage()
    pad.set_model_view(np.full((28, 28), 255, np.uint8))
    full = pad._model_view.grab().toImage()
    assert full.pixelColor(32, 32) == style.LIGHT.text
    pad.set_model_view(None)
    assert pad._model_view.grab().toImage() == empty


@pytest.mark.parametrize("ratio", [1.0, 1.25, 1.75, 2.0])
def test_the_frame_of_what_the_model_sees_is_whole_at_every_size(
    qtbot: QtBot, ratio: float
) -> None:
    view = ModelView(style.LIGHT, None)  # type: ignore[arg-type]
    qtbot.addWidget(view)
    side = round(ModelView.SIDE * ratio)
    image = QImage(side, side, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    image.fill(Qt.GlobalColor.white)
    view.render(image)
    last, middle = side - 1, side // 2
    for x, y in ((0, middle), (last, middle), (middle, 0), (middle, last)):
        assert image.pixelColor(x, y) == style.LIGHT.border
    assert image.pixelColor(middle, middle) == style.LIGHT.panel
