"""A drawing becomes a model input exactly as MNIST's digits were made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vae_explorer.engine.drawing import ink_from_photograph, to_model_input
from vae_explorer.engine.errors import InputError

DIGITS = Path(__file__).parents[2] / "resources" / "digits.npz"


def nine(side: int, width: float = 0.12) -> np.ndarray:
    """A nine, a ring with a stem, anti-aliased inside a picture of the given side; uint8."""
    y, x = (np.mgrid[:side, :side] + 0.5) / side - 0.5
    ring = np.abs(np.hypot(x * 1.2, y + 0.17) - 0.2)
    stem = np.hypot(x - 0.2, y - np.clip(y, -0.2, 0.37))
    distance = np.minimum(ring, stem)
    return (np.clip((width / 2 - distance) * side + 0.5, 0, 1) * 255).astype(np.uint8)


def seven(height: int = 60, width: int = 40, line: int = 8) -> np.ndarray:
    """A seven of straight lines that fills its picture; uint8."""
    picture = np.zeros((height, width), np.uint8)
    picture[:line] = 255
    for row in range(height):
        right = width - round(row * (width - line) / height)
        picture[row, max(0, right - line) : right] = 255
    return picture


def pasted(digit: np.ndarray, shape: tuple[int, int], top: int, left: int) -> np.ndarray:
    paper = np.zeros(shape, digit.dtype)
    paper[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    return paper


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    """Some of the embedded test digits, uint8 (300, 28, 28)."""
    with np.load(DIGITS) as archive:
        return archive["test_images"].reshape(-1, 28, 28)[:300]


def test_the_longer_side_is_twenty_pixels_and_strokes_are_fully_inked() -> None:
    model_input = to_model_input(pasted(seven(), (300, 500), 200, 30))
    rows = np.flatnonzero(model_input.any(axis=1))
    columns = np.flatnonzero(model_input.any(axis=0))
    assert model_input.dtype == np.uint8
    assert model_input.shape == (28, 28)
    assert rows[-1] - rows[0] + 1 == 20
    assert columns[-1] - columns[0] + 1 == 13  # 40 / 60 of 20: the aspect is kept
    assert model_input.max() == 255


def test_the_centre_of_mass_is_where_mnist_puts_it() -> None:
    model_input = to_model_input(pasted(seven(), (200, 200), 5, 120)).astype(float)
    rows = (model_input.sum(axis=1) * np.arange(28)).sum() / model_input.sum()
    columns = (model_input.sum(axis=0) * np.arange(28)).sum() / model_input.sum()
    assert abs(rows - 14) <= 0.55
    assert abs(columns - 14) <= 0.55


def test_an_mnist_digit_is_left_as_it_is(digits: np.ndarray) -> None:
    again = np.array([to_model_input(digit) for digit in digits])
    difference = np.abs(again.astype(int) - digits)
    assert np.mean(difference.max(axis=(1, 2)) <= 40) > 0.95
    assert difference.mean() < 1


@pytest.mark.parametrize("factor", [2, 7, 12])
def test_digits_drawn_large_and_off_centre_come_back(digits: np.ndarray, factor: int) -> None:
    block = np.ones((factor, factor), np.uint8)
    side = 28 * factor
    for digit in digits[:40]:
        large = pasted(np.kron(digit, block), (side * 2, side * 3), side // 3, side)
        np.testing.assert_allclose(to_model_input(large), to_model_input(digit), atol=1)


def test_a_tiny_digit_still_looks_like_itself(digits: np.ndarray) -> None:
    """Digits halved to 14 pixels come back nearer to themselves than to 299 others."""
    halved = digits.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)) / 255
    again = np.array([to_model_input(digit) for digit in halved]).reshape(len(digits), -1) / 255.0
    originals = digits.reshape(len(digits), -1) / 255.0
    distance = ((again[:, None] - originals[None]) ** 2).sum(axis=2)
    assert np.mean(distance.argmin(axis=1) == np.arange(len(digits))) > 0.8


@settings(deadline=None, max_examples=60)
@given(
    height=st.integers(10, 70),
    width=st.integers(10, 70),
    top=st.integers(0, 100),
    left=st.integers(0, 100),
)
def test_where_a_digit_lies_makes_no_difference(
    height: int, width: int, top: int, left: int
) -> None:
    digit = seven(height, width, 4)
    here = pasted(digit, (200, 200), top, left)
    there = pasted(digit, (180, 260), 90, 20)
    np.testing.assert_array_equal(to_model_input(here), to_model_input(there))


@settings(deadline=None, max_examples=40)
@given(side=st.integers(60, 700))
def test_its_size_makes_next_to_no_difference(side: int) -> None:
    reference = to_model_input(nine(1000)).astype(float)
    difference = np.abs(to_model_input(nine(side)) - reference) / 255
    assert difference.mean() < 0.03


@settings(deadline=None, max_examples=60)
@given(strength=st.floats(1e-6, 1e6))
def test_only_the_ratios_of_grey_levels_matter(strength: float) -> None:
    digit = nine(90)
    np.testing.assert_allclose(to_model_input(digit * strength), to_model_input(digit), atol=1)


@settings(deadline=None, max_examples=150)
@given(
    drawing=arrays(
        np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40)), elements=st.integers(0, 255)
    ),
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
)
def test_any_picture_is_answered_or_refused_by_a_sentence(
    drawing: np.ndarray, shape: tuple[int, int]
) -> None:
    try:
        model_input = to_model_input(drawing, shape)
    except InputError as error:
        assert drawing.min() == drawing.max()
        assert str(error).endswith(".")
    else:
        assert model_input.shape == shape
        assert model_input.max() == 255


def test_a_thin_line_is_not_made_faint() -> None:
    line = np.zeros((600, 600), np.uint8)
    line[100:500, 300:302] = 255
    assert to_model_input(line).max() == 255


def test_grey_paper_with_grain_is_taken_away() -> None:
    digit = pasted(nine(200), (300, 400), 40, 120).astype(float)
    grain = np.random.default_rng(0).normal(0, 4, digit.shape)
    photograph = np.clip(60 + 0.6 * digit + grain, 0, 255).astype(np.uint8)
    difference = np.abs(to_model_input(photograph).astype(float) - to_model_input(nine(200)))
    assert difference.mean() / 255 < 0.03


def test_a_tight_crop_whose_edge_is_ink_is_not_mistaken_for_paper() -> None:
    frame = np.full((30, 30), 255, np.uint8)
    frame[6:-6, 6:-6] = 0
    model_input = to_model_input(frame)
    assert model_input[6, 14] == 255
    assert model_input[14, 14] == 0


def test_other_shapes_keep_the_same_margin() -> None:
    small = to_model_input(nine(100), (8, 8))
    assert small.shape == (8, 8)
    assert small.any(axis=1).sum() == 6  # 20 / 28 of 8
    large = to_model_input(nine(100), (64, 48))
    assert large.any(axis=1).sum() == 46


def test_true_and_false_are_ink_and_paper() -> None:
    digit = seven() > 0
    np.testing.assert_array_equal(to_model_input(digit), to_model_input(seven()))


def test_the_drawing_itself_is_left_alone() -> None:
    digit = nine(50)
    before = digit.copy()
    to_model_input(digit)
    np.testing.assert_array_equal(digit, before)


@pytest.mark.parametrize(
    ("drawing", "sentence"),
    [
        (np.zeros((28, 28), np.uint8), "blank"),
        (np.full((28, 28), 0.5), "blank"),
        (np.zeros((28, 28, 3), np.uint8), "in colour"),
        (np.zeros((1, 1, 28, 28), np.uint8), "two dimensions"),
        (np.zeros(784, np.uint8), "two dimensions"),
        (np.zeros((0, 28), np.uint8), "no pixels"),
        (np.eye(5, dtype=np.int64), "int64"),
        (np.eye(5, dtype=complex), "complex128"),
        (np.array([["a", "b"]]), "uint8 or floats"),
        (np.eye(5) - 0.5, "negative"),
        (np.where(np.eye(5) > 0, np.nan, 0), "not finite"),
        (np.where(np.eye(5) > 0, np.inf, 0), "not finite"),
        ([[0, 1], [1]], "equal length"),
    ],
)
def test_what_is_no_drawing_is_refused_by_a_sentence(drawing: np.ndarray, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as refusal:
        to_model_input(drawing)
    assert str(refusal.value).endswith(".")


@pytest.mark.parametrize(
    "shape",
    [(0, 28), 28, None, ("a", "b"), "ab", (28,), (28.0, 28), (True, 28), (10**6, 10**6), (28, 513)],
)
def test_a_shape_that_no_model_has_is_refused(shape: Any) -> None:
    with pytest.raises(InputError, match="at least 1"):
        to_model_input(nine(20), shape)


def test_a_photograph_of_sixteen_megapixels_is_taken() -> None:
    photograph = pasted(np.kron(nine(200), np.ones((15, 15), np.uint8)), (4000, 4000), 500, 900)
    small = to_model_input(nine(200)).astype(int)
    assert np.abs(to_model_input(photograph) - small).max() <= 16


def test_dark_ink_on_bright_paper_is_turned_over() -> None:
    digit = pasted(nine(200), (300, 400), 40, 120)
    np.testing.assert_allclose(ink_from_photograph(255 - digit), digit, atol=1)
    np.testing.assert_allclose(ink_from_photograph(digit), digit, atol=1)


def test_a_photograph_with_a_shadow_gives_the_same_model_input() -> None:
    digit = pasted(nine(200), (300, 400), 40, 120)
    shadow = np.linspace(0, 35, 400)[None, :]
    grain = np.random.default_rng(0).normal(0, 4, digit.shape)
    photograph = np.clip(215 - 0.65 * digit - shadow + grain, 0, 255).astype(np.uint8)
    expected = to_model_input(digit).astype(float)
    difference = np.abs(to_model_input(ink_from_photograph(photograph)) - expected)
    assert difference.mean() / 255 < 0.03


def test_a_blank_page_says_so() -> None:
    with pytest.raises(InputError, match="nothing is written"):
        ink_from_photograph(np.full((30, 30), 250, np.uint8))
