"""The time machine: going back, playing forward, and following the newest snapshot."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from vae_explorer.gui import snapshot_slider, style
from vae_explorer.gui.snapshot_slider import SnapshotSlider

EPOCHS = ["epoch 0", "epoch 1", "epoch 2", "epoch 3"]


@pytest.fixture
def slider(qtbot: QtBot) -> SnapshotSlider:
    widget = SnapshotSlider(style.LIGHT)
    qtbot.addWidget(widget)
    widget.show()
    return widget


def test_without_snapshots_there_is_nothing_to_move(slider: SnapshotSlider) -> None:
    assert slider.index == -1
    assert not slider._slider.isEnabled()
    assert not slider._play.isEnabled()


def test_the_newest_is_followed_without_a_signal(slider: SnapshotSlider, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(slider.snapshot_selected):
        slider.set_snapshots(EPOCHS[:2])
        slider.set_snapshots(EPOCHS[:3])
    assert slider.index == 2
    assert slider.follows
    assert slider._label.text() == "epoch 2"


def test_going_back_stays_there_while_new_ones_come(slider: SnapshotSlider, qtbot: QtBot) -> None:
    slider.set_snapshots(EPOCHS[:3])
    with qtbot.waitSignal(slider.snapshot_selected) as selected:
        slider._slider.setValue(1)
    assert selected.args == [1]
    with qtbot.assertNotEmitted(slider.snapshot_selected):
        slider.set_snapshots(EPOCHS)
    assert slider.index == 1
    assert not slider.follows


def test_now_goes_to_the_newest_and_follows_again(slider: SnapshotSlider, qtbot: QtBot) -> None:
    slider.set_snapshots(EPOCHS[:3])
    slider._slider.setValue(0)
    with qtbot.waitSignal(slider.snapshot_selected) as selected:
        slider._now.click()
    assert selected.args == [2]
    slider.set_snapshots(EPOCHS)
    assert slider.index == 3


def test_it_plays_from_the_start_to_the_end(
    slider: SnapshotSlider, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    slider._timer.setInterval(5)
    slider.set_snapshots(["start", "half an epoch", "end"])
    seen: list[int] = []
    slider.snapshot_selected.connect(seen.append)
    slider._play.click()
    qtbot.waitUntil(lambda: not slider._play.isChecked(), timeout=3000)
    assert seen == [0, 1, 2]
    assert slider._label.text() == "end"
    assert snapshot_slider.FRAME_MS >= 100  # slower than the eye, so that each can be seen


def test_it_can_be_paused(slider: SnapshotSlider) -> None:
    slider.set_snapshots(EPOCHS[:3])
    slider._play.click()
    assert slider._timer.isActive()
    slider._play.click()
    assert not slider._timer.isActive()
