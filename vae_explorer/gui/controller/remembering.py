"""What the window remembers, and a word about it where it cannot."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSettings, QTimer

from vae_explorer.gui.controller.reporting import Reporter
from vae_explorer.gui.main_window import MainWindow

TELLING_MS = 1_000  # after a change, and whatever is said of the change itself


class Remembering(QObject):
    """Says once that the settings cannot be written, when nothing else is being said."""

    def __init__(self, window: MainWindow, settings: QSettings, reporter: Reporter) -> None:
        super().__init__(window)
        self._window, self._settings, self._reporter = window, settings, reporter
        self._telling = QTimer(self)
        self._telling.setSingleShot(True)
        self._telling.setInterval(TELLING_MS)
        self._telling.timeout.connect(self._tell)
        settings.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.UpdateRequest:  # by which Qt writes what was changed
            self._telling.start()
        return False

    def _tell(self) -> None:
        if self._settings.status() != QSettings.Status.AccessError:
            return
        if self._window.banner.text():
            self._telling.start()
            return
        self._settings.removeEventFilter(self)
        told = self.tr("Theme, sizes and recent models are not remembered: {0} cannot be written.")
        self._reporter.inform(told.format(self._settings.fileName()))
