"""A titled plot in the house's style: the frame of every small multiple.

Plots are painted with lines one pixel wide and without anti-aliasing: five curves of ten thousand
points then take 11 ms, against 295 ms for two pixels, anti-aliased.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QMouseEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from vae_explorer.gui import style
from vae_explorer.gui.latent_plane import COLLAPSED_KL
from vae_explorer.gui.notation import TOO_LONG, compact, typeset_tip
from vae_explorer.gui.style import Theme

AXIS_WIDTH = 44  # pixels, for numbers of four characters
TICK_OFFSET = 4  # pixels between an axis and its numbers


class NumberAxis(pg.AxisItem):
    """Numbers with a real minus sign, or where `is_time` is set a clock: 45 s, 2:30, 1:05:00.

    At the left it is as wide as its numbers ask for: the library leaves out those that stick out.
    """

    is_time = False
    metrics: QFontMetricsF | None = None
    """Of the numbers' font, where there shall be room for them."""

    def linkedViewChanged(self, view: pg.ViewBox, newRange: Sequence[float] | None = None) -> None:
        super().linkedViewChanged(view, newRange)
        if self.orientation == "left" and self.metrics is not None:
            low, high = view.viewRange()[1]
            self._make_room(low, high, self.metrics)

    def _make_room(self, low: float, high: float, metrics: QFontMetricsF) -> None:
        spacing, values = self.tickValues(low, high, max(1.0, self.size().height()))[0]
        texts = self.tickStrings(values, 1.0, spacing)
        widest = max((metrics.horizontalAdvance(text) for text in texts), default=0.0)
        width = max(AXIS_WIDTH, math.ceil(widest) + 2 * TICK_OFFSET)
        if width != self.fixedWidth:
            self.setWidth(width)

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        if self.is_time:
            return [clock(value * scale) for value in values]
        narrow = self.orientation == "left"  # long numbers beside it leave the plot no room
        return [
            compact(value * scale)
            if narrow and abs(value * scale) >= TOO_LONG
            else f"{value * scale:,.10g}".replace("-", "−")
            for value in values
        ]


def clock(seconds: float) -> str:
    """Seconds as a clock would show them."""
    whole = round(seconds)
    minutes, rest = divmod(abs(whole), 60)
    hours, minutes = divmod(minutes, 60)
    sign = "−" if whole < 0 else ""
    if hours:
        return f"{sign}{hours}:{minutes:02}:{rest:02}"
    return f"{sign}{minutes}:{rest:02}" if minutes else f"{sign}{rest} s"


def plot_item() -> pg.PlotItem:
    """An empty plot, which alone takes the half of making a panel."""
    axes: dict[str, pg.AxisItem] = {side: NumberAxis(side) for side in ("bottom", "left")}
    return pg.PlotItem(axisItems=axes, enableMenu=False)


class PlotPanel(QWidget):
    """A titled plot in the house's style; base of the curve panels and of the bars of KL."""

    enlarge_requested = Signal(object)

    def __init__(
        self, title: str, theme: Theme, item: pg.PlotItem, parent: QWidget | None = None
    ) -> None:
        """`item`: as `plot_item` makes it. Who derives from this calls `set_theme` when all is there."""
        super().__init__(parent)
        self.theme = theme
        self.title = title
        self.setAccessibleName(title)
        self._title = QLabel(title, self)
        self._title.setFont(style.title_font())
        self._unit = style.muted_label("", self)
        self._unit_text, self._shows_unit, self._words = "", True, ""
        self._unit.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._value = QLabel("", self)
        self._value.setFont(style.number_font(style.FONT_BASE))
        head = QHBoxLayout()
        head.setContentsMargins(style.HALF, 0, style.HALF, 0)
        head.setSpacing(6)
        head.addWidget(self._title)
        head.addWidget(self._unit, 1)
        head.addWidget(self._value)
        self.item = item
        self.bottom: NumberAxis = self.item.getAxis("bottom")
        self.plot = pg.PlotWidget(self, plotItem=self.item)
        self.view: pg.ViewBox = self.item.getViewBox()
        self._style_plot()
        self._has_numbers = True
        self.show_numbers(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addSpacing(2)
        column.addWidget(self.plot, 1)
        self.setMinimumHeight(96)

    def keep_room(self) -> None:
        """Hide the plot, though not its place: showing several for the first time takes a frame each."""
        policy = self.plot.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.plot.setSizePolicy(policy)
        self.plot.hide()

    def set_title(self, title: str) -> None:
        """Give the panel another title."""
        self.title = title
        self._title.setText(title)
        self.setAccessibleName(title)

    def set_unit(self, unit: str) -> None:
        """Write the unit beside the title."""
        self._unit_text = unit
        self._unit.setText(unit if self._shows_unit else "")
        self._explain_title()

    def set_words(self, words: str) -> None:
        """Say what the title means, in its tooltip below the unit."""
        self._words = words
        self._explain_title()

    def _explain_title(self) -> None:
        named = ", ".join(filter(None, (self.title, self._unit_text)))
        self._title.setToolTip(typeset_tip("\n".join(filter(None, (named, self._words)))))

    def set_value(self, text: str) -> None:
        """Write a number at the right of the title."""
        if text != self._value.text():
            self._value.setText(text)

    def show_numbers(self, shown: bool) -> None:
        """Write numbers at the axes: beside nothing they would say something."""
        if shown != self._has_numbers:
            self._has_numbers = shown
            for side in ("left", "bottom"):
                self.plot.getAxis(side).setTicks(None if shown else [[]])

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        self.theme = theme
        self.plot.setBackground(theme.panel)
        for name in ("left", "bottom"):
            axis = self.plot.getAxis(name)
            axis.setPen(pg.mkPen(theme.border))
            axis.setTextPen(pg.mkPen(theme.muted))

    def has_room_for_unit(self, width: int) -> bool:
        """Whether a panel so wide has room for its unit between title and number."""
        unit = QFontMetricsF(self._unit.font()).horizontalAdvance(self._unit_text)
        value = QFontMetricsF(self._value.font()).horizontalAdvance("−000.00")
        return unit <= width - self._title.sizeHint().width() - value - 3 * style.GAP

    def show_unit(self, shown: bool) -> None:
        """Write the unit, or leave it to the key of all panels."""
        self._shows_unit = shown
        self._unit.setText(self._unit_text if shown else "")

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.enlarge_requested.emit(self)

    def _style_plot(self) -> None:
        self.item.hideButtons()
        self.item.setContentsMargins(0, 6, 4, 0)  # else the topmost number is cut in half
        self.view.setDefaultPadding(0)
        self.view.disableAutoRange()
        self.plot.setFrameShape(self.plot.Shape.NoFrame)
        font = style.small_font()
        font.setPixelSize(style.FONT_SMALL - 1)
        for name in ("left", "bottom"):
            axis = self.plot.getAxis(name)
            axis.enableAutoSIPrefix(False)
            axis.setStyle(tickFont=font, tickLength=-3, autoExpandTextSpace=False)
        left: NumberAxis = self.plot.getAxis("left")
        left.metrics = QFontMetricsF(font)
        left.setWidth(AXIS_WIDTH)
        self.plot.getAxis("bottom").setHeight(20)
        left.setStyle(tickTextWidth=AXIS_WIDTH - 2 * TICK_OFFSET, tickTextOffset=TICK_OFFSET)


class KlBarsPanel(PlotPanel):
    """KL of each latent dimension as bars; collapsed dimensions are muted."""

    def __init__(
        self, title: str, theme: Theme, item: pg.PlotItem, parent: QWidget | None = None
    ) -> None:
        super().__init__(title, theme, item, parent)
        self._values = np.empty(0)
        self._color = theme.accent
        self._bars = pg.BarGraphItem(x=[], height=[], width=0.7)
        self.item.addItem(self._bars, ignoreBounds=True)
        self.set_theme(theme)
        self.plot.setMouseEnabled(x=False, y=False)

    def set_values(self, values: Sequence[float], color: QColor) -> None:
        """Show nats a dimension, (d,), in the colour of their run."""
        self._values, self._color = np.asarray(values, dtype=float), color
        self._draw()

    def set_theme(self, theme: Theme) -> None:
        super().set_theme(theme)
        self._draw()

    def _draw(self) -> None:
        count = len(self._values)
        self._bars.setVisible(count > 0)
        self.set_value("")
        self.show_numbers(count > 0)
        if count == 0:
            return
        colors = [self._color if v > COLLAPSED_KL else self.theme.disabled for v in self._values]
        self._bars.setOpts(
            x=np.arange(1, count + 1),
            height=np.nan_to_num(self._values),
            width=0.7,
            brushes=colors,
            pens=[QPen(Qt.PenStyle.NoPen)] * count,
        )
        active = int((self._values > COLLAPSED_KL).sum())
        self.set_value(self.tr("{} of {}").format(active, count))
        self.setToolTip(
            self.tr("{} of {} dimensions carry more than {} nats; the others are collapsed").format(
                active, count, COLLAPSED_KL
            )
        )
        self.view.setXRange(0.4, count + 0.6, padding=0)
        self.view.setYRange(0, max(float(np.nanmax(self._values, initial=0)) * 1.1, 0.1), padding=0)
        self._label_dimensions(count)

    def _label_dimensions(self, count: int) -> None:
        step = max(1, -(-count // 8))
        ticks = [(float(i), str(i)) for i in range(1, count + 1) if (i - 1) % step == 0]
        self.plot.getAxis("bottom").setTicks([ticks])
