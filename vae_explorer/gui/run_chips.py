"""Chips for the runs of the curves: show or hide, rename, remove."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QIcon,
    QPainter,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QInputDialog, QMenu, QSizePolicy, QToolButton, QWidget

from vae_explorer.gui import style

# Runs that are shown in the text's colour, hidden ones faint; no frames
_CHIP = """
    QToolButton { color: palette(shadow); border: 1px solid transparent; background: transparent;
        padding: 2px 6px; }
    QToolButton:checked { color: palette(text); border-color: transparent; background: transparent; }
    QToolButton:hover { background: palette(midlight); }
    QToolButton:focus { border-color: palette(highlight); }
"""
NAME_LENGTHS = (60, 40, 28, 20, 14, 9)  # characters: the longest at which all chips fit


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
        """Make the chips anew; the last run is the current one, whose name is bold beside others."""
        while self._chips:
            chip = self._chips.pop()
            self._row.removeWidget(chip)
            chip.hide()
            chip.deleteLater()
        for index, (name, color, visible) in enumerate(zip(names, colors, shown, strict=True)):
            chip = self._chip(index, name, color, visible)
            font = style.small_font()
            font.setBold(0 < index == len(names) - 1)
            chip.setFont(font)
            self._chips.append(chip)
            self._row.insertWidget(index, chip)
        self._shorten()

    @property
    def wished_width(self) -> int:
        """Pixels of width that let the names be read."""
        return sum(self._width_with(chip, NAME_LENGTHS[1]) for chip in self._chips)

    def _width_with(self, chip: QToolButton, length: int) -> int:
        """What a chip would take in the row with so many characters of its run's name."""
        name = shortened(str(chip.property("run_name")), length)
        advance = chip.fontMetrics().horizontalAdvance
        text = chip.text().replace("&&", "&")
        return chip.sizeHint().width() - advance(text) + advance(name) + style.HALF

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._shorten()

    def _shorten(self) -> None:
        """Write the names in full, or as much of them as lets all chips be seen."""
        for length in NAME_LENGTHS:
            for chip in self._chips:
                chip.setText(shortened(str(chip.property("run_name")), length).replace("&", "&&"))
            if sum(chip.sizeHint().width() + style.HALF for chip in self._chips) <= self.width():
                return

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
        chip.setIcon(_dash(color))
        chip.setIconSize(QSize(16, 16))
        chip.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        chip.setToolTip(self.tr("{}: click to show or hide, right-click for more").format(name))
        chip.setAccessibleName(self.tr("Run {}").format(name))
        chip.toggled.connect(lambda on, i=index: self.shown_changed.emit(i, on))
        chip.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        chip.customContextMenuRequested.connect(
            lambda place, i=index: self._show_menu(i, chip.mapToGlobal(place))
        )
        chip.setStyleSheet(_CHIP)
        return chip

    def _show_menu(self, index: int, place: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(self.tr("Rename…"), lambda: self.ask_name(index))
        menu.addAction(self.tr("Remove"), lambda: self.removed.emit(index))
        menu.popup(place)


def shortened(name: str, length: int) -> str:
    """A name within so many characters: what is cut out stands before the number of its repetition."""
    if len(name) <= length:
        return name
    tail = name[name.rfind(" (") :] if name.endswith(")") else ""
    return name[: max(1, length - 1 - len(tail))].rstrip(" ,") + "…" + tail


def _dash(color: QColor) -> QIcon:
    """A short line in the colour of the curve."""
    pixmap = QPixmap(32, 32)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setPen(QPen(color, 4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.drawLine(4, 16, 28, 16)
    painter.end()
    return QIcon(pixmap)
