"""Training in the real window: start, drive, follow, go back, fail, and close in the middle."""

from __future__ import annotations

import itertools
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from tests.gui.windows import choose_dataset, image_of, is_saved
from vae_explorer import paths
from vae_explorer.engine.checkpoint import load_model, read_card
from vae_explorer.engine.errors import TrainingError
from vae_explorer.engine.events import Metrics, SnapshotEvent, StepEvent
from vae_explorer.engine.explorer import Explorer
from vae_explorer.engine.training import fit
from vae_explorer.engine.training_state import TrainingState
from vae_explorer.gui import jobs
from vae_explorer.gui.controller.application import Controller
from vae_explorer.gui.recovery import EPOCHS, epochs_of
from vae_explorer.gui.training_thread import Failed

PATIENCE = 60_000  # milliseconds


@pytest.fixture
def ready(joint: Controller, two_classes: Path) -> Controller:
    """A window that is about to train a small Joint VAE on the folder of bars."""
    joint.window.files_dropped.emit([str(two_classes)])
    form = joint.window.training.form
    for name, value in {"preset": "lecture", "epochs": 4, "batch_size": 16}.items():
        form.set_value(name, value)
    return joint


def press_start(controller: Controller, qtbot: QtBot) -> None:
    qtbot.mouseClick(controller.window.training.start_button, Qt.MouseButton.LeftButton)


def wait_idle(controller: Controller, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: controller.window.training.state() == "idle", timeout=PATIENCE)


def diverging(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Trainings come to no number after so many events."""

    def begin_and_diverge(*arguments: object, **settings: object) -> Iterator[object]:
        yield from itertools.islice(fit(*arguments, **settings), after)  # type: ignore[arg-type]
        raise TrainingError("It diverged.")

    monkeypatch.setattr("vae_explorer.engine.training.fit", begin_and_diverge)


def train(controller: Controller, qtbot: QtBot) -> None:
    press_start(controller, qtbot)
    assert controller.window.training.state() == "loading"
    wait_idle(controller, qtbot)


def test_a_dropped_folder_offers_the_classes_that_it_is_trained_with(
    joint: Controller, tmp_path: Path
) -> None:
    for name in ("class 10", "class 9", ".hidden", "__MACOSX"):
        (tmp_path / name).mkdir()
    joint.window.files_dropped.emit([str(tmp_path)])
    form = joint.window.training.form
    assert form.dataset_name() == str(tmp_path)
    assert form.model_config().class_names == ("class 9", "class 10")
    joint.files.folder_dropped.emit(str(tmp_path / "gone"))
    assert "cannot be read" in joint.window.banner.text()


def test_a_folder_of_images_is_trained_and_its_classes_are_named(
    ready: Controller, qtbot: QtBot
) -> None:
    train(ready, qtbot)
    window = ready.window
    assert window.banner.text() == ""
    assert ready.session.class_names == ("lying", "upright")
    assert "Trained 4 epochs" in window.training.note()
    assert len(window.curves.run_names) == 1
    assert window.curves._runs[-1].has("objective")
    assert ready.session.unsaved
    assert window.isWindowModified()
    assert len(ready.training.history) >= 4
    curve = ready.session.curve
    assert curve is not None and curve.epochs == [1, 2, 3, 4]
    assert curve.validation[-1] > curve.validation[0]


@pytest.fixture(scope="module")
def mushrooms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of pictures in colour, twice as wide as high: red discs and yellow ones."""
    folder = tmp_path_factory.mktemp("mushrooms")
    random = np.random.default_rng(0)
    across, down = np.meshgrid(np.arange(48), np.arange(24))
    for name, colour in (("fly agaric", (210, 30, 30)), ("chanterelle", (240, 190, 40))):
        (folder / name).mkdir()
        for index in range(30):
            picture = np.full((24, 48, 3), (60, 120, 60), dtype=np.uint8)
            disc = (across - random.integers(20, 28)) ** 2 + (down - 12) ** 2 < 60
            picture[disc] = colour
            Image.fromarray(picture).save(folder / name / f"{index}.png")
    return folder


def test_my_own_pictures_are_trained_on_in_colour_at_the_size_i_want(
    joint: Controller, mushrooms: Path, qtbot: QtBot
) -> None:
    joint.window.files_dropped.emit([str(mushrooms)])
    form = joint.window.training.form
    values = {"image_size": 20, "channels": 3, "fit": "pad", "likelihood": "gaussian"}
    for name, value in (values | {"epochs": 4, "batch_size": 8}).items():
        form.set_value(name, value)
    train(joint, qtbot)
    assert joint.window.banner.text() == ""
    gallery = joint.session.gallery
    assert gallery is not None and gallery.fit == "pad"
    assert gallery.images.shape[1:] == (20, 20, 3)
    assert (gallery.images[:, 0] == gallery.images[:, 4]).all()  # filled up above, not cut
    joint.exploring.pin(0.0, 0.0)
    assert image_of(joint).shape == (20, 20, 3)
    joint.window.menus.evaluate.trigger()
    qtbot.waitUntil(lambda: joint.window.evaluation.rows() > 3, timeout=PATIENCE)
    assert joint.window.banner.text() == ""
    joint.window.show_tab(joint.window.samples)
    joint.pages.draw_path(-1.0, 0.0, 1.0, 0.0)
    assert joint.pages.path_frames is not None
    assert joint.pages.path_frames.shape[1:] == (20, 20, 3)


def test_the_time_machine_goes_back_and_returns(ready: Controller, qtbot: QtBot) -> None:
    train(ready, qtbot)
    ready.exploring.pin(0.0, 0.0)
    now = image_of(ready)
    ready.window.snapshots._slider.setValue(0)  # the image follows a turn of the event loop later
    qtbot.waitUntil(lambda: not np.allclose(now, image_of(ready), atol=1e-3), timeout=PATIENCE)
    then = image_of(ready)
    ready.window.snapshots.show_newest()
    qtbot.waitUntil(lambda: np.allclose(now, image_of(ready), atol=1e-6), timeout=PATIENCE)
    assert not np.allclose(image_of(ready), then, atol=1e-3)


def test_the_best_weights_are_a_moment_to_come_back_to(ready: Controller, qtbot: QtBot) -> None:
    train(ready, qtbot)
    slider, history = ready.window.snapshots, ready.training.history
    best = history[-1]
    assert best.is_best and slider.index == len(history) - 1
    assert slider._label.text() == f"Best weights, epoch {best.epoch}"
    slider._slider.setValue(0)
    slider._now.click()
    weights = ready.session.explorer.model.state_dict()
    assert all(bool((weights[name] == best.state[name]).all()) for name in weights)


def test_an_earlier_moment_is_saved_as_a_copy_and_the_best_is_not_lost(
    ready: Controller, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(ready, qtbot)
    history, slider = ready.training.history, ready.window.snapshots
    early, best = tmp_path / "early.safetensors", tmp_path / "best.safetensors"

    def holds(path: Path, index: int) -> bool:
        weights = load_model(path).state_dict()
        return all(bool((weights[n] == t).all()) for n, t in history[index].state.items())

    slider._slider.setValue(0)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(early), ""))
    assert is_saved(ready, ready.files.save)
    assert holds(early, 0)
    assert ready.session.unsaved and ready.session.path is None
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(best), ""))
    asked = answers(monkeypatch, QMessageBox.StandardButton.Save)
    assert not ready.window.close()  # yet
    qtbot.waitUntil(lambda: not ready.window.isVisible(), timeout=PATIENCE)
    assert asked == ["The model that was trained here is not saved. Save it before you quit?"]
    assert holds(best, len(history) - 1)


@pytest.mark.parametrize("answer", ["Save", "Cancel"])
def test_an_edited_class_prior_survives_the_question_and_is_what_is_saved(
    ready: Controller,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
) -> None:
    train(ready, qtbot)
    ready.window.classes._edit(1, 0.9)
    edited = ready.session.explorer.class_prior
    assert edited[1] == pytest.approx(0.9, abs=1e-4)
    target = tmp_path / "edited.safetensors"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(target), ""))
    answers(monkeypatch, getattr(QMessageBox.StandardButton, answer))
    ready._may_let_go("Save it?", list)
    ready.files.finish()
    np.testing.assert_allclose(ready.session.explorer.class_prior, edited, atol=1e-6)
    ready._followers.finish()
    assert ready.window.classes.edited
    if answer == "Save":
        saved = Explorer.load(target)
        np.testing.assert_allclose(saved.class_prior, edited, atol=1e-6)
        assert "learned_class_prior" in read_card(target)


def test_an_edited_class_prior_stays_at_every_moment_beside_the_one_learned_there(
    ready: Controller, qtbot: QtBot
) -> None:
    train(ready, qtbot)
    window, session, history = ready.window, ready.session, ready.training.history
    window.classes._edit(1, 0.9)
    edited = session.explorer.class_prior
    for moment in (0, len(history) - 1):
        ready.training.show_snapshot(moment)
        ready._followers.finish()
        np.testing.assert_allclose(session.explorer.class_prior, edited, atol=1e-6)
        assert window.classes.edited
    ready.training.show_snapshot(0)
    ready._followers.finish()
    window.classes._restore()  # what the weights on show have learned
    learned = torch.softmax(history[0].state["class_logits"].float(), 0).numpy()
    np.testing.assert_allclose(session.explorer.class_prior, learned, atol=1e-6)
    ready.training.show_newest()
    ready._followers.finish()
    newest = torch.softmax(history[-1].state["class_logits"], 0).numpy()
    np.testing.assert_allclose(session.explorer.class_prior, newest, atol=1e-6)
    assert not window.classes.edited


def test_what_the_window_says_of_the_weights_is_of_those_on_show(
    ready: Controller, qtbot: QtBot, two_classes: Path, tmp_path: Path
) -> None:
    uneven = Path(shutil.copytree(two_classes, tmp_path / "uneven"))
    for picture in sorted((uneven / "upright").iterdir())[20:]:
        picture.unlink()
    ready.window.files_dropped.emit([str(uneven)])
    ready.window.training.form.set_value("latent_dim", 3)
    train(ready, qtbot)
    window, session = ready.window, ready.session
    ready.exploring.pick_sample(0)
    for moment in (0, window.snapshots._slider.maximum()):
        window.snapshots._slider.setValue(moment)
        ready._followers.finish()
        gallery, explorer = session.gallery, session.explorer
        assert gallery is not None and gallery.labels is not None
        kl = explorer.kl_per_dimension(gallery.images, gallery.labels).mean(0)
        _, stds = explorer.embed(gallery.images[:1], gallery.labels[:1])
        selected = window.canvas._scene.selected
        assert selected is not None
        np.testing.assert_allclose(selected.factor, session.plane.project_std(stds[0]), rtol=1e-5)
        for index in range(3):
            text = window.dimensions._sliders[index].toolTip()
            assert f"{kl[index]:.1f} nats" in text or (kl[index] < 0.02 and "collapsed" in text)
        prior, learned = window.classes._prior, window.classes._learned
        assert prior is not None and learned is not None
        np.testing.assert_allclose(prior, explorer.class_prior, atol=1e-6)
        np.testing.assert_allclose(learned, explorer.class_prior, atol=1e-6)
    assert session.explorer.class_prior[0] > 0.6


@pytest.mark.parametrize("chosen", [False, True])
def test_a_training_ends_on_its_strongest_dimensions_unless_others_were_chosen(
    ready: Controller, qtbot: QtBot, chosen: bool
) -> None:
    ready.window.training.form.set_value("latent_dim", 5)
    ready.training.model_replaced.connect(
        lambda: ready.exploring.choose_axes(4, 3) if chosen else None
    )
    train(ready, qtbot)
    kl = ready.session.opened.kl if ready.session.opened else None
    assert kl is not None
    strongest = tuple(sorted(np.argsort(kl)[-2:].tolist()))
    assert ready.session.plane.axes == ((4, 3) if chosen else strongest)


def test_another_model_has_none_of_the_trainings_moments(
    ready: Controller, qtbot: QtBot, vae_file: Path
) -> None:
    train(ready, qtbot)
    assert ready.window.snapshots.index > 0
    ready.session.unsaved = False
    with qtbot.waitSignal(ready.opened, timeout=PATIENCE):
        ready.open_model(vae_file)
    assert ready.window.snapshots.index == -1
    assert len(ready.training.history) == 0
    ready.training.show_snapshot(0)  # as a film in its last moment might
    assert ready.window.banner.text() == ""


def test_step_by_step_and_epoch_by_epoch(ready: Controller, qtbot: QtBot) -> None:
    panel = ready.window.training
    epochs = []
    ready.training.epoch_ended.connect(epochs.append)
    qtbot.mouseClick(panel.step_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.state() == "paused", timeout=PATIENCE)
    assert epochs == []
    qtbot.mouseClick(panel.epoch_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(epochs) == 1 and panel.state() == "paused", timeout=PATIENCE)
    qtbot.mouseClick(panel.stop_button, Qt.MouseButton.LeftButton)
    wait_idle(ready, qtbot)
    assert len(epochs) == 1
    assert "Stopped" in panel.note()


def test_pause_holds_resume_goes_on_and_beta_changes_live(ready: Controller, qtbot: QtBot) -> None:
    panel = ready.window.training
    panel.form.set_value("kind", "vae")
    panel.form.set_value("epochs", 100_000)
    press_start(ready, qtbot)
    qtbot.waitUntil(lambda: panel.state() == "training", timeout=PATIENCE)
    qtbot.keyClick(ready.window.canvas, Qt.Key.Key_Space)
    assert panel.state() == "paused"
    panel.form.set_value("beta", 0.25)
    panel.form._editors["beta"].editingFinished.emit()  # type: ignore[union-attr]
    betas = []
    flush = ready.training._show_progress
    ready.training._show_progress = lambda event: betas.append(event.beta) or flush(event)
    qtbot.keyClick(ready.window.canvas, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: 0.25 in betas, timeout=PATIENCE)
    assert ready.window.curves._runs[-1].objective == "Objective"
    panel.stop_requested.emit()
    wait_idle(ready, qtbot)


def test_the_equation_has_the_weight_of_the_classifier_that_is_in_force(
    ready: Controller, qtbot: QtBot
) -> None:
    panel, bar = ready.window.training, ready.window.equation
    panel.form.set_value("epochs", 100_000)
    press_start(ready, qtbot)
    qtbot.waitUntil(lambda: panel.state() == "training", timeout=PATIENCE)
    ready.exploring.pin(0.1, 0.1)
    panel.form.set_value("classification_weight", 7.5)
    panel.form._editors["classification_weight"].editingFinished.emit()  # type: ignore[union-attr]
    qtbot.waitUntil(lambda: "7.5" in bar._blocks[-1]._formula.text(), timeout=PATIENCE)
    panel.stop_requested.emit()
    wait_idle(ready, qtbot)


def test_a_training_that_fails_at_once_leaves_the_model_from_before(
    ready: Controller, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverge(*_: object, **__: object) -> Iterator[object]:
        raise TrainingError("The objective is no longer a number: take a smaller learning rate.")
        yield

    monkeypatch.setattr("vae_explorer.engine.training.fit", diverge)
    before = ready.session.opened
    press_start(ready, qtbot)
    wait_idle(ready, qtbot)
    assert ready.window.banner.kind() == "error"
    assert "learning rate" in ready.window.banner.text()
    assert ready.window.banner.details() == ""
    assert ready.window.training.note() == "The training could not begin"
    assert ready.window.training.status_is_bad()
    assert ready.session.opened is before
    assert not ready.session.unsaved


def test_a_snapshot_that_comes_with_the_failure_is_not_shown_on_the_model_before(
    ready: Controller, qtbot: QtBot
) -> None:
    before = ready.session.opened
    ready.window.training.form.set_value("latent_dim", 3)
    press_start(ready, qtbot)
    qtbot.waitUntil(lambda: len(ready.training.history) > 0, timeout=PATIENCE)
    alien = ready.training.history[0]
    ready.window.training.stop_requested.emit()
    wait_idle(ready, qtbot)
    ready.training._epochs_done = 0
    ready.training._before = replace(ready.session, opened=before, unsaved=False)
    snapshot = SnapshotEvent(0.1, 1, dict(alien.state), alien.means, alien.stds)
    ready.training._on_messages([snapshot, Failed(TrainingError("It diverged."), "")])
    assert ready.session.opened is before
    assert len(ready.training.history) == 0
    assert ready.window.banner.text() == "It diverged."


def test_a_model_that_is_being_opened_keeps_its_place(
    ready: Controller, qtbot: QtBot, vae_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()
    monkeypatch.setattr("vae_explorer.gui.jobs.opened", held(jobs.opened, go))
    ready.files.open(vae_file)
    press_start(ready, qtbot)
    assert not ready.training.busy
    assert ready.window.banner.text() == "A model is being opened: train when it is there."
    with qtbot.waitSignal(ready.opened, timeout=PATIENCE):
        go.set()
    assert ready.session.path == vae_file


def held(act: Callable[..., object], go: threading.Event) -> Callable[..., object]:
    """An act that waits until it may."""

    def wait(*arguments: object, **named: object) -> object:
        go.wait(PATIENCE / 1000)
        return act(*arguments, **named)

    return wait


def test_while_a_training_runs_opening_is_refused_before_anything_is_asked(
    ready: Controller, qtbot: QtBot, vae_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answers(monkeypatch, QMessageBox.StandardButton.Cancel)
    ready.window.training.form.set_value("epochs", 100_000)
    press_start(ready, qtbot)
    qtbot.waitUntil(lambda: ready.session.unsaved, timeout=PATIENCE)
    ready.files.open(vae_file)
    assert asked == []
    assert "Stop the training" in ready.window.banner.text()
    ready.training.stop()
    wait_idle(ready, qtbot)


def test_going_on_asks_where_another_model_would_be_lost(
    ready: Controller, qtbot: QtBot, vae_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answers(monkeypatch, QMessageBox.StandardButton.Cancel)
    panel = ready.window.training
    qtbot.mouseClick(panel.step_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.state() == "paused", timeout=PATIENCE)
    for _ in range(2):
        ready.training.stop()
        wait_idle(ready, qtbot)
        ready.training.go_on()
        assert ready.training.busy, "what is in hand is what it goes on from"
    ready.training.stop()
    wait_idle(ready, qtbot)
    ready.session.unsaved = False
    with qtbot.waitSignal(ready.opened, timeout=PATIENCE):
        ready.files.open(vae_file)
    ready.session.unsaved = True
    assert asked == []
    ready.training.go_on()
    assert len(asked) == 1
    assert not ready.training.busy


def answers(monkeypatch: pytest.MonkeyPatch, button: QMessageBox.StandardButton) -> list[str]:
    """Let every question be answered so; what is asked."""
    asked: list[str] = []
    monkeypatch.setattr(QMessageBox, "question", lambda *a, **k: asked.append(a[2]) or button)
    return asked


def test_a_step_is_not_taken_for_a_pause_before_there_are_images(
    ready: Controller, qtbot: QtBot
) -> None:
    qtbot.mouseClick(ready.window.training.step_button, Qt.MouseButton.LeftButton)
    ready.training.step()
    assert ready.window.training.state() == "loading"
    qtbot.waitUntil(lambda: ready.window.training.state() == "paused", timeout=PATIENCE)
    ready.training.stop()
    wait_idle(ready, qtbot)


def test_a_training_that_fails_gives_the_equation_its_weight_back(
    ready: Controller, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    diverging(monkeypatch, after=1)
    weights = [ready.equation._weight]
    replaced = ready.training.model_replaced
    replaced.connect(lambda: weights.append(ready.equation._weight))
    ready.window.training.form.set_value("classification_weight", 9.0)
    press_start(ready, qtbot)
    wait_idle(ready, qtbot)
    assert weights == [weights[0], 9.0, weights[0]]
    assert ready.window.training.note() == "The training failed"
    assert ready.window.training.status_is_bad()


def test_a_training_starts_from_the_model_in_hand(
    ready: Controller, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = ready.window.training.form
    assert not form.start_from.isEnabled()  # it has other classes
    form.set_value("epochs", 1)
    train(ready, qtbot)
    assert form.start_from.isEnabled()
    trained = {name: tensor.clone() for name, tensor in ready.training.history[-1].state.items()}
    form.start_from.setChecked(True)
    form.set_value("seed", 3)
    monkeypatch.setattr(QMessageBox, "exec", lambda _: QMessageBox.StandardButton.Discard)
    ready.session.unsaved = False
    train(ready, qtbot)
    first = ready.training.history[0].state
    for name, tensor in trained.items():
        assert torch.allclose(first[name].float(), tensor.float(), atol=1e-2), name
    assert not form.starts_from_model()  # that was for one training
    assert ready.session.opened is not None
    assert ready.session.opened.card["started_from"] == "the weights of a trained model"


def test_a_card_tells_what_was_changed_while_the_training_ran(
    ready: Controller, qtbot: QtBot
) -> None:
    panel = ready.window.training
    qtbot.mouseClick(panel.step_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.state() == "paused", timeout=PATIENCE)
    for value in (2.0, 3.0):
        ready.training.set_live("beta", value)
    qtbot.mouseClick(panel.stop_button, Qt.MouseButton.LeftButton)
    wait_idle(ready, qtbot)
    assert ready.session.opened is not None
    assert ready.session.opened.card["changed_live"] == {"beta": 3.0}


def loading(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Let the next training read its images until the event is set."""
    go = threading.Event()
    monkeypatch.setattr(jobs, "read_dataset", held(jobs.read_dataset, go))
    return go


def test_what_is_set_while_the_images_are_read_is_told_of_the_model_that_it_is_for(
    ready: Controller, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = loading(monkeypatch)
    before = ready.equation._weight
    press_start(ready, qtbot)
    ready.training.set_live("classification_weight", 7.5)
    assert ready.equation._weight == before  # of the model on show
    go.set()
    qtbot.waitUntil(lambda: ready.equation._weight == 7.5, timeout=PATIENCE)
    assert ready.session.opened is not None
    assert ready.session.opened.card["changed_live"] == {"classification_weight": 7.5}
    ready.training.stop()
    wait_idle(ready, qtbot)


def test_a_class_prior_that_is_edited_while_the_images_are_read_outlives_a_stop(
    ready: Controller, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = loading(monkeypatch)
    press_start(ready, qtbot)
    ready.exploring.pin(0.5, -0.5)
    ready.window.classes._edit(1, 0.9)
    edited = ready.session.explorer.class_prior
    ready.training.stop()
    go.set()
    wait_idle(ready, qtbot)
    np.testing.assert_allclose(ready.session.explorer.class_prior, edited)
    assert ready.session.unsaved and ready.session.code is not None


def test_the_panel_says_what_is_in_force_and_a_continuation_has_its_own_settings(
    ready: Controller, qtbot: QtBot
) -> None:
    panel = ready.window.training
    panel.form.set_value("beta", 2.0)
    panel.form.set_value("warmup_epochs", 4)
    stopped_in_second_epoch(ready, qtbot)
    assert panel.form._notes["beta"].isHidden()
    panel.form.set_value("beta", 8.0)  # of the next training
    ready.session.unsaved = False
    notes: list[str] = []
    report = ready.training._show_progress
    ready.training._show_progress = lambda event: (  # type: ignore[method-assign]
        report(event), notes.append(panel.form._notes["beta"].text())
    )  # fmt: skip
    ready.window.menus.go_on.trigger()
    assert panel.form.value("beta") == 2.0
    wait_idle(ready, qtbot)
    assert "now 1" in notes and "now 1.5" in notes and notes[-1] == ""
    steps = ready.window.curves._runs[-1].steps
    assert steps.at(len(steps) - 1, "beta") == 2.0


def test_a_training_continued_after_another_model_was_opened_keeps_its_course_and_what_was_changed(
    ready: Controller, qtbot: QtBot, vae_file: Path
) -> None:
    panel, session = ready.window.training, ready.session
    change = ready.training.epoch_ended.connect(lambda _: ready.training.set_live("beta", 3.0))
    stopped_in_second_epoch(ready, qtbot)
    ready.training.epoch_ended.disconnect(change)
    session.unsaved = False
    with qtbot.waitSignal(ready.opened, timeout=PATIENCE):
        ready.open_model(vae_file)
    runs = len(ready.window.curves._runs)
    ready.training.go_on()
    wait_idle(ready, qtbot)
    assert "Trained 4 epochs" in panel.note()
    assert session.curve is not None and session.curve.epochs == [1, 2, 3, 4]
    assert len(ready.window.curves._runs) == runs
    assert len(ready.window.curves._runs[-1].validation) == 4
    assert session.opened is not None
    assert session.opened.card["changed_live"] == {"beta": 3.0}
    kept = TrainingState.load(ready.training.recovery.path)
    assert len(epochs_of(kept.tensors[EPOCHS])) == 4  # for the next window


@pytest.mark.parametrize("fault", ["empty", "text", "gone"])
def test_a_folder_that_is_none_gives_a_sentence(
    joint: Controller, qtbot: QtBot, tmp_path: Path, fault: str
) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    joint.window.files_dropped.emit([str(folder)])
    if fault == "text":
        (folder / "notes.txt").write_text("no image")
    elif fault == "gone":
        folder.rmdir()
    joint.window.training.form.set_value("kind", "vae")
    press_start(joint, qtbot)
    wait_idle(joint, qtbot)
    assert joint.window.banner.kind() == "error"
    assert "Traceback" not in joint.window.banner.text()
    assert joint.window.banner.details() == ""


def test_a_data_set_that_cannot_be_reached_gives_a_sentence(
    joint: Controller, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no route")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    monkeypatch.setattr("urllib.request.OpenerDirector.open", refuse)
    choose_dataset(joint.window.training.form, "kmnist")
    press_start(joint, qtbot)
    wait_idle(joint, qtbot)
    assert joint.window.banner.kind() == "error"
    assert joint.window.banner.details() == "", joint.window.banner.text()


def test_closing_while_training_stops_and_keeps_what_was_learned(
    ready: Controller, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QMessageBox, "question", _never)
    epochs = []
    ready.training.epoch_ended.connect(epochs.append)
    ready.window.training.form.set_value("epochs", 100_000)
    press_start(ready, qtbot)
    qtbot.waitUntil(lambda: len(epochs) > 1, timeout=PATIENCE)
    assert ready.window.close()
    assert not ready.training.busy
    assert (paths.user_models() / "last-training.safetensors").is_file()


def test_a_paused_training_shows_the_weights_it_holds_at_and_continues_after_a_stop(
    ready: Controller, qtbot: QtBot
) -> None:
    window, panel = ready.window, ready.window.training
    panel.form.set_value("epochs", 5)
    for step in range(1, 4):  # six make an epoch
        qtbot.mouseClick(panel.step_button, Qt.MouseButton.LeftButton)
        moment = f"{step / 6:.2f}"
        qtbot.waitUntil(lambda m=moment: m in window.snapshots._label.text(), timeout=PATIENCE)
        assert panel.note() == f"Paused at epoch {moment} of 5"
    assert not panel.go_on_button.isVisible()
    qtbot.mouseClick(panel.stop_button, Qt.MouseButton.LeftButton)
    wait_idle(ready, qtbot)
    assert panel.note() == "Stopped at epoch 0.50"
    assert panel._bar.value() == 100
    qtbot.mouseClick(panel.go_on_button, Qt.MouseButton.LeftButton)
    assert not panel.go_on_button.isVisible()
    wait_idle(ready, qtbot)
    assert "Trained 5 epochs" in panel.note()
    assert panel._bar.value() == 1000


def test_a_pause_is_where_the_steps_are_and_not_at_a_snapshot_that_comes_with_them(
    ready: Controller, qtbot: QtBot
) -> None:
    panel, training = ready.window.training, ready.training
    qtbot.mouseClick(panel.step_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "0.17" in panel.note(), timeout=PATIENCE)
    last = training.history[-1]
    metrics = Metrics(elbo=-1.0, reconstruction=-1.0, kl=0.0, objective=-1.0)
    step = StepEvent(6, 1.0, 1.0, metrics, 1.0, 1.0, 1.0, 0.001)
    training._flush([step], [SnapshotEvent(0.5, 3, last.state, last.means, last.stds)])
    training._show_state()
    assert panel.note() == "Paused at epoch 1.00 of 4"


def test_a_stopped_training_can_be_continued(ready: Controller, qtbot: QtBot) -> None:
    panel = ready.window.training
    epochs = []
    ready.training.epoch_ended.connect(epochs.append)
    qtbot.mouseClick(panel.epoch_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(epochs) == 1 and panel.state() == "paused", timeout=PATIENCE)
    qtbot.mouseClick(panel.stop_button, Qt.MouseButton.LeftButton)
    wait_idle(ready, qtbot)
    ready.session.unsaved = False
    ready.window.menus.go_on.trigger()
    wait_idle(ready, qtbot)
    assert [event.epoch for event in epochs] == [1, 2, 3, 4]
    assert not ready.window.menus.go_on.isEnabled()


def stopped_in_second_epoch(ready: Controller, qtbot: QtBot) -> None:
    panel, epochs = ready.window.training, []
    ready.training.epoch_ended.connect(epochs.append)
    qtbot.mouseClick(panel.epoch_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(epochs) == 1 and panel.state() == "paused", timeout=PATIENCE)
    qtbot.mouseClick(panel.step_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "1.17" in panel.note(), timeout=PATIENCE)
    qtbot.mouseClick(panel.stop_button, Qt.MouseButton.LeftButton)
    wait_idle(ready, qtbot)


def test_a_continued_training_goes_on_in_its_curves_its_moments_and_what_is_pinned(
    ready: Controller, qtbot: QtBot
) -> None:
    stopped_in_second_epoch(ready, qtbot)
    replaced: list[bool] = []
    ready.training.model_replaced.connect(lambda: replaced.append(True))
    curves, history = ready.window.curves, ready.training.history
    assert history[-1].is_best and history[-1].epoch == 1
    moments = [snapshot.epoch for snapshot in history][:-1]
    ready.exploring.pin(0.5, -0.5)
    ready.training.show_snapshot(0)
    ready.training.go_on()
    wait_idle(ready, qtbot)
    assert replaced == []
    assert ready.session.code is not None
    assert not ready.session.looks_back and ready.session.unsaved
    assert len(curves.run_names) == 1
    run = curves._runs[0]
    assert list(run.validation.column("epoch")) == [1, 2, 3, 4]
    steps = run.steps.column("step")
    assert np.all(np.diff(steps) > 0) and steps[-1] == 24
    curve = ready.session.curve
    assert curve is not None and list(curve.epochs) == [1, 2, 3, 4]
    kept = [snapshot.epoch for snapshot in history]
    assert kept[: len(moments)] == moments
    assert [snapshot.is_best for snapshot in history] == [False] * (len(history) - 1) + [True]
    assert kept[:-1] == sorted(set(kept[:-1]))


def test_a_continuation_that_fails_leaves_the_best_weights_and_can_be_tried_again(
    ready: Controller, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped_in_second_epoch(ready, qtbot)
    best = ready.training.history[-1]
    ready.session.unsaved = False

    with monkeypatch.context() as patch:
        diverging(patch, after=3)
        ready.training.go_on()
        wait_idle(ready, qtbot)
    assert ready.training.history[-1] is best
    assert not ready.session.unsaved and not ready.session.looks_back
    for name, tensor in ready.session.explorer.model.state_dict().items():
        assert torch.equal(tensor, best.state[name])
    ready.training.go_on()
    wait_idle(ready, qtbot)
    run = ready.window.curves._runs[-1]
    assert len(ready.window.curves.run_names) == 1
    assert np.all(np.diff(run.steps.column("step")) > 0)
    assert list(run.validation.column("epoch")) == [1, 2, 3, 4]


@pytest.mark.parametrize("is_written", [True, False])
def test_what_is_saved_amid_a_continuation_that_fails_is_not_what_it_leaves(
    ready: Controller,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_written: bool,
) -> None:
    own = tmp_path / "own.safetensors"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(own), ""))
    stopped_in_second_epoch(ready, qtbot)
    assert is_saved(ready, ready.files.save)
    ready.training.go_on()
    ready.training.step()
    qtbot.waitUntil(lambda: ready.window.training.state() == "paused", timeout=PATIENCE)
    ready.files.save()
    if is_written:
        ready.files.finish()
    ready.training._on_messages([Failed(TrainingError("It diverged."), "")])
    ready.files.finish()
    assert ready.session.epoch == 1.0 and ready.session.unsaved
    ready.training.stop()
    wait_idle(ready, qtbot)


def test_an_earlier_moment_is_saved_as_a_copy_and_the_best_stay_in_their_file(
    ready: Controller, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(ready, qtbot)
    own, copied = tmp_path / "own.safetensors", tmp_path / "copy.safetensors"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(own), ""))
    assert is_saved(ready, ready.files.save)
    before = own.read_bytes()
    ready.training.show_snapshot(1)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(copied), ""))
    assert is_saved(ready, ready.files.save)
    assert own.read_bytes() == before and copied.exists()
    assert not ready.session.unsaved and ready.session.path == own
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(own), ""))
    assert is_saved(ready, ready.files.save)
    assert ready.session.unsaved  # for the best are in no file any more


def test_a_start_that_comes_to_nothing_leaves_what_can_be_continued(
    ready: Controller, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped_in_second_epoch(ready, qtbot)
    answers(monkeypatch, QMessageBox.StandardButton.Discard)
    state = replace(ready.session)

    def refuse(*_: object, **__: object) -> Iterator[object]:
        raise TrainingError("It cannot begin.")
        yield

    with monkeypatch.context() as patch:
        patch.setattr("vae_explorer.engine.training.fit", refuse)
        press_start(ready, qtbot)
        wait_idle(ready, qtbot)
    panel = ready.window.training
    assert "could not begin" in panel.note() and panel.go_on_button.isVisible()
    assert ready.session.learned and ready.session.epoch == state.epoch
    qtbot.mouseClick(panel.go_on_button, Qt.MouseButton.LeftButton)
    wait_idle(ready, qtbot)
    assert "Trained 4 epochs" in panel.note()


def test_a_training_that_fails_at_once_gives_all_of_the_one_before_back(
    ready: Controller, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(ready, qtbot)
    answers(monkeypatch, QMessageBox.StandardButton.Discard)
    before = replace(ready.session)
    assert before.learned and before.unsaved

    diverging(monkeypatch, after=1)
    press_start(ready, qtbot)
    wait_idle(ready, qtbot)
    for name in ("unsaved", "learned", "training", "epoch"):
        assert getattr(ready.session, name) == getattr(before, name), name
    weights = ready.session.explorer.model.state_dict()
    for name, tensor in before.explorer.model.state_dict().items():
        np.testing.assert_array_equal(weights[name], tensor)


def test_a_trained_model_is_saved_and_opens_again(
    ready: Controller, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(ready, qtbot)
    target = tmp_path / "bars.safetensors"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(target), ""))
    assert is_saved(ready, ready.files.save)
    assert not ready.session.unsaved
    image = ready.session.explorer.decode(np.zeros((1, 2)), 1)
    with qtbot.waitSignal(ready.opened, timeout=PATIENCE):
        ready.open_model(target)
    np.testing.assert_array_equal(ready.session.explorer.decode(np.zeros((1, 2)), 1), image)
    assert ready.session.class_names == ("lying", "upright")


def test_a_saved_model_tells_how_it_was_trained_and_shows_its_curve_again(
    ready: Controller, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready.window.training.form.set_value("seed", 3)
    train(ready, qtbot)
    curve = ready.session.curve
    assert curve is not None
    best, early = tmp_path / "best.safetensors", tmp_path / "early.safetensors"
    ready.training.show_snapshot(0)
    for path in (early, best):
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, p=path, **k: (str(p), ""))
        assert is_saved(ready, ready.files.save_as)
        ready.training.show_newest()
    card = read_card(best)
    assert (card["epochs"], card["best_epoch"]) == (4, curve.best)
    assert card["train_images"] > 0 and card["training"]["seed"] == 3
    assert card["data"]["name"] == "folder" and "checksum" in card["data"]
    folder = ready.window.training.form.dataset_name()
    assert folder not in str(card)  # a file that is passed on tells nothing of this machine
    card = read_card(early)
    assert "best_epoch" not in card and card["half_precision"]
    assert card["epoch"] == ready.training.history[0].epoch
    with qtbot.waitSignal(ready.opened, timeout=PATIENCE):
        ready.open_model(best)
    shown = ready.window.figure._sheet.curve
    assert shown is not None and shown.best == curve.best
    assert shown.validation == pytest.approx(curve.validation, abs=1e-3)
    assert ready.session.gallery is None  # of the folder nothing is known any more
    said = ready.window.banner.text()
    start_from = ready.window.training.form.start_from
    assert "No images at hand" in said and start_from.text() in said
    start_from.click()
    train(ready, qtbot)  # as it says
    assert ready.session.gallery is not None


@pytest.mark.parametrize(
    ("settings", "unit"),
    [
        ({"kind": "ppca"}, "nats of a density per image"),
        ({"kind": "vae", "latent_dim": 1}, "nats per image"),
    ],
)
def test_other_models_train_too(
    ready: Controller, qtbot: QtBot, settings: dict[str, str | int], unit: str
) -> None:
    for name, value in settings.items():
        ready.window.training.form.set_value(name, value)
    train(ready, qtbot)
    assert ready.window.banner.text() == ""
    assert ready.session.explorer.kind == settings["kind"]
    assert ready.window.curves._runs[-1].unit == unit
    ready.exploring.pin(0.5, 0.5)
    assert ready.exploring.decoded is not None


def test_em_that_gains_nothing_more_is_said_to_have_converged(
    ready: Controller, qtbot: QtBot
) -> None:
    panel = ready.window.training
    panel.form.set_value("kind", "ppca")
    panel.form.set_value("epochs", 1000)
    train(ready, qtbot)
    assert panel.note().startswith("Converged after")
    assert panel._bar.value() == panel._bar.maximum()


def test_ppca_in_closed_form_is_one_epoch_that_is_its_own_reference(
    ready: Controller, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = ready.window.training.form
    form.set_value("kind", "ppca")
    form.set_value("ppca_fit", "closed-form")
    train(ready, qtbot)
    assert ready.window.banner.text() == ""
    assert ready.window.training.note() == "Trained 1 epoch"
    run = ready.window.curves._runs[-1]
    assert list(run.train.column("elbo")) == [run.reference]
    said: list[str] = []
    monkeypatch.setattr(QMessageBox, "exec", lambda box: said.append(box.text()))
    ready.window.menus.card.trigger()
    variance = ready.session.explorer.noise_variance
    assert variance is not None and f"{variance:.4g}" in said[0]


def test_curves_of_few_labels_say_that_they_are_of_the_labelled_images(
    ready: Controller, qtbot: QtBot
) -> None:
    ready.window.training.form.set_value("labels", 4)
    train(ready, qtbot)
    assert ready.window.curves._runs[-1].train_title == "train, 4 labelled"


def test_the_model_can_be_evaluated_from_the_window(ready: Controller, qtbot: QtBot) -> None:
    train(ready, qtbot)
    ready.window.menus.evaluate.trigger()
    qtbot.waitUntil(lambda: ready.window.evaluation.rows() > 3, timeout=PATIENCE)
    assert "test split" in ready.window.evaluation.progress()


def _never(*_: object) -> None:
    raise AssertionError("a training that is cut short asks nothing")
