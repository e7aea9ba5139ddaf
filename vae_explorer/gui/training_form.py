"""The form of a training's settings: one row a setting, presets first, details on demand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QSpinBox,
    QStyle,
    QStyleOptionComboBox,
    QWidget,
)

from vae_explorer.engine.catalogue import DATASETS, DatasetInfo
from vae_explorer.engine.config import ModelConfig, TrainingConfig, effect_with
from vae_explorer.engine.errors import ConfigError
from vae_explorer.gui import style
from vae_explorer.gui.recipes import Recipe, recipes
from vae_explorer.gui.training_settings import (
    Setting,
    Value,
    explanation,
    folder_settings,
    model_settings,
    training_settings,
)

if TYPE_CHECKING:
    from vae_explorer.engine.image_folder import Fit

_TWO_COLUMNS = 400  # pixels of width from which settings stand in two columns

Editor = QComboBox | QSpinBox | QLineEdit | QCheckBox


class Choice(QComboBox):
    """A choice whose text ends in an ellipsis where the panel is too narrow for it."""

    def offer(self, title: str, value: str, explanation: str) -> None:
        """One more value to choose, and a tooltip that explains it."""
        self.addItem(title, value)
        self.setItemData(self.count() - 1, explanation, Qt.ItemDataRole.ToolTipRole)

    def initStyleOption(self, option: QStyleOptionComboBox) -> None:
        super().initStyleOption(option)
        kind, part = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
        width = self.style().subControlRect(kind, option, part, self).width() + 2  # of its margin
        option.currentText = self.fontMetrics().elidedText(
            self.currentText(), Qt.TextElideMode.ElideRight, width
        )


class TrainingForm(QWidget):
    """Edits a `ModelConfig`, a data set's name and a `TrainingConfig`."""

    live_changed = Signal(str, float)
    folder_requested = Signal()
    explained = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._recipes = recipes()
        self._datasets = [info for info in DATASETS.values() if not info.needs_folder]
        settings = (*folder_settings(), *model_settings(), *training_settings())
        self._settings = {s.name: s for s in settings}
        self._editors: dict[str, Editor] = {}
        self._labels: dict[str, QLabel] = {}
        self._show_details = False
        self._running = False
        self._rows: list[tuple[QLabel, QWidget]] = []
        self._columns = 1
        self._layout = QGridLayout(self)
        self._layout.setContentsMargins(0, 0, style.HALF, 0)
        self._layout.setHorizontalSpacing(style.GAP)
        self._layout.setVerticalSpacing(style.HALF)
        self._recipe = self._build_recipe()
        self._dataset = self._build_dataset()
        self._offer_datasets()
        for setting in sorted(self._settings.values(), key=lambda s: s.detail):
            self._add_setting(setting)
        for setting in folder_settings():
            self.set_value(setting.name, setting.default)
        self.apply_recipe(self._recipes[0])

    # -- what the panel asks ---------------------------------------------------------------

    def model_config(self) -> ModelConfig:
        """The model described. Raises ConfigError with a sentence where it describes none."""
        dataset = self._chosen_dataset()
        values = self._values(of_model=True)
        if values["kind"] == "ppca":
            values["likelihood"] = "gaussian"
        return ModelConfig(
            image_shape=self._folder_shape() if self._is_folder() else dataset.image_shape,
            class_names=dataset.class_names,
            **values,  # type: ignore[arg-type]
        )

    def training_config(self) -> TrainingConfig:
        """The training described. Raises ConfigError with a sentence where it describes none."""
        return TrainingConfig(**self._values(of_model=False))  # type: ignore[arg-type]

    def folder_fit(self) -> Fit:
        """How a folder's pictures become square."""
        return "pad" if self.value("fit") == "pad" else "crop"

    def dataset_name(self) -> str:
        """The name of the chosen data set, or the folder's path."""
        return str(self._dataset.currentData() or "")

    def value(self, name: str) -> Value:
        """One setting as it stands. Raises ConfigError where its text is no number."""
        return _read(self._editors[name], self._settings[name])

    def set_value(self, name: str, value: Value) -> None:
        """Set one setting."""
        _write(self._editors[name], value)

    def add_dataset(self, info: DatasetInfo) -> None:
        """Offer a folder of images, whose name is its path, beside the data sets, and choose it."""
        self._datasets = [known for known in self._datasets if known.name != info.name] + [info]
        self._offer_datasets()
        self._dataset.setCurrentIndex(self._dataset.findData(info.name))

    def apply_recipe(self, recipe: Recipe) -> None:
        """Set everything to the recipe's values, and what it does not name to the default."""
        for name, setting in self._settings.items():
            if not setting.of_folder:  # a recipe is of a model, whatever the pictures
                self.set_value(name, recipe.values.get(name, setting.default))
        index = self._recipe.findData(recipe.key)
        self._recipe.blockSignals(True)
        self._recipe.setCurrentIndex(index)
        self._recipe.blockSignals(False)
        self._refresh()

    def set_details_shown(self, shown: bool) -> None:
        """Show the settings that most people leave alone, or fold them away."""
        self._show_details = shown
        self._refresh()

    def set_running(self, running: bool) -> None:
        """While a training runs only its live settings can be changed."""
        self._running = running
        self._refresh()

    # -- building --------------------------------------------------------------------------

    def _build_recipe(self) -> Choice:
        box = Choice(self)
        for recipe in self._recipes:
            box.offer(recipe.title, recipe.key, recipe.note)
        box.activated.connect(self._on_recipe)
        self._add_row("recipe", self.tr("Recipe"), box, self.tr("Settings that go together."))
        return box

    def _build_dataset(self) -> Choice:
        box = Choice(self)
        box.activated.connect(self._on_dataset)
        box.currentIndexChanged.connect(self._refresh)
        self._add_row("dataset", self.tr("Data"), box, self.tr("The images to learn from."))
        return box

    def _offer_datasets(self) -> None:
        """The one chosen before stays chosen."""
        chosen = self.dataset_name()
        self._dataset.blockSignals(True)
        self._dataset.clear()
        for info in self._datasets:
            self._dataset.offer(info.title, info.name, info.summary)
        self._dataset.offer(self.tr("Folder of images…"), "", DATASETS["folder"].summary)
        self._dataset.setCurrentIndex(max(0, self._dataset.findData(chosen or "digits")))
        self._dataset.blockSignals(False)
        self._refresh()

    def _add_setting(self, setting: Setting) -> None:
        editor = _make_editor(setting, self)
        self._editors[setting.name] = editor
        self._add_row(setting.name, setting.title, editor, setting.help)
        if setting.live and isinstance(editor, QLineEdit):
            editor.editingFinished.connect(self._on_live_edited)
        if isinstance(editor, QComboBox):
            editor.currentIndexChanged.connect(self._refresh)

    def _add_row(self, name: str, title: str, editor: QWidget, text: str) -> None:
        editor.setMinimumWidth(64)  # a long choice must not push the others out of the panel
        policy = QSizePolicy.Policy
        editor.setSizePolicy(policy.Ignored, policy.Fixed)
        label = QLabel(title, self)
        label.setBuddy(editor)
        self._labels[name] = label
        self._explain(label, editor, text)
        editor.setObjectName(name)
        editor.setAccessibleName(title)
        editor.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # not by the wheel, see `eventFilter`
        editor.installEventFilter(self)
        self._rows.append((label, editor))

    def _explain(self, label: QLabel, editor: QWidget, text: str) -> None:
        for widget in (label, editor):
            widget.setToolTip(text)
        editor.setAccessibleDescription(text)

    # -- events ----------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if (self.width() >= _TWO_COLUMNS) != (self._columns == 2):
            self._arrange()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not isinstance(watched, QWidget):
            return super().eventFilter(watched, event)
        if event.type() == QEvent.Type.Wheel and not watched.hasFocus():
            event.ignore()  # a wheel that scrolls the panel must not change what it passes over
            return True
        if event.type() in (QEvent.Type.Enter, QEvent.Type.FocusIn):
            self.explained.emit(watched.toolTip())
        elif event.type() in (QEvent.Type.Leave, QEvent.Type.FocusOut):
            self.explained.emit("")
        elif _is_space(event) and isinstance(watched, QSpinBox):
            watched.interpretText()  # a number has no spaces: the key goes on to start or pause
            event.ignore()
            return True
        return super().eventFilter(watched, event)

    def _on_recipe(self, index: int) -> None:
        self.apply_recipe(self._recipes[index])
        self.explained.emit(self._recipes[index].note)

    def _on_dataset(self, _index: int) -> None:
        if not self.dataset_name():
            self.folder_requested.emit()

    def _on_live_edited(self) -> None:
        editor = self.sender()
        if not self._running or not isinstance(editor, QLineEdit):
            return
        try:
            value = self.value(editor.objectName())
        except ConfigError:
            return  # the field itself shows that its text is no number
        if isinstance(value, float):
            self.live_changed.emit(editor.objectName(), value)

    def _refresh(self) -> None:
        for name, setting in self._settings.items():
            editor = self._editors.get(name)
            if editor is None:
                return  # still being built
            wanted = self._show_details or (setting.live if self._running else not setting.detail)
            of_data = self._is_folder() if setting.of_folder else True
            shown = wanted and of_data and self._has_effect(setting)
            editor.setVisible(shown)
            self._labels[name].setVisible(shown)
            editor.setEnabled(setting.live or not self._running)
            self._explain(self._labels[name], editor, explanation(setting, self._plain_value))
        for name, box in (("recipe", self._recipe), ("dataset", self._dataset)):
            box.setEnabled(not self._running)
            box.setVisible(self._show_details or not self._running)
            self._labels[name].setVisible(not box.isHidden())
        self._arrange()

    def _arrange(self) -> None:
        """Put the rows that are shown into one column, or into two where there is room."""
        while self._layout.takeAt(0) is not None:
            pass
        self._columns = 2 if self.width() >= _TWO_COLUMNS else 1
        shown = [row for row in self._rows if not row[1].isHidden()]
        for place, (label, editor) in enumerate(shown):
            row, column = divmod(place, self._columns)
            self._layout.addWidget(label, row, 2 * column)
            self._layout.addWidget(editor, row, 2 * column + 1)
        for column in range(2):
            self._layout.setColumnStretch(2 * column + 1, int(column < self._columns))
        self._layout.setRowStretch(len(self._rows), 1)

    def _plain_value(self, name: str) -> Value:
        editor = self._editors[name]
        return editor.currentData() if isinstance(editor, QComboBox) else None

    def _values(self, *, of_model: bool) -> dict[str, Value]:
        every = self._settings.values()
        settings = [s for s in every if s.of_model == of_model and not s.of_folder]
        return {s.name: self.value(s.name) if self._has_effect(s) else s.default for s in settings}

    def _has_effect(self, setting: Setting) -> bool:
        return setting.of_folder or effect_with(setting.name, self._plain_value) is None

    def _is_folder(self) -> bool:
        name = self.dataset_name()
        return bool(name) and name not in DATASETS

    def _folder_shape(self) -> tuple[int, int, int]:
        size, colour = self.value("image_size"), self.value("channels") == 3
        side = size if isinstance(size, int) else 28
        return (3 if colour else 1, side, side)

    def _chosen_dataset(self) -> DatasetInfo:
        name = self.dataset_name()
        for choice in self._datasets:
            if choice.name == name:
                return choice if choice.labelled else replace(choice, class_names=())
        raise ConfigError(self.tr("Choose a data set first."))


def _is_space(event: QEvent) -> bool:
    if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
        return False
    return event.key() == Qt.Key.Key_Space


def _make_editor(setting: Setting, parent: QWidget) -> Editor:
    match setting.kind:
        case "choice":
            box = Choice(parent)
            for value, title in setting.choices:
                box.addItem(title, value)
            return box
        case "whole":
            spin = QSpinBox(parent)
            spin.lineEdit().setTextMargins(style.HALF, 0, 0, 0)
            spin.setRange(setting.low, setting.high)
            spin.setGroupSeparatorShown(True)
            return spin
        case "flag":
            return QCheckBox(parent)
        case _:
            return QLineEdit(parent)


def _read(editor: Editor, setting: Setting) -> Value:
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


def _write(editor: Editor, value: Value) -> None:
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
