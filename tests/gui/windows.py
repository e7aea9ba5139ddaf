"""What the tests of the real window share: small models, and waiting for one to be on show."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

import vae_explorer
from vae_explorer.engine.config import ModelConfig
from vae_explorer.gui.controller.application import Controller
from vae_explorer.gui.training_form import TrainingForm

DIGITS = tuple("0123456789")
MakeController = Callable[..., Controller]


def write_model(path: Path, card: dict[str, object] | None = None, **settings: object) -> Path:
    """An untrained model of the lecture's size, of the embedded digits unless its card says more."""
    from vae_explorer.engine.checkpoint import save_model
    from vae_explorer.engine.models import build_model

    config = ModelConfig.from_dict({"preset": "lecture", **settings})
    save_model(path, build_model(config, seed=1), card or {"dataset": "digits"})
    return path


def python(*arguments: str, cwd: Path, display: bool = True) -> subprocess.CompletedProcess[str]:
    """Python in a process of its own, which finds the program, and a screen if there shall be one."""
    environment = dict(os.environ)
    environment["QT_QPA_PLATFORM"] = "offscreen"
    if not display:
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
            environment.pop(name, None)
    environment["PYTHONPATH"] = str(Path(vae_explorer.__file__).resolve().parent.parent)
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd, env=environment, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip


def choose_dataset(form: TrainingForm, name: str) -> None:
    """Choose one of the data sets that a training's form offers."""
    box = form.findChild(QComboBox, "dataset")
    assert isinstance(box, QComboBox) and box.findData(name) >= 0
    box.setCurrentIndex(box.findData(name))


def wait_written(qtbot: QtBot, controller: Controller) -> None:
    """Wait until a file that is exported is there, or why it is not was said."""
    qtbot.waitUntil(lambda: not controller.export._worker.busy, timeout=60_000)


def is_saved(controller: Controller, save: Callable[[], bool]) -> bool:
    """Have the model saved and wait for it; whether it was."""
    paths: list[Path] = []
    controller.files.saved.connect(paths.append)
    is_asked_for = save()
    controller.files.finish()
    controller.files.saved.disconnect(paths.append)
    return is_asked_for and len(paths) == 1


def wait_open(qtbot: QtBot, controller: Controller) -> None:
    """Start it and wait until its model is on show."""
    with qtbot.waitSignal(controller.opened, timeout=60_000):
        controller.start()
    qtbot.waitUntil(lambda: controller.window.training.state() == "idle", timeout=10_000)


def image_of(controller: Controller) -> np.ndarray:
    """The decoded image on show."""
    image = controller.exploring.decoded
    assert image is not None
    return image


def code_of(controller: Controller) -> np.ndarray:
    """The pinned code."""
    code = controller.session.code
    assert code is not None
    return code
