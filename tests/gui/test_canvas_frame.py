"""The geometry of the latent plane on the screen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae_explorer.gui.canvas_frame import (
    DEFAULT_EXTENT,
    MAX_SCALE,
    Frame,
    needs_fit,
    points_extent,
    tick_text,
    ticks,
)

FRAME = Frame(left=34, top=33, width=600, height=400, x=0.3, y=-0.2, scale=80)
pixels = st.floats(0, 700)


@given(pixels, pixels)
def test_pixels_and_latent_points_are_inverse(px: float, py: float) -> None:
    assert FRAME.to_pixel(*FRAME.to_latent(px, py)) == pytest.approx((px, py), abs=1e-6)


@given(pixels, pixels, st.floats(0.05, 20))
def test_zoom_keeps_the_point_under_the_cursor(px: float, py: float, factor: float) -> None:
    before = FRAME.to_latent(px, py)
    after = FRAME.zoomed(factor, px, py)
    assert after.to_latent(px, py) == pytest.approx(before, abs=1e-9)


def test_zoom_ends_somewhere() -> None:
    assert FRAME.zoomed(1e12, 300, 200).scale == MAX_SCALE


def test_the_second_axis_points_up() -> None:
    assert FRAME.to_pixel(0, 1)[1] < FRAME.to_pixel(0, 0)[1]


def test_fit_shows_the_whole_extent_with_one_scale() -> None:
    frame = FRAME.fitted((-4, 4, -1, 3))
    x0, x1, y0, y1 = frame.extent
    assert x0 <= -4 and x1 >= 4 and y0 <= -1 and y1 >= 3
    assert (x1 - x0) / frame.width == pytest.approx((y1 - y0) / frame.height)


def test_a_point_out_of_view_is_brought_in_and_one_inside_moves_nothing() -> None:
    moved = FRAME.showing(50.0, 0.0)
    assert moved.contains(*moved.to_pixel(50.0, 0.0))
    assert FRAME.showing(0.0, 0.0) == FRAME


def test_stray_points_do_not_shrink_the_picture() -> None:
    points = np.random.default_rng(0).normal(size=(5000, 2))
    points[0] = (500, -500)
    x0, x1, y0, y1 = points_extent(points)
    assert x1 - x0 < 8 and y1 - y0 < 8


def test_no_points_and_broken_points_show_the_prior() -> None:
    assert points_extent(None) == DEFAULT_EXTENT
    assert points_extent(np.full((3, 2), np.inf)) == DEFAULT_EXTENT


def test_a_view_is_refitted_only_when_it_must() -> None:
    view = (-4.0, 4.0, -4.0, 4.0)
    assert not needs_fit(view, (-3.9, 3.9, -3.9, 3.9))
    assert not needs_fit(view, (-3.5, 3.5, -3.2, 3.2))
    assert needs_fit(view, (-4.1, 3.9, -3.9, 3.9))
    assert needs_fit(view, (-2.0, 2.0, -2.0, 2.0))


@pytest.mark.parametrize("span", [0.003, 1.0, 7.3, 900.0])
def test_ticks_are_round_and_apart(span: float) -> None:
    values = ticks(-span / 2, span / 2, 600)
    steps = np.diff(values)
    assert 3 <= len(values) <= 12
    assert np.allclose(steps, steps[0])
    assert round(steps[0] / 10 ** np.floor(np.log10(steps[0] * 1.0001)), 6) in (1, 2, 5)


def test_tick_text_has_a_real_minus_and_no_negative_zero() -> None:
    assert tick_text(-1.0, 0.5) == "−1.0"
    assert tick_text(-1e-17, 0.5) == "0.0"
    assert tick_text(20, 10) == "20"
