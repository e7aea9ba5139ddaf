"""Where the settings of a form lie: one row a setting, in as many columns as there is room and need for."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from vae_explorer.gui import style

LEAST_COLUMN = 180  # pixels: a name and a field in which a short choice can be read
LINE = 24  # pixels of height: as much as the sheet gives a field, and a spin box asks a little more
BETWEEN = 2  # pixels between two rows
WISHED_COLUMN = 330  # pixels: wider ones let the fields stray far from each other
LONG_TITLE_COLUMN = 300  # pixels, from which there is room for the longest name beside a field


@dataclass(frozen=True, eq=False)
class Row:
    """A setting's name, its editor, and what stands behind that, where something can."""

    label: QLabel
    editor: QWidget
    title: str
    long_title: str
    note: QLabel | None = None


class SettingGrid(QGridLayout):
    """Lays out the rows whose editor is not hidden, down one column and on to the next."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setContentsMargins(0, 0, 0, 0)
        self.setHorizontalSpacing(style.GAP)
        self.setVerticalSpacing(BETWEEN)
        self._rows: list[Row] = []
        self._laid_out: tuple[object, ...] = ()
        self._room = (0, 0)
        self.lines = 0  # of settings, below each other

    def add_row(self, row: Row) -> None:
        """One more row, below the others."""
        row.editor.setFixedHeight(LINE)
        self._rows.append(row)

    def set_room(self, width: int, height: int) -> bool:
        """Say how much of it is in sight, in pixels; whether the rows then lie otherwise than before."""
        self._room = (width, height)
        return self.arrange()

    @property
    def pitch(self) -> int:
        """Pixels from one row to the next."""
        return LINE + self.verticalSpacing()

    def arrange(self) -> bool:
        """Put the rows that are shown in their places; whether these are others than before."""
        shown = [row for row in self._rows if not row.editor.isHidden()]
        columns, is_wide = self._columns(len(shown))
        plan = (columns, is_wide, *map(id, shown))
        if plan == self._laid_out:
            return False
        for column in range(self.columnCount()):
            self.setColumnStretch(column, 0)
        for line in range(self.rowCount()):
            self.setRowMinimumHeight(line, 0)
            self.setRowStretch(line, 0)
        while self.takeAt(0) is not None:
            pass
        self._laid_out = plan
        self.lines = -(-len(shown) // columns)
        for place, row in enumerate(shown):
            column, line = divmod(place, self.lines)
            self._put(row, line, column, is_wide=is_wide)
        self.setRowStretch(self.lines, 1)
        self.activate()  # no frame shows them on their way
        return True

    def _put(self, row: Row, line: int, column: int, *, is_wide: bool) -> None:
        row.label.setText(row.long_title if is_wide else row.title)
        row.label.setContentsMargins(style.GAP if column else 0, 0, 0, 0)
        self.addWidget(row.label, line, 3 * column)
        # at most as wide as it would be
        self.addWidget(row.editor, line, 3 * column + 1, Qt.AlignmentFlag.AlignLeft)
        if row.note is not None:
            self.addWidget(row.note, line, 3 * column + 2)
        self.setColumnStretch(3 * column + 1, 1)
        self.setRowMinimumHeight(line, LINE)

    def _columns(self, count: int) -> tuple[int, bool]:
        """How many columns, and whether they have room for long names."""
        width, height = self._room
        lines = max(1, (height + self.verticalSpacing()) // self.pitch)
        needed, most = -(-count // lines), max(1, width // LEAST_COLUMN)
        columns = max(1, min(most, max(needed, width // WISHED_COLUMN), count))
        return columns, width >= columns * LONG_TITLE_COLUMN
