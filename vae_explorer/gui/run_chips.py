"""Chips for the runs of the curves: show or hide, rename, remove."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QInputDialog, QMenu, QSizePolicy, QToolButton, QWidget

from vae_explorer.gui import style

MAX_NAME = 28  # characters


class RunChips(QWidget):
    """A chip a run, in its curve's colour. A click shows or hides it; its menu does the rest."""

    shown_changed = Signal(int, bool)
    renamed = Signal(int, str)
    removed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(style.HALF)
        self._row.addStretch(1)
        self._chips: list[QToolButton] = []
        # many runs may be wider than the window: the row is cut off, never the window widened
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setMinimumHeight(style.CONTROL_HEIGHT)

    def set_runs(
        self, names: Sequence[str], colors: Sequence[QColor], shown: Sequence[bool]
    ) -> None:
        """Make the chips anew."""
        while self._chips:
            chip = self._chips.pop()
            self._row.removeWidget(chip)
            chip.hide()
            chip.deleteLater()
        for index, (name, color, visible) in enumerate(zip(names, colors, shown, strict=True)):
            chip = self._chip(index, name, color, visible)
            self._chips.append(chip)
            self._row.insertWidget(index, chip)

    def ask_name(self, index: int) -> None:
        """Ask for a run's new name."""
        old = str(self._chips[index].property("run_name"))
        title, label = self.tr("Rename the run"), self.tr("Name")
        name, accepted = QInputDialog.getText(self, title, label, text=old)
        if accepted and name.strip():
            self.renamed.emit(index, name.strip())

    def _chip(self, index: int, name: str, color: QColor, visible: bool) -> QToolButton:
        chip = QToolButton(self)
        chip.setProperty("quiet", True)
        chip.setProperty("run_name", name)
        chip.setCheckable(True)
        chip.setChecked(visible)
        short = name if len(name) <= MAX_NAME else name[: MAX_NAME - 1] + "…"
        chip.setText(short.replace("&", "&&"))
        chip.setFont(style.small_font())
        chip.setIcon(_dash(color))
        chip.setIconSize(QSize(16, 16))
        chip.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        chip.setToolTip(self.tr("{}: click to show or hide, right-click for more").format(name))
        chip.setAccessibleName(self.tr("Run {}").format(name))
        chip.toggled.connect(lambda on, i=index: self.shown_changed.emit(i, on))
        chip.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        menu = QMenu(chip)
        rename = menu.addAction(self.tr("Rename…"))
        rename.triggered.connect(lambda _=False, i=index: self.ask_name(i))
        remove = menu.addAction(self.tr("Remove"))
        remove.triggered.connect(lambda _=False, i=index: self.removed.emit(i))
        chip.addActions([rename, remove])
        return chip


def _dash(color: QColor) -> QIcon:
    """A short line in the colour of the curve."""
    pixmap = QPixmap(32, 32)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setPen(QPen(color, 4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.drawLine(4, 16, 28, 16)
    painter.end()
    return QIcon(pixmap)
