"""What goes wrong outside: the disk is full, the data cannot be reached. Nothing is lost, and what to do is said."""

from __future__ import annotations

import threading
import urllib.error
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from tests.engine.idx_files import write_raw
from tests.gui.windows import choose_dataset, is_saved, wait_written
from vae_explorer import paths
from vae_explorer.engine.errors import EngineError
from vae_explorer.gui.controller.application import Controller
from vae_explorer.gui.screenshot import take_screenshot

PATIENCE = 60_000  # milliseconds


def name_file(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(path), ""))


def press_start(controller: Controller, qtbot: QtBot) -> None:
    qtbot.mouseClick(controller.window.training.start_button, Qt.MouseButton.LeftButton)


def wait_state(controller: Controller, qtbot: QtBot, state: str) -> None:
    qtbot.waitUntil(lambda: controller.window.training.state() == state, timeout=PATIENCE)


def banner_button(controller: Controller, text: str) -> QPushButton:
    buttons = controller.window.banner.findChildren(QPushButton)
    return next(b for b in buttons if b.isVisible() and b.text() == text)


def test_a_full_disk_while_saving_keeps_the_old_file_and_the_work(
    joint: Controller,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    full_disk: Callable[[], None],
) -> None:
    target = tmp_path / "mine.safetensors"
    name_file(monkeypatch, target)
    assert is_saved(joint, joint.files.save_as)
    before = target.read_bytes()
    joint.session.unsaved = True
    full_disk()
    assert not is_saved(joint, joint.files.save)
    said = joint.window.banner.text()
    assert "No space left on device. Free some room, or choose another disk" in said
    assert joint.session.unsaved
    assert target.read_bytes() == before
    assert not list(tmp_path.glob(".*.part"))


@pytest.mark.parametrize("what", ["canvas", "manifold", "image", "samples"])
def test_a_full_disk_while_exporting_keeps_the_old_file(
    joint: Controller,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    full_disk: Callable[[], None],
    what: str,
) -> None:
    target = tmp_path / "picture.png"
    target.write_bytes(b"old")
    name_file(monkeypatch, target)
    joint.pages.show_samples(-1, "mean")
    joint.idle.finish()
    full_disk()
    getattr(joint.export, what)()
    wait_written(qtbot, joint)
    assert joint.window.banner.kind() == "error"
    assert "Free some room" in joint.window.banner.text()
    assert target.read_bytes() == b"old"


@pytest.mark.parametrize("kind", ["csv", "png"])
def test_a_full_disk_while_exporting_curves_keeps_the_old_file(
    joint: Controller,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    full_disk: Callable[[], None],
    kind: str,
    qtbot: QtBot,
) -> None:
    target = tmp_path / f"curves.{kind}"
    target.write_bytes(b"old")
    name_file(monkeypatch, target)
    curves = joint.window.curves
    qtbot.waitUntil(lambda: not joint.plots._idle.busy, timeout=60_000)
    full_disk()
    curves.export.ask(kind)
    wait_written(qtbot, joint)
    assert "Free some room" in joint.window.banner.text()
    assert target.read_bytes() == b"old"
    assert [
        path.name for path in tmp_path.iterdir() if path.is_file() and "curves" in path.name
    ] == [target.name]


def test_a_full_disk_keeps_the_old_picture_of_the_window(
    joint: Controller, tmp_path: Path, full_disk: Callable[[], None]
) -> None:
    target = tmp_path / "window.png"
    target.write_bytes(b"old")
    full_disk()
    with pytest.raises(EngineError, match="Free some room"):
        take_screenshot(joint, target, QSize(1100, 720))
    assert target.read_bytes() == b"old"
    assert not list(tmp_path.glob(".window*"))


def test_a_training_that_cannot_be_kept_keeps_the_window_open(
    joint: Controller,
    two_classes: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    full_disk: Callable[[], None],
) -> None:
    joint.window.files_dropped.emit([str(two_classes)])
    for name, value in {"preset": "lecture", "epochs": 100_000, "batch_size": 16}.items():
        joint.window.training.form.set_value(name, value)
    epochs = []
    joint.training.epoch_ended.connect(epochs.append)
    press_start(joint, qtbot)
    qtbot.waitUntil(lambda: len(epochs) > 0, timeout=PATIENCE)
    full_disk()
    assert not joint.window.close()
    assert "Free some room" in joint.window.banner.text()
    assert "to close without keeping it, stop it first" in joint.window.banner.text()
    seen = len(epochs)
    qtbot.waitUntil(lambda: len(epochs) > seen, timeout=PATIENCE)  # nothing was stopped
    joint.training.stop()
    wait_state(joint, qtbot, "idle")
    discard = QMessageBox.StandardButton.Discard
    monkeypatch.setattr(QMessageBox, "question", lambda *_: discard)
    assert joint.window.close()
    assert not (paths.user_models() / "last-training.safetensors").exists()


def test_data_out_of_reach_can_be_tried_again(
    joint: Controller, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, own_folders: Path
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise urllib.error.URLError(OSError(101, "Network is unreachable"))

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    before = joint.session.opened
    form = joint.window.training.form
    choose_dataset(form, "kmnist")
    for name, value in {"preset": "lecture", "epochs": 1, "batch_size": 8}.items():
        form.set_value(name, value)
    press_start(joint, qtbot)
    wait_state(joint, qtbot, "idle")
    said = joint.window.banner.text()
    assert "Network is unreachable" in said and "check the connection" in said
    assert joint.window.training.note() == "There are no images to learn from"
    assert joint.session.opened is before  # the model of before stays
    write_raw(own_folders / "data" / "KMNIST" / "raw")
    qtbot.mouseClick(banner_button(joint, "Try again"), Qt.MouseButton.LeftButton)
    assert joint.window.banner.text() == ""
    wait_state(joint, qtbot, "idle")
    assert joint.window.training.note() == "Trained 1 epoch"


def test_a_download_without_an_answer_says_so_and_is_stopped(
    joint: Controller, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = threading.Event()

    def wait(*_: object, **__: object) -> None:
        answer.wait(30)
        raise TimeoutError

    monkeypatch.setattr("urllib.request.urlopen", wait)
    choose_dataset(joint.window.training.form, "kmnist")
    press_start(joint, qtbot)
    panel = joint.window.training
    qtbot.waitUntil(lambda: "Waiting for the server" in panel.note(), timeout=PATIENCE)
    assert panel.stop_button.isEnabled()
    qtbot.mouseClick(panel.stop_button, Qt.MouseButton.LeftButton)
    assert panel.state() == "stopping"
    answer.set()
    wait_state(joint, qtbot, "idle")
    assert panel.note() == "Stopped"
    assert joint.window.banner.text() == ""  # who stops it need not be told of it


def test_pictures_of_a_folder_are_read_and_not_downloaded(
    joint: Controller, two_classes: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    joint.window.files_dropped.emit([str(two_classes)])
    joint.window.training.form.set_value("epochs", 1)
    notes = []
    panel = joint.window.training
    set_note = panel.set_note
    monkeypatch.setattr(panel, "set_note", lambda text: (notes.append(text), set_note(text)))
    press_start(joint, qtbot)
    wait_state(joint, qtbot, "idle")
    assert any(note.startswith("Reading:") and note.endswith("of 120 pictures") for note in notes)
    assert not any("Downloading" in note for note in notes)
