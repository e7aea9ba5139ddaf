"""The page of samples is filled, whatever its shape, and says what it shows."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from vae_explorer.gui.samples_page import COUNT, SamplesPage, filling_grid
from vae_explorer.gui.style import LIGHT


@pytest.mark.parametrize("size", [(600, 110), (820, 170), (1500, 350), (300, 500), (160, 160)])
def test_the_grid_fills_its_rectangle(size: tuple[int, int]) -> None:
    width, height = size
    columns, rows, side = filling_grid(60, COUNT, width, height, 3)
    assert 60 <= columns * rows <= COUNT
    assert width - (columns * (side + 3) - 3) < side + 3
    assert rows * (side + 3) - 3 <= height


def test_few_images_and_no_room() -> None:
    assert filling_grid(12, 12, 600, 110, 3)[0] * filling_grid(12, 12, 600, 110, 3)[1] == 12
    assert filling_grid(60, 160, 0, 0, 3) == (1, 1, 1)
    assert filling_grid(0, 0, 600, 100, 3)[0] >= 1


def test_what_is_shown_is_what_is_given_back(qtbot: QtBot) -> None:
    page = SamplesPage(LIGHT)
    qtbot.addWidget(page)
    page.resize(900, 220)
    page.show()
    assert page.images() is None
    page.set_images(np.zeros((COUNT, 8, 8), np.uint8))
    shown = page.images()
    assert shown is not None
    assert len(shown) % page.columns() == 0 and 60 <= len(shown) <= COUNT
    page.resize(420, 500)
    more = page.images()
    assert more is not None and len(more) != len(shown)


def test_images_reach_the_right_edge(qtbot: QtBot) -> None:
    page = SamplesPage(LIGHT)
    qtbot.addWidget(page)
    page.resize(900, 220)
    page.show()
    page.set_images(np.full((COUNT, 8, 8), 255, np.uint8))  # ink
    picture: QImage = page.grab().toImage()
    strip = [picture.pixelColor(x, 100).lightness() for x in range(800, 900)]
    assert min(strip[-12:]) < 100 and min(strip[:40]) < 100


def test_it_names_the_distribution_that_is_sampled(qtbot: QtBot) -> None:
    page = SamplesPage(LIGHT)
    qtbot.addWidget(page)
    for names, likelihood in (((), "p(x|z)"), (("cat", "dog"), "p(x|z, y)"), ((), "p(x|z)")):
        page.set_classes(names)
        modes = [page._mode.itemText(i) for i in range(page._mode.count())]
        assert modes == [f"Mean of {likelihood}", f"Draw from {likelihood}"]
