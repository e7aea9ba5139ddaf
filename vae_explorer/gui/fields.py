"""Pictures of quantities known on a coarse grid: class regions, and where the data support the picture.

Each is drawn at the view's own resolution, so that lines stay thin and crisp at every zoom. All
grids have their top row (the largest second coordinate) first; pictures are premultiplied
0xAARRGGBB.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vae_explorer.gui.canvas_frame import Extent
from vae_explorer.gui.density import count_grid, gaussian_blur

Floats = NDArray[np.float32]

_THICKNESS = 1.4  # of a boundary between regions, in pixels
_SUPPORT_CELLS = 160  # a side
_EMPTY_SHARE = 0.04  # support ends where the density falls below this share of a typical point's


def overlap(a: Extent, b: Extent) -> Extent | None:
    """The common part of two extents, or None."""
    x0, x1, y0, y1 = max(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), min(a[3], b[3])
    return (x0, x1, y0, y1) if x1 > x0 and y1 > y0 else None


@dataclass(frozen=True)
class Sampler:
    """Reads grids (R, C) at the pixel centres of a picture (h, w) by a cubic B-spline.

    A B-spline smooths as it interpolates, which turns the steps of a coarse grid into curves. Four
    rows and four columns are gathered and added rather than multiplied as matrices: matrix products
    would start threads beside a training.
    """

    rows: NDArray[np.int64]  # (4, h) grid rows
    row_weights: Floats  # (4, h)
    columns: NDArray[np.int64]  # (4, w)
    column_weights: Floats  # (4, w)

    @classmethod
    def of(
        cls, grid_shape: tuple[int, int], grid: Extent, view: Extent, shape: tuple[int, int]
    ) -> Sampler:
        """For a grid over the extent `grid`, and a picture of `shape` over the extent `view`."""
        height, width = shape
        x = view[0] + (np.arange(width) + 0.5) * (view[1] - view[0]) / width
        y = view[3] - (np.arange(height) + 0.5) * (view[3] - view[2]) / height
        columns = (x - grid[0]) / (grid[1] - grid[0]) * grid_shape[1]
        rows = (grid[3] - y) / (grid[3] - grid[2]) * grid_shape[0]
        return cls(*spline_taps(rows, grid_shape[0]), *spline_taps(columns, grid_shape[1]))

    def near(self, mask: NDArray[np.bool_]) -> tuple[slice, slice]:
        """The part of the picture, (rows, columns), that the marked cells (R, C) can reach."""
        reached = []
        for taps, marked in ((self.rows, mask.any(axis=1)), (self.columns, mask.any(axis=0))):
            cells = np.flatnonzero(marked)
            hit = np.flatnonzero((taps[0] <= cells[-1]) & (taps[3] >= cells[0]))
            reached.append(slice(hit[0], hit[-1] + 1) if len(hit) else slice(0, 0))
        return reached[0], reached[1]

    def part(self, rows: slice, columns: slice) -> Sampler:
        """The sampler of a part of the picture."""
        return Sampler(
            self.rows[:, rows],
            self.row_weights[:, rows],
            self.columns[:, columns],
            self.column_weights[:, columns],
        )

    def __call__(self, grid: Floats) -> Floats:
        """The grid's values, (h, w)."""
        across = sum(  # (R, w)
            grid[:, c] * weight for c, weight in zip(self.columns, self.column_weights, strict=True)
        )
        across = np.asarray(across, dtype=np.float32)
        picture = across[self.rows[0]] * self.row_weights[0][:, None]
        part = np.empty_like(picture)
        for rows, weight in zip(self.rows[1:], self.row_weights[1:], strict=True):
            np.take(across, rows, axis=0, out=part, mode="clip")
            part *= weight[:, None]
            picture += part
        return picture


def spline_taps(positions: NDArray[np.floating], cells: int) -> tuple[NDArray[np.int64], Floats]:
    """The four cells (4, n) and weights (4, n) of a cubic B-spline at positions in cell units.

    Position 0.5 is the centre of the first cell; outside, the outermost cell is repeated.
    """
    place = positions - 0.5
    first = np.floor(place).astype(np.int64)
    t = (place - first).astype(np.float32)
    weights = np.stack(
        (
            (1 - t) ** 3 / 6,
            (3 * t**3 - 6 * t**2 + 4) / 6,
            (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6,
            t**3 / 6,
        )
    )
    return np.clip(
        (first + np.arange(-1, 3)[:, None]).astype(np.int64), 0, cells - 1
    ), weights.astype(np.float32)


def region_picture(
    classes: NDArray[np.integer],
    confidence: NDArray[np.floating],
    grid: Extent,
    view: Extent,
    shape: tuple[int, int],
    colors: NDArray[np.integer],
    line: tuple[int, int, int],
    tint: float = 0.22,
) -> NDArray[np.uint32]:
    """Class regions as soft tints with boundary lines.

    Args:
        classes: (R, C) most probable class.
        confidence: (R, C) its probability.
        grid: what they cover.
        view: the part to draw, inside it.
        shape: (h, w) of the picture.
        colors: (classes, 3) in 0..255.
        line: colour of the boundaries.
        tint: opacity where the confidence is 1.
    """
    sample = Sampler.of((classes.shape[0], classes.shape[1]), grid, view, shape)
    best = np.zeros(shape, dtype=np.float32)
    second = np.zeros(shape, dtype=np.float32)
    winner = np.full(shape, int(classes.flat[0]), dtype=np.int64)
    for index in np.unique(classes):
        part = sample.near(classes == index)
        share = sample.part(*part)((classes == index).astype(np.float32))
        np.copyto(winner[part], index, where=share > best[part])
        np.maximum(second[part], np.minimum(best[part], share), out=second[part])
        np.maximum(best[part], share, out=best[part])
    sure = np.clip(sample(np.nan_to_num(confidence).astype(np.float32)), 0.0, 1.0)
    alpha = tint * sure * sure
    level = (alpha * 255.0 + 0.5).astype(np.int64) | (winner << 8)
    picture = _tint_table(colors).ravel().take(level, mode="clip")
    steepest = 1.5 * max(classes.shape[0] / shape[0], classes.shape[1] / shape[1])
    at, edge = _edges(best - second, steepest)
    share = (0.7 * edge)[:, None]
    color = colors[winner.ravel()[at].clip(0, len(colors) - 1)] * (1 - share)
    color += np.asarray(line) * share
    opacity = np.maximum(alpha.ravel()[at], share[:, 0])
    picture.ravel()[at] = _packed((color * opacity[:, None] + 0.5), opacity)
    return picture


def _edges(margin: Floats, steepest: float) -> tuple[NDArray[np.int64], NDArray[np.floating]]:
    """Pixels on a line where `margin` falls to zero, and how much of each it covers.

    The distance to the line in pixels is margin / slope; `steepest` bounds the slope, so that only
    pixels with a small margin need theirs worked out.
    """
    height, width = margin.shape
    reach = 0.5 * _THICKNESS + 0.5
    at = np.flatnonzero(margin < reach * steepest)
    row, column = np.divmod(at, width)
    flat = margin.ravel()
    # the steeper of the two sides: on the line itself the margin has a crease
    left, right = at - (column > 0), at + (column < width - 1)
    above, below = at - width * (row > 0), at + width * (row < height - 1)
    slope_x = np.maximum(np.abs(flat[right] - flat[at]), np.abs(flat[at] - flat[left]))
    slope_y = np.maximum(np.abs(flat[below] - flat[at]), np.abs(flat[at] - flat[above]))
    slope = np.maximum(np.hypot(slope_x, slope_y), 1e-4)
    cover = np.clip(reach - flat[at] / slope, 0.0, 1.0)
    on_line = cover > 0
    return at[on_line], cover[on_line]


def _tint_table(colors: NDArray[np.integer]) -> NDArray[np.uint32]:
    """Premultiplied 0xAARRGGBB of each colour (C, 3) at each opacity, (C, 256)."""
    alpha = np.arange(256, dtype=np.float64)
    scaled = np.rint(colors[:, None, :] * (alpha / 255)[None, :, None]).astype(np.uint32)
    table = (alpha.astype(np.uint32) << 24) | (scaled[..., 0] << 16)
    table = table | (scaled[..., 1] << 8) | scaled[..., 2]
    return table.astype(np.uint32, copy=False)


def _packed(
    premultiplied: NDArray[np.floating], opacity: NDArray[np.floating]
) -> NDArray[np.uint32]:
    """Premultiplied colours (n, 3) and opacities (n,) -> 0xAARRGGBB, (n,)."""
    channels = premultiplied.astype(np.uint32)
    packed = (opacity * 255 + 0.5).astype(np.uint32) << 24
    packed = packed | (channels[:, 0] << 16) | (channels[:, 1] << 8) | channels[:, 2]
    return packed.astype(np.uint32, copy=False)


def support_grid(
    points: NDArray[np.floating],
) -> tuple[Floats, Extent] | None:
    """How well the encoded points support each place, 0 (none near) to 1, (cells, cells), and its extent.

    A Gaussian kernel density with 0.6 of Scott's bandwidth, relative to the density at a typical
    point. None without points.
    """
    finite = points[np.isfinite(points).all(axis=1)] if len(points) else points
    if len(finite) == 0:
        return None
    scott = float(np.mean(finite.std(axis=0))) * len(finite) ** (-1 / 6)
    bandwidth = max(0.6 * scott, 0.04)
    low = finite.min(axis=0) - 4 * bandwidth
    high = finite.max(axis=0) + 4 * bandwidth
    extent = (float(low[0]), float(high[0]), float(low[1]), float(high[1]))
    cells = _SUPPORT_CELLS
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
    width = shape[1]
    sample = Sampler.of((support.shape[0], support.shape[1]), grid, view, shape)
    empty = 1.0 - np.clip(sample(support), 0.0, 1.0)
    period = max(2, round(9 * ratio))
    offset = np.abs(np.arange(period) - period // 2)
    hatch = np.clip(0.5 * ratio + 0.5 - offset, 0.0, 1.0).astype(np.float32)
    row = np.resize(0.10 + 0.24 * hatch, width + period)
    for phase in range(period):  # rows of equal phase share one line of the hatching
        empty[phase::period] *= row[phase : phase + width]
    level = (empty * 255 + 0.5).astype(np.uint8)
    return _tint_table(np.asarray([color]))[0].take(level)
