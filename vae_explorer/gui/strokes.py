"""What has been drawn: strokes, a placed picture, and the way back from each.

Pure data, no Qt: lengths are shares of the paper's side, so that one drawing can be painted at
any size. The history is a list of acts; what is on the paper is what came after the last clearing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]

MIN_DISTANCE = 0.002
"""Points closer than this add nothing but work."""


@dataclass
class Stroke:
    """A line of the brush or the eraser through points in [0, 1]², (0, 0) at the top left."""

    points: list[Point]
    width: float
    erases: bool = False


@dataclass(frozen=True)
class Picture:
    """A picture laid on the paper in place of everything before: ink high, uint8 (H, W)."""

    ink: NDArray[np.uint8]


@dataclass(frozen=True)
class Cleared:
    """The paper was cleared."""


Act = Stroke | Picture | Cleared


@dataclass
class Drawing:
    """The acts that made a drawing, and those that were undone."""

    _done: list[Act] = field(default_factory=list)
    _undone: list[Act] = field(default_factory=list)
    _open: Stroke | None = None  # the stroke that the pen, still down, is drawing

    def begin(self, at: Point, width: float, *, erases: bool = False) -> Stroke:
        """Put the brush or the eraser down."""
        stroke = Stroke([at], width, erases)
        self._do(stroke)
        self._open = stroke
        return stroke

    def extend(self, to: Point) -> bool:
        """Draw on to a point; False where the last one is too near, or nothing was begun."""
        stroke = self._open
        if stroke is None:
            return False
        x, y = stroke.points[-1]
        if (to[0] - x) ** 2 + (to[1] - y) ** 2 < MIN_DISTANCE**2:
            return False
        stroke.points.append(to)
        return True

    def place(self, ink: NDArray[np.uint8]) -> None:
        """Lay a picture on the paper, in place of what is there."""
        self._do(Picture(ink))

    def clear(self) -> bool:
        """Clear the paper; False where it was clear."""
        if self.is_clear:
            return False
        self._do(Cleared())
        return True

    def undo(self) -> bool:
        """Take the last act back; False where there is none."""
        if not self._done:
            return False
        self._open = None
        self._undone.append(self._done.pop())
        return True

    def redo(self) -> bool:
        """Do again what was undone; False where there is nothing."""
        if not self._undone:
            return False
        self._open = None
        self._done.append(self._undone.pop())
        return True

    @property
    def can_undo(self) -> bool:
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        return bool(self._undone)

    @property
    def visible(self) -> list[Stroke | Picture]:
        """The acts that make up the paper as it is, in order."""
        shown: list[Stroke | Picture] = []
        for act in self._done:
            if not isinstance(act, Stroke):
                shown.clear()
            if not isinstance(act, Cleared):
                shown.append(act)
        return shown

    @property
    def is_clear(self) -> bool:
        """Whether nothing but the eraser has touched the paper since it was cleared."""
        return all(isinstance(act, Stroke) and act.erases for act in self.visible)

    def _do(self, act: Act) -> None:
        self._done.append(act)
        self._undone.clear()
        self._open = None
