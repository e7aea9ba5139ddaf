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

Writer = Callable[[Path], None]


class CurveExport(QWidget):
    """Asks what to write and where. `write_requested` gives the file's name, and a `Writer`: a table can be long.

    Args:
        content: gives the runs, the key to their lines, and the widget that shows them, up to date.
    """

    write_requested = Signal(str, object)
    refused = Signal(str)  # the sentence for the user

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

    def writer(self, kind: str) -> Writer:
        """What writes `csv` or `png` into a file, of the curves as they are now; any thread may call it."""
        runs, key, sheet = self._content()
        if kind == "csv":
            known = [run.so_far() for run in runs]
            return lambda path: write_whole(path, csv_bytes(known))
        picture = self._picture(key, sheet)
        return lambda path: write_whole(path, png_bytes(picture))

    def _picture(self, key: CurveKey, sheet: QWidget) -> QImage:
        """The panels as they are under their key, at twice the screen's resolution."""
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
        return picture

    def ask(self, kind: str) -> None:
        """Ask for a file to write `csv` or `png` into."""
        kinds = {"csv": self.tr("Table (*.csv)"), "png": self.tr("Picture (*.png)")}
        title = self.tr("Export the curves")
        try:
            start = paths.home() / f"curves.{kind}"  # Windows may start a program in its own folder
            path = ask_for_file(self, title, start, kinds[kind])
        except EngineError as error:
            self.refused.emit(str(error))
            return
        if path is not None:
            self.write_requested.emit(str(path), self.writer(kind))

    def _show_menu(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(self.tr("Numbers as a table (CSV)…"), lambda: self.ask("csv"))
        menu.addAction(self.tr("Picture (PNG)…"), lambda: self.ask("png"))
        menu.popup(self._button.mapToGlobal(QPoint(0, self._button.height())))
