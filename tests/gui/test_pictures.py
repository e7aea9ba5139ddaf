"""The window looks as it did: each part's picture, made small, beside the one that is kept.

The pictures are 32 by 24 grey values a part, compared by their correlation, so that another font or
another way to smooth a line passes, and a part that is missing, empty or in the wrong colours does
not. A change that is meant is kept by

    VAE_EXPLORER_KEEP_PICTURES=1 python -m pytest tests/gui/test_pictures.py
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from tests.gui.windows import MakeController, wait_open
from vae_explorer.gui.controller.application import Controller
from vae_explorer.gui.screenshot import render, set_the_scene, settle

KEPT = Path(__file__).with_name("pictures")
SIZE = QSize(1280, 860)
COLUMNS, ROWS = 32, 24
ALIKE = 0.75  # correlation from which two pictures are of the same thing
SHADES = 25.0  # by which their mean grey may differ, of 255


def parts(controller: Controller) -> dict[str, QWidget]:
    """What must be seen, by name."""
    window = controller.window
    return {
        "canvas": window.canvas,
        "image": window.image,
        "classes": window.classes,
        "pad": window.pad,
        "handwriting": window.handwriting,
        "bars": window.bars,
        "equation": window.equation,
        "page": window.tabs,
        "training": window.training,
    }


def places(controller: Controller) -> dict[str, QRect]:
    window = controller.window
    return {
        name: QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())
        for name, widget in parts(controller).items()
    }


def small(picture: QImage, place: QRect) -> np.ndarray:
    """A part of a picture as (ROWS, COLUMNS) grey values."""
    scaled = picture.copy(place).scaled(
        COLUMNS, ROWS, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
    )  # fmt: skip
    grey = scaled.convertToFormat(QImage.Format.Format_Grayscale8)
    rows = np.frombuffer(grey.constBits(), np.uint8).reshape(ROWS, grey.bytesPerLine())
    return rows[:, :COLUMNS].astype(float)


def blurred(grey: np.ndarray) -> np.ndarray:
    padded = np.pad(grey, 1, mode="edge")
    nine = [padded[i : i + ROWS, j : j + COLUMNS] for i in range(3) for j in range(3)]
    return np.mean(nine, axis=0)


def likeness(shown: np.ndarray, kept: np.ndarray) -> float:
    """The correlation of two small pictures; nought where one is empty or of another brightness."""
    if abs(shown.mean() - kept.mean()) > SHADES or min(shown.std(), kept.std()) < 0.5:
        return 0.0
    a, b = blurred(shown).ravel(), blurred(kept).ravel()
    return float(np.corrcoef(a, b)[0, 1])


def drawn(controller: Controller) -> None:
    set_the_scene(controller)


def in_the_dark(controller: Controller) -> None:
    set_the_scene(controller)
    controller.looks.set_theme("dark")
    controller.window.show_tab(controller.window.figure)


def on_the_way(controller: Controller) -> None:
    set_the_scene(controller)
    menus = controller.window.menus
    for layer in ("points", "manifold", "regions"):
        menus.layers[layer].trigger()
    controller.pages.draw_path(-1.5, -1.0, 1.5, 1.0)


def sampled(controller: Controller) -> None:
    controller.exploring.select_class(8)
    controller.window.samples.set_images(controller.session.explorer.sample(160, seed=1))
    controller.window.show_tab(controller.window.samples)


SCENES: dict[str, Callable[[Controller], None]] = {
    "drawn": drawn,
    "in-the-dark": in_the_dark,
    "on-the-way": on_the_way,
    "sampled": sampled,
}


def photograph(controller: Controller) -> QImage:
    settle(controller, 0.3)
    render(controller, SIZE)
    settle(controller, 0.3)
    return render(controller, SIZE)


def shot(controller: Controller, scene: str) -> dict[str, np.ndarray]:
    SCENES[scene](controller)
    picture = photograph(controller)
    return {name: small(picture, place) for name, place in places(controller).items()}


def keep(scene: str, shown: dict[str, np.ndarray]) -> None:
    sheet = np.ascontiguousarray(np.vstack(list(shown.values())).round().astype(np.uint8))
    grey = QImage(sheet.data, COLUMNS, len(sheet), COLUMNS, QImage.Format.Format_Grayscale8)
    assert grey.save(str(KEPT / f"{scene}.png"))


def kept_pictures(scene: str, names: list[str]) -> dict[str, np.ndarray]:
    sheet = QImage(str(KEPT / f"{scene}.png"))
    assert (sheet.width(), sheet.height()) == (COLUMNS, ROWS * len(names))
    return {
        name: small(sheet, QRect(0, ROWS * index, COLUMNS, ROWS))
        for index, name in enumerate(names)
    }


@pytest.fixture
def bundled(make_controller: MakeController, qtbot: QtBot) -> Controller:
    """A window with the model that it opens with."""
    controller = make_controller()
    wait_open(qtbot, controller)
    return controller


@pytest.mark.parametrize("scene", SCENES)
def test_every_part_looks_as_it_did(bundled: Controller, scene: str) -> None:
    shown = shot(bundled, scene)
    if os.environ.get("VAE_EXPLORER_KEEP_PICTURES"):
        keep(scene, shown)
    kept = kept_pictures(scene, list(shown))
    found = {name: round(likeness(shown[name], kept[name]), 3) for name in shown}
    assert all(value >= ALIKE for value in found.values()), found


def test_a_part_that_goes_missing_is_noticed(bundled: Controller) -> None:
    shown = shot(bundled, "drawn")
    kept = kept_pictures("drawn", list(shown))
    was = places(bundled)
    for name, widget in parts(bundled).items():
        widget.hide()
        without = small(photograph(bundled), was[name])
        widget.show()
        assert likeness(without, kept[name]) < ALIKE, name


def test_other_pictures_and_other_colours_are_noticed() -> None:
    names = list("abcdefghi")
    light, dark = kept_pictures("drawn", names), kept_pictures("in-the-dark", names)
    assert max(likeness(dark[name], light[name]) for name in names) < ALIKE
    samples, way = kept_pictures("sampled", names), kept_pictures("on-the-way", names)
    page = names[7]
    assert likeness(samples[page], way[page]) < ALIKE
    assert likeness(light["a"], way["a"]) < ALIKE  # points, and the manifold with its regions
    for name in names:
        assert likeness(np.full((ROWS, COLUMNS), light[name].mean()), light[name]) == 0.0
