"""A drawing's class and its probability in one line, large enough to be read from far away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter

from vae_explorer.gui import style
from vae_explorer.gui.contrast import legible
from vae_explorer.gui.style import Theme

_SHARE = 0.78  # of the line's height that its letters are set in
_SMALLEST = 13  # pixels, below which names are cut rather than set smaller
_MUCH_SMALLER = 0.8
_BETWEEN = "  ≠  "


@dataclass(frozen=True)
class Verdict:
    """The class that a distribution finds most probable.

    Attributes:
        symbol: of the distribution, such as `q`.
        name: of the class.
        percent: its probability as it is written.
        color: of the class.
    """

    symbol: str
    name: str
    percent: str
    color: QColor


def paint(painter: QPainter, area: QRectF, verdicts: Sequence[Verdict], theme: Theme) -> None:
    """Paint one verdict, or two that disagree with the symbols of their distributions.

    Where the line would be set much smaller for them, probabilities go before letters of a name do.
    """
    full = round(area.height() * _SHARE)
    pieces, font = _pieces(verdicts, theme), _font(full)
    size = full * area.width() / _width(pieces, font)
    if size < full * _MUCH_SMALLER:
        pieces = _pieces(verdicts, theme, with_percent=False)
        size = full * area.width() / _width(pieces, font)
    font = _font(max(_SMALLEST, min(full, int(size))))
    metrics = QFontMetricsF(font)
    cut = max(0.0, _width(pieces, font) - area.width()) / len(verdicts)  # off each name
    baseline = area.center().y() + metrics.capHeight() / 2
    painter.setFont(font)
    x = area.left()
    for text, color, is_name in pieces:
        shown = text
        if is_name and cut > 0:
            room = metrics.horizontalAdvance(text) - cut
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
        painter.setPen(color)
        painter.drawText(QPointF(x, baseline), shown)
        x += metrics.horizontalAdvance(shown)


def _pieces(
    verdicts: Sequence[Verdict], theme: Theme, *, with_percent: bool = True
) -> list[tuple[str, QColor, bool]]:
    """Texts from left to right with their colours, and whether they are names, which can be cut."""
    pieces: list[tuple[str, QColor, bool]] = []
    for verdict in verdicts:
        if pieces:
            pieces.append((_BETWEEN, theme.warning, False))
        if len(verdicts) > 1:
            pieces.append((f"{verdict.symbol}: ", theme.muted, False))
        color = legible(verdict.color, theme.panel)
        pieces.append((verdict.name, color, True))
        if with_percent:
            pieces.append((f" · {verdict.percent}", color, False))
    return pieces


def _width(pieces: Sequence[tuple[str, QColor, bool]], font: QFont) -> float:
    metrics = QFontMetricsF(font)
    return sum(metrics.horizontalAdvance(text) for text, _, _ in pieces)


def _font(pixels: int) -> QFont:
    font = style.number_font(pixels)
    font.setWeight(QFont.Weight.Bold)
    return font
