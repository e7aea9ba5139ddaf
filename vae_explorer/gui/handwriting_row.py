"""The row of all classes in one handwriting: z from the drawing, y changed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from vae_explorer.gui import names as naming
from vae_explorer.gui import style
from vae_explorer.gui.pixels import images_to_qimages, paint_image
from vae_explorer.gui.row_scroll import GUTTER, RowScroll
from vae_explorer.gui.style import Theme, came_by_keyboard

_SMALLEST, _LEAST, _LARGEST = 14, 28, 84  # sides of a picture, in pixels
_FEW = 12  # classes up to which pictures get smaller than `_LEAST` rather than out of sight
_LABEL = 18
_DOT = 11.0  # of the class's colour before its name, with the gap behind it
_GAP = 6


class HandwritingRow(QWidget):
    """A picture a class, each with its name; a click or Enter picks one."""

    class_picked = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._images: NDArray[np.generic] | None = None
        self._names: tuple[str, ...] = ()
        self._colors: list[QColor] = []
        self._pictures: list[QImage] = []
        self._current = -1
        self._shows_focus = False
        self._fitted_to = ((0, 0, 0), (1, 1, 0))  # width, height, pictures; and their layout
        self._labels: list[str] = []  # names as they are written
        self._with_dots = False
        self._bar = RowScroll(self)
        self._bar.valueChanged.connect(self.update)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setAccessibleName(self.tr("All classes in this handwriting"))

    def set_images(
        self, images: NDArray[np.generic] | None, names: Sequence[str], colors: Sequence[QColor]
    ) -> None:
        """Show (C, H, W) or (C, H, W, 3) in [0, 1] with C names and colours; None for nothing."""
        if images is not None and not len(images) == len(names) == len(colors):
            raise ValueError(f"{len(images)} images, {len(names)} names, {len(colors)} colours")
        self._images, self._names, self._colors = images, tuple(names), list(colors)
        self._make_pictures()
        self._fit_names()
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        self._theme = theme
        self._make_pictures()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(10 * (56 + _GAP), 56 + _LABEL)

    def minimumSizeHint(self) -> QSize:
        return QSize(5 * (28 + _GAP), 28 + _LABEL)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        """Of one row of ten, whatever is shown: the pad beside must not move when a drawing begins."""
        side = (width + _GAP) // 10 - _GAP
        return min(max(side, _LEAST), _LARGEST) + _LABEL

    # Events

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._pictures:
            for index in range(len(self._pictures)):
                self._paint_tile(painter, index)
        else:
            painter.setPen(self._theme.muted)
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            text = self.tr("Draw to see every class in your handwriting")
            painter.drawText(self.rect(), flags, text)
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit_names()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self._bar.isVisible():
            self._bar.event(event)
        else:
            event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._shows_focus = came_by_keyboard(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._shows_focus = False
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        index = self._index_at(event.position())
        self.setToolTip(self._names[index] if index >= 0 else "")
        over = Qt.CursorShape.PointingHandCursor
        self.setCursor(over if index >= 0 else Qt.CursorShape.ArrowCursor)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self._index_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self._pick(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1}.get(Qt.Key(event.key()))
        if step is not None and self._pictures:
            self._current = (self._current + step) % len(self._pictures)
            self._shows_focus = True
            self._reveal(self._current)
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._current >= 0:
            self._pick(self._current)
        else:
            super().keyPressEvent(event)

    # Geometry and painting

    def _pick(self, index: int) -> None:
        self._current = index
        self.update()
        self.class_picked.emit(index)

    def _make_pictures(self) -> None:
        images = self._images
        self._pictures = [] if images is None else images_to_qimages(images, self._theme)
        self._current = min(self._current, len(self._pictures) - 1)

    def _fitted(self, label: int) -> tuple[int, int]:
        """Columns and the side of a picture that show all in this widget as large as can be.

        Of several such layouts it is the one of the fewest rows, and of rows as long as each other.
        """
        count, room = max(1, len(self._pictures)), self.contentsRect()
        sides = []
        for columns in range(1, count + 1):
            rows = -(-count // columns)
            across = (room.width() + _GAP) // columns - _GAP
            down = (room.height() + _GAP) // rows - _GAP - label
            sides.append((min(across, down, _LARGEST), -rows, -columns))
        side, _, columns = max(sides)
        return -columns, max(1, side)

    def _layout(self) -> tuple[int, int, int]:
        """Columns, side of a picture, and height of a name: where it gets tight, names go."""
        room = *self.contentsRect().size().toTuple(), len(self._pictures)
        if self._fitted_to[0] != room:  # every tile asks, at every move of the pen
            columns, side = self._fitted(_LABEL)
            if len(self._pictures) > _FEW and side < _LEAST:
                fitting = (*self._scrolled(), _LABEL)
            elif side >= _SMALLEST:
                fitting = (columns, side, _LABEL)
            else:
                fitting = (*self._fitted(0), 0)
            self._fitted_to = room, fitting
        return self._fitted_to[1]

    def _scrolled(self) -> tuple[int, int]:
        """Columns and the side of a picture where not all can be seen at once."""
        width = self.contentsRect().width() - GUTTER
        columns = max(1, (width + _GAP) // (_LEAST + _GAP))
        return columns, min((width + _GAP) // columns - _GAP, _LARGEST)

    def _fit_names(self) -> None:
        """Write names as they fit, and scroll where not all pictures do."""
        columns, side, label = self._layout()
        rows, pitch = -(-len(self._pictures) // columns), side + label + _GAP
        self._bar.fit(self.contentsRect(), rows * pitch - _GAP if self._pictures else 0, pitch)
        metrics = QFontMetricsF(style.small_font())
        # no dot where not every one could be read, or where it would cost a part of a name
        self._with_dots = len(self._pictures) > 1 and naming.fit(self._names, metrics, side - _DOT)
        room = side - _DOT if self._with_dots else side + _GAP - 2  # into the gap, not to the next
        self._labels = naming.shortened(self._names, metrics, room)

    def _reveal(self, index: int) -> None:
        columns, side, label = self._layout()
        top = index // columns * (side + label + _GAP)
        self._bar.reveal(top, top + side + label)

    def _tile(self, index: int) -> QRectF:
        columns, side, label = self._layout()
        row, column = divmod(index, columns)
        top = self.contentsRect().top() + row * (side + label + _GAP) - self._bar.value()
        return QRectF(column * (side + _GAP), top, side, side)

    def _index_at(self, place: QPointF) -> int:
        for index in range(len(self._pictures)):
            if self._tile(index).adjusted(0, 0, 0, _LABEL).contains(place):
                return index
        return -1

    def _paint_tile(self, painter: QPainter, index: int) -> None:
        tile = self._tile(index)
        if tile.bottom() + _LABEL < 0 or tile.top() > self.height():
            return
        paint_image(painter, tile.adjusted(1, 1, -1, -1), self._pictures[index])
        is_current = self._shows_focus and index == self._current
        painter.setPen(QPen(self._theme.accent if is_current else self._theme.border, 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(tile.adjusted(0.5, 0.5, -0.5, -0.5))
        if self._layout()[2] == 0:
            return
        self._paint_name(painter, QRectF(tile.left(), tile.bottom(), tile.width(), _LABEL), index)

    def _paint_name(self, painter: QPainter, place: QRectF, index: int) -> None:
        """A class's name, and where there is room before it a dot of its colour."""
        painter.setFont(style.small_font())
        dot = _DOT if self._with_dots else 0.0
        metrics, name = QFontMetricsF(painter.font()), self._labels[index]
        left = place.center().x() - (dot + metrics.horizontalAdvance(name)) / 2
        if dot:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._colors[index])
            painter.drawEllipse(QPointF(left + 3.5, place.center().y()), 3.5, 3.5)
        painter.setPen(self._theme.text)
        baseline = place.center().y() + (metrics.ascent() - metrics.descent()) / 2
        painter.drawText(QPointF(left + dot, baseline), name)
