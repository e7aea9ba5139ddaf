"""Mathematical writing: numbers in plain text, and indices of formulas such as E_q or Var_x E[z_i]."""

from __future__ import annotations

import re
from html import escape

INDEX = re.compile(r"_(\w)\b")  # one letter or digit: my_class has no index

TOO_LONG = 99_999.5
"""From here on a number is written by its power of ten."""


def compact(value: float) -> str:
    """A number of any size in at most seven characters, such as −1.2e21."""
    mantissa, _, power = f"{value:.1e}".partition("e")
    return f"{mantissa}e{int(power)}".replace("-", "−")


def signed(value: float, decimals: int) -> str:
    """A number with a real minus sign, never a negative zero."""
    text = f"{value:,.{decimals}f}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("-")
    return text.replace("-", "−")


def typeset(text: str) -> str:
    """Plain text as rich text with its indices below the line."""
    return INDEX.sub(r"<sub>\1</sub>", escape(text, quote=False))


def typeset_tip(text: str) -> str:
    """A tooltip with its indices below the line; plain text where there are none, as Qt then leaves it."""
    if INDEX.search(text) is None:
        return text
    return f"<p>{typeset(text).replace(chr(10), '<br>')}</p>"
