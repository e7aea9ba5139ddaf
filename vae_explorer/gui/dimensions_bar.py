"""Which plane of a many-dimensional latent space is shown, and where the other dimensions stand."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QStringListModel, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPalette, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSlider,
    QStyle,
    QStyleOptionSlider,
    QVBoxLayout,
    QWidget,
)

from vae_explorer.gui import style
from vae_explorer.gui.latent_plane import axis_title
from vae_explorer.gui.notation import signed

SLIDER_STEPS = 100  # per latent unit
SLIDER_REACH = 3  # latent units: three standard deviations of the prior
MOST_SLIDERS = 32  # of the strongest dimensions; a thousand would take most of a second to make
_COLUMNS = (2, 3)  # of sliders, in a narrow bar and in one from `_WIDE` on
_WIDE = 480  # pixels
_COLUMN_GAP = 24  # pixels: more than within a column, so that a name stands by its own slider
_ROW = 24  # pixels of height of a slider
_SUBSCRIPT = 11  # pixels of a dimension's number
_ROWS = 3  # of them that are seen, the rest is scrolled to
_CHOICE = 12  # letters of a dimension and its nats
_NARROW = 96  # pixels of width of a chooser where there is little room


class DimensionsBar(QWidget):
    """Two axis choosers, or the principal plane, and a slider for each dimension off the plane."""

    axes_chosen = Signal(int, int)
    principal_chosen = Signal()
    coordinate_changed = Signal(int, float)
    reset_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._dim = 2
        self._sliders: dict[int, QSlider] = {}
        self._names: dict[int, _Caption] = {}
        self._below: QWidget | None = None  # what is said below the sliders
        self._columns = 0
        self._choices = QStringListModel(self)  # every dimension, and last the principal plane
        self._x = self._chooser(self.tr("Horizontal axis"))
        self._y = self._chooser(self.tr("Vertical axis"))
        self._reset = QPushButton(self.tr("Centre"), self)
        self._reset.setToolTip(self.tr("Put every other dimension back to 0"))
        self._reset.clicked.connect(self.reset_requested)
        self._scroll = QScrollArea(self)
        self._grid_host = QWidget(self)
        self._grid = QGridLayout(self._grid_host)
        self._grid.setContentsMargins(0, 0, style.GAP, 0)  # a gutter before the scroll bar
        self._grid.setHorizontalSpacing(style.HALF)
        self._grid.setVerticalSpacing(0)
        self._arrange()
        self.hide()

    def set_dimensions(
        self, dim: int, axes: tuple[int, int], collapsed: NDArray[np.bool_], kl: np.ndarray | None
    ) -> None:
        """Offer the dimensions of a model; with two or fewer there is nothing to choose."""
        self._dim = dim
        self.setVisible(dim > 2)
        if dim <= 2:
            self._clear_sliders()
            return
        order = np.arange(dim) if kl is None else np.argsort(-kl)
        self._order_note.setText("" if kl is None else self.tr("strongest first"))
        self._build_sliders(order[:MOST_SLIDERS])
        if dim > MOST_SLIDERS:
            words = self.tr("{0:,} weaker dimensions have no slider; any can be an axis.")
            self._say_below(words.format(dim - MOST_SLIDERS))
        self.set_kl(collapsed, kl)
        self.show_axes(axes)

    def set_kl(self, collapsed: NDArray[np.bool_], kl: np.ndarray | None) -> None:
        """Say what each dimension carries: its mean KL in nats, (d,), and whether that is nothing, (d,)."""
        choices = [self._label(index, collapsed[index], kl) for index in range(self._dim)]
        known = self._choices.stringList()[:-1]
        if len(known) != self._dim:
            self._choices.setStringList([*choices, self.tr("principal")])
            known = choices
        for index, (old, new) in enumerate(zip(known, choices, strict=True)):
            if old != new:  # one at a time: a chooser that is open stays as it is
                self._choices.setData(self._choices.index(index), new)
        for index, name in self._names.items():
            text = choices[index]
            if collapsed[index]:
                text += self.tr(": collapsed, its KL is near 0: it tells the decoder nothing")
            name.set_collapsed(bool(collapsed[index]))
            name.setToolTip(text)
            self._sliders[index].setToolTip(text)

    def show_axes(self, axes: tuple[int, int] | None) -> None:
        """Which two dimensions the canvas shows; None: the principal plane."""
        for box, axis in zip((self._x, self._y), axes or (self._dim, self._dim), strict=True):
            box.blockSignals(True)
            box.setCurrentIndex(axis)
            box.blockSignals(False)
        for index, slider in self._sliders.items():
            on_plane = axes is not None and index in axes
            slider.setEnabled(not on_plane)
            self._names[index].setEnabled(not on_plane)

    def set_coordinates(self, values: np.ndarray) -> None:
        """Where every dimension stands, (d,), without sending signals."""
        for index, slider in self._sliders.items():
            slider.blockSignals(True)
            if not slider.isSliderDown():
                _reach(slider, float(values[index]))
            slider.setValue(round(float(values[index]) * SLIDER_STEPS))
            slider.blockSignals(False)
            self._names[index].set_value(float(values[index]))

    def _chooser(self, title: str) -> QComboBox:
        box = QComboBox(self)
        box.setModel(self._choices)
        box.setSizeAdjustPolicy(  # to measure a thousand words takes a while
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        box.setMinimumContentsLength(_CHOICE)
        box.setMinimumWidth(_NARROW)
        box.setAccessibleName(title)
        box.setToolTip(title)
        box.activated.connect(self._on_axis)
        return box

    def _on_axis(self, _index: int) -> None:
        x, y, principal = self._x.currentIndex(), self._y.currentIndex(), self._dim
        chosen = self.sender()
        if principal in (x, y):
            picked = x if chosen is self._x else y
            if picked == principal:
                self.principal_chosen.emit()
                return
            other = 1 if picked == 0 else 0
            x, y = (picked, other) if chosen is self._x else (other, picked)
        if x == y:  # the other axis makes way
            free = (x + 1) % self._dim
            x, y = (x, free) if chosen is self._x else (free, y)
        self.axes_chosen.emit(x, y)

    def _label(self, index: int, is_collapsed: bool, kl: np.ndarray | None) -> str:
        name = axis_title(index)
        if is_collapsed:
            return self.tr("{0} (collapsed)").format(name)
        return name if kl is None else self.tr("{0}  {1:.1f} nats").format(name, float(kl[index]))

    def _build_sliders(self, order: NDArray[np.intp]) -> None:
        self._clear_sliders()
        most_digits = len(str(self._dim))
        for index in order.tolist():
            name = _Caption(index, most_digits, self._grid_host)
            slider = _Slider(Qt.Orientation.Horizontal, self._grid_host)
            slider.setFixedHeight(_ROW)
            _reach(slider, 0.0)
            slider.setPageStep(SLIDER_STEPS // 2)
            slider.setSingleStep(SLIDER_STEPS // 10)
            slider.setAccessibleName(axis_title(index))
            slider.setProperty("dimension", index)
            slider.valueChanged.connect(self._on_slider)
            self._sliders[index] = slider
            self._names[index] = name
        self._place_sliders(_COLUMNS[self.width() >= _WIDE])

    def _place_sliders(self, columns: int) -> None:
        while self._grid.takeAt(0) is not None:
            pass
        for column in range(max(_COLUMNS)):
            self._grid.setColumnStretch(3 * column + 1, int(column < columns))
            gap = _COLUMN_GAP - style.HALF if column < columns - 1 else 0
            self._grid.setColumnMinimumWidth(3 * column + 2, gap)
        for place, index in enumerate(self._sliders):
            row, column = divmod(place, columns)
            self._grid.addWidget(self._names[index], row, 3 * column)
            self._grid.addWidget(self._sliders[index], row, 3 * column + 1)
        rows = -(-len(self._sliders) // columns)
        if self._below is not None:
            self._grid.addWidget(self._below, rows, 0, 1, 3 * columns)
            rows += 1
        self._columns = columns
        self._scroll.setFixedHeight(min(_ROWS, rows) * _ROW)
        self._grid_host.setMinimumHeight(rows * _ROW)  # at once, not when it is laid out

    def resizeEvent(self, event: QResizeEvent) -> None:
        wide = self.width() >= _WIDE
        self._order_note.setVisible(wide)
        if self._sliders and self._columns != _COLUMNS[wide]:
            self._place_sliders(_COLUMNS[wide])

    def _say_below(self, text: str) -> None:
        self._below = style.muted_label(text, self._grid_host)
        self._below.setFixedHeight(_ROW)
        self._place_sliders(self._columns)

    def _clear_sliders(self) -> None:
        while self._grid.takeAt(0) is not None:
            pass
        below = [] if self._below is None else [self._below]
        for widget in (*self._sliders.values(), *self._names.values(), *below):
            widget.deleteLater()
        self._below = None
        self._sliders.clear()
        self._names.clear()

    def _on_slider(self, value: int) -> None:
        slider = self.sender()
        if isinstance(slider, QSlider):
            index = int(slider.property("dimension"))
            self._names[index].set_value(value / SLIDER_STEPS)
            self.coordinate_changed.emit(index, value / SLIDER_STEPS)

    def _arrange(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(style.GAP)
        head.addWidget(style.muted_label(self.tr("Plane"), self))
        head.addWidget(self._x)
        head.addWidget(style.muted_label("×", self))
        head.addWidget(self._y)
        head.addStretch(1)
        self._order_note = style.muted_label("", self)
        self._order_note.setToolTip(
            self.tr("The sliders stand in order of the dimensions' mean KL")
        )
        head.addWidget(self._order_note)
        head.addWidget(self._reset)
        scroll = self._scroll
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(self._grid_host)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.verticalScrollBar().setSingleStep(_ROW)
        scroll.viewport().setAutoFillBackground(False)
        self._grid_host.setAutoFillBackground(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(style.HALF)
        column.addLayout(head)
        column.addWidget(scroll)


def _reach(slider: QSlider, value: float) -> None:
    """Have a slider reach a value, and no less far than the prior is wide."""
    reach = max(SLIDER_REACH, ceil(abs(value))) * SLIDER_STEPS
    slider.setRange(-reach, reach)


class _Caption(QWidget):
    """A dimension's name and where it stands, painted: a label would be laid out at every move."""

    def __init__(self, index: int, most_digits: int, parent: QWidget) -> None:
        super().__init__(parent)
        self._index, self._is_collapsed, self._value = index, False, ""
        self._large = style.number_font(style.FONT_BASE)
        self._small = style.number_font(_SUBSCRIPT)
        large, small = QFontMetricsF(self._large), QFontMetricsF(self._small)
        name = large.horizontalAdvance("z∅") + small.horizontalAdvance("0" * most_digits)
        value = large.horizontalAdvance("−00.00")
        self.setFixedSize(ceil(name) + style.HALF + ceil(value), _ROW)

    def set_collapsed(self, collapsed: bool) -> None:
        """Whether the dimension tells the decoder nothing."""
        self._is_collapsed = collapsed
        self.update()

    def set_value(self, value: float) -> None:
        """Where it stands, in latent units."""
        text = signed(value, 2)
        if text != self._value:
            self._value = text
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        palette = self.palette()
        large, small = QFontMetricsF(self._large), QFontMetricsF(self._small)
        baseline = (self.height() + large.capHeight()) / 2
        painter.setPen(palette.color(QPalette.ColorRole.LinkVisited))
        parts = [
            (self._large, large, "z", 0),
            (self._small, small, str(self._index + 1), 2),
            (self._large, large, "∅" if self._is_collapsed else "", 0),
        ]
        # the name ends by the value, wherever it begins
        field = large.horizontalAdvance("−00.00") + style.HALF
        x = self.width() - field - sum(m.horizontalAdvance(text) for _, m, text, _ in parts)
        for font, metrics, text, drop in parts:
            painter.setFont(font)
            painter.drawText(QPointF(x, baseline + drop), text)
            x += metrics.horizontalAdvance(text)
        painter.setFont(self._large)
        painter.setPen(palette.color(QPalette.ColorRole.WindowText))
        left = self.width() - large.horizontalAdvance(self._value)
        painter.drawText(QPointF(left, baseline), self._value)


class _Slider(QSlider):
    """Filled from 0, in its middle, to where it stands."""

    def paintEvent(self, event: QPaintEvent) -> None:
        option, part = QStyleOptionSlider(), QStyle.SubControl.SC_SliderHandle
        self.initStyleOption(option)
        control = QStyle.ComplexControl.CC_Slider
        handle = self.style().subControlRect(control, option, part, self).toRectF()
        role, palette = QPalette.ColorRole, self.palette()
        color = palette.color(role.Highlight if self.isEnabled() else role.Shadow)
        middle = QPointF(self.rect().toRectF().center())
        reach = (self.width() - handle.width()) / 2
        place = middle + QPointF(reach * self.value() / self.maximum(), 0)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(palette.color(role.Light))
        painter.drawRoundedRect(QRectF(0, middle.y() - 2, self.width(), 4), 2, 2)
        painter.drawRect(QRectF(middle.x() - 1, middle.y() - 5, 2, 10))
        painter.setBrush(color)
        painter.drawRect(QRectF(middle - QPointF(0, 2), place + QPointF(0, 2)).normalized())
        painter.setPen(QPen(palette.color(role.Text) if self.hasFocus() else color, 2))
        painter.drawEllipse(place, 5, 5)
