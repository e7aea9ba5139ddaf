"""What a new user is told on the canvas, until it has been done once."""

from __future__ import annotations

from PySide6.QtCore import QObject, QSettings

from vae_explorer.gui.main_window import MainWindow

_KEY = "hints/canvas_known"


class Hint(QObject):
    """Says on the canvas what can be done there, and never again to who has hovered and clicked."""

    def __init__(self, window: MainWindow, settings: QSettings) -> None:
        super().__init__(window)
        self._canvas, self._settings = window.canvas, settings
        self._has_hovered = self._has_picked = False
        if settings.value(_KEY, False, bool):
            return
        self._canvas.set_hint(self.tr("Move to decode · click to pin · Shift-drag for a path"))
        self._canvas.point_hovered.connect(self._on_hover)
        self._canvas.point_picked.connect(self._on_pick)

    def _on_hover(self) -> None:
        self._has_hovered = True
        self._settle()

    def _on_pick(self) -> None:
        self._has_picked = True
        self._settle()

    def _settle(self) -> None:
        if self._has_hovered and self._has_picked:
            self._settings.setValue(_KEY, True)
            self._canvas.set_hint("")
            self._canvas.point_hovered.disconnect(self._on_hover)
            self._canvas.point_picked.disconnect(self._on_pick)
