"""The widget that edits one setting, and how its value is read and written."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QLineEdit,
    QSpinBox,
    QStyle,
    QStyleOptionComboBox,
    QWidget,
)

from vae_explorer.engine.errors import ConfigError
from vae_explorer.gui import style
from vae_explorer.gui.training_settings import Setting, Value

FIELD_WIDTH = 220  # pixels at most: a number has few digits, and a choice few words

Editor = QComboBox | QSpinBox | QLineEdit | QCheckBox


class Choice(QComboBox):
    """A choice whose text ends in an ellipsis where the panel is too narrow for it."""

    def offer(self, title: str, value: str, explanation: str) -> None:
        """One more value to choose, and a tooltip that explains it."""
        self.addItem(title, value)
        self.setItemData(self.count() - 1, explanation, Qt.ItemDataRole.ToolTipRole)

    def sizeHint(self) -> QSize:
        return QSize(FIELD_WIDTH, super().sizeHint().height())

    def initStyleOption(self, option: QStyleOptionComboBox) -> None:
        super().initStyleOption(option)
        kind, part = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
        width = self.style().subControlRect(kind, option, part, self).width() + 2  # of its margin
        option.currentText = self.fontMetrics().elidedText(
            self.currentText(), Qt.TextElideMode.ElideRight, width
        )


class _Whole(QSpinBox):
    def sizeHint(self) -> QSize:
        return QSize(FIELD_WIDTH, super().sizeHint().height())


class _Line(QLineEdit):
    def sizeHint(self) -> QSize:
        return QSize(FIELD_WIDTH, super().sizeHint().height())


def make_editor(setting: Setting, parent: QWidget) -> Editor:
    """The widget for a setting, empty."""
    match setting.kind:
        case "choice":
            box = Choice(parent)
            for value, title in setting.choices:
                box.addItem(title, value)
            return box
        case "whole":
            spin = _Whole(parent)
            spin.lineEdit().setTextMargins(style.HALF, 0, 0, 0)
            spin.setRange(setting.low, setting.high)
            spin.setGroupSeparatorShown(True)
            return spin
        case "flag":
            return QCheckBox(parent)
        case _:
            line = _Line(parent)
            line.setPlaceholderText(setting.placeholder)
            return line


def read(editor: Editor, setting: Setting) -> Value:
    """What an editor says. Raises ConfigError where its text is of another kind than its setting."""
    if isinstance(editor, QComboBox):
        return editor.currentData()
    if isinstance(editor, QSpinBox):
        return editor.value()
    if isinstance(editor, QCheckBox):
        return editor.isChecked()
    text = editor.text().strip().replace("−", "-")
    try:
        if setting.kind == "widths":
            return tuple(int(part) for part in text.replace(",", " ").split())
        if setting.kind == "optional":
            return int(text) if text else None
        return float(text.replace(",", "."))
    except ValueError as error:
        raise ConfigError(f"{setting.title} is a number; not “{text}”.") from error


def write(editor: Editor, value: Value) -> None:
    """Let an editor say a value."""
    if isinstance(editor, QComboBox):
        editor.setCurrentIndex(max(0, editor.findData(value)))
    elif isinstance(editor, QSpinBox):
        editor.setValue(int(value) if isinstance(value, int | float) else 0)
    elif isinstance(editor, QCheckBox):
        editor.setChecked(bool(value))
    elif isinstance(value, tuple):
        editor.setText(" ".join(map(str, value)))
    else:
        editor.setText("" if value is None else f"{value:g}")
