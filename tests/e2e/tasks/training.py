"""Tasks of somebody who trains."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPoint, Qt

from tests.e2e.tasks.player import Player
from tests.e2e.tasks.task import Task


def drive_a_training(player: Player) -> None:
    """A plain VAE on the digits that come with the program: one epoch, one step, stop."""
    panel, epochs, steps = player.window.training, [], []
    player.controller.training.epoch_ended.connect(lambda event: epochs.append(event.epoch))
    player.choose("Recipe", "VAE, 2-D (the lecture's)")
    player.click("One epoch")
    player.wait(lambda: epochs and panel.state() == "paused")
    assert epochs == [1]
    curves = player.window.curves
    before = len(curves._runs[-1].steps)
    player.click("One step")
    player.wait(lambda: panel.state() == "paused" and len(curves._runs[-1].steps) > before)
    player.click("Stop")
    _wait_idle(player)
    steps = curves._runs[-1].steps
    assert len(steps) == before + 1
    assert epochs == [1]
    assert player.controller.session.explorer.kind == "vae"
    assert "Stopped" in panel.note()


def pause_and_resume_by_key(player: Player) -> None:
    panel = player.window.training
    _ready(player)
    player.type_into("Epochs", "400")
    player.click("Start training")
    player.wait(lambda: panel.state() == "training")
    player.press(Qt.Key.Key_Space)
    assert panel.state() == "paused"
    held = panel.note()
    player.press(Qt.Key.Key_Space)
    player.wait(lambda: panel.note() != held)
    player.press(Qt.Key.Key_Period, Qt.KeyboardModifier.ControlModifier)
    _wait_idle(player)


def compare_two_runs(player: Player) -> None:
    curves = player.window.curves
    _ready(player)
    player.type_into("Epochs", "2")
    player.click("Start training")
    _wait_idle(player)
    player.choose("Model", "VAE")
    with player.saying("Discard"):
        player.click("Start training")
    _wait_idle(player)
    assert len(curves.run_names) == 2
    assert all(len(run.validation) == 2 and run.visible for run in curves._runs)
    elbos = [run.validation.at(1, "elbo") for run in curves._runs]
    assert np.isfinite(elbos).all() and elbos[0] != elbos[1]


def go_back_in_time(player: Player) -> None:
    _ready(player)
    player.type_into("Epochs", "3")
    player.click("Start training")
    _wait_idle(player)
    player.controller._followers.finish()  # the image follows a turn of the event loop later
    newest = player.controller.exploring.decoded
    slider = player.find("Moment of the training")
    player.click(slider, QPoint(slider.width() // 2, slider.height() // 2))
    player.press(Qt.Key.Key_Home)
    assert player.window.snapshots.index == 0
    assert not player.window.snapshots.follows
    assert newest is not None

    def apart() -> float:
        shown = player.controller.exploring.decoded
        assert shown is not None
        return float(np.abs(newest - shown).max())

    player.wait(lambda: apart() > 0.02)
    player.click("Best")
    player.wait(lambda: apart() < 1e-6)
    assert player.window.snapshots.follows


def read_the_lecture_figure(player: Player) -> None:
    _ready(player)
    player.type_into("Epochs", "2")
    player.click("Start training")
    player.click_tab("Lecture's figure")
    _wait_idle(player)
    sheet = player.window.figure._sheet
    assert sheet.curve is not None and list(sheet.curve.epochs) == [1.0, 2.0]
    assert sheet._real is not None and len(sheet._real) > 0
    assert sheet._generated is not None and len(sheet._generated) == 36


def recover_from_a_failure(player: Player) -> None:
    """A learning rate that blows up is said in a sentence; a better one then works."""
    window = player.window
    _ready(player)
    before = player.controller.session.opened
    player.click("All settings")
    player.type_into("Learning rate α", "1e6")
    player.click("Start training")
    _wait_idle(player)
    assert window.banner.kind() == "error"
    assert "learning rate" in window.banner.text(), window.banner.text()
    assert player.controller.session.opened is before
    player.type_into("Learning rate α", "0.001")
    player.type_into("Epochs", "1")
    player.click("Start training")
    _wait_idle(player)
    assert window.banner.text() == ""
    assert "Trained 1 epoch" in window.training.note()


def evaluate_the_model(player: Player) -> None:
    page = player.window.evaluation
    player.menu("Training", "Evaluate on the test images")
    player.wait(lambda: page.rows() > 3)
    assert "the first 200 of 2,000 images" in page.progress()
    figures = [item.text() for row in range(page.rows()) if (item := page._table.item(row, 1))]
    assert len(figures) > 3 and any(figure.endswith("%") for figure in figures), figures


TASKS = [
    Task("train a VAE for one epoch and one step, and stop", 5, drive_a_training),
    Task("pause, go on and stop by keys", 6, pause_and_resume_by_key),
    Task("compare two models on one set of images", 7, compare_two_runs),
    Task("go back to the beginning of the training, and return", 6, go_back_in_time),
    Task("see the lecture's figure grow", 4, read_the_lecture_figure),
    Task("recover from a training that failed", 9, recover_from_a_failure),
    Task("measure the model on images it has not seen", 2, evaluate_the_model, "wide"),
]


def _ready(player: Player) -> None:
    """The folder of bars is chosen already, as it was last time; no action of the task."""
    player.window.files_dropped.emit([str(player.bars)])


def _wait_idle(player: Player) -> None:
    player.wait(lambda: player.window.training.state() == "idle")
