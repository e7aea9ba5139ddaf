"""Python's garbage is collected on the window's thread, and on no other.

Left alone, a collection runs in whichever thread makes one object too many. In a training's thread
it would take apart what is Qt's, a plot that was replaced for one, beside the thread that paints it.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

from vae_explorer.gui.jobs import is_uncollected

INTERVAL_MS = 1000


class Collector(QObject):
    """Collects as often as Python would, but by the window's own clock."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        gc.disable()
        self._timer = QTimer(self)
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self.collect)
        self._timer.start()

    def collect(self) -> None:
        """Collect the oldest generation that is due, and with it the younger ones; not amid an import."""
        if is_uncollected():
            return
        due = [count > most for count, most in zip(gc.get_count(), gc.get_threshold(), strict=True)]
        if any(due):
            gc.collect(max(generation for generation, is_due in enumerate(due) if is_due))

    def stop(self) -> None:
        """The window is closing: Python collects by itself again."""
        self._timer.stop()
        gc.enable()
