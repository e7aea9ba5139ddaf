"""The canvas's legend: where each class's name lies, how it is painted, which one is under the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen

from vae_explorer.gui.style import Theme, small_font

ROW_HEIGHT = 20.0
MAX_ROWS = 3
_DOT = 4.0
_PADDING = 7.0
_NAME_WIDTHS = (120.0, 72.0, 44.0, 24.0)  # tried in turn until the names fit in the rows


@dataclass(frozen=True)
class Entry:
    """One class in the legend."""

    index: int
    text: str  # elided where names are long
    rect: QRectF


def arrange(names: Sequence[str], width: float) -> tuple[list[Entry], float]:
    """Lay class names out in rows of a width: the entries, and the height they take.

    Long names are elided, the less the more room there is; what does not fit at all is left out.
    """
    if not names or width < 40:
        return [], 0.0
    entries: list[Entry] = []
    for widest in _NAME_WIDTHS:
        entries = _flow(names, width, widest)
        if entries[-1].rect.bottom() <= MAX_ROWS * ROW_HEIGHT:
            break
    entries = [e for e in entries if e.rect.bottom() <= MAX_ROWS * ROW_HEIGHT]
    return entries, entries[-1].rect.bottom() if entries else 0.0


def _flow(names: Sequence[str], width: float, widest: float) -> list[Entry]:
    metrics = QFontMetricsF(small_font())
    entries: list[Entry] = []
    x = y = 0.0
    for index, name in enumerate(names):
        text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, widest)
        size = 2 * _DOT + 5 + metrics.horizontalAdvance(text) + 2 * _PADDING
        if x + size > width and x > 0:
            x, y = 0.0, y + ROW_HEIGHT
        entries.append(Entry(index, text, QRectF(x, y, size, ROW_HEIGHT)))
        x += size
    return entries


def entry_at(entries: Sequence[Entry], origin: QPointF, position: QPointF) -> int | None:
    """The class under a position, or None."""
    local = position - origin
    return next((e.index for e in entries if e.rect.contains(local)), None)


def paint(
    painter: QPainter,
    entries: Sequence[Entry],
    origin: QPointF,
    theme: Theme,
    highlighted: int | None,
    hovered: int | None,
) -> None:
    """Paint the legend; while a class is highlighted, the others step back."""
    painter.setFont(small_font())
    for entry in entries:
        rect = entry.rect.translated(origin)
        if entry.index in (hovered, highlighted):
            painter.setPen(
                QPen(theme.accent, 1) if entry.index == highlighted else Qt.PenStyle.NoPen
            )
            painter.setBrush(theme.hover)
            painter.drawRoundedRect(rect.adjusted(0.5, 1.5, -0.5, -0.5), 4, 4)
        aside = highlighted is not None and entry.index != highlighted
        color = theme.class_color(entry.index)
        color.setAlphaF(0.35 if aside else 1.0)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        dot = QPointF(rect.left() + _PADDING + _DOT, rect.center().y() + 0.5)
        painter.drawEllipse(dot, _DOT, _DOT)
        painter.setPen(theme.disabled if aside else theme.text)
        painter.drawText(
            rect.adjusted(_PADDING + 2 * _DOT + 5, 1, 0, 1),
            Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
            entry.text,
        )
