"""The curves of a training as small multiples, with earlier runs kept for comparison."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence

from PySide6.QtGui import QColor, QShowEvent
from PySide6.QtWidgets import (
    QLabel,
    QSizePolicy,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from vae_explorer.gui import style
from vae_explorer.gui.curve_board import CurveBoard
from vae_explorer.gui.curve_data import (
    AXES,
    OF_CLASSES,
    Numbers,
    Run,
    StepRow,
    difference,
    rounded_up,
)
from vae_explorer.gui.curve_export import CurveExport
from vae_explorer.gui.curve_header import CurveHeader
from vae_explorer.gui.curve_key import CurveKey
from vae_explorer.gui.curve_panel import CurvePanel, make_panels
from vae_explorer.gui.curve_readout import CurveReadout
from vae_explorer.gui.empty_state import EmptyState
from vae_explorer.gui.idle import Turns
from vae_explorer.gui.plot_panel import KlBarsPanel, PlotPanel
from vae_explorer.gui.run_chips import RunChips
from vae_explorer.gui.style import Theme

MAX_RUNS = 8
TURN_MS = 25  # new numbers come to one panel at a time: all at once would take two frames


class Curves(QWidget):
    """ELBO, reconstruction, KL, classifier, accuracy, objective and KL by dimension, live.

    Thin grey lines are single steps, dashed lines the train split by epoch, solid lines with
    points the validation split.
    """

    def __init__(
        self,
        theme: Theme,
        parent: QWidget | None = None,
        panels: Sequence[PlotPanel] = (),
    ) -> None:
        """`panels`: as `make_panels` makes them, where that was done before."""
        super().__init__(parent)
        self._theme = theme
        self._runs: list[Run] = []
        self._names: set[str] = set()  # of all runs there were
        self._axis = "step"
        self._moment: float | None = None
        self._growing: Run | None = None  # the current run of a training that goes on
        self._ended: Run | None = None  # that of the last training that does not
        self._outdated: set[PlotPanel] = set()  # panels that wait to be painted anew
        self._turns = Turns(self._update_panel, TURN_MS, self)
        self._panels, self._kl_bars = self._take_panels(
            panels or [panel for panel in make_panels(theme, self) if panel is not None]
        )
        self._every_panel: tuple[PlotPanel, ...] = (*self._panels, self._kl_bars)
        self._readout = CurveReadout(theme, self)
        self.export = CurveExport(theme, self._content, self)
        self._chips = RunChips(self)
        for panel in self._every_panel:
            panel.hide()  # until the board lays it out
        self._chips.shown_changed.connect(self.set_run_visible)
        self._chips.renamed.connect(self.rename_run)
        self._chips.removed.connect(self.remove_run)
        self._lay_out()
        self._color_warning()
        self.setAccessibleName(self.tr("Training curves"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._rebuild()
        self.catch_up()

    @classmethod
    def in_slices(cls, theme: Theme, parent: QWidget) -> Generator[None, None, Curves]:
        """Make one half a plot at a time."""
        panels = []
        for panel in make_panels(theme, parent):
            if panel is not None:
                panel.hide()
                panels.append(panel)
            yield
        return cls(theme, parent, panels)

    @property
    def theme(self) -> Theme:
        """The theme whose colours it has."""
        return self._theme

    # What the window tells it

    def begin_run(self, run: Run) -> None:
        """Begin a run, which becomes the current one; the earlier ones stay, named and fainter.

        It is given a name that no other had, not even one that was removed, and a colour that no other has.
        """
        name, number = run.name, 2
        while run.name in self._names:
            run.name, number = f"{name} ({number})", number + 1
        self._names.add(run.name)
        self._runs = [run for run in self._runs if len(run.steps) or len(run.validation)]
        self._runs = self._runs[-(MAX_RUNS - 1) :]
        run.color = min(set(range(MAX_RUNS)) - {known.color for known in self._runs})
        self._runs.append(run)
        self._growing = run
        self._moment = None
        self._rebuild()

    def go_on(self, step: float) -> bool:
        """The run that ended last goes on after a step, and is the current one; False where it is removed."""
        run = self._ended
        if run is None or run not in self._runs:
            return False
        for table in (run.steps, run.train, run.validation):
            table.cut(step)
        self._runs.remove(run)
        self._runs.append(run)
        self._growing, self._moment = run, None
        self._rebuild()
        return True

    def name_objective(self, title: str) -> None:
        """The current run no longer maximises its ELBO: show what it does, if that is not on show."""
        run = self._growing
        if run is not None and not run.objective:
            run.objective = title
            self._rebuild()

    def append_steps(self, rows: Iterable[StepRow]) -> None:
        """Add steps to the current run: (step, epoch, seconds, metrics) each.

        The panels follow in turns, all within a fifth of a second.
        """
        run = self._growing
        if run is None:
            return
        run.steps.append(rows)
        self._turns.add(self._panels)

    def append_epoch(
        self,
        epoch: float,
        step: float,
        seconds: float,
        train: Numbers,
        validation: Numbers,
        kl_per_dimension: Sequence[float] = (),
        reference: float | None = None,
    ) -> None:
        """Add the end of an epoch to the current run; reference is what the ELBO should reach."""
        run = self._growing
        if run is None:
            return
        run.append_epoch(epoch, step, seconds, train, validation, kl_per_dimension, reference)
        self._show_key()
        self._turns.add(self._every_panel)

    def end_run(self) -> None:
        """The current run is over: let the axes end where it does."""
        if self._growing is not None:
            self._ended, self._growing = self._growing, None
        self._turns.add(self._panels)

    def give_way(self) -> None:
        """The user does something elsewhere: the panels wait a moment."""
        self._turns.give_way()

    def catch_up(self) -> None:
        """Show everything that was appended, without waiting for the panels' turns."""
        self._turns.finish()

    def set_moment(self, epoch: float | None) -> None:
        """Mark the moment that the time machine shows, by its epoch; None for now."""
        self._moment = epoch
        for panel in self._panels:
            panel.set_moment(self._place_of_moment())

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        self._theme = theme
        self.export.set_theme(theme)
        self._kl_bars.set_theme(theme)
        if self._current is not None:
            self._show_kl(self._current)
        for panel in self._panels:
            panel.set_theme(theme)
            panel.tint(self._shown_runs(), self._current)
        self._show_chips()
        self._key.set_theme(theme)
        self._readout.set_theme(theme)
        self._color_warning()

    def _content(self) -> tuple[list[Run], CurveKey, QWidget]:
        """What an export writes, with everything that was appended."""
        self.catch_up()
        for panel in self._every_panel:
            panel.plot.show()  # though the curves were never in front
        return self._runs, self._key, self._board.sheet

    # Runs

    @property
    def run_names(self) -> tuple[str, ...]:
        """The runs, oldest first; the last is the current one."""
        return tuple(run.name for run in self._runs)

    @property
    def warning(self) -> str:
        """Why the visible runs cannot be compared; empty where they can."""
        differing = difference([run for run in self._runs if run.visible])
        text = self.tr("Not comparable: these runs differ in {}. A click on a run hides it.")
        return text.format(differing) if differing else ""

    def rename_run(self, index: int, name: str) -> None:
        """Give a run another name."""
        self._runs[index].name = name
        self._names.add(name)
        self._rebuild_now()

    def remove_run(self, index: int) -> None:
        """Forget a run; if it still grows, what is appended is not kept."""
        if self._runs.pop(index) is self._growing:
            self._growing = None
        self._rebuild_now()

    def set_run_visible(self, index: int, visible: bool) -> None:
        """Show or hide a run."""
        self._runs[index].visible = visible
        self._rebuild_now()

    def set_axis(self, axis: str) -> None:
        """Plot by `step`, `epoch` or `seconds`."""
        if axis not in AXES:
            raise ValueError(f"an axis is one of {AXES}, not {axis!r}")
        self._axis = axis
        self._header.axis_box.setCurrentIndex(AXES.index(axis))
        self._rebuild_now()

    def showEvent(self, event: QShowEvent) -> None:
        """The first time, a plot at a time: laying out and painting all of them takes two frames."""
        super().showEvent(event)
        hidden = [p for p in self._every_panel if self._runs and p.plot.isHidden()]
        self._outdated.update(hidden)
        self._turns.add(hidden)

    # Painting

    @property
    def _current(self) -> Run | None:
        return self._runs[-1] if self._runs else None

    def _shown_panels(self) -> list[PlotPanel]:
        """The panels that the runs have numbers for."""
        runs = [run for run in self._runs if run.visible] or self._runs
        keys = {panel.measure.key for panel in self._panels}
        wanted = {key for key in keys if any(run.has(key) for run in runs)}
        return [*(p for p in self._panels if p.measure.key in wanted), self._kl_bars]

    def _colors(self) -> list[QColor]:
        """Every run's colour, which it keeps: the accent for the first, of the classes those unlike it for others."""
        palette = [
            self._theme.accent,
            *(self._theme.class_color(i) for i in (1, 2, 3, 4, 6, 7, 9)),
        ]
        return [palette[run.color] for run in self._runs]

    def _shown_runs(self) -> list[tuple[Run, QColor]]:
        """The visible runs with their colours."""
        return [pair for pair in zip(self._runs, self._colors(), strict=True) if pair[0].visible]

    def _show_chips(self) -> None:
        shown = [run.visible for run in self._runs]
        self._chips.set_runs([run.name for run in self._runs], self._colors(), shown)
        self._header.share()

    def _show_units(self, in_panels: bool) -> None:
        """The panels all name their units, or the key does once for all."""
        run = self._current
        self._key.set_unit("" if in_panels or run is None else run.unit)

    def _show_key(self) -> None:
        known = any(run.reference is not None for run in self._runs if run.visible)
        train = self._current.train_title if self._current else self.tr("train")
        self._key.set_names(train, has_reference=known)

    def _rebuild_now(self) -> None:
        """After what the user chose here."""
        self._rebuild()
        self.catch_up()

    def _rebuild(self) -> None:
        """After anything but new numbers: the panels follow in turns."""
        self._show_chips()
        self._show_key()
        self._name_panels()
        self._outdated = set(self._every_panel)
        self._turns.add(self._every_panel)
        self._warning.setText(self.warning)
        self._warning.setVisible(bool(self.warning))
        self._stack.setCurrentIndex(1 if self._runs else 0)
        self._header.setVisible(bool(self._runs))
        self._board.set_panels(self._shown_panels())

    def _rebuild_panel(self, panel: PlotPanel) -> None:
        self._outdated.discard(panel)
        current = self._current
        if isinstance(panel, CurvePanel):
            panel.fit_again()
            panel.show_runs(self._shown_runs(), current, self._axis)
            self._fit_panels([panel])
            self._show_value(panel, None)
            panel.set_moment(self._place_of_moment())
        elif current is not None:
            self._show_kl(current)
        is_seen = self.isVisible() or not panel.plot.isHidden()
        panel.plot.setVisible(current is not None and is_seen)

    def _show_kl(self, current: Run) -> None:
        self._kl_bars.set_values(current.kl_per_dimension, self._colors()[-1])

    def _name_panels(self) -> None:
        run = self._current
        if run is None:
            return
        elbo, reconstruction, *_, objective = self._panels
        elbo.set_title(run.label)
        objective.set_title(run.objective or self.tr("Objective"))
        for panel in self._panels:
            panel.set_classes(run.has_classes)
        for panel in (elbo, reconstruction, objective):  # a KL is in nats, whatever the likelihood
            panel.set_unit(run.unit)

    def _update_panel(self, panel: PlotPanel) -> None:
        """Show what has been appended since the panel's last turn."""
        run = self._current
        if panel in self._outdated:
            self._rebuild_panel(panel)
        elif run is None:
            return
        elif panel is self._kl_bars:
            self._show_kl(run)
        elif isinstance(panel, CurvePanel) and run.visible and self._board.shows(panel):
            panel.update_run(run, self._axis)
            self._fit_panels([panel])
            self._show_value(panel, None)

    def _fit_panels(self, panels: Iterable[CurvePanel]) -> None:
        runs = [run for run in self._runs if run.visible]
        end = max((run.end(self._axis) for run in runs), default=0.0)
        end = end if self._growing is None and end > 0 else rounded_up(end)
        for panel in panels:
            if self._board.shows(panel):
                panel.fit(runs, self._axis, end=end)

    def _refresh(self) -> None:
        """Panels that come into sight have missed the newest numbers."""
        run = self._current
        newest = [panel for panel in self._panels if panel not in self._outdated]
        for panel in newest:
            if run is not None and self._board.shows(panel):
                panel.update_run(run, self._axis)
        self._fit_panels(newest)

    # Read-out

    def _hover(self, x: float | None, source: CurvePanel) -> None:
        if not self._runs:
            return
        for panel in self._panels:
            panel.set_cursor(x)
            self._show_value(panel, x)
        if x is None:
            self._readout.hide()
            return
        self._readout.show_values(
            self._shown_runs(), source.measure.key, self._axis, x, source.number
        )
        self._readout.place_at(self.mapFromGlobal(source.place_of(x)))

    def _show_value(self, panel: CurvePanel, x: float | None) -> None:
        """Write the current run's number at x, or its newest one, at a panel's title."""
        run = self._current
        if run is None:
            panel.set_value("")
            return
        table = run.validation if len(run.validation) else run.steps
        row = len(table) - 1 if x is None else table.nearest(self._axis, x)
        known = row >= 0 and (run.has_classes or panel.measure.key not in OF_CLASSES)
        panel.set_value(panel.number(table.at(row, panel.measure.key)) if known else "")

    def _place_of_moment(self) -> float | None:
        run = self._current
        if run is None or self._moment is None:
            return None
        table = run.steps if len(run.steps) else run.validation
        row = table.nearest("epoch", self._moment)
        return table.at(row, self._axis) if row >= 0 else None

    # Layout

    def _take_panels(self, panels: Sequence[PlotPanel]) -> tuple[list[CurvePanel], KlBarsPanel]:
        *curves, bars = panels
        assert isinstance(bars, KlBarsPanel)
        plots = [panel for panel in curves if isinstance(panel, CurvePanel)]
        for panel in panels:
            panel.setParent(self)
            panel.keep_room()
        for panel in plots:
            panel.hovered.connect(self._hover)
        return plots, bars

    def _lay_out(self) -> None:
        self._key = CurveKey(self._theme, self)
        self._header = CurveHeader(self._chips, self._key, self.export, self)
        self._header.axis_box.activated.connect(lambda index: self.set_axis(AXES[index]))
        self._warning = QLabel("", self)
        self._warning.setFont(style.small_font())
        self._warning.setWordWrap(True)
        self._board = CurveBoard(self)
        self._board.arranged.connect(self._refresh)
        self._board.units_shown.connect(self._show_units)
        for panel in self._every_panel:
            panel.enlarge_requested.connect(self._board.toggle_enlarged)
        self._stack = QStackedLayout()
        self._stack.addWidget(
            EmptyState(
                self.tr("A training draws its curves here"),
                (
                    self.tr("The ELBO and its parts, accuracy, and KL by dimension."),
                    self.tr("Space starts and pauses; later runs join the earlier ones."),
                ),
                self,
            )
        )
        self._stack.addWidget(self._board)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(style.HALF)
        column.addWidget(self._header)
        column.addWidget(self._warning)
        column.addLayout(self._stack, 1)

    def _color_warning(self) -> None:
        self._warning.setStyleSheet(f"QLabel {{ color: {self._theme.warning.name()}; }}")
