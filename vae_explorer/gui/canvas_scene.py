"""Everything the latent canvas shows, and how it comes onto the screen. Knows no widget.

What changes seldom (layers, axes, legend) is painted once into a base picture; what follows the
mouse (pin, ellipses, path, read-out) is painted over it. A layer's picture that is out of date is
shown stretched to the new view until `refresh` makes it anew, so that zooming and panning never
wait for it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QRegion

from vae_explorer.gui import canvas_labels, canvas_legend, canvas_paint
from vae_explorer.gui.canvas_frame import DEFAULT_EXTENT, Frame, needs_fit, points_extent
from vae_explorer.gui.canvas_layers import (
    LAYERS,
    ManifoldLayer,
    PointsLayer,
    Raster,
    RegionsLayer,
    SupportLayer,
)
from vae_explorer.gui.canvas_paint import (
    AIMED_RING,
    GUTTER_BOTTOM,
    GUTTER_LEFT,
    NEAREST_RING,
    SHOWN_RING,
    Point,
    Ring,
)
from vae_explorer.gui.notation import signed
from vae_explorer.gui.pixels import paint_image, transparent
from vae_explorer.gui.style import LIGHT, Theme

_SLOW = ("regions", "support")  # wait for the view to settle


@dataclass(frozen=True, eq=False)
class Gaussian:
    """A posterior on the canvas: its mean, a factor L (2, 2) of its covariance LLᵀ, and the name of its mark."""

    mean: Point
    factor: NDArray[np.floating]
    label: str = ""


class CanvasScene:
    """The canvas's layers, marks and view."""

    def __init__(self) -> None:
        self.theme: Theme = LIGHT
        self.frame = Frame().fitted(DEFAULT_EXTENT)
        self.points, self.manifold = PointsLayer(), ManifoldLayer()
        self.regions, self.support = RegionsLayer(), SupportLayer()
        self.visible = {name: name in ("points", "prior") for name in LAYERS}
        self.titles: tuple[str, str] = ("z₁", "z₂")
        self.prior_mean: Point = (0.0, 0.0)
        self.names: tuple[str, ...] = ()
        self.highlighted: int | None = None
        self.legend_hovered: int | None = None
        self.message: str | None = None
        self.hovered: Point | None = None
        self.pin: Point | None = None
        self.shown: Point | None = None  # the foot of what is decoded
        self.nearest: int | None = None  # the point of the real image beside it
        self.aimed: int | None = None  # the point that a click would mean
        self.hint = ""
        self.selected: Gaussian | None = None
        self.drawing: Gaussian | None = None
        self.path: tuple[Point, Point] | None = None
        self.route: list[Point] | None = None  # a curved path's points; None: straight
        self.path_position: float | None = None
        self._follows_cursor = False  # what is shown lay under the cursor: the next will, too
        self._legend: list[canvas_legend.Entry] = []
        self._legend_origin = QPointF()
        self._rasters: dict[str, Raster | None] = {}
        self._stale: set[str] = set(LAYERS)
        self._base: QImage | None = None
        self._grid: tuple[object, QImage] | None = None

    # --- geometry ------------------------------------------------------------------------------

    def place(self, size: QSize, top: float) -> None:
        """Lay plot and legend out in a widget of this size, below `top`."""
        left, right = GUTTER_LEFT, 1
        width = size.width() - left - right
        self._legend, legend_height = canvas_legend.arrange(self.names, width)
        height = size.height() - top - GUTTER_BOTTOM - legend_height - 2
        self._legend_origin = QPointF(left, top + height + GUTTER_BOTTOM + 2)
        self.frame = self.frame.placed(left, top + 1, width, height)
        self.outdate()

    def fit(self) -> None:
        """Show all points and the prior."""
        self.look(self.frame.fitted(points_extent(self.points.points)))

    def follow(self) -> None:
        """Keep new points in view, without moving it for every little change."""
        wanted = points_extent(self.points.points)
        if needs_fit(self.frame.extent, wanted):
            self.look(self.frame.fitted(wanted))

    def look(self, frame: Frame) -> None:
        """Another view; the pictures follow at the next `refresh`."""
        self.frame = replace(frame)
        self.outdate()

    def class_at(self, position: QPointF) -> int | None:
        """The legend's class under a position."""
        return canvas_legend.entry_at(self._legend, self._legend_origin, position)

    # --- pictures ------------------------------------------------------------------------------

    def outdate(self, *layers: str) -> None:
        """Mark layers (all if none is named) to be drawn anew, and the base picture with them."""
        self._stale.update(layers or LAYERS)
        self._base = None

    def forget_base(self) -> None:
        """Compose the base picture anew from the layers as they are."""
        self._base = None

    def refresh(self, ratio: float, slow: bool) -> None:
        """Draw the visible layers that are out of date; those that take long only if `slow`."""
        focus = self.highlighted if self.legend_hovered is None else self.legend_hovered
        for name in ("manifold", "regions", "support", "points"):
            if name not in self._stale or not self.visible[name]:
                continue
            if name in _SLOW and not slow and self._rasters.get(name) is not None:
                continue
            if name == "points":
                self._rasters[name] = self.points.render(self.frame, ratio, self.theme, focus)
            else:
                layer: ManifoldLayer | RegionsLayer | SupportLayer = getattr(self, name)
                self._rasters[name] = layer.render(self.frame, ratio, self.theme)
            self._stale.discard(name)
        self._base = None

    def base(self, size: QSize, ratio: float) -> QImage:
        """Layers, axes and legend as one picture of the widget."""
        if self._base is None or self._base.size() != size * ratio:
            self._base = transparent(size, ratio)
            painter = QPainter(self._base)
            self._paint_layers(painter)
            painter.drawImage(QPointF(0, 0), self._grid_picture(size, ratio))
            painter.end()
        return self._base

    def _paint_layers(self, painter: QPainter) -> None:
        rect = canvas_paint.plot_rect(self.frame)
        painter.fillRect(rect, self.theme.canvas)
        painter.save()
        painter.setClipRect(rect)
        for name in ("manifold", "regions", "support", "points"):
            raster = self._rasters.get(name)
            if self.visible[name] and raster is not None:
                with_points = name == "manifold" and self.visible["points"]
                painter.setOpacity(0.45 if with_points else 1.0)
                self._paint_raster(painter, raster, smooth=name == "manifold")
        painter.restore()

    def _grid_picture(self, size: QSize, ratio: float) -> QImage:
        """Prior, axes and legend, which stay as they are while a training moves the points."""
        with_prior = self.visible["prior"] and self.message is None
        key = (
            size, ratio, self.frame, self.theme.name, self.titles, self.prior_mean, self.names,
            with_prior, self.highlighted, self.legend_hovered,
        )  # fmt: skip
        if self._grid is None or self._grid[0] != key:
            picture = transparent(size, ratio)
            painter = QPainter(picture)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint_grid(painter, with_prior)
            painter.end()
            self._grid = key, picture
        return self._grid[1]

    def _paint_grid(self, painter: QPainter, with_prior: bool) -> None:
        if with_prior:
            painter.save()
            painter.setClipRect(canvas_paint.plot_rect(self.frame))
            dimensions = 2 if self.titles[1] else 1
            canvas_paint.prior(painter, self.frame, self.theme, self.prior_mean, dimensions)
            painter.restore()
        canvas_paint.axes(painter, self.frame, self.theme, self.titles)
        canvas_legend.paint(
            painter, self._legend, self._legend_origin, self.theme, self.highlighted,
            self.legend_hovered,
        )  # fmt: skip

    def _paint_raster(self, painter: QPainter, raster: Raster, smooth: bool) -> None:
        x0, x1, y0, y1 = raster.extent
        corner = QPointF(*self.frame.to_pixel(x0, y1))
        target = QRectF(corner, QPointF(*self.frame.to_pixel(x1, y0)))
        ratio = painter.device().devicePixelRatio()
        size = raster.image.size()
        if (
            abs(target.width() * ratio - size.width()) < 0.6
            and abs(target.height() * ratio - size.height()) < 0.6
        ):  # pixel on pixel: crisp, and many times faster than scaling
            place = QPointF(round(corner.x() * ratio) / ratio, round(corner.y() * ratio) / ratio)
            target = QRectF(place, QSizeF(size) / ratio)
        paint_image(painter, target, raster.image, smooth=smooth)

    # --- marks ---------------------------------------------------------------------------------

    def paint_marks(self, painter: QPainter, has_focus: bool) -> None:
        """Everything that follows mouse, drawing and path."""
        frame, theme = self.frame, self.theme
        rect = canvas_paint.plot_rect(frame)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(rect)
        if self.message is not None:
            canvas_paint.message(painter, frame, theme, self.message)
        if self.path is not None:
            nodes = self.route or list(self.path)
            canvas_paint.route(painter, frame, theme, nodes, self.path_position)
        for posterior, color in self._gaussians():
            canvas_paint.ellipse(painter, frame, theme, color, posterior.mean, posterior.factor)
            canvas_paint.diamond(painter, frame, theme, color, posterior.mean)
        for ring in self._rings():
            canvas_paint.ring(painter, frame, theme, ring)
        if self.pin is not None:
            canvas_paint.pin(painter, frame, theme, self.pin)
        if self.hovered is not None:
            words = self.place_in_words(self.shown or self.hovered)
            canvas_paint.read_out(painter, frame, theme, words)
        self._paint_labels(painter)
        painter.restore()
        if has_focus:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(theme.accent, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(rect, 2, 2)

    def place_in_words(self, point: Point) -> str:
        """The coordinates of a point by the names of the axes."""
        named = zip(self.titles, point, strict=True)
        return ", ".join(f"{name} = {signed(value, 2)}" for name, value in named if name)

    def show_at(self, point: Point | None) -> None:
        """Take the foot of what is decoded."""
        self.shown = point
        self._follows_cursor = self._coincide(point, self.hovered)

    def ring_region(self) -> QRegion:
        """Where there are rings, in widget pixels."""
        region = QRegion()
        for ring in self._rings():
            region += QRegion(canvas_paint.ring_rect(self.frame, ring).toAlignedRect())
        return region

    def _rings(self) -> list[Ring]:
        """What is decoded, the real image nearest to it, and the one that a click would take."""
        rings: list[Ring] = []
        nearest, aimed = self._dot(self.nearest), self._dot(self.aimed)
        if nearest and nearest != aimed and not self._coincide(nearest, self.pin):
            rings.append(Ring(nearest, NEAREST_RING, self.theme.text))
        under_cursor = self.hovered is not None and self._follows_cursor
        marked = (self.pin, *(self.path or ()))  # which have marks of their own
        seen = under_cursor or any(self._coincide(self.shown, mark) for mark in marked)
        if self.shown and not seen:
            rings.append(Ring(self.shown, SHOWN_RING, self.theme.text))
        if aimed:
            rings.append(Ring(aimed, AIMED_RING, self.theme.accent))
        return rings if self.message is None else []

    def _dot(self, index: int | None) -> Point | None:
        """Where an encoded image's dot is, if it can be seen."""
        points = self.points.points
        if index is None or points is None or index >= len(points) or not self.visible["points"]:
            return None
        x, y = points[index].tolist()
        return (x, y) if math.isfinite(x) and math.isfinite(y) else None

    def _coincide(self, a: Point | None, b: Point | None) -> bool:
        """Whether two places look like one; in one dimension the height means nothing."""
        if a is None or b is None:
            return False
        apart = abs(a[0] - b[0]) + (abs(a[1] - b[1]) if self.titles[1] else 0.0)
        return apart * self.frame.scale < 1.5

    def _gaussians(self) -> list[tuple[Gaussian, QColor]]:
        both = (self.selected, self.theme.text), (self.drawing, self.theme.accent)
        return [(posterior, color) for posterior, color in both if posterior is not None]

    def _paint_labels(self, painter: QPainter) -> None:
        """Words come last: nothing covers them, and they keep clear of the pin."""
        frame, theme = self.frame, self.theme
        if self.visible["prior"] and self.message is None:
            dimensions = 2 if self.titles[1] else 1
            canvas_labels.prior_labels(painter, frame, theme, self.pin, self.prior_mean, dimensions)
        for posterior, color in self._gaussians():
            if posterior.label:
                canvas_labels.name(
                    painter, frame, theme, self.pin, color, posterior.mean, posterior.label
                )
        if self.hint and self.message is None:
            canvas_labels.hint(painter, frame, theme, self.hint)
