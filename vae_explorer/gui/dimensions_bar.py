"""Which plane of a many-dimensional latent space is shown, and where the other dimensions stand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from vae_explorer.gui import style
from vae_explorer.gui.latent_plane import axis_title
from vae_explorer.gui.style import Theme

SLIDER_STEPS = 100  # per latent unit
SLIDER_REACH = 3.0  # latent units: three standard deviations of the prior
_COLUMNS = 3
_PRINCIPAL = -1


_LEAST, _MOST = 32, 84  # pixels of height of the sliders: two rows to five, the rest is scrolled to


class DimensionsBar(QWidget):
    """Two axis choosers, or the principal plane, and a slider for each dimension off the plane."""

    axes_chosen = Signal(int, int)
    principal_chosen = Signal()
    coordinate_changed = Signal(int, float)
    reset_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._dim = 2
        self._sliders: dict[int, QSlider] = {}
        self._names: dict[int, QLabel] = {}
        self._x = self._chooser(self.tr("Horizontal axis"))
        self._y = self._chooser(self.tr("Vertical axis"))
        self._reset = QPushButton(self.tr("Centre"), self)
        self._reset.setToolTip(self.tr("Put every other dimension back to 0"))
        self._reset.clicked.connect(self.reset_requested)
        self._grid_host = QWidget(self)
        self._grid = QGridLayout(self._grid_host)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(style.GAP)
        self._grid.setVerticalSpacing(2)
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
        for box, axis in ((self._x, axes[0]), (self._y, axes[1])):
            box.blockSignals(True)
            box.clear()
            for index in range(dim):
                box.addItem("", index)
            box.addItem(self.tr("principal"), _PRINCIPAL)
            box.setCurrentIndex(axis)
            box.blockSignals(False)
        self._build_sliders(np.arange(dim) if kl is None else np.argsort(-kl))
        self.set_kl(collapsed, kl)
        self.show_axes(axes)

    def set_kl(self, collapsed: NDArray[np.bool_], kl: np.ndarray | None) -> None:
        """Say what each dimension carries: its mean KL in nats, (d,), and whether that is nothing, (d,)."""
        for index, name in self._names.items():
            text = self._label(index, collapsed[index], kl)
            if text == self._x.itemText(index):
                continue  # a chooser is laid out anew at every word
            for box in (self._x, self._y):
                box.setItemText(index, text)
            if collapsed[index]:
                text += self.tr(": the decoder hears nothing of it, its KL is near 0")
            name.setText(axis_title(index) + (" ∅" if collapsed[index] else ""))
            name.setToolTip(text)
            self._sliders[index].setToolTip(text)

    def show_axes(self, axes: tuple[int, int] | None) -> None:
        """Which two dimensions the canvas shows; None: the principal plane."""
        for box, axis in ((self._x, axes[0] if axes else -1), (self._y, axes[1] if axes else -1)):
            box.blockSignals(True)
            box.setCurrentIndex(box.findData(axis))
            box.blockSignals(False)
        for index, slider in self._sliders.items():
            on_plane = axes is not None and index in axes
            slider.setEnabled(not on_plane)
            self._names[index].setEnabled(not on_plane)

    def set_coordinates(self, values: np.ndarray) -> None:
        """Where every dimension stands, (d,), without sending signals."""
        for index, slider in self._sliders.items():
            slider.blockSignals(True)
            slider.setValue(round(float(values[index]) * SLIDER_STEPS))
            slider.blockSignals(False)

    def slider(self, index: int) -> QSlider:
        """The slider of one dimension."""
        return self._sliders[index]

    def set_theme(self, theme: Theme) -> None:
        """Nothing here is painted by hand."""
        self._theme = theme

    def _chooser(self, title: str) -> QComboBox:
        box = QComboBox(self)
        box.setAccessibleName(title)
        box.setToolTip(title)
        box.activated.connect(self._on_axis)
        return box

    def _on_axis(self, _index: int) -> None:
        x, y = int(self._x.currentData()), int(self._y.currentData())
        chosen = self.sender()
        if _PRINCIPAL in (x, y):
            other = y if chosen is self._x else x
            picked = x if chosen is self._x else y
            if picked == _PRINCIPAL:
                self.principal_chosen.emit()
                return
            other = next(i for i in range(self._dim) if i != picked) if other < 0 else other
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
        for place, index in enumerate(order.tolist()):
            row, column = divmod(place, _COLUMNS)
            name = style.muted_label("", self._grid_host)
            slider = QSlider(Qt.Orientation.Horizontal, self._grid_host)
            reach = round(SLIDER_REACH * SLIDER_STEPS)
            slider.setRange(-reach, reach)
            slider.setPageStep(SLIDER_STEPS // 2)
            slider.setSingleStep(SLIDER_STEPS // 10)
            slider.setAccessibleName(axis_title(index))
            slider.setProperty("dimension", index)
            slider.valueChanged.connect(self._on_slider)
            self._grid.addWidget(name, row, 2 * column)
            self._grid.addWidget(slider, row, 2 * column + 1)
            self._grid.setColumnStretch(2 * column + 1, 1)
            self._sliders[index] = slider
            self._names[index] = name

    def _clear_sliders(self) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        self._sliders.clear()
        self._names.clear()

    def _on_slider(self, value: int) -> None:
        slider = self.sender()
        if isinstance(slider, QSlider):
            self.coordinate_changed.emit(int(slider.property("dimension")), value / SLIDER_STEPS)

    def _arrange(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(style.GAP)
        head.addWidget(style.muted_label(self.tr("Plane"), self))
        head.addWidget(self._x)
        head.addWidget(style.muted_label("×", self))
        head.addWidget(self._y)
        head.addStretch(1)
        head.addWidget(self._reset)
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setWidget(self._grid_host)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setMinimumHeight(_LEAST)
        scroll.setMaximumHeight(_MOST)
        scroll.viewport().setAutoFillBackground(False)
        self._grid_host.setAutoFillBackground(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(style.HALF)
        column.addLayout(head)
        column.addWidget(scroll)
