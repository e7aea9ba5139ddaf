"""The latent canvas as a picture: layers, marks and the view of them. Knows neither mouse nor keys.

Painted with QPainter alone, which costs the start of the window nothing, and lets the mouse move
over a million points at the price of copying one picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QRegion
from PySide6.QtWidgets import QSizePolicy, QWidget

from vae_explorer.gui import canvas_paint
from vae_explorer.gui.canvas_frame import Extent, Frame
from vae_explorer.gui.canvas_header import HEADER
from vae_explorer.gui.canvas_paint import Point
from vae_explorer.gui.canvas_scene import CanvasScene, Gaussian
from vae_explorer.gui.idle import PATIENCE_S, Pace
from vae_explorer.gui.style import Theme

_REFRESH_MS = 15  # pictures follow a zoom or new points at most this late, and together
_SETTLE_MS = 80  # the slower ones wait until the view has stood still for so long


class CanvasView(QWidget):
    """Shows the latent plane. `view_changed` (x0, x1, y0, y1) comes once a change has settled."""

    view_changed = Signal(float, float, float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene = CanvasScene()
        self._is_fitted = True  # until the user zooms or pans, new points and sizes fit again
        self._shows_focus = False
        self._told_extent: Extent | None = None
        self._rings_painted = QRegion()
        self._refresh = Pace(self._redraw, _REFRESH_MS, PATIENCE_S, self)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self._redraw)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(240, 240)

    # --- what is shown -------------------------------------------------------------------------

    def set_points(
        self,
        means: NDArray[np.floating],
        labels: NDArray[np.integer] | None = None,
        class_names: Sequence[str] = (),
    ) -> None:
        """Show encoded images at `means` (N, 2), coloured by `labels` (N,). ValueError: other shapes."""
        scene = self._scene
        names = tuple(class_names)
        scene.points.set(means, labels, len(names))
        scene.support.set(scene.points.points)
        if names != scene.names:
            scene.names = names
            scene.highlighted = scene.legend_hovered = None
            self._place()
        elif self._is_fitted:
            scene.follow()
        scene.outdate("points", "support")
        self._schedule()

    def clear_points(self) -> None:
        """Show no encoded images and no legend."""
        self._scene.points.set(None, None, 0)
        self._scene.support.set(None)
        self._scene.names = ()
        self._scene.highlighted = None
        self._place()
        self._schedule()

    def set_axes(self, titles: tuple[str, str], prior_mean: Point = (0.0, 0.0)) -> None:
        """Name the two axes, and say where z = 0 lies."""
        self._scene.titles, self._scene.prior_mean = titles, prior_mean
        self._scene.forget_base()
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Take another look."""
        self._scene.theme = theme
        self._scene.outdate()
        self._schedule()

    def set_enabled_message(self, text: str | None) -> None:
        """Say in the middle why the canvas is empty; None takes it away."""
        self._scene.message = text
        self._scene.forget_base()
        self.update()

    def set_pinned(self, point: Point | None) -> None:
        """Put the pin on a latent point, or take it away."""
        self._scene.pin = None if point is None else (float(point[0]), float(point[1]))
        self.update()

    def set_shown(self, point: Point | None) -> None:
        """Say where the foot of the decoded latent point lies: it is ringed, if neither cursor nor pin is there."""
        self._scene.show_at(point)
        self._update_rings()

    def set_nearest(self, index: int | None) -> None:
        """Ring the dot of the encoded image that is shown beside the decoded one."""
        self._scene.nearest = index
        self._update_rings()

    def set_hint(self, text: str) -> None:
        """Say in a corner what can be done here; nothing takes it away."""
        self._scene.hint = text
        self.update()

    def set_drawing(self, mean: NDArray[np.floating] | Point, factor: NDArray[np.floating]) -> None:
        """Show where the drawing is encoded: its posterior's mean (2,), and L (2, 2) of its covariance LLᵀ."""
        self._scene.drawing = _gaussian(mean, factor, self.tr("your drawing"))
        self.update()

    def clear_drawing(self) -> None:
        """Take the drawing's mark away."""
        self._scene.drawing = None
        self.update()

    def set_ellipse(
        self, mean: NDArray[np.floating] | Point, factor: NDArray[np.floating], name: str = ""
    ) -> None:
        """Show the posterior of the selected encoded image, as `set_drawing` does, under a name."""
        self._scene.selected = _gaussian(mean, factor, name)
        self.update()

    def clear_ellipse(self) -> None:
        """Take that posterior away."""
        self._scene.selected = None
        self.update()

    def set_manifold(self, images: NDArray[np.generic], extent: Extent) -> None:
        """Decoded images (R, C, H, W[, 3]), top row first, over an extent (x0, x1, y0, y1)."""
        self._scene.manifold.set(images, extent)
        self._scene.outdate("manifold")
        self._schedule()

    def set_regions(
        self,
        class_index: NDArray[np.integer],
        confidence: NDArray[np.floating],
        extent: Extent,
    ) -> None:
        """Most probable classes and their probabilities (R, C), top row first, over an extent."""
        self._scene.regions.set(class_index, confidence, extent)
        self._scene.outdate("regions")
        self._schedule()

    def set_path(
        self, start: Point | None, end: Point | None = None, route: Sequence[Point] | None = None
    ) -> None:
        """Show a path from A to B, along `route` where it is not straight; None takes it away."""
        self._scene.path = None if start is None or end is None else (start, end)
        self._scene.route = None if route is None else [(float(p[0]), float(p[1])) for p in route]
        self._scene.path_position = None
        self.update()

    def set_path_position(self, position: float | None) -> None:
        """Mark how far along the path its film stands, 0 to 1."""
        self._scene.path_position = position
        self.update()

    def highlight_class(self, index: int | None) -> None:
        """Bring one class forward and dim the others; None shows all alike."""
        if index != self._scene.highlighted:
            self._scene.highlighted = index
            self._scene.outdate("points")
            self._schedule()

    def fit_view(self) -> None:
        """Show all points and the prior; the view keeps fitting until the user zooms or pans."""
        self._is_fitted = True
        self._scene.fit()
        self._schedule()

    def look(self, frame: Frame) -> None:
        """Move or zoom the view."""
        if frame == self.frame:
            return
        self._is_fitted = False
        self._scene.look(frame)
        self._settle.start()
        self._schedule()

    def give_way(self) -> None:
        """The user waits for an answer: pictures of new points come a moment later."""
        self._refresh.give_way()

    @property
    def view(self) -> Extent:
        """The part of the latent plane in view: x0, x1, y0, y1."""
        return self._scene.frame.extent

    @property
    def frame(self) -> Frame:
        """The view's geometry."""
        return self._scene.frame

    @property
    def pinned(self) -> Point | None:
        """The pinned latent point."""
        return self._scene.pin

    @property
    def path_ends(self) -> tuple[Point, Point] | None:
        """The path's two ends."""
        return self._scene.path

    def to_pixel(self, x: float, y: float) -> QPointF:
        """Where a latent point lies in this widget."""
        return QPointF(*self._scene.frame.to_pixel(x, y))

    # --- Qt and inner workings -----------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.drawImage(QPointF(0, 0), self._scene.base(self.size(), self.devicePixelRatioF()))
        self._scene.paint_marks(painter, self._shows_focus)
        self._rings_painted = self._scene.ring_region()
        painter.end()

    def _update_rings(self) -> None:
        """Paint the rings where they were and are, and the read-out: a move of the mouse costs no more."""
        read_out = QRegion(canvas_paint.read_out_rect(self.frame).toAlignedRect())
        self.update(self._rings_painted + self._scene.ring_region() + read_out)

    def _place(self) -> None:
        self._scene.place(self.size(), float(HEADER))
        if self._is_fitted:
            self._scene.fit()

    def _schedule(self) -> None:
        """Redraw the pictures soon; many changes in a row become one redraw."""
        self._refresh.begin()
        self.update()

    def _redraw(self) -> None:
        self._refresh.stop()
        self._scene.refresh(self.devicePixelRatioF(), slow=not self._settle.isActive())
        self.update()
        if self._told_extent != self.view:
            self._told_extent = self.view
            self.view_changed.emit(*self.view)


def _gaussian(
    mean: NDArray[np.floating] | Point, factor: NDArray[np.floating], label: str
) -> Gaussian:
    return Gaussian((float(mean[0]), float(mean[1])), factor, label)
