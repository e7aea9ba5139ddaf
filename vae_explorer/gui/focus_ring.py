"""Where the keyboard is: a ring around a button or tab that has the focus by a key, none after a click."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QTabBar, QWidget
from shiboken6 import isValid


class FocusRing(QObject):
    """Sets the property `ringed`, which the style sheet draws as a ring: it cannot ask for the reason itself."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._ringed: QWidget | None = None
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._move)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.MouseButtonPress:
            self._take_off()
        return False

    def _move(self, _before: QWidget | None, now: QWidget | None) -> None:
        self._take_off()
        # Qt's own note of whether the focus was last moved by a key or by the mouse
        by_key = Qt.WidgetAttribute.WA_KeyboardFocusChange
        if isinstance(now, QAbstractButton | QTabBar) and now.window().testAttribute(by_key):
            self._ringed = now
            now.installEventFilter(self)
            _set_ringed(now, True)

    def _take_off(self) -> None:
        widget, self._ringed = self._ringed, None
        if widget is not None and isValid(widget):
            widget.removeEventFilter(self)
            _set_ringed(widget, False)


def _set_ringed(widget: QWidget, ringed: bool) -> None:
    widget.setProperty("ringed", ringed)
    widget.style().unpolish(widget)
    widget.style().polish(widget)
