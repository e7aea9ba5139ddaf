"""The tasks, each in the real window, each in at most the number of actions it states."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from tests.e2e.tasks import drawing, exploring, files, training
from tests.e2e.tasks.player import Player
from tests.e2e.tasks.task import Task
from tests.gui.windows import MakeController, wait_open

TASKS = [*exploring.TASKS, *drawing.TASKS, *training.TASKS, *files.TASKS]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.wish.replace(" ", "-"))
def test_a_new_user_can(
    task: Task,
    learned: dict[str, Path],
    two_classes: Path,
    make_controller: MakeController,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))  # where file dialogs open
    controller = make_controller(learned[task.model])
    wait_open(qtbot, controller)
    with qtbot.waitActive(controller.window):
        controller.window.activateWindow()
    player = Player(controller, qtbot, folder=tmp_path, models=learned, bars=two_classes)
    task.play(player)
    listed = "\n".join(player.actions)
    assert player.actions, "a task that takes nothing is none"
    assert len(player.actions) <= task.limit, f"{len(player.actions)} actions:\n{listed}"


def test_there_are_twenty_different_tasks() -> None:
    assert len({task.wish for task in TASKS}) == len(TASKS) >= 20
