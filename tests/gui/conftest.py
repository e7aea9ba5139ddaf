"""A real window on a model that is small and made here, and closed without questions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication

from vae_explorer.engine.config import ModelConfig
from vae_explorer.gui import style
from vae_explorer.gui.controller.application import Controller, Options
from vae_explorer.gui.main_window import MainWindow

DIGITS = tuple("0123456789")
MakeController = Callable[..., Controller]


def write_model(path: Path, **settings: object) -> Path:
    """An untrained model of the lecture's size."""
    from vae_explorer.engine.checkpoint import save_model
    from vae_explorer.engine.models import build_model

    config = ModelConfig.from_dict({"preset": "lecture", **settings})
    save_model(path, build_model(config, seed=1), {"dataset": "digits"})
    return path


@pytest.fixture(scope="session")
def joint_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    return write_model(folder / "joint.safetensors", kind="joint-vae", class_names=DIGITS)


@pytest.fixture(scope="session")
def vae_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "vae.safetensors", kind="vae")


@pytest.fixture(scope="session")
def wide_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    names = {"class_names": DIGITS}
    return write_model(folder / "wide.safetensors", kind="joint-vae", latent_dim=6, **names)


@pytest.fixture
def make_controller(qapp: QApplication, tmp_path: Path) -> Iterator[MakeController]:
    """Windows on demand; all are closed at the end, whatever they were doing."""
    made: list[Controller] = []

    def make(model: Path | None = None, **options: object) -> Controller:
        theme = style.LIGHT
        style.configure_pyqtgraph()
        style.apply_theme(qapp, theme)
        settings = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
        window = MainWindow(theme)
        controller = Controller(window, settings, Options(model, theme="light", **options))  # type: ignore[arg-type]
        made.append(controller)
        window.show()
        return controller

    yield make
    for controller in made:
        controller.session.unsaved = False
        controller.window.close()
        controller.window.deleteLater()
    qapp.processEvents()


def wait_open(qtbot, controller: Controller) -> None:  # noqa: ANN001
    """Start it and wait until its model is on show."""
    with qtbot.waitSignal(controller.opened, timeout=60_000):
        controller.start()
    qtbot.waitUntil(lambda: controller.window.training.state() == "idle", timeout=10_000)


@pytest.fixture
def joint(make_controller: MakeController, joint_file: Path, qtbot) -> Controller:  # noqa: ANN001
    """A window with a 2-D Joint VAE on show."""
    controller = make_controller(joint_file)
    wait_open(qtbot, controller)
    return controller
