"""The geometry of a two-dimensional view: which part of the latent plane lies on which pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vae_explorer.gui.notation import signed

Extent = tuple[float, float, float, float]  # x0, x1, y0, y1 in latent units

MIN_SCALE = 2.0  # pixels per latent unit: at most a few hundred units across
MAX_SCALE = 2e5
TICK_SPACING = 72.0  # pixels
DEFAULT_EXTENT: Extent = (-3.4, 3.4, -3.4, 3.4)


@dataclass(frozen=True)
class Frame:
    """An equal-aspect view of the latent plane.

    Attributes:
        left, top, width, height: the plot's rectangle in device-independent pixels.
        x, y: the latent point in the middle of it.
        scale: pixels per latent unit, the same in both directions; the second axis points up.
    """

    left: float = 0.0
    top: float = 0.0
    width: float = 1.0
    height: float = 1.0
    x: float = 0.0
    y: float = 0.0
    scale: float = 50.0

    @property
    def extent(self) -> Extent:
        """The part of the latent plane in view."""
        half_x, half_y = self.width / (2 * self.scale), self.height / (2 * self.scale)
        return (self.x - half_x, self.x + half_x, self.y - half_y, self.y + half_y)

    def to_pixel(self, x: float, y: float) -> tuple[float, float]:
        """Latent point -> pixel position."""
        return (
            self.left + self.width / 2 + (x - self.x) * self.scale,
            self.top + self.height / 2 - (y - self.y) * self.scale,
        )

    def to_latent(self, px: float, py: float) -> tuple[float, float]:
        """Pixel position -> latent point."""
        return (
            self.x + (px - self.left - self.width / 2) / self.scale,
            self.y - (py - self.top - self.height / 2) / self.scale,
        )

    def contains(self, px: float, py: float) -> bool:
        """Whether a pixel position lies in the plot."""
        return (
            self.left <= px <= self.left + self.width and self.top <= py <= self.top + self.height
        )

    def placed(self, left: float, top: float, width: float, height: float) -> Frame:
        """The same centre and scale in another rectangle."""
        return replace(self, left=left, top=top, width=max(width, 1.0), height=max(height, 1.0))

    def panned(self, dx: float, dy: float) -> Frame:
        """The plane moved by so many pixels, as if dragged."""
        return replace(self, x=self.x - dx / self.scale, y=self.y + dy / self.scale)

    def zoomed(self, factor: float, px: float, py: float) -> Frame:
        """Enlarged by a factor; the latent point under the pixel stays where it is."""
        scale = min(max(self.scale * factor, MIN_SCALE), MAX_SCALE)
        x, y = self.to_latent(px, py)
        keep = self.scale / scale
        return replace(self, x=x + (self.x - x) * keep, y=y + (self.y - y) * keep, scale=scale)

    def fitted(self, extent: Extent) -> Frame:
        """The view that just shows an extent, centred."""
        x0, x1, y0, y1 = extent
        wide, tall = max(x1 - x0, 1e-6), max(y1 - y0, 1e-6)
        scale = min(max(min(self.width / wide, self.height / tall), MIN_SCALE), MAX_SCALE)
        return replace(self, x=(x0 + x1) / 2, y=(y0 + y1) / 2, scale=scale)

    def showing(self, x: float, y: float, margin: float = 24.0) -> Frame:
        """The view moved as little as needed for a latent point to be inside it."""
        px, py = self.to_pixel(x, y)
        inset_x, inset_y = min(margin, self.width / 3), min(margin, self.height / 3)
        low_x, high_x = self.left + inset_x, self.left + self.width - inset_x
        low_y, high_y = self.top + inset_y, self.top + self.height - inset_y
        return self.panned(min(max(px, low_x), high_x) - px, min(max(py, low_y), high_y) - py)


def points_extent(points: NDArray[np.floating] | None) -> Extent:
    """What `fit` shows: the prior's 3σ square, widened to nearly all points, with a margin.

    A few stray points (half a percent on each side) do not shrink the picture of the rest.
    """
    x0, x1, y0, y1 = DEFAULT_EXTENT
    if points is None or len(points) == 0:
        return DEFAULT_EXTENT
    step = max(1, len(points) // 50_000)  # percentiles of a sample: the sort is what costs
    sample = points[::step]
    sample = sample[np.isfinite(sample).all(axis=1)]
    if len(sample) == 0:
        return DEFAULT_EXTENT
    low, high = np.percentile(sample, (0.5, 99.5), axis=0)
    margin = 0.06 * np.maximum(high - low, 1e-3)
    low, high = low - margin, high + margin
    return (min(x0, low[0]), max(x1, high[0]), min(y0, low[1]), max(y1, high[1]))


def needs_fit(view: Extent, wanted: Extent) -> bool:
    """Whether a fitted view should be fitted anew: something is cut off, or it has become far too wide.

    In between it is left alone, so that it does not tremble while a training moves the points.
    """
    outside = (
        wanted[0] < view[0] or wanted[1] > view[1] or wanted[2] < view[2] or wanted[3] > view[3]
    )
    wide = (view[1] - view[0]) > 1.3 * (wanted[1] - wanted[0])
    tall = (view[3] - view[2]) > 1.3 * (wanted[3] - wanted[2])
    return outside or (wide and tall)


def ticks(low: float, high: float, pixels: float) -> list[float]:
    """Round tick values (1, 2 or 5 times a power of ten) about `TICK_SPACING` pixels apart."""
    span = high - low
    if not math.isfinite(span) or span <= 0 or pixels <= 0:
        return []
    raw = span * TICK_SPACING / pixels
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1.0, 2.0, 5.0, 10.0) if power * m >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


def tick_text(value: float, step: float) -> str:
    """A tick's label with just the decimals its step needs, and a real minus sign."""
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0
    return signed(value, decimals)
