"""What a page says before there is anything on it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from vae_explorer.gui import style


class EmptyState(QWidget):
    """In the middle of a page: what it is for, and below it how to fill it."""

    def __init__(self, title: str, lines: tuple[str, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setSpacing(style.HALF)
        column.addStretch(1)
        muted = (style.muted_label(line, self, wrap=True) for line in lines)
        for label in (style.section_title(title, self), *muted):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(label)
        column.addStretch(1)
