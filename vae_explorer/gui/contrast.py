"""Which colours can be told from which: contrast as WCAG 2 measures it."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtGui import QColor

LARGE_TEXT = 3.0  # WCAG's least ratio for text of 24 pixels and more, and for the edges of controls


def luminance(color: QColor) -> float:
    """Relative luminance, from 0 (black) to 1 (white)."""

    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    return (
        0.2126 * linear(color.redF())
        + 0.7152 * linear(color.greenF())
        + 0.0722 * linear(color.blueF())
    )


def ratio(first: QColor, second: QColor) -> float:
    """The contrast of two colours, from 1 (none) to 21."""
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def readable_on(color: QColor) -> QColor:
    """Black or white, whichever stands out more on a colour."""
    return QColor("#000000") if luminance(color) > 0.179 else QColor("#ffffff")


def legible(color: QColor, ground: QColor) -> QColor:
    """The colour itself, or as little darker or brighter as makes large text of it legible on a ground."""
    return QColor(_legible(color.name(), ground.name()))


@lru_cache(maxsize=256)
def _legible(color: str, ground: str) -> str:
    result, start, below = QColor(color), QColor(color), QColor(ground)
    end = readable_on(below)
    for step in range(1, 21):
        if ratio(result, below) >= LARGE_TEXT:
            break
        share = step / 20
        result = QColor.fromRgbF(
            (1 - share) * start.redF() + share * end.redF(),
            (1 - share) * start.greenF() + share * end.greenF(),
            (1 - share) * start.blueF() + share * end.blueF(),
        )
    return result.name()
