"""A drawing or a photograph of a digit becomes a model input, treated as MNIST's digits were.

MNIST's digits were scaled to fit a box of 20 × 20 pixels, aspect kept and edges anti-aliased,
then placed with their centre of mass in the middle of 28 × 28 (LeCun, Cortes & Burges, "The MNIST
database of handwritten digits"). A classifier trained on them expects the same of a drawing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vae_explorer.engine.config import MAX_SIDE
from vae_explorer.engine.errors import InputError
from vae_explorer.engine.plain_numbers import whole

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

BOX_SHARE = 20 / 28
"""The share of a side that ink may fill."""

NOISE_SHARE = 0.15
"""On a paper that is not clean, ink is what rises above this share of the strongest ink."""

SATURATED_QUANTILE = 0.9
"""Of the inked pixels of an MNIST digit, at least one in ten is fully inked."""


def to_model_input(drawing: ArrayLike, shape: tuple[int, int] = (28, 28)) -> NDArray[np.uint8]:
    """Crop, scale and centre a grey picture of any size as MNIST's digits were.

    drawing: (H, W) with ink high: uint8, bool, or finite non-negative floats. Only the ratios of
    grey levels matter, so floats may run to 1 or to 255. Where it lies in the picture, how large
    and how dark it is make no difference.
    shape: height and width of the answer, in pixels, 512 at most.

    Returns uint8 (height, width): ink high, paper 0. Raises InputError where there is no ink, or
    the picture or the shape is not one of these.
    """
    height, width = _checked_shape(shape)
    ink = _cropped_ink(_checked(drawing))
    scale = min(height * BOX_SHARE / ink.shape[0], width * BOX_SHARE / ink.shape[1])
    rows = max(1, round(ink.shape[0] * scale))
    columns = max(1, round(ink.shape[1] * scale))
    return _centred(_saturated(_resized(ink, rows, columns)), height, width)


def ink_from_photograph(grey: ArrayLike) -> NDArray[np.uint8]:
    """What is written on a photographed or scanned paper, ink high and the paper gone.

    grey: (H, W) of uint8 or floats, dark on bright or bright on dark; what most of the edge shows
    is paper. Returns uint8 (H, W). Raises InputError where nothing is written, or it is no picture.
    """
    picture = _checked(grey).astype(np.float64)
    low, high = float(picture.min()), float(picture.max())
    if high == low:
        raise InputError("The picture is blank: nothing is written on it.")
    paper = float(np.median(_edge(picture)))
    if paper > (low + high) / 2:
        picture, paper = -picture, -paper
    ink = np.clip(picture - paper, 0, None)
    if np.median(np.abs(_edge(picture) - paper)) > 0:  # grain or shadow: a scan, not a rendering
        ink = _above_grain(ink)
    return np.rint(ink / ink.max() * 255).astype(np.uint8)


def _above_grain(ink: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ink and paper parted by Otsu's threshold (1979), softly, so that edges stay anti-aliased."""
    counts, bounds = np.histogram(ink, bins=256)
    levels = (bounds[:-1] + bounds[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    mass = np.cumsum(counts * levels)
    mean_below = mass / np.maximum(below, 1)
    mean_above = (mass[-1] - mass) / np.maximum(above, 1)
    best = int(np.argmax(below * above * (mean_above - mean_below) ** 2))
    paper, written = mean_below[best], mean_above[best]
    start = paper + 0.35 * (written - paper)
    return np.clip(ink - start, 0, written - start)


def _checked_shape(shape: object) -> tuple[int, int]:
    given = shape if isinstance(shape, list | tuple) else ()
    sides = [side for side in map(whole, given) if side is not None and 1 <= side <= MAX_SIDE]
    if not len(sides) == len(given) == 2:
        raise InputError(
            f"A model input has a height and a width of at least 1 and at most {MAX_SIDE}; not {shape!r}."
        )
    return sides[0], sides[1]


def _checked(drawing: ArrayLike) -> NDArray[np.uint8] | NDArray[np.floating]:
    """The drawing as an array that is known to be a grey picture."""
    try:
        picture = np.asarray(drawing)
    except ValueError as error:  # rows of different lengths
        raise InputError("A drawing is a grid of grey levels with rows of equal length.") from error
    if picture.ndim == 3 and picture.shape[-1] in (3, 4):
        raise InputError(
            f"The drawing is in colour (shape {picture.shape}): convert it to grey first, ink high."
        )
    if picture.ndim != 2:
        raise InputError(
            f"A drawing has two dimensions, height and width, but this has shape {picture.shape}."
        )
    if picture.size == 0:
        raise InputError("The drawing has no pixels.")
    if picture.dtype == np.bool_:
        return picture.astype(np.uint8)
    if picture.dtype == np.uint8:
        return picture
    if not np.issubdtype(picture.dtype, np.floating):
        raise InputError(
            f"Grey levels must be uint8 or floats, but this drawing is {picture.dtype}."
        )
    return _checked_floats(picture)


def _checked_floats(picture: NDArray[np.floating]) -> NDArray[np.floating]:
    low, high = float(picture.min()), float(picture.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise InputError("The drawing contains values that are not finite numbers.")
    if low < 0:
        raise InputError(f"Grey levels cannot be negative, but the drawing goes down to {low:g}.")
    return picture


def _cropped_ink(picture: NDArray[np.uint8] | NDArray[np.floating]) -> NDArray[np.float32]:
    """The ink alone, (h, w) in [0, 1] with the strongest at 1, cropped to its bounding box."""
    low, high = float(picture.min()), float(picture.max())
    if high == low:
        raise InputError("The drawing is blank: draw a digit first.")
    paper, floor = _paper(picture, high)
    inked = picture > floor
    rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    # in double precision first: a difference of two denormal floats would be lost
    ink = (picture[box].astype(np.float64) - paper) / (high - paper)
    return np.where(inked[box], ink, 0).astype(np.float32)


def _paper(picture: NDArray[np.uint8] | NDArray[np.floating], high: float) -> tuple[float, float]:
    """The paper's grey level, and the level above which there is ink.

    The picture's edge is paper. Medians, so that strokes may run off it; where most of it is ink,
    as in a tight crop, or it is exactly black, as on the drawing pad, nothing is taken away.
    """
    edge = _edge(picture)
    paper = float(np.median(edge))
    noise = 1.4826 * float(np.median(np.abs(edge - paper)))  # the deviation, were it normal
    if (paper == 0 and noise == 0) or paper >= 0.5 * high:
        return 0.0, 0.0
    return paper, min(paper + max(4 * noise, NOISE_SHARE * (high - paper)), 0.5 * (paper + high))


def _edge(picture: NDArray[np.uint8] | NDArray[np.floating]) -> NDArray[np.float64]:
    """The picture's outermost pixels."""
    sides = [picture[0], picture[-1], picture[:, 0], picture[:, -1]]
    return np.concatenate(sides).astype(np.float64)


def _resized(ink: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    """The picture at another size, (rows, columns)."""
    shrunk = _weights(ink.shape[0], rows) @ ink @ _weights(ink.shape[1], columns).T
    return shrunk.astype(np.float32, copy=False)


def _weights(size: int, target: int) -> NDArray[np.float32]:
    """Resampling along one axis, (target, size), each row summing to 1.

    Shrinking averages the area that a target pixel covers; growing interpolates linearly, for
    averaging would leave the blocks of a tiny drawing visible.
    """
    step = size / target
    if step >= 1:
        starts = np.arange(target)[:, None] * step
        pixels = np.arange(size)[None, :]
        overlap = np.minimum(pixels + 1, starts + step) - np.maximum(pixels, starts)
        return (np.clip(overlap, 0, None) / step).astype(np.float32)
    centres = np.clip((np.arange(target) + 0.5) * step - 0.5, 0, size - 1)[:, None]
    return np.clip(1 - np.abs(centres - np.arange(size)[None, :]), 0, None).astype(np.float32)


def _saturated(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    """Levels 0 to 255 with strokes as dark as MNIST's: shrinking a thin line made it faint."""
    strength = float(np.quantile(ink[ink > 0], SATURATED_QUANTILE))
    return np.minimum(ink / np.float32(strength), 1) * np.float32(255)


def _centred(ink: NDArray[np.float32], height: int, width: int) -> NDArray[np.uint8]:
    """Placed on black paper with the centre of mass in the middle, and never cut off."""
    frame = np.zeros((height, width), np.uint8)
    top = _offset(ink.sum(axis=1), height)
    left = _offset(ink.sum(axis=0), width)
    frame[top : top + ink.shape[0], left : left + ink.shape[1]] = np.rint(ink)
    return frame


def _offset(mass: NDArray[np.float32], side: int) -> int:
    """Where the picture begins on an axis, from the ink in each of its rows or columns.

    MNIST rounds the mean pixel index to side / 2: index 14, half a pixel past the middle of 28.
    """
    centre = float((mass * np.arange(mass.size)).sum() / mass.sum())
    return int(np.clip(round(side / 2 - centre), 0, side - mass.size))
