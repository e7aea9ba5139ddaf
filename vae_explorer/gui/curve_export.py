"""The button that writes the curves to a file: their numbers, or a picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QRegion
from PySide6.QtWidgets import QHBoxLayout, QMenu, QWidget

from vae_explorer import paths
from vae_explorer.engine.errors import EngineError
from vae_explorer.engine.files import write_whole
from vae_explorer.gui import style
from vae_explorer.gui.curve_data import Run, csv_bytes
from vae_explorer.gui.curve_key import CurveKey
from vae_explorer.gui.file_names import ask_for_file
from vae_explorer.gui.pixels import png_bytes
from vae_explorer.gui.style import Theme


class CurveExport(QWidget):
    """Asks what to write and where; `exported` or `failed` says what came of it.

    Args:
        content: gives the runs, the key to their lines, and the widget that shows them, up to date.
    """

    exported = Signal(str)
    failed = Signal(str)

    def __init__(
        self,
        theme: Theme,
        content: Callable[[], tuple[list[Run], CurveKey, QWidget]],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._theme, self._content = theme, content
        self._button = style.tool_button("export", self.tr("Export the curves"), theme, parent=self)
        self._button.clicked.connect(self._show_menu)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._button)

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        self._theme = theme
        style.retint(self._button, theme)

    def write_csv(self, path: str | Path) -> None:
        """Write the numbers of all runs as a table. Raises EngineError."""
        write_whole(Path(path), csv_bytes(self._content()[0]))

    def write_png(self, path: str | Path) -> None:
        """Write the panels as they are under their key, at twice the screen's resolution. Raises EngineError."""
        _, key, sheet = self._content()
        top = key.sizeHint().height() + style.HALF
        picture = QImage((sheet.size() + QSize(0, top)) * 2, QImage.Format.Format_RGB32)
        picture.setDevicePixelRatio(2)
        picture.fill(self._theme.panel)
        painter = QPainter(picture)
        painter.translate(style.HALF, 0)
        key.draw(painter, sheet.width() - style.HALF)
        painter.end()
        whole = QRegion(sheet.rect())
        sheet.render(picture, QPoint(0, top), whole, QWidget.RenderFlag.DrawChildren)
        write_whole(Path(path), png_bytes(picture))

    def ask(self, kind: str) -> None:
        """Ask for a file and write `csv` or `png`."""
        kinds = {"csv": self.tr("Table (*.csv)"), "png": self.tr("Picture (*.png)")}
        title = self.tr("Export the curves")
        try:
            start = paths.home() / f"curves.{kind}"  # Windows may start a program in its own folder
            path = ask_for_file(self, title, start, kinds[kind])
            if path is None:
                return
            self.write_csv(path) if kind == "csv" else self.write_png(path)
        except EngineError as error:
            self.failed.emit(str(error))
        else:
            self.exported.emit(str(path))

    def _show_menu(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(self.tr("Numbers as a table (CSV)…"), lambda: self.ask("csv"))
        menu.addAction(self.tr("Picture (PNG)…"), lambda: self.ask("png"))
        menu.popup(self._button.mapToGlobal(QPoint(0, self._button.height())))
