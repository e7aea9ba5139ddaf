"""Pictures of many points at once: cost grows with the pixels, hardly with the points.

A scatter of one item a point is slow past ten thousand. Here every point is added to a grid of
pixels, and the grid becomes one translucent picture: hundreds of thousands of points stay fluid.
Row 0 of every grid is the top of the picture, that is the largest second coordinate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vae_explorer.gui.canvas_frame import Extent

Floats = NDArray[np.float32]

MAX_RADIUS = 3.4  # of a dot, in logical pixels
_PHASES = 4  # sub-pixel positions a dot is drawn at, in each direction
_STAMP_BUDGET = 260_000  # point-pixel pairs a picture may cost
_LEVELS = 16  # steps of coverage per dot in the colour table


@dataclass(frozen=True)
class Splat:
    """Points added up on a grid with a border, which takes the parts of dots that hang over the edge.

    Attributes:
        ink: coverage of each cell, border included, (H, W).
        label: the class on top in each, (H, W).
        border: its width in cells.
        radius: of a dot, in cells.
    """

    ink: NDArray[np.float64]
    label: NDArray[np.uint16]
    border: int
    radius: float


def to_grid(
    points: NDArray[np.floating], extent: Extent, shape: tuple[int, int]
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Fractional (column, row) of each point (N, 2) on a grid of `shape` (h, w) over an extent."""
    x0, x1, y0, y1 = extent
    height, width = shape
    return (
        (points[:, 0] - x0) * (width / (x1 - x0)),
        (y1 - points[:, 1]) * (height / (y1 - y0)),
    )


def count_grid(
    points: NDArray[np.floating], extent: Extent, shape: tuple[int, int]
) -> NDArray[np.int64]:
    """How many points fall into each cell, int64 (h, w); those outside the extent are left out."""
    column, row = to_grid(points, extent, shape)
    inside = (column >= 0) & (column < shape[1]) & (row >= 0) & (row < shape[0])
    cell = row[inside].astype(np.int64) * shape[1] + column[inside].astype(np.int64)
    return np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)


def dot_radius(visible: int, pixels: int, ratio: float = 1.0) -> float:
    """A dot's radius in device pixels: about 3.4 where points are few, one pixel where they are many."""
    crowding = visible / max(pixels / ratio**2, 1) * 5e5
    radius = ratio * float(np.clip(3.6 - 0.62 * np.log10(max(crowding, 1) / 300), 1.1, MAX_RADIUS))
    while radius > 0.5 and visible * (2 * radius + 1) ** 2 > _STAMP_BUDGET:
        radius -= 0.25
    return max(radius, 0.5)


def _stamps(radius: float) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Pixel offsets (K,), (K,) of an anti-aliased dot, and its coverage at each sub-pixel phase (P², K)."""
    reach = int(np.ceil(radius + 0.5))
    offset = np.arange(-reach, reach + 1)
    rows, columns = (grid.ravel() for grid in np.meshgrid(offset, offset, indexing="ij"))
    phase = (np.arange(_PHASES) + 0.5) / _PHASES - 0.5
    down, right = (grid.ravel() for grid in np.meshgrid(phase, phase, indexing="ij"))
    distance = np.hypot(rows[None] - down[:, None], columns[None] - right[:, None])
    coverage = np.clip(radius + 0.5 - distance, 0.0, 1.0)
    used = coverage.any(axis=0)
    return rows[used], columns[used], coverage[:, used]


def splat(
    points: NDArray[np.floating],
    labels: NDArray[np.uint16] | None,
    extent: Extent,
    shape: tuple[int, int],
    radius: float | None = None,
    ratio: float = 1.0,
) -> Splat:
    """Add points up on a grid of device pixels; where dots overlap, the later point's class is on top.

    Args:
        points: (N, 2) latent points.
        labels: (N,) classes, or None for class 0 everywhere.
        extent: what the grid covers.
        shape: (h, w) of the grid.
        radius: of a dot in grid pixels; 0 adds each point to its one pixel; None chooses by crowding.
        ratio: device pixels per logical pixel, for that choice.
    """
    height, width = shape
    column, row = to_grid(points, extent, shape)
    # dots just outside reach in; a border twice as wide lets every dot be drawn whole
    reach = int(np.ceil((MAX_RADIUS * ratio if radius is None else radius) + 0.5))
    border = 2 * reach + 1
    inside = (column >= -reach) & (column < width + reach)
    inside &= (row >= -reach) & (row < height + reach)
    if not inside.all():
        column, row = column[inside], row[inside]
        labels = None if labels is None else labels[inside]
    if radius is None:
        radius = dot_radius(len(column), height * width, ratio)
    stride, size = width + 2 * border, (height + 2 * border) * (width + 2 * border)
    x, y = np.floor(column).astype(np.int64), np.floor(row).astype(np.int64)
    cell = (y + border) * stride + (x + border)
    top = np.zeros(size, dtype=np.uint16)
    if radius < 0.6:
        ink = np.bincount(cell, minlength=size).astype(np.float64)
        if labels is not None:
            top[cell] = labels
    else:
        phase_x = np.minimum(((column - x) * _PHASES).astype(np.int64), _PHASES - 1)
        phase_y = np.minimum(((row - y) * _PHASES).astype(np.int64), _PHASES - 1)
        ink = _stamp(cell, phase_y * _PHASES + phase_x, labels, top, stride, radius)
    return Splat(ink.reshape(-1, stride), top.reshape(-1, stride), border, radius)


def _stamp(
    cell: NDArray[np.int64],
    phase: NDArray[np.int64],
    labels: NDArray[np.uint16] | None,
    top: NDArray[np.uint16],
    stride: int,
    radius: float,
) -> NDArray[np.float64]:
    """Draw each point as a dot round its cell: returns the ink, and writes the classes into `top`."""
    rows, columns, coverage = _stamps(radius)
    # thin edges first: they must not recolour the body of another dot
    order = np.argsort(coverage.sum(axis=0), kind="stable")
    offsets = (rows * stride + columns)[order]
    cells = offsets[:, None] + cell  # (K, n)
    if labels is not None:
        top[cells] = labels
    ink = np.bincount(
        cells.ravel(), weights=coverage.T[order].take(phase, axis=1).ravel(), minlength=len(top)
    )
    return ink.astype(np.float64, copy=False)


def dot_opacity(points: Splat) -> float:
    """How opaque one dot is: 0.8 where points are few, less where they pile up, so that density shows."""
    piled = points.ink.ravel()[:: max(1, points.ink.size // 50_000)]
    piled = piled[piled > 0]
    if len(piled) == 0:
        return 0.8
    pile = max(float(np.percentile(piled, 95)), 1.0)
    return float(np.clip(1.0 - 0.06 ** (1.0 / pile), 0.1, 0.8))


def to_rgba(
    points: Splat,
    colors: NDArray[np.integer],
    strength: float = 1.0,
) -> NDArray[np.uint32]:
    """A translucent picture of a splat: premultiplied 0xAARRGGBB, uint32 (h, w).

    Dots on each other cover as translucent paint does, 1 − (1 − a)^n: dense places are solid, lone points stay visible.

    Args:
        points: the splat.
        colors: (C, 3) in 0..255.
        strength: factor on a dot's opacity (chosen by crowding), to dim what is behind a highlighted class.
    """
    a = dot_opacity(points)
    count = np.arange(256) / _LEVELS
    alpha = strength * (1.0 - (1.0 - a) ** count)[None] * np.ones((len(colors), 1))  # (C, 256)
    channels = np.rint(alpha[..., None] * colors[:, None, :]).astype(np.uint32)  # (C, 256, 3)
    table = np.rint(alpha * 255).astype(np.uint32) << 24
    table |= (channels[..., 0] << 16) | (channels[..., 1] << 8) | channels[..., 2]
    height, width = points.ink.shape
    picture = np.zeros(height * width, dtype=np.uint32)
    ink, label = points.ink.ravel(), points.label.ravel()
    touched = np.flatnonzero(ink > 0)
    level = np.minimum(ink[touched] * _LEVELS + 0.5, 255).astype(np.int64)
    level += label[touched].astype(np.int64) << 8
    picture[touched] = table.ravel().take(level, mode="clip")
    edge = points.border
    return picture.reshape(height, width)[edge : height - edge, edge : width - edge]


def gaussian_blur(grid: Floats, sigma: tuple[float, float]) -> Floats:
    """A grid (h, w) smoothed with a Gaussian of (rows, columns) standard deviations in cells."""
    for axis, width in enumerate(sigma):
        size = grid.shape[axis]
        place = np.arange(size, dtype=np.float32)
        kernel = np.exp(-0.5 * ((place[:, None] - place[None]) / max(width, 1e-3)) ** 2)
        kernel /= max(width, 1e-3) * np.sqrt(2 * np.pi)
        grid = np.moveaxis(np.tensordot(kernel.astype(np.float32), grid, axes=(1, axis)), 0, axis)
    return grid


def nearest_point(points: NDArray[np.floating], x: float, y: float, reach: float) -> int | None:
    """Index of the point nearest to (x, y) if it is within `reach` latent units, else None.

    Only the first coordinate of every point is looked at: of a million, few lie in so narrow a strip.
    """
    first = points[:, 0]
    strip = np.flatnonzero((first >= x - reach) & (first <= x + reach))
    distance = np.hypot(first[strip] - x, points[strip, 1] - y)
    near = distance <= reach  # false where a coordinate is not a number
    if not near.any():
        return None
    return int(strip[np.where(near, distance, np.inf).argmin()])
