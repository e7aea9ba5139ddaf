"""The latent canvas's pictures: each layer keeps its data and draws it for a given view."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage, QPainter

from vae_explorer.gui import fields
from vae_explorer.gui.canvas_frame import Extent, Frame
from vae_explorer.gui.density import Splat, splat, to_rgba
from vae_explorer.gui.pixels import image_to_qimage, is_rgb, mosaic
from vae_explorer.gui.style import Theme

LAYERS: tuple[str, ...] = ("points", "manifold", "prior", "regions", "support")
_DIMMED = 0.1  # opacity of the other classes while one is highlighted
_MAX_PIXELS = 4_000_000  # of a picture, whatever the screen


@dataclass(frozen=True)
class Raster:
    """A picture and the part of the latent plane it covers."""

    image: QImage
    extent: Extent


def _qimage(picture: NDArray[np.uint32]) -> QImage:
    height, width = picture.shape
    image = QImage(width, height, QImage.Format.Format_ARGB32_Premultiplied)
    np.frombuffer(image.bits(), dtype=np.uint32).reshape(height, width)[:] = picture
    return image


def _rgb(color: QColor) -> tuple[int, int, int]:
    return color.red(), color.green(), color.blue()


def _shape(frame: Frame, extent: Extent, ratio: float) -> tuple[int, int]:
    """Device pixels (h, w) of an extent in a view, at least 1."""
    wide, tall = (extent[1] - extent[0]) * frame.scale, (extent[3] - extent[2]) * frame.scale
    ratio = min(ratio, (_MAX_PIXELS / max(wide * tall, 1.0)) ** 0.5)
    return max(1, round(tall * ratio)), max(1, round(wide * ratio))


@lru_cache(maxsize=2)
def _random_order(count: int) -> NDArray[np.int64]:
    """A fixed permutation; a training's snapshots all have the same number of points."""
    return np.random.default_rng(0).permutation(count)


@dataclass
class PointsLayer:
    """Encoded images as translucent dots, or as a density where they are many."""

    points: NDArray[np.float32] | None = None  # (N, 2) as given: indices are the caller's
    labels: NDArray[np.int64] | None = None
    classes: int = 0
    _shuffled: NDArray[np.float32] | None = field(default=None, repr=False)
    _shuffled_labels: NDArray[np.uint16] | None = field(default=None, repr=False)
    _splat: Splat | None = field(default=None, repr=False)
    _splat_key: object = field(default=None, repr=False)
    _faded: tuple[Theme, QImage] | None = field(default=None, repr=False)  # behind a highlight

    def set(
        self, points: NDArray[np.floating] | None, labels: NDArray[np.integer] | None, classes: int
    ) -> None:
        """Take points (N, 2) and classes (N,); rows that are not finite are kept but not drawn.

        Raises ValueError for other shapes.
        """
        self._splat = None
        if points is None:
            self.points = self.labels = self._shuffled = self._shuffled_labels = None
            return
        points = np.asarray(points, dtype=np.float32)
        if points.ndim != 2 or points.shape[1] != 2:
            raise ValueError(f"points are (N, 2), not {points.shape}")
        if labels is not None and np.shape(labels) != (len(points),):
            raise ValueError(f"labels are ({len(points)},), not {np.shape(labels)}")
        self.points, self.classes = points, classes
        self.labels = None if labels is None else np.asarray(labels, dtype=np.int64)
        # drawn in a random order: else the last class of a sorted set would lie on top of all
        order = _random_order(len(points))
        finite = np.asarray(np.isfinite(points).all(axis=1))
        if not finite.all():
            order = order[finite[order]]
        self._shuffled = points[order]
        self._shuffled_labels = (
            None if self.labels is None else np.clip(self.labels[order], 0, 65535).astype(np.uint16)
        )

    def render(
        self, frame: Frame, ratio: float, theme: Theme, highlighted: int | None = None
    ) -> Raster | None:
        """The dots in view."""
        if self._shuffled is None or len(self._shuffled) == 0:
            return None
        extent = frame.extent
        shape = _shape(frame, extent, ratio)
        labelled = self._shuffled_labels is not None and self.classes > 0
        points, labels = self._shuffled, self._shuffled_labels if labelled else None
        if self._splat is None or self._splat_key != (extent, shape):
            self._splat = splat(points, labels, extent, shape, ratio=ratio)
            self._splat_key, self._faded = (extent, shape), None
        colors = theme.class_rgb(self.classes) if labelled else np.array([_rgb(theme.accent)])
        if labels is None or highlighted is None:
            return Raster(_qimage(to_rgba(self._splat, colors)), extent)
        if self._faded is None or self._faded[0] is not theme:
            self._faded = theme, _qimage(to_rgba(self._splat, colors, strength=_DIMMED))
        image = self._faded[1].copy()
        chosen = labels == highlighted
        # a picture of its own, laid over the whole: no other class can cut into its dots
        top = splat(points[chosen], labels[chosen], extent, shape, self._splat.radius)
        painter = QPainter(image)
        painter.drawImage(0, 0, _qimage(to_rgba(top, colors)))
        painter.end()
        return Raster(image, extent)


@dataclass
class SupportLayer:
    """Where hardly any encoded image lies near, a decode means little: veiled and hatched."""

    points: NDArray[np.float32] | None = None
    _grid: tuple[NDArray[np.float32], Extent] | None = field(default=None, repr=False)
    _known: bool = False

    def set(self, points: NDArray[np.float32] | None) -> None:
        """Take the encoded points (N, 2); the density is worked out when it is first drawn."""
        self.points, self._known = points, False

    def render(self, frame: Frame, ratio: float, theme: Theme) -> Raster | None:
        """The veil over the whole view."""
        if not self._known:
            self._grid = None if self.points is None else fields.support_grid(self.points)
            self._known = True
        if self._grid is None:
            return None
        extent = frame.extent
        shape = _shape(frame, extent, ratio)
        picture = fields.support_picture(*self._grid, extent, shape, _rgb(theme.muted), ratio)
        return Raster(_qimage(picture), extent)


@dataclass
class RegionsLayer:
    """What the classifier says of the decoded image: a tint for each class, and boundary lines."""

    classes: NDArray[np.int64] | None = None  # (R, C), top row first
    confidence: NDArray[np.float32] | None = None
    extent: Extent = (-3.0, 3.0, -3.0, 3.0)

    def set(
        self, classes: NDArray[np.integer], confidence: NDArray[np.floating], extent: Extent
    ) -> None:
        """Take class indices and confidences (R, C) over an extent. ValueError: shapes differ."""
        if np.ndim(classes) != 2 or np.shape(classes) != np.shape(confidence):
            raise ValueError(f"regions are (R, C), not {np.shape(classes)}, {np.shape(confidence)}")
        self.classes = np.asarray(classes, dtype=np.int64)
        self.confidence = np.asarray(confidence, dtype=np.float32)
        self.extent = extent

    def render(self, frame: Frame, ratio: float, theme: Theme) -> Raster | None:
        """The part of the regions in view."""
        if self.classes is None or self.confidence is None:
            return None
        extent = fields.overlap(frame.extent, self.extent)
        if extent is None:
            return None
        ratio = min(ratio, (360_000 / max(frame.width * frame.height, 1)) ** 0.5)
        count = max(int(self.classes.max()) + 1, 1)
        picture = fields.region_picture(
            self.classes, self.confidence, self.extent, extent, _shape(frame, extent, ratio),
            theme.class_rgb(count), _rgb(theme.text), tint=0.34 if theme.is_dark else 0.26,
        )  # fmt: skip
        return Raster(_qimage(picture), extent)


@dataclass
class ManifoldLayer:
    """Decoded images on a grid of latent points, as one background picture."""

    images: NDArray[np.generic] | None = None  # (R, C, H, W[, 3]), top row first
    extent: Extent = (-3.0, 3.0, -3.0, 3.0)
    _drawn: tuple[str, Raster] | None = field(default=None, repr=False)

    def set(self, images: NDArray[np.generic], extent: Extent) -> None:
        """Take images (R, C, H, W) or (R, C, H, W, 3) over an extent. ValueError: other shapes."""
        if images.ndim != 4 and not (images.ndim == 5 and is_rgb(images)):
            raise ValueError(f"a manifold is (R, C, H, W) or (R, C, H, W, 3), not {images.shape}")
        self.images, self.extent, self._drawn = images, extent, None

    def render(self, frame: Frame, ratio: float, theme: Theme) -> Raster | None:
        """The whole mosaic: it is scaled as it is painted."""
        del frame, ratio
        if self.images is None:
            return None
        if self._drawn is None or self._drawn[0] != theme.name:
            image = image_to_qimage(mosaic(self.images), theme)
            # the format that the raster painter draws fastest
            image = image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
            self._drawn = (theme.name, Raster(image, self.extent))
        return self._drawn[1]
