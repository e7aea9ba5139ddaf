"""The form of a training's settings: one row a setting, presets first, details on demand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from vae_explorer.engine.catalogue import DATASETS, DatasetInfo
from vae_explorer.engine.config import ModelConfig, TrainingConfig, effect_with
from vae_explorer.engine.errors import ConfigError
from vae_explorer.gui import style
from vae_explorer.gui.recipes import Recipe, recipes
from vae_explorer.gui.setting_editors import Choice, Editor, make_editor, read, write
from vae_explorer.gui.setting_grid import Row, SettingGrid
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

_REFUSED = 'QLineEdit[refused="true"] { border: 1px solid palette(bright-text); }'


class TrainingForm(QWidget):
    """Edits a `ModelConfig`, a data set's name and a `TrainingConfig`."""

    live_changed = Signal(str, float)
    folder_requested = Signal()
    explained = Signal(str)
    refused = Signal(str)
    """Why a field's text is no value of its setting; empty when none is left that is not."""
    arranged = Signal()
    """The rows lie otherwise than before."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setStyleSheet(_REFUSED)
        self._recipes = recipes()
        self._datasets = [info for info in DATASETS.values() if not info.needs_folder]
        settings = (*folder_settings(), *model_settings(), *training_settings())
        self._settings = {s.name: s for s in settings}
        self._editors: dict[str, Editor] = {}
        self._labels: dict[str, QLabel] = {}
        self._notes: dict[str, QLabel] = {}  # of live settings: what is in force
        self._problems: dict[str, str] = {}  # of fields whose text is no value
        self._live: dict[str, Value] = {}  # as they were set last in the training that runs
        self._in_hand: ModelConfig | None = None
        self._show_details = False
        self._running = False
        self._is_filling = False
        self.grid = SettingGrid(self)
        self.start_from = QCheckBox(
            self.tr("Start from the model in hand"), self
        )  # is laid out elsewhere
        with self._filling():
            self._recipe = self._build_recipe()
            self._dataset = self._build_dataset()
            self._offer_datasets()
            for setting in settings:
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
        return read(self._editors[name], self._settings[name])

    def set_value(self, name: str, value: Value) -> None:
        """Set one setting."""
        self._mark(name, "")
        write(self._editors[name], value)

    def add_dataset(self, info: DatasetInfo) -> None:
        """Offer a folder of images, whose name is its path, beside the data sets, and choose it."""
        self._datasets = [known for known in self._datasets if known.name != info.name] + [info]
        self._offer_datasets()
        self._dataset.setCurrentIndex(self._dataset.findData(info.name))

    def apply_recipe(self, recipe: Recipe) -> None:
        """Set everything to the recipe's values, and what it does not name to the default."""
        with self._filling():
            for name, setting in self._settings.items():
                if not setting.of_folder:  # a recipe is of a model, whatever the pictures
                    self.set_value(name, recipe.values.get(name, setting.default))
        self._refresh()

    def set_details_shown(self, shown: bool) -> None:
        """Show the settings that most people leave alone, or fold them away."""
        self._show_details = shown
        self._refresh()

    def set_running(self, running: bool) -> None:
        """While a training runs only its live settings can be changed."""
        if running == self._running:
            return
        self._running = running
        self._live = {}
        if running:
            self._live = {name: self.value(name) for name in self._notes if not self._problem(name)}
            self.start_from.setChecked(False)  # that was for this one
        self.set_in_force({})
        self._refresh()

    def set_in_force(self, values: Mapping[str, float | None]) -> None:
        """Show what is in force of the live settings, behind those that say something else."""
        for name, note in self._notes.items():
            value, said = values.get(name), self._live.get(name)
            is_other = (
                value is not None and isinstance(said, float) and f"{value:.3g}" != f"{said:.3g}"
            )
            text = self.tr("now {0}").format(f"{value:.3g}") if is_other else ""
            if text != note.text():
                note.setText(text)
                note.setVisible(is_other and not self._editors[name].isHidden())

    def set_model_in_hand(self, config: ModelConfig) -> None:
        """The model whose weights a training can start from, where its configuration is the form's."""
        self._in_hand = config
        self._offer_start()

    def starts_from_model(self) -> bool:
        """Whether to start from the weights of the model in hand."""
        return self.start_from.isChecked()

    def first_problem(self) -> str | None:
        """Mark every field whose text is no value of its setting; the name of the first, if any."""
        for name, setting in self._settings.items():
            if isinstance(self._editors[name], QLineEdit) and self._has_effect(setting):
                self._mark(name, self._problem(name))
        self._tell_problem()
        return next(iter(self._problems), None)

    @property
    def is_running(self) -> bool:
        """Whether only live settings can be changed."""
        return self._running

    def is_shown(self, name: str) -> bool:
        """Whether a setting can be seen, or scrolled to."""
        return not self._editors[name].isHidden()

    def go_to(self, name: str) -> None:
        """Give a setting the focus."""
        self._editors[name].setFocus()

    # -- building --------------------------------------------------------------------------

    def _build_recipe(self) -> Choice:
        box = Choice(self)
        box.setPlaceholderText(self.tr("Custom"))
        for recipe in self._recipes:
            box.offer(recipe.title, recipe.key, recipe.note)
        box.activated.connect(self._on_recipe)
        self._add_row("recipe", self.tr("Recipe"), box, self.tr("Settings that go together."))
        return box

    def _build_dataset(self) -> Choice:
        box = Choice(self)
        box.activated.connect(self._on_dataset)
        box.currentIndexChanged.connect(self._on_changed)
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
        self._on_changed()

    def _add_setting(self, setting: Setting) -> None:
        editor = make_editor(setting, self)
        self._editors[setting.name] = editor
        if setting.live:
            self._notes[setting.name] = note = style.muted_label("", self)
            note.setFont(style.number_font(style.FONT_SMALL))
            note.setToolTip(self.tr("In force after warm-up, schedule and changes"))
            note.hide()
        self._add_row(setting.name, setting.title, editor, setting.help, setting.long_title)
        if isinstance(editor, QLineEdit):
            editor.editingFinished.connect(self._on_left)
            editor.textChanged.connect(self._on_changed)
        elif isinstance(editor, QSpinBox):
            editor.valueChanged.connect(self._on_changed)
        elif isinstance(editor, QCheckBox):
            editor.toggled.connect(self._on_changed)
        else:
            editor.currentIndexChanged.connect(self._on_changed)

    def _add_row(
        self, name: str, title: str, editor: QWidget, text: str, long_title: str = ""
    ) -> None:
        editor.setMinimumWidth(64)  # a long choice must not push the others out of the panel
        policy = QSizePolicy.Policy
        editor.setSizePolicy(policy.Ignored, policy.Fixed)
        label = QLabel(title, self)
        label.setBuddy(editor)
        self._labels[name] = label
        self._explain(label, editor, text)
        editor.setObjectName(name)
        editor.setAccessibleName(long_title or title)
        editor.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # not by the wheel, see `eventFilter`
        editor.installEventFilter(self)
        self.grid.add_row(Row(label, editor, title, long_title or title, self._notes.get(name)))

    def _explain(self, label: QLabel, editor: QWidget, text: str) -> None:
        for widget in (label, editor):
            widget.setToolTip(text)
        editor.setAccessibleDescription(text)

    # -- events ----------------------------------------------------------------------------

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

    def _on_changed(self) -> None:
        if not self._is_filling:
            self._refresh()

    def _on_left(self) -> None:
        """A field was left, or Enter pressed in it: take its text, or say why that is no value."""
        editor = self.sender()
        if not isinstance(editor, QLineEdit):
            return
        name = editor.objectName()
        problem = self._problem(name)
        if not self._running or name not in self._live:
            self._mark(name, problem)
            self._tell_problem()
        elif problem:
            self.set_value(name, self._live[name])  # which is in force still
            self.refused.emit(problem)
        elif (value := self.value(name)) != self._live[name] and isinstance(value, float):
            self._live[name] = value
            self.live_changed.emit(name, value)

    def _problem(self, name: str) -> str:
        """Why a field's text is no value of its setting; empty where it is one."""
        config = ModelConfig if self._settings[name].of_model else TrainingConfig
        try:
            config(**{name: self.value(name)})  # type: ignore[arg-type]
        except ConfigError as error:
            return str(error)
        return ""

    def _mark(self, name: str, problem: str) -> None:
        """Frame a field whose text is no value, with the sentence that says why; or unframe it."""
        if problem == self._problems.get(name, ""):
            return
        self._problems[name] = problem
        if not problem:
            del self._problems[name]
        editor = self._editors[name]
        editor.setProperty("refused", bool(problem))
        editor.style().unpolish(editor)
        editor.style().polish(editor)
        self._explain(self._labels[name], editor, self._help_of(name))

    def _tell_problem(self) -> None:
        self.refused.emit(next(iter(self._problems.values()), ""))

    def _help_of(self, name: str) -> str:
        known = self._problems.get(name)
        return known or explanation(self._settings[name], self._plain_value)

    @contextmanager
    def _filling(self) -> Iterator[None]:
        """Set several settings, and look once at what came of it."""
        self._is_filling = True
        try:
            yield
        finally:
            self._is_filling = False

    def _refresh(self) -> None:
        for name, setting in self._settings.items():
            editor = self._editors[name]
            wanted = self._show_details or (setting.live if self._running else not setting.detail)
            of_data = self._is_folder() if setting.of_folder else True
            has_effect = of_data and self._has_effect(setting)
            if name in self._problems:
                self._mark(name, self._problem(name) if has_effect else "")
            self._show_row(name, editor, shown=wanted and has_effect)
            editor.setEnabled(setting.live or not self._running)
            self._explain(self._labels[name], editor, self._help_of(name))
        for name, box in (("recipe", self._recipe), ("dataset", self._dataset)):
            box.setEnabled(not self._running)
            self._show_row(name, box, shown=self._show_details or not self._running)
        self._tell_problem()
        self._show_recipe()
        self._offer_start()
        if self.grid.arrange():
            self.arranged.emit()

    def _show_row(self, name: str, editor: QWidget, *, shown: bool) -> None:
        editor.setVisible(shown)
        self._labels[name].setVisible(shown)
        if note := self._notes.get(name):
            note.setVisible(shown and bool(note.text()))

    def _show_recipe(self) -> None:
        """Name the recipe that all settings are of, or none."""
        found = next((i for i, recipe in enumerate(self._recipes) if self._follows(recipe)), -1)
        self._recipe.setCurrentIndex(found)

    def _follows(self, recipe: Recipe) -> bool:
        try:
            return all(
                self.value(name) == recipe.values.get(name, setting.default)
                for name, setting in self._settings.items()
                if not setting.of_folder and self._has_effect(setting)
            )
        except ConfigError:
            return False

    def _offer_start(self) -> None:
        """From the weights of the model in hand one can start where it is such a model."""
        if self._running:
            self.start_from.setEnabled(False)
            return
        can = self._in_hand is not None and self._describes_one_like(self._in_hand)
        self.start_from.setEnabled(can)
        self.start_from.setChecked(can and self.start_from.isChecked())
        text = self.tr("Begin with the weights of the model in hand, not with random ones.")
        if not can:
            text = self.tr("The model in hand is of other settings: its weights do not fit here.")
        self.start_from.setToolTip(text)
        self.start_from.setAccessibleDescription(text)

    def _describes_one_like(self, model: ModelConfig) -> bool:
        try:
            return self.model_config().is_like(model)
        except ConfigError:
            return False

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
