"""The figures of the model in hand, measured by the worker on the test images."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from vae_explorer.gui.controller.reporting import Reporter
from vae_explorer.gui.evaluation_page import FigureRow
from vae_explorer.gui.jobs import Evaluate
from vae_explorer.gui.main_window import MainWindow
from vae_explorer.gui.session import Session
from vae_explorer.gui.training_thread import Failed, Worker

if TYPE_CHECKING:
    from vae_explorer.engine.report import Figure, Report


class Evaluating(QObject):
    """Owns the evaluation's worker."""

    def __init__(
        self, window: MainWindow, session: Session, reporter: Reporter, data_dir: Path | None
    ) -> None:
        super().__init__(window)
        self._window, self._session = window, session
        self._reporter, self._data_dir = reporter, data_dir
        self._worker = Worker(self)
        self._worker.messages_arrived.connect(self._on_messages)
        self._worker.ended.connect(self._on_ended)
        page = window.evaluation
        page.evaluation_requested.connect(self.start)
        page.stop_requested.connect(self._worker.cancel)
        window.menus.evaluate.triggered.connect(self.open)

    def open(self) -> None:
        """Bring the page to the front and measure."""
        self._window.show_tab(self._window.evaluation)
        if not self._worker.busy:
            self._window.evaluation.request()

    def start(self, images: int, samples: int) -> None:
        """Measure a copy of the model, so that the one in hand can change meanwhile."""
        gallery = self._session.gallery
        if self._worker.busy or not self._session.ready:
            return
        if gallery is None:
            self._reporter.refuse(self.tr("There are no test images for this model."))
            return
        model = copy.deepcopy(self._session.explorer.model)
        self._window.evaluation.set_rows([])
        self._window.evaluation.set_running(True)
        self._worker.start(Evaluate(model, gallery.dataset, images, samples, self._data_dir))

    def forget(self) -> None:
        """Another model: the figures on show are of the old one."""
        self._worker.cancel()
        self._window.evaluation.set_rows([])
        self._window.evaluation.set_progress("")

    def shut_down(self) -> None:
        """Stop and wait: the window is closing."""
        self._worker.shut_down()

    def _on_messages(self, messages: Sequence[object]) -> None:
        from vae_explorer.engine.evaluation import Progress, Report

        for message in messages:
            if isinstance(message, Progress):
                text = f"{message.title}  {message.fraction:.0%}"
                self._window.evaluation.set_progress(text)
            elif isinstance(message, Report):
                self._show(message)
            elif isinstance(message, Failed):
                self._window.evaluation.set_progress("")
                self._reporter.error(message.error, message.details)

    def _show(self, report: Report) -> None:
        self._window.evaluation.set_rows([row(figure) for figure in report.figures])
        words = self.tr("{0}, {1} split, {2:,} images, {3}")
        self._window.evaluation.set_progress(
            words.format(report.dataset, report.split, report.images, report.unit)
        )

    def _on_ended(self) -> None:
        self._window.evaluation.set_running(False)


def row(figure: Figure) -> FigureRow:
    """A figure as the page shows it."""
    scale, digits, suffix = (100.0, 2, " %") if figure.unit == "fraction" else (1.0, 2, "")
    digits = 0 if figure.unit == "dimensions" else digits
    value = f"{figure.value * scale:.{digits}f}{suffix}".replace("-", "−")
    error = figure.standard_error
    shown = "" if error is None else f"{error * scale:.{digits}f}{suffix}"
    bits, samples = figure.bits_per_dimension, figure.samples
    return FigureRow(
        figure.title,
        value,
        shown,
        "" if bits is None else f"{bits:.4f}".replace("-", "−"),
        figure.certainty,
        "" if samples is None else f"{samples:,}",
        f"{figure.seconds:.1f}",
        figure.note,
    )
