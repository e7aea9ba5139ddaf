"""The class selector: a chip for every class, the image it gives at this z, and its weight in the class prior."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QFontMetricsF,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QToolTip, QWidget

from vae_explorer.gui import chip_grid, chip_paint
from vae_explorer.gui import names as naming
from vae_explorer.gui.chip_grid import Cell, reweighted
from vae_explorer.gui.chip_paint import Chip
from vae_explorer.gui.pixels import images_to_qimages, transparent
from vae_explorer.gui.row_scroll import GUTTER, RowScroll
from vae_explorer.gui.style import (
    HALF,
    LIGHT,
    Theme,
    came_by_keyboard,
    muted_label,
    retint,
    section_title,
    small_font,
    title_font,
    tool_button,
)

_HEADER = 32


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
        self._labels: list[str] = []  # names as they fit, and as they do in the selected chip
        self._bold_labels: list[str] = []
        self._with_dots = True
        self._selected = 0
        self._images: NDArray[np.generic] | None = None
        self._pictures: list[QImage] = []
        self._still: QImage | None = None  # all but the images, until something of it changes
        self._prior: NDArray[np.float64] | None = None
        self._learned: NDArray[np.float64] | None = None
        self._laid: list[Cell] = []  # as if nothing were scrolled, and where they are
        self._cells: list[Cell] = []
        self._hovered: int | None = None
        self._dragged: int | None = None
        self._shows_focus = False
        self._bar = RowScroll(self)
        self._bar.valueChanged.connect(self._scroll)
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
        self._note.setToolTip(
            self.tr("π, the class prior: drag the bar beside an image to change its class's weight")
        )
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

    def set_classes(self, names: Sequence[str]) -> None:
        """Offer classes by name, in the theme's class colours. Selects the first."""
        self._names = tuple(names)
        self._selected = 0
        self._images = self._prior = self._learned = None
        self._hovered = self._dragged = None
        self._pictures = []
        self.updateGeometry()
        self._arrange()
        self._show_state()

    def set_selected(self, index: int) -> None:
        """Select a class without telling. IndexError if there is none of that index."""
        if not 0 <= index < len(self._names):
            raise IndexError(f"class {index} of {len(self._names)}")
        self._selected = index
        self.setAccessibleDescription(self._names[index])
        row = self._laid[index].whole
        self._bar.reveal(row.top() - _HEADER, row.bottom() - _HEADER)
        self._repaint_all()

    def set_images(self, images: NDArray[np.generic] | None) -> None:
        """The image every class gives at this z: (C, H, W) or (C, H, W, 3), or None."""
        self._images = images
        self._pictures = [] if images is None else images_to_qimages(images, self._theme)
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

    @property
    def edited(self) -> bool:
        """Whether π is another than the model has learned."""
        if self._prior is None or self._learned is None:
            return False
        return not np.allclose(self._prior, self._learned, atol=1e-6)

    def set_theme(self, theme: Theme) -> None:
        """Take another look."""
        self._theme = theme
        retint(self._reset, theme)
        self.set_images(self._images)
        self._repaint_all()

    @property
    def selected(self) -> int:
        """The selected class."""
        return self._selected

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
        painter.drawImage(QPointF(0, 0), self._still_picture())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(self._view())
        for index, cell in self._seen():
            picture = self._pictures[index] if index < len(self._pictures) else None
            is_selected = index == self._selected
            chip_paint.paint_picture(painter, cell.image, picture, is_selected, self._theme)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self._cell_at(event.position())
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
        index = self._cell_at(event.position())
        if index != self._hovered:
            self._hovered = index
            self._repaint_all()
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
        index = self._cell_at(event.position())
        if index is None:
            return
        if self._prior is not None and self._cells[index].bar.contains(event.position()):
            self._restore()
        else:
            self.mousePressEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._hovered = None
        self._repaint_all()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -self._columns(),
            Qt.Key.Key_Down: self._columns(),
        }
        if event.key() in steps and self._names:
            self._shows_focus = True
            target = self._selected + steps[Qt.Key(event.key())]
            if 0 <= target < len(self._names):
                self._choose(target)
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self._bar.isVisible():
            self._bar.event(event)
        else:
            event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._shows_focus = came_by_keyboard(event)
        self._repaint_all()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._shows_focus = False
        self._repaint_all()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            index = self._cell_at(QPointF(event.pos()))
            tip = "" if index is None else self._tip(index)
            QToolTip.showText(event.globalPos(), tip, self)
            return True
        return super().event(event)

    # --- inner workings ------------------------------------------------------------------------

    def _repaint_all(self) -> None:
        self._still = None
        self.update()

    def _still_picture(self) -> QImage:
        """Names and weights: painted once, and copied for every other set of images."""
        ratio = self.devicePixelRatioF()
        if self._still is None or self._still.size() != self.size() * ratio:
            self._still = transparent(self.size(), ratio)
            painter = QPainter(self._still)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setClipRect(self._view())
            for index, cell in self._seen():
                chip_paint.paint(painter, cell, self._chip(index), self._theme)
            painter.end()
        return self._still

    def _chip(self, index: int) -> Chip:
        labels = self._bold_labels if index == self._selected else self._labels
        return Chip(
            name=labels[index],
            color=self._theme.class_color(index),
            weight=None if self._prior is None else float(self._prior[index]),
            is_selected=index == self._selected,
            is_hovered=index in (self._hovered, self._dragged),
            has_focus=index == self._selected and self._shows_focus,
            with_dot=self._with_dots,
        )

    def _columns(self) -> int:
        return sum(c.whole.top() == self._laid[0].whole.top() for c in self._laid) or 1

    def _view(self) -> QRect:
        """The part of the widget below the header, with the room of a focus ring."""
        return self.rect().adjusted(0, _HEADER - 2, 0, 0)

    def _seen(self) -> list[tuple[int, Cell]]:
        view = QRectF(self._view())
        return [(i, cell) for i, cell in enumerate(self._cells) if view.intersects(cell.whole)]

    def _cell_at(self, position: QPointF) -> int | None:
        if not self._view().contains(position.toPoint()):
            return None
        return chip_grid.cell_at(self._cells, position)

    def _arrange(self) -> None:
        room = QRectF(2, _HEADER, self.width() - 4, self.height() - _HEADER - 2)
        self._laid = chip_grid.arrange(len(self._names), room, GUTTER)
        tops = sorted({cell.whole.top() for cell in self._laid})
        height = self._laid[-1].whole.bottom() - room.top() if tops else 0.0
        view = QRect(0, _HEADER, self.width(), round(room.height()))
        self._bar.fit(view, height, tops[1] - tops[0] if len(tops) > 1 else height)
        self._fit_names()
        self._scroll()

    def _fit_names(self) -> None:
        """Write names as they fit: the dot goes before a letter does, from all chips alike."""
        room = self._laid[0].chip.width() - 2 * chip_paint.PADDING if self._laid else 0.0
        small, bold = QFontMetricsF(small_font()), QFontMetricsF(title_font())
        self._with_dots = naming.fit(self._names, small, room - chip_paint.DOT)
        self._labels = naming.shortened(self._names, small, room)
        self._bold_labels = naming.shortened(self._names, bold, room)

    def _scroll(self) -> None:
        self._cells = [cell.moved(-self._bar.value()) for cell in self._laid]
        self._repaint_all()

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
            self._note.setText("" if self._prior is None else self.tr("bars: prior π"))
        self._reset.setVisible(self.edited)
        self._samples.setEnabled(bool(self._names))
        self._repaint_all()

    def _on_samples(self) -> None:
        self.samples_requested.emit(self._selected)

    def _tip(self, index: int) -> str:
        name = self._names[index]
        if self._prior is None:
            return name
        weight = f"{self._prior[index]:.3f}"
        return self.tr("{}: π = {}; drag the bar to change it, double-click it to reset").format(
            name, weight
        )
