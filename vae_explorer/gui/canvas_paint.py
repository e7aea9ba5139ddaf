"""How the latent canvas's lines, marks and words are painted. Everything here is legible on any ground.

Each line is drawn twice, a wider stroke in the canvas colour and then the mark itself; words stand on chips.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QPainter,
    QPainterPath,
    QPen,
    QTransform,
)

from vae_explorer.gui.canvas_frame import Frame, tick_text, ticks
from vae_explorer.gui.style import FONT_SMALL, Theme, number_font, small_font, title_font

Point = tuple[float, float]

GUTTER_LEFT = 34
GUTTER_BOTTOM = 20
HANDLE_REACH = 10.0
PATH_TICKS = 8  # pieces of a path
_HALO = 3.0  # pixels round a mark
_PADDING = 3.0  # pixels round a word
PIN_ARM = 14.0  # pixels from the pin's middle to the ends of its arms
_ORIGIN = QPointF()


def plot_rect(frame: Frame) -> QRectF:
    """The plot's rectangle in widget pixels."""
    return QRectF(frame.left, frame.top, frame.width, frame.height)


def faded(color: QColor, opacity: float) -> QColor:
    """The colour with this opacity."""
    result = QColor(color)
    result.setAlphaF(opacity)
    return result


def at(frame: Frame, point: Point) -> QPointF:
    """Where a latent point lies in the widget."""
    return QPointF(*frame.to_pixel(*point))


def haloed(
    painter: QPainter, path: QPainterPath, theme: Theme, color: QColor, width: float
) -> None:
    """Stroke a path so that it stands out on dots, pictures and paper alike."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.strokePath(path, QPen(faded(theme.canvas, 0.85), width + _HALO))
    painter.strokePath(path, QPen(color, width))


def chip(painter: QPainter, rect: QRectF, text: str, theme: Theme, color: QColor) -> None:
    """Words on a plate of their own, to be read over dots and decoded images too."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(faded(theme.panel, 0.92))
    painter.drawRoundedRect(rect, 3, 3)
    painter.setPen(color)
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text)


def chip_rect(painter: QPainter, text: str, corner: QPointF = _ORIGIN) -> QRectF:
    """A chip for one line in the painter's font, with its upper left corner here."""
    metrics = QFontMetricsF(painter.font())
    size = QSizeF(metrics.horizontalAdvance(text), metrics.ascent() + metrics.descent())
    return QRectF(corner, size + QSizeF(2 * _PADDING, _PADDING))


def axes(painter: QPainter, frame: Frame, theme: Theme, titles: tuple[str, str]) -> None:
    """The plot's border, its ticks outside, and the axes' names inside two corners."""
    rect = plot_rect(frame)
    painter.setPen(QPen(theme.border, 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(rect.adjusted(-0.5, -0.5, 0.5, 0.5))
    painter.setFont(number_font(FONT_SMALL - 1))
    painter.setPen(theme.muted)
    x0, x1, y0, y1 = frame.extent
    metrics = QFontMetricsF(painter.font())
    _x_ticks(painter, frame, metrics, ticks(x0, x1, frame.width))
    if titles[1]:  # with d = 1 the second coordinate means nothing
        _y_ticks(painter, frame, metrics, ticks(y0, y1, frame.height))
    painter.setFont(small_font())
    right, up = f"{titles[0]} →", f"↑ {titles[1]}"
    place = chip_rect(painter, right)
    place.moveBottomRight(rect.bottomRight() - QPointF(5, 5))
    chip(painter, place, right, theme, theme.muted)
    if titles[1]:
        place = chip_rect(painter, up, rect.topLeft() + QPointF(5, 5))
        chip(painter, place, up, theme, theme.muted)


def _x_ticks(
    painter: QPainter, frame: Frame, metrics: QFontMetricsF, values: Sequence[float]
) -> None:
    step = values[1] - values[0] if len(values) > 1 else 1.0
    for value in values:
        x = frame.to_pixel(value, 0.0)[0]
        text = tick_text(value, step)
        half = metrics.horizontalAdvance(text) / 2
        if frame.left + half <= x <= frame.left + frame.width - half:
            painter.drawText(
                QPointF(x - half, frame.top + frame.height + metrics.ascent() + 4), text
            )


def _y_ticks(
    painter: QPainter, frame: Frame, metrics: QFontMetricsF, values: Sequence[float]
) -> None:
    step = values[1] - values[0] if len(values) > 1 else 1.0
    for value in values:
        y = frame.to_pixel(0.0, value)[1]
        if frame.top + 6 <= y <= frame.top + frame.height - 6:
            text = tick_text(value, step)
            left = frame.left - metrics.horizontalAdvance(text) - 6
            painter.drawText(QPointF(left, y + metrics.capHeight() / 2), text)


def prior(painter: QPainter, frame: Frame, theme: Theme, mean: Point, dimensions: int) -> None:
    """The standard normal prior: axes through its mean, circles at 1σ and 2σ; in 1-D, lines."""
    centre = at(frame, mean)
    rect = plot_rect(frame)
    painter.setPen(QPen(faded(theme.muted, 0.35), 1))
    for line in (
        (QPointF(rect.left(), centre.y()), QPointF(rect.right(), centre.y())),
        (QPointF(centre.x(), rect.top()), QPointF(centre.x(), rect.bottom())),
    ):
        painter.drawLine(*line)
    for sigma in (1, 2):
        radius = sigma * frame.scale
        contour = QPainterPath()
        if dimensions == 1:
            for x in (centre.x() - radius, centre.x() + radius):
                contour.moveTo(x, rect.top())
                contour.lineTo(x, rect.bottom())
        else:
            contour.addEllipse(centre, radius, radius)
        painter.strokePath(contour, QPen(faded(theme.canvas, 0.7), 3.2))
        painter.strokePath(contour, QPen(faded(theme.text, 0.62), 1.2, Qt.PenStyle.DashLine))


def ellipse(
    painter: QPainter,
    frame: Frame,
    theme: Theme,
    color: QColor,
    mean: Point,
    factor: NDArray[np.floating],
) -> None:
    """The 1σ and 2σ ellipses of a posterior with covariance LLᵀ; `factor` is L, (2, 2)."""
    centre = at(frame, mean)
    (a, b), (c, d) = (factor * frame.scale).tolist()
    of_circle = QTransform(a, -c, b, -d, centre.x(), centre.y())
    for sigma, opacity in ((2, 0.75), (1, 1.0)):
        circle = QPainterPath()
        circle.addEllipse(QPointF(), sigma, sigma)
        path = of_circle.map(circle)
        painter.fillPath(path, faded(color, 0.10))
        haloed(painter, path, theme, faded(color, opacity), 1.6 if sigma == 1 else 1.1)


def pin(painter: QPainter, frame: Frame, theme: Theme, point: Point) -> None:
    """The pinned latent point: a ring with four arms, its middle left open."""
    centre = at(frame, point)
    path = QPainterPath()
    path.addEllipse(centre, 6.5, 6.5)
    for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        path.moveTo(centre + QPointF(dx, dy) * 6.5)
        path.lineTo(centre + QPointF(dx, dy) * PIN_ARM)
    haloed(painter, path, theme, theme.text, 2.0)
    dot = QPainterPath()
    dot.addEllipse(centre, 1.5, 1.5)
    painter.fillPath(dot, theme.text)


@dataclass(frozen=True)
class RingKind:
    """How large and how strong a ring is, in pixels."""

    radius: float
    width: float


SHOWN_RING = RingKind(6.5, 2.4)
NEAREST_RING = RingKind(5.0, 1.2)
AIMED_RING = RingKind(6.0, 2.0)


@dataclass(frozen=True)
class Ring:
    """A ring about a latent point."""

    centre: Point
    kind: RingKind
    color: QColor


def ring(painter: QPainter, frame: Frame, theme: Theme, drawn: Ring) -> None:
    """A ring that leaves what it surrounds to be seen."""
    path = QPainterPath()
    path.addEllipse(at(frame, drawn.centre), drawn.kind.radius, drawn.kind.radius)
    haloed(painter, path, theme, drawn.color, drawn.kind.width)


def ring_rect(frame: Frame, drawn: Ring) -> QRectF:
    """What a ring and its halo cover."""
    reach = drawn.kind.radius + drawn.kind.width + _HALO
    return QRectF(-reach, -reach, 2 * reach, 2 * reach).translated(at(frame, drawn.centre))


def diamond(painter: QPainter, frame: Frame, theme: Theme, color: QColor, point: Point) -> None:
    """Where a posterior has its mean."""
    centre = at(frame, point)
    path = QPainterPath()
    path.addPolygon([centre + QPointF(*d) for d in ((0, -6), (6, 0), (0, 6), (-6, 0), (0, -6))])
    painter.strokePath(path, QPen(theme.canvas, 4))
    painter.fillPath(path, color)


def route(
    painter: QPainter,
    frame: Frame,
    theme: Theme,
    points: Sequence[Point],
    position: float | None,
) -> None:
    """A path with its two handles A and B, ticks on the way, and where a film of it stands."""
    nodes = [at(frame, p) for p in points]
    path = QPainterPath(nodes[0])
    for node in nodes[1:]:
        path.lineTo(node)
    haloed(painter, path, theme, theme.accent, 2.0)
    for k in range(1, PATH_TICKS):
        tick = QPainterPath()
        tick.addEllipse(path.pointAtPercent(k / PATH_TICKS), 2.2, 2.2)
        painter.strokePath(tick, QPen(theme.canvas, 2))
        painter.fillPath(tick, theme.accent)
    for node, letter in ((nodes[0], "A"), (nodes[-1], "B")):
        _handle(painter, node, letter, theme)
    if position is not None:
        mark = QPainterPath()
        mark.addEllipse(path.pointAtPercent(min(max(position, 0.0), 1.0)), 6.0, 6.0)
        painter.fillPath(mark, theme.canvas)
        haloed(painter, mark, theme, theme.accent, 2.5)


def _handle(painter: QPainter, centre: QPointF, letter: str, theme: Theme) -> None:
    disc = QPainterPath()
    disc.addEllipse(centre, HANDLE_REACH - 1, HANDLE_REACH - 1)
    painter.strokePath(disc, QPen(theme.canvas, 3))
    painter.fillPath(disc, theme.accent)
    painter.setFont(title_font())
    metrics = QFontMetricsF(painter.font())
    painter.setPen(theme.on_accent)
    half = metrics.horizontalAdvance(letter) / 2
    painter.drawText(centre + QPointF(-half, metrics.capHeight() / 2), letter)


def read_out_rect(frame: Frame) -> QRectF:
    """The corner in which the cursor's latent point is written."""
    width = min(272.0, frame.width - 16)
    return QRectF(frame.left + frame.width - width - 8, frame.top + 8, width, 22)


def read_out(painter: QPainter, frame: Frame, theme: Theme, text: str) -> None:
    """The cursor's latent point, right-aligned in its corner."""
    painter.setFont(number_font(FONT_SMALL))
    width = QFontMetricsF(painter.font()).horizontalAdvance(text) + 14
    rect = read_out_rect(frame)
    rect.setLeft(max(rect.left(), rect.right() - width))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(faded(theme.panel, 0.88))
    painter.drawRoundedRect(rect, 4, 4)
    painter.setPen(theme.text)
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)


def message(painter: QPainter, frame: Frame, theme: Theme, text: str) -> None:
    """What an empty canvas says, in its middle."""
    rect = plot_rect(frame).adjusted(16, 16, -16, -16)
    painter.setFont(small_font())
    flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
    box = painter.boundingRect(rect, int(flags), text).adjusted(-14, -10, 14, 10)
    painter.setPen(QPen(theme.border, 1))
    painter.setBrush(faded(theme.panel, 0.94))
    painter.drawRoundedRect(box, 6, 6)
    painter.setPen(theme.muted)
    painter.drawText(rect, int(flags), text)
