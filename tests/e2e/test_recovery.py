"""A window that is killed amid a training: the next one offers it, and goes on to the same weights."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

import vae_explorer
from tests.gui.windows import MakeController, is_saved, wait_open
from vae_explorer import paths
from vae_explorer.engine.checkpoint import read_card
from vae_explorer.engine.control import LIVE_SETTINGS
from vae_explorer.engine.events import EpochEvent, Metrics
from vae_explorer.engine.training_state import TrainingState
from vae_explorer.gui.controller.application import Controller
from vae_explorer.gui.jobs import Train, TrainingEnded
from vae_explorer.gui.recovery import NAME, Recovery, epochs_of, epochs_table, find_interrupted

PATIENCE = 60_000  # milliseconds
SETTINGS = {"preset": "lecture", "epochs": 6, "batch_size": 16, "kind": "joint-vae"}

WINDOW = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from vae_explorer.engine import keeping
from vae_explorer.engine.training_state import TrainingState
from vae_explorer.gui import app, jobs
from vae_explorer.gui.controller.application import Options

jobs.KEPT_EVERY, keeping.SHARE = 0.0, 1e9  # after every epoch
model, folder, last, settings = sys.argv[1:]
application = QApplication(["vae-explorer"])
controller = app.build(application, Options(Path(model)), remembers=True)
panel, kept = controller.window.training, controller.training.recovery.path
asked = 0

def beat():
    global asked
    state = panel.state()
    if asked == 0 and state == "idle":
        controller.window.files_dropped.emit([folder])
        for name, value in eval(settings).items():
            panel.form.set_value(name, value)
        panel.epoch_button.click()
        asked = 1
    elif state == "idle" and asked:
        print("ended", flush=True)
    elif state == "paused" and kept.is_file():
        if TrainingState.load(kept, tensors=False).epoch == int(last):
            print("holds", flush=True)
        elif asked < int(last) and f"at epoch {asked}.00" in panel.note():
            panel.epoch_button.click()
            asked += 1

timer = QTimer(interval=20)
timer.timeout.connect(beat)
timer.start()
controller.window.show()
controller.start()
application.exec()
"""


def kill_a_window(model: Path, folder: Path, epochs: int, **changes: object) -> None:
    """Train in a process of its own; kill it after so many epochs, or the end, whichever is first."""
    settings = repr(SETTINGS | changes)
    root = str(Path(vae_explorer.__file__).resolve().parent.parent)
    with subprocess.Popen(
        [sys.executable, "-c", WINDOW, str(model), str(folder), str(epochs), settings],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": root},
        text=True,
    ) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    assert said in ("holds\n", "ended\n")


def kept() -> Path:
    return paths.user_recovery() / NAME


def button(controller: Controller, text: str) -> QPushButton:
    buttons = controller.window.banner.findChildren(QPushButton)
    return next(b for b in buttons if b.isVisible() and b.text() == text)


def press(controller: Controller, qtbot: QtBot, text: str) -> None:
    qtbot.mouseClick(button(controller, text), Qt.MouseButton.LeftButton)


def wait_idle(controller: Controller, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: controller.window.training.state() == "idle", timeout=PATIENCE)


@pytest.fixture
def opened(
    make_controller: MakeController, joint_file: Path, qtbot: QtBot
) -> Callable[[], Controller]:
    def make() -> Controller:
        controller = make_controller(joint_file)
        wait_open(qtbot, controller)
        return controller

    return make


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that is chosen whenever a model is saved under a name."""
    path = tmp_path / "mine.safetensors"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(path), ""))
    return path


def prepare(controller: Controller, folder: Path, **changes: object) -> None:
    controller.window.files_dropped.emit([str(folder)])
    for name, value in (SETTINGS | changes).items():
        controller.window.training.form.set_value(name, value)  # type: ignore[arg-type]


def train(controller: Controller, qtbot: QtBot, folder: Path, **changes: object) -> None:
    prepare(controller, folder, **changes)
    controller.window.training.activate()
    wait_idle(controller, qtbot)


def train_to(controller: Controller, qtbot: QtBot, folder: Path, epoch: int) -> None:
    """Up to the end of an epoch, where it holds."""
    prepare(controller, folder)
    panel = controller.window.training
    for index in range(epoch):
        panel.epoch_button.click()
        qtbot.waitUntil(lambda e=index + 1: f"at epoch {e}.00" in panel.note(), timeout=PATIENCE)


@pytest.mark.skipif(sys.platform == "win32", reason="a signal of POSIX")
def test_a_killed_window_is_followed_by_one_that_continues_to_the_same_weights(
    opened: Callable[[], Controller], joint_file: Path, two_classes: Path, qtbot: QtBot
) -> None:
    kill_a_window(joint_file, two_classes, 3, beta=2.0)
    assert TrainingState.load(kept()).epoch == 3
    controller = opened()
    banner = controller.window.banner
    said = f"cut off after 3 of 6 epochs: Joint VAE, 2-D, {two_classes.name}."
    assert said in banner.text() and banner.kind() == "info"
    assert not banner._leaving.isActive()  # it waits for an answer
    epochs: list[EpochEvent] = []
    controller.training.epoch_ended.connect(epochs.append)
    press(controller, qtbot, "Continue")
    assert controller.window.training.form.value("beta") == 2.0
    wait_idle(controller, qtbot)
    assert banner.text() == ""
    assert [event.epoch for event in epochs] == [4, 5, 6]
    curve = controller.session.curve  # with what was told before
    assert curve is not None and list(curve.epochs) == [1, 2, 3, 4, 5, 6]
    run = controller.window.curves._runs[-1]
    assert list(run.validation.column("epoch")) == [1, 2, 3, 4, 5, 6]
    whole: list[object] = []
    state = find_interrupted()
    assert state is None  # this window has it
    parts = TrainingState.load(kept())
    Train(parts.model_config, str(two_classes), parts.training_config).run(whole.append)
    ended = whole[-1]
    assert isinstance(ended, TrainingEnded)
    for name, tensor in controller.training.history[-1].state.items():
        assert torch.equal(tensor, ended.event.best_state[name]), name


@pytest.mark.skipif(sys.platform == "win32", reason="a signal of POSIX")
def test_a_training_that_ended_and_was_not_saved_is_opened_with_its_best_weights(
    opened: Callable[[], Controller],
    joint_file: Path,
    two_classes: Path,
    qtbot: QtBot,
    target: Path,
) -> None:
    kill_a_window(joint_file, two_classes, 9)
    controller = opened()
    assert "A training was not saved: Joint VAE, 2-D" in controller.window.banner.text()
    best = TrainingState.load(kept()).part("best")
    press(controller, qtbot, "Open it")
    wait_idle(controller, qtbot)
    assert "Trained 6 epochs" in controller.window.training.note()
    assert controller.session.unsaved and kept().is_file()
    weights = controller.session.explorer.model.state_dict()
    assert all(torch.equal(weights[name], tensor) for name, tensor in best.items())
    assert is_saved(controller, controller.files.save)
    assert not kept().exists()
    assert read_card(target)["epochs"] == 6


def test_a_stopped_training_that_was_not_saved_can_be_continued_where_it_is_opened(
    opened: Callable[[], Controller], two_classes: Path, qtbot: QtBot
) -> None:
    first = opened()
    train_to(first, qtbot, two_classes, 2)
    first.training.stop()
    wait_idle(first, qtbot)
    note = first.window.training.note()
    first.training.recovery.leave()  # as a killed process does
    second = opened()
    press(second, qtbot, "Open it")
    wait_idle(second, qtbot)
    assert second.window.training.note() == note and note.startswith("Stopped at epoch 2.00")
    second.window.training.go_on_button.click()
    wait_idle(second, qtbot)
    assert "Trained 6 epochs" in second.window.training.note()


def test_a_window_that_lives_keeps_its_training_to_itself(
    opened: Callable[[], Controller], two_classes: Path, qtbot: QtBot
) -> None:
    first = opened()
    train(first, qtbot, two_classes)
    mine = kept().read_bytes()
    second = opened()
    assert "training" not in second.window.banner.text()
    train(second, qtbot, two_classes, seed=5, epochs=2)
    assert second.window.banner.text() == ""
    assert kept().read_bytes() == mine
    second.session.unsaved = False
    assert second.window.close()
    assert kept().read_bytes() == mine


def test_of_two_windows_that_offer_a_training_one_has_it(
    opened: Callable[[], Controller], two_classes: Path, qtbot: QtBot
) -> None:
    first = opened()
    train(first, qtbot, two_classes)
    first.training.recovery.leave()
    second, third = opened(), opened()
    for window in (second, third):
        assert "was not saved" in window.window.banner.text()
        press(window, qtbot, "Open it")
        wait_idle(window, qtbot)
    assert second.session.unsaved and not third.session.unsaved
    assert third.window.banner.text().startswith("Another window has this training")
    assert third.window.close()
    assert kept().is_file()


@pytest.mark.parametrize("fault", ["truncated", "foreign", "without a place"])
def test_a_damaged_file_is_removed_without_a_word(
    opened: Callable[[], Controller],
    two_classes: Path,
    qtbot: QtBot,
    fault: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    first = opened()
    train(first, qtbot, two_classes, epochs=1)
    first.training.recovery.leave()
    if fault == "without a place":
        state = TrainingState.load(kept())
        TrainingState(
            state.model_config, state.training_config, state.data, state.tensors, state.counters
        ).save(kept())
    else:
        kept().write_bytes(kept().read_bytes()[:100] if fault == "truncated" else b"notes")
    second = opened()
    assert "training" not in second.window.banner.text()
    assert not kept().exists()
    assert "cannot be read and is removed" in caplog.text


def test_data_that_are_gone_are_told_of_and_the_training_stays(
    opened: Callable[[], Controller], two_classes: Path, qtbot: QtBot, tmp_path: Path
) -> None:
    folder = tmp_path / "bars"
    folder.symlink_to(two_classes)
    first = opened()
    train(first, qtbot, folder, epochs=1)
    first.training.recovery.leave()
    folder.unlink()
    second = opened()
    before = second.session.opened
    press(second, qtbot, "Open it")
    wait_idle(second, qtbot)
    assert str(folder) in second.window.banner.text()
    assert second.session.opened is before and not second.session.unsaved
    assert kept().is_file()
    folder.symlink_to(two_classes)
    press(second, qtbot, "Try again")
    wait_idle(second, qtbot)
    assert second.window.training.note() == "Trained 1 epoch"


def test_a_closed_offer_is_made_again_at_the_next_start(
    opened: Callable[[], Controller], two_classes: Path, qtbot: QtBot
) -> None:
    first = opened()
    train(first, qtbot, two_classes, epochs=1)
    first.training.recovery.leave()
    for _ in range(2):
        window = opened()
        assert "was not saved" in window.window.banner.text()
        press(window, qtbot, "Dismiss")
        assert window.window.close()
        assert kept().is_file()


@pytest.mark.parametrize("how", ["another training", "another model", "quit"])
def test_what_is_discarded_is_gone(
    opened: Callable[[], Controller],
    two_classes: Path,
    vae_file: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    controller = opened()
    train(controller, qtbot, two_classes, epochs=1)
    answers = iter([QMessageBox.StandardButton.Cancel, QMessageBox.StandardButton.Discard])
    monkeypatch.setattr(QMessageBox, "question", lambda *_: next(answers))
    act = {
        "another training": controller.window.training.activate,
        "another model": lambda: controller.files.open(vae_file),
        "quit": controller.window.close,
    }[how]
    act()
    assert kept().is_file()
    monkeypatch.setattr(Recovery, "keep", lambda *_: None)
    act()
    assert not kept().exists()
    assert next(answers, None) is None
    wait_idle(controller, qtbot)


def test_a_window_closed_amid_a_training_leaves_its_model_alone(
    opened: Callable[[], Controller], two_classes: Path, qtbot: QtBot
) -> None:
    controller = opened()
    train_to(controller, qtbot, two_classes, 1)
    qtbot.waitUntil(kept().is_file, timeout=PATIENCE)
    qtbot.waitUntil(lambda: controller.session.learned, timeout=PATIENCE)
    assert controller.window.close()
    assert not kept().exists()
    assert (paths.user_models() / "last-training.safetensors").is_file()


def test_a_window_closed_before_it_has_heard_of_the_epoch_leaves_it_to_the_next(
    opened: Callable[[], Controller], two_classes: Path, qtbot: QtBot
) -> None:
    controller = opened()
    train_to(controller, qtbot, two_classes, 1)
    qtbot.waitUntil(kept().is_file, timeout=PATIENCE)
    controller.session.learned = False
    assert controller.window.close()
    assert TrainingState.load(kept()).epoch == 1


def test_what_is_saved_amid_a_training_is_not_all_that_it_learns(
    opened: Callable[[], Controller],
    two_classes: Path,
    qtbot: QtBot,
    target: Path,
) -> None:
    controller = opened()
    train_to(controller, qtbot, two_classes, 1)
    assert is_saved(controller, controller.files.save)
    controller.training.resume()
    wait_idle(controller, qtbot)
    assert controller.session.unsaved and controller.window.isWindowModified()
    assert kept().is_file()


def test_what_is_saved_amid_an_epoch_is_not_what_the_training_ends_with(
    opened: Callable[[], Controller],
    two_classes: Path,
    qtbot: QtBot,
    target: Path,
) -> None:
    controller = opened()
    train_to(controller, qtbot, two_classes, 1)
    controller.training.step()
    qtbot.waitUntil(lambda: (controller.session.epoch or 0.0) > 1.0, timeout=PATIENCE)
    assert is_saved(controller, controller.files.save) and not controller.session.unsaved
    controller.training.stop()
    wait_idle(controller, qtbot)
    assert controller.session.epoch == 1.0  # whose weights are in no file
    assert controller.session.unsaved and controller.window.isWindowModified()


def test_a_full_disk_is_told_of_once_and_the_training_goes_on(
    opened: Callable[[], Controller],
    two_classes: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    full_disk: Callable[[], None],
) -> None:
    monkeypatch.setattr("vae_explorer.gui.jobs.KEPT_EVERY", 0.0)
    monkeypatch.setattr("vae_explorer.engine.keeping.SHARE", 1e9)
    controller = opened()
    told: list[str] = []
    refuse = controller.training._reporter.refuse
    monkeypatch.setattr(
        controller.training._reporter, "refuse", lambda text: (told.append(text), refuse(text))
    )
    full_disk()
    train(controller, qtbot, two_classes)
    assert controller.window.training.note().startswith("Trained 6 epochs")
    assert len(told) == 1 and "Free some room" in told[0]
    assert told[0].endswith("If the power failed, this training would be lost.")
    assert not kept().exists()


def test_what_epochs_told_goes_through_a_table_of_numbers() -> None:
    def metrics(value: float, accuracy: float | None) -> Metrics:
        return Metrics(value, value - 1, 1.5, value, accuracy=accuracy)

    events = [
        EpochEvent(
            epoch=number,
            epochs=2000,
            step=6 * number,
            seconds=0.5 * number,
            train=metrics(-number / 3, 0.5),
            validation=metrics(-number / 7, None),
            kl_per_dimension=(0.1, 2.0),
            images_per_second=10.0,
            is_best=number in (1, 334),
            **dict.fromkeys(LIVE_SETTINGS, 0.25),  # type: ignore[arg-type]
        )
        for number in range(1, 2001)
    ]
    assert epochs_of(epochs_table(events[:3])) == events[:3]
    many = epochs_of(epochs_table(events))
    assert len(many) <= 501 and events[333] in many and many[-1] == events[-1]
    assert epochs_of(None) == [] and epochs_of(torch.zeros(3, 2)) == []
