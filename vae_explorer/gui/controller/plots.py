"""The live curves come into being behind the window: first their library, then half a plot at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from PySide6.QtCore import QObject, Signal

from vae_explorer.gui.idle import IdleQueue
from vae_explorer.gui.jobs import uncollected
from vae_explorer.gui.main_window import MainWindow
from vae_explorer.gui.training_thread import Worker

REST_MS = 60  # of the user's hands before the next half of a plot is made


class _ImportPlots:
    """Import the plot library away from the window: it takes most of a second."""

    def run(self, post: Callable[[object], None]) -> None:
        with uncollected():
            import pyqtgraph  # noqa: F401

    def cancel(self) -> None:
        """An import has no half way."""


class Plots(QObject):
    """Makes the curves before they are asked for. `made` tells that they are there."""

    made = Signal()

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._idle = IdleQueue(self, REST_MS, math.inf, budget=0.0)
        self._worker = Worker(self)
        self._worker.ended.connect(self._on_imported)
        self._begun = False

    def begin(self) -> None:
        """Make them, the first time that this is called."""
        if not self._begun:
            self._begun = True
            self._worker.start(_ImportPlots())

    def give_way(self) -> None:
        """The user does something: half a plot can take a frame to make, and none is missed yet."""
        self._idle.give_way()

    def shut_down(self) -> None:
        """The window is closing."""
        self._worker.shut_down()
        self._idle.drop()

    def _on_imported(self) -> None:
        self._idle.run("curves", self._make())

    def _make(self) -> Iterator[None]:
        yield from self._window.make_curves()
        self.made.emit()
