"""What a caller of the explorer gives, checked: arrays, counts, seeds; every refusal is a sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vae_explorer.engine.errors import InputError
from vae_explorer.engine.plain_numbers import checked_seed, whole

LARGEST_COUNT = 1_000_000


def numbers(values: Any, what: str) -> NDArray[Any]:
    """An array of integers or floats, of any shape; `what` begins the sentence that refuses others."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise InputError(f"{what} are one array; these rows differ in length.") from error
    if array.dtype == object or not np.issubdtype(array.dtype, np.number) or np.iscomplexobj(array):
        raise InputError(f"{what} are an array of real numbers; not of {array.dtype}.")
    return array


def single(array: NDArray[Any]) -> NDArray[np.float32]:
    """In the models' precision, where numbers beyond 3.4 · 10³⁸ are infinite."""
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, np.float32)


def count(value: Any, what: str, low: int = 1, high: int = LARGEST_COUNT) -> int:
    """How many; `what` they are says the sentence that refuses."""
    number = whole(value)
    if number is None or not low <= number <= high:
        raise InputError(
            f"The number of {what} is a whole number from {low} to {high:,}; not {value!r}."
        )
    return number


def corners(extent: Any) -> tuple[float, float, float, float]:
    """(x0, x1, y0, y1) of these four, or of half the side of a square about zero."""
    sides = numbers(extent, "The sides of a manifold")
    if sides.shape not in ((), (4,)) or not np.isfinite(single(sides)).all():
        raise InputError(
            f"The extent of a manifold is one finite number, or (x0, x1, y0, y1); not {extent!r}."
        )
    if sides.ndim == 0:
        half = float(sides)
        return -half, half, -half, half
    x0, x1, y0, y1 = sides.tolist()
    return x0, x1, y0, y1


def generator(seed: Any) -> torch.Generator:
    """The source of noise of a seed; another one each time where it is `None`."""
    made = torch.Generator()
    if seed is None:
        made.seed()
        return made
    return made.manual_seed(checked_seed(seed, InputError))
