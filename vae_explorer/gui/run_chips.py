"""Chips for the runs of the curves: show or hide, rename, remove."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QIcon,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QInputDialog, QMenu, QSizePolicy, QToolButton, QWidget

from vae_explorer.gui import style
from vae_explorer.gui.style import Theme

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
        self._shorten()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._shorten()

    def _shorten(self) -> None:
        """Write the names in full, or as much of them as lets all chips be seen."""
        for length in NAME_LENGTHS:
            for chip in self._chips:
                name = str(chip.property("run_name"))
                short = name if len(name) <= length else name[: length - 1].rstrip(" ,") + "…"
                chip.setText(short.replace("&", "&&"))
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
        chip.setFont(style.small_font())
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


class CurveKey(QWidget):
    """Says which line is which: solid with points for validation, dashed for train."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._texts = (self.tr("validation"), self.tr("train"))
        self.setFont(style.small_font())
        self.setAccessibleName(self.tr("Solid lines are validation, dashed lines train"))
        self.setFixedSize(self._width_of(self._texts[0]) + self._width_of(self._texts[1]), 20)

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        self._theme = theme
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left, middle = 0, self.height() / 2
        for text, is_dashed in zip(self._texts, (False, True), strict=True):
            pen = QPen(self._theme.muted, 1.2)
            if is_dashed:
                pen.setDashPattern([4, 3])
            painter.setPen(pen)
            painter.drawLine(QPointF(left, middle), QPointF(left + 22, middle))
            if not is_dashed:
                painter.setBrush(self._theme.muted)
                painter.drawEllipse(QPointF(left + 11, middle), 2, 2)
            painter.setPen(self._theme.muted)
            place = QRectF(left + 28, 0, self.width(), self.height())
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, text)
            left += self._width_of(text)
        painter.end()

    def _width_of(self, text: str) -> int:
        return 28 + round(QFontMetricsF(self.font()).horizontalAdvance(text)) + 14


def _dash(color: QColor) -> QIcon:
    """A short line in the colour of the curve."""
    pixmap = QPixmap(32, 32)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setPen(QPen(color, 4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.drawLine(4, 16, 28, 16)
    painter.end()
    return QIcon(pixmap)
