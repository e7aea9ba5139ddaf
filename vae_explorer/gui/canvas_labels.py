"""The words on the latent canvas: each on a chip, over all marks, where the pin leaves room."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from vae_explorer.gui.canvas_frame import Frame
from vae_explorer.gui.canvas_paint import PIN_ARM, Point, at, chip, chip_rect, plot_rect
from vae_explorer.gui.style import Theme, small_font, title_font

_HINT_MARGIN = 56.0  # pixels left to the axis' name beside the hint


def prior_labels(
    painter: QPainter,
    frame: Frame,
    theme: Theme,
    pin_point: Point | None,
    mean: Point,
    dimensions: int,
) -> None:
    """Which circle, or line, of `prior` is which."""
    centre, top = at(frame, mean), frame.top + 8
    painter.setFont(small_font())
    for sigma in (1, 2):
        text, radius = f"{sigma}σ", sigma * frame.scale
        size = chip_rect(painter, text).size()
        if dimensions == 1:
            corners = [
                QPointF(centre.x() + radius + 2, top),
                QPointF(centre.x() - radius - 2 - size.width(), top),
            ]
        else:  # below on the right first: the names of marks are read from the marks to the right
            out = radius * math.sqrt(0.5) + 1
            corners = [
                centre
                + QPointF(x * out - (x < 0) * size.width(), y * out - (y < 0) * size.height())
                for x, y in ((1, 1), (-1, 1), (1, -1), (-1, -1))
            ]
        place = _free(frame, [QRectF(corner, size) for corner in corners], pin_point)
        if place is not None:
            chip(painter, place, text, theme, theme.muted)


def name(
    painter: QPainter,
    frame: Frame,
    theme: Theme,
    pin_point: Point | None,
    color: QColor,
    point: Point,
    text: str,
) -> None:
    """The name of a mark, beside it where there is room; none for a mark that is out of view."""
    centre = at(frame, point)
    if not plot_rect(frame).contains(centre):
        return
    painter.setFont(title_font())
    size = chip_rect(painter, text).size()
    half = QPointF(size.width() / 2, size.height() / 2)
    rects = [
        QRectF(centre + QPointF(x * (gap + half.x()), y * (gap + half.y())) - half, size)
        for gap in (9.0, PIN_ARM + 3.0)  # the wider one where the pin is on the mark
        for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1))
    ]
    chip(painter, _free(frame, rects, pin_point) or rects[0], text, theme, color)


def hint(painter: QPainter, frame: Frame, theme: Theme, text: str) -> None:
    """What can be done here, in the corner opposite the read-out."""
    painter.setFont(small_font())
    room = plot_rect(frame).adjusted(8, 8, -_HINT_MARGIN, -8)
    flags = int(Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextWordWrap)
    box = painter.boundingRect(room, flags, text).adjusted(-5, -3, 5, 3)
    box.moveBottomLeft(room.bottomLeft())
    chip(painter, box, text, theme, theme.text)


def _free(frame: Frame, rects: Sequence[QRectF], pin_point: Point | None) -> QRectF | None:
    """The first of these places that lies in the plot and leaves the pin free."""
    plot, taken = plot_rect(frame).adjusted(2, 2, -2, -2), QRectF()
    if pin_point is not None:
        taken = QRectF(-PIN_ARM, -PIN_ARM, 2 * PIN_ARM, 2 * PIN_ARM)
        taken.translate(at(frame, pin_point))
    return next((r for r in rects if plot.contains(r) and not taken.intersects(r)), None)
