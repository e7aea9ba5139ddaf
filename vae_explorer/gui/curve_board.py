"""Where the curve panels lie: one row if they fit, else two, else pages with tabs."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QTabBar, QVBoxLayout, QWidget

from vae_explorer.gui import style
from vae_explorer.gui.plot_panel import PlotPanel

PANEL_LEAST = (172, 104)
"""Width and height below which a panel says too little."""


class CurveBoard(QWidget):
    """Lays panels out by the room there is; one of them may fill it all."""

    arranged = Signal()
    """Other panels than before are in sight."""
    units_shown = Signal(bool)
    """Whether the panels in sight name their units: all of them, or none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panels: list[PlotPanel] = []
        self._enlarged: PlotPanel | None = None
        self._page = 0
        self._laid_out: list[tuple[PlotPanel, int, int]] = []
        self.tabs = QTabBar(self)
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.setUsesScrollButtons(True)
        self.tabs.currentChanged.connect(self._turn_page)
        self.sheet = QWidget(self)
        self._grid = QGridLayout(self.sheet)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(style.GRID * 2)
        self._grid.setVerticalSpacing(style.GAP)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(style.HALF)
        column.addWidget(self.tabs)
        column.addWidget(self.sheet, 1)

    def set_panels(self, panels: Sequence[PlotPanel]) -> None:
        """Say which panels there are to show, in order."""
        for panel in self._panels:
            if panel not in panels:
                panel.hide()
        self._panels = list(panels)
        self.arrange()

    def toggle_enlarged(self, panel: PlotPanel) -> None:
        """Let a panel fill the board, or put it back among the others."""
        self._enlarged = None if self._enlarged is panel else panel
        self.arrange()

    def shows(self, panel: PlotPanel) -> bool:
        """Whether a panel is in sight."""
        return any(shown is panel for shown, _, _ in self._laid_out)

    def minimumSizeHint(self) -> QSize:
        return QSize(PANEL_LEAST[0], PANEL_LEAST[1])  # one panel: the others then go to pages

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.arrange()

    def arrange(self) -> None:
        """Lay the panels out for the room there is."""
        if not self._panels:
            return
        across, down = self._room()
        room = min(across * down, len(self._panels))
        pages = [self._panels[i : i + room] for i in range(0, len(self._panels), room)]
        self._page = min(self._page, len(pages) - 1)
        chosen = list(pages[self._page])
        if self._enlarged in self._panels and self._enlarged is not None:
            chosen, pages = [self._enlarged], [self._panels]
        self._set_tabs(pages)
        columns = -(-len(chosen) // (down if len(chosen) > across else 1))
        self._lay_out([(p, *divmod(i, columns)) for i, p in enumerate(chosen)])
        gap = self._grid.horizontalSpacing()
        width = (self.width() + gap) // columns - gap
        fit = all(panel.has_room_for_unit(width) for panel in chosen)
        for panel in self._panels:
            panel.show_unit(fit)
        self.units_shown.emit(fit)

    def _room(self) -> tuple[int, int]:
        """How many panels fit beside and below each other."""
        gap = self._grid.horizontalSpacing()
        across = max(1, (self.width() + gap) // (PANEL_LEAST[0] + gap))
        enough = self.height() >= 2 * PANEL_LEAST[1] + style.GAP
        return across, 2 if enough and across < len(self._panels) else 1

    def _lay_out(self, wanted: list[tuple[PlotPanel, int, int]]) -> None:
        if wanted == self._laid_out:
            return
        shown = [panel for panel, _, _ in wanted]
        for panel, _, _ in self._laid_out:
            self._grid.removeWidget(panel)
        self._laid_out = wanted
        for panel in self._panels:
            panel.setVisible(panel in shown)
        for panel, row, column in wanted:
            self._grid.addWidget(panel, row, column)
        columns = 1 + max(column for _, _, column in wanted)
        for column in range(self._grid.columnCount()):
            self._grid.setColumnStretch(column, int(column < columns))
        self.arranged.emit()

    def _set_tabs(self, pages: Sequence[Sequence[PlotPanel]]) -> None:
        titles = [" · ".join(panel.title for panel in page) for page in pages]
        if [self.tabs.tabText(i) for i in range(self.tabs.count())] != titles:
            self.tabs.blockSignals(True)
            while self.tabs.count():
                self.tabs.removeTab(0)
            for title in titles:
                self.tabs.addTab(title)
            self.tabs.setCurrentIndex(min(self._page, len(titles) - 1))
            self.tabs.blockSignals(False)
        self.tabs.setVisible(len(titles) > 1)

    def _turn_page(self, page: int) -> None:
        self._page = max(0, page)
        self.arrange()
