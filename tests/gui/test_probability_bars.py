"""The bars of q(y|x) and of the generative verdict."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QFontMetricsF
from pytestqt.qtbot import QtBot

from vae_explorer.gui import style
from vae_explorer.gui.contrast import legible
from vae_explorer.gui.probability_bars import _LEGEND, MAX_ROWS, ProbabilityBars, percent

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


def headline(widget: ProbabilityBars) -> QRect:
    return QRect(0, 0, widget.width(), widget._heights().headline)


def ink_of(widget: ProbabilityBars, color: QColor, place: QRect | None = None) -> int:
    """How many pixels of a picture of the widget, or of a part of it, have just this colour."""
    image = widget.grab(place or widget.rect()).toImage()
    return sum(
        image.pixelColor(x, y) == color for x in range(image.width()) for y in range(image.height())
    )


def test_the_longest_bar_is_in_the_colour_of_its_class(bars: ProbabilityBars) -> None:
    bars.set_probabilities(peaked(4), None, NAMES)
    rows = bars.rect().adjusted(0, headline(bars).height(), 0, 0)
    wide = ink_of(bars, style.LIGHT.class_color(4), rows)
    bars.set_probabilities(peaked(4, 0.3), None, NAMES)
    narrow = ink_of(bars, style.LIGHT.class_color(4), rows)
    assert wide > 2.5 * narrow > 0


def test_the_generative_verdict_is_typeset(bars: ProbabilityBars) -> None:
    assert "π<sub>y</sub> exp ELBO(x|y)" in bars.toolTip()


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
    assert "Draw" in bars.accessibleDescription()
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


def height_of(bars: ProbabilityBars, color: QColor) -> int:
    """Of the headline's letters in a colour, in pixels."""
    image = bars.grab(headline(bars)).toImage()
    rows = {
        y
        for y in range(image.height())
        for x in range(image.width())
        if image.pixelColor(x, y) == color
    }
    return max(rows) - min(rows) + 1 if rows else 0


def test_the_verdict_is_read_from_far_away(bars: ProbabilityBars) -> None:
    color = style.LIGHT.class_color(3)
    bars.set_probabilities(peaked(3), peaked(3), NAMES)
    assert height_of(bars, color) >= 19
    bars.resize(262, bars.minimumSizeHint().height())  # as in the smallest window
    heights = bars._heights()
    assert height_of(bars, color) >= 11
    assert heights.rows == 10
    assert heights.headline + _LEGEND + heights.rows * heights.row <= bars.height()


def test_verdicts_that_disagree_stand_beside_each_other(bars: ProbabilityBars) -> None:
    bars.set_probabilities(peaked(4), peaked(9), NAMES)
    for index in (4, 9):
        color = legible(style.LIGHT.class_color(index), style.LIGHT.panel)
        assert ink_of(bars, color, headline(bars)) > 20
    assert ink_of(bars, style.LIGHT.warning, headline(bars)) > 5


def test_a_long_name_is_set_smaller_before_it_is_cut(bars: ProbabilityBars) -> None:
    names = [f"{i} handwritten letters" for i in range(10)]
    bars.set_probabilities(peaked(3), None, names)
    place = headline(bars)
    picture = bars.grab(place).toImage()
    bars.set_probabilities(peaked(3), None, [*names[:3], names[3] + "!", *names[4:]])
    assert bars.grab(place).toImage() != picture  # its end is seen


def blanks(bars: ProbabilityBars, place: QRect) -> list[int]:
    """Widths of the gaps between what is painted in a part, from left to right."""
    image = bars.grab(place).toImage()
    empty = image.pixelColor(0, 0).name()
    widths, run, begun = [], 0, False
    for x in range(image.width()):
        if all(image.pixelColor(x, y).name() == empty for y in range(image.height())):
            run += 1
        else:
            if begun and run:
                widths.append(run)
            begun, run = True, 0
    return widths


def test_two_percentages_are_told_apart(bars: ProbabilityBars) -> None:
    sure = np.full(10, 1e-7)
    sure[3] = 1 - 9e-7
    bars.set_probabilities(sure, sure, NAMES)
    bars._fit_columns()
    heights = bars._heights()
    top = round(heights.headline + _LEGEND + 3 * heights.row)
    left = round(bars.width() - 2 * bars._widths[1])
    row = QRect(left, top, bars.width() - left, int(heights.row))
    assert max(blanks(bars, row)) >= 16


def test_the_swatches_of_a_narrow_panel_keep_off_the_formulas(bars: ProbabilityBars) -> None:
    bars.resize(262, 190)
    bars.set_probabilities(peaked(4), peaked(4), NAMES)
    bars._fit_columns()
    heights = bars._heights()
    gaps = blanks(bars, QRect(0, heights.headline, bars.width(), _LEGEND))
    assert max(gaps) >= 6  # from q(y|x) to the swatch of p(y|x)
    left = bars.width() - 2 * bars._widths[1]
    place = QRect(0, heights.headline, round(left), _LEGEND)
    assert ink_of(bars, style.LIGHT.muted, place) == 0


def test_what_is_negligible_is_muted(bars: ProbabilityBars) -> None:
    q = np.full(10, 1e-6)
    q[3], q[7] = 0.8, 0.2 - 8e-6
    bars.set_probabilities(q, None, NAMES)
    bars._fit_columns()
    heights = bars._heights()

    def darkest(index: int) -> int:
        top = round(heights.headline + _LEGEND + index * heights.row)
        left = round(bars.width() - bars._widths[1])
        place = QRect(left, top, bars.width() - left, int(heights.row))
        image = bars.grab(place).toImage()
        places = ((x, y) for x in range(image.width()) for y in range(image.height()))
        return min(image.pixelColor(x, y).lightness() for x, y in places)

    assert darkest(7) < style.LIGHT.muted.lightness() - 20
    assert darkest(2) >= style.LIGHT.muted.lightness() - 2


def test_of_many_classes_as_many_are_shown_as_have_room(bars: ProbabilityBars) -> None:
    q = np.linspace(1, 2, 47)
    q /= q.sum()
    bars.resize(340, 206)
    bars.set_probabilities(q, None, [f"class {i}" for i in range(47)])
    heights = bars._heights()
    assert len(bars._shown(q)) == heights.rows >= 8
    assert heights.headline + _LEGEND + heights.rows * heights.row + heights.hint <= 206
