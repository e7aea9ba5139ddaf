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

    def set_curve(self, curve: Curve | None) -> None:
        """Show the course of a training; None says that there was none."""
        self._sheet.curve = curve
        self._sheet.update()

    def set_model(self, caption: str, given_class: str) -> None:
        """Which model and which data, in a line; `given_class` is `, y` where the decoder takes a class."""
        self._caption.setText(caption)
        self._sheet.given_class = given_class
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
        self.given_class = ""
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
        self._paint_title(painter, place, title)

    def _paint_curve(self, painter: QPainter, place: QRectF) -> None:
        quantity, unit = (self.curve.quantity, self.curve.unit) if self.curve else ("ELBO", "nats")
        title = self.tr("(c) validation {0}").format(quantity)
        self._paint_title(painter, place, f"{title}, {unit}", title)
        plot = place.adjusted(_AXIS, 4, -style.MARGIN, -_CAPTION)
        painter.setPen(QPen(self._theme.border, 1))
        painter.drawLine(plot.topLeft(), plot.bottomLeft())
        painter.drawLine(plot.bottomLeft(), plot.bottomRight())
        painter.setFont(style.small_font())
        painter.setPen(self._theme.muted)
        if self.curve is None:
            flags = int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap)
            text = self.tr("Train a model, and its curve appears here.")
            painter.drawText(plot, flags, text)
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
            painter.setBrush(self._theme.accent)
            painter.drawEllipse(at(*curve.best_point), 3, 3)

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
        for value, place in zip((low, high), corners, strict=True):
            text = signed(value, 1)
            left = plot.left() - metrics.horizontalAdvance(text) - 4
            painter.drawText(QPointF(left, place.y() + 4), text)
        for epoch, place in zip((first, last), corners, strict=True):
            text = f"{epoch:g}"
            x = place.x() - metrics.horizontalAdvance(text) / 2
            painter.drawText(QPointF(x, plot.bottom() + metrics.ascent() + 2), text)

    def _paint_title(self, painter: QPainter, place: QRectF, title: str, short: str = "") -> None:
        painter.setFont(style.small_font())
        painter.setPen(self._theme.muted)
        below = QRectF(place.left(), place.bottom(), place.width(), _CAPTION)
        if short and QFontMetricsF(painter.font()).horizontalAdvance(title) > place.width():
            title = short
        room = below.adjusted(-style.GRID, 0, style.GRID, 0)  # into the gaps beside it
        painter.drawText(room, Qt.AlignmentFlag.AlignCenter, title)
