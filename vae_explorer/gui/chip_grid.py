"""The class selector's chips: where they lie, and what the height of a weight's bar means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF

CHIP = 22.0  # height of the name
BAR = 16.0  # width in which a weight can be dragged, the gap beside the image included
_GAP = 6.0
_FEW = 12  # classes up to which all are seen at once, however small
_COMFORTABLE = 64.0  # side of an image of few classes, where the width allows
_SHARE = 1 / 7  # of a wide panel's width that an image of few classes gets
_LEAST = 40.0  # side of an image of many classes, below which the grid scrolls
_LARGEST = 120.0  # side of an image beyond which it is no use
_ROWS = (2, 3)  # of many classes, that are seen at least
_WIDE = 350.0  # pixels of width from which it is the more


@dataclass(frozen=True)
class Cell:
    """One class: the whole cell, and in it the chip with the name, the image and the weight's bar."""

    whole: QRectF
    chip: QRectF
    image: QRectF
    bar: QRectF

    def moved(self, y: float) -> Cell:
        """The same, so many pixels lower."""
        return Cell(*(r.translated(0, y) for r in (self.whole, self.chip, self.image, self.bar)))


def image_side(count: int, columns: int, room: QRectF) -> float:
    """The side of the square images if the classes stand in so many columns; may be negative."""
    rows = -(-count // columns)
    across = (room.width() - _GAP * (columns - 1)) / columns - BAR
    down = (room.height() - _GAP * (rows - 1)) / rows - CHIP - 3
    return min(across, down, _LARGEST)


def height_for(count: int, width: float) -> float:
    """The height at which images of a comfortable size use the width well; many classes scroll."""
    if count == 0:
        return 0.0
    few = count <= _FEW
    target = min(max(_COMFORTABLE, width * _SHARE), _LARGEST) if few else _LEAST
    columns = _columns_of(target, width)
    columns = min(count, max(columns, 5) if few else columns)
    rows = -(-count // columns)
    columns = -(-count // rows)  # even rows
    side = min((width - _GAP * (columns - 1)) / columns - BAR, target)
    seen = rows if few else min(rows, _ROWS[width >= _WIDE])
    return seen * (max(side, 20.0) + CHIP + 3) + _GAP * (seen - 1)


def arrange(count: int, room: QRectF, gutter: float = 0.0) -> list[Cell]:
    """Lay classes out row by row, in the number of columns that makes the images largest.

    Where images would be too small for their names, rows go on below the room, and leave `gutter`
    pixels at its right to a scroll bar.
    """
    if count == 0:
        return []
    # of equally good arrangements, the one with the fewest holes in its last row
    columns = max(
        range(1, count + 1), key=lambda c: (round(image_side(count, c, room)), -(-count % c))
    )
    side = image_side(count, columns, room)
    if count > _FEW and side < _LEAST:
        room = room.adjusted(0, 0, -gutter, 0)
        columns = min(count, _columns_of(_LEAST, room.width()))
        side = _LEAST
    return _cells(count, columns, max(float(int(side)), 8.0), room)


def _columns_of(side: float, width: float) -> int:
    return max(1, int((width + _GAP) // (side + BAR + _GAP)))


def _cells(count: int, columns: int, side: float, room: QRectF) -> list[Cell]:
    width, height = side + BAR, side + CHIP + 3
    used = columns * width + (columns - 1) * _GAP
    spread = min((room.width() - used) / (columns - 1), width / 2) if columns > 1 else 0.0
    cells = []
    for index in range(count):
        row, column = divmod(index, columns)
        x = round(room.left() + column * (width + _GAP + max(spread, 0.0)))
        y = round(room.top() + row * (height + _GAP))
        cells.append(
            Cell(
                QRectF(x, y, width, height),
                QRectF(x, y, width, CHIP),
                QRectF(x, y + CHIP + 2, side, side),
                QRectF(x + side, y + CHIP + 2, BAR, side),
            )
        )
    return cells


def cell_at(cells: list[Cell], position: QPointF) -> int | None:
    """The class under a position, or None."""
    return next((i for i, cell in enumerate(cells) if cell.whole.contains(position)), None)


def bar_share(weight: float) -> float:
    """How far a weight's bar is filled: a square root, so that one in ten can still be seen."""
    return max(weight, 0.0) ** 0.5


def share_weight(share: float) -> float:
    """The weight at a height of the bar: the inverse of `bar_share`, within [0, 1]."""
    return min(max(share, 0.0), 1.0) ** 2


def reweighted(prior: NDArray[np.floating], index: int, weight: float) -> NDArray[np.float64]:
    """The prior with one class's weight changed; the others share the rest as before (or evenly)."""
    weight = min(max(weight, 0.0), 1.0)
    result = np.asarray(prior, dtype=np.float64).copy()
    if len(result) < 2:
        return np.ones_like(result)
    others = np.arange(len(result)) != index
    rest = result[others].sum()
    share = result[others] / rest if rest > 0 else np.full(len(result) - 1, 1 / (len(result) - 1))
    result[others] = share * (1.0 - weight)
    result[index] = weight
    return result
