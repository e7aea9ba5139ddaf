"""A film strip: the frames along a path, to look at, step through and play."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from vae_explorer.gui.pixels import image_to_qimage, paint_image
from vae_explorer.gui.style import GAP, HALF, LIGHT, Theme, icon, retint, tool_button

FRAMES_PER_SECOND = 12
_BUTTONS = 34
_SPACING = 2.0


class FilmStrip(QWidget):
    """Frames (T, H, W) side by side; as many as there is room for stand for all of them.

    Playing runs to the end and back, as a walk along a path does.
    """

    frame_selected = Signal(int)
    playing_changed = Signal(bool)
    export_requested = Signal()
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme: Theme = LIGHT
        self._frames: NDArray[np.generic] | None = None
        self._thumbnails: dict[int, QImage] = {}
        self._current = 0
        self._direction = 1
        self._timer = QTimer(self)
        self._timer.setInterval(1000 // FRAMES_PER_SECOND)
        self._timer.timeout.connect(self._advance)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(200)
        self.setFixedHeight(64)
        self.setAccessibleName(self.tr("Film along the path"))
        self.setAccessibleDescription(self.tr("Space plays and pauses, left and right step"))
        self._play = tool_button("play", self.tr("Play (Space)"), self._theme, parent=self)
        self._play.clicked.connect(self.toggle)
        self._export = tool_button("export", self.tr("Save as a film…"), self._theme, parent=self)
        self._export.clicked.connect(self.export_requested)
        self._close = tool_button("close", self.tr("Remove the path"), self._theme, parent=self)
        self._close.clicked.connect(self.closed)
        self._enable()

    # --- what is shown -------------------------------------------------------------------------

    def set_frames(self, frames: NDArray[np.generic] | None) -> None:
        """Show frames (T, H, W) or (T, H, W, 3), or none; the first is current. Tells nothing."""
        self._frames = frames if frames is not None and len(frames) else None
        self._thumbnails.clear()
        if self._current >= self.count:
            self._current, self._direction = 0, 1
        if self._frames is None:
            self.pause()
        self._enable()
        self.update()

    def set_current(self, index: int) -> None:
        """Make a frame current without telling; out of range is brought into it."""
        self._current = min(max(index, 0), max(self.count - 1, 0))
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Take another look."""
        self._theme = theme
        self._thumbnails.clear()
        for button in (self._export, self._close):
            retint(button, theme)
        self._show_state()
        self.update()

    @property
    def count(self) -> int:
        """How many frames there are."""
        return 0 if self._frames is None else len(self._frames)

    @property
    def current(self) -> int:
        """The current frame's index."""
        return self._current

    @property
    def is_playing(self) -> bool:
        """Whether the film runs."""
        return self._timer.isActive()

    def play(self) -> None:
        """Let the film run."""
        if self.count > 1 and not self.is_playing:
            self._timer.start()
            self._show_state()
            self.playing_changed.emit(True)

    def pause(self) -> None:
        """Hold the film."""
        if self.is_playing:
            self._timer.stop()
            self._show_state()
            self.playing_changed.emit(False)

    def toggle(self) -> None:
        """Play or pause."""
        if self.is_playing:
            self.pause()
        else:
            self.play()

    # --- Qt ------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        return QSize(480, 64)

    def resizeEvent(self, event: QResizeEvent) -> None:
        size = 28
        middle = (self.height() - size) // 2
        self._play.setGeometry(0, middle, size, size)
        self._close.setGeometry(self.width() - size, middle, size, size)
        self._export.setGeometry(self.width() - 2 * size - 2, middle, size, size)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        for index, place in self._places():
            if index not in self._thumbnails and self._frames is not None:
                self._thumbnails[index] = image_to_qimage(self._frames[index], self._theme)
            paint_image(painter, place, self._thumbnails[index])
            painter.setPen(QPen(self._theme.border, 1))
            painter.drawRect(place.adjusted(-0.5, -0.5, 0.5, 0.5))
        self._paint_position(painter)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._select_at(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._select_at(event.position().x())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if event.key() == Qt.Key.Key_Space:
            self.toggle()
        elif event.key() in steps and self.count:
            self._select(self._current + steps[Qt.Key(event.key())])
        elif event.key() in (Qt.Key.Key_Home, Qt.Key.Key_End) and self.count:
            self._select(0 if event.key() == Qt.Key.Key_Home else self.count - 1)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()

    # --- inner workings ------------------------------------------------------------------------

    def _strip(self) -> QRectF:
        return QRectF(
            _BUTTONS + HALF, 3, self.width() - 3 * _BUTTONS - GAP, self.height() - 6 - GAP
        )

    def _places(self) -> list[tuple[int, QRectF]]:
        """The frames shown, evenly chosen, and where."""
        if self._frames is None:
            return []
        strip = self._strip()
        rows, columns = self._frames.shape[1:3]
        width = strip.height() * columns / rows
        room = max(1, int((strip.width() + _SPACING) // (width + _SPACING)))
        shown = min(room, self.count)
        step = (strip.width() - width) / (shown - 1) if shown > 1 else 0.0
        step = min(step, width + GAP)
        indices = np.linspace(0, self.count - 1, shown).round().astype(int)
        return [
            (int(index), QRectF(round(strip.left() + k * step), strip.top(), width, strip.height()))
            for k, index in enumerate(indices)
        ]

    def _paint_position(self, painter: QPainter) -> None:
        places = self._places()
        if not places:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        nearest = min(places, key=lambda item: abs(item[0] - self._current))
        painter.setPen(QPen(self._theme.accent, 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(nearest[1].adjusted(-1.5, -1.5, 1.5, 1.5), 3, 3)
        left, right = places[0][1].left(), places[-1][1].right()
        line = self.height() - HALF
        painter.setPen(QPen(self._theme.border, 2))
        painter.drawLine(round(left), line, round(right), line)
        share = self._current / max(self.count - 1, 1)
        x = left + share * (right - left)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.accent)
        painter.drawEllipse(QRectF(x - 4, line - 4, 8, 8))
        if self.hasFocus():
            painter.setPen(QPen(self._theme.accent, 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QRectF(x - 6.5, line - 6.5, 13, 13))

    def _select_at(self, x: float) -> None:
        places = self._places()
        if places:
            left, right = places[0][1].left(), places[-1][1].right()
            share = min(max((x - left) / max(right - left, 1.0), 0.0), 1.0)
            self.pause()
            self._select(round(share * (self.count - 1)))

    def _select(self, index: int) -> None:
        before = self._current
        self.set_current(index)
        if self._current != before:
            self.frame_selected.emit(self._current)

    def _advance(self) -> None:
        if not 0 <= self._current + self._direction < self.count:
            self._direction = -self._direction
        self._select(self._current + self._direction)

    def _enable(self) -> None:
        self._play.setEnabled(self.count > 1)
        self._export.setEnabled(self.count > 0)

    def _show_state(self) -> None:
        name = "pause" if self.is_playing else "play"
        text = self.tr("Pause (Space)") if self.is_playing else self.tr("Play (Space)")
        self._play.setIcon(icon(name, self._theme.text))
        self._play.setToolTip(text)
        self._play.setAccessibleName(text)
