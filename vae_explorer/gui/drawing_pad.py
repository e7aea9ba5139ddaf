"""The drawing pad: a sheet to draw a digit on, its tools, and what the model sees of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QKeySequence, QPixmap
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QSizePolicy,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from vae_explorer.gui import style
from vae_explorer.gui.drawing_sheet import PICTURES, DrawingSheet, ModelView
from vae_explorer.gui.ink import InkSheet
from vae_explorer.gui.strokes import Drawing, Stroke
from vae_explorer.gui.style import Theme

RESOLUTION = 280
"""Side of the drawing as the engine gets it, whatever the size of the pad on the screen."""

BRUSH_RANGE = (10, 44)
BRUSH_DEFAULT = 24
"""Brush widths at `RESOLUTION`; the default has the weight of MNIST's strokes in a large digit."""


class DrawingPad(QWidget):
    """A square sheet with brush, eraser, undo and redo, that takes pictures too.

    `drawing_changed` comes with every piece of a stroke; who listens decides how often to answer.
    `history_changed` comes when what can be undone or redone may have changed.
    `cleared` comes also where there was nothing on the sheet.
    """

    drawing_changed = Signal()
    history_changed = Signal()
    cleared = Signal()
    picture_offered = Signal(object)  # a Path or a QImage, which is large: see `ink_of`
    picture_refused = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._drawing = Drawing()
        self._sheet = InkSheet(RESOLUTION, QColor(Qt.GlobalColor.white))
        self._paper = DrawingSheet(self._drawing, theme, self)
        self._paper.stroke_began.connect(self._begin)
        self._paper.stroke_extended.connect(self._extend)
        self._paper.stroke_ended.connect(self.history_changed)
        self._paper.mime_dropped.connect(self._place_mime)
        self._paper.clear_pressed.connect(self.clear)
        self._model_view = ModelView(theme, self)
        self._brush = self._make_brush()
        self._eraser, self._tools = self._make_tools(theme)
        self._lay_out()
        self._show_history()
        self.history_changed.connect(self._show_history)
        self.setAccessibleName(self.tr("Drawing pad"))
        self.set_theme(theme)

    # What the window asks of it

    def array(self) -> NDArray[np.uint8]:
        """The drawing, uint8 (280, 280), ink high: the same on every screen."""
        return self._sheet.alpha()

    @property
    def is_clear(self) -> bool:
        """Whether there is nothing on the sheet."""
        return self._drawing.is_clear

    @property
    def can_undo(self) -> bool:
        return self._drawing.can_undo

    @property
    def can_redo(self) -> bool:
        return self._drawing.can_redo

    def set_model(self, height: int, width: int, of_digits: bool) -> None:
        """What the model's images are: their pixels, and whether they show digits."""
        self._model_view.set_shape(height, width)
        digit, anything = self.tr("Draw a digit"), self.tr("Draw something")
        self._paper.set_invitation(digit if of_digits else anything)

    def set_model_view(self, image: NDArray[np.generic] | None) -> None:
        """Show what the model sees: (H, W[, 3]), uint8 or float in [0, 1]; None for nothing."""
        self._model_view.set_image(image)

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        self._paper.set_theme(theme)
        self._model_view.set_theme(theme)
        for button in self._tools:
            style.retint(button, theme)

    def undo(self) -> None:
        """Take back the last stroke, picture or clearing."""
        if self._drawing.undo():
            self._drawn_anew()

    def redo(self) -> None:
        """Do again what was undone."""
        if self._drawing.redo():
            self._drawn_anew()

    def clear(self) -> None:
        """Clear the sheet; that can be undone too."""
        self.cleared.emit()
        if self._drawing.clear():
            self._drawn_anew()

    def paste(self) -> None:
        """Take the picture, or the picture file, that is on the clipboard."""
        if not self._place_mime(QGuiApplication.clipboard().mimeData()):
            self.picture_refused.emit(
                self.tr("There is no picture on the clipboard: copy one first.")
            )

    def choose_picture(self) -> None:
        """Ask for a picture file and take it."""
        kinds = self.tr("Pictures ({})").format(" ".join(f"*{suffix}" for suffix in PICTURES))
        name, _ = QFileDialog.getOpenFileName(self, self.tr("Open a picture"), "", kinds)
        if name:
            self.open_picture(name)

    def open_picture(self, path: str | Path) -> None:
        """Offer a picture file."""
        self.picture_offered.emit(Path(path))

    def place(self, ink: NDArray[np.uint8]) -> None:
        """Lay what is written on a picture, uint8 (H, W) with ink high, on the sheet."""
        self._drawing.place(ink)
        self._drawn_anew()

    def draw_stroke(self, points: list[tuple[float, float]]) -> None:
        """Draw a stroke through points in [0, 1]², as the mouse would; for pictures and films."""
        if not points:
            return
        self._begin(*points[0])
        for x, y in points[1:]:
            self._extend(x, y)
        self.history_changed.emit()

    # Strokes

    def _begin(self, x: float, y: float) -> None:
        width = self._brush.value() / RESOLUTION
        stroke = self._drawing.begin((x, y), width, erases=self._eraser.isChecked())
        self._sheet.begin(stroke)
        self._paper.begin(stroke)
        self.drawing_changed.emit()

    def _extend(self, x: float, y: float) -> None:
        if not self._drawing.extend((x, y)):
            return
        stroke = self._drawing.visible[-1]
        assert isinstance(stroke, Stroke)
        self._sheet.extend(stroke)
        self._paper.extend(stroke)
        self.drawing_changed.emit()

    def _drawn_anew(self) -> None:
        self._sheet.repaint(self._drawing.visible)
        self._paper.repaint_all()
        self.history_changed.emit()
        self.drawing_changed.emit()

    # Pictures

    def _place_mime(self, mime: QMimeData | None) -> bool:
        """Take the first picture that was dropped or pasted; False where there is none."""
        if mime is None:
            return False
        for url in mime.urls():
            if url.isLocalFile():
                self.open_picture(url.toLocalFile())
                return True
        if mime.hasImage():
            image = mime.imageData()
            self.picture_offered.emit(image.toImage() if isinstance(image, QPixmap) else image)
            return True
        return False

    # Construction

    def _make_brush(self) -> QSlider:
        brush = QSlider(Qt.Orientation.Horizontal, self)
        brush.setRange(*BRUSH_RANGE)
        brush.setValue(BRUSH_DEFAULT)
        brush.setAccessibleName(self.tr("Brush width"))
        brush.setToolTip(self.tr("Brush width"))
        brush.valueChanged.connect(lambda width: self._paper.set_brush(width / RESOLUTION))
        self._paper.set_brush(BRUSH_DEFAULT / RESOLUTION)
        return brush

    def _make_tools(self, theme: Theme) -> tuple[QToolButton, list[QToolButton]]:
        key = QKeySequence.StandardKey
        eraser = style.tool_button("eraser", self.tr("Eraser"), theme, checkable=True, parent=self)
        eraser.toggled.connect(self._paper.set_erasing)
        # shortcuts belong to the window: the tooltips only name them
        named = [
            ("clear", self.tr("Clear the sheet"), None, self.clear),
            ("undo", self.tr("Undo"), key.Undo, self.undo),
            ("redo", self.tr("Redo"), key.Redo, self.redo),
            ("image", self.tr("Open a picture of a digit"), None, self.choose_picture),
            ("paste", self.tr("Paste a picture"), key.Paste, self.paste),
        ]
        tools = [eraser]
        for icon, text, shortcut, slot in named:
            button = style.tool_button(icon, text, theme, parent=self)
            button.setToolTip(style.with_shortcut(text, shortcut))
            button.clicked.connect(slot)
            tools.append(button)
        self._undo_button, self._redo_button = tools[2], tools[3]
        self._clear_button = tools[1]
        return eraser, tools

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(0)
        title = style.section_title(self.tr("Drawing"), self)
        title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        head.addWidget(title, 1)
        for button in self._tools:
            head.addWidget(button)
        side = QVBoxLayout()
        side.setSpacing(style.HALF)
        middle = Qt.AlignmentFlag.AlignHCenter
        caption = style.muted_label(self.tr("Model sees"), self)
        caption.setAlignment(middle)
        side.addWidget(self._model_view, alignment=middle)
        side.addWidget(caption)
        side.addStretch(1)
        side.addWidget(self._brush, alignment=middle)
        thickness = style.muted_label(self.tr("Brush"), self)
        thickness.setAlignment(middle)
        side.addWidget(thickness)
        row = QHBoxLayout()
        row.setSpacing(style.GAP)
        row.addWidget(self._paper, 1)
        row.addLayout(side)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(style.HALF)
        column.addLayout(head)
        column.addLayout(row, 1)
        for widget in (self._brush, self._model_view):
            widget.setFixedWidth(ModelView.SIDE)

    def _show_history(self) -> None:
        self._undo_button.setEnabled(self._drawing.can_undo)
        self._redo_button.setEnabled(self._drawing.can_redo)
        self._clear_button.setEnabled(not self._drawing.is_clear)
