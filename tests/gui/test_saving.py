"""A model is written by another thread, as it was when that was asked for; the window goes on meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from vae_explorer.engine import checkpoint
from vae_explorer.engine.errors import EngineError
from vae_explorer.engine.explorer import Explorer
from vae_explorer.gui import app
from vae_explorer.gui.controller.application import Controller

PATIENCE = 20_000  # milliseconds
PRIOR = np.array([2.0] + [1.0] * 9) / 11.0


class Disk:
    """Begins to write when it is told to, and may fail once."""

    def __init__(self, save: Callable[..., None]) -> None:
        self._save, self._ready = save, threading.Event()
        self.began: list[tuple[str, bool]] = []  # the file, and whether by the window's thread
        self.failure: Exception | None = None

    def write(self, path: Path, *model_and_card: object) -> None:
        own = threading.current_thread() is threading.main_thread()
        self.began.append((path.name, own))
        assert self._ready.wait(20)
        failure, self.failure = self.failure, None
        if failure is not None:
            raise failure
        self._save(path, *model_and_card)

    def go_on(self) -> None:
        self._ready.set()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, joint: Controller) -> Iterator[Disk]:
    slow = Disk(checkpoint.save_model)
    monkeypatch.setattr(checkpoint, "save_model", slow.write)
    yield slow
    slow.go_on()  # whatever came of the test


@pytest.fixture
def own(joint: Controller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The name that a dialog answers with; the model in hand is in no file."""
    path = tmp_path / "own.safetensors"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(path), ""))
    assert joint.session.opened is not None
    joint.session.opened = replace(joint.session.opened, path=None)
    joint.session.change()
    return path


@pytest.fixture
def first(joint: Controller, own: Path) -> Path:
    """The file that the model in hand is in, another than the dialog answers with."""
    assert joint.session.opened is not None
    path = own.with_name("first.safetensors")
    joint.session.opened = replace(joint.session.opened, path=path)
    return path


def wait_saved(qtbot: QtBot, controller: Controller) -> None:
    qtbot.waitUntil(lambda: not controller.files._writer.busy, timeout=PATIENCE)


def answer(monkeypatch: pytest.MonkeyPatch, button: str) -> list[str]:
    """Answers questions with a button; those that were asked."""
    asked: list[str] = []

    def ask(_parent: object, _title: str, question: str, *_: object) -> object:
        asked.append(question)
        return getattr(QMessageBox.StandardButton, button)

    monkeypatch.setattr(QMessageBox, "question", ask)
    return asked


def test_the_window_goes_on_while_a_model_is_written(
    joint: Controller, disk: Disk, own: Path, qtbot: QtBot
) -> None:
    assert joint.files.save()
    qtbot.waitUntil(lambda: disk.began == [(own.name, False)], timeout=PATIENCE)
    assert joint.session.unsaved and joint.session.path is None and not own.exists()
    disk.go_on()
    wait_saved(qtbot, joint)
    assert own.is_file() and joint.session.path == own
    assert not joint.session.unsaved and not joint.window.isWindowModified()
    assert joint.window.banner.text() == f"Saved {own}"


def test_an_edit_while_a_model_is_written_is_not_in_the_file_and_stays_unsaved(
    joint: Controller, disk: Disk, own: Path, qtbot: QtBot
) -> None:
    before = joint.session.explorer.class_prior
    joint.files.save()
    joint.window.classes.prior_edited.emit(PRIOR)
    disk.go_on()
    wait_saved(qtbot, joint)
    np.testing.assert_allclose(Explorer.load(own).class_prior, before, atol=1e-6)
    np.testing.assert_allclose(joint.session.explorer.class_prior, PRIOR, atol=1e-6)
    assert joint.session.unsaved and joint.session.path == own
    joint.window.classes.prior_edited.emit(before)  # what the file has
    assert not joint.session.unsaved


def test_of_two_saves_after_each_other_the_later_is_what_the_file_has(
    joint: Controller, disk: Disk, own: Path, qtbot: QtBot
) -> None:
    joint.files.save_as()
    joint.window.classes.prior_edited.emit(PRIOR)
    joint.files.save_as()
    qtbot.waitUntil(lambda: len(disk.began) == 1, timeout=PATIENCE)
    disk.go_on()
    wait_saved(qtbot, joint)
    assert len(disk.began) == 2 and not joint.session.unsaved
    np.testing.assert_allclose(Explorer.load(own).class_prior, PRIOR, atol=1e-6)


def test_a_copy_of_an_earlier_moment_is_one_wherever_the_window_has_gone_since(
    joint: Controller, disk: Disk, own: Path, qtbot: QtBot
) -> None:
    joint.session.looks_back = True
    joint.files.save()
    joint.session.looks_back = False
    disk.go_on()
    wait_saved(qtbot, joint)
    assert own.is_file() and joint.session.unsaved and joint.session.path is None


def test_a_model_that_opens_meanwhile_is_not_taken_for_the_saved_one(
    joint: Controller, disk: Disk, own: Path, vae_file: Path, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(joint.opened, timeout=PATIENCE):
        joint.open_model(vae_file)  # asked for before, and read for long
        joint.session.change()
        joint.files.save_as()
    joint.session.change()
    disk.go_on()
    wait_saved(qtbot, joint)
    assert own.is_file() and own in joint.files.recent()
    assert joint.session.path == vae_file and joint.session.unsaved


@pytest.mark.parametrize("how", ["saved before", "saved by the question"])
def test_a_window_that_is_closed_amid_a_save_closes_after_it(
    joint: Controller,
    disk: Disk,
    own: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    asked = answer(monkeypatch, "Save")
    if how == "saved before":
        joint.files.save()
    assert not joint.window.close() and joint.window.isVisible()
    assert not joint.window.close()  # a second time, and nothing more is asked
    assert len(asked) == (how == "saved by the question")
    disk.go_on()
    qtbot.waitUntil(lambda: not joint.window.isVisible(), timeout=PATIENCE)
    assert own.is_file() and len(disk.began) == 1


def test_a_window_whose_model_cannot_be_written_stays_and_says_why(
    joint: Controller, disk: Disk, own: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, "Save")
    disk.failure = EngineError("The disk is full.")
    assert not joint.window.close()
    disk.go_on()
    wait_saved(qtbot, joint)
    qtbot.wait(50)
    assert joint.window.isVisible() and joint.session.unsaved
    assert joint.window.banner.text() == "The disk is full."


def test_what_was_changed_while_the_window_waited_to_close_is_asked_about(
    joint: Controller, disk: Disk, own: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answer(monkeypatch, "Cancel")
    joint.files.save()
    joint.window.close()
    joint.window.classes.prior_edited.emit(PRIOR)
    disk.go_on()
    qtbot.waitUntil(lambda: len(asked) == 1, timeout=PATIENCE)
    assert asked == ["own was changed since it was saved. Save it before you quit?"]
    assert joint.window.isVisible()


def test_what_waited_for_a_save_does_not_come_over_a_dialog_that_was_opened_since(
    joint: Controller, disk: Disk, own: Path, qtbot: QtBot
) -> None:
    joint.files.save()
    joint.window.close()
    dialog = QDialog(joint.window)
    QTimer.singleShot(0, disk.go_on)
    joint.files.saved.connect(lambda: QTimer.singleShot(100, dialog.close))
    dialog.exec()
    assert QApplication.activeModalWidget() is None
    assert joint.window.isVisible() and not joint.session.unsaved


def test_another_model_is_opened_when_the_one_in_hand_is_written(
    joint: Controller,
    disk: Disk,
    own: Path,
    vae_file: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = answer(monkeypatch, "Save")
    joint.files.open(vae_file)
    assert len(asked) == 1 and not joint._opener.busy
    with qtbot.waitSignal(joint.opened, timeout=PATIENCE):
        disk.go_on()
    assert own.is_file() and joint.session.path == vae_file and not joint.session.unsaved


def test_a_training_begins_when_the_model_in_hand_is_written(
    joint: Controller, disk: Disk, own: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, begun = answer(monkeypatch, "Save"), list[object]()
    monkeypatch.setattr(joint.training, "_begin", begun.append)
    joint.window.training.activate()
    assert len(asked) == 1 and begun == []
    disk.go_on()
    qtbot.waitUntil(lambda: len(begun) == 1, timeout=PATIENCE)
    assert own.is_file() and not joint.session.unsaved


def test_a_window_that_cannot_wait_for_an_answer_waits_for_the_file(
    joint: Controller, disk: Disk, own: Path
) -> None:
    joint.session.learned = True
    joint.files.save()
    threading.Timer(0.05, disk.go_on).start()
    assert joint.files.keep_unsaved()  # what is saved need not be kept besides
    assert [name for name, _ in disk.began] == [own.name]
    assert own.is_file() and not joint.session.unsaved


def test_a_model_is_saved_again_where_it_is_being_written(
    joint: Controller, disk: Disk, own: Path, first: Path, qtbot: QtBot
) -> None:
    joint.files.save_as()
    joint.window.classes.prior_edited.emit(PRIOR)
    joint.files.save()
    disk.go_on()
    wait_saved(qtbot, joint)
    assert [name for name, _ in disk.began] == [own.name, own.name] and not first.exists()
    assert joint.session.path == own and not joint.session.unsaved


def test_a_copy_that_is_being_written_is_no_place_to_save_the_model(
    joint: Controller, disk: Disk, own: Path, first: Path, qtbot: QtBot
) -> None:
    joint.session.looks_back = True
    joint.files.save()
    joint.session.looks_back = False
    joint.files.save()
    disk.go_on()
    wait_saved(qtbot, joint)
    assert [name for name, _ in disk.began] == [own.name, first.name]
    assert joint.session.path == first and not joint.session.unsaved


def test_a_save_that_fails_is_told_of_whatever_is_saved_after_it(
    joint: Controller, disk: Disk, own: Path, qtbot: QtBot
) -> None:
    disk.failure = EngineError("The disk is full.")
    joint.files.save_as()
    joint.files.save_as()
    disk.go_on()
    wait_saved(qtbot, joint)
    assert own.is_file() and not joint.session.unsaved
    assert joint.window.banner.text() == "The disk is full."


def test_a_window_that_is_closed_amid_a_save_says_what_it_waits_for(
    joint: Controller, disk: Disk, own: Path
) -> None:
    joint.files.save()
    joint.window.banner.dismiss()
    assert not joint.window.close()
    assert joint.window.banner.text() == f"Saving {own}…"


@pytest.mark.parametrize("fails", [False, True])
def test_the_end_of_a_session_waits_for_a_save_and_closes_whatever_comes_of_it(
    joint: Controller, disk: Disk, own: Path, fails: bool
) -> None:
    joint.files.save_as()
    joint.session.unsaved = False  # a copy of what is in a file already
    disk.failure = EngineError("The disk is full.") if fails else None
    threading.Timer(0.05, disk.go_on).start()
    app._close_unasked(joint)
    assert not joint.window.isVisible() and own.is_file() != fails
