"""The curves, fed as a training feeds them and hovered with a real mouse."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage, QPainter, QPicture
from PySide6.QtWidgets import QApplication, QFileDialog, QInputDialog, QLabel
from pytestqt.qtbot import QtBot

from vae_explorer.gui import style
from vae_explorer.gui.curve_data import Run
from vae_explorer.gui.curve_panel import CurvePanel
from vae_explorer.gui.curves import MAX_RUNS, Curves
from vae_explorer.gui.plot_panel import clock
from vae_explorer.gui.run_chips import shortened

UNIT = "nats per image"


@pytest.fixture
def curves(qtbot: QtBot) -> Curves:
    style.configure_pyqtgraph()
    widget = Curves(style.LIGHT)
    qtbot.addWidget(widget)
    widget.resize(1300, 320)
    widget.show()
    return widget


def numbers(step: float, joint: bool = True) -> dict[str, float]:
    elbo = -100 - 450 * math.exp(-step / 60)
    bound = {"elbo": elbo, "reconstruction": elbo + 8, "kl": 8.0, "objective": elbo}
    labelled = {"log_prior": -2.3, "classification": -1 / step, "accuracy": 1 - 0.5 / step}
    return bound | labelled if joint else bound


def feed(curves: Curves, steps: int = 400, per_epoch: int = 100, *, joint: bool = True) -> None:
    """What a training of so many steps sends."""
    for first in range(1, steps + 1, per_epoch):
        last = first + per_epoch - 1
        curves.append_steps(
            [(s, s / per_epoch, s * 0.5, numbers(s, joint)) for s in range(first, last + 1)]
        )
        epoch = numbers(last, joint)
        curves.append_epoch(last / per_epoch, last, last * 0.5, epoch, epoch, (5.0, 3.0, 0.001))
    curves.catch_up()


def panel_of(curves: Curves, key: str) -> CurvePanel:
    return next(panel for panel in curves._panels if panel.measure.key == key)


def validation_of(curves: Curves, key: str, run: int = -1) -> tuple[np.ndarray, np.ndarray]:
    items = panel_of(curves, key)._curves[id(curves._runs[run])]
    x, y = items.validation.getData()
    assert x is not None
    assert y is not None
    return x, y


def in_sight(curves: Curves) -> list[str]:
    return [panel.title for panel, _, _ in curves._board._laid_out]


def test_before_the_first_run_it_says_what_to_do(curves: Curves) -> None:
    assert curves._stack.currentIndex() == 0
    empty = curves._stack.widget(0)
    assert empty is not None
    said = " ".join(label.text() for label in empty.findChildren(QLabel))
    assert "ELBO" in said and "Space starts" in said
    assert not curves._header.isVisible()
    curves.append_steps([(1, 0.01, 0.1, numbers(1))])  # without a run: nothing to add it to
    assert curves.run_names == ()


def test_a_joint_vae_has_all_panels_and_a_vae_those_of_the_bound(curves: Curves) -> None:
    curves.begin_run(Run("VAE", False, UNIT))
    assert in_sight(curves) == ["ELBO", "Reconstruction", "KL", "KL by dimension"]
    curves.begin_run(Run("Joint VAE", True, UNIT))
    assert in_sight(curves)[3:5] == ["Classifier", "Accuracy"]


def test_what_is_maximised_is_shown_where_it_can_differ_from_the_bound(curves: Curves) -> None:
    curves.begin_run(Run("VAE", False, UNIT))
    feed(curves, 100, joint=False)
    assert "Objective" not in in_sight(curves)
    curves.begin_run(Run("IWAE", False, UNIT, objective="IW bound, M = 5"))
    curves.append_epoch(1, 10, 1.0, {"objective": -99.0}, {"objective": -98.5}, (1.0,))
    curves.catch_up()
    assert in_sight(curves) == [
        "ELBO",
        "Reconstruction",
        "KL",
        "IW bound, M = 5",
        "KL by dimension",
    ]
    assert panel_of(curves, "objective")._value.text() == "−98.5"
    assert list(validation_of(curves, "objective")[1]) == [-98.5]
    assert len(validation_of(curves, "objective", 0)[0]) == 1  # the VAE's, to compare
    curves.set_run_visible(1, False)
    assert len(in_sight(curves)) == 4


def test_a_bound_that_is_no_longer_what_is_maximised_has_its_objective_beside_it(
    curves: Curves,
) -> None:
    curves.begin_run(Run("VAE", False, UNIT))
    feed(curves, 100, joint=False)
    curves.name_objective("Objective")
    curves.name_objective("another")
    curves.catch_up()
    assert in_sight(curves) == ["ELBO", "Reconstruction", "KL", "Objective", "KL by dimension"]
    assert len(validation_of(curves, "objective")[0]) == 1


def test_steps_and_epochs_are_on_the_curves(curves: Curves) -> None:
    curves.begin_run(Run("run", True, UNIT))
    feed(curves)
    x, y = validation_of(curves, "elbo")
    np.testing.assert_allclose(x, [100, 200, 300, 400])
    np.testing.assert_allclose(y, [numbers(s)["elbo"] for s in (100, 200, 300, 400)])
    items = panel_of(curves, "elbo")._curves[id(curves._runs[0])]
    steps, _ = items.steps.getData()
    assert steps is not None
    assert steps[-1] == 400
    _, accuracy = validation_of(curves, "accuracy")
    assert accuracy[-1] == pytest.approx(100 - 50 / 400)


def test_train_is_dashed_and_validation_is_solid(curves: Curves) -> None:
    curves.begin_run(Run("run", True, UNIT))
    feed(curves)
    items = panel_of(curves, "elbo")._curves[id(curves._runs[0])]
    assert items.train.opts["pen"].style() == Qt.PenStyle.CustomDashLine
    assert items.validation.opts["pen"].style() == Qt.PenStyle.SolidLine
    assert items.validation.opts["pen"].color() == style.LIGHT.accent
    for item in (items.steps, items.train, items.validation):
        assert item.opts["pen"].width() <= 1  # wider lines cost four times as much
        assert item.opts["pen"].isCosmetic()
    assert items.epochs._dots.size() == 4


def test_the_axes_show_the_late_part_whole(curves: Curves) -> None:
    curves.begin_run(Run("run", True, UNIT))
    feed(curves, 1000)
    (x0, x1), (y0, y1) = panel_of(curves, "elbo").view.viewRange()
    assert (x0, x1) == (0, 1000)
    assert y0 > -200  # the first steps lie at −550
    assert y1 > -100


@pytest.mark.parametrize(("axis", "end"), [("step", 400), ("epoch", 4), ("seconds", 200)])
def test_the_axis_can_be_step_epoch_or_time(curves: Curves, axis: str, end: float) -> None:
    curves.begin_run(Run("run", True, UNIT))
    feed(curves)
    curves.set_axis(axis)
    x, _ = validation_of(curves, "elbo")
    assert x[-1] == pytest.approx(end)
    _, x1 = panel_of(curves, "elbo").view.viewRange()[0]
    assert x1 == pytest.approx(end, rel=0.5)
    with pytest.raises(ValueError, match="axis"):
        curves.set_axis("fortnight")


def test_the_box_chooses_the_axis(curves: Curves, qtbot: QtBot) -> None:
    curves.begin_run(Run("run", True, UNIT))
    feed(curves)
    curves._header.axis_box.setFocus()
    qtbot.keyClick(curves._header.axis_box, Qt.Key.Key_Down)
    x, _ = validation_of(curves, "elbo")
    assert x[-1] == 4


def test_the_cursor_reads_every_panel_and_every_run(curves: Curves, qtbot: QtBot) -> None:
    curves.begin_run(Run("first", True, UNIT))
    feed(curves)
    curves.begin_run(Run("second", True, UNIT))
    feed(curves, 800)
    panel = panel_of(curves, "elbo")
    qtbot.wait(20)
    viewport = panel.plot.viewport()
    place = panel.place_of(200.0) + QPoint(0, 40)
    qtbot.mouseMove(viewport, viewport.mapFromGlobal(place + QPoint(9, 9)))
    qtbot.mouseMove(viewport, viewport.mapFromGlobal(place))
    qtbot.waitUntil(curves._readout.isVisible, timeout=2000)
    text = curves._readout.text()
    expected = f"{numbers(200)['elbo']:.1f}".replace("-", "−")
    assert "first" in text
    assert "second" in text
    assert text.count(expected) == 4  # train and validation of both
    assert panel._value.text() == expected
    assert panel_of(curves, "accuracy")._value.text() == "99.75 %"
    assert curves.rect().contains(curves._readout.geometry())


def test_leaving_shows_the_newest_numbers_again(curves: Curves) -> None:
    curves.begin_run(Run("run", True, UNIT))
    feed(curves)
    panel = panel_of(curves, "elbo")
    curves._hover(100.0, panel)
    before = panel._value.text()
    curves._hover(None, panel)
    assert not curves._readout.isVisible()
    assert panel._value.text() != before
    assert panel._value.text() == f"{numbers(400)['elbo']:.1f}".replace("-", "−")


def test_earlier_runs_stay_named_and_can_be_renamed_hidden_and_removed(curves: Curves) -> None:
    for _ in range(3):
        curves.begin_run(Run("Joint VAE", True, UNIT))
        feed(curves, 100)
    assert curves.run_names == ("Joint VAE", "Joint VAE (2)", "Joint VAE (3)")
    curves.rename_run(0, "without warm-up")
    curves.set_run_visible(1, False)
    panel = panel_of(curves, "elbo")
    assert len(panel._curves) == 2
    curves.remove_run(1)
    assert curves.run_names == ("without warm-up", "Joint VAE (3)")
    chips = [chip.text() for chip in curves._chips._chips]
    assert chips == list(curves.run_names)


def test_a_shortened_name_keeps_its_number() -> None:
    name = "Joint VAE 2-D, Embedded digits (2)"
    assert shortened(name, 60) == name
    assert shortened(name, 20) == "Joint VAE 2-D, E… (2)".replace(", E", "")
    assert shortened(name, 9) == "Join… (2)"
    assert shortened("a long name without one", 10) == "a long na…"


def test_beside_another_run_one_has_no_values_where_it_did_not_come(curves: Curves) -> None:
    for count in (200, 100):
        curves.begin_run(Run("run", True, UNIT))
        feed(curves, count)
    far = curves._runs[0].end("step")
    assert far > curves._runs[1].end("step")
    curves._readout.show_values(curves._shown_runs(), "elbo", "step", far, str)
    assert "run (2)" not in curves._readout.text()
    curves._readout.show_values(curves._shown_runs(), "elbo", "step", 50, str)
    assert "run (2)" in curves._readout.text()


def test_what_comes_of_a_removed_run_goes_into_no_other(curves: Curves) -> None:
    for name in ("first", "second"):
        curves.begin_run(Run(name, True, UNIT))
        feed(curves, 100)
    first = curves._runs[0]
    before = len(first.steps), len(first.validation)
    curves.remove_run(1)
    feed(curves, 100)
    assert curves.run_names == ("first",)
    assert (len(first.steps), len(first.validation)) == before


def test_a_chip_hides_its_run_and_its_menu_renames(
    curves: Curves, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    curves.begin_run(Run("run", True, UNIT))
    feed(curves, 100)
    qtbot.mouseClick(curves._chips._chips[0], Qt.MouseButton.LeftButton)
    assert len(panel_of(curves, "elbo")._curves) == 0
    monkeypatch.setattr(QInputDialog, "getText", lambda *_, **__: (" better ", True))
    curves._chips.ask_name(0)
    assert curves.run_names == ("better",)


def test_a_name_that_a_run_had_is_no_other_run_s(curves: Curves) -> None:
    curves.begin_run(Run("VAE", False, UNIT))
    curves.begin_run(Run("VAE", False, UNIT))  # the first had no step, and is forgotten
    feed(curves, 100, joint=False)
    assert curves.run_names == ("VAE (2)",)
    curves.rename_run(0, "best")
    curves.remove_run(0)
    for name in ("VAE", "best"):
        curves.begin_run(Run(name, False, UNIT))
        feed(curves, 100, joint=False)
    assert curves.run_names == ("VAE (3)", "best (2)")


def test_axes_have_no_numbers_until_there_is_something_to_measure(curves: Curves) -> None:
    curves.begin_run(Run("run", True, UNIT))
    curves.catch_up()
    plot = panel_of(curves, "elbo").plot
    assert [plot.getAxis(side)._tickLevels for side in ("left", "bottom")] == [[[]], [[]]]
    curves.end_run()  # it failed
    curves.catch_up()
    assert [plot.getAxis(side)._tickLevels for side in ("left", "bottom")] == [[[]], [[]]]
    curves.begin_run(Run("another", True, UNIT))
    curves.append_steps([(10, 0.1, 1.0, numbers(10))])
    curves.catch_up()
    assert [plot.getAxis(side)._tickLevels for side in ("left", "bottom")] == [None, None]


@pytest.mark.parametrize("width", [760, 1000, 1300, 1900, 2600])
def test_units_are_named_by_all_panels_or_once_for_all(
    curves: Curves, qtbot: QtBot, width: int
) -> None:
    curves.begin_run(Run("Joint VAE 2-D, Embedded digits", True, UNIT, objective="Objective"))
    feed(curves)
    curves.resize(width, 220)
    qtbot.wait(1)
    named = {
        bool(panel._unit.text())
        for panel in curves._every_panel
        if curves._board.shows(panel) and panel._unit_text
    }
    assert len(named) == 1
    assert curves._key._unit == ("" if named == {True} else UNIT)


def test_the_key_names_the_batches_where_the_runs_leave_room(curves: Curves, qtbot: QtBot) -> None:
    def said() -> list[str]:
        return [text for text, _ in curves._key._lines()]

    curves.begin_run(Run("run", True, UNIT))
    feed(curves, 100)
    assert said() == ["validation", "train", "ten batches"]
    for _ in range(7):
        curves.begin_run(Run("a run with a rather long name", True, UNIT))
        feed(curves, 100)
    qtbot.wait(1)
    assert said() == ["validation", "train"]


def test_a_run_without_a_step_is_forgotten_and_so_are_the_oldest(curves: Curves) -> None:
    curves.begin_run(Run("empty", True, UNIT))
    for number in range(MAX_RUNS + 3):
        curves.begin_run(Run(f"run {number}", False, UNIT))
        feed(curves, 100, joint=False)
    assert "empty" not in curves.run_names
    assert len(curves.run_names) == MAX_RUNS
    assert curves.run_names[-1] == f"run {MAX_RUNS + 2}"


def test_it_warns_where_visible_runs_cannot_be_compared(curves: Curves) -> None:
    curves.begin_run(Run("VAE", False, UNIT, data="MNIST", likelihood="Bernoulli"))
    feed(curves, 100, joint=False)
    assert curves.warning == ""
    density = "nats of a density per image"
    curves.begin_run(Run("Gaussian", False, density, data="MNIST", likelihood="Gaussian"))
    assert curves.warning.startswith("Not comparable: these runs differ in unit and likelihood.")
    assert curves._warning.isVisible()
    curves.set_run_visible(0, False)
    assert not curves._warning.isVisible()


def test_ppca_shows_what_em_should_reach(curves: Curves) -> None:
    curves.begin_run(Run("PPCA", False, "nats of a density per image", label="Log-likelihood"))
    for epoch in range(1, 6):
        value = {"elbo": 100.0 - 50 / epoch}
        curves.append_epoch(epoch, epoch, epoch, value, value, (2.0, 1.0), reference=101.5)
    curves.catch_up()
    panel = panel_of(curves, "elbo")
    assert panel.title == "Log-likelihood"
    items = panel._curves[id(curves._runs[0])]
    assert items.reference.isVisible()
    assert items.reference.value() == 101.5
    (_, (low, high)) = panel.view.viewRange()
    assert low < 101.5 < high


def test_a_kl_is_in_nats_even_of_a_density(curves: Curves) -> None:
    curves.begin_run(Run("PPCA", False, "nats of a density per image", label="log-likelihood"))
    tips = [panel._title.toolTip() for panel in curves._panels[:3]]
    assert tips[0].startswith("log-likelihood, nats of a density per image\n")
    assert "Reconstruction, nats of a density per image<br>" in tips[1]
    assert tips[2].startswith("KL, nats per image\n")


def test_a_title_tells_the_formula_that_the_model_has(curves: Curves) -> None:
    titles = [panel._title for panel in curves._panels]
    curves.begin_run(Run("VAE", False, UNIT))
    assert titles[0].toolTip().endswith("\nreconstruction − KL")
    assert "E<sub>q</sub> log p(x|z)<" in titles[1].toolTip()
    assert titles[2].toolTip().endswith("KL(q(z|x) ‖ p(z))")
    curves.begin_run(Run("Joint VAE", True, UNIT))
    assert "+ log π<sub>y</sub>" in titles[0].toolTip()
    assert "log p(x|z, y)" in titles[1].toolTip()
    assert titles[2].toolTip().endswith("KL(q(z|x, y) ‖ p(z))")
    assert "λ" in titles[3].toolTip()
    assert "β and λ" in titles[5].toolTip()


@pytest.mark.parametrize("ends", [(-180.0, -140.0), (-3900.0, -1000.0), (-90_000.0, -20_000.0)])
def test_the_axis_at_the_left_has_room_for_its_numbers(
    curves: Curves, ends: tuple[float, float]
) -> None:
    curves.begin_run(Run("run", True, UNIT))
    feed(curves, steps=20)
    panel = panel_of(curves, "elbo")
    panel.view.setYRange(*ends, padding=0)
    QApplication.processEvents()
    picture = QPicture()
    painter = QPainter(picture)
    _, _, texts = panel.plot.getAxis("left").generateDrawSpecs(painter)
    painter.end()
    assert len(texts) >= 2  # of the library, which leaves out what sticks out


def test_the_names_of_runs_come_before_the_key_to_their_lines(curves: Curves) -> None:
    curves.resize(720, 200)
    for name in ("PPCA 2-D, Embedded digits", "VAE 2-D, Embedded digits"):
        curves.begin_run(Run(name, False, "nats of a density per image"))
        value = {"elbo": -90.0}
        curves.append_epoch(1, 50, 1.0, value, value, (2.0, 1.0), reference=-88.5)
    curves.catch_up()
    QApplication.processEvents()
    for chip in curves._chips._chips:
        assert chip.width() >= chip.sizeHint().width()
        assert len(chip.text()) > 12


def test_the_level_of_the_closed_form_has_a_name_wherever_it_is_drawn(
    curves: Curves, tmp_path: Path
) -> None:
    curves.begin_run(Run("VAE", False, UNIT))
    feed(curves, 100, joint=False)
    alone = [text for text, _ in curves._key._lines()]
    assert alone == ["validation", "train", "ten batches"]
    curves.export.writer("png")(tmp_path / "vae.png")
    curves.begin_run(Run("PPCA", False, UNIT))
    value = {"elbo": -90.0}
    curves.append_epoch(1, 50, 1.0, value, value, (2.0, 1.0), reference=-88.5)
    curves.catch_up()
    assert [text for text, _ in curves._key._lines()] == [
        "validation", "train", "closed form, train", "ten batches",
    ]  # fmt: skip
    assert "closed form" in curves._key.toolTip()
    assert curves._key._lines()[2][1].color() == style.LIGHT.warning
    curves._hover(50.0, panel_of(curves, "elbo"))
    assert "closed form, train <b>−88.5</b>" in curves._readout.text()
    curves._hover(50.0, panel_of(curves, "kl"))
    assert "closed form" not in curves._readout.text()
    curves.export.writer("png")(tmp_path / "ppca.png")
    top = [QImage(str(tmp_path / f"{name}.png")).copy(0, 0, 900, 40) for name in ("vae", "ppca")]
    assert top[0] != top[1]  # the picture has the key too
    curves.set_run_visible(1, False)
    assert [text for text, _ in curves._key._lines()] == alone


def test_train_curves_of_the_labelled_images_alone_say_so(curves: Curves) -> None:
    curves.begin_run(
        Run("few", True, UNIT, objective="Objective", train_title="train, 100 labelled")
    )
    feed(curves, 100)
    assert [text for text, _ in curves._key._lines()] == [
        "validation", "train, 100 labelled", "ten batches",
    ]  # fmt: skip
    assert "labelled images alone" in curves._key.toolTip()
    curves._hover(50.0, panel_of(curves, "elbo"))
    assert "train, 100 labelled <b>" in curves._readout.text()
    curves._hover(50.0, panel_of(curves, "objective"))  # that is of all images
    assert "train <b>" in curves._readout.text()
    curves.begin_run(Run("all", True, UNIT))
    assert curves._key._lines()[1][0] == "train"
    assert "labelled" not in curves._key.toolTip()


def test_the_key_leaves_out_the_last_name_before_it_widens_the_window(
    curves: Curves, qtbot: QtBot
) -> None:
    curves.begin_run(Run("PPCA", False, UNIT))
    value = {"elbo": -90.0}
    narrowest = curves.minimumSizeHint().width()
    curves.append_epoch(1, 50, 1.0, value, value, (2.0, 1.0), reference=-88.5)
    curves.catch_up()
    qtbot.wait(1)
    assert curves._key.width() == curves._key.sizeHint().width()
    assert curves.minimumSizeHint().width() == narrowest


def test_kl_by_dimension_counts_those_in_use(curves: Curves) -> None:
    curves.begin_run(Run("run", True, UNIT))
    feed(curves, 100)
    assert curves._kl_bars._value.text() == "2 of 3"
    bars = curves._kl_bars._bars
    assert bars is not None
    height, colors = bars.opts["height"], bars.opts["brushes"]
    assert height is not None
    assert colors is not None
    np.testing.assert_allclose(height, [5.0, 3.0, 0.001])
    assert colors[0] == style.LIGHT.accent
    assert colors[2] == style.LIGHT.disabled
    curves.begin_run(Run("another", True, UNIT))
    feed(curves, 100)
    colors = bars.opts["brushes"] or []
    assert colors[0] == curves._colors()[-1] != style.LIGHT.accent
    curves.set_theme(style.DARK)
    colors = bars.opts["brushes"] or []
    assert colors[0] == curves._colors()[-1]


def test_the_moment_of_the_time_machine_is_marked(curves: Curves) -> None:
    curves.begin_run(Run("run", True, UNIT))
    feed(curves)
    curves.set_moment(2.0)
    line = panel_of(curves, "elbo")._moment
    assert line.isVisible()
    assert line.value() == 200
    curves.set_moment(None)
    assert not line.isVisible()


@pytest.mark.parametrize(
    ("size", "expected"), [((1300, 300), 6), ((900, 360), 6), ((600, 220), 3), ((320, 200), 1)]
)
def test_panels_fit_the_room_there_is(
    curves: Curves, qtbot: QtBot, size: tuple[int, int], expected: int
) -> None:
    curves.begin_run(Run("run", True, UNIT))
    feed(curves, 100)
    curves.resize(*size)
    qtbot.wait(1)
    assert (curves.width(), curves.height()) == size
    assert len(in_sight(curves)) == expected
    assert curves._board.tabs.isVisible() == (expected < 6)
    for panel, _, _ in curves._board._laid_out:
        assert panel._title.width() >= panel._title.sizeHint().width()


def test_a_page_that_is_turned_to_has_the_newest_numbers(curves: Curves, qtbot: QtBot) -> None:
    curves.begin_run(Run("run", True, UNIT))
    curves.resize(600, 220)
    qtbot.wait(1)
    feed(curves, 300)
    assert "Accuracy" not in in_sight(curves)
    curves._board.tabs.setCurrentIndex(1)
    assert "Accuracy" in in_sight(curves)
    x, _ = validation_of(curves, "accuracy")
    assert x[-1] == 300
    assert panel_of(curves, "accuracy").view.viewRange()[0][1] == pytest.approx(300)


def test_a_double_click_enlarges_a_panel_and_another_puts_it_back(
    curves: Curves, qtbot: QtBot
) -> None:
    curves.begin_run(Run("run", True, UNIT))
    feed(curves, 100)
    viewport = panel_of(curves, "kl").plot.viewport()
    qtbot.mouseDClick(viewport, Qt.MouseButton.LeftButton, pos=viewport.rect().center())
    assert in_sight(curves) == ["KL"]
    qtbot.mouseDClick(viewport, Qt.MouseButton.LeftButton, pos=viewport.rect().center())
    assert len(in_sight(curves)) == 6


def test_export_as_a_table_and_as_a_picture(
    curves: Curves, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    curves.begin_run(Run("run", True, UNIT))
    feed(curves, 100)
    for kind in ("csv", "png"):
        path = tmp_path / f"curves.{kind}"
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, p=path: (str(p), ""))
        with qtbot.waitSignal(curves.export.write_requested) as asked:
            curves.export.ask(kind)
        assert asked.args is not None and asked.args[0] == str(path)
        asked.args[1](path)
    assert len((tmp_path / "curves.csv").read_text().splitlines()) == 1 + 100 + 2
    picture = QImage(str(tmp_path / "curves.png"))
    assert picture.width() == 2 * curves._board.sheet.width()
    assert picture.pixelColor(2, 2) == style.LIGHT.panel
    another = tmp_path / "curves.txt"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(another), ""))
    with qtbot.waitSignal(curves.export.refused) as refused:
        curves.export.ask("csv")
    assert refused.args is not None and "curves.txt" in refused.args[0]
    unnamed = tmp_path / "table"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(unnamed), ""))
    with qtbot.waitSignal(curves.export.write_requested) as asked:
        curves.export.ask("csv")
    assert asked.args is not None and asked.args[0] == f"{unnamed}.csv"


def test_a_table_has_the_numbers_of_when_it_was_asked_for(curves: Curves, tmp_path: Path) -> None:
    curves.begin_run(Run("run", True, UNIT))
    feed(curves, 100)
    path, other = tmp_path / "curves.csv", tmp_path / "other.csv"
    write = curves.export.writer("csv")
    write(path)
    curves.end_run()
    assert curves.go_on(40.0)
    feed(curves, 300)
    write(other)
    assert other.read_bytes() == path.read_bytes()


def test_a_table_is_offered_a_place_in_the_home_folder(
    curves: Curves, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder in which a system starts a program may be its own."""
    started: list[str] = []

    def ask(_parent: object, _title: str, start: str, _kinds: str) -> tuple[str, str]:
        started.append(start)
        return "", ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
    monkeypatch.setattr("vae_explorer.paths.home", lambda: tmp_path)
    curves.export.ask("csv")
    assert started == [str(tmp_path / "curves.csv")]


def test_another_theme_keeps_the_curves(curves: Curves) -> None:
    curves.begin_run(Run("run", True, UNIT))
    feed(curves)
    curves.set_theme(style.DARK)
    x, _ = validation_of(curves, "elbo")
    assert len(x) == 4
    items = panel_of(curves, "elbo")._curves[id(curves._runs[0])]
    assert items.validation.opts["pen"].color() == style.DARK.accent


def test_another_theme_keeps_the_zoom(curves: Curves) -> None:
    curves.begin_run(Run("run", True, UNIT))
    feed(curves)
    view = panel_of(curves, "elbo").view
    view.setXRange(1, 2, padding=0)
    view.sigRangeChangedManually.emit(view.state["mouseEnabled"])
    curves.set_theme(style.DARK)
    curves.catch_up()
    assert view.viewRange()[0] == [1, 2]


def test_numbers_that_are_not_finite_are_left_out(curves: Curves) -> None:
    curves.begin_run(Run("run", False, UNIT))
    curves.append_steps([(1, 0.1, 1, {"elbo": math.nan}), (2, 0.2, 2, {"elbo": -5.0})])
    broken = {"elbo": math.inf}
    curves.append_epoch(1, 2, 2, broken, broken, (math.nan,))
    curves.catch_up()
    x, _ = validation_of(curves, "elbo")
    assert len(x) == 0
    assert panel_of(curves, "elbo")._value.text() == "–"


@pytest.mark.parametrize(
    ("seconds", "text"), [(4, "4 s"), (59.6, "1:00"), (150, "2:30"), (3725, "1:02:05")]
)
def test_time_reads_like_a_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_new_numbers_come_to_one_panel_at_a_time(
    curves: Curves, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    curves.begin_run(Run("run", True, UNIT))
    turns: list[list[str]] = [[]]  # what was updated between two ticks of the clock
    update = CurvePanel.update_run

    def counted(panel: CurvePanel, *given: Any, **named: Any) -> None:
        turns[-1].append(panel.title)
        update(panel, *given, **named)

    monkeypatch.setattr(CurvePanel, "update_run", counted)
    curves._turns._timer.timeout.connect(lambda: turns.append([]))
    for step in range(1, 11):  # faster than the turns go round
        curves.append_steps([(step, step / 10, 1.0, numbers(step))])
    assert turns == [[]]
    qtbot.waitUntil(lambda: not curves._turns._waiting)
    seen = [turn for turn in turns if turn]
    assert seen == [[panel.title] for panel in curves._panels]
    steps, _ = panel_of(curves, "accuracy")._curves[id(curves._runs[0])].steps.getData()
    np.testing.assert_array_equal(steps, range(1, 11))


def test_a_run_begins_and_ends_in_one_panel_at_a_time(
    curves: Curves, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = [[]]  # what was painted anew between two ticks of the clock
    show, fit = CurvePanel.show_runs, CurvePanel.fit
    monkeypatch.setattr(
        CurvePanel, "show_runs", lambda panel, *a: (seen[-1].append(panel.title), show(panel, *a))
    )
    curves._turns._timer.timeout.connect(lambda: seen.append([]))
    curves.begin_run(Run("run", True, UNIT, objective="Objective"))
    assert seen == [[]]
    assert not any(panel.plot.isVisible() for panel in curves._panels)
    qtbot.waitUntil(lambda: not curves._turns._waiting)
    titles = [[panel.title] for panel in curves._panels]
    assert [turn for turn in seen if turn] == titles
    assert all(panel.plot.isVisible() for panel in (*curves._panels, curves._kl_bars))
    feed(curves)
    seen[:] = [[]]
    monkeypatch.setattr(
        CurvePanel,
        "fit",
        lambda panel, *a, **k: (seen[-1].append(panel.title), fit(panel, *a, **k)),
    )
    curves.end_run()
    assert seen == [[]]
    qtbot.waitUntil(lambda: not curves._turns._waiting)
    assert [turn for turn in seen if turn] == titles
    assert panel_of(curves, "elbo").view.viewRange()[0][1] == pytest.approx(400)


def test_plots_that_come_into_sight_do_so_one_at_a_time(qtbot: QtBot) -> None:
    style.configure_pyqtgraph()
    curves = Curves(style.LIGHT)
    qtbot.addWidget(curves)
    curves.resize(1300, 320)
    curves.begin_run(Run("run", True, UNIT, objective="Objective"))
    feed(curves)
    panels = (*curves._panels, curves._kl_bars)
    curves.show()
    seen = [sum(panel.plot.isVisible() for panel in panels)]
    curves._turns._timer.timeout.connect(
        lambda: seen.append(sum(panel.plot.isVisible() for panel in panels))
    )
    qtbot.waitUntil(lambda: not curves._turns._waiting)
    assert seen[:8] == list(range(8))
    curves.hide()
    curves.append_steps([(401, 4.01, 200.5, numbers(401))])
    curves.catch_up()
    curves.show()
    assert all(panel.plot.isVisible() for panel in panels)


def test_curves_never_seen_are_in_the_picture_of_them(qtbot: QtBot) -> None:
    style.configure_pyqtgraph()
    curves = Curves(style.LIGHT)
    qtbot.addWidget(curves)
    curves.begin_run(Run("run", True, UNIT, objective="Objective"))
    feed(curves)
    curves._content()
    assert not any(panel.plot.isHidden() for panel in (*curves._panels, curves._kl_bars))


def test_every_run_keeps_its_color(curves: Curves) -> None:
    for name in ("a", "b", "c"):
        curves.begin_run(Run(name, True, UNIT))
        feed(curves, 100)
    before = [color.name() for color in curves._colors()]
    assert len(set(before)) == 3
    curves.remove_run(1)
    curves.begin_run(Run("d", True, UNIT))
    feed(curves, 100)
    assert [color.name() for color in curves._colors()] == [before[0], before[2], before[1]]
    for number in range(20):
        curves.begin_run(Run(str(number), True, UNIT))
        feed(curves, 100)
    assert len({color.name() for color in curves._colors()}) == len(curves.run_names)
    bold = [chip.font().bold() for chip in curves._chips._chips]
    assert bold == [False] * (len(bold) - 1) + [True]


def test_the_curves_of_an_earlier_run_stay_when_another_begins(curves: Curves) -> None:
    curves.begin_run(Run("first", True, UNIT))
    feed(curves)
    panel = panel_of(curves, "elbo")
    items = panel._curves[id(curves._runs[0])]
    curves.begin_run(Run("second", True, UNIT))
    curves.catch_up()
    assert panel._curves[id(curves._runs[0])] is items
    steps, _ = items.steps.getData()
    assert steps is not None and len(steps) == 0  # single steps are the current run's alone
    assert len(validation_of(curves, "elbo", 0)[0]) == 4
    curves.remove_run(0)
    assert items.validation.scene() is None


def test_an_epoch_is_not_lost_where_steps_come_before_its_turn(curves: Curves) -> None:
    curves.begin_run(Run("run", True, UNIT))
    epoch = numbers(10)
    curves.append_epoch(1, 10, 1.0, epoch, epoch, (1.0, 0.5))
    curves.append_steps([(11, 1.1, 1.1, numbers(11))])
    curves.catch_up()
    x, _ = validation_of(curves, "kl")
    assert list(x) == [10]
    assert list(curves._kl_bars._values) == [1.0, 0.5]


def test_a_huge_number_has_room_in_the_header_and_at_the_axis(curves: Curves) -> None:
    feed(curves, steps=20)
    panel = panel_of(curves, "elbo")
    assert panel.number(-1.2345e21) == "−1.2e21"
    left = panel.plot.getAxis("left")
    assert left.tickStrings([-5e20, 90_000.0, 2.5e8], 1.0, 1e20) == ["−5.0e20", "90,000", "2.5e8"]
    assert panel.bottom.tickStrings([200_000.0], 1.0, 1e5) == ["200,000"]


def test_before_the_first_epoch_kl_by_dimension_has_no_numbers(curves: Curves) -> None:
    curves.begin_run(Run("run", True, UNIT))
    left, bottom = (curves._kl_bars.plot.getAxis(side) for side in ("left", "bottom"))
    assert left._tickLevels == [[]] and bottom._tickLevels == [[]]
    epoch = numbers(10)
    curves.append_epoch(1, 10, 1.0, epoch, epoch, (1.0, 0.5))
    curves.catch_up()
    assert left._tickLevels is None
    assert [text for _, text in bottom._tickLevels[0]] == ["1", "2"]
