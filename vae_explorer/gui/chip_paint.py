"""How one class of the class selector is painted: its chip, its image, its weight.

The image changes with every move of the mouse, and the rest seldom: they are painted apart.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPen

from vae_explorer.gui.chip_grid import Cell, bar_share
from vae_explorer.gui.contrast import readable_on
from vae_explorer.gui.pixels import fitted, paint_image
from vae_explorer.gui.style import Theme, small_font, title_font

PADDING = 6.0  # beside a name, in pixels
DOT = 13.0  # of the class's colour before its name, with the gap behind it


@dataclass(frozen=True)
class Chip:
    """What is known of one class but its image; `weight` may be missing, and `name` is as it fits."""

    name: str
    color: QColor
    weight: float | None
    is_selected: bool
    is_hovered: bool
    has_focus: bool
    with_dot: bool


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
    with_dot = chip.with_dot and not chip.is_selected
    x = place.center().x() - (metrics.horizontalAdvance(chip.name) + (DOT if with_dot else 0)) / 2
    if with_dot:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(chip.color)
        painter.drawEllipse(QPointF(x + 4, place.center().y()), 4, 4)
        x += DOT
    painter.setPen(readable_on(chip.color) if chip.is_selected else theme.text)
    baseline = place.center().y() + (metrics.ascent() - metrics.descent()) / 2
    painter.drawText(QPointF(x, baseline), chip.name)


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
