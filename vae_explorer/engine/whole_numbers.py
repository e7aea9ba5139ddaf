"""Whole numbers that a caller gives: Python's own, numpy's, and nothing that merely looks like one."""

from __future__ import annotations

import operator
from typing import Any

from vae_explorer.engine.errors import EngineError

LARGEST_SEED = 2**63 - 1  # of torch's generators


def whole(value: Any) -> int | None:  # noqa: ANN401
    """The integer, as Python's; None for anything else, such as 2.0, "2" or True."""
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def checked_seed(value: Any, refusal: type[EngineError]) -> int:  # noqa: ANN401
    """A seed that torch takes.

    Raises:
        EngineError: of the kind `refusal`, where it is none.
    """
    seed = whole(value)
    if seed is None or not 0 <= seed <= LARGEST_SEED:
        raise refusal(f"A seed is a whole number from 0 to 2⁶³ − 1; not {value!r}.")
    return seed
