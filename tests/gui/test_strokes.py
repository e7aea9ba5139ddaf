"""The pure model of a drawing: what is on the paper, and the way back."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vae_explorer.gui.strokes import Drawing, Picture, Stroke


def drawn(*starts: tuple[float, float]) -> Drawing:
    drawing = Drawing()
    for start in starts:
        drawing.begin(start, 0.1)
    return drawing


def test_strokes_lie_on_the_paper_in_order() -> None:
    drawing = drawn((0.1, 0.1), (0.5, 0.5))
    drawing.extend((0.6, 0.6))
    first, second = drawing.visible
    assert isinstance(first, Stroke)
    assert isinstance(second, Stroke)
    assert first.points == [(0.1, 0.1)]
    assert second.points == [(0.5, 0.5), (0.6, 0.6)]


def test_a_point_on_the_spot_is_left_out() -> None:
    drawing = drawn((0.5, 0.5))
    assert not drawing.extend((0.5001, 0.5))
    assert drawing.extend((0.51, 0.5))


def test_nothing_can_be_drawn_on_before_the_pen_is_down() -> None:
    drawing = Drawing()
    assert not drawing.extend((0.5, 0.5))
    assert drawing.visible == []


def test_a_stroke_that_was_undone_while_it_was_drawn_does_not_go_on() -> None:
    drawing = drawn((0.1, 0.1), (0.5, 0.5))
    drawing.undo()
    assert not drawing.extend((0.9, 0.9))
    (stroke,) = drawing.visible
    assert isinstance(stroke, Stroke)
    assert stroke.points == [(0.1, 0.1)]


def test_clearing_can_be_undone() -> None:
    drawing = drawn((0.1, 0.1))
    assert drawing.clear()
    assert drawing.is_clear
    assert not drawing.clear()
    assert drawing.undo()
    assert len(drawing.visible) == 1
    assert drawing.redo()
    assert drawing.is_clear


def test_a_picture_takes_the_place_of_what_was_there_until_it_is_undone() -> None:
    drawing = drawn((0.1, 0.1))
    drawing.place(np.ones((4, 4), np.uint8))
    drawing.begin((0.2, 0.2), 0.1)
    picture, stroke = drawing.visible
    assert isinstance(picture, Picture)
    assert isinstance(stroke, Stroke)
    drawing.undo()
    drawing.undo()
    assert [type(act) for act in drawing.visible] == [Stroke]


def test_a_new_stroke_forgets_what_was_undone() -> None:
    drawing = drawn((0.1, 0.1), (0.2, 0.2))
    drawing.undo()
    assert drawing.can_redo
    drawing.begin((0.3, 0.3), 0.1)
    assert not drawing.can_redo
    assert not drawing.redo()


def test_an_eraser_alone_leaves_the_paper_clear() -> None:
    drawing = Drawing()
    drawing.begin((0.5, 0.5), 0.1, erases=True)
    assert drawing.is_clear
    assert drawing.can_undo


@given(st.lists(st.sampled_from(["stroke", "clear", "place"]), max_size=12))
def test_undoing_all_and_redoing_all_comes_back_to_the_same_paper(acts: list[str]) -> None:
    drawing = Drawing()
    for act in acts:
        if act == "stroke":
            drawing.begin((0.5, 0.5), 0.1)
        elif act == "clear":
            drawing.clear()
        else:
            drawing.place(np.ones((2, 2), np.uint8))
    before = list(drawing.visible)
    while drawing.undo():
        pass
    assert drawing.visible == []
    while drawing.redo():
        pass
    assert [id(act) for act in drawing.visible] == [id(act) for act in before]
