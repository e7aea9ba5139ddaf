"""A line of words over a progress bar, whose room they take where one line is too short."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent, QTextLayout, QTextOption
from PySide6.QtWidgets import QLabel, QProgressBar, QSizePolicy, QWidget

from vae_explorer.gui import style


class StatusLine(QWidget):
    """Muted words, which end in an ellipsis where they are too long; the tooltip then has all of them."""

    def __init__(self, bar: QProgressBar, parent: QWidget) -> None:
        """`bar`: of a fixed height, which is placed under the line."""
        super().__init__(parent)
        self._whole, self._may_cover = "", False
        self._label, self._bar = QLabel(self), bar
        bar.setParent(self)
        self._label.setTextFormat(Qt.TextFormat.PlainText)  # a file may be called what HTML is
        self._label.setProperty("muted", True)
        self._label.setStyleSheet('QLabel[bad="true"] { color: palette(bright-text); }')
        self._label.setFont(style.number_font(style.FONT_SMALL))
        self._line = self._label.fontMetrics().lineSpacing() + 2
        self.setFixedHeight(self._line + style.HALF + bar.height())
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def show_text(self, text: str, *, bad: bool, may_cover: bool) -> None:
        """Show a text, `bad` or not, on a second line too if it `may_cover` the bar."""
        self._whole, self._may_cover = text, may_cover
        if bad != bool(self._label.property("bad")):
            self._label.setProperty("bad", bad)
            self._label.style().unpolish(self._label)
            self._label.style().polish(self._label)
        self._fit()

    def text(self) -> str:
        """What can be read, a line or two."""
        return self._label.text()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Nothing but the words and the bar moves: no layout is asked."""
        first = self._first_line() if self._may_cover else ""
        rest, mode = self._whole[len(first) :], Qt.TextElideMode.ElideRight
        shown = self._label.fontMetrics().elidedText(rest, mode, self.width())
        self._label.setText(f"{first}\n{shown}" if first else shown)
        self.setToolTip("" if shown == rest else self._whole)
        self._label.setGeometry(0, 0, self.width(), self.height() if first else self._line)
        self._bar.setGeometry(
            0, self.height() - self._bar.height(), self.width(), self._bar.height()
        )
        self._bar.setHidden(bool(first))

    def _first_line(self) -> str:
        """The words of the first of two lines; nothing where one is enough."""
        layout = QTextLayout(self._whole, self._label.font())
        anywhere = QTextOption()  # else a long word, such as a file's name, would be cut off
        anywhere.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        layout.setTextOption(anywhere)
        layout.beginLayout()
        line = layout.createLine()
        line.setLineWidth(self.width())
        layout.endLayout()
        units = self._whole.encode("utf-16-le")  # which Qt counts, and Python does not
        first = units[: 2 * line.textLength()].decode("utf-16-le")
        return first if len(first) < len(self._whole) else ""
