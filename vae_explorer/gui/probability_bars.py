"""Bars of q(y|x), what the classifier says, beside p(y|x), what the generative model says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from vae_explorer.gui import style, verdict_line
from vae_explorer.gui.notation import typeset_tip
from vae_explorer.gui.style import Theme
from vae_explorer.gui.verdict_line import Verdict

MAX_ROWS = 10
"""With more classes than this, the most probable are shown, in order."""

_ROW_HEIGHT = (15, 24)  # least and most, in pixels
_HEADLINE = (20, 36)  # where the rows need the room, and where there is enough
_COLUMN_GAP = 16  # pixels before a column of percentages
_BAR = 48  # pixels of width that names leave to the bars
_LEGEND = 20
_HINT = 20
_NEGLIGIBLE = 0.0005  # less than can be written: <0.1 %
_DOUBT = 1e-9  # nearer to 0 or 1 a probability is rounding, not certainty


@dataclass(frozen=True)
class _Heights:
    """How the height is shared, in pixels; `rows` is how many rows there are."""

    headline: int
    rows: int
    row: float
    hint: int


class ProbabilityBars(QWidget):
    """The verdict in large letters, and a row a class: a bar of q(y|x), under it a thin one of p(y|x)."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._names: tuple[str, ...] = ()
        self._q: NDArray[np.float64] | None = None
        self._verdict: NDArray[np.float64] | None = None
        self._message = self.tr("Draw to see what the model says")
        self._font = style.number_font(style.FONT_SMALL)
        self._widths = (0.0, 0.0)  # of the names, and of a column of percentages
        self._is_cut = False  # the longest name
        self._fitted_to: tuple[tuple[str, ...], int, int] = (), 0, 0
        self._bold = style.number_font(style.FONT_SMALL)
        self._bold.setWeight(QFont.Weight.DemiBold)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(self.tr("Class probabilities"))
        tip = self.tr(
            "q(y|x) is the classifier's; p(y|x) is what generation makes of it, in proportion to "
            "π_y exp ELBO(x|y): an approximation, for the ELBO is a bound, of a few samples"
        )
        self.setToolTip(typeset_tip(tip))

    def set_probabilities(
        self, q: ArrayLike | None, verdict: ArrayLike | None, names: Sequence[str]
    ) -> None:
        """Show q(y|x) and p(y|x), (C,) each; None where one is not known, both None for nothing."""
        self._names = tuple(names)
        self._q = _checked(q, len(self._names))
        self._verdict = _checked(verdict, len(self._names))
        self.setAccessibleDescription(self._in_words())
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        self._theme = theme
        self.update()

    @property
    def hint(self) -> str:
        """A sentence where the two disagree about the most probable class, else empty."""
        if self._q is None or self._verdict is None:
            return ""
        ours, theirs = self._q.argmax(), self._verdict.argmax()
        if ours == theirs:
            return ""
        return self._named(self.tr("The classifier says {}, the generative model {}."))

    def _hint_within(self, metrics: QFontMetricsF, width: float) -> str:
        """The hint, in fewer words where there is little room."""
        if metrics.horizontalAdvance(self.hint) <= width:
            return self.hint
        return self._named(self.tr("They disagree: q says {}, p says {}."))

    def _named(self, said: str) -> str:
        if self._q is None or self._verdict is None:
            return ""
        return said.format(self._names[self._q.argmax()], self._names[self._verdict.argmax()])

    # room for all rows there can be, whatever is shown: the pad must not move under a stroke

    def sizeHint(self) -> QSize:
        return QSize(260, _HEADLINE[1] + _LEGEND + _HINT + _ROW_HEIGHT[1] * MAX_ROWS)

    def minimumSizeHint(self) -> QSize:
        return QSize(180, _HEADLINE[0] + _LEGEND + _ROW_HEIGHT[0] * MAX_ROWS)

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        leading = self._q if self._q is not None else self._verdict
        if leading is None:
            self._paint_message(painter)
        else:
            self._paint_bars(painter, leading)
        painter.end()

    def _paint_message(self, painter: QPainter) -> None:
        painter.setPen(self._theme.muted)
        painter.setFont(style.base_font())
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(QRectF(self.rect()).adjusted(16, 0, -16, 0), flags, self._message)

    def _paint_bars(self, painter: QPainter, leading: NDArray[np.float64]) -> None:
        heights, shown = self._heights(), self._shown(leading)
        self._fit_columns()
        line = QRectF(0, 0, self.width(), heights.headline)
        verdict_line.paint(painter, line, self._verdicts(), self._theme)
        self._paint_legend(painter, heights.headline)
        best, top = int(leading.argmax()), heights.headline + _LEGEND
        for row, index in enumerate(shown):
            area = QRectF(0, top + row * heights.row, self.width(), heights.row)
            self._paint_row(painter, area, index, index == best)
        if heights.hint:
            below = QRectF(0, top + len(shown) * heights.row, self.width(), heights.hint)
            self._paint_hint(painter, below, len(shown))

    def _verdicts(self) -> list[Verdict]:
        """What is to be read from far away: the most probable class, of both where they disagree."""
        said = [
            (symbol, values)
            for symbol, values in (("q", self._q), ("p", self._verdict))
            if values is not None
        ]
        return [self._most_probable(*each) for each in (said if self.hint else said[:1])]

    def _most_probable(self, symbol: str, values: NDArray[np.float64]) -> Verdict:
        best = int(values.argmax())
        color = self._theme.class_color(best)
        return Verdict(symbol, self._names[best], self._percent(values[best]), color)

    def _paint_legend(self, painter: QPainter, top: float) -> None:
        """What the two bars are, and over each column of percentages its formula."""
        painter.save()
        painter.translate(0, top)
        font = style.small_font()
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        middle = Qt.AlignmentFlag.AlignVCenter
        _, number_width = self._widths
        entries = self._entries()
        needed = sum(31 + metrics.horizontalAdvance(name) for name, _, _ in entries)
        named = needed + number_width * len(entries) <= self.width()
        x = 0.0
        for column, (name, formula, thickness) in enumerate(entries):
            left = self.width() - number_width * (len(entries) - column)
            if not named:  # where there is no room for names, the formulas have the symbols
                x = left + number_width - metrics.horizontalAdvance(formula) - 16
            self._bar(
                painter, QRectF(x, _LEGEND / 2 - thickness / 2, 12, thickness), self._theme.muted
            )
            painter.setPen(self._theme.muted)
            if named:
                width = metrics.horizontalAdvance(name) + 2
                painter.drawText(QRectF(x + 17, 0, width, _LEGEND), middle, name)
                x += 17 + width + 12
            place = QRectF(left, 0, number_width, _LEGEND)
            painter.drawText(place, Qt.AlignmentFlag.AlignRight | middle, formula)
        painter.restore()

    def _entries(self) -> list[tuple[str, str, float]]:
        """Name, formula and thickness of the bars that are shown."""
        entries = []
        if self._q is not None:
            entries.append((self.tr("classifier"), "q(y|x)", 8.0))
        if self._verdict is not None:
            entries.append((self.tr("generative"), "≈ p(y|x)", 3.0))
        return entries

    def _paint_row(self, painter: QPainter, area: QRectF, index: int, is_best: bool) -> None:
        name_width, number_width = self._widths
        middle = Qt.AlignmentFlag.AlignVCenter
        shown = [values for values in (self._q, self._verdict) if values is not None]
        winners = [int(values.argmax()) == index for values in shown]
        told = [values[index] >= _NEGLIGIBLE for values in shown]
        self._set_pen(painter, loud=any(told), bold=is_best)
        name = self._names[index]
        if self._is_cut:
            metrics = QFontMetricsF(painter.font())
            name = metrics.elidedText(name, Qt.TextElideMode.ElideRight, name_width)
        painter.drawText(QRectF(0, area.top(), name_width, area.height()), middle, name)
        left = area.right() - number_width * len(shown)
        for column, (values, wins) in enumerate(zip(shown, winners, strict=True)):
            place = QRectF(left + column * number_width, area.top(), number_width, area.height())
            self._set_pen(painter, loud=told[column], bold=wins)
            flags = Qt.AlignmentFlag.AlignRight | middle
            painter.drawText(place, flags, self._percent(values[index]))
        width = left + _COLUMN_GAP / 2 - name_width - 8
        track = QRectF(name_width + 8, area.top(), width, area.height())
        self._paint_pair(painter, track, index, any(winners))

    def _set_pen(self, painter: QPainter, *, loud: bool, bold: bool) -> None:
        painter.setFont(self._bold if bold else self._font)
        painter.setPen(self._theme.text if loud else self._theme.muted)

    def _paint_pair(self, painter: QPainter, track: QRectF, index: int, wins: bool) -> None:
        """The thick bar of q(y|x) on its track, and the thin one of p(y|x) under it."""
        both = self._q is not None and self._verdict is not None
        thin, gap = 3.0, 2.0
        thick = min(12.0, max(5.0, track.height() * 0.5))
        top = track.center().y() - (thick + (gap + thin if both else 0)) / 2
        leading = self._q if self._q is not None else self._verdict
        assert leading is not None
        color = QColor(self._theme.class_color(index))
        ground = QRectF(track.left(), top, track.width(), thick)
        self._bar(painter, ground, self._theme.raised)
        if not wins:
            color.setAlphaF(0.7)
        width = track.width() * float(leading[index])
        self._bar(painter, QRectF(track.left(), top, width, thick), color)
        if both and self._verdict is not None:
            width = track.width() * float(self._verdict[index])
            under = QRectF(track.left(), top + thick + gap, width, thin)
            self._bar(painter, under, self._theme.muted)

    def _paint_hint(self, painter: QPainter, area: QRectF, shown: int) -> None:
        """Where the two disagree, a sentence about it; else how many classes are left out."""
        painter.setFont(style.small_font())
        metrics = QFontMetricsF(painter.font())
        text = self._hint_within(metrics, area.width())
        painter.setPen(self._theme.warning)
        if not text and shown < len(self._names):
            painter.setPen(self._theme.muted)
            text = self.tr("The {} most probable of {} classes").format(shown, len(self._names))
        text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, Qt.AlignmentFlag.AlignBottom, text)

    @staticmethod
    def _bar(painter: QPainter, area: QRectF, color: QColor) -> None:
        if area.width() < 0.5:
            return
        radius = min(area.height(), area.width()) / 2
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawRoundedRect(area, min(radius, 2.5), min(radius, 2.5))

    # Numbers

    def _heights(self) -> _Heights:
        """Everything as large as fits; no row is cut, and where classes are left out it is said."""
        classes, (least, most) = len(self._names), _ROW_HEIGHT
        rows = min(classes, MAX_ROWS)
        small, large = _HEADLINE
        headline = large if self.height() >= large + _LEGEND + rows * least else small
        room = self.height() - headline - _LEGEND
        hint = _HINT if classes > rows or room >= rows * least + _HINT else 0
        rows = max(1, min(rows, (room - hint) // least))
        return _Heights(headline, rows, min(max((room - hint) / rows, least), most), hint)

    def _shown(self, leading: NDArray[np.float64]) -> list[int]:
        """Classes in their own order, or the most probable first where there are many."""
        rows = self._heights().rows
        if len(leading) <= rows:
            return list(range(len(leading)))
        return [int(i) for i in np.argsort(-leading, kind="stable")[:rows]]

    def _fit_columns(self) -> None:
        """Widths of the names and of one column of percentages."""
        columns = len(self._entries())
        room = self._names, self.width(), columns
        if self._fitted_to == room:  # measuring texts takes a tenth of a paint
            return
        metrics = QFontMetricsF(self._bold)
        numbers = metrics.horizontalAdvance(">99.9 %") + _COLUMN_GAP
        names = max((metrics.horizontalAdvance(name) for name in self._names), default=0) + 2
        most = min(self.width() * 0.36, self.width() - columns * numbers - _BAR)
        self._is_cut = names > most
        self._widths = min(names, most), numbers
        self._fitted_to = room

    def _percent(self, value: float) -> str:
        """As a percentage; among several classes no float is sure, though it may round to 0 or 1."""
        several = len(self._names) > 1
        return percent(min(max(value, _DOUBT), 1 - _DOUBT) if several else value)

    def _in_words(self) -> str:
        if self._q is None:
            return self._message
        best = int(self._q.argmax())
        said = self.tr("Most probable: {}, {}.").format(
            self._names[best], self._percent(self._q[best])
        )
        return f"{said} {self.hint}".strip()


def percent(value: float) -> str:
    """A probability as a short percentage; it is never rounded to certainty."""
    if not np.isfinite(value):
        return "—"
    if 0.9995 <= value < 1:
        return ">99.9 %"
    if value >= 0.9995:
        return "100 %"
    if 0 < value < _NEGLIGIBLE:
        return "<0.1 %"
    return f"{100 * value:.1f} %"


def _checked(values: ArrayLike | None, classes: int) -> NDArray[np.float64] | None:
    if values is None:
        return None
    array = np.asarray(values, dtype=np.float64)
    if array.shape != (classes,):
        raise ValueError(f"{array.shape} probabilities for {classes} class names")
    return np.nan_to_num(array, nan=0.0)
