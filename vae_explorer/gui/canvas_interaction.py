"""What mouse and keys mean on the latent canvas. Knows no widget: it reads and changes a `Host`."""

from __future__ import annotations

import math
from enum import Enum, auto
from typing import Protocol

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent

from vae_explorer.gui.canvas_frame import Frame
from vae_explorer.gui.canvas_paint import HANDLE_REACH, Point

DRAG_DISTANCE = 4.0  # pixels: below, a press and release is a click
STEP = 0.01  # of the view's width per arrow key; ten times that with Shift
ZOOM_PER_NOTCH = 1.2
_NOTCH = 120.0


class Gesture(Enum):
    """What the pressed button is doing."""

    NONE = auto()
    SCRUB = auto()
    PAN = auto()
    PATH_START = auto()
    PATH_END = auto()


class Host(Protocol):
    """What the interaction needs of the canvas."""

    @property
    def frame(self) -> Frame: ...
    @property
    def pinned(self) -> Point | None: ...
    @property
    def path_ends(self) -> tuple[Point, Point] | None: ...
    def hover(self, point: Point | None) -> None: ...
    def pick(self, point: Point) -> None: ...
    def sample_at(self, point: Point) -> int | None: ...
    def click_sample(self, index: int) -> None: ...
    def pick_sample(self, index: int) -> None: ...
    def look(self, frame: Frame) -> None: ...
    def set_path(self, start: Point, end: Point) -> None: ...
    def finish_path(self) -> None: ...
    def cancel(self) -> None: ...
    def fit_view(self) -> None: ...
    def open_menu(self, position: QPointF) -> None: ...


class CanvasInteraction:
    """One pointer's state between press and release, and the keys."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.gesture = Gesture.NONE
        self._origin = QPointF()
        self._last = QPointF()
        self._moved = True  # since the press; until then the cursor's tremble is no hovering

    def press(self, event: QMouseEvent) -> None:
        """Start a gesture."""
        position = event.position()
        if not self._host.frame.contains(position.x(), position.y()):
            return
        self._origin = self._last = position
        self._moved = False
        point = self._host.frame.to_latent(position.x(), position.y())
        if event.button() in (Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton):
            self.gesture = Gesture.PAN
        elif event.button() == Qt.MouseButton.LeftButton:
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self.gesture = Gesture.PATH_END
                self._host.set_path(point, point)
            elif (handle := self.handle_at(position)) is not None:
                self.gesture = handle
            else:
                self.gesture = Gesture.SCRUB
                self._host.pick(point)

    def move(self, event: QMouseEvent) -> None:
        """Hover, or go on with the gesture."""
        position, host = event.position(), self._host
        if (position - self._origin).manhattanLength() > DRAG_DISTANCE:
            self._moved = True
        inside = host.frame.contains(position.x(), position.y())
        point = host.frame.to_latent(position.x(), position.y())
        if self.gesture is Gesture.PAN:
            step = position - self._last
            host.look(host.frame.panned(step.x(), step.y()))
        elif self.gesture is Gesture.SCRUB:
            if self._moved:
                point = self._clamped(position)
                host.hover(point)
                host.pick(point)
        elif self.gesture in (Gesture.PATH_START, Gesture.PATH_END) and host.path_ends is not None:
            start, end = host.path_ends
            point = self._clamped(position)
            first = self.gesture is Gesture.PATH_START
            host.set_path(point if first else start, end if first else point)
            host.hover(point)
        elif self._moved or not inside:
            host.hover(point if inside else None)
        self._last = position

    def release(self, event: QMouseEvent) -> None:
        """End the gesture."""
        gesture, self.gesture = self.gesture, Gesture.NONE
        point = self._host.frame.to_latent(event.position().x(), event.position().y())
        if gesture is Gesture.SCRUB and not self._moved:
            index = self._host.sample_at(point)
            if index is not None:
                self._host.click_sample(index)
        elif gesture in (Gesture.PATH_START, Gesture.PATH_END):
            self._host.finish_path()
        elif (
            gesture is Gesture.PAN
            and not self._moved
            and event.button() == Qt.MouseButton.RightButton
        ):
            self._host.open_menu(event.position())

    def double_click(self, event: QMouseEvent) -> bool:
        """Take the encoded image under the cursor; False if there is none, and it is a press like any other."""
        position = event.position()
        plain = event.button() == Qt.MouseButton.LeftButton and not event.modifiers()
        if not plain or not self._host.frame.contains(position.x(), position.y()):
            return False
        index = self._host.sample_at(self._host.frame.to_latent(position.x(), position.y()))
        if index is None:
            return False
        self._origin, self._moved = position, False
        self._host.pick_sample(index)
        return True

    def wheel(self, event: QWheelEvent) -> None:
        """Zoom about the cursor; a touchpad's small steps zoom by little."""
        position = event.position()
        frame = self._host.frame
        delta = event.angleDelta().y()
        if delta and frame.contains(position.x(), position.y()):
            factor = ZOOM_PER_NOTCH ** (delta / _NOTCH)
            self._host.look(frame.zoomed(factor, position.x(), position.y()))

    def key(self, event: QKeyEvent) -> bool:
        """Act on a key; False if it means nothing here."""
        frame, key = self._host.frame, event.key()
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        arrows = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, 1),
            Qt.Key.Key_Down: (0, -1),
        }
        if event.modifiers() & (
            Qt.KeyboardModifier.ControlModifier
            | Qt.KeyboardModifier.AltModifier
            | Qt.KeyboardModifier.MetaModifier
        ):
            return False
        if key in arrows:
            self._step(arrows[Qt.Key(key)], 10.0 if shift else 1.0)
        elif key == Qt.Key.Key_F:
            self._host.fit_view()
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            factor = 1 / ZOOM_PER_NOTCH if key == Qt.Key.Key_Minus else ZOOM_PER_NOTCH
            self._host.look(frame.zoomed(factor, *frame.to_pixel(frame.x, frame.y)))
        elif key == Qt.Key.Key_Escape:
            self._host.cancel()
        elif key == Qt.Key.Key_Menu:
            self._host.open_menu(QPointF(*frame.to_pixel(frame.x, frame.y)))
        else:
            return False
        return True

    def handle_at(self, position: QPointF) -> Gesture | None:
        """Which handle of the path lies under a position."""
        ends = self._host.path_ends
        if ends is None:
            return None
        for end, gesture in ((ends[1], Gesture.PATH_END), (ends[0], Gesture.PATH_START)):
            px, py = self._host.frame.to_pixel(*end)
            if math.hypot(position.x() - px, position.y() - py) <= HANDLE_REACH + 2:
                return gesture
        return None

    def _step(self, direction: tuple[int, int], factor: float) -> None:
        frame = self._host.frame
        size = STEP * factor * frame.width / frame.scale
        x, y = self._host.pinned or (frame.x, frame.y)
        point = (x + direction[0] * size, y + direction[1] * size)
        self._host.look(frame.showing(*point))
        self._host.pick(point)

    def _clamped(self, position: QPointF) -> Point:
        frame = self._host.frame
        return frame.to_latent(
            min(max(position.x(), frame.left), frame.left + frame.width),
            min(max(position.y(), frame.top), frame.top + frame.height),
        )
