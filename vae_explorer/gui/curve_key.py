"""The key to the curves: which line is which, and in which unit."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from vae_explorer.gui import style
from vae_explorer.gui.style import Theme


class CurveKey(QWidget):
    """Says which line is which: solid with points for validation, dashed for train, dotted for a closed form.

    Where there is no room for all of it the last names are cut short, or left out; the thin lines
    are named where the runs leave room for it, and the unit where no panel names it.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._unit, self._room = "", style.UNLIMITED
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

    def set_unit(self, unit: str) -> None:
        """Name the unit of all panels; nothing where they do it."""
        self._unit = unit
        self.updateGeometry()
        self.update()

    def set_room(self, room: int) -> None:
        """Say how wide it can be beside what is more important, in pixels."""
        self._room = room
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        lines = sum(self._width_of(text) for text, _ in self._lines())
        whole = lines + self._width_of_unit()
        if whole <= self._room:
            return QSize(whole, 20)
        return QSize(min(lines, max(self._room, self.minimumSizeHint().width())), 20)

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
            if pen.style() == Qt.PenStyle.SolidLine and pen.widthF() > 1:  # but for the batches
                painter.setBrush(pen.color())
                painter.drawEllipse(QPointF(left + 11, height / 2), 2, 2)
            painter.setPen(self._theme.muted)
            place = QRectF(left + 28, 0, self._width_of(text), height)
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, shown)
            left += self._width_of(text)
        if left + self._width_of_unit() <= width:
            place = QRectF(left, 0, self._width_of_unit(), height)
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, self._unit)

    def _lines(self) -> list[tuple[str, QPen]]:
        """The names and the lines that they stand for, in order."""
        solid, dashed = QPen(self._theme.muted, 1.2), QPen(self._theme.muted, 1.2)
        dashed.setDashPattern([4, 3])
        lines = [(self.tr("validation"), solid), (self._train, dashed)]
        if self._has_reference:
            dotted = QPen(self._theme.warning, 1.2)
            dotted.setDashPattern([1, 3])
            lines.append((self.tr("closed form, train"), dotted))
        thin = QColor(self._theme.muted)
        thin.setAlphaF(0.45)  # as it is in the panels
        batches = (self.tr("ten batches"), QPen(thin, 1))
        wide = sum(self._width_of(text) for text, _ in (*lines, batches)) + self._width_of_unit()
        return [*lines, batches] if wide <= self._room else lines

    def _width_of_unit(self) -> int:
        advance = round(QFontMetricsF(self.font()).horizontalAdvance(self._unit))
        return advance + 14 if advance else 0

    def _width_of(self, text: str) -> int:
        return 28 + round(QFontMetricsF(self.font()).horizontalAdvance(text)) + 14
