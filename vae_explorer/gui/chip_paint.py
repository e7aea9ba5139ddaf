"""How one class of the class selector is painted: its chip, its image, its weight.

The image changes with every move of the mouse, and the rest seldom: they are painted apart.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPen

from vae_explorer.gui.chip_grid import Cell, bar_share
from vae_explorer.gui.pixels import fitted, paint_image
from vae_explorer.gui.style import Theme, small_font, title_font


@dataclass(frozen=True)
class Chip:
    """What is known of one class but its image; `weight` may be missing.

    `cut_left`: a name too long loses its beginning, because that is what all names have.
    """

    name: str
    color: QColor
    weight: float | None
    is_selected: bool
    is_hovered: bool
    has_focus: bool
    cut_left: bool = False


def paint(painter: QPainter, cell: Cell, chip: Chip, theme: Theme) -> None:
    """Paint one class into its cell, without its image."""
    _paint_name(painter, cell.chip, chip, theme)
    if chip.weight is not None:
        _paint_weight(painter, cell.bar, chip, chip.weight, theme)
    if chip.has_focus:
        painter.setPen(QPen(theme.accent, 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(cell.whole.adjusted(-2, -2, 2, 2), 7, 7)


def _paint_name(painter: QPainter, place: QRectF, chip: Chip, theme: Theme) -> None:
    # selected: filled, outlined and semibold, so that colour is not the only sign
    if chip.is_selected:
        painter.setBrush(chip.color)
        painter.setPen(QPen(theme.text, 2))
        painter.drawRoundedRect(place.adjusted(1, 1, -1, -1), 5, 5)
    else:
        painter.setBrush(theme.hover if chip.is_hovered else theme.raised)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawRoundedRect(place, 5, 5)
    painter.setFont(title_font() if chip.is_selected else small_font())
    metrics = QFontMetricsF(painter.font())
    with_dot = not chip.is_selected and place.width() >= 34
    room = place.width() - (20 if with_dot else 3)
    mode = Qt.TextElideMode.ElideLeft if chip.cut_left else Qt.TextElideMode.ElideRight
    text = metrics.elidedText(chip.name, mode, room)
    x = place.center().x() - (metrics.horizontalAdvance(text) + (13 if with_dot else 0)) / 2
    if with_dot:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(chip.color)
        painter.drawEllipse(QPointF(x + 4, place.center().y()), 4, 4)
        x += 13
    painter.setPen(readable_on(chip.color) if chip.is_selected else theme.text)
    baseline = place.center().y() + (metrics.ascent() - metrics.descent()) / 2
    painter.drawText(QPointF(x, baseline), text)


def paint_picture(
    painter: QPainter, place: QRectF, picture: QImage | None, is_selected: bool, theme: Theme
) -> None:
    """Paint the image of a class, or the empty place for it."""
    painter.fillRect(place, theme.canvas)
    if picture is not None:
        target = fitted(place, picture.width(), picture.height())
        paint_image(painter, target, picture, smooth=True)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme.text if is_selected else theme.border, 1))
    painter.drawRect(place.adjusted(0.5, 0.5, -0.5, -0.5))


def _paint_weight(
    painter: QPainter, place: QRectF, chip: Chip, weight: float, theme: Theme
) -> None:
    groove = QRectF(place.left() + 5, place.top(), 6, place.height())
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.raised)
    painter.drawRoundedRect(groove, 3, 3)
    height = max(groove.height() * bar_share(weight), 2.0)
    painter.setBrush(chip.color)
    painter.drawRoundedRect(groove.adjusted(0, groove.height() - height, 0, 0), 3, 3)
    if chip.is_hovered:
        grip = QRectF(groove.left() - 2, groove.bottom() - height - 2, 10, 4)
        painter.setBrush(theme.text)
        painter.drawRoundedRect(grip, 2, 2)


def readable_on(color: QColor) -> QColor:
    """Black or white, whichever stands out more on a colour (relative luminance of WCAG 2)."""

    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    luminance = (
        0.2126 * linear(color.redF())
        + 0.7152 * linear(color.greenF())
        + 0.0722 * linear(color.blueF())
    )
    return QColor("#000000") if luminance > 0.179 else QColor("#ffffff")
