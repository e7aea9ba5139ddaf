"""The line above the curves: the runs, the key to their lines, the horizontal axis, and the export."""

from __future__ import annotations

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from vae_explorer.gui import style
from vae_explorer.gui.curve_export import CurveExport
from vae_explorer.gui.curve_key import CurveKey
from vae_explorer.gui.run_chips import RunChips


class CurveHeader(QWidget):
    """Shares the width: the names of the runs come first, then what the lines are."""

    def __init__(
        self, chips: RunChips, key: CurveKey, export: CurveExport, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._chips, self._key, self._export = chips, key, export
        self.axis_box = QComboBox(self)
        self.axis_box.addItems([self.tr("by step"), self.tr("by epoch"), self.tr("by time")])
        self.axis_box.setAccessibleName(self.tr("Horizontal axis"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(style.GAP)
        row.addWidget(chips, 1)
        for widget in (key, self.axis_box, export):
            row.addWidget(widget)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.share()

    def share(self) -> None:
        """Leave to the key what the names of the runs need not."""
        others = sum(w.sizeHint().width() for w in (self.axis_box, self._export))
        self._key.set_room(self.width() - others - self._chips.wished_width - 3 * style.GAP)
