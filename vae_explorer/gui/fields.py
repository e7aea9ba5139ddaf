"""Pictures of quantities known on a coarse grid: class regions, and where the data support the picture.

Each is drawn at the view's own resolution, so that lines stay thin and crisp at every zoom. All grids have their top row
(the largest second coordinate) first; pictures are premultiplied 0xAARRGGBB.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vae_explorer.gui.canvas_frame import Extent
from vae_explorer.gui.density import count_grid, gaussian_blur

Floats = NDArray[np.float32]

SUPPORT_CELLS = 160
_EMPTY_SHARE = 0.04  # support ends where the density falls below this share of a typical point's


def overlap(a: Extent, b: Extent) -> Extent | None:
    """The common part of two extents, or None."""
    x0, x1, y0, y1 = max(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), min(a[3], b[3])
    return (x0, x1, y0, y1) if x1 > x0 and y1 > y0 else None


def spline_weights(positions: NDArray[np.floating], cells: int) -> Floats:
    """Cubic B-spline weights (n, cells) of grid values at positions in cell units (0.5 = first centre).

    A B-spline smooths as it interpolates, which turns the steps of a coarse grid into curves.
    """
    place = positions - 0.5
    first = np.floor(place).astype(int)
    t = (place - first).astype(np.float32)
    taps = (
        (1 - t) ** 3 / 6,
        (3 * t**3 - 6 * t**2 + 4) / 6,
        (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6,
        t**3 / 6,
    )
    weights = np.zeros((len(positions), cells), dtype=np.float32)
    rows = np.arange(len(positions))
    for offset, tap in enumerate(taps, start=-1):
        np.add.at(weights, (rows, np.clip(first + offset, 0, cells - 1)), tap)
    return weights


def _samplers(
    grid_shape: tuple[int, int], grid: Extent, view: Extent, shape: tuple[int, int]
) -> tuple[Floats, Floats]:
    """Weights (h, R) and (C, w) that sample a grid over `grid` at the pixel centres of `view`."""
    height, width = shape
    x = view[0] + (np.arange(width) + 0.5) * (view[1] - view[0]) / width
    y = view[3] - (np.arange(height) + 0.5) * (view[3] - view[2]) / height
    columns = (x - grid[0]) / (grid[1] - grid[0]) * grid_shape[1]
    rows = (grid[3] - y) / (grid[3] - grid[2]) * grid_shape[0]
    return spline_weights(rows, grid_shape[0]), spline_weights(columns, grid_shape[1]).T


def region_picture(
    classes: NDArray[np.integer],
    confidence: NDArray[np.floating],
    grid: Extent,
    view: Extent,
    shape: tuple[int, int],
    colors: NDArray[np.integer],
    line: tuple[int, int, int],
    tint: float = 0.22,
    thickness: float = 1.4,
) -> NDArray[np.uint32]:
    """Class regions as soft tints with boundary lines.

    Args:
        classes: (R, C) most probable class; confidence: (R, C) its probability.
        grid: what they cover; view: the part to draw, inside it.
        shape: (h, w) of the picture.
        colors: (classes, 3) in 0..255; line: colour of the boundaries.
        tint: opacity where the confidence is 1; thickness: of a boundary in pixels.
    """
    down, across = _samplers((classes.shape[0], classes.shape[1]), grid, view, shape)
    best = np.full(shape, -1.0, dtype=np.float32)
    second = np.full(shape, -1.0, dtype=np.float32)
    winner = np.zeros(shape, dtype=np.int64)
    for index in np.unique(classes):
        share = down @ (classes == index).astype(np.float32) @ across
        wins = share > best
        second = np.where(wins, best, np.maximum(second, share))
        winner[wins] = index
        best = np.where(wins, share, best)
    sure = down @ np.nan_to_num(confidence).astype(np.float32) @ across
    alpha = tint * np.clip(sure, 0.0, 1.0) ** 2
    edge = _edge(best - np.maximum(second, 0.0), thickness) * 0.55
    color = colors[np.clip(winner, 0, len(colors) - 1)] * (1 - edge)[..., None]
    color += np.asarray(line) * edge[..., None]
    return _premultiplied(color, np.maximum(alpha, edge))


def _edge(margin: Floats, thickness: float) -> Floats:
    """Opacity of the line where `margin` is zero: its distance in pixels is margin / slope."""
    if min(margin.shape) < 2:
        return np.zeros_like(margin)
    slope_y, slope_x = np.gradient(margin)
    distance = margin / np.maximum(np.hypot(slope_x, slope_y), 1e-4)
    return np.clip(thickness / 2 + 0.5 - distance, 0.0, 1.0)


def support_grid(
    points: NDArray[np.floating], cells: int = SUPPORT_CELLS
) -> tuple[Floats, Extent] | None:
    """How well the encoded points support each place, 0 (none near) to 1, (cells, cells), and its extent.

    A Gaussian kernel density with 0.6 of Scott's bandwidth, relative to the density at a typical point.
    None without points.
    """
    finite = points[np.isfinite(points).all(axis=1)] if len(points) else points
    if len(finite) == 0:
        return None
    scott = float(np.mean(finite.std(axis=0))) * len(finite) ** (-1 / 6)
    bandwidth = max(0.6 * scott, 0.04)
    low = finite.min(axis=0) - 4 * bandwidth
    high = finite.max(axis=0) + 4 * bandwidth
    extent = (float(low[0]), float(high[0]), float(low[1]), float(high[1]))
    counts = count_grid(finite, extent, (cells, cells))
    sigma = (bandwidth * cells / (high[1] - low[1]), bandwidth * cells / (high[0] - low[0]))
    density = gaussian_blur(counts.astype(np.float32), sigma)
    occupied = counts > 0
    typical = float(np.average(density[occupied], weights=counts[occupied]))
    return np.clip(density / max(_EMPTY_SHARE * typical, 1e-12) - 0.5, 0.0, 1.0), extent


def support_picture(
    support: Floats,
    grid: Extent,
    view: Extent,
    shape: tuple[int, int],
    color: tuple[int, int, int],
    ratio: float = 1.0,
) -> NDArray[np.uint32]:
    """A veil with hatching over the part of the view (h, w) that no encoded point supports."""
    height, width = shape
    down, across = _samplers((support.shape[0], support.shape[1]), grid, view, shape)
    empty = 1.0 - np.clip(down @ support @ across, 0.0, 1.0)
    period = max(2, round(9 * ratio))
    diagonal = (np.arange(height)[:, None] + np.arange(width)[None]) % period
    hatch = np.clip(0.5 * ratio + 0.5 - np.abs(diagonal - period // 2), 0.0, 1.0)
    alpha = empty * (0.10 + 0.24 * hatch.astype(np.float32))
    return _premultiplied(np.broadcast_to(np.asarray(color), (*shape, 3)), alpha)


def _premultiplied(color: NDArray[np.generic], alpha: Floats) -> NDArray[np.uint32]:
    """Colours (h, w, 3) in 0..255 and opacities (h, w) -> premultiplied 0xAARRGGBB."""
    scaled = (color * alpha[..., None] + 0.5).astype(np.uint32)
    picture = (alpha * 255 + 0.5).astype(np.uint32) << 24
    picture |= (scaled[..., 0] << 16) | (scaled[..., 1] << 8) | scaled[..., 2]
    return picture
