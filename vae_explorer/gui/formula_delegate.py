"""Cells of a table with formulas: indices stand below the line, and the item's own text stays plain."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF
from PySide6.QtGui import QFont, QFontInfo, QFontMetrics, QFontMetricsF, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from vae_explorer.gui.notation import INDEX

_SIZE = 0.78  # of an index, beside the text's
_DROP = 0.22  # of the text's height: how far an index stands below the line


class FormulaDelegate(QStyledItemDelegate):
    """Paints E_q with q as an index."""

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        text = str(index.data())
        if INDEX.search(text) is None:
            super().paint(painter, option, index)
            return
        cell = QStyleOptionViewItem(option)
        self.initStyleOption(cell, index)
        style = cell.widget.style()
        room = style.subElementRect(QStyle.SubElement.SE_ItemViewItemText, cell, cell.widget)
        cell.text = ""
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, cell, painter, cell.widget)
        selected = bool(cell.state & QStyle.StateFlag.State_Selected)
        palette = cell.palette
        margin = style.pixelMetric(QStyle.PixelMetric.PM_FocusFrameHMargin, cell, cell.widget) + 1
        painter.save()
        painter.setClipRect(room)
        painter.setPen((palette.highlightedText() if selected else palette.text()).color())
        metrics = QFontMetrics(cell.font)
        line = room.top() + (room.height() - metrics.height()) // 2 + metrics.ascent()
        draw_formula(painter, QPointF(room.left() + margin, line), text, cell.font)
        painter.restore()


def draw_formula(painter: QPainter, start: QPointF, text: str, font: QFont) -> None:
    """Write a formula from a point on its line, with what follows an underscore as an index."""
    small = QFont(font)
    small.setPixelSize(round(QFontInfo(font).pixelSize() * _SIZE))
    drop = _DROP * QFontMetricsF(font).height()
    x = start.x()
    for position, part in enumerate(INDEX.split(text)):  # every second part is an index
        below = position % 2 == 1
        painter.setFont(small if below else font)
        painter.drawText(QPointF(x, start.y() + (drop if below else 0.0)), part)
        x += QFontMetricsF(painter.font()).horizontalAdvance(part)
