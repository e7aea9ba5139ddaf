"""The class selector's chips: where they lie, and what the height of a weight's bar means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF

CHIP = 22.0  # height of the name
BAR = 16.0  # width in which a weight can be dragged, the gap beside the image included
_GAP = 6.0
_LARGEST = 112.0  # side of an image beyond which it is no use


@dataclass(frozen=True)
class Cell:
    """One class: the whole cell, and in it the chip with the name, the image and the weight's bar."""

    whole: QRectF
    chip: QRectF
    image: QRectF
    bar: QRectF


def image_side(count: int, columns: int, room: QRectF) -> float:
    """The side of the square images if the classes stand in so many columns; may be negative."""
    rows = -(-count // columns)
    across = (room.width() - _GAP * (columns - 1)) / columns - BAR
    down = (room.height() - _GAP * (rows - 1)) / rows - CHIP - 3
    return min(across, down, _LARGEST)


def height_for(count: int, width: float) -> float:
    """The height at which images of a comfortable size use the width well."""
    if count == 0:
        return 0.0
    target = 48.0 if count <= 12 else 34.0
    columns = int((width + _GAP) // (target + BAR + _GAP))
    columns = min(count, max(columns, 5 if count <= 12 else 8))  # narrow: small images, few rows
    rows = -(-count // columns)
    columns = -(-count // rows)  # even rows
    side = min((width - _GAP * (columns - 1)) / columns - BAR, 1.35 * target)
    return rows * (max(side, 20.0) + CHIP + 3) + _GAP * (rows - 1)


def arrange(count: int, room: QRectF) -> list[Cell]:
    """Lay classes out row by row, in the number of columns that makes the images largest."""
    if count == 0:
        return []
    # of equally good arrangements, the one with the fewest holes in its last row
    columns = max(
        range(1, count + 1), key=lambda c: (round(image_side(count, c, room)), -(-count % c))
    )
    side = max(float(int(image_side(count, columns, room))), 8.0)
    width, height = side + BAR, side + CHIP + 3
    used = columns * width + (columns - 1) * _GAP
    spread = min((room.width() - used) / (columns - 1), 24.0) if columns > 1 else 0.0
    left = room.left() + max((room.width() - used - spread * (columns - 1)) / 2, 0.0)
    cells = []
    for index in range(count):
        row, column = divmod(index, columns)
        x = round(left + column * (width + _GAP + spread))
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
