"""The lecture's figure as a page: real images, generated images, and the validation curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from vae_explorer.engine.lecture_figure import Curve, square
from vae_explorer.gui import style
from vae_explorer.gui.notation import signed
from vae_explorer.gui.pixels import image_to_qimage, mosaic, paint_image
from vae_explorer.gui.style import Theme

_CAPTION = 20
_AXIS = 44
_DOT = 3  # pixels, of the best epoch's radius
_SAMPLE = 20  # pixels of a line in the key


class FigurePage(QWidget):
    """Painted by hand in the window's theme; the export is a figure on white paper."""

    export_requested = Signal()
    refresh_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sheet = _Figure(theme, self)
        again = QPushButton(self.tr("New images"), self)
        again.setToolTip(self.tr("Choose other real images and generate new ones"))
        again.clicked.connect(self.refresh_requested)
        export = QPushButton(self.tr("Export…"), self)
        export.setToolTip(self.tr("Save the figure as PNG or PDF"))
        export.clicked.connect(self.export_requested)
        head = QHBoxLayout()
        head.setSpacing(style.GAP)
        self._caption = style.muted_label("", self)
        head.addWidget(again)
        head.addWidget(export)
        head.addWidget(self._caption, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, style.GAP, 0, 0)
        column.setSpacing(style.GAP)
        column.addLayout(head)
        column.addWidget(self._sheet, 1)

    def set_images(
        self, real: NDArray[np.generic] | None, generated: NDArray[np.generic] | None
    ) -> None:
        """Test images and means E[x|z], (n, H, W) or (n, H, W, 3); None leaves a side empty."""
        self._sheet.set_images(real, generated)

    def set_curve(self, curve: Curve | None, why_not: str = "") -> None:
        """Show the course of a training; for None the sentence that says why there is no curve."""
        self._sheet.curve, self._sheet.why_not = curve, why_not
        self._sheet.update()

    def set_model(self, caption: str, given_class: str, quantity: str, unit: str) -> None:
        """Which model and which data, in a line, and what its curve is of.

        given_class: `, y` where the decoder takes a class. quantity, unit: as those of a `Curve`.
        """
        self._caption.setText(caption)
        self._sheet.given_class = given_class
        self._sheet.quantity, self._sheet.unit = quantity, unit
        self._sheet.update()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        self._sheet.set_theme(theme)


class _Figure(QWidget):
    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._real: NDArray[np.generic] | None = None
        self._generated: NDArray[np.generic] | None = None
        self.curve: Curve | None = None
        self.why_not = ""  # there is no curve
        self.given_class = ""
        self.quantity, self.unit = "ELBO", "nats"
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(self.tr("The lecture's figure"))

    def set_images(
        self, real: NDArray[np.generic] | None, generated: NDArray[np.generic] | None
    ) -> None:
        self._real, self._generated = real, generated
        self.update()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = min(self.height() - _CAPTION, (self.width() - 3 * style.GRID) // 3)
        left = 0.0
        for images, title in (
            (self._real, self.tr("(a) test images")),
            (self._generated, self.tr("(b) generated: E[x|z{0}]").format(self.given_class)),
        ):
            self._paint_grid(painter, QRectF(left, 0, side, side), images, title)
            left += side + 2 * style.GRID
        place = QRectF(left, 0, self.width() - left, side)
        self._paint_curve(painter, place)
        painter.end()

    def _paint_grid(
        self, painter: QPainter, place: QRectF, images: NDArray[np.generic] | None, title: str
    ) -> None:
        if images is not None and len(images):
            shown, side = square(images)
            grid = shown.reshape(side, side, *images.shape[1:])
            paint_image(painter, place, image_to_qimage(mosaic(grid), self._theme))
        painter.setPen(QPen(self._theme.border, 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(place.adjusted(0.5, 0.5, -0.5, -0.5))
        self._paint_title(painter, place, title, title.partition(":")[0])

    def _paint_curve(self, painter: QPainter, place: QRectF) -> None:
        title = self.tr("(c) validation {0}").format(self.quantity)
        self._paint_title(painter, place, f"{title}, {self.unit}", title)
        plot = place.adjusted(_AXIS, 4, -style.MARGIN, -_CAPTION)
        painter.setFont(style.small_font())
        if self.curve is not None:
            key = self._paint_key(painter, plot, self.curve)
            plot.setTop(plot.top() + key + style.HALF)
        painter.setPen(QPen(self._theme.border, 1))
        painter.drawLine(plot.topLeft(), plot.bottomLeft())
        painter.drawLine(plot.bottomLeft(), plot.bottomRight())
        painter.setPen(self._theme.muted)
        if self.curve is None:
            flags = int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap)
            painter.drawText(plot, flags, self.why_not)
            return
        self._paint_lines(painter, plot, self.curve)

    def _paint_lines(self, painter: QPainter, plot: QRectF, curve: Curve) -> None:
        """Closed form, train and validation, and the best epoch's dot, as in the exported figure."""
        level = [] if curve.reference is None else [curve.reference]
        values = [*curve.validation, *curve.train, *level]
        low, high = min(values), max(values)
        pad = 0.05 * (high - low) or 1.0
        first, last = curve.epochs[0], max(curve.epochs[-1], curve.epochs[0] + 1)

        def at(epoch: float, value: float) -> QPointF:
            return QPointF(
                plot.left() + (epoch - first) / (last - first) * plot.width(),
                plot.bottom() - (value - low + pad) / (high - low + 2 * pad) * plot.height(),
            )

        self._paint_ticks(painter, plot, [at(first, low), at(last, high)], (low, high, first, last))
        if curve.reference is not None:
            painter.setPen(QPen(self._theme.text, 1, Qt.PenStyle.DotLine))
            painter.drawLine(at(first, curve.reference), at(last, curve.reference))
        if curve.train:
            painter.setPen(QPen(self._theme.muted, 1, Qt.PenStyle.DashLine))
            painter.drawPolyline(QPolygonF([*map(at, curve.epochs, curve.train)]))
        painter.setPen(QPen(self._theme.accent, 1.6))
        painter.drawPolyline(QPolygonF([*map(at, curve.epochs, curve.validation)]))
        if curve.best_point is not None:
            self._paint_dot(painter, at(*curve.best_point))

    def _paint_key(self, painter: QPainter, place: QRectF, curve: Curve) -> float:
        """Which line is which, above the plot and in as many rows as it takes; returns their height."""
        theme, dashes, dots = self._theme, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine
        keys: list[tuple[str, QPen | None]] = [(self.tr("validation"), QPen(theme.accent, 1.6))]
        if curve.train:
            keys.append((curve.train_title, QPen(theme.muted, 1, dashes)))
        if curve.reference is not None:
            keys.append((self.tr("closed form, train"), QPen(theme.text, 1, dots)))
        if curve.best_point is not None:
            keys.append((self.tr("best epoch, {0:g}").format(curve.best_point[0]), None))
        metrics = QFontMetricsF(painter.font())
        left, top = place.left(), place.top()
        for text, pen in keys:
            width = _SAMPLE + style.HALF + metrics.horizontalAdvance(text)
            if left > place.left() and left + width > place.right():
                left, top = place.left(), top + metrics.height()
            middle = QPointF(left + _SAMPLE / 2, top + metrics.height() / 2)
            if pen is None:
                self._paint_dot(painter, middle)
            else:
                painter.setPen(pen)
                half = QPointF(_SAMPLE / 2, 0)
                painter.drawLine(middle - half, middle + half)
            painter.setPen(theme.muted)
            base = QPointF(left + _SAMPLE + style.HALF, top + metrics.ascent())
            painter.drawText(base, text)
            left += width + 2 * style.GAP
        return top + metrics.height() - place.top()

    def _paint_dot(self, painter: QPainter, place: QPointF) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.accent)
        painter.drawEllipse(place, _DOT, _DOT)

    def _paint_ticks(
        self,
        painter: QPainter,
        plot: QRectF,
        corners: list[QPointF],
        numbers: tuple[float, float, float, float],
    ) -> None:
        """The lowest and highest value, and the first and last epoch, where they are on the axes."""
        metrics = QFontMetricsF(painter.font())
        low, high, first, last = numbers
        below = plot.bottom() + metrics.ascent() + 2
        for value, place in zip((low, high), corners, strict=True):
            text = signed(value, 1)
            left = plot.left() - metrics.horizontalAdvance(text) - 4
            painter.drawText(QPointF(left, place.y() + 4), text)
        for epoch, place in zip((first, last), corners, strict=True):
            text = f"{epoch:g}"
            x = place.x() - metrics.horizontalAdvance(text) / 2
            painter.drawText(QPointF(x, below), text)
        text = self.tr("epoch")
        x = plot.center().x() - metrics.horizontalAdvance(text) / 2
        painter.drawText(QPointF(x, below), text)

    def _paint_title(self, painter: QPainter, place: QRectF, title: str, short: str = "") -> None:
        painter.setFont(style.small_font())
        painter.setPen(self._theme.muted)
        below = QRectF(place.left(), place.bottom(), place.width(), _CAPTION)
        if short and QFontMetricsF(painter.font()).horizontalAdvance(title) > place.width():
            title = short
        room = below.adjusted(-style.GRID, 0, style.GRID, 0)  # into the gaps beside it
        painter.drawText(room, Qt.AlignmentFlag.AlignCenter, title)
