"""Points added up on a grid, and the pictures made of it."""

from __future__ import annotations

import numpy as np
import pytest

from vae_explorer.gui import density
from vae_explorer.gui.density import (
    Splat,
    count_grid,
    dot_opacity,
    dot_radius,
    gaussian_blur,
    nearest_point,
    splat,
    to_rgba,
)

VIEW = (-4.0, 4.0, -3.0, 3.0)
SHAPE = (300, 400)
COLORS = np.array([[200, 0, 0], [0, 0, 200]])


def cloud(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 2)).astype(np.float32)


def in_view(dots: Splat) -> np.ndarray:
    """The coverage without the border, (h, w)."""
    edge = dots.border
    return dots.ink[edge:-edge, edge:-edge]


def test_every_point_in_view_is_counted_once() -> None:
    points = cloud(300_000)
    inside = (np.abs(points[:, 0]) < 4) & (np.abs(points[:, 1]) < 3)
    assert count_grid(points, VIEW, SHAPE).sum() == inside.sum()


def test_hundreds_of_thousands_of_points_keep_their_number_when_splatted() -> None:
    points = np.clip(cloud(300_000), -2.9, 2.9)
    assert in_view(splat(points, None, VIEW, SHAPE)).sum() == len(points)


def test_first_row_is_the_top_and_first_column_the_left() -> None:
    counts = count_grid(np.array([[-3.99, 2.99], [3.99, -2.99]]), VIEW, SHAPE)
    assert counts[0, 0] == 1
    assert counts[-1, -1] == 1


def test_a_dot_keeps_its_area_and_its_place_between_pixels() -> None:
    for place in ((0.0, 0.0), (0.0043, -0.0061), (1.2345, 0.9876)):
        ink = in_view(splat(np.array([place]), None, VIEW, SHAPE, radius=3.0))
        assert ink.sum() == pytest.approx(np.pi * 9, rel=0.05)
        rows, columns = np.indices(SHAPE)
        x = (ink * (columns + 0.5)).sum() / ink.sum() * 8 / 400 - 4
        y = 3 - (ink * (rows + 0.5)).sum() / ink.sum() * 6 / 300
        assert (x, y) == pytest.approx(place, abs=0.02 * 0.2)  # a fifth of a pixel


def test_a_dot_at_the_edge_does_not_reappear_at_the_other_side() -> None:
    ink = in_view(splat(np.array([[3.999, 0.0]]), None, VIEW, SHAPE, radius=3.0))
    assert ink[:, -1].sum() > 0
    assert ink[:, :200].sum() == 0


def test_dots_outside_reach_into_the_view() -> None:
    ink = in_view(splat(np.array([[4.03, 0.0]]), None, VIEW, SHAPE, radius=3.0))
    assert ink[:, -1].sum() > 0


def test_the_class_on_top_gives_the_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(density, "dot_opacity", lambda _: 0.99)
    points, labels = np.zeros((2, 2)), np.array([0, 1], dtype=np.uint16)
    picture = to_rgba(splat(points, labels, VIEW, SHAPE, radius=3.0), COLORS)
    alpha, red, green, blue = ((int(picture[150, 200]) >> s) & 255 for s in (24, 16, 8, 0))
    assert alpha > 250
    assert blue > 190
    assert (red, green) == (0, 0)


def test_pixels_without_points_are_transparent() -> None:
    picture = to_rgba(splat(np.zeros((1, 2)), None, VIEW, SHAPE, radius=2.0), COLORS)
    assert picture[0, 0] == 0
    assert picture[150, 200] != 0


def test_a_picture_is_premultiplied() -> None:
    labels = np.zeros(5000, dtype=np.uint16)
    picture = to_rgba(splat(cloud(5000), labels, VIEW, SHAPE), COLORS)
    assert np.all(((picture >> 16) & 255) <= (picture >> 24))


def test_a_dimmed_picture_steps_back() -> None:
    dot = splat(np.zeros((1, 2)), None, VIEW, SHAPE, radius=2.0)
    dimmed, plain = to_rgba(dot, COLORS, strength=0.1) >> 24, to_rgba(dot, COLORS) >> 24
    assert 0 < dimmed[150, 200] < 0.2 * plain[150, 200]


def test_dots_are_fainter_where_they_pile_up() -> None:
    few = Splat(np.ones((4, 4)), np.zeros((4, 4), np.uint16), 0, 2.0)
    many = Splat(np.full((4, 4), 20.0), np.zeros((4, 4), np.uint16), 0, 2.0)
    assert dot_opacity(many) < 0.5 * dot_opacity(few)


def test_dots_shrink_as_points_grow_many() -> None:
    sizes = [dot_radius(n, 500_000) for n in (100, 2_000, 20_000, 300_000)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 3
    assert sizes[-1] < 1


def test_blur_keeps_the_number_of_points() -> None:
    grid = np.zeros((40, 60), dtype=np.float32)
    grid[20, 30] = 100
    blurred = gaussian_blur(grid, (3.0, 4.0))
    assert blurred.sum() == pytest.approx(100, rel=1e-3)
    assert blurred.max() < 2


def test_nearest_point_only_within_reach() -> None:
    points = np.array([[0.0, 0.0], [1.0, 1.0], [np.nan, np.nan]])
    assert nearest_point(points, 0.9, 0.9, 0.2) == 1
    assert nearest_point(points, 0.5, 0.5, 0.2) is None
    assert nearest_point(points[:0], 0.0, 0.0, 1.0) is None
    half_known = np.array([[1.0, np.nan], [1.1, 0.0], [1.0, 9.0]])
    assert nearest_point(half_known, 1.0, 0.0, 0.2) == 1
    assert nearest_point(half_known, 1.0, 8.9, 0.2) == 2
    assert nearest_point(half_known[:1], 1.0, 0.0, 0.2) is None
