"""The decoded image: large and sharp, with the nearest real image beside it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QMenu, QSizePolicy, QToolButton, QWidget

from vae_explorer.gui.notation import signed
from vae_explorer.gui.pixels import (
    export_qimage,
    fitted,
    image_to_qimage,
    paint_image,
    smoothed,
)
from vae_explorer.gui.style import (
    FONT_SMALL,
    GAP,
    HALF,
    LIGHT,
    Theme,
    came_by_keyboard,
    number_font,
    retint,
    section_title,
    small_font,
    tool_button,
    with_shortcut,
)

_HEADER = 32
_CAPTION = 22
_LOW = 240  # pixels of height below which a second line of terms would make the image tiny
_SMOOTH_FACTOR = 8
_SEPARATOR = "  ·  "
_MEAN_MODE, _SAMPLE_MODE = "mean", "sample"


class DecodedImage(QWidget):
    """Shows one image with its caption, the real image nearest to it, and the terms of its likelihood."""

    mode_changed = Signal(str)  # "mean" or "sample"
    copy_requested = Signal()
    save_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme: Theme = LIGHT
        self._image: NDArray[np.generic] | None = None
        self._neighbour: NDArray[np.generic] | None = None
        self._caption = self._neighbour_caption = ""
        self._terms: list[str] = []
        self._unit = "nats"
        self._lines: list[str] = []  # the terms as they are written
        self._shows_focus = False
        self._pictures: dict[str, QImage] = {}
        self._is_smooth = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(220, 160)
        self.setAccessibleName(self.tr("Decoded image"))
        self._build_header()

    def _build_header(self) -> None:
        self._header = QWidget(self)
        row = QHBoxLayout(self._header)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        self._title = section_title(self.tr("Decoded image"), self._header)
        row.addWidget(self._title)
        row.addStretch(1)
        group = QButtonGroup(self)
        self._modes: dict[str, QToolButton] = {}
        for mode, text in ((_MEAN_MODE, self.tr("Mean")), (_SAMPLE_MODE, self.tr("Sample"))):
            button = QToolButton(self._header)
            button.setText(text)
            button.setCheckable(True)
            button.setProperty("quiet", True)
            button.clicked.connect(self._on_mode)
            group.addButton(button)
            row.addWidget(button)
            self._modes[mode] = button
        self._modes[_MEAN_MODE].setChecked(True)
        self.set_has_classes(False)
        row.addSpacing(HALF)
        self._copy = self._tool("copy", self.tr("Copy the image"))
        self._copy.setToolTip(with_shortcut(self._copy.toolTip(), "Ctrl+Shift+C"))
        self._copy.clicked.connect(self.copy_requested)
        self._save = self._tool("save", self.tr("Save the image…"))
        self._save.clicked.connect(self.save_requested)
        self._enable_export()

    def _tool(self, icon_name: str, tip: str) -> QToolButton:
        button = tool_button(icon_name, tip, self._theme, parent=self._header)
        layout = self._header.layout()
        if layout is not None:
            layout.addWidget(button)
        return button

    # --- what is shown -------------------------------------------------------------------------

    def set_has_classes(self, has: bool) -> None:
        """Whether the images are of p(x|z, y), or of p(x|z)."""
        likelihood = "p(x|z, y)" if has else "p(x|z)"
        tips = {
            _MEAN_MODE: self.tr("The mean of {0}").format(likelihood),
            _SAMPLE_MODE: self.tr("A random image from {0}").format(likelihood),
        }
        for mode, tip in tips.items():
            self._modes[mode].setToolTip(tip)

    def set_image(self, image: NDArray[np.generic] | None, caption: str = "") -> None:
        """Show an image (H, W) or (H, W, 3), float in [0, 1] or uint8, or an empty frame."""
        self._image, self._caption = image, caption
        self._pictures.pop("image", None)
        self._enable_export()
        self.setAccessibleDescription(caption)
        self.update()

    def set_neighbour(self, image: NDArray[np.generic] | None, caption: str) -> None:
        """Show the nearest real image (H, W) or (H, W, 3) beside it, or none."""
        self._neighbour, self._neighbour_caption = image, caption
        self._pictures.pop("neighbour", None)
        self.update()

    def set_unit(self, unit: str) -> None:
        """Say what a log-likelihood is in: nats, or nats of a density."""
        self._unit = unit

    def set_terms(self, terms: Mapping[str, float] | None) -> None:
        """One line of log-likelihood terms, by name, the last in the unit; None clears it."""
        self._terms = [f"{name} {signed(value, 1)}" for name, value in (terms or {}).items()]
        self.setToolTip(_SEPARATOR.join(self._terms_with_unit()))
        self._lines = self._term_lines()
        self.update()

    @property
    def mode(self) -> str:
        """`mean` or `sample`."""
        return _SAMPLE_MODE if self._modes[_SAMPLE_MODE].isChecked() else _MEAN_MODE

    def set_smooth(self, smooth: bool) -> None:
        """Show interpolated pixels, or each pixel as a square."""
        self._is_smooth = smooth
        self._pictures.clear()
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Take another look."""
        self._theme = theme
        self._pictures.clear()
        for button in (self._copy, self._save):
            retint(button, theme)
        self.update()

    def picture(self) -> QImage | None:
        """The image with the model's own pixels, for a file or the clipboard."""
        return None if self._image is None else export_qimage(self._image)

    # --- Qt ------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        return QSize(340, 280)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._header.setGeometry(0, 0, self.width(), _HEADER - HALF)
        for title in (self.tr("Decoded image"), self.tr("Image"), ""):
            self._title.setText(title)
            if self._header.sizeHint().width() <= self.width():
                break
        self._lines = self._term_lines()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        main, beside = self._places()
        self._paint_picture(painter, main, "image", self._image)
        if beside is None:
            left, right = 0.0, float(self.width())
        else:
            self._paint_picture(painter, beside, "neighbour", self._neighbour)
            left, right = 0.0, self._caption_border((main.right() + beside.left()) / 2)
            self._paint_caption(painter, beside, right + 8, self.width(), self._neighbour_caption)
        self._paint_caption(painter, main, left, right, self._caption)
        if self._image is None:
            self._paint_hint(painter, main)
        top = main.bottom() + _CAPTION
        for line in self._lines:
            painter.setFont(number_font(FONT_SMALL))
            painter.setPen(self._theme.muted)
            self._write(painter, QRectF(0, top, self.width(), _CAPTION), line)
            top += _CAPTION
        if self._shows_focus:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(self._theme.accent, 2))
            painter.drawRoundedRect(main.adjusted(1, 1, -1, -1), 3, 3)
        painter.end()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._shows_focus = came_by_keyboard(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._shows_focus = False
        self.update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        has_image = self._image is not None
        menu.addAction(self.tr("Copy"), self.copy_requested.emit).setEnabled(has_image)
        menu.addAction(self.tr("Save…"), self.save_requested.emit).setEnabled(has_image)
        menu.addSeparator()
        smooth = menu.addAction(self.tr("Smooth pixels"))
        smooth.setCheckable(True)
        smooth.setChecked(self._is_smooth)
        smooth.triggered.connect(self.set_smooth)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy) and self._image is not None:
            self.copy_requested.emit()
        else:
            super().keyPressEvent(event)

    # --- inner workings ------------------------------------------------------------------------

    def _on_mode(self) -> None:
        self.mode_changed.emit(self.mode)

    def _enable_export(self) -> None:
        self._copy.setEnabled(self._image is not None)
        self._save.setEnabled(self._image is not None)

    def _places(self) -> tuple[QRectF, QRectF | None]:
        """Where the image and its neighbour go: both stand on one line, the neighbour smaller."""
        bottom = _CAPTION * (1 + len(self._lines))
        height = max(self.height() - _HEADER - bottom, 40.0)
        width, rows, columns = float(self.width()), 1, 1
        if self._image is not None:
            rows, columns = self._image.shape[:2]
        shape = columns / rows
        if self._neighbour is None:
            return fitted(QRectF(1, _HEADER, width - 2, height), columns, rows), None
        # the neighbour gets what the large image leaves, between a third and the whole of its size
        large = min(height, (width - GAP - 2) / (shape * 4 / 3))
        small = min(large, max((width - GAP - 2 - large * shape) / shape, large / 3))
        left = (width - (large + small) * shape - GAP) / 2
        top = _HEADER + (height - large) / 2
        main = QRectF(round(left), round(top), large * shape, large)
        beside = QRectF(
            round(left + large * shape + GAP), main.bottom() - small, small * shape, small
        )
        return main, beside

    def _terms_with_unit(self) -> list[str]:
        return [*self._terms[:-1], *(f"{term} {self._unit}" for term in self._terms[-1:])]

    def _term_lines(self) -> list[str]:
        """The terms on one line, on two where they do not fit, the last alone where it is low.

        A unit that does not fit is left to the tooltip: of “nats of a density” no part may stand alone.
        """
        metrics = QFontMetricsF(number_font(FONT_SMALL))
        lines: list[str] = []
        for terms in (self._terms_with_unit(), self._terms):
            lines = self._broken(terms, metrics)
            if all(metrics.horizontalAdvance(line) <= self.width() for line in lines):
                break
        return lines

    def _broken(self, terms: list[str], metrics: QFontMetricsF) -> list[str]:
        if not terms:
            return []
        line = _SEPARATOR.join(terms)
        if metrics.horizontalAdvance(line) <= self.width() or len(terms) < 2:
            return [line]
        if self.height() < _LOW:  # the image needs the room more: the last term, all on hover
            return terms[-1:]
        half = (len(terms) + 1) // 2
        return [_SEPARATOR.join(terms[:half]), _SEPARATOR.join(terms[half:])]

    def _paint_hint(self, painter: QPainter, place: QRectF) -> None:
        painter.setFont(small_font())
        painter.setPen(self._theme.muted)
        flags = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
        text = self.tr("Point at the latent canvas to decode an image.")
        painter.drawText(place.adjusted(12, 12, -12, -12), flags, text)

    def _paint_picture(
        self,
        painter: QPainter,
        place: QRectF,
        name: str,
        image: NDArray[np.generic] | None,
    ) -> None:
        painter.fillRect(place, self._theme.canvas)
        if image is not None:
            if name not in self._pictures:
                array = smoothed(image, _SMOOTH_FACTOR) if self._is_smooth else image
                self._pictures[name] = image_to_qimage(array, self._theme)
            paint_image(painter, place, self._pictures[name], smooth=self._is_smooth)
        painter.setPen(QPen(self._theme.border, 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(place.adjusted(-0.5, -0.5, 0.5, 0.5))

    def _caption_border(self, middle: float) -> float:
        """Where the first caption ends at most: by the middle, moved for whichever needs more room."""
        metrics = QFontMetricsF(small_font())
        first = metrics.horizontalAdvance(self._caption) + 2
        second = metrics.horizontalAdvance(self._neighbour_caption) + 2
        return max(min(max(middle - 4, first), self.width() - 8 - second), 0.0)

    def _paint_caption(
        self, painter: QPainter, below: QRectF, left: float, right: float, text: str
    ) -> None:
        """Write a line centred below a picture, or as near to that as its bounds allow."""
        painter.setFont(small_font())
        painter.setPen(self._theme.muted)
        needed = min(QFontMetricsF(painter.font()).horizontalAdvance(text) + 2, right - left)
        start = min(max(below.center().x() - needed / 2, left), right - needed)
        self._write(painter, QRectF(start, below.bottom(), needed, _CAPTION), text)

    def _write(self, painter: QPainter, place: QRectF, text: str) -> None:
        metrics = QFontMetricsF(painter.font())
        elided = metrics.elidedText(text, Qt.TextElideMode.ElideRight, place.width())
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, elided)
