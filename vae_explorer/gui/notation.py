"""Mathematical writing in plain text."""

from __future__ import annotations

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def subscript(number: int) -> str:
    """A whole number in subscript digits."""
    return str(number).translate(_SUBSCRIPTS)


def dimension_name(index: int) -> str:
    """The name of a latent dimension; the first (index 0) is z₁."""
    return f"z{subscript(index + 1)}"


def signed(value: float, decimals: int = 2) -> str:
    """A number with a real minus sign, never a negative zero."""
    text = f"{value:.{decimals}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", "−")
