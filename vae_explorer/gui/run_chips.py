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


class CurveKey(QWidget):
    """Says which line is which: solid with points for validation, dashed for train, dotted for a closed form.

    Where there is no room for all of it the last names are cut short, or left out.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setFont(style.small_font())
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.set_names(self.tr("train"), has_reference=False)

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        self._theme = theme
        self.update()

    def set_names(self, train: str, *, has_reference: bool) -> None:
        """Say what the dashed lines are, and whether there is a level of PPCA's closed form to name."""
        self._train, self._has_reference = train, has_reference
        text = self.tr(
            "Solid lines are validation, dashed lines train, thin grey ones train batches of ten steps"
        )
        if train != self.tr("train"):
            text = self.tr(
                "{0}: of the labelled images alone, but for the objective, which is of all"
            ).format(text)
        if has_reference:
            text = self.tr(
                "{0}; the dotted line is the log-likelihood that the closed form gives the train images"
            ).format(text)
        self.setToolTip(text)
        self.setAccessibleName(text)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(sum(self._width_of(text) for text, _ in self._lines()), 20)

    def minimumSizeHint(self) -> QSize:
        least = self.tr("validation"), self.tr("train")
        return QSize(sum(self._width_of(text) for text in least), 20)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self.draw(painter, self.width())
        painter.end()

    def draw(self, painter: QPainter, width: int) -> None:
        """Draw the lines and their names side by side, from the painter's origin, as far as they fit."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self.font())
        left, height = 0, self.sizeHint().height()
        metrics = QFontMetricsF(self.font())
        for text, pen in self._lines():
            room = width - left - self._width_of("")
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
            if len(shown) < 2:  # nothing, or an ellipsis alone
                break
            painter.setPen(pen)
            painter.drawLine(QPointF(left, height / 2), QPointF(left + 22, height / 2))
            if pen.style() == Qt.PenStyle.SolidLine:
                painter.setBrush(pen.color())
                painter.drawEllipse(QPointF(left + 11, height / 2), 2, 2)
            painter.setPen(self._theme.muted)
            place = QRectF(left + 28, 0, self._width_of(text), height)
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, shown)
            left += self._width_of(text)

    def _lines(self) -> list[tuple[str, QPen]]:
        """The names and the lines that they stand for, in order."""
        solid, dashed = QPen(self._theme.muted, 1.2), QPen(self._theme.muted, 1.2)
        dashed.setDashPattern([4, 3])
        lines = [(self.tr("validation"), solid), (self._train, dashed)]
        if self._has_reference:
            dotted = QPen(self._theme.warning, 1.2)
            dotted.setDashPattern([1, 3])
            lines.append((self.tr("closed form, train"), dotted))
        return lines

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
