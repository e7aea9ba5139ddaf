"""The bar of a latent space of many dimensions: which sliders there are, and what they show."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication, QLabel, QScrollArea
from pytestqt.qtbot import QtBot

from vae_explorer.gui.dimensions_bar import MOST_SLIDERS, SLIDER_STEPS, DimensionsBar
from vae_explorer.gui.style import LIGHT, make_palette


@pytest.fixture
def bar(qtbot: QtBot) -> DimensionsBar:
    bar = DimensionsBar()
    qtbot.addWidget(bar)
    bar.setPalette(make_palette(LIGHT))
    bar.resize(560, 120)
    return bar


def offered(bar: DimensionsBar, dim: int, kl: np.ndarray | None = None) -> None:
    kl = np.linspace(2.0, 1.0, dim) if kl is None else kl
    bar.set_dimensions(dim, (0, 1), kl < 0.02, kl)
    bar.set_coordinates(np.zeros(dim))
    QApplication.processEvents()


def test_of_very_many_dimensions_the_strongest_have_sliders(bar: DimensionsBar) -> None:
    kl = np.random.default_rng(0).permutation(1024) + 1.0
    offered(bar, 1024, kl)
    assert set(bar._sliders) == set(np.argsort(-kl)[:MOST_SLIDERS].tolist())
    notes = [label.text() for label in bar._grid_host.findChildren(QLabel)]
    assert notes == ["992 weaker dimensions have no slider; any can be an axis."]
    assert bar._x.count() == 1025  # every one can be an axis, and there is the principal plane
    offered(bar, 16)
    assert len(bar._sliders) == 16
    assert bar._grid.itemAtPosition(6, 0) is None


def test_only_whole_rows_of_sliders_are_seen(bar: DimensionsBar) -> None:
    offered(bar, 16)
    scroll = bar.findChild(QScrollArea)
    assert isinstance(scroll, QScrollArea)
    pitch = bar._sliders[3].y() - bar._sliders[0].y()
    assert pitch >= 24
    assert scroll.viewport().height() % pitch == 0
    bar.set_dimensions(64, (0, 1), np.zeros(64, bool), np.linspace(2.0, 1.0, 64))
    assert bar._grid_host.height() >= 11 * 24  # before it is laid out: none is squeezed meanwhile
    offered(bar, 16)
    assert bar._sliders[2].mapTo(scroll, bar._sliders[2].rect().topRight()).x() < scroll.width() - 8


def test_a_slider_is_filled_from_its_middle_and_says_where_it_stands(bar: DimensionsBar) -> None:
    offered(bar, 16)

    def filled(index: int) -> list[bool]:
        """Whether the groove is, left and right of the middle."""
        slider = bar._sliders[index]
        image, height = slider.grab().toImage(), slider.height() // 2
        places = (slider.width() // 2 - 12, slider.width() // 2 + 12)
        return [image.pixelColor(x, height).name() == LIGHT.accent.name() for x in places]

    assert filled(4) == [False, False]
    assert bar._names[4]._value == "0.00"
    bar._sliders[4].setValue(-2 * SLIDER_STEPS)
    assert filled(4) == [True, False]
    assert bar._names[4]._value == "−2.00"
    bar.set_coordinates(np.full(16, -0.001))
    assert bar._names[4]._value == "0.00"
    bar.set_coordinates(np.full(16, 1.5))
    assert filled(4) == [False, True]


def test_either_axis_can_be_chosen_and_the_other_makes_way(
    bar: DimensionsBar, qtbot: QtBot
) -> None:
    offered(bar, 16)
    for chosen, box, expected in ((1, bar._x, [1, 2]), (5, bar._y, [0, 5])):
        bar.show_axes((0, 1))
        with qtbot.waitSignal(bar.axes_chosen) as told:
            box.setCurrentIndex(chosen)
            box.activated.emit(chosen)
        assert told.args == expected
    with qtbot.waitSignal(bar.principal_chosen):
        bar._x.setCurrentIndex(16)
        bar._x.activated.emit(16)
    bar.show_axes(None)
    assert bar._x.currentText() == bar._y.currentText() == "principal"
    with qtbot.waitSignal(bar.axes_chosen) as told:
        bar._y.setCurrentIndex(0)
        bar._y.activated.emit(0)
    assert told.args == [1, 0]


def test_a_name_stands_by_its_own_value_and_slider(bar: DimensionsBar) -> None:
    bar.show()
    offered(bar, 16)
    for first, second in ((0, 1), (3, 4)):
        name, slider, next_name = bar._names[first], bar._sliders[first], bar._names[second]
        within = slider.x() - name.geometry().right()
        between = next_name.x() - slider.geometry().right()
        assert within <= 8
        assert between >= 24


def test_a_narrow_bar_has_fewer_columns_of_sliders(bar: DimensionsBar) -> None:
    bar.show()
    offered(bar, 16)
    assert bar._sliders[2].y() == bar._sliders[0].y()
    bar.resize(400, 120)
    QApplication.processEvents()
    assert bar._sliders[2].y() > bar._sliders[0].y()
    assert min(slider.width() for slider in bar._sliders.values()) >= 80
    assert bar._order_note.isHidden()


def test_a_slider_reaches_a_value_beyond_the_prior(bar: DimensionsBar) -> None:
    offered(bar, 16)
    values = np.zeros(16)
    values[4] = -4.3
    bar.set_coordinates(values)
    assert bar._sliders[4].value() == -430
    assert bar._sliders[5].maximum() == 3 * SLIDER_STEPS
    bar.set_coordinates(np.zeros(16))
    assert bar._sliders[4].maximum() == 3 * SLIDER_STEPS


def test_nothing_stands_at_a_negative_zero(bar: DimensionsBar) -> None:
    offered(bar, 16)
    bar.set_coordinates(np.full(16, -0.001))
    assert bar._names[4]._value == "0.00"


def test_it_says_by_what_the_sliders_are_ordered(bar: DimensionsBar) -> None:
    offered(bar, 16)
    assert "strongest" in bar._order_note.text()
    bar.set_dimensions(16, (0, 1), np.zeros(16, bool), None)
    assert bar._order_note.text() == ""
