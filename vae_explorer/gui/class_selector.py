"""The class selector: a chip for every class, the image it gives at this z, and its weight in the class prior."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetricsF,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QToolTip, QWidget

from vae_explorer.gui import chip_grid
from vae_explorer.gui.chip_grid import Cell
from vae_explorer.gui.pixels import fitted, image_to_qimage, paint_image
from vae_explorer.gui.style import (
    HALF,
    LIGHT,
    Theme,
    muted_label,
    retint,
    section_title,
    small_font,
    title_font,
    tool_button,
)

_HEADER = 32


def reweighted(prior: NDArray[np.floating], index: int, weight: float) -> NDArray[np.float64]:
    """The prior with one class's weight changed; the others share the rest as before (or evenly)."""
    weight = min(max(weight, 0.0), 1.0)
    result = np.asarray(prior, dtype=np.float64).copy()
    if len(result) < 2:
        return np.ones_like(result)
    others = np.arange(len(result)) != index
    rest = result[others].sum()
    share = result[others] / rest if rest > 0 else np.full(len(result) - 1, 1 / (len(result) - 1))
    result[others] = share * (1.0 - weight)
    result[index] = weight
    return result


class ClassSelector(QWidget):
    """Chooses the class y that the decoder is given.

    A click on a chip or its image selects the class. Dragging the bar beside an image edits the
    class's weight π; a double click on it gives back the learned prior.
    """

    class_selected = Signal(int)
    prior_edited = Signal(object)  # float64 (C,), sums to 1
    samples_requested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme: Theme = LIGHT
        self._names: tuple[str, ...] = ()
        self._colors: list[QColor] = []
        self._selected = 0
        self._images: NDArray[np.generic] | None = None
        self._pictures: dict[int, QImage] = {}
        self._prior: NDArray[np.float64] | None = None
        self._learned: NDArray[np.float64] | None = None
        self._cells: list[Cell] = []
        self._hovered: int | None = None
        self._dragged: int | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setMinimumSize(220, 120)
        self.setAccessibleName(self.tr("Class"))
        self._build_header()

    def _build_header(self) -> None:
        self._header = QWidget(self)
        row = QHBoxLayout(self._header)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(HALF)
        row.addWidget(section_title(self.tr("Class y"), self._header))
        self._note: QLabel = muted_label("", self._header)
        row.addWidget(self._note)
        row.addStretch(1)
        tip = self.tr("Give back the class prior π that the model has learned")
        self._reset = tool_button("undo", tip, self._theme, parent=self._header)
        self._reset.clicked.connect(self._restore)
        row.addWidget(self._reset)
        self._samples = QToolButton(self._header)
        self._samples.setProperty("quiet", True)
        self._samples.setText(self.tr("Samples…"))
        self._samples.setToolTip(self.tr("Random samples of the selected class"))
        self._samples.clicked.connect(self._on_samples)
        row.addWidget(self._samples)
        self._show_state()

    # --- what is shown -------------------------------------------------------------------------

    def set_classes(self, names: Sequence[str], colors: Sequence[QColor] | None = None) -> None:
        """Offer classes by name, in the theme's class colours unless others are given. Selects the first."""
        self._names = tuple(names)
        self._colors = list(colors) if colors is not None else []
        self._selected = 0
        self._images = self._prior = self._learned = None
        self._hovered = self._dragged = None
        self._pictures.clear()
        self.updateGeometry()
        self._arrange()
        self._show_state()

    def set_selected(self, index: int) -> None:
        """Select a class without telling. IndexError if there is none of that index."""
        if not 0 <= index < len(self._names):
            raise IndexError(f"class {index} of {len(self._names)}")
        self._selected = index
        self.setAccessibleDescription(self._names[index])
        self.update()

    def set_images(self, images: NDArray[np.generic] | None) -> None:
        """The image every class gives at this z: (C, H, W) or (C, H, W, 3), or None."""
        self._images = images
        self._pictures.clear()
        self.update()

    def set_prior(
        self, weights: NDArray[np.floating] | None, learned: NDArray[np.floating] | None = None
    ) -> None:
        """Show the class prior π (C,); `learned` is what a reset gives back, at first `weights` itself."""
        self._prior = None if weights is None else np.asarray(weights, dtype=np.float64)
        if learned is not None:
            self._learned = np.asarray(learned, dtype=np.float64)
        elif self._learned is None and self._prior is not None:
            self._learned = self._prior.copy()
        self._show_state()

    def set_theme(self, theme: Theme) -> None:
        """Take another look."""
        self._theme = theme
        self._pictures.clear()
        self._colors = []
        retint(self._reset, theme)
        self.update()

    @property
    def selected(self) -> int:
        """The selected class."""
        return self._selected

    @property
    def prior(self) -> NDArray[np.float64] | None:
        """The class prior as shown, (C,)."""
        return self._prior

    def cell(self, index: int) -> Cell:
        """Where a class lies in this widget."""
        return self._cells[index]

    # --- Qt ------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        return QSize(340, self.heightForWidth(340))

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return _HEADER + round(chip_grid.height_for(len(self._names), width - 4.0)) + 2

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._header.setGeometry(0, 0, self.width(), _HEADER - HALF)
        self._note.setVisible(self.width() >= 300)
        self._arrange()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for index, cell in enumerate(self._cells):
            self._paint_chip(painter, index, cell.chip)
            self._paint_image(painter, index, cell.image)
            if self._prior is not None:
                self._paint_weight(painter, index, cell.bar)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = chip_grid.cell_at(self._cells, event.position())
        if index is None or event.button() != Qt.MouseButton.LeftButton:
            return
        if self._prior is not None and self._cells[index].bar.contains(event.position()):
            self._dragged = index
            self._note_weight(index)
        else:
            self._choose(index)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragged is not None:
            bar = self._cells[self._dragged].bar
            share = (bar.bottom() - event.position().y()) / bar.height()
            self._edit(self._dragged, chip_grid.share_weight(share))
            return
        index = chip_grid.cell_at(self._cells, event.position())
        if index != self._hovered:
            self._hovered = index
            self.update()
        on_bar = (
            index is not None
            and self._prior is not None
            and self._cells[index].bar.contains(event.position())
        )
        if on_bar:
            self.setCursor(Qt.CursorShape.SizeVerCursor)
        elif index is not None:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        else:
            self.unsetCursor()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._dragged = None
        self._show_state()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        index = chip_grid.cell_at(self._cells, event.position())
        if index is None:
            return
        if self._prior is not None and self._cells[index].bar.contains(event.position()):
            self._restore()
        else:
            self.mousePressEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._hovered = None
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -self._columns(),
            Qt.Key.Key_Down: self._columns(),
        }
        if event.key() in steps and self._names:
            target = self._selected + steps[Qt.Key(event.key())]
            if 0 <= target < len(self._names):
                self._choose(target)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            index = chip_grid.cell_at(self._cells, QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), "" if index is None else self._tip(index))
            return True
        return super().event(event)

    # --- painting ------------------------------------------------------------------------------

    def _paint_chip(self, painter: QPainter, index: int, place: QRectF) -> None:
        theme, color = self._theme, self._color(index)
        is_selected = index == self._selected
        rect = place.adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setBrush(color if is_selected else theme.hover if index == self._hovered
                         else theme.raised)  # fmt: skip
        painter.setPen(QPen(theme.text, 2) if is_selected else Qt.PenStyle.NoPen)
        painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5) if is_selected else rect, 5, 5)
        painter.setFont(title_font() if is_selected else small_font())
        metrics = QFontMetricsF(painter.font())
        name = self._names[index]
        with_dot = not is_selected and place.width() >= 34
        room = place.width() - (20 if with_dot else 3)
        text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, room)
        width = metrics.horizontalAdvance(text) + (13 if with_dot else 0)
        x = place.center().x() - width / 2
        if with_dot:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color)
            painter.drawEllipse(QPointF(x + 4, place.center().y()), 4, 4)
            x += 13
        painter.setPen(_readable_on(color) if is_selected else theme.text)
        baseline = place.center().y() + (metrics.ascent() - metrics.descent()) / 2
        painter.drawText(QPointF(x, baseline), text)
        if is_selected and self.hasFocus():
            painter.setPen(QPen(theme.accent, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(self._cells[index].whole.adjusted(-2, -2, 2, 2), 7, 7)

    def _paint_image(self, painter: QPainter, index: int, place: QRectF) -> None:
        painter.fillRect(place, self._theme.canvas)
        if self._images is not None and index < len(self._images):
            image = self._images[index]
            if index not in self._pictures:
                self._pictures[index] = image_to_qimage(image, self._theme)
            target = fitted(place, image.shape[1], image.shape[0])
            paint_image(painter, target, self._pictures[index], smooth=True)
        is_selected = index == self._selected
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self._theme.text if is_selected else self._theme.border, 1))
        painter.drawRect(place.adjusted(0.5, 0.5, -0.5, -0.5))

    def _paint_weight(self, painter: QPainter, index: int, place: QRectF) -> None:
        if self._prior is None:
            return
        groove = QRectF(place.left() + 3, place.top(), 6, place.height())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.raised)
        painter.drawRoundedRect(groove, 3, 3)
        height = max(groove.height() * chip_grid.bar_share(float(self._prior[index])), 2.0)
        painter.setBrush(self._color(index))
        painter.drawRoundedRect(groove.adjusted(0, groove.height() - height, 0, 0), 3, 3)
        if index in (self._hovered, self._dragged):
            grip = QRectF(groove.left() - 2, groove.bottom() - height - 2, 10, 4)
            painter.setBrush(self._theme.text)
            painter.drawRoundedRect(grip, 2, 2)

    # --- inner workings ------------------------------------------------------------------------

    def _color(self, index: int) -> QColor:
        return self._colors[index] if self._colors else self._theme.class_color(index)

    def _columns(self) -> int:
        return sum(c.whole.top() == self._cells[0].whole.top() for c in self._cells) or 1

    def _arrange(self) -> None:
        room = QRectF(2, _HEADER, self.width() - 4, self.height() - _HEADER - 2)
        self._cells = chip_grid.arrange(len(self._names), room)
        self.update()

    def _choose(self, index: int) -> None:
        if index != self._selected:
            self.set_selected(index)
            self.class_selected.emit(index)

    def _edit(self, index: int, weight: float) -> None:
        if self._prior is not None:
            self._prior = reweighted(self._prior, index, weight)
            self._show_state()
            self._note_weight(index)
            self.prior_edited.emit(self._prior.copy())

    def _restore(self) -> None:
        if self._learned is not None:
            self._prior = self._learned.copy()
            self._dragged = None
            self._show_state()
            self.prior_edited.emit(self._prior.copy())

    def _note_weight(self, index: int) -> None:
        if self._prior is not None:
            self._note.setText(f"π({self._names[index]}) = {self._prior[index]:.3f}")

    def _show_state(self) -> None:
        if self._dragged is None:
            self._note.setText("")
        edited = (
            self._prior is not None
            and self._learned is not None
            and not np.allclose(self._prior, self._learned, atol=1e-6)
        )
        self._reset.setVisible(edited)
        self._samples.setEnabled(bool(self._names))
        self.update()

    def _on_samples(self) -> None:
        self.samples_requested.emit(self._selected)

    def _tip(self, index: int) -> str:
        name = self._names[index]
        if self._prior is None:
            return name
        weight = f"{self._prior[index]:.3f}"
        return self.tr("{}: π = {}. Drag the bar to change it, double-click it to reset.").format(
            name, weight
        )


def _readable_on(color: QColor) -> QColor:
    """Black or white, whichever stands out more on a colour (relative luminance of WCAG 2)."""

    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    luminance = (
        0.2126 * linear(color.redF())
        + 0.7152 * linear(color.greenF())
        + 0.0722 * linear(color.blueF())
    )
    return QColor("#000000") if luminance > 0.179 else QColor("#ffffff")
