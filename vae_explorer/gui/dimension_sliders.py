"""More than two latent dimensions: which two the canvas shows, and a slider for each of the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from vae_explorer.gui.notation import dimension_name, signed
from vae_explorer.gui.style import (
    FONT_SMALL,
    GAP,
    HALF,
    LIGHT,
    Theme,
    muted_label,
    number_font,
    section_title,
)

ACTIVE_KL = 0.01  # nats: a dimension whose mean KL is below carries nothing
RANGE = 3.5
_STEPS = 100  # slider steps per latent unit


class DimensionSliders(QWidget):
    """Chooses the canvas's plane (two axes, or the first principal plane) and sets the other dimensions."""

    axes_changed = Signal(int, int)
    plane_chosen = Signal()
    value_changed = Signal(int, float)
    reset_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme: Theme = LIGHT
        self._axes = (0, 1)
        self._is_plane = False
        self._kl: NDArray[np.floating] | None = None
        self._values = np.zeros(0)
        self._rows: list[tuple[QLabel, QSlider, QLabel]] = []
        self.setAccessibleName(self.tr("Latent dimensions"))
        self._build()

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(HALF)
        row = QHBoxLayout()
        row.setSpacing(HALF)
        row.addWidget(section_title(self.tr("Dimensions"), self))
        row.addStretch(1)
        self._reset = QToolButton(self)
        self._reset.setProperty("quiet", True)
        self._reset.setText(self.tr("Reset"))
        self._reset.setToolTip(self.tr("Put every dimension outside the plane back to 0"))
        self._reset.clicked.connect(self._on_reset)
        row.addWidget(self._reset)
        layout.addLayout(row)
        pickers = QHBoxLayout()
        pickers.setSpacing(HALF)
        self._x = self._picker(self.tr("Horizontal axis"))
        self._y = self._picker(self.tr("Vertical axis"))
        for text, box in (("→", self._x), ("↑", self._y)):
            pickers.addWidget(muted_label(text, self))
            pickers.addWidget(box, 1)
        self._plane = QToolButton(self)
        self._plane.setText(self.tr("Principal plane"))
        self._plane.setToolTip(
            self.tr("The plane through the two directions in which the encoded images vary most")
        )
        self._plane.setCheckable(True)
        self._plane.clicked.connect(self._on_plane)
        pickers.addWidget(self._plane)
        layout.addLayout(pickers)
        self._area = QScrollArea(self)
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFrameShape(QScrollArea.Shape.NoFrame)
        layout.addWidget(self._area, 1)

    def _picker(self, name: str) -> QComboBox:
        box = QComboBox(self)
        box.setAccessibleName(name)
        box.setToolTip(name)
        box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        box.setMinimumContentsLength(4)
        box.activated.connect(self._on_axis)
        return box

    # --- what is shown -------------------------------------------------------------------------

    def set_dimensions(
        self, count: int, kl_per_dimension: NDArray[np.floating] | Sequence[float] | None = None
    ) -> None:
        """Offer `count` dimensions at 0; those whose mean KL (nats) is below 0.01 are marked collapsed."""
        self._values = np.zeros(count)
        self._axes = (0, min(1, count - 1))
        self._is_plane = False
        self._plane.setEnabled(count > 2)
        self._kl = None
        self._fill_rows(count)
        self.set_kl(kl_per_dimension)

    def set_kl(self, kl_per_dimension: NDArray[np.floating] | Sequence[float] | None) -> None:
        """Mark collapsed dimensions by their mean KL in nats (d,), or none."""
        self._kl = None if kl_per_dimension is None else np.asarray(kl_per_dimension)
        self._fill_pickers()
        self._show_state()

    def set_axes(self, first: int, second: int) -> None:
        """Show that the canvas spans these two dimensions, without telling."""
        self._axes, self._is_plane = (first, second), False
        self._show_state()

    def set_plane(self) -> None:
        """Show that the canvas spans the first principal plane, without telling."""
        self._is_plane = True
        self._show_state()

    def set_values(self, values: NDArray[np.floating] | Sequence[float]) -> None:
        """Set all dimensions (d,) without telling."""
        self._values = np.array(values, dtype=float)
        self._show_values()

    def set_theme(self, theme: Theme) -> None:
        """Take another look."""
        self._theme = theme
        self._show_state()

    @property
    def axes(self) -> tuple[int, int]:
        """The two dimensions chosen."""
        return self._axes

    @property
    def values(self) -> NDArray[np.floating]:
        """All dimensions' values (d,)."""
        return self._values.copy()

    def is_collapsed(self, index: int) -> bool:
        """Whether a dimension carries nothing, as far as is known."""
        return self._kl is not None and index < len(self._kl) and self._kl[index] < ACTIVE_KL

    # --- inner workings ------------------------------------------------------------------------

    def _fill_pickers(self) -> None:
        for box in (self._x, self._y):
            box.clear()
            for index in range(len(self._values)):
                text = dimension_name(index)
                box.addItem(f"{text}  ({self.tr('collapsed')})" if self.is_collapsed(index) else text)

    def _fill_rows(self, count: int) -> None:
        body = QWidget()
        grid = QGridLayout(body)
        grid.setContentsMargins(0, HALF, GAP, 0)
        grid.setHorizontalSpacing(GAP)
        grid.setVerticalSpacing(HALF)
        grid.setColumnStretch(1, 1)
        self._rows = []
        for index in range(count):
            name, value = QLabel(dimension_name(index), body), QLabel("0.00", body)
            value.setFont(number_font(FONT_SMALL))
            value.setMinimumWidth(40)
            value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            slider = QSlider(Qt.Orientation.Horizontal, body)
            slider.setRange(-round(RANGE * _STEPS), round(RANGE * _STEPS))
            slider.setPageStep(_STEPS // 2)
            slider.setSingleStep(_STEPS // 20)
            slider.setProperty("dimension", index)
            slider.setAccessibleName(dimension_name(index))
            slider.setMinimumWidth(60)
            slider.valueChanged.connect(self._on_slider)
            for column, widget in enumerate((name, slider, value)):
                grid.addWidget(widget, index, column)
            self._rows.append((name, slider, value))
        grid.setRowStretch(count, 1)
        self._area.setWidget(body)

    def _show_state(self) -> None:
        for box, axis in ((self._x, self._axes[0]), (self._y, self._axes[1])):
            with QSignalBlocker(box):
                box.setCurrentIndex(-1 if self._is_plane else axis)
            box.setPlaceholderText("—")
        self._plane.setChecked(self._is_plane)
        for index, (name, slider, value) in enumerate(self._rows):
            on_canvas = not self._is_plane and index in self._axes
            for widget in (name, slider, value):
                widget.setVisible(not on_canvas)
            collapsed = self.is_collapsed(index)
            name.setText(f"{dimension_name(index)} ○" if collapsed else dimension_name(index))
            color = self._theme.disabled if collapsed else self._theme.text
            name.setStyleSheet(f"color: {color.name()}")
            name.setToolTip(
                self.tr("Collapsed: its KL is below {} nats, the decoder ignores it").format(ACTIVE_KL)
                if collapsed
                else ""
            )
        self._show_values()

    def _show_values(self) -> None:
        for (_, slider, label), value in zip(self._rows, self._values, strict=True):
            with QSignalBlocker(slider):
                slider.setValue(round(float(value) * _STEPS))
            label.setText(signed(float(value)))

    def _on_slider(self, position: int) -> None:
        slider = self.sender()
        if isinstance(slider, QSlider):
            index = int(slider.property("dimension"))
            self._values[index] = position / _STEPS
            self._rows[index][2].setText(signed(self._values[index]))
            self.value_changed.emit(index, float(self._values[index]))

    def _on_axis(self) -> None:
        first, second = self._x.currentIndex(), self._y.currentIndex()
        changed_first = self.sender() is self._x
        if first < 0 or second < 0:  # coming from the principal plane: the other axis as it was
            first = self._axes[0] if first < 0 else first
            second = self._axes[1] if second < 0 else second
        if first == second:  # the axis that was not touched makes way: the two swap
            first, second = (first, self._axes[0]) if changed_first else (self._axes[1], second)
        if first == second:
            second = (first + 1) % len(self._values)
        self.set_axes(first, second)
        self.axes_changed.emit(first, second)

    def _on_plane(self, checked: bool) -> None:
        if checked:
            self.set_plane()
            self.plane_chosen.emit()
        else:
            self.set_axes(*self._axes)
            self.axes_changed.emit(*self._axes)

    def _on_reset(self) -> None:
        outside = [i for i in range(len(self._values)) if self._is_plane or i not in self._axes]
        self._values[outside] = 0.0
        self._show_values()
        self.reset_requested.emit()
