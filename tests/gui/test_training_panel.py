"""The training panel: what it asks for, what it refuses, which buttons make sense."""

from __future__ import annotations

import dataclasses

import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLineEdit,
    QStyleOptionComboBox,
    QWidget,
)
from pytestqt.qtbot import QtBot

from tests.gui.windows import choose_dataset
from vae_explorer.engine.catalogue import DATASETS, DatasetInfo
from vae_explorer.engine.config import ModelConfig, TrainingConfig
from vae_explorer.gui.recipes import Recipe, recipes
from vae_explorer.gui.setting_editors import Choice
from vae_explorer.gui.style import LIGHT, apply_theme
from vae_explorer.gui.style_sheet import style_sheet
from vae_explorer.gui.training_panel import TrainingPanel, format_duration


@pytest.fixture
def panel(qtbot: QtBot, qapp: QApplication) -> TrainingPanel:
    apply_theme(qapp, LIGHT)
    panel = TrainingPanel(LIGHT)
    qtbot.addWidget(panel)
    panel.set_state("idle")
    panel.resize(480, 320)
    panel.show()
    return panel


def field(panel: TrainingPanel, name: str) -> QLineEdit:
    editor = panel.form._editors[name]
    assert isinstance(editor, QLineEdit)
    return editor


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
    panel.activateWindow()
    qtbot.waitUntil(panel.isActiveWindow)
    editor = field(panel, "learning_rate")
    editor.setText(text)
    with qtbot.assertNotEmitted(panel.start_requested), qtbot.assertNotEmitted(panel.refused):
        panel.activate()
    said = panel.status()
    assert said.strip().endswith(".") and "earning rate" in said
    assert editor.isVisible() and editor.hasFocus()  # though it is a detail
    assert editor.toolTip() == said
    editor.setText("0.01")
    assert panel.status() != said and editor.toolTip() != said
    with qtbot.waitSignal(panel.start_requested):
        panel.activate()


def edge(widget: QWidget) -> QColor:
    return widget.grab().toImage().pixelColor(widget.width() // 2, 0)


def test_a_text_that_is_no_number_is_framed_when_its_field_is_left(
    panel: TrainingPanel, qtbot: QtBot
) -> None:
    panel.details_button.click()
    editor, plain = field(panel, "beta"), edge(field(panel, "beta"))
    editor.selectAll()
    qtbot.keyClicks(editor, "abc")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert edge(editor) == LIGHT.danger
    assert "abc" in editor.toolTip() and "abc" in panel.status()
    assert panel.status_is_bad()
    editor.selectAll()
    qtbot.keyClicks(editor, "2")
    assert edge(editor) != LIGHT.danger
    assert "abc" not in editor.toolTip() + panel.status()
    editor.setText("-1")
    editor.editingFinished.emit()
    panel.form.apply_recipe(recipes()[0])
    editor.clearFocus()
    assert edge(editor) == plain


def test_a_live_value_that_is_none_is_put_back_with_a_sentence(
    panel: TrainingPanel, qtbot: QtBot
) -> None:
    panel.set_state("training")
    editor = field(panel, "beta")
    for text in ("-3", "abc"):
        editor.setText(text)
        with qtbot.assertNotEmitted(panel.live_changed):
            qtbot.keyClick(editor, Qt.Key.Key_Return)
        assert editor.text() == "1"
        assert text in panel.status() and panel.status_is_bad()
    panel.set_progress(0.5, 20, None)
    assert "abc" in panel.status()  # long enough to be read
    panel._forgetting.timeout.emit()
    assert "Epoch 0.5" in panel.status() and not panel.status_is_bad()


def test_a_live_field_that_is_left_as_it_was_changes_nothing(
    panel: TrainingPanel, qtbot: QtBot
) -> None:
    panel.set_state("training")
    with qtbot.assertNotEmitted(panel.live_changed):
        field(panel, "beta").editingFinished.emit()


def test_what_is_in_force_stands_beside_a_live_field_that_says_something_else(
    panel: TrainingPanel,
) -> None:
    panel.set_state("training")
    notes = panel.form._notes
    values = {"beta": 0.25, "classification_weight": 1.0, "learning_rate": 5e-4}
    panel.form.set_in_force(values)
    assert notes["beta"].isVisible() and "0.25" in notes["beta"].text()
    assert "0.0005" in notes["learning_rate"].text()
    assert not notes["classification_weight"].isVisible()  # the field says it
    panel.form.set_in_force({**values, "beta": 1.0})
    assert not notes["beta"].isVisible()
    panel.set_state("idle")
    assert not notes["learning_rate"].isVisible()


def test_a_setting_that_is_not_the_recipe_s_makes_it_a_custom_one(panel: TrainingPanel) -> None:
    box = panel.form._recipe
    assert box.currentText() == recipes()[0].title
    for name, value in (("epochs", 7), ("beta", 2.0), ("seed", 3), ("augment", True)):
        before = panel.form.value(name)
        panel.form.set_value(name, value)
        assert box.currentIndex() == -1 and box.placeholderText() == "Custom"
        panel.form.set_value(name, before)
        assert box.currentText() == recipes()[0].title
    panel.form.apply_recipe(recipes()[2])
    assert box.currentText() == recipes()[2].title


def test_the_card_is_of_a_new_model_until_one_is_trained(panel: TrainingPanel) -> None:
    assert panel._title.text() == "Train a new model"
    panel.set_state("training")
    assert panel._title.text() == "Training"


def test_only_a_model_of_the_same_configuration_can_be_started_from(panel: TrainingPanel) -> None:
    form = panel.form
    form.apply_recipe(recipes()[1])
    assert not form.start_from.isEnabled()
    form.set_model_in_hand(dataclasses.replace(form.model_config(), class_names=()))
    assert form.start_from.isEnabled()  # classes are a Joint VAE's alone
    form.start_from.setChecked(True)
    assert form.starts_from_model()
    form.set_value("epochs", 3)
    assert form.starts_from_model()
    form.set_value("latent_dim", 5)
    assert not form.start_from.isEnabled() and not form.starts_from_model()
    form.set_value("latent_dim", 2)
    form.set_value("kind", "joint-vae")
    assert not form.start_from.isEnabled()


def test_a_continuation_that_is_offered_is_the_likelier_button(panel: TrainingPanel) -> None:
    def ground(button: QAbstractButton) -> QColor:
        return button.grab().toImage().pixelColor(6, button.height() // 2)

    panel.setStyleSheet(style_sheet())
    assert ground(panel.start_button) == LIGHT.accent
    panel.set_can_go_on(True)
    assert ground(panel.go_on_button) == LIGHT.accent
    assert ground(panel.start_button) != LIGHT.accent
    panel.set_state("training")
    assert ground(panel.start_button) == LIGHT.accent


def test_escape_or_a_training_folds_the_settings_away(panel: TrainingPanel, qtbot: QtBot) -> None:
    panel.details_button.click()
    qtbot.keyClick(field(panel, "beta"), Qt.Key.Key_Escape)
    assert not panel.details_button.isChecked()
    panel.details_button.click()
    panel.set_state("loading")
    assert not panel.details_button.isChecked()
    panel.set_state("training")
    panel.details_button.click()
    panel.set_state("training")
    assert panel.details_button.isChecked()  # one may look at them again


@pytest.mark.parametrize("failed", [True, False])
def test_settings_that_a_training_folded_away_are_back_when_it_failed(
    panel: TrainingPanel, failed: bool
) -> None:
    panel.details_button.click()
    panel.set_state("loading")
    panel.set_note("It is over", failed=failed)
    panel.set_state("idle")
    assert panel.details_button.isChecked() is failed
    panel.details_button.setChecked(False)
    panel.set_state("idle")
    assert not panel.details_button.isChecked()


def test_a_low_panel_cuts_no_row_through(panel: TrainingPanel, qtbot: QtBot) -> None:
    panel.details_button.click()
    scroll, bar = panel._scroll, panel._scroll.verticalScrollBar()
    for height in range(150, 300, 7):
        panel.resize(420, height)
        QApplication.processEvents()
        for value in (0, 1, bar.maximum() // 2, bar.maximum()):
            bar.setValue(value)
            view = scroll.viewport().rect()
            for row in panel.form._editors.values():
                place = QRect(row.mapTo(scroll.viewport(), QPoint()), row.size())
                if row.isVisible() and view.intersects(place):
                    assert view.top() <= place.top() and place.bottom() <= view.bottom()
    bar.setValue(0)
    QTest.wheelEvent(panel.windowHandle(), QPointF(100, 80), QPoint(0, -10))
    assert bar.value() % panel.form.grid.pitch == 0


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


def test_an_explanation_takes_the_room_of_the_bar_where_a_progress_does_not(
    panel: TrainingPanel,
) -> None:
    panel.resize(240, 400)
    panel.show()
    long = "Something that takes more than a line to say"
    panel.set_state("training")
    panel.set_progress(2.37, 20, 95, "4,400 images/s of the training")
    assert "…" in panel._progress.text() and panel._bar.isVisible()
    panel.form.explained.emit(long)
    assert panel._progress.text().split() == long.split() and not panel._bar.isVisible()
    panel.form.explained.emit("")
    assert "…" in panel._progress.text() and panel._bar.isVisible()


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
