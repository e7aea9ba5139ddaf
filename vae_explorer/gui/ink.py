"""Ink on a transparent sheet: strokes painted as they are drawn, smooth and anti-aliased.

A stroke runs along quadratic curves between the middles of its points, each point being a control
point. While it grows, only the rectangle that the newest piece touches is painted anew, from the
sheet as it was when the stroke began; so overlapping soft edges never add up, and the picture is
the same as if the whole stroke had been painted at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen

from vae_explorer.gui.strokes import Picture, Point, Stroke

_FORMAT = QImage.Format.Format_ARGB32_Premultiplied


class InkSheet:
    """A square transparent image of `side` pixels that holds ink of one colour."""

    def __init__(self, side: int, color: QColor) -> None:
        self.side = max(1, side)
        self.color = color
        self.image = self._blank()
        self._below = self.image  # the sheet without the stroke that is being drawn

    def repaint(self, acts: Iterable[Stroke | Picture]) -> None:
        """Paint everything anew."""
        self.image = self._blank()
        for act in acts:
            self._below = self.image.copy()  # the last stroke may go on growing
            if isinstance(act, Stroke):
                self._paint_stroke(act, QRect(0, 0, self.side, self.side))
            else:
                self._paint_picture(act)

    def begin(self, stroke: Stroke) -> QRect:
        """Paint a stroke's first point; answers what changed, in pixels."""
        self._below = self.image.copy()
        return self.extend(stroke)

    def extend(self, stroke: Stroke) -> QRect:
        """Paint the last point of a stroke; answers what changed, in pixels."""
        recent = stroke.points[-3:]  # a new point bends the piece before it
        changed = self._bounds(recent, stroke.width).toAlignedRect()
        changed = changed.intersected(QRect(0, 0, self.side, self.side))
        painter = QPainter(self.image)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
        painter.drawImage(changed, self._below, changed)
        painter.end()
        self._paint_stroke(stroke, changed)
        return changed

    def alpha(self) -> NDArray[np.uint8]:
        """How much ink there is, uint8 (side, side)."""
        sheet = self.image.convertToFormat(QImage.Format.Format_Alpha8)
        rows = np.frombuffer(sheet.constBits(), np.uint8).reshape(self.side, sheet.bytesPerLine())
        return rows[:, : self.side].copy()

    def _blank(self) -> QImage:
        image = QImage(self.side, self.side, _FORMAT)
        image.fill(Qt.GlobalColor.transparent)
        return image

    def _paint_stroke(self, stroke: Stroke, within: QRect) -> None:
        painter = QPainter(self.image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(within)
        if stroke.erases:
            painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_DestinationOut)
        pen = QPen(self.color, stroke.width * self.side)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.strokePath(self._path(stroke, within), pen)
        painter.end()

    def _paint_picture(self, picture: Picture) -> None:
        """Fit the picture into the sheet, aspect kept, its levels as the ink's opacity."""
        height, width = picture.ink.shape
        alpha = QImage(
            np.ascontiguousarray(picture.ink).data,
            width,
            height,
            width,
            QImage.Format.Format_Alpha8,
        )
        share = self.side / max(width, height)
        target = QRectF(0, 0, width * share, height * share)
        target.moveCenter(QPointF(self.side / 2, self.side / 2))
        painter = QPainter(self.image)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(target, self.color)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_DestinationIn)
        painter.setClipRect(target)
        painter.drawImage(target, alpha.convertToFormat(_FORMAT))
        painter.end()

    def _path(self, stroke: Stroke, within: QRect) -> QPainterPath:
        """The pieces of a stroke that can touch a rectangle."""
        points = np.asarray(stroke.points) * self.side  # (n, 2)
        pieces = _pieces(points)
        reach = stroke.width * self.side / 2 + 2
        near = (pieces.min(axis=1) <= (within.right() + reach, within.bottom() + reach)) & (
            pieces.max(axis=1) >= (within.left() - reach, within.top() - reach)
        )
        path = QPainterPath()
        for piece in pieces[near.all(axis=1)].tolist():
            start, control, end = (QPointF(x, y) for x, y in piece)
            if path.elementCount() == 0 or path.currentPosition() != start:
                path.moveTo(start)
            if start == end:
                path.lineTo(end + QPointF(0.01, 0))  # a line of no length is not painted
            else:
                path.quadTo(control, end)
        return path

    def _bounds(self, points: Sequence[Point], width: float) -> QRectF:
        """What a brush that goes through these points can touch, in pixels."""
        xs = [x * self.side for x, _ in points]
        ys = [y * self.side for _, y in points]
        reach = width * self.side / 2 + 2
        box = QRectF(QPointF(min(xs), min(ys)), QPointF(max(xs), max(ys)))
        return box.adjusted(-reach, -reach, reach, reach)


def _pieces(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quadratic curves, (n, 3, 2): start, control, end of each.

    points: (n, 2). From middle to middle with a point as control, and straight at both ends.
    """
    middles = (points[:-1] + points[1:]) / 2
    starts = np.concatenate([points[:1], middles])
    ends = np.concatenate([middles, points[-1:]])
    controls = np.concatenate([points[:-1], starts[-1:]])
    return np.stack([starts, controls, ends], axis=1)
