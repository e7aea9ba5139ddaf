"""The latent canvas: a plane of latent points to hover, click, scrub, zoom and draw paths on.

Painted with QPainter alone, which costs the start of the window nothing, and lets the mouse move
over a million points at the price of copying one picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAction,
    QFocusEvent,
    QGuiApplication,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QSizePolicy,
    QToolTip,
    QWidget,
)

from vae_explorer.gui import canvas_paint
from vae_explorer.gui.canvas_frame import Extent, Frame
from vae_explorer.gui.canvas_header import HEADER, CanvasHeader
from vae_explorer.gui.canvas_interaction import CanvasInteraction, Gesture
from vae_explorer.gui.canvas_paint import Point
from vae_explorer.gui.canvas_scene import CanvasScene, Gaussian
from vae_explorer.gui.density import nearest_point
from vae_explorer.gui.idle import PATIENCE_S, Pace
from vae_explorer.gui.style import Theme, came_by_keyboard

_REFRESH_MS = 15  # pictures follow a zoom or new points at most this late, and together
_SETTLE_MS = 80  # the slower ones wait until the view has stood still for so long
_PICK_REACH = 7.0  # pixels within which a click means a point


class LatentCanvas(QWidget):
    """The latent plane with its layers, marks and gestures. All coordinates are latent units.

    Signals: `point_hovered`, `hover_left`; `point_picked` (a click, a drag or an arrow key), `pin_cleared`;
    `sample_picked` (index of the encoded image clicked on); `layer_toggled` (by the user); `view_changed`
    (x0, x1, y0, y1, once a change has settled); `path_drawn` (A then B), `path_cleared`.
    """

    point_hovered = Signal(float, float)
    hover_left = Signal()
    point_picked = Signal(float, float)
    pin_cleared = Signal()
    sample_picked = Signal(int)
    layer_toggled = Signal(str, bool)
    view_changed = Signal(float, float, float, float)
    path_drawn = Signal(float, float, float, float)
    path_cleared = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene = CanvasScene()
        self._interaction = CanvasInteraction(self)
        self._is_fitted = True  # until the user zooms or pans, new points and sizes fit again
        self._shows_focus = False
        self._told_extent: Extent | None = None
        self._refresh = Pace(self._redraw, _REFRESH_MS, PATIENCE_S, self)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        self._settle.timeout.connect(self._redraw)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(240, 240)
        self.setAccessibleName(self.tr("Latent canvas"))
        self.setAccessibleDescription(
            self.tr("Arrow keys move the pinned latent point, plus and minus zoom, F fits the view")
        )
        self._header = CanvasHeader(self, self._scene.visible, self._scene.theme)
        self._header.on_fit(self.fit_view)
        for action in self._header.layers.values():
            action.triggered.connect(self._on_layer_action)

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
        self._header.set_theme(theme)
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

    def set_drawing(self, mean: NDArray[np.floating] | Point, factor: NDArray[np.floating]) -> None:
        """Show where the drawing is encoded: its posterior's mean (2,), and L (2, 2) of its covariance LLᵀ."""
        self._scene.drawing = _gaussian(mean, factor, self.tr("your drawing"))
        self.update()

    def clear_drawing(self) -> None:
        """Take the drawing's mark away."""
        self._scene.drawing = None
        self.update()

    def set_ellipse(self, mean: NDArray[np.floating] | Point, factor: NDArray[np.floating]) -> None:
        """Show the posterior of the selected encoded image, as `set_drawing` does."""
        self._scene.selected = _gaussian(mean, factor, "")
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

    def set_layer(self, name: str, visible: bool) -> None:
        """Show or hide a layer: points, manifold, prior, regions or support. KeyError for another."""
        self._header.layers[name].setChecked(visible)
        self._scene.visible[name] = visible
        self._scene.forget_base()
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

    def set_layer_offered(self, name: str, why_not: str) -> None:
        """Offer a layer; or take it away, and say why there is none."""
        self._header.set_offered(name, why_not)
        if why_not and self._scene.visible[name]:
            self.set_layer(name, False)

    def give_way(self) -> None:
        """The user waits for an answer: pictures of new points come a moment later."""
        self._refresh.give_way()

    @property
    def view(self) -> Extent:
        """The part of the latent plane in view: x0, x1, y0, y1."""
        return self._scene.frame.extent

    def to_pixel(self, x: float, y: float) -> QPointF:
        """Where a latent point lies in this widget."""
        return QPointF(*self._scene.frame.to_pixel(x, y))

    # --- what the interaction asks for ---------------------------------------------------------

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

    def hover(self, point: Point | None) -> None:
        """The cursor is over a latent point, or has left the plot."""
        had, self._scene.hovered = self._scene.hovered, point
        if point is not None:
            self.point_hovered.emit(*point)
        elif had is not None:
            self.hover_left.emit()
        self.update(canvas_paint.read_out_rect(self.frame).toAlignedRect())

    def pick(self, point: Point) -> None:
        """Pin a latent point and tell."""
        self.set_pinned(point)
        self.point_picked.emit(*point)

    def pick_sample(self, point: Point) -> None:
        """Tell which encoded image was clicked on, if any."""
        points = self._scene.points.points
        if points is None or not self._scene.visible["points"]:
            return
        index = nearest_point(points, *point, _PICK_REACH / self.frame.scale)
        if index is not None:
            self.sample_picked.emit(index)

    def look(self, frame: Frame) -> None:
        """Move or zoom the view."""
        if frame == self.frame:
            return
        self._is_fitted = False
        self._scene.look(frame)
        self._settle.start()
        self._schedule()

    def finish_path(self) -> None:
        """Tell of a path drawn; one too short to be meant is dropped."""
        if self._scene.path is None:
            return
        start, end = self._scene.path
        if (self.to_pixel(*end) - self.to_pixel(*start)).manhattanLength() < 12:
            self.clear_path()
        else:
            self.path_drawn.emit(*start, *end)

    def clear_path(self) -> None:
        """Take the path away and tell."""
        if self._scene.path is not None:
            self.set_path(None)
            self.path_cleared.emit()

    def clear_pin(self) -> None:
        """Take the pin away and tell."""
        if self._scene.pin is not None:
            self.set_pinned(None)
            self.pin_cleared.emit()

    def cancel(self) -> None:
        """Escape: first the path goes, then a highlighted class, then the pin."""
        if self._scene.path is not None:
            self.clear_path()
        elif self._scene.highlighted is not None:
            self.highlight_class(None)
        else:
            self.clear_pin()

    def open_menu(self, position: QPointF) -> None:
        """The canvas's own menu."""
        menu = self._header.context_menu(self)
        menu.addSeparator()
        unpin = menu.addAction(self.tr("Unpin"), self.clear_pin)
        unpin.setEnabled(self._scene.pin is not None)
        drop = menu.addAction(self.tr("Remove path"), self.clear_path)
        drop.setEnabled(self._scene.path is not None)
        menu.addAction(self.tr("Copy picture"), self._copy)
        menu.popup(self.mapToGlobal(position.toPoint()))

    # --- Qt ------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.drawImage(QPointF(0, 0), self._scene.base(self.size(), self.devicePixelRatioF()))
        self._scene.paint_marks(painter, self._shows_focus)
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._header.arrange(self.width())
        self._place()
        self._schedule()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self._scene.class_at(event.position())
        if index is not None and event.button() == Qt.MouseButton.LeftButton:
            self.highlight_class(None if index == self._scene.highlighted else index)
            return
        self._interaction.press(event)
        if self._interaction.gesture is Gesture.PAN:
            self._show_cursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._interaction.move(event)
        if self._interaction.gesture is Gesture.NONE:
            self._hover_legend(self._scene.class_at(event.position()))
            self._choose_cursor(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._interaction.release(event)
        self._choose_cursor(event.position())

    def leaveEvent(self, event: QEvent) -> None:
        self.hover(None)
        self._hover_legend(None)

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._interaction.wheel(event)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._interaction.key(event):
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._shows_focus = came_by_keyboard(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._shows_focus = False
        self.update()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            index = self._scene.class_at(QPointF(event.pos()))
            if index is not None:
                name = self._scene.names[index]
                tip = self.tr("{}: click to highlight").format(name)
                QToolTip.showText(event.globalPos(), tip, self)
            else:
                QToolTip.hideText()
            return True
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._scene.outdate()
            self._schedule()
        return super().event(event)

    # --- inner workings ------------------------------------------------------------------------

    def _on_layer_action(self, checked: bool) -> None:
        action = self.sender()
        if isinstance(action, QAction):
            name = str(action.data())
            self.set_layer(name, checked)
            self.layer_toggled.emit(name, checked)

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

    def _hover_legend(self, index: int | None) -> None:
        if index != self._scene.legend_hovered:
            self._scene.legend_hovered = index
            self._scene.outdate("points")
            self._schedule()

    def _choose_cursor(self, position: QPointF) -> None:
        if self._scene.class_at(position) is not None:
            self._show_cursor(Qt.CursorShape.PointingHandCursor)
        elif self._interaction.handle_at(position) is not None:
            self._show_cursor(Qt.CursorShape.OpenHandCursor)
        elif self.frame.contains(position.x(), position.y()):
            self._show_cursor(Qt.CursorShape.CrossCursor)
        else:
            self._show_cursor(Qt.CursorShape.ArrowCursor)

    def _show_cursor(self, shape: Qt.CursorShape) -> None:
        if self.cursor().shape() != shape:
            self.setCursor(shape)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setPixmap(self.grab())


def _gaussian(
    mean: NDArray[np.floating] | Point, factor: NDArray[np.floating], label: str
) -> Gaussian:
    return Gaussian((float(mean[0]), float(mean[1])), factor, label)
