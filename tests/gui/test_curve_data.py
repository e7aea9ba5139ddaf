"""The numbers behind the curves: tables, thinning, ranges and the CSV file."""

from __future__ import annotations

import csv
import io
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vae_explorer.gui.curve_data import (
    Run,
    Table,
    csv_bytes,
    difference,
    rounded_up,
    sensible_range,
    step_curve,
    thinned,
)

UNIT = "nats per image"


def trained(steps: int = 1000, per_epoch: int = 100) -> Run:
    """A run whose first steps lie hundreds of nats below the others."""
    run = Run("run", True, UNIT)
    for step in range(1, steps + 1):
        elbo = -100 - 450 * math.exp(-step / 20)
        run.steps.append([(step, step / per_epoch, step * 0.01, {"elbo": elbo, "kl": 5.0})])
        if step % per_epoch == 0:
            numbers = {"elbo": elbo, "accuracy": 0.9}
            run.append_epoch(step / per_epoch, step, step * 0.01, numbers, numbers, (3.0, 0.0))
    return run


def test_a_table_grows_and_keeps_its_rows() -> None:
    table = Table()
    table.append((step, step / 10, step / 100, {"elbo": -float(step)}) for step in range(1000))
    assert len(table) == 1000
    np.testing.assert_array_equal(table.column("elbo"), -np.arange(1000.0))
    assert table.at(3, "seconds") == 0.03
    assert math.isnan(table.at(3, "accuracy"))


@pytest.mark.parametrize(("x", "row"), [(-5, 0), (0, 0), (14, 1), (16, 2), (99, 3)])
def test_the_nearest_row(x: float, row: int) -> None:
    table = Table()
    table.append((step, 0, 0, {}) for step in (0, 10, 20, 30))
    assert table.nearest("step", x) == row


def test_an_empty_table_has_no_nearest_row() -> None:
    assert Table().nearest("step", 1) == -1


@given(
    y=arrays(float, st.integers(1, 400), elements=st.floats(-1e6, 1e6)),
    stretches=st.integers(1, 50),
)
def test_thinning_keeps_order_and_extremes(y: np.ndarray, stretches: int) -> None:
    x = np.arange(len(y), dtype=float)
    thin_x, thin_y = thinned(x, y, stretches)
    assert len(thin_x) == len(thin_y) <= max(2 * stretches + 1, 2)
    assert (np.diff(thin_x) >= 0).all()
    assert thin_y.min() == y.min() or y.argmin() >= len(y) // stretches
    assert set(thin_y) <= set(y)
    whole = len(y) // max(1, -(-len(y) // stretches)) * -(-len(y) // stretches)
    if whole == len(y):
        assert thin_y.min() == y.min()
        assert thin_y.max() == y.max()


def test_thinning_leaves_out_what_is_not_finite() -> None:
    x, y = thinned(np.arange(4.0), np.array([1.0, np.nan, np.inf, 2.0]), 10)
    np.testing.assert_array_equal(x, [0, 3])
    np.testing.assert_array_equal(y, [1, 2])


def test_a_million_steps_are_thinned_to_what_can_be_seen() -> None:
    run = Run("run", False, UNIT)
    run.steps._rows = np.zeros((1_000_000, run.steps._rows.shape[1]))
    run.steps._length = 1_000_000
    x, _ = step_curve(run, "step", "elbo", 300)
    assert len(x) <= 601


def test_the_range_forgets_the_first_steps() -> None:
    low, high = sensible_range([trained()], "elbo") or (0, 0)
    assert low > -110
    assert high == pytest.approx(-100, abs=0.1)


def test_the_range_of_a_young_run_holds_all_its_epochs() -> None:
    run = Run("run", False, UNIT)
    run.append_epoch(1, 10, 1, {"elbo": -300}, {"elbo": -290})
    run.append_epoch(2, 20, 2, {"elbo": -200}, {"elbo": -210})
    assert sensible_range([run], "elbo") == (-300, -200)


def test_the_range_holds_the_reference() -> None:
    run = Run("PPCA", False, UNIT)
    run.append_epoch(1, 1, 1, {"elbo": 50}, {"elbo": 50}, (), 80.0)
    assert sensible_range([run], "elbo") == (50, 80)


def test_without_numbers_there_is_no_range() -> None:
    assert sensible_range([Run("run", False, UNIT)], "elbo") is None
    assert sensible_range([trained()], "classification") is None


@given(st.floats(1e-3, 1e9))
def test_round_numbers_are_above_and_near(value: float) -> None:
    assert value * (1 - 1e-9) <= rounded_up(value) <= 1.5 * value


def test_runs_are_comparable_where_unit_data_likelihood_and_classes_agree() -> None:
    base = Run("a", False, UNIT, data="MNIST", likelihood="Bernoulli")
    same = Run("b", False, UNIT, data="MNIST", likelihood="Bernoulli")
    clothes = Run("c", False, UNIT, data="FashionMNIST", likelihood="Bernoulli")
    joint = Run("e", True, UNIT, data="MNIST", likelihood="Bernoulli")
    density = Run("d", False, "nats of a density", data="MNIST", likelihood="Gaussian")
    assert difference([]) == ""
    assert difference([base, same]) == ""
    assert difference([base, clothes]) == "data"
    assert difference([base, joint]) == "having classes, p(x, y) or p(x)"
    assert difference([base, density]) == "unit and likelihood"
    assert difference([base, density, clothes]) == "unit, data and likelihood"


def test_the_csv_table_has_every_number() -> None:
    text = csv_bytes([trained(200, 100)]).decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["kind"] for row in rows].count("step") == 200
    assert [row["kind"] for row in rows].count("validation") == 2
    last = rows[199]
    assert float(last["elbo"]) == pytest.approx(-100 - 450 * math.exp(-10), rel=1e-9)
    assert last["accuracy"] == ""


def test_the_csv_table_says_what_its_numbers_are_of() -> None:
    run = Run("PPCA", False, "nats of a density per image", label="log-likelihood", data="MNIST")
    run.likelihood, run.train_title = "grey pixels", "train, 100 labelled"
    run.append_epoch(1, 10, 1.0, {"elbo": -1.0}, {"elbo": -2.0})
    rows = list(csv.DictReader(io.StringIO(csv_bytes([run]).decode(), newline="")))
    assert [row["images"] for row in rows] == ["train, 100 labelled", "validation"]
    for row in rows:
        assert (row["quantity"], row["unit"]) == ("log-likelihood", "nats of a density per image")
        assert (row["data"], row["likelihood"]) == ("MNIST", "grey pixels")


def test_the_csv_table_has_the_settings_in_force() -> None:
    run = Run("run", False, UNIT)
    run.steps.append([(10, 0.1, 1.0, {"elbo": -100.0, "beta": 0.25, "learning_rate": 1e-3})])
    (row,) = csv.DictReader(io.StringIO(csv_bytes([run]).decode(), newline=""))
    assert (row["beta"], row["learning_rate"]) == ("0.25", "0.001")
    assert row["classification_weight"] == ""
