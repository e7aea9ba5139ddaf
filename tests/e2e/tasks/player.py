"""A person at the real window: only a mouse, keys and eyes, and every action is counted.

What is acted on is found as a person or a screen reader finds it: by the text on it or by its
accessible name, among what is visible. An action is a click, a drag, a key, a text typed, or a
file dropped; looking and moving the mouse about are free.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QDialog,
    QFileDialog,
    QLineEdit,
    QMenu,
    QMessageBox,
    QScrollArea,
    QTabBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

from vae_explorer.gui.controller.application import Controller

PATIENCE = 25_000  # milliseconds: a busy machine is slow, not wrong
STEPS = 8  # of the mouse between two corners of a drag
NO_MODIFIER = Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
LEFT = Qt.MouseButton.LeftButton
Place = tuple[float, float]


class Player:
    """Plays on a window; `actions` says what was done so far, one line each.

    Attributes:
        folder: where files may be written.
        models: the files of the small models by name.
        bars: a folder of images of two classes.
    """

    def __init__(
        self,
        controller: Controller,
        qtbot: QtBot,
        *,
        folder: Path,
        models: Mapping[str, Path],
        bars: Path,
    ) -> None:
        self.controller = controller
        self.window = controller.window
        self.folder, self.models, self.bars = folder, models, bars
        self.actions: list[str] = []
        self._qtbot = qtbot

    # -- looking -------------------------------------------------------------------------------

    def find(self, name: str, kind: type[QWidget] = QWidget) -> QWidget:
        """The visible widget that carries this text or accessible name."""
        found = [w for w in self.window.findChildren(kind) if w.isVisible() and name in _names(w)]
        assert found, f"there is no visible {kind.__name__} called “{name}”"
        assert len(found) == 1, f"there are {len(found)} visible ones called “{name}”"
        return found[0]

    def wait(self, seen: Callable[[], object]) -> None:
        """Look until something is so."""
        self._qtbot.waitUntil(lambda: bool(seen()), timeout=PATIENCE)

    def hover(self, x: float, y: float) -> None:
        """Move over a latent point."""
        _move(self.window.canvas, self.on_canvas(x, y), Qt.MouseButton.NoButton)

    def on_canvas(self, x: float, y: float) -> QPoint:
        """Where a latent point lies on the canvas."""
        return self.window.canvas.to_pixel(x, y).toPoint()

    # -- the mouse -----------------------------------------------------------------------------

    def click(self, what: str | QWidget, place: QPoint | None = None) -> None:
        """Click a widget by its name, in its middle or at a place."""
        widget = self.find(what) if isinstance(what, str) else what
        assert widget.isEnabled(), f"“{what}” cannot be clicked now"
        self._did(f"click {what if isinstance(what, str) else widget.accessibleName()}")
        QTest.mouseClick(widget, LEFT, NO_MODIFIER, place or widget.rect().center())

    def click_point(self, x: float, y: float) -> None:
        """Click a latent point."""
        self.click("Latent canvas", self.on_canvas(x, y))

    def double_click_point(self, x: float, y: float) -> None:
        """Double-click a latent point, which is one action."""
        self._did("double-click the canvas")
        QTest.mouseDClick(self.window.canvas, LEFT, NO_MODIFIER, self.on_canvas(x, y))

    def click_tab(self, title: str) -> None:
        """Turn to one of the pages."""
        for bar in self.window.findChildren(QTabBar):
            for index in range(bar.count()):
                if bar.isVisible() and bar.tabText(index) == title:
                    self._did(f"click the tab {title}")
                    QTest.mouseClick(bar, LEFT, NO_MODIFIER, bar.tabRect(index).center())
                    return
        raise AssertionError(f"there is no page called “{title}”")

    def drag(
        self,
        widget: QWidget,
        corners: Sequence[QPoint],
        modifier: Qt.KeyboardModifier = NO_MODIFIER,
    ) -> None:
        """Press at the first corner, move through the others, and let go."""
        self._did(f"drag on {widget.accessibleName()}")
        QTest.mousePress(widget, LEFT, modifier, corners[0])
        for a, b in itertools.pairwise(corners):
            for step in range(1, STEPS + 1):
                _move(widget, a + (b - a) * (step / STEPS), LEFT, modifier)
        QTest.mouseRelease(widget, LEFT, modifier, corners[-1])

    def drag_path(self, start: Place, end: Place) -> None:
        """Shift-drag over the canvas, from one latent point to another."""
        corners = [self.on_canvas(*start), self.on_canvas(*end)]
        self.drag(self.find("Latent canvas"), corners, SHIFT)

    def draw(self, corners: Sequence[Place]) -> None:
        """A stroke on the sheet, through places in [0, 1]² from its upper left corner."""
        sheet = self.find("Sheet to draw on")
        side = min(sheet.width(), sheet.height())
        left, top = (sheet.width() - side) / 2, (sheet.height() - side) / 2
        places = [QPoint(round(left + x * side), round(top + y * side)) for x, y in corners]
        self.drag(sheet, places)

    def scroll_to(self, widget: QWidget) -> None:
        """Turn the wheel over the area in which a widget lies, until it can be seen."""
        area = widget.parentWidget()
        while area is not None and not isinstance(area, QScrollArea):
            area = area.parentWidget()
        assert isinstance(area, QScrollArea), "nothing here scrolls"
        if not _seen_in(area, widget):
            self._did(f"scroll to {widget.accessibleName()}")
        for _ in range(40):
            if _seen_in(area, widget):
                return
            _wheel(area.viewport(), -120)
        raise AssertionError(f"{widget.accessibleName()} cannot be scrolled to")

    def drop(self, path: Path) -> None:
        """Drag a file from elsewhere and drop it on the window."""
        self._did(f"drop {path.name}")
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(path))])
        place, copy = QPointF(self.window.rect().center()), Qt.DropAction.CopyAction
        enter = QDragEnterEvent(place.toPoint(), copy, mime, LEFT, NO_MODIFIER)
        QApplication.sendEvent(self.window, enter)
        assert enter.isAccepted(), "the window takes no such file"
        QApplication.sendEvent(self.window, QDropEvent(place, copy, mime, LEFT, NO_MODIFIER))

    def menu(self, *titles: str) -> None:
        """Open a menu of the menu bar and click through it, an action a title."""
        bar = self.window.menuBar()
        action = _action(bar.actions(), titles[0])
        self._did(f"click the menu {titles[0]}")
        QTest.mouseClick(bar, LEFT, NO_MODIFIER, bar.actionGeometry(action).center())
        for title in titles[1:]:
            menu = action.menu()
            assert isinstance(menu, QMenu)
            self.wait(menu.isVisible)
            action = _action(menu.actions(), title)
            assert action.isEnabled(), f"“{title}” cannot be chosen now"
            self._did(f"click {title}")
            QTest.mouseClick(menu, LEFT, NO_MODIFIER, menu.actionGeometry(action).center())

    def choose(self, box_name: str, text: str) -> None:
        """Open a combo box and click one of its entries."""
        box = self.find(box_name, QComboBox)
        assert isinstance(box, QComboBox)
        self.click(box)
        view = box.view()
        self.wait(view.isVisible)
        index = box.findText(text)
        assert index >= 0, f"{box_name} offers no “{text}”"
        place = view.visualRect(box.model().index(index, box.modelColumn())).center()
        QTest.qWait(QApplication.doubleClickInterval() + 20)  # a fast second click opens and shuts
        self._did(f"click {text}")
        _move(view.viewport(), place, Qt.MouseButton.NoButton)
        QTest.mouseClick(view.viewport(), LEFT, NO_MODIFIER, place)
        assert box.currentText() == text, f"{box_name} is {box.currentText()} still"

    # -- keys ----------------------------------------------------------------------------------

    def press(self, key: Qt.Key | str, modifier: Qt.KeyboardModifier = NO_MODIFIER) -> None:
        """Press a key, wherever the focus is."""
        self._did(f"press {key if isinstance(key, str) else key.name}")
        target = QApplication.focusWidget() or self.window
        if isinstance(key, str):
            QTest.keyClicks(target, key, modifier)
        else:
            QTest.keyClick(target, key, modifier)

    def type_into(self, name: str, text: str) -> None:
        """Click a field, replace what it holds, and press Enter: a click and a text."""
        field = self.find(name)
        self.click(field)
        self._did(f"type {text}")
        QTest.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        QTest.keyClicks(field, text)
        QTest.keyClick(field, Qt.Key.Key_Return)

    # -- what asks back ------------------------------------------------------------------------

    @contextmanager
    def naming_file(self, name: str) -> Iterator[None]:
        """While this lasts, a file dialog is answered: type the name, press Enter."""

        def answer(dialog: QDialog) -> None:
            field = dialog.findChild(QLineEdit, "fileNameEdit")
            assert isinstance(field, QLineEdit)
            self._did(f"type {name}")
            field.selectAll()
            QTest.keyClicks(field, name)
            QTest.keyClick(field, Qt.Key.Key_Return)

        with self._answering(QFileDialog, answer):
            yield

    @contextmanager
    def saying(self, text: str) -> Iterator[None]:
        """While this lasts, a question is answered by the button of this text."""

        def answer(dialog: QDialog) -> None:
            buttons = [b for b in dialog.findChildren(QAbstractButton) if text in _names(b)]
            assert buttons, f"the question has no button “{text}”"
            self._did(f"click {text}")
            QTest.mouseClick(buttons[0], LEFT)

        with self._answering(QMessageBox, answer):
            yield

    @contextmanager
    def _answering(self, kind: type[QDialog], answer: Callable[[QDialog], None]) -> Iterator[None]:
        done: list[bool] = []
        timer = QTimer(self.window)
        timer.setInterval(20)

        def look() -> None:
            dialog = QApplication.activeModalWidget()
            if isinstance(dialog, kind) and dialog.isVisible() and not done:
                done.append(True)
                timer.stop()
                try:
                    answer(dialog)
                except BaseException:
                    dialog.reject()  # else the window waits for ever
                    raise

        timer.timeout.connect(look)
        timer.start()
        try:
            yield
        finally:
            timer.stop()
        assert done, f"no {kind.__name__} came up"

    def _did(self, what: str) -> None:
        self.actions.append(what)


def _names(widget: QWidget) -> tuple[str, ...]:
    text = widget.text().replace("&", "") if isinstance(widget, QAbstractButton) else ""
    return (widget.accessibleName(), text)


def _action(actions: Sequence[QAction], title: str) -> QAction:
    found = [a for a in actions if a.text().replace("&", "").split("\t")[0].rstrip("…") == title]
    assert found, f"there is no “{title}” in the menu"
    return found[0]


def _seen_in(area: QScrollArea, widget: QWidget) -> bool:
    place = widget.mapTo(area.viewport(), widget.rect().center())
    return area.viewport().rect().contains(place)


def _wheel(widget: QWidget, angle: int) -> None:
    middle = QPointF(widget.rect().center())
    event = QWheelEvent(
        middle,
        widget.mapToGlobal(middle),
        QPoint(),
        QPoint(0, angle),
        Qt.MouseButton.NoButton,
        NO_MODIFIER,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


def _move(
    widget: QWidget,
    place: QPoint,
    buttons: Qt.MouseButton,
    modifier: Qt.KeyboardModifier = NO_MODIFIER,
) -> None:
    """Move the mouse; unlike QTest's own, with buttons held and nothing compressed away."""
    local = QPointF(place)
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        local,
        widget.mapToGlobal(local),
        Qt.MouseButton.NoButton,
        buttons,
        modifier,
    )
    QApplication.sendEvent(widget, event)
