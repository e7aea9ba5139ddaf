"""The live curves come into being behind the window: first their library, then half a plot at a time."""

from __future__ import annotations

import gc
import math
from collections.abc import Iterator

from PySide6.QtCore import QObject, Signal

from vae_explorer.gui.idle import IdleQueue
from vae_explorer.gui.main_window import MainWindow
from vae_explorer.gui.plot_library import finish_import

REST_MS = 60  # of the user's hands before the next piece is made


class Plots(QObject):
    """Makes the curves before they are asked for. `made` tells that they are there."""

    made = Signal()

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._idle = IdleQueue(self, REST_MS, math.inf, budget=0.0)
        self._begun = False

    def begin(self) -> None:
        """Make them, the first time that this is called."""
        if not self._begun:
            self._begun = True
            self._idle.run("curves", self._make())

    def give_way(self) -> None:
        """The user does something: half a plot can take a frame to make, and none is missed yet."""
        self._idle.give_way()

    def shut_down(self) -> None:
        """The window is closing."""
        self._idle.drop()
        finish_import()

    def _make(self) -> Iterator[None]:
        yield from self._window.make_curves()
        gc.freeze()  # the window is whole: what stays is not looked through for garbage
        self.made.emit()
