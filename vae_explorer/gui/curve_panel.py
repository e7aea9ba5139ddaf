"""The curves of one metric: single steps, train and validation by epoch, for every visible run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from vae_explorer.gui.curve_data import Run, sensible_range, step_curve
from vae_explorer.gui.notation import TOO_LONG, compact
from vae_explorer.gui.plot_panel import KlBarsPanel, PlotPanel, plot_item
from vae_explorer.gui.style import Theme

MAX_MARKED_EPOCHS = 120
"""With more epochs, the points on the validation curve would run into each other."""


@dataclass(frozen=True)
class Measure:
    """What a panel shows: the metric's key, its title, its unit, its meaning, and a factor for the eye."""

    key: str
    title: str
    unit: str
    words: str  # with places for `, y` and `+ log π_y`, where a model has classes
    factor: float = 1.0
    decimals: int = 1
    sign: str = ""  # behind a number, where that is its unit


class EpochDots(pg.GraphicsObject):
    """Dots of five pixels; all at once they cost a tenth of what a scatter plot's do."""

    def __init__(self) -> None:
        super().__init__()
        self._dots = QPolygonF()
        self._pen = QPen()

    def set_color(self, color: QColor) -> None:
        """Paint the dots in a colour."""
        self._pen = QPen(color, 5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
        self._pen.setCosmetic(True)
        self.update()

    def set_data(self, x: Iterable[float], y: Iterable[float]) -> None:
        """Put the dots at these points."""
        self.prepareGeometryChange()
        self._dots = QPolygonF([QPointF(a, b) for a, b in zip(x, y, strict=True)])
        self.update()

    def boundingRect(self) -> QRectF:
        width, height = self.pixelVectors()
        if width is None or height is None:
            return self._dots.boundingRect()
        reach_x, reach_y = 3 * width.length(), 3 * height.length()
        return self._dots.boundingRect().adjusted(-reach_x, -reach_y, reach_x, reach_y)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionGraphicsItem,
        widget: QWidget | None = None,
    ) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(self._pen)
        painter.drawPoints(self._dots)


class _RunCurves:
    """The items of one run in one plot."""

    def __init__(self, plot: pg.PlotItem, run: Run) -> None:
        self.run = run  # kept, so that no later one has its id
        self.steps = pg.PlotCurveItem(skipFiniteCheck=True)
        self.train = pg.PlotCurveItem()
        self.validation = pg.PlotCurveItem()
        self.epochs = EpochDots()
        self.epochs_shown = 0
        self.reference = pg.InfiniteLine(angle=0)
        self.reference.hide()
        for item in self.items:
            plot.addItem(item, ignoreBounds=True)

    @property
    def items(self) -> tuple[QObject, ...]:
        return (self.steps, self.train, self.validation, self.epochs, self.reference)

    def paint_in(self, color: QColor, theme: Theme, *, is_current: bool) -> None:
        noise = QColor(theme.muted)
        noise.setAlphaF(0.45)  # faint beside the epochs, yet all there is to see before them
        quiet = QColor(color)
        quiet.setAlphaF(1.0 if is_current else 0.6)
        self.steps.setPen(pg.mkPen(noise))
        self.train.setPen(pg.mkPen(theme.muted if is_current else quiet, width=1, dash=[4, 3]))
        self.validation.setPen(pg.mkPen(quiet))
        self.epochs.set_color(quiet)
        self.reference.setPen(pg.mkPen(theme.warning, width=1, dash=[1, 3]))
        self.steps.setZValue(1)
        for level, item in enumerate((self.train, self.validation, self.epochs)):
            item.setZValue(level + (10 if is_current else 5))


class CurvePanel(PlotPanel):
    """The curves of one metric for all visible runs."""

    hovered = Signal(object, object)
    """x under the cursor, or None; and the panel."""

    def __init__(
        self, measure: Measure, theme: Theme, item: pg.PlotItem, parent: QWidget | None = None
    ) -> None:
        super().__init__(measure.title, theme, item, parent)
        self._curves: dict[int, _RunCurves] = {}
        self.measure = measure
        self.set_unit(measure.unit)
        self.set_classes(False)
        self._is_free = False
        self._x_end = 0.0
        self._y_span = (0.0, 0.0)
        self._fitted_rows = 0
        self._cursor = pg.InfiniteLine(angle=90, movable=False)
        self._moment = pg.InfiniteLine(angle=90, movable=False)
        for line in (self._cursor, self._moment):
            line.hide()
            line.setZValue(30)
            self.item.addItem(line, ignoreBounds=True)
        self.item.scene().sigMouseMoved.connect(self._mouse_moved)
        self.plot.viewport().installEventFilter(self)
        self.view.sigRangeChangedManually.connect(self._set_free)
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        super().set_theme(theme)
        self._cursor.setPen(pg.mkPen(theme.disabled))
        self._moment.setPen(pg.mkPen(theme.accent, width=1, dash=[2, 2]))

    def show_runs(
        self, shown: Sequence[tuple[Run, QColor]], current: Run | None, axis: str
    ) -> None:
        """Paint everything anew: after a run was added, hidden or removed, or the axis changed."""
        runs = [run for run, _ in shown]
        for gone in self._curves.keys() - {id(run) for run in runs}:
            for item in self._curves.pop(gone).items:
                self.item.removeItem(item)
        self._x_end, self._y_span, self._fitted_rows = 0.0, (0.0, 0.0), 0
        for run in runs:
            curves = self._curves.get(id(run)) or _RunCurves(self.item, run)
            self._curves[id(run)] = curves
            curves.epochs_shown = -1
            self.update_run(run, axis, steps=run is current)
            if run is not current:
                curves.steps.setData([], [])
        self.tint(shown, current)
        self.fit(runs, axis)

    def tint(self, shown: Sequence[tuple[Run, QColor]], current: Run | None) -> None:
        """Paint the runs' curves in these colours."""
        for run, color in shown:
            if id(run) in self._curves:
                self._curves[id(run)].paint_in(color, self.theme, is_current=run is current)

    def update_run(self, run: Run, axis: str, *, steps: bool = True) -> None:
        """Show what a run has come to; its single steps only if `steps`."""
        curves = self._curves.get(id(run))
        if curves is None:
            return
        factor = self.measure.factor
        if steps:
            x, y = step_curve(run, axis, self.measure.key, max(60, self.plot.width()))
            curves.steps.setData(x, y * factor)
        if curves.epochs_shown != len(run.validation):
            self._set_epochs(curves, run, axis)

    def _set_epochs(self, curves: _RunCurves, run: Run, axis: str) -> None:
        curves.epochs_shown = len(run.validation)
        factor, key = self.measure.factor, self.measure.key
        for item, table in ((curves.train, run.train), (curves.validation, run.validation)):
            x, y = table.column(axis), table.column(key) * factor
            known = np.isfinite(y)
            item.setData(x[known], y[known])
            if item is curves.validation:
                few = known.sum() <= MAX_MARKED_EPOCHS
                curves.epochs.set_data(x[known] if few else (), y[known] if few else ())
        reference = run.reference if key == "elbo" else None
        curves.reference.setVisible(reference is not None)
        if reference is not None:
            curves.reference.setValue(reference * factor)

    def fit(self, runs: Sequence[Run], axis: str, *, end: float | None = None) -> None:
        """Show all that is worth showing, unless the user has zoomed."""
        self.bottom.is_time = axis == "seconds"
        self.show_numbers(any(len(run.steps) or len(run.validation) for run in runs))
        if self._is_free:
            return
        if end is not None and end != self._x_end:
            self._x_end = end
            self.view.setXRange(0, end, padding=0)
        rows = sum(len(run.steps) for run in runs) + 100 * sum(len(run.train) for run in runs)
        if rows < 1.02 * self._fitted_rows:
            return  # too little is new to move the axis
        self._fitted_rows = rows
        span = sensible_range(runs, self.measure.key)
        if span is not None:
            self._fit_y(span[0] * self.measure.factor, span[1] * self.measure.factor)

    def _fit_y(self, low: float, high: float) -> None:
        """Change the range only when it no longer fits: moving axes cost time and calm."""
        shown_low, shown_high = self._y_span
        height = max(high - low, 1e-6 * max(abs(low), abs(high), 1.0))
        fits = shown_low <= low and high <= shown_high and height > 0.7 * (shown_high - shown_low)
        if not fits:
            self._y_span = (low - 0.08 * height, high + 0.08 * height)
            self.view.setYRange(*self._y_span, padding=0)

    def set_classes(self, known: bool) -> None:
        """Say what the metric is of a model of p(x, y), or of one of p(x)."""
        given, prior = (", y", " + log π_y") if known else ("", "")
        self.set_words(self.measure.words.format(given, prior))

    def fit_again(self) -> None:
        """Undo a zoom; the next `fit` sets the ranges."""
        self._is_free = False
        self._x_end, self._y_span, self._fitted_rows = 0.0, (0.0, 0.0), 0

    def number(self, value: float) -> str:
        """A value of this metric as text, with a real minus sign."""
        if not math.isfinite(value):
            return "–"
        if abs(value * self.measure.factor) >= TOO_LONG:
            return compact(value * self.measure.factor)
        text = f"{value * self.measure.factor:,.{self.measure.decimals}f}".replace("-", "−")
        return text + self.measure.sign

    def set_cursor(self, x: float | None) -> None:
        """Mark the x that is under the cursor; None for nowhere."""
        self._cursor.setVisible(x is not None)
        if x is not None:
            self._cursor.setValue(x)

    def place_of(self, x: float) -> QPoint:
        """Where x is on the screen, at the upper edge of the plot."""
        top = self.view.sceneBoundingRect().top()
        across = self.view.mapViewToScene(QPointF(x, 0.0)).x()
        return self.plot.mapToGlobal(self.plot.mapFromScene(QPointF(across, top)))

    def set_moment(self, x: float | None) -> None:
        """Mark the moment that the time machine shows; None for now."""
        self._moment.setVisible(x is not None)
        if x is not None:
            self._moment.setValue(x)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self.hovered.emit(None, self)
        elif event.type() == QEvent.Type.MouseButtonDblClick:
            self.fit_again()
            self.enlarge_requested.emit(self)
            return True
        return super().eventFilter(watched, event)

    def _mouse_moved(self, place: QPointF) -> None:
        if QRectF(self.view.sceneBoundingRect()).contains(place):
            self.hovered.emit(float(self.view.mapSceneToView(place).x()), self)
        else:
            self.hovered.emit(None, self)

    def _set_free(self, *_: object) -> None:
        self._is_free = True


def make_panels(theme: Theme, parent: QWidget | None = None) -> Iterator[PlotPanel | None]:
    """A panel for each metric, and last the bars of KL; between them None, half way to the next."""
    for measure in _measures():
        item = plot_item()
        yield None
        yield CurvePanel(measure, theme, item, parent)
    item = plot_item()
    yield None
    bars = KlBarsPanel(_tr("KL by dimension"), theme, item, parent)
    bars.set_unit(_tr("nats"))
    yield bars


def _measures() -> tuple[Measure, ...]:
    nats = _tr("nats per image")
    elbo = _tr("reconstruction − KL{1}")
    reconstruction = _tr("E_q log p(x|z{0})")
    kl = _tr("KL(q(z|x{0}) ‖ p(z))")
    classifier = _tr("log q(y|x) of the image's own class: λ weighs it in the objective")
    accuracy = _tr("how often q(y|x) is largest for the image's own class")
    objective = _tr("what is maximised, with the β and λ in force: the best weights are those"
                    " where its validation value is highest")  # fmt: skip
    return (
        Measure("elbo", "ELBO", nats, elbo),
        Measure("reconstruction", _tr("Reconstruction"), nats, reconstruction),
        Measure("kl", "KL", nats, kl, decimals=2),
        Measure("classification", _tr("Classifier"), nats, classifier, decimals=3),
        Measure("accuracy", _tr("Accuracy"), "", accuracy, factor=100, decimals=2, sign=" %"),
        Measure("objective", _tr("Objective"), nats, objective),
    )


def _tr(text: str) -> str:
    return QCoreApplication.translate("CurvePanel", text)
