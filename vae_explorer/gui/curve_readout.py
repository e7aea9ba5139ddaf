"""The read-out under the cursor: the nearest values of every visible run, beside the line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QLabel, QWidget

from vae_explorer.gui import style
from vae_explorer.gui.curve_data import Run
from vae_explorer.gui.plot_panel import clock
from vae_explorer.gui.style import Theme

_OFFSET = 8  # pixels between the line and the read-out


class CurveReadout(QLabel):
    """A label that floats over the curves and lets the mouse through."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFont(style.number_font(style.FONT_SMALL))
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setStyleSheet(
            "QLabel { background: palette(button); color: palette(text);"
            " border: 1px solid palette(mid); border-radius: 4px; padding: 3px 6px; }"
        )
        self.hide()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        self._theme = theme

    def show_values(
        self,
        runs: Sequence[tuple[Run, QColor]],
        key: str,
        axis: str,
        x: float,
        number: Callable[[float], str],
    ) -> None:
        """Write the values of metric `key` nearest to x; `number` turns a value into text."""
        rows = [f"<span style='color:{self._theme.muted.name()}'>{self._place(axis, x)}</span>"]
        for run, color in runs:
            values = self._values(run, key, axis, x, number, alone=len(runs) == 1)
            dash = f"<span style='color:{color.name()}'>━</span>"
            name = f"{dash} {escape(run.name)} " if len(runs) > 1 else ""
            if values:
                rows.append(f"{name}{values}")
        self.setText("<br>".join(rows))
        self.adjustSize()
        self.show()

    def place_at(self, at: QPoint) -> None:
        """Stand beside a point of the parent, on the side where there is room."""
        around = self.parentWidget()
        assert around is not None
        left = at.x() + _OFFSET
        if left + self.width() > around.width():
            left = at.x() - _OFFSET - self.width()
        top = min(at.y() + style.HALF, around.height() - self.height())
        self.move(max(0, left), max(0, top))
        self.raise_()

    def _values(
        self,
        run: Run,
        key: str,
        axis: str,
        x: float,
        number: Callable[[float], str],
        *,
        alone: bool,
    ) -> str:
        """`validation −120.3, train −118.9`; before the first epoch, the step's own value.

        Beside another run one has no values where it did not come.
        """
        train = self.tr("train") if key == "objective" else run.train_title
        tables = [(self.tr("validation"), run.validation), (train, run.train)]
        if not len(run.validation):
            tables = [(self.tr("step"), run.steps)]
        texts = []
        for name, table in tables:
            row = table.nearest(axis, x)
            if row >= 0 and (alone or x <= run.end(axis)):
                texts.append(f"{name} <b>{number(table.at(row, key))}</b>")
        if texts and key == "elbo" and run.reference is not None:
            texts.append(f"{self.tr('closed form, train')} <b>{number(run.reference)}</b>")
        return ", ".join(texts)

    def _place(self, axis: str, x: float) -> str:
        if axis == "seconds":
            return clock(x)
        if axis == "epoch":
            return self.tr("epoch {}").format(f"{x:,.2f}")
        return self.tr("step {}").format(f"{x:,.0f}")
