"""The training panel: what it asks for, what it refuses, which buttons make sense."""

from __future__ import annotations

import dataclasses

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QStyleOptionComboBox, QWidget
from pytestqt.qtbot import QtBot

from tests.gui.windows import choose_dataset
from vae_explorer.engine.catalogue import DATASETS, DatasetInfo
from vae_explorer.engine.config import ModelConfig, TrainingConfig
from vae_explorer.gui.recipes import Recipe, recipes
from vae_explorer.gui.style import LIGHT
from vae_explorer.gui.training_form import Choice
from vae_explorer.gui.training_panel import TrainingPanel, format_duration


@pytest.fixture
def panel(qtbot: QtBot) -> TrainingPanel:
    panel = TrainingPanel(LIGHT)
    qtbot.addWidget(panel)
    panel.set_state("idle")
    panel.resize(480, 320)
    panel.show()
    return panel


def start(panel: TrainingPanel, qtbot: QtBot) -> tuple[ModelConfig, str, TrainingConfig]:
    with qtbot.waitSignal(panel.start_requested) as caught:
        qtbot.mouseClick(panel.start_button, Qt.MouseButton.LeftButton)
    assert caught.args is not None
    model, dataset, training = caught.args
    return model, dataset, training


def test_the_first_recipe_is_the_windows_own_model(panel: TrainingPanel, qtbot: QtBot) -> None:
    model, dataset, training = start(panel, qtbot)
    assert (model.kind, model.latent_dim, model.preset) == ("joint-vae", 2, "deep")
    assert model.class_names == tuple("0123456789")
    assert dataset == "digits"
    assert training.epochs == 20


@pytest.mark.parametrize("recipe", recipes(), ids=lambda recipe: recipe.key)
def test_every_recipe_is_a_valid_training(panel: TrainingPanel, recipe: Recipe) -> None:
    panel.form.apply_recipe(recipe)
    model, training = panel.form.model_config(), panel.form.training_config()
    stated = {**model.to_dict(), **training.to_dict()}
    for name, value in recipe.values.items():
        assert stated[name] == value


@pytest.mark.parametrize("text", ["fast", "", "nan", "-1", "0"])
def test_a_learning_rate_that_is_none_is_refused_by_a_sentence(
    panel: TrainingPanel, qtbot: QtBot, text: str
) -> None:
    editor = panel.form._editors["learning_rate"]
    editor.setText(text)  # type: ignore[union-attr]
    with qtbot.assertNotEmitted(panel.start_requested), qtbot.waitSignal(panel.refused) as caught:
        panel.activate()
    assert caught.args is not None
    assert caught.args[0].strip().endswith(".")
    assert "earning rate" in caught.args[0]


def test_a_latent_size_of_nought_cannot_be_typed(panel: TrainingPanel) -> None:
    panel.form.set_value("latent_dim", 0)
    assert panel.form.value("latent_dim") == 1


def test_settings_that_mean_nothing_are_hidden(panel: TrainingPanel) -> None:
    panel.form.set_details_shown(True)
    editors = panel.form._editors
    assert not editors["classification_weight"].isHidden()
    assert editors["levels"].isHidden()
    panel.form.set_value("kind", "vae")
    panel.form.set_value("likelihood", "categorical")
    assert editors["classification_weight"].isHidden()
    assert not editors["levels"].isHidden()
    panel.form.set_value("kind", "ppca")
    assert editors["levels"].isHidden()
    assert editors["learning_rate"].isHidden()


def test_beta_and_its_warm_up_are_not_offered_beside_a_bound_that_has_no_kl_to_weigh(
    panel: TrainingPanel,
) -> None:
    form = panel.form
    form.set_details_shown(True)
    form.set_value("beta", 4.0)
    form.set_value("warmup_epochs", 3)
    form.set_value("objective", "iw")
    assert form._editors["beta"].isHidden() and form._editors["warmup_epochs"].isHidden()
    assert "no β" in form._editors["objective"].toolTip()  # says why
    assert form.training_config() == TrainingConfig(objective="iw")
    panel.set_state("training")
    assert form._editors["beta"].isHidden()
    panel.set_state("idle")
    form.set_value("objective", "elbo")
    assert not form._editors["beta"].isHidden()
    assert form.training_config() == TrainingConfig(beta=4.0, warmup_epochs=3)


def test_an_epoch_is_explained_as_the_models_own(panel: TrainingPanel) -> None:
    form = panel.form
    for kind, said in (("ppca", "50 EM iterations"), ("vae", "every training image")):
        form.set_value("kind", kind)
        for widget in (form._editors["epochs"], form._labels["epochs"]):
            assert said in widget.toolTip()
        assert said in form._editors["epochs"].accessibleDescription()


def test_ppca_is_fitted_by_em_or_in_closed_form(panel: TrainingPanel) -> None:
    form = panel.form
    form.set_value("ppca_fit", "closed-form")
    assert form._editors["ppca_fit"].isHidden()
    assert form.training_config() == TrainingConfig()  # no other model has a closed form
    form.set_value("kind", "ppca")
    assert not form._editors["ppca_fit"].isHidden()
    assert form._editors["epochs"].isHidden()
    assert form.training_config() == TrainingConfig(ppca_fit="closed-form")
    form.set_value("ppca_fit", "em")
    assert not form._editors["epochs"].isHidden()


def test_only_live_settings_change_while_training(panel: TrainingPanel, qtbot: QtBot) -> None:
    panel.set_state("training")
    editors = panel.form._editors
    assert not editors["beta"].isHidden()
    assert editors["beta"].isEnabled()
    assert not editors["latent_dim"].isEnabled()
    editors["beta"].setText("0.5")  # type: ignore[union-attr]
    with qtbot.waitSignal(panel.live_changed) as caught:
        editors["beta"].editingFinished.emit()  # type: ignore[union-attr]
    assert caught.args == ["beta", 0.5]


def test_buttons_follow_the_state(panel: TrainingPanel, qtbot: QtBot) -> None:
    assert panel.start_button.isEnabled()
    assert not panel.stop_button.isEnabled()
    panel.set_state("training")
    assert panel.stop_button.isEnabled()
    with qtbot.waitSignal(panel.pause_requested):
        panel.activate()
    panel.set_state("paused")
    with qtbot.waitSignal(panel.resume_requested):
        panel.activate()
    panel.set_state("stopping")
    assert not panel.start_button.isEnabled()
    assert not panel.stop_button.isEnabled()


def test_one_step_from_idle_starts_and_then_steps(panel: TrainingPanel, qtbot: QtBot) -> None:
    with qtbot.waitSignals([panel.start_requested, panel.step_requested], order="strict"):
        qtbot.mouseClick(panel.step_button, Qt.MouseButton.LeftButton)


def test_classes_come_from_the_data_set(panel: TrainingPanel) -> None:
    panel.form.add_dataset(DatasetInfo("bare", "Bare", "", labelled=False))
    panel.form.add_dataset(DatasetInfo("letters", "Letters", "", class_names=("a", "b")))
    assert panel.form.model_config().class_names == ("a", "b")
    choose_dataset(panel.form, "bare")
    panel.form.set_value("kind", "vae")
    assert panel.form.model_config().class_names == ()


def test_a_folder_is_asked_for(panel: TrainingPanel, qtbot: QtBot) -> None:
    box = panel.form._dataset
    with qtbot.waitSignal(panel.folder_requested):
        box.setCurrentIndex(box.count() - 1)
        box.activated.emit(box.count() - 1)


def test_progress_reads_like_a_sentence(panel: TrainingPanel) -> None:
    panel.set_progress(2.37, 20, 95, "4,400 images/s")
    assert panel.note() == "Epoch 2.4 of 20  ·  4,400 images/s  ·  1 min 35 s left"
    panel.set_download(5_000_000, 10_000_000)
    assert "5.0 of 10.0 MB" in panel.note()
    panel.set_download(5_000_000, None)
    assert panel.note() == "Downloading: 5.0 MB"


def test_an_explanation_comes_and_goes(panel: TrainingPanel) -> None:
    panel.set_note("Epoch 3")
    panel.form.explained.emit("What β means.")
    assert panel._progress.text() == "What β means."
    panel.form.explained.emit("")
    assert panel._progress.text() == "Epoch 3"


def test_durations() -> None:
    assert format_duration(0.4) == "0 s"
    assert format_duration(59.4) == "59 s"
    assert format_duration(200) == "3 min 20 s"
    assert format_duration(7500) == "2 h 05 min"


def test_space_never_reaches_stop_by_a_start_button_disabled(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    panel = TrainingPanel(LIGHT, window)
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    panel.set_state("idle")
    panel.start_button.setFocus()
    panel.set_state("loading")
    assert panel.hasFocus()
    panel.set_state("training")
    assert panel.start_button.hasFocus()


def test_a_field_that_a_training_hides_hands_its_focus_to_no_button(
    panel: TrainingPanel, qtbot: QtBot
) -> None:
    panel.activateWindow()
    qtbot.waitUntil(panel.isActiveWindow)
    panel.form._editors["epochs"].setFocus()
    panel.set_state("training")
    assert panel.hasFocus()


def test_a_click_on_start_leaves_the_focus_where_it_was(panel: TrainingPanel, qtbot: QtBot) -> None:
    panel.show()
    panel.activateWindow()
    qtbot.waitUntil(panel.isActiveWindow)
    panel.step_button.setFocus()
    start(panel, qtbot)
    assert not panel.start_button.hasFocus()
    panel.start_button.setFocus(Qt.FocusReason.TabFocusReason)
    assert panel.start_button.hasFocus()


def test_every_setting_of_the_engine_is_in_the_form(panel: TrainingPanel) -> None:
    given_by_the_data = {"image_shape", "class_names"}
    fields = {
        f.name for config in (ModelConfig, TrainingConfig) for f in dataclasses.fields(config)
    }
    shown = {name for name, setting in panel.form._settings.items() if not setting.of_folder}
    assert fields - given_by_the_data == shown


def test_precision_and_compilation_reach_the_training(panel: TrainingPanel) -> None:
    assert panel.form.training_config() == TrainingConfig()
    panel.form.set_value("precision", "bfloat16")
    panel.form.set_value("compile", True)
    assert panel.form.training_config() == TrainingConfig(precision="bfloat16", compile=True)


def test_how_a_folder_is_read_is_asked_only_of_a_folder(panel: TrainingPanel) -> None:
    form = panel.form
    assert form._editors["image_size"].isHidden()
    assert form.model_config().image_shape == (1, 28, 28)
    form.add_dataset(DatasetInfo("/pictures", "pictures", "", class_names=("a", "b")))
    assert not form._editors["image_size"].isHidden()
    assert not form._editors["channels"].isHidden()
    form.set_value("image_size", 48)
    form.set_value("channels", 3)
    form.set_value("fit", "pad")
    assert form.model_config().image_shape == (3, 48, 48)
    assert form.folder_fit() == "pad"
    form.apply_recipe(recipes()[1])
    assert form.model_config().image_shape == (3, 48, 48)
    choose_dataset(form, "digits")
    assert form._editors["image_size"].isHidden()
    assert form.model_config().image_shape == (1, 28, 28)


@pytest.mark.parametrize("name", ["latent_dim", "epochs", "likelihood", "kind"])
def test_a_wheel_that_scrolls_the_form_changes_no_setting(
    panel: TrainingPanel, qtbot: QtBot, name: str
) -> None:
    qtbot.waitUntil(panel.isActiveWindow)
    editor, before = panel.form._editors[name], panel.form.value(name)
    place = editor.mapTo(panel, editor.rect().center())
    QTest.wheelEvent(panel.windowHandle(), place.toPointF(), QPoint(0, -120))
    assert not editor.hasFocus()
    assert panel.form.value(name) == before


def test_every_data_set_says_what_it_holds(panel: TrainingPanel) -> None:
    names = [info.name for info in DATASETS.values() if not info.needs_folder]
    box = panel.form._dataset
    tips = [box.itemData(index, Qt.ItemDataRole.ToolTipRole) for index in range(len(names))]
    assert tips == [DATASETS[name].summary for name in names]


def test_a_choice_that_does_not_fit_ends_in_an_ellipsis(qtbot: QtBot) -> None:
    choice, option = Choice(), QStyleOptionComboBox()
    qtbot.addWidget(choice)
    choice.addItem("Reparameterization")
    shown = []
    for width in (90, 600):
        choice.resize(width, 24)
        choice.initStyleOption(option)
        shown.append(option.currentText)
    assert shown[0].startswith("Re") and shown[0].endswith("…")
    assert shown[1] == choice.currentText() == "Reparameterization"
