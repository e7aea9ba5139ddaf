"""The latent canvas: a plane of latent points to hover, click, scrub, zoom and draw paths on."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAction,
    QFocusEvent,
    QGuiApplication,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from vae_explorer.gui.canvas_header import CanvasHeader
from vae_explorer.gui.canvas_interaction import CanvasInteraction, Gesture
from vae_explorer.gui.canvas_paint import Point
from vae_explorer.gui.canvas_view import CanvasView
from vae_explorer.gui.density import nearest_point
from vae_explorer.gui.style import Theme, came_by_keyboard

_DOT_REACH = 5.0  # pixels within which a click means a dot
_AIM_MS = 16  # after a move of the cursor the dot under it is looked for at most this late


class LatentCanvas(CanvasView):
    """The latent plane with its layers, marks and gestures. All coordinates are latent units.

    Signals: `point_hovered`, `hover_left`; `point_picked` (a click, a drag or an arrow key), `pin_cleared`;
    `sample_clicked`, `sample_picked` (index of the encoded image that was clicked on, once or twice; a click has
    told of its point before); `layer_toggled` (by the user); `path_drawn` (A then B), `path_cleared`.
    """

    point_hovered = Signal(float, float)
    hover_left = Signal()
    point_picked = Signal(float, float)
    pin_cleared = Signal()
    sample_clicked = Signal(int)
    sample_picked = Signal(int)
    layer_toggled = Signal(str, bool)
    path_drawn = Signal(float, float, float, float)
    path_cleared = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._interaction = CanvasInteraction(self)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Latent canvas"))
        self.setAccessibleDescription(
            self.tr("Arrow keys move the pinned latent point, plus and minus zoom, F fits the view")
        )
        self._header = CanvasHeader(self, self._scene.visible, self._scene.theme)
        self._header.on_fit(self.fit_view)
        self._header.on_entered(self._leave)
        self._aim = QTimer(self)
        self._aim.setSingleShot(True)
        self._aim.setInterval(_AIM_MS)
        self._aim.timeout.connect(self._take_aim)
        for action in self._header.layers.values():
            action.triggered.connect(self._on_layer_action)

    # --- what is shown -------------------------------------------------------------------------

    def set_theme(self, theme: Theme) -> None:
        """Take another look."""
        super().set_theme(theme)
        self._header.set_theme(theme)

    def set_layer(self, name: str, visible: bool) -> None:
        """Show or hide a layer: points, manifold, prior, regions or support. KeyError for another."""
        self._header.layers[name].setChecked(visible)
        self._scene.visible[name] = visible
        self._scene.forget_base()
        self._schedule()

    def set_layer_offered(self, name: str, why_not: str) -> None:
        """Offer a layer; or take it away, and say why there is none."""
        self._header.set_offered(name, why_not)
        if why_not and self._scene.visible[name]:
            self.set_layer(name, False)

    # --- what the interaction asks for ---------------------------------------------------------

    def hover(self, point: Point | None) -> None:
        """The cursor is over a latent point, or has left the plot."""
        had, self._scene.hovered = self._scene.hovered, point
        if point is not None:
            self.point_hovered.emit(*point)
        elif had is not None:
            self.hover_left.emit()
        self._take_aim_soon()
        self._update_rings()

    def pick(self, point: Point) -> None:
        """Pin a latent point and tell."""
        self.set_pinned(point)
        self.point_picked.emit(*point)

    def sample_at(self, point: Point) -> int | None:
        """The encoded image whose dot a click on a latent point means."""
        points = self._scene.points.points
        if points is None or not self._scene.visible["points"]:
            return None
        if self._interaction.handle_at(self.to_pixel(*point)) is not None:
            return None  # the handle lies on top
        return nearest_point(points, *point, _DOT_REACH / self.frame.scale)

    def click_sample(self, index: int) -> None:
        """Tell which dot was clicked on."""
        self.sample_clicked.emit(index)

    def pick_sample(self, index: int) -> None:
        """Tell which dot was double-clicked."""
        self.sample_picked.emit(index)

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
        menu.addAction(self.tr("Copy the canvas as a picture"), self._copy)
        menu.popup(self.mapToGlobal(position.toPoint()))

    # --- Qt ------------------------------------------------------------------------------------

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

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if not self._interaction.double_click(event):
            self.mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._interaction.move(event)
        if self._interaction.gesture is Gesture.NONE:
            self._hover_legend(self._scene.class_at(event.position()))
            self._choose_cursor(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._interaction.release(event)
        self._choose_cursor(event.position())

    def leaveEvent(self, event: QEvent) -> None:
        self._leave()

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

    def _leave(self) -> None:
        self.hover(None)
        self._hover_legend(None)

    def _redraw(self) -> None:
        super()._redraw()
        self._take_aim_soon()  # the dots lie elsewhere

    def _take_aim_soon(self) -> None:
        if not self._aim.isActive():
            self._aim.start()

    def _take_aim(self) -> None:
        """Find the dot that a click would mean, to be ringed."""
        hovered = self._scene.hovered
        at_rest = self._interaction.gesture is Gesture.NONE
        self._scene.aimed = self.sample_at(hovered) if at_rest and hovered is not None else None
        self._update_rings()

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
