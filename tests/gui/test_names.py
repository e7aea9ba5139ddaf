"""Names in little room."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QApplication

from vae_explorer.gui import style
from vae_explorer.gui.names import shortened


@pytest.fixture
def metrics(qapp: QApplication) -> QFontMetricsF:
    return QFontMetricsF(style.small_font())


def test_names_that_fit_stay_as_they_are(metrics: QFontMetricsF) -> None:
    assert shortened(["Bag", "Coat"], metrics, 60) == ["Bag", "Coat"]


def test_a_name_that_does_not_fit_is_abbreviated(metrics: QFontMetricsF) -> None:
    assert shortened(["Ankle boot", "Bag"], metrics, 40) == ["Ankle.", "Bag"]


def test_what_all_names_begin_with_goes_first(metrics: QFontMetricsF) -> None:
    names = [f"class {i}" for i in range(256)]
    assert shortened(names, metrics, 40) == [str(i) for i in range(256)]


def test_ends_that_tell_names_apart_are_kept(metrics: QFontMetricsF) -> None:
    first, second = shortened(["handwriting-left", "handwriting-right"], metrics, 60)
    assert first != second
    assert all(metrics.horizontalAdvance(name) <= 60 for name in (first, second))


@pytest.mark.parametrize("names", [[], ["one"], ["one", "one"]])
def test_any_list_of_names_will_do(metrics: QFontMetricsF, names: list[str]) -> None:
    assert len(shortened(names, metrics, 8)) == len(names)
