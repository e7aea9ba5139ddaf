"""A real window on a model that is small and made here, and closed without questions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.gui.windows import DIGITS, MakeController, wait_open, write_model
from vae_explorer.gui import style
from vae_explorer.gui.app import DEFAULT_SIZE
from vae_explorer.gui.controller.application import Controller, Options
from vae_explorer.gui.main_window import MainWindow


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
    wide = folder / "wide.safetensors"
    return write_model(wide, kind="joint-vae", latent_dim=6, class_names=DIGITS)


@pytest.fixture
def make_controller(qapp: QApplication, tmp_path: Path) -> Iterator[MakeController]:
    """Windows on demand; all are closed at the end, whatever they were doing."""
    made: list[Controller] = []

    def make(model: Path | None = None, **options: object) -> Controller:
        theme = style.LIGHT
        style.apply_theme(qapp, theme)
        settings = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
        window = MainWindow(theme)
        window.resize(*DEFAULT_SIZE)
        controller = Controller(window, settings, Options(model, theme="light", **options))  # type: ignore[arg-type]
        made.append(controller)
        window.show()
        return controller

    yield make
    for controller in made:
        controller.files.finish()
        controller.session.unsaved = False
        controller.window.close()
        controller.window.deleteLater()
    qapp.processEvents()


@pytest.fixture
def joint(make_controller: MakeController, joint_file: Path, qtbot: QtBot) -> Controller:
    """A window with a 2-D Joint VAE on show."""
    controller = make_controller(joint_file)
    wait_open(qtbot, controller)
    return controller
