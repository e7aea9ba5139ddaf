"""Class regions and support, drawn at the view's resolution."""

from __future__ import annotations

import numpy as np
import pytest

from vae_explorer.gui.fields import (
    Sampler,
    overlap,
    region_picture,
    support_grid,
    support_picture,
)

VIEW = (-2.0, 2.0, -2.0, 2.0)
COLORS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]])


def halves() -> np.ndarray:
    """Class 0 left, class 1 right; the upper right corner is class 2."""
    classes = np.zeros((20, 20), dtype=int)
    classes[:, 10:] = 1
    classes[:5, 15:] = 2
    return classes


def channels(pixel: np.uint32) -> tuple[int, ...]:
    return tuple((int(pixel) >> shift) & 255 for shift in (24, 16, 8, 0))


def test_regions_are_tinted_in_their_class_colour_and_the_right_way_up() -> None:
    picture = region_picture(halves(), np.ones((20, 20)), VIEW, VIEW, (200, 200), COLORS, (0, 0, 0))
    assert channels(picture[150, 30])[1] > 0 == channels(picture[150, 30])[2]
    assert channels(picture[150, 170])[2] > 0 == channels(picture[150, 170])[1]
    assert channels(picture[10, 190])[3] > 0 == channels(picture[10, 190])[2]


def test_a_line_runs_along_the_boundary_at_every_zoom() -> None:
    for view in (VIEW, (-0.3, 0.3, -0.8, -0.2)):
        picture = region_picture(
            halves(), np.ones((20, 20)), VIEW, view, (200, 200), COLORS, (10, 20, 30)
        )
        alpha = picture[150] >> 24
        assert abs(int(alpha.argmax()) - 100) <= 1  # the classes meet at x = 0
        assert alpha.max() > 1.5 * alpha[20]
        assert (alpha > 1.3 * alpha[20]).sum() <= 4  # thin, in pixels


def test_tint_fades_with_confidence() -> None:
    confidence = np.ones((20, 20))
    confidence[:, :10] = 0.3
    picture = region_picture(halves(), confidence, VIEW, VIEW, (200, 200), COLORS, (0, 0, 0)) >> 24
    assert picture[150, 20] < 0.2 * picture[150, 180]


def test_sampler_reproduces_a_plane() -> None:
    y, x = np.mgrid[0:16, 0:12].astype(np.float32)
    values = Sampler.of((16, 12), (0, 12, 0, 16), (2, 10, 3, 13), (50, 40))(2 * x - 3 * y)
    want_x = 2 + (np.arange(40) + 0.5) / 5 - 0.5
    want_y = 16 - (13 - (np.arange(50) + 0.5) / 5) - 0.5
    np.testing.assert_allclose(values, 2 * want_x[None] - 3 * want_y[:, None], atol=1e-3)


def test_sampler_part_is_part_of_the_picture() -> None:
    grid = np.random.default_rng(0).random((16, 12)).astype(np.float32)
    sampler = Sampler.of((16, 12), (0, 12, 0, 16), (1, 9, 2, 14), (50, 40))
    part = (slice(5, 31), slice(8, 20))
    np.testing.assert_array_equal(sampler.part(*part)(grid), sampler(grid)[part])


def test_support_is_high_among_the_points_and_zero_far_from_them() -> None:
    points = np.random.default_rng(0).normal(size=(3000, 2)).astype(np.float32)
    found = support_grid(points)
    assert found is not None
    support, extent = found
    picture = support_picture(support, extent, (-8, 8, -8, 8), (320, 320), (90, 90, 90)) >> 24
    assert picture[150:170, 150:170].max() == 0
    assert picture[:40, :40].min() > 0
    assert picture[:40, :40].max() > 2 * picture[:40, :40].min()  # hatched


def test_no_points_give_no_support() -> None:
    assert support_grid(np.zeros((0, 2), np.float32)) is None
    assert support_grid(np.full((3, 2), np.nan, np.float32)) is None


def test_support_of_coinciding_points_is_finite() -> None:
    found = support_grid(np.zeros((5, 2), np.float32))
    assert found is not None
    assert np.isfinite(found[0]).all()


@pytest.mark.parametrize(
    ("other", "common"), [((1, 5, -1, 1), (1, 2, -1, 1)), ((3, 5, -1, 1), None)]
)
def test_overlap(other: tuple[float, ...], common: tuple[float, ...] | None) -> None:
    assert overlap(VIEW, other) == common  # type: ignore[arg-type]
