"""The scroll bar of a widget that paints rows itself."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QScrollBar, QWidget

from vae_explorer.gui import style

_NOTCH = 120  # of a mouse's wheel, in Qt's eighths of a degree
WIDTH = 8  # of the bar, in pixels, as in the style sheet
GUTTER = WIDTH + style.HALF
"""Pixels that the rows leave to the bar."""


class RowScroll(QScrollBar):
    """Stands at the right of its widget while there are more rows than fit; its value is in pixels."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Vertical, parent)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._pitch = 1
        self.hide()

    def fit(self, area: QRect, height: float, pitch: float) -> None:
        """Rows of this height in all, one every `pitch` pixels, are seen through an area of the widget."""
        self.setGeometry(area.right() + 1 - WIDTH, area.top(), WIDTH, area.height())
        self.setRange(0, max(0, round(height) - area.height()))
        self.setPageStep(area.height())
        self._pitch = max(1, round(pitch))
        self.setSingleStep(max(1, self._pitch // 3))  # a notch of the wheel is three steps
        self.setVisible(self.maximum() > 0)

    def reveal(self, top: float, bottom: float) -> None:
        """Scroll as little as brings a row into sight; both ends are measured from the first row's top."""
        lowest, highest = round(bottom) - self.pageStep(), round(top)
        self.setValue(min(max(self.value(), lowest), highest))

    def wheelEvent(self, event: QWheelEvent) -> None:
        super().wheelEvent(event)
        if event.angleDelta().y() % _NOTCH == 0:  # whole rows, but as smooth as a touchpad is
            self.setValue(round(self.value() / self._pitch) * self._pitch)
