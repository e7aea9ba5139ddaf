"""The bars of q(y|x) and of the generative verdict."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QColor, QFontMetricsF
from pytestqt.qtbot import QtBot

from vae_explorer.gui import style
from vae_explorer.gui.probability_bars import MAX_ROWS, ProbabilityBars, percent

NAMES = tuple("0123456789")


@pytest.fixture
def bars(qtbot: QtBot) -> ProbabilityBars:
    widget = ProbabilityBars(style.LIGHT)
    qtbot.addWidget(widget)
    widget.resize(340, 240)
    widget.show()
    return widget


def peaked(index: int, height: float = 0.91) -> np.ndarray:
    values = np.full(10, (1 - height) / 9)
    values[index] = height
    return values


def ink_of(widget: ProbabilityBars, color: QColor) -> int:
    """How many pixels of a picture of the widget have just this colour."""
    image = widget.grab().toImage()
    return sum(
        image.pixelColor(x, y) == color for x in range(image.width()) for y in range(image.height())
    )


def test_the_longest_bar_is_in_the_colour_of_its_class(bars: ProbabilityBars) -> None:
    bars.set_probabilities(peaked(4), None, NAMES)
    wide = ink_of(bars, style.LIGHT.class_color(4))
    bars.set_probabilities(peaked(4, 0.3), None, NAMES)
    narrow = ink_of(bars, style.LIGHT.class_color(4))
    assert wide > 2.5 * narrow > 0


def test_where_the_two_agree_there_is_no_hint(bars: ProbabilityBars) -> None:
    bars.set_probabilities(peaked(4), peaked(4, 0.5), NAMES)
    assert bars.hint == ""
    assert ink_of(bars, style.LIGHT.warning) == 0


def test_where_they_disagree_both_classes_are_named(bars: ProbabilityBars) -> None:
    bars.set_probabilities(peaked(4), peaked(9), NAMES)
    assert bars.hint == "The classifier says 4, the generative model 9."
    assert ink_of(bars, style.LIGHT.warning) > 10
    assert "4" in bars.accessibleDescription()
    assert bars.hint in bars.accessibleDescription()


def test_with_nothing_known_it_says_what_to_do(bars: ProbabilityBars) -> None:
    bars.set_probabilities(peaked(4), peaked(9), NAMES)
    bars.set_probabilities(None, None, ())
    assert bars.hint == ""
    assert "your drawing" in bars.accessibleDescription()
    assert ink_of(bars, style.LIGHT.class_color(4)) == 0


def test_many_classes_show_the_most_probable_first(bars: ProbabilityBars) -> None:
    q = np.linspace(1, 2, 47)
    q /= q.sum()
    bars.set_probabilities(q, None, [f"class {i}" for i in range(47)])
    shown = bars._shown(q)
    assert len(shown) == MAX_ROWS
    assert shown[:3] == [46, 45, 44]
    assert bars.minimumSizeHint().height() < 240


def test_the_verdict_alone_is_shown_too(bars: ProbabilityBars) -> None:
    bars.set_probabilities(None, peaked(7), NAMES)
    assert ink_of(bars, style.LIGHT.class_color(7)) > 100


def test_a_wrong_number_of_probabilities_is_an_error(bars: ProbabilityBars) -> None:
    with pytest.raises(ValueError, match="10 class names"):
        bars.set_probabilities(np.ones(3), None, NAMES)


def test_the_theme_changes_the_colours(bars: ProbabilityBars) -> None:
    bars.set_probabilities(peaked(4), None, NAMES)
    bars.set_theme(style.DARK)
    assert ink_of(bars, style.DARK.class_color(4)) > 100


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "50.0 %"),
        (1.0, "100 %"),
        (0.99999, ">99.9 %"),
        (0.0, "0.0 %"),
        (0.0001, "<0.1 %"),
        (0.973, "97.3 %"),
        (float("nan"), "—"),
    ],
)
def test_percentages_are_never_rounded_to_certainty(value: float, text: str) -> None:
    assert percent(value) == text


def test_a_narrow_disagreement_is_said_in_fewer_words(bars: ProbabilityBars) -> None:
    bars.set_probabilities(peaked(4), peaked(9), NAMES)
    metrics = QFontMetricsF(style.small_font())
    assert bars._hint_within(metrics, 400) == bars.hint
    short = bars._hint_within(metrics, 262)  # as in the smallest window
    assert metrics.horizontalAdvance(bars.hint) > 262 >= metrics.horizontalAdvance(short)
    assert "4" in short and "9" in short
