"""The equation bar writes the bound of each model with live numbers."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from vae_explorer.gui.equation_bar import SAMPLES, EquationBar, equation, nats

TERMS = {
    "elbo": -123.4,
    "reconstruction": -115.7,
    "kl": 5.4,
    "log_prior": -2.3026,
    "classification": -0.021,
}


@pytest.fixture
def bar(qtbot: QtBot) -> EquationBar:
    widget = EquationBar()
    qtbot.addWidget(widget)
    widget.resize(1200, 60)
    widget.show()
    return widget


def written(bar: EquationBar) -> str:
    """The equation as one line, in the order of the screen."""
    parts = []
    for index in range(bar._row.count()):
        item = bar._row.itemAt(index)
        widget = item.widget() if item is not None else None
        block = next((b for b in bar._blocks if b is widget), None)
        if block is not None:
            name = f"{block._name.text()} " if not block._name.isHidden() else ""
            parts.append(name + block._value.text())
        elif widget in bar._signs:
            parts.append(widget.text())  # type: ignore[union-attr]
    return " ".join(parts)


def test_the_bound_of_a_vae(bar: EquationBar) -> None:
    bar.set_terms(TERMS, "vae")
    assert written(bar) == "ELBO −123.4 = reconstruction −115.7 − KL 5.40"


def test_the_bound_of_a_joint_vae_has_the_class_prior_in_it_and_the_classifier_beside_it(
    bar: EquationBar,
) -> None:
    bar.set_terms(TERMS, "joint-vae", classification_weight=0.5)
    assert written(bar) == (
        "ELBO −123.4 = reconstruction −115.7 − KL 5.40 + class prior −2.30 "
        "[ + λ · classifier −0.02 ]"
    )
    bar.set_terms(TERMS, "joint-vae")
    assert "[ + λ ·" in written(bar)


def test_ppca_writes_its_exact_log_likelihood(bar: EquationBar) -> None:
    bar.set_terms({"elbo": 812.2, "reconstruction": 815.6, "kl": 3.4}, "ppca", unit="nats")
    assert written(bar).startswith("log-likelihood 812.2 = ")
    assert "equality" in bar._blocks[0].toolTip()


def test_the_weight_of_the_classifier_has_its_symbol_and_its_number(bar: EquationBar) -> None:
    bar.set_terms(TERMS, "joint-vae", classification_weight=50.0)
    assert "[ + λ ·" in written(bar)
    assert bar._blocks[-1]._formula.text() == "log q(y|x), λ = 50"
    bar.set_terms(TERMS, "joint-vae")
    assert bar._blocks[-1]._formula.text() == "log q(y|x)"


def test_an_estimate_says_of_how_many_samples_it_is(bar: EquationBar) -> None:
    bar.set_terms(TERMS, "joint-vae")
    assert f"M = {SAMPLES}" in bar._blocks[1].toolTip()
    assert "p(z|y) = p(z)" in bar._blocks[2].toolTip()
    bar.set_terms(TERMS, "ppca")
    assert "exact" in bar._blocks[1].toolTip()


def test_without_numbers_the_equation_stands_calm(bar: EquationBar) -> None:
    bar.set_terms(TERMS, "joint-vae")
    bar.set_terms(None, "joint-vae")
    assert written(bar).startswith("ELBO = reconstruction − KL + class prior [ + λ · classifier")
    assert bar.accessibleDescription() == ""


def test_each_term_explains_itself_in_words_and_formula(bar: EquationBar) -> None:
    bar.set_terms(TERMS, "joint-vae")
    for block in bar._blocks:
        assert block.term.formula in block.toolTip()
        assert len(block.term.words) > 40
    assert "N(0, I)" in bar._blocks[2].toolTip()


def test_whose_numbers_they_are_is_said(bar: EquationBar) -> None:
    bar.set_terms(TERMS, "joint-vae", subject="Your drawing", given="y = 3")
    assert bar._subject.words() == "Your drawing\ny = 3, nats"
    assert bar.accessibleDescription().startswith("Your drawing, y = 3: ELBO −123.4, ")
    QApplication.processEvents()
    assert bar._subject.isVisible()
    assert bar._subject.geometry().right() < bar._blocks[0].geometry().left()
    before = bar._blocks[0].x()
    bar.set_terms(TERMS, "joint-vae", subject="It", given="y = 3")
    QApplication.processEvents()
    assert bar._blocks[0].x() == before
    bar.set_terms(None, "joint-vae")
    assert not bar._subject.isVisible()


def test_it_stands_still_while_numbers_change(bar: EquationBar, qtbot: QtBot) -> None:
    bar.set_terms(TERMS, "vae")
    qtbot.wait(1)
    before = [block.x() for block in bar._blocks]
    bar.set_terms({"elbo": -98.1, "reconstruction": -89.7, "kl": 12.4}, "vae")
    qtbot.wait(1)
    assert [block.x() for block in bar._blocks] == before


@pytest.mark.parametrize("kind", ["vae", "joint-vae", "ppca"])
def test_nothing_is_cut_off_where_it_is_narrow(bar: EquationBar, qtbot: QtBot, kind: str) -> None:
    bar.set_terms(TERMS, kind, subject="your drawing")
    bar.resize(bar.minimumSizeHint().width(), 60)
    qtbot.wait(1)
    assert bar.minimumSizeHint().width() < 560
    for block in bar._blocks:
        assert block.geometry().right() <= bar.width()
        assert not block._formula.isVisible()
        assert block._name.width() >= block._name.sizeHint().width()
    bar.resize(1300, 60)
    assert all(block._formula.isVisible() for block in bar._blocks)


def test_the_equation_adds_up_to_its_left_side() -> None:
    """What stands before each term is its sign in the bound; the classifier is not part of it."""
    signs = {"=": 1, "−": -1, "+": 1}
    terms = [term for term in equation("joint-vae")[1:] if not term.sign.startswith("[")]
    assert sum(signs[t.sign] * TERMS[t.key] for t in terms) == pytest.approx(-123.4, abs=0.01)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-123.44, "−123.4"),
        (5.4, "5.40"),
        (-0.001, "0.00"),
        (9.999, "10.0"),
        (-1234.5, "−1,234.5"),
        (float("nan"), "–"),
        (float("-inf"), "−∞"),
    ],
)
def test_numbers_have_a_real_minus_and_a_fixed_precision(value: float, text: str) -> None:
    assert nats(value) == text


def test_a_huge_number_is_written_by_its_power_of_ten(bar: EquationBar) -> None:
    assert nats(-1.23e21) == "−1.2e21"
    assert nats(99_999.4) == "99,999.4"
    assert nats(123_456.0) == "1.2e5"
    bar.resize(900, 60)
    bar.set_terms(dict.fromkeys(TERMS, -1.23456e21), "joint-vae", classification_weight=0.5)
    for block in bar._blocks:
        assert block.geometry().right() <= bar.width()
        assert block._value.width() >= block._value.sizeHint().width()


def test_formulas_are_spelled_as_everywhere_else() -> None:
    """With a space after the comma, as in q(z|x, y)."""
    joint = " ".join(f"{term.formula} {term.words}" for term in equation("joint-vae"))
    for formula in ("log p(x, y)", "p(x|z, y)", "q(z|x, y)"):
        assert formula in joint
    assert "x,y" not in joint and "z,y" not in joint
