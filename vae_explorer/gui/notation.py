"""Mathematical writing in plain text."""

from __future__ import annotations

TOO_LONG = 99_999.5
"""From here on a number is written by its power of ten."""


def compact(value: float) -> str:
    """A number of any size in at most seven characters, such as −1.2e21."""
    mantissa, _, power = f"{value:.1e}".partition("e")
    return f"{mantissa}e{int(power)}".replace("-", "−")


def signed(value: float, decimals: int = 2) -> str:
    """A number with a real minus sign, never a negative zero."""
    text = f"{value:.{decimals}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", "−")
