"""The film along a path: the current frame large, all frames beside it, to step through and play."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
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
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from vae_explorer.gui.empty_state import EmptyState
from vae_explorer.gui.pixels import image_to_qimage, paint_image
from vae_explorer.gui.style import (
    GAP,
    HALF,
    LIGHT,
    Theme,
    came_by_keyboard,
    muted_label,
    retint,
    section_title,
    tool_button,
)

FRAMES_PER_SECOND = 12
_HEADER = 32 + GAP  # as high above as on the pages beside
_TALL = 104  # pixels of room from which the current frame is shown large besides
_SMALLEST = 28.0  # side of a frame worth looking at; more frames than fit are thinned out


class FilmStrip(QWidget):
    """Frames (T, H, W) of a path. Playing runs to the end and back, as a walk along a path does."""

    frame_selected = Signal(int)
    export_requested = Signal()
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme: Theme = LIGHT
        self._frames: NDArray[np.generic] | None = None
        self._pictures: dict[int, QImage] = {}
        self._class_name: str | None = None
        self._current = 0
        self._direction = 1
        self._shows_focus = False
        self._timer = QTimer(self)
        self._timer.setInterval(1000 // FRAMES_PER_SECOND)
        self._timer.timeout.connect(self._advance)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(220, _HEADER + 44)
        self.setAccessibleName(self.tr("Film along the path"))
        self.setAccessibleDescription(self.tr("Space plays and pauses, left and right step"))
        self._build_header()
        self._empty = EmptyState(
            self.tr("A path is a film of decoded images"),
            (self.tr("Hold Shift and drag over the latent canvas, from A to B."),),
            self,
        )
        self._show_state()

    def _build_header(self) -> None:
        self._header = QWidget(self)
        row = QHBoxLayout(self._header)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(HALF)
        self._play = tool_button("play", self.tr("Play (Space)"), self._theme)
        self._play.clicked.connect(self.toggle)
        row.addWidget(self._play)
        row.addWidget(section_title(self.tr("Path from A to B"), self._header))
        self._note = muted_label("", self._header)
        row.addWidget(self._note)
        self._class_note = muted_label("", self._header)
        self._class_note.setToolTip(
            self.tr("Only z changes on the way; choose another class to see it on the same path")
        )
        row.addWidget(self._class_note)
        row.addStretch(1)
        self._export = tool_button("export", self.tr("Save as a film…"), self._theme)
        self._export.clicked.connect(self.export_requested)
        row.addWidget(self._export)
        self._close = tool_button("close", self.tr("Remove the path"), self._theme)
        self._close.clicked.connect(self.closed)
        row.addWidget(self._close)

    # --- what is shown -------------------------------------------------------------------------

    def set_frames(self, frames: NDArray[np.generic] | None) -> None:
        """Show frames (T, H, W) or (T, H, W, 3), or none. The current index stays where it exists."""
        self._frames = frames if frames is not None and len(frames) else None
        self._pictures.clear()
        if self._current >= self.count:
            self._current, self._direction = 0, 1
        if self.count < 2:
            self.pause()
        self._show_state()

    def set_class(self, name: str | None) -> None:
        """The one class that every frame is decoded with; None for a model without classes."""
        self._class_name = name
        self._show_state()

    def set_current(self, index: int) -> None:
        """Make a frame current without telling; out of range is brought into it."""
        self._current = min(max(index, 0), max(self.count - 1, 0))
        self._show_state()

    def set_theme(self, theme: Theme) -> None:
        """Take another look."""
        self._theme = theme
        self._pictures.clear()
        for button in (self._export, self._close):
            retint(button, theme)
        self._show_state()

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

    def pause(self) -> None:
        """Hold the film."""
        if self.is_playing:
            self._timer.stop()
            self._show_state()

    def toggle(self) -> None:
        """Play or pause."""
        if self.is_playing:
            self.pause()
        else:
            self.play()

    # --- Qt ------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        return QSize(480, _HEADER + 120)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._header.setGeometry(0, GAP, self.width(), _HEADER - GAP - HALF)
        self._empty.setGeometry(0, _HEADER, self.width(), self.height() - _HEADER)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._frames is not None:
            large = self._large()
            if large is not None:
                self._paint_frame(painter, self._current, large)
            places = self._places()
            for index, place in places:
                self._paint_frame(painter, index, place)
            nearest = min(places, key=lambda item: abs(item[0] - self._current))[1]
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._theme.accent, 3 if self._shows_focus else 2))
            painter.drawRoundedRect(nearest.adjusted(-1.5, -1.5, 1.5, 1.5), 3, 3)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._select_at(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._select_at(event.position())

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
        self._shows_focus = came_by_keyboard(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._shows_focus = False
        self.update()

    # --- inner workings ------------------------------------------------------------------------

    def _shape(self) -> float:
        """Width of a frame for a height of 1."""
        return 1.0 if self._frames is None else self._frames.shape[2] / self._frames.shape[1]

    def _large(self) -> QRectF | None:
        """Where the current frame is shown large, if there is room."""
        height = self.height() - _HEADER - 4.0
        width = height * self._shape()
        if height < _TALL or width > self.width() / 2:
            return None
        return QRectF(1, _HEADER + 1, width, height)

    def _places(self) -> list[tuple[int, QRectF]]:
        """The frames shown and where: as large as they can be, all of them where they fit."""
        large = self._large()
        left = 3.0 if large is None else large.right() + 2 * GAP
        room = QRectF(left, _HEADER + 2, self.width() - left - 3, self.height() - _HEADER - 5)
        shape, gap = self._shape(), float(HALF)
        best_rows, best = 1, min(room.height(), _SMALLEST)
        for rows in range(1, max(int(room.height() // _SMALLEST), 1) + 1):
            columns = -(-self.count // rows)
            across = (room.width() - gap * (columns - 1)) / columns / shape
            side = min(across, (room.height() - gap * (rows - 1)) / rows)
            if side > best:
                best_rows, best = rows, side
        columns = max(1, int((room.width() + gap + 1e-6) // (best * shape + gap)))
        shown = min(self.count, columns * best_rows)
        columns = -(-shown // -(-shown // columns))  # even rows, rather than one frame in the last
        indices = np.linspace(0, self.count - 1, shown).round().astype(int)
        used = best_rows if shown > columns else 1
        top = room.top() + max((room.height() - used * best - (used - 1) * gap) / 2, 0.0)
        return [
            (
                int(index),
                QRectF(
                    round(room.left() + (k % columns) * (best * shape + gap)),
                    round(top + (k // columns) * (best + gap)),
                    best * shape,
                    best,
                ),
            )
            for k, index in enumerate(indices)
        ]

    def _paint_frame(self, painter: QPainter, index: int, place: QRectF) -> None:
        if self._frames is None:
            return
        if index not in self._pictures:
            self._pictures[index] = image_to_qimage(self._frames[index], self._theme)
        paint_image(painter, place, self._pictures[index])
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self._theme.border, 1))
        painter.drawRect(place.adjusted(-0.5, -0.5, 0.5, 0.5))

    def _select_at(self, position: QPointF) -> None:
        for index, place in self._places() if self.count else []:
            if place.adjusted(-2, -2, 2, 2).contains(position):
                self.pause()
                self._select(index)
                return

    def _select(self, index: int) -> None:
        before = self._current
        self.set_current(index)
        if self._current != before:
            self.frame_selected.emit(self._current)

    def _advance(self) -> None:
        if not 0 <= self._current + self._direction < self.count:
            self._direction = -self._direction
        self._select(self._current + self._direction)

    def _show_state(self) -> None:
        text = self.tr("Pause (Space)") if self.is_playing else self.tr("Play (Space)")
        self._play.setProperty("icon_name", "pause" if self.is_playing else "play")
        retint(self._play, self._theme)
        self._play.setToolTip(text)
        self._play.setAccessibleName(text)
        self._play.setEnabled(self.count > 1)
        self._export.setEnabled(self.count > 0)
        self._close.setEnabled(self.count > 0)
        self._empty.setVisible(self.count == 0)
        self._note.setText(f"{self._current + 1} / {self.count}" if self.count else "")
        self._class_note.setVisible(self.count > 0 and self._class_name is not None)
        self._class_note.setText(self.tr("·  y = {0} all the way").format(self._class_name))
        self.update()
