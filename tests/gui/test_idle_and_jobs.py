"""Slices of work on the window's thread, and the jobs of the other one."""

from __future__ import annotations

import gc
import hashlib
import math
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from vae_explorer.engine import mnist_family
from vae_explorer.engine.config import ModelConfig, TrainingConfig
from vae_explorer.engine.downloads import RemoteFile
from vae_explorer.engine.errors import ConfigError, DataError, ModelFileError
from vae_explorer.engine.evaluation_config import EvaluationConfig
from vae_explorer.engine.models import build_model
from vae_explorer.gui.controller.application import Controller
from vae_explorer.gui.gallery import dataset_of, find_gallery
from vae_explorer.gui.idle import IdleQueue, Turns
from vae_explorer.gui.jobs import (
    CompareGradients,
    Evaluate,
    ModelOpened,
    OpenModel,
    Train,
    TrainingBegun,
    TrainingEnded,
    for_figures,
    uncollected,
)

DIGITS = tuple("0123456789")


def count_to(end: int, into: list[int]) -> Iterator[None]:
    for number in range(end):
        into.append(number)
        yield


def test_work_is_done_in_slices_and_in_order(qtbot: QtBot) -> None:
    queue, done = IdleQueue(), []
    queue.run("counting", count_to(100, done))
    assert done == []  # nothing happens in the call itself
    qtbot.waitUntil(lambda: not queue.busy)
    assert done == list(range(100))


def test_a_slice_ends_when_its_time_is_over() -> None:
    def slow(into: list[int]) -> Iterator[None]:
        for number in range(10):
            time.sleep(0.004)
            into.append(number)
            yield

    queue, done = IdleQueue(), []
    queue.run("slow", slow(done))
    queue._advance()
    assert 1 <= len(done) <= 2  # five milliseconds hold no more
    assert queue.busy


def test_newer_work_takes_the_place_of_older_and_can_be_dropped(qtbot: QtBot) -> None:
    queue, old, new = IdleQueue(), [], []
    queue.run("layer", count_to(5, old))
    queue.run("layer", count_to(5, new))
    queue.finish()
    assert (old, new) == ([], list(range(5)))
    queue.run("layer", count_to(5, old))
    queue.drop()
    queue.finish()
    assert old == []


def test_work_that_fails_is_told_once_and_forgotten() -> None:
    def broken() -> Iterator[None]:
        yield
        raise ValueError("broken")

    queue = IdleQueue()
    queue.run("broken", broken())
    with pytest.raises(ValueError, match="broken"):
        queue.finish()
    assert not queue.busy


def test_turns_go_round_and_one_that_waits_keeps_its_place(qtbot: QtBot) -> None:
    parent, done = QObject(), []
    turns = Turns[str](done.append, 1, parent)
    turns.add("abc")
    turns.add("ba")
    assert done == []
    qtbot.waitUntil(lambda: len(done) == 3)
    assert done == ["a", "b", "c"]
    turns.add("ab")
    turns.finish()
    assert done == ["a", "b", "c", "a", "b"]
    turns.add("c")
    turns.clear()
    turns.finish()
    assert done[-1] == "b"
    qtbot.waitUntil(lambda: not turns._timer.isActive())  # nothing ticks for nothing


def test_work_gives_way_to_the_user_though_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    parent, began_anew = QObject(), []
    turns = Turns[int](list().append, 1000, parent)
    turns.add([1])
    monkeypatch.setattr(turns._timer, "start", lambda: began_anew.append(True))
    monkeypatch.setattr(turns._timer, "_patience", math.inf)
    turns.give_way()
    assert len(began_anew) == 1  # a whole interval from now
    monkeypatch.setattr(turns._timer, "_patience", 0.0)
    turns.give_way()
    assert len(began_anew) == 1  # it has waited long enough


def test_no_work_begins_between_a_move_and_the_picture_that_answers_it(
    joint: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[str] = []
    monkeypatch.setattr(joint.idle, "give_way", lambda: waited.append("idle"))
    monkeypatch.setattr(joint._followers, "give_way", lambda: waited.append("followers"))
    monkeypatch.setattr(joint.plots._idle, "give_way", lambda: waited.append("plots"))
    joint.window.canvas.point_hovered.emit(0.1, 0.2)
    assert set(waited) == {"idle", "followers", "plots"}
    waited.clear()
    joint.window.pad.drawing_changed.emit()
    assert set(waited) == {"idle", "followers", "plots"}


def test_plots_are_not_made_under_a_hand_that_never_rests(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[int] = []
    began_anew: list[bool] = []
    queue = IdleQueue(None, 40, math.inf)
    queue.run("plots", iter(()))
    queue.run("plots", (done.append(n) for n in range(3)))
    with monkeypatch.context() as patch:
        patch.setattr(queue._timer, "start", lambda: began_anew.append(True))
        patch.setattr(queue._timer, "_began", -3600.0)  # an hour of it
        queue.give_way()
    assert (began_anew, done) == ([True], [])
    qtbot.waitUntil(lambda: done == [0, 1, 2])


def test_without_a_budget_a_slice_is_one_piece_of_work(qtbot: QtBot) -> None:
    done: list[int] = []
    queue = IdleQueue(budget=0.0)
    queue.run("task", count_to(3, done))
    queue._advance()
    assert done == [0]
    queue._advance()
    assert done == [0, 1]


def test_under_the_users_hands_a_slice_is_one_piece_and_tasks_take_turns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("vae_explorer.gui.idle.PATIENCE_S", 60.0)  # however slow the machine is
    queue, first, second = IdleQueue(patience=60.0), [], []
    queue.run("first", count_to(3, first))
    queue.run("second", count_to(3, second))
    queue.give_way()
    for _ in range(3):
        queue._advance()
    assert (first, second) == ([0, 1], [0])
    queue._timer._patience = 0.0  # it has given way for long enough
    queue._advance()
    assert (first, second) == ([0, 1, 2], [0, 1, 2])


def test_data_that_cannot_be_shown_beside_a_model_is_logged(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_: object, **__: object) -> None:
        raise DataError("train-images is damaged.")

    monkeypatch.setattr("vae_explorer.gui.gallery.read_dataset", damaged)
    with caplog.at_level("INFO"):
        assert find_gallery(ModelConfig(), {"dataset": "digits"}, None, bool) is None
    assert "train-images is damaged." in caplog.text


def test_no_archive_is_unpacked_to_show_images_beside_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "EMNIST" / "raw" / "gzip.zip"
    archive.parent.mkdir(parents=True)
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("emnist-balanced-test-labels-idx1-ubyte.gz", b"")
    checksum = hashlib.md5(archive.read_bytes(), usedforsecurity=False).hexdigest()
    remote = [RemoteFile(archive.name, [], checksum)]
    monkeypatch.setattr(mnist_family, "remote_files", lambda _: remote)
    assert find_gallery(ModelConfig(), {"dataset": "emnist-balanced"}, tmp_path, bool) is None
    assert [path.name for path in archive.parent.iterdir()] == ["gzip.zip"]


def test_opening_a_model_imports_what_the_windows_thread_would(joint_file: Path) -> None:
    wanted = "{'numpy.ma', 'PIL.Image', 'vae_explorer.engine.training_state'}"
    script = (
        "import sys; from pathlib import Path; from vae_explorer.gui.jobs import OpenModel;"
        f"OpenModel(Path(sys.argv[1])).run(print); assert {wanted} <= set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script, str(joint_file)], check=True)


def test_what_is_imported_is_kept_from_the_garbage_collector() -> None:
    before = gc.get_freeze_count()
    with uncollected():
        assert not gc.isenabled()
        kept = [[number] for number in range(1000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + len(kept)
    with pytest.raises(ValueError, match="broken"), uncollected():
        raise ValueError("broken")
    assert gc.isenabled()


def test_a_training_begins_when_its_first_step_can_be_taken() -> None:
    """The two seconds that torch needs for it pass while the model before is still explored."""
    messages: list[object] = []
    training = TrainingConfig(epochs=40, patience=2, learning_rate=0.05)
    job = Train(ModelConfig(preset="lecture"), "digits-8x8", training)
    job.run(messages.append)
    kinds = [type(message).__name__ for message in messages]
    assert kinds[:2] == ["TrainingBegun", "SnapshotEvent"]
    begun, ended = messages[0], messages[-1]
    assert isinstance(begun, TrainingBegun) and isinstance(ended, TrainingEnded)
    finished = ended.event
    assert "FinishedEvent" not in kinds and finished.best_epoch < finished.epoch
    best = begun.opened.explorer.with_state(finished.best_state)
    assert begun.opened.gallery is not None
    means, stds = best.embed(begun.opened.gallery.images)
    np.testing.assert_allclose(ended.means, means, atol=1e-5)
    np.testing.assert_allclose(ended.stds, stds, atol=1e-5)


def test_a_training_starts_from_the_weights_it_is_given() -> None:
    config = ModelConfig(preset="lecture", image_shape=(1, 8, 8), class_names=DIGITS)
    start = build_model(config, seed=7).state_dict()
    messages: list[object] = []
    job = Train(config, "digits-8x8", TrainingConfig(epochs=1, learning_rate=1e-9), start=start)
    job.run(messages.append)
    ended = messages[-1]
    assert isinstance(ended, TrainingEnded)
    for name, weights in ended.event.best_state.items():
        np.testing.assert_allclose(weights, start[name], atol=1e-5)


def test_a_training_that_cannot_begin_is_not_begun() -> None:
    messages: list[object] = []
    config = ModelConfig(kind="joint-vae", preset="lecture", class_names=DIGITS)
    job = Train(config, "digits-8x8", TrainingConfig(labels=1_000_000))
    with pytest.raises(ConfigError):
        job.run(messages.append)
    assert not any(isinstance(message, TrainingBegun) for message in messages)


def test_a_training_uses_every_core_but_the_windows_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # as the window does for itself
    used: list[int] = []
    job = Train(ModelConfig(preset="lecture"), "digits-8x8", TrainingConfig(epochs=1))
    thread = threading.Thread(
        target=lambda: job.run(lambda _: used.append(torch.get_num_threads()))
    )
    thread.start()
    thread.join()
    assert set(used) == {3}
    assert torch.get_num_threads() == 1
    torch.set_num_threads(before)


@pytest.mark.parametrize("kind", ["evaluation", "gradients"])
def test_a_measurement_uses_every_core_but_the_windows_own(
    joint: Controller, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    monkeypatch.setattr("vae_explorer.gui.jobs.GRADIENT_DRAWS", 2)
    model, (source,) = joint.session.explorer.model, joint.session.sources
    config = EvaluationConfig(samples=2, elbo_samples=2, images=4, exact=False)
    job = (
        Evaluate(model, source, "test", config, None)
        if kind == "evaluation"
        else CompareGradients(model, source, None)
    )
    used: list[int] = []
    thread = threading.Thread(
        target=lambda: job.run(lambda _: used.append(torch.get_num_threads()))
    )
    thread.start()
    thread.join()
    assert set(used) == {3}


def test_a_model_is_opened_with_the_images_that_go_with_it(joint_file: Path) -> None:
    messages: list[object] = []
    OpenModel(joint_file).run(messages.append)
    (opened,) = messages
    assert isinstance(opened, ModelOpened)
    assert opened.gallery is not None
    assert opened.means is not None
    assert opened.gallery.images.shape == (2000, 28, 28)
    assert opened.means.shape == (2000, 2)
    assert opened.kl is not None
    assert (opened.kl > 0).all()


def test_a_cancelled_job_says_nothing(joint_file: Path) -> None:
    messages: list[object] = []
    job = OpenModel(joint_file)
    job.cancel()
    job.run(messages.append)
    assert messages == []


def test_a_missing_file_is_an_engine_error(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError):
        OpenModel(tmp_path / "missing.safetensors").run(list().append)


@pytest.mark.parametrize(
    ("card", "name"),
    [
        ({}, None),
        ({"dataset": "mnist"}, "mnist"),
        ({"dataset": "Fashion-MNIST"}, "fashion-mnist"),
        ({"dataset": "my folder"}, None),
        ({"dataset": "Folder of images"}, None),
        ({"dataset": "MNIST", "data": {"name": "folder"}}, None),  # a folder of that name
        ({"dataset": "digits of mine", "data": {"name": "digits"}}, "digits"),
        ({"dataset": "kmnist", "data": "damaged"}, "kmnist"),
    ],
)
def test_which_data_a_model_was_trained_on(card: dict[str, Any], name: str | None) -> None:
    assert dataset_of(card) == name


def test_images_are_shown_only_of_the_data_that_a_model_was_trained_on() -> None:
    def shown(config: ModelConfig, card: dict[str, Any]) -> str | None:
        gallery = find_gallery(config, card, None, bool)
        return None if gallery is None else gallery.dataset

    own = {"dataset": "my pictures", "data": {"name": "folder", "images": 60}}
    assert shown(ModelConfig(), own) is None
    assert shown(ModelConfig(), {"dataset": "kmnist"}) is None  # not on this disk
    assert shown(ModelConfig(), {"dataset": "MNIST"}) == "digits"  # some of its test images
    assert shown(ModelConfig(image_shape=(1, 8, 8)), {"dataset": "MNIST"}) is None
    letters = ModelConfig(kind="joint-vae", class_names=("a", "b"))
    assert shown(letters, {"dataset": "digits"}) is None


@pytest.mark.parametrize("present", ["meta", "mps", "cpu"])
def test_figures_are_measured_on_a_copy_where_there_is_a_device_for_them(
    present: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`meta` stands for one: its tensors have no values. An mps device has no double precision."""
    monkeypatch.setattr("vae_explorer.engine.device.pick_device", lambda _: torch.device(present))
    model = build_model(ModelConfig())
    measured = for_figures(model)
    assert (measured is model) == (present != "meta")
    assert next(measured.parameters()).device.type == ("meta" if present == "meta" else "cpu")
    assert next(model.parameters()).device.type == "cpu"
