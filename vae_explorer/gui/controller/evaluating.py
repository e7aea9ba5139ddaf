"""The figures of the model in hand, measured by the worker on the images of a split."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from vae_explorer.engine.errors import Cancelled
from vae_explorer.engine.evaluation_config import EvaluationConfig
from vae_explorer.engine.report import (
    Figure,
    Report,
    digits,
    document,
    figure_cells,
    headlines,
)
from vae_explorer.gui.controller.reporting import Reporter
from vae_explorer.gui.evaluation_page import FigureRow
from vae_explorer.gui.gallery import Source
from vae_explorer.gui.jobs import CompareGradients, Evaluate
from vae_explorer.gui.main_window import MainWindow
from vae_explorer.gui.session import Session
from vae_explorer.gui.training_thread import Failed, Worker

if TYPE_CHECKING:
    from vae_explorer.engine.gradients import EstimatorComparison
    from vae_explorer.engine.measurement import Progress

MAX_GRID_DIMENSIONS = 2  # beyond, no grid over z is fine enough


class Evaluating(QObject):
    """Owns the evaluation's worker."""

    def __init__(
        self, window: MainWindow, session: Session, reporter: Reporter, data_dir: Path | None
    ) -> None:
        super().__init__(window)
        self._window, self._session = window, session
        self._reporter, self._data_dir = reporter, data_dir
        self._report: Report | None = None
        self._comparison: EstimatorComparison | None = None
        self._stale = False  # what runs measures a model that is no longer in hand
        self._epoch: float | None = None  # of the training, whose weights are measured
        self._is_half = False  # whether these are of half precision
        self._moved = False  # the weights in hand became others while these were measured
        self._worker = Worker(self)
        self._worker.messages_arrived.connect(self._on_messages)
        self._worker.ended.connect(self._on_ended)
        page = window.evaluation
        page.evaluation_requested.connect(self.start)
        page.gradients_requested.connect(self.compare_gradients)
        page.stop_requested.connect(self._worker.cancel)
        window.menus.evaluate.triggered.connect(self.open)

    def open(self) -> None:
        """Bring the page to the front and measure the test images, whatever was measured last."""
        self._window.show_tab(self._window.evaluation)
        if not self._worker.busy:
            self._window.evaluation.choose_test_images()
            self._window.evaluation.request()

    def start(self, dataset: str, split: str, config: EvaluationConfig) -> None:
        """Measure the model in hand, whose weights stay as they are."""
        if source := self._source(dataset):
            self._report = None
            self._run(Evaluate(self._session.explorer.model, source, split, config, self._data_dir))

    def compare_gradients(self, dataset: str) -> None:
        """Measure how much both estimators of ∇_ψ scatter."""
        if source := self._source(dataset):
            self._comparison = None
            self._run(CompareGradients(self._session.explorer.model, source, self._data_dir))

    def content(self) -> dict[str, Any] | None:
        """The figures on show as the command line's `--json` writes them; None without any."""
        if self._report is None:
            return None
        path = self._session.path
        return document(path.name if path else None, self._report, self._comparison, self._epoch)

    def _source(self, dataset: str) -> Source | None:
        """The data set of that key, where something can be measured on it now."""
        if self._worker.busy:
            return None
        if not self._session.ready:
            self._reporter.refuse(self.tr("No model is open yet."))
            return None
        source = next((s for s in self._session.sources if s.dataset == dataset), None)
        if source is None:
            self._reporter.refuse(self.tr("There are no images for this model."))
        return source

    def _run(self, job: Evaluate | CompareGradients) -> None:
        self._stale = False
        if self._session.epoch != self._epoch:  # what is on show is of other weights
            self._report = self._comparison = None
        self._epoch, self._moved = self._session.epoch, False
        self._is_half = self._session.is_half
        self._show_rows()
        self._window.evaluation.set_running(True)
        self._window.evaluation.set_progress(self.tr("Reading the images…"), 0.0)
        self._worker.start(job)

    def weights_changed(self) -> None:
        """Drop figures of weights that are no longer in hand.

        What runs measures a copy: its figures stay, under the epoch that they are of.
        """
        page, busy = self._window.evaluation, self._worker.busy
        if self._moved or self._session.epoch == self._epoch or not (busy or page.rows()):
            return
        self._moved = busy
        self._report = self._comparison = None
        self._show_rows()
        if not busy:
            page.set_progress("")

    def forget(self) -> None:
        """Another model, or another class prior: the figures on show are of the old one."""
        self._worker.cancel()
        self._stale = True
        self._report = self._comparison = None
        self._epoch, self._moved = self._session.epoch, False
        self._show_rows()
        page, explorer = self._window.evaluation, self._session.explorer
        page.set_progress("")
        estimated = explorer.kind != "ppca"
        exact = estimated and explorer.latent_dim <= MAX_GRID_DIMENSIONS
        page.set_model(explorer.config.given_class, estimated, exact)
        page.set_sources(self._session.sources)

    def shut_down(self) -> None:
        """Stop and wait: the window is closing."""
        self._worker.shut_down()

    def _on_messages(self, messages: Sequence[object]) -> None:
        from vae_explorer.engine.gradients import EstimatorComparison
        from vae_explorer.engine.measurement import Progress

        for message in () if self._stale else messages:
            if isinstance(message, Progress):
                self._window.evaluation.set_progress(self._step(message), message.share)
            elif isinstance(message, Report):
                self._report = message
                self._show()
            elif isinstance(message, EstimatorComparison):
                self._comparison = message
                self._show()
            elif isinstance(message, Failed) and not isinstance(message.error, Cancelled):
                self._reporter.error(message.error, message.details)

    def _step(self, progress: Progress) -> str:
        """What is measured now, and how much of all the work is done."""
        words = self.tr("step {0} of {1}: {2}")
        step = words.format(progress.step, progress.steps, progress.title)
        text = step if progress.steps > 1 else progress.title
        return self.tr("{0:.0f} % · {1}").format(100 * progress.share, text)

    def _show_rows(self) -> None:
        figures = [] if self._report is None else [row(f) for f in self._report.figures]
        gradients = [] if self._comparison is None else gradient_rows(self._comparison)
        self._window.evaluation.set_rows([*figures, *gradients])
        self._window.evaluation.set_saving_offered(self._report is not None)

    def _show(self) -> None:
        """The figures, and what they are of."""
        self._show_rows()
        lines = [] if self._report is None else headlines(vars(self._report))
        if (found := self._comparison) is not None:
            words = self.tr(
                "the score function has {0:,.0f} times the variance of the reparameterization"
                " ({1} draws, {2} images)"
            )
            lines.append(words.format(found.ratio, found.draws, found.images))
        if lines and self._epoch is not None:
            words = (
                self.tr("weights of epoch {0:.2f}, in half precision")
                if self._is_half
                else self.tr("weights of epoch {0:.2f}")
            )
            lines.append(words.format(self._epoch))
        self._window.evaluation.set_progress("; ".join(lines))

    def _on_ended(self) -> None:
        self._window.evaluation.set_running(False)
        self._show()  # what was there before, where it was stopped


def row(figure: Figure) -> FigureRow:
    """A figure as the page shows it."""
    return FigureRow(*figure_cells(figure, 2), figure.note)


def gradient_rows(found: EstimatorComparison) -> list[FigureRow]:
    """The comparison as the page shows it, beside what the variances are to be held against."""
    note = f"{found.draws} draws of the same {found.images} train images, M = 1"
    times = f"{note}; {found.ratio:,.0f} times as much as by reparameterization"
    rows = (
        ("Var ∇_ψ ELBO, reparameterization", found.reparameterization, note),
        ("Var ∇_ψ ELBO, score function", found.score_function, times),
        ("‖∇_ψ ELBO‖²", found.squared_norm, "of the mean over the draws by reparameterization"),
    )
    return [
        FigureRow(title, digits(value), "", "", "estimate", "1", "", said)
        for title, value, said in rows
    ]
