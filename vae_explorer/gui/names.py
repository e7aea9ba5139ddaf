"""Names in little room, such that those that differ can still be told apart."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetricsF


def shortened(names: Sequence[str], metrics: QFontMetricsF, width: float) -> list[str]:
    """Every name within a width in pixels.

    Abbreviated, where the beginnings tell names apart; else without the words that all begin with,
    as `11` for `class 11`; else without the middle.
    """
    abbreviated = [_abbreviated(name, metrics, width) for name in names]
    if len(set(abbreviated)) == len(set(names)):
        return abbreviated
    first, last = min(names), max(names)  # what these two begin with, all do
    same = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), 0)
    words = first[:same].rfind(" ") + 1
    rest = [name[words:] for name in names]
    if fit(rest, metrics, width):
        return rest
    return [metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, width) for name in rest]


def fit(names: Sequence[str], metrics: QFontMetricsF, width: float) -> bool:
    """Whether every name fits as it is."""
    return all(metrics.horizontalAdvance(name) <= width for name in names)


def _abbreviated(name: str, metrics: QFontMetricsF, width: float) -> str:
    """The name, or its beginning with a full stop: an ellipsis would take the room of two letters."""
    if metrics.horizontalAdvance(name) <= width:
        return name
    for length in range(len(name) - 1, 0, -1):
        text = name[:length].rstrip(" -/_.,") + "."
        if metrics.horizontalAdvance(text) <= width:
            return text
    return name[:1]
