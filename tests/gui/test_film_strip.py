"""The film along a path."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from vae_explorer.gui.film_strip import FilmStrip
from vae_explorer.gui.style import DARK, LIGHT

FRAMES = np.linspace(0, 1, 20)[:, None, None] * np.ones((1, 28, 28))
LEFT, NO_KEY = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


@pytest.fixture
def film(qtbot: QtBot) -> FilmStrip:
    widget = FilmStrip()
    qtbot.addWidget(widget)
    widget.resize(900, 220)
    widget.show()
    widget.set_frames(FRAMES)
    return widget


def caught(signal: object) -> list[tuple[object, ...]]:
    seen: list[tuple[object, ...]] = []
    signal.connect(lambda *values: seen.append(values))  # type: ignore[attr-defined]
    return seen


@pytest.mark.parametrize("size", [(900, 220), (300, 260), (1600, 400)])
def test_all_frames_are_shown_where_they_fit(film: FilmStrip, size: tuple[int, int]) -> None:
    film.resize(*size)
    QApplication.processEvents()
    places = film._places()
    assert [index for index, _ in places] == list(range(20))
    assert all(place.right() <= size[0] and place.bottom() <= size[1] for _, place in places)


def test_too_many_frames_are_thinned_out_evenly(film: FilmStrip) -> None:
    film.resize(260, 90)
    QApplication.processEvents()
    shown = [index for index, _ in film._places()]
    assert len(shown) < 20
    assert shown[0] == 0 and shown[-1] == 19
    assert max(np.diff(shown)) - min(np.diff(shown)) <= 1


def test_the_current_frame_is_shown_large(film: FilmStrip) -> None:
    film.set_current(19)
    large = film._large()
    assert large is not None
    picture = film.grab().toImage()
    assert picture.pixelColor(large.center().toPoint()).name() == LIGHT.text.name()
    film.set_theme(DARK)
    film.set_current(0)
    picture = film.grab().toImage()
    assert picture.pixelColor(large.center().toPoint()).name() == DARK.canvas.name()


def test_a_click_selects_the_frame(qtbot: QtBot, film: FilmStrip) -> None:
    seen = caught(film.frame_selected)
    qtbot.mouseClick(film, LEFT, NO_KEY, film._places()[7][1].center().toPoint())
    assert seen == [(7,)]
    assert film.current == 7


def test_keys_step_and_stop_at_the_ends(qtbot: QtBot, film: FilmStrip) -> None:
    seen = caught(film.frame_selected)
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_End, Qt.Key.Key_Right):
        qtbot.keyClick(film, key)
    assert seen == [(1,), (19,)]


def test_playing_runs_to_the_end_and_back(qtbot: QtBot, film: FilmStrip) -> None:
    film.set_frames(FRAMES[:3])
    film._timer.setInterval(5)
    seen = caught(film.frame_selected)
    qtbot.keyClick(film, Qt.Key.Key_Space)
    assert film.is_playing
    qtbot.waitUntil(lambda: len(seen) >= 5)
    film.pause()
    assert [index for (index,) in seen[:5]] == [1, 2, 1, 0, 1]


def test_a_click_holds_the_film(qtbot: QtBot, film: FilmStrip) -> None:
    film.play()
    qtbot.mouseClick(film, LEFT, NO_KEY, film._places()[3][1].center().toPoint())
    assert not film.is_playing


def test_nothing_plays_without_frames(qtbot: QtBot, film: FilmStrip) -> None:
    film.play()
    film.set_frames(None)
    assert not film.is_playing
    film.toggle()
    assert not film.is_playing
    assert film.count == film.current == 0
    qtbot.keyClick(film, Qt.Key.Key_Right)
    assert not film.grab().isNull()


def test_export_and_close_are_asked_for(qtbot: QtBot, film: FilmStrip) -> None:
    with qtbot.waitSignal(film.export_requested):
        qtbot.mouseClick(film._export, LEFT)
    with qtbot.waitSignal(film.closed):
        qtbot.mouseClick(film._close, LEFT)


def test_the_rows_of_frames_are_even(film: FilmStrip) -> None:
    film.resize(900, 260)
    film.set_frames(np.zeros((40, 28, 28), np.float32))
    tops = [place.top() for _, place in film._places()]
    rows = [tops.count(top) for top in sorted(set(tops))]
    assert sum(rows) == 40
    assert max(rows) - rows[-1] < len(rows)
