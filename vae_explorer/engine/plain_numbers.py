"""Numbers that a caller gives, Python's own or numpy's, as Python's; and nothing that merely looks like one."""

from __future__ import annotations

import operator
from numbers import Real
from typing import Any

from vae_explorer.engine.errors import EngineError

LARGEST_SEED = 2**63 - 1  # of torch's generators


def whole(value: Any) -> int | None:
    """The integer, as Python's; None for anything else, such as 2.0, "2" or True."""
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def real(value: Any) -> float | None:
    """The number as a float, which may be NaN or infinite; None for anything else, such as "2" or True."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def checked_seed(value: Any, refusal: type[EngineError]) -> int:
    """A seed that torch takes.

    Raises:
        EngineError: of the kind `refusal`, where it is none.
    """
    seed = whole(value)
    if seed is None or not 0 <= seed <= LARGEST_SEED:
        raise refusal(f"A seed is a whole number from 0 to 2⁶³ − 1; not {value!r}.")
    return seed
