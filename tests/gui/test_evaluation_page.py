"""The page of figures: every one with what is needed to hold it against another."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QFileDialog,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)
from pytestqt.qtbot import QtBot

from tests.engine.idx_files import write_raw
from tests.gui.windows import MakeController, wait_open, write_model
from vae_explorer.engine.checkpoint import save_model
from vae_explorer.engine.config import ModelConfig
from vae_explorer.engine.evaluation_config import EvaluationConfig
from vae_explorer.engine.measurement import Progress
from vae_explorer.engine.models import build_model
from vae_explorer.engine.report import FRACTION, NATS, Figure
from vae_explorer.evaluate import run
from vae_explorer.gui.controller.application import Controller
from vae_explorer.gui.controller.evaluating import row
from vae_explorer.gui.evaluation_page import EvaluationPage
from vae_explorer.gui.jobs import Evaluate
from vae_explorer.gui.snapshot_history import Snapshot
from vae_explorer.gui.style import LIGHT

BOUND = Figure(
    "iw_bound", "IW bound ≤ log p(x)", -90.5, NATS, "bound", 100, 500, 0.46, 0.02, 0.1665, 3.21, "!"
)
SHARE = Figure("accuracy", "accuracy of q(y|x)", 0.9953, FRACTION, "estimate", 100)


@pytest.fixture
def page(qtbot: QtBot) -> EvaluationPage:
    page = EvaluationPage(LIGHT)
    qtbot.addWidget(page)
    with qtbot.waitActive(page):
        page.show()
        page.activateWindow()
    return page


def item(table: QTableWidget, line: int, column: int) -> QTableWidgetItem:
    found = table.item(line, column)
    assert found is not None
    return found


def first_ink(widget: QWidget) -> int:
    """The leftmost column of pixels, of text."""
    image = widget.grab().toImage()
    rows = range(2, 16)  # above the line below the titles
    ground = image.pixel(0, 2)
    return next(x for x in range(image.width()) if any(image.pixel(x, y) != ground for y in rows))


def test_a_column_begins_where_its_title_does(joint: Controller) -> None:
    page = joint.window.evaluation
    joint.window.show_tab(page)
    page.set_rows([replace(row(BOUND), title="Figure")])
    QApplication.processEvents()
    table = page._table
    assert first_ink(table.viewport()) == first_ink(table.horizontalHeader().viewport())


def test_indices_of_formulas_stand_below_the_line(page: EvaluationPage) -> None:
    page.resize(800, 300)
    titles = ["Eq", "E", "E_q", "my_class E"]
    page.set_rows([replace(row(BOUND), title=title, note="Var_x E[z_i]") for title in titles])
    page.show()
    table = page._table
    picture = table.viewport().grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    pixels = np.array(picture.constBits(), np.uint8).reshape(picture.height(), -1)
    cells = []
    for line in range(len(titles)):
        place = table.visualItemRect(item(table, line, 0))
        cell = pixels[place.top() : place.bottom(), place.left() : place.right()]
        cells.append(cell < pixels[0, 0] - 40)
    written, alone, indexed, _ = cells
    letter = 6 + table.fontMetrics().horizontalAdvance("E")
    np.testing.assert_array_equal(indexed[:, :letter], alone[:, :letter])  # as every other cell
    assert indexed.any(1).nonzero()[0].max() > written.any(1).nonzero()[0].max()
    assert indexed.any(0).nonzero()[0].max() < written.any(0).nonzero()[0].max()
    cell = item(table, 2, 0)
    assert cell.text() == "E_q"  # what is read aloud and copied
    assert cell.data(Qt.ItemDataRole.AccessibleDescriptionRole) == row(BOUND).tip.replace(
        "!", "Var_x E[z_i]"
    )
    assert "Var<sub>x</sub> E[z<sub>i</sub>]<br>500 samples" in cell.toolTip()
    assert "∇<sub>ψ</sub>" in page._gradients.toolTip()


def test_a_figure_has_its_error_bits_kind_samples_and_time(page: EvaluationPage) -> None:
    page.set_rows([row(BOUND), row(SHARE)])
    table = page._table
    columns = range(table.columnCount())
    titles = [str(table.model().headerData(i, Qt.Orientation.Horizontal)) for i in columns]
    shown = [item(table, 0, i).text() for i in columns]
    assert dict(zip(titles, shown, strict=True)) == {
        "Figure": "IW bound ≤ log p(x)",
        "Value": "−90.50",
        "± s.e.": "0.46",
        "Bits/dim": "0.1665",
        "Kind": "bound",
        "Samples": "500",
        "Seconds": "3.2",
    }
    assert item(table, 0, 0).toolTip() == "!\n500 samples an image\n3.2 s"
    assert [item(table, 1, i).text() for i in (1, 3, 5)] == ["99.53 %", "", ""]


def test_a_narrow_page_cuts_no_title(page: EvaluationPage) -> None:
    page.resize(604, 200)
    page.show()
    longest = "KL(q ‖ posterior) = log p(x) − ELBO"
    page.set_rows([row(replace(BOUND, title=longest)), row(SHARE)])
    table = page._table
    assert table.isColumnHidden(5) and table.isColumnHidden(6)
    assert table.columnWidth(0) >= table.fontMetrics().horizontalAdvance(longest) + 12
    page.resize(900, 200)
    assert not table.isColumnHidden(5)


def test_an_empty_page_says_what_would_be_there(page: EvaluationPage) -> None:
    assert page._hint.isVisible() and not page._table.isVisible()
    assert any("test images" in label.text() for label in page._hint.findChildren(QLabel))
    page.set_rows([row(BOUND)])
    assert page._table.isVisible() and not page._hint.isVisible()
    page.set_rows([])
    assert page._hint.isVisible()
    page.set_running(True)
    assert not page._hint.isVisible()
    page.set_running(False)
    assert page._hint.isVisible()


@pytest.mark.parametrize("first", [True, False])
def test_figures_that_join_others_are_brought_into_sight(
    page: EvaluationPage, qtbot: QtBot, first: bool
) -> None:
    page.resize(760, 190)
    figures = [row(replace(BOUND, title=f"figure {i}")) for i in range(14)]
    gradients = [row(replace(SHARE, title=f"gradient {i}")) for i in range(3)]
    page.set_rows(figures if first else gradients)
    QApplication.processEvents()
    page.set_rows([*figures, *gradients])
    table = page._table
    added = item(table, 14 if first else 0, 0)
    qtbot.waitUntil(lambda: table.viewport().rect().contains(table.visualItemRect(added).center()))


def test_a_title_stands_over_its_column(page: EvaluationPage) -> None:
    page.set_rows([row(BOUND)])
    for column in range(page._table.columnCount()):
        head = page._table.horizontalHeaderItem(column)
        assert head is not None
        right = Qt.AlignmentFlag.AlignRight
        assert (head.textAlignment() & right) == (
            item(page._table, 0, column).textAlignment() & right
        )


def wait_done(controller: Controller, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not controller.evaluating._worker.busy, timeout=60_000)


def test_gradient_estimators_are_compared_beside_the_figures(
    joint: Controller, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vae_explorer.gui.jobs.GRADIENT_DRAWS", 8)
    page = joint.window.evaluation
    joint.window.show_tab(page)
    qtbot.mouseClick(page._gradients, Qt.MouseButton.LeftButton)
    assert not page._gradients.isEnabled()
    wait_done(joint, qtbot)
    assert page._gradients.isEnabled()
    titles = [item(page._table, line, 0).text() for line in range(page.rows())]
    assert titles == [
        "Var ∇_ψ ELBO, reparameterization",
        "Var ∇_ψ ELBO, score function",
        "‖∇_ψ ELBO‖²",
    ]
    reparameterization, score = (float(item(page._table, line, 1).text()) for line in (0, 1))
    assert score > 3 * reparameterization > 0
    assert "8 draws, 64 images" in page.progress()
    assert joint.window.banner.text() == ""


def test_a_comparison_can_be_stopped(
    joint: Controller, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vae_explorer.gui.jobs.GRADIENT_DRAWS", 1_000_000)
    page = joint.window.evaluation
    joint.window.show_tab(page)
    page._gradients.click()
    qtbot.waitUntil(lambda: "gradient estimators" in page.progress(), timeout=30_000)
    qtbot.mouseClick(page._button, Qt.MouseButton.LeftButton)
    wait_done(joint, qtbot)
    assert page.rows() == 0 and page.progress() == ""
    assert joint.window.banner.text() == ""


def test_a_model_that_is_measured_exactly_is_offered_no_samples_and_no_gradients(
    make_controller: MakeController, qtbot: QtBot, tmp_path: Path
) -> None:
    ppca = write_model(tmp_path / "ppca.safetensors", kind="ppca", likelihood="gaussian")
    controller = make_controller(ppca)
    page = controller.window.evaluation
    assert not page._button.isEnabled()
    controller.evaluating.open()
    assert controller.window.banner.text() == "No model is open yet."
    wait_open(qtbot, controller)
    assert page._button.isEnabled()
    assert page._gradients.isHidden() and page._samples.isHidden()
    for field in (page._settings.elbo_samples, page._settings.prior_share, page._settings.exact):
        assert not field.isEnabled()
    assert page._settings.seed.isEnabled()


def choose(box: QComboBox, value: object) -> None:
    box.setCurrentIndex(box.findData(value))


def measure(controller: Controller, qtbot: QtBot) -> None:
    """Evaluate without the exact evidence, and wait for the figures."""
    page = controller.window.evaluation
    choose(page._settings.exact, False)
    page.request()
    wait_done(controller, qtbot)


def test_further_settings_are_one_click_away_and_reach_the_report(
    joint: Controller, qtbot: QtBot
) -> None:
    page = joint.window.evaluation
    joint.window.show_tab(page)
    assert not page._settings.isVisible()
    qtbot.mouseClick(page._more, Qt.MouseButton.LeftButton)
    row = page._settings
    assert row.isVisible()
    choose(row.split, "validation")
    choose(row.exact, False)
    choose(row.prior_share, 0.25)
    row.elbo_samples.setValue(3)
    row.seed.setValue(11)
    assert page.config() == EvaluationConfig(
        samples=50, elbo_samples=3, images=200, seed=11, exact=False, prior_share=0.25
    )
    page.request()
    job = joint.evaluating._worker.job
    assert isinstance(job, Evaluate) and job._config.prior_share == 0.25
    assert not row.isEnabled()
    wait_done(joint, qtbot)
    content = joint.evaluating.content()
    assert content is not None
    assert (content["split"], content["seed"]) == ("validation", 11)
    samples = {figure["name"]: figure["samples"] for figure in content["figures"]}
    assert samples["elbo"] == 3
    assert "log_p" not in samples and "log_p_xy" not in samples
    assert "seed 11" in page.progress()


def test_figures_are_saved_as_the_command_line_writes_them(
    joint: Controller, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = joint.window.evaluation
    joint.window.show_tab(page)
    assert not page._save.isEnabled()
    measure(joint, qtbot)
    saved, written = tmp_path / "window.json", tmp_path / "command.json"
    answer = (str(saved), "JSON (*.json)")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: answer)
    qtbot.mouseClick(page._save, Qt.MouseButton.LeftButton)
    model = joint.session.path
    assert model is not None
    told = [str(model), "--images", "200", "--samples", "50", "--no-exact"]
    assert run([*told, "--quiet", "--json", str(written)]) == 0
    ours, theirs = (json.loads(path.read_text()) for path in (saved, written))
    for report in (ours, theirs):
        for figure in report["figures"]:
            del figure["seconds"]
    assert ours.keys() == theirs.keys()
    assert [figure["name"] for figure in ours["figures"]] == [
        figure["name"] for figure in theirs["figures"]
    ]
    for mine, other in zip(ours["figures"], theirs["figures"], strict=True):
        assert mine["value"] == pytest.approx(other["value"], rel=1e-4)


def test_the_caption_is_what_the_command_line_prints_above_its_table(
    joint: Controller, qtbot: QtBot, capsys: pytest.CaptureFixture[str]
) -> None:
    page, model = joint.window.evaluation, joint.session.path
    joint.window.show_tab(page)
    measure(joint, qtbot)
    told = [str(model), "--images", "200", "--samples", "50", "--no-exact"]
    assert run([*told, "--quiet"]) == 0
    head = capsys.readouterr().out.split("\n\n")[0].splitlines()
    assert page.progress() == "; ".join(head[1:])
    assert "the first 200 of" in page.progress() and "binarisation" in page.progress()
    label = page._progress
    assert label.heightForWidth(400) > label.fontMetrics().lineSpacing()  # wrapped, and not cut off
    assert label.height() >= label.heightForWidth(label.width())


def test_the_row_of_settings_fits_the_smallest_window(joint: Controller) -> None:
    window, page = joint.window, joint.window.evaluation
    window.resize(1024, 700)
    window.show_tab(page)
    page._more.setChecked(True)
    QApplication.processEvents()
    row = page._settings
    assert row.geometry().right() <= page.width()
    for field in (row.split, row.elbo_samples, row.seed, row.exact, row.prior_share):
        assert field.width() >= field.sizeHint().width()
        assert field.geometry().right() <= row.width()
        assert field.toolTip() and field.accessibleName()


def test_exact_evidence_is_offered_only_where_it_can_be_had(
    make_controller: MakeController, wide_file: Path, qtbot: QtBot
) -> None:
    controller = make_controller(wide_file)
    wait_open(qtbot, controller)
    page = controller.window.evaluation
    assert not page._settings.exact.isEnabled()
    assert "two latent dimensions" in page._settings.exact.toolTip()
    assert page.config().exact is None


def test_another_class_prior_drops_the_figures_of_the_old_one(
    joint: Controller, qtbot: QtBot
) -> None:
    page = joint.window.evaluation
    joint.window.show_tab(page)
    measure(joint, qtbot)
    assert page.rows() > 0 and page._save.isEnabled()
    weights = np.full(10, 0.05)
    weights[3] = 0.55
    joint.window.classes.prior_edited.emit(weights)
    assert page.rows() == 0 and page.progress() == "" and not page._save.isEnabled()


def trained_moments(controller: Controller, epochs: Sequence[float]) -> list[Snapshot]:
    """Moments of a training of the model in hand, each with weights of its own, and the first in hand."""
    state = controller.session.explorer.model.state_dict()
    for epoch in epochs:
        weights = {name: values + 0.01 * epoch for name, values in state.items()}
        controller.training.history.add(Snapshot(epoch, weights, None))
    controller.training.show_snapshot(0)
    return [controller.training.history[i] for i in range(len(epochs))]


def test_figures_go_when_their_weights_do(joint: Controller, qtbot: QtBot) -> None:
    page = joint.window.evaluation
    joint.window.show_tab(page)
    trained_moments(joint, [0.5, 1.0])
    measure(joint, qtbot)
    assert page.rows() > 0 and "weights of epoch 0.50" in page.progress()
    content = joint.evaluating.content()
    assert content is not None and content["epoch"] == 0.5
    joint.training.show_snapshot(0)  # the same moment again
    assert page.rows() > 0
    joint.training.show_snapshot(1)
    assert page.rows() == 0 and page.progress() == "" and joint.evaluating.content() is None
    assert not page._save.isEnabled()


def test_what_is_measured_while_the_weights_change_says_of_which_they_are(
    joint: Controller, qtbot: QtBot
) -> None:
    page = joint.window.evaluation
    joint.window.show_tab(page)
    first, _, _ = trained_moments(joint, [0.5, 1.0, 1.5])
    choose(page._settings.exact, False)
    page.request()
    job = joint.evaluating._worker.job
    assert isinstance(job, Evaluate)
    joint.training.show_snapshot(1)
    for name, values in job._model.state_dict().items():
        assert torch.equal(values, first.state[name])
    wait_done(joint, qtbot)
    joint.training.show_snapshot(2)
    assert page.rows() > 0 and "weights of epoch 0.50" in page.progress()
    content = joint.evaluating.content()
    assert content is not None and content["epoch"] == 0.5
    page._gradients.click()  # of the weights in hand: both together would be of neither
    assert page.rows() == 0
    qtbot.mouseClick(page._button, Qt.MouseButton.LeftButton)
    wait_done(joint, qtbot)


def test_a_comparison_leaves_the_caption_of_the_figures(
    joint: Controller, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vae_explorer.gui.jobs.GRADIENT_DRAWS", 8)
    page = joint.window.evaluation
    joint.window.show_tab(page)
    measure(joint, qtbot)
    caption = page.progress()
    page._gradients.click()
    wait_done(joint, qtbot)
    assert page.progress().startswith(f"{caption}; ") and "8 draws" in page.progress()


def test_tab_leads_out_of_the_table(page: EvaluationPage, qtbot: QtBot) -> None:
    page.set_rows([row(BOUND), row(SHARE)])
    page._table.setFocus()
    qtbot.keyClick(page._table, Qt.Key.Key_Tab)
    assert not page._table.hasFocus()


def test_a_running_measurement_hands_the_focus_to_no_neighbour(page: EvaluationPage) -> None:
    page._gradients.setFocus()
    page.set_running(True)
    assert page.hasFocus()
    page.set_running(False)
    assert page._gradients.hasFocus()


def test_progress_names_the_step_and_how_many_there_are(joint: Controller) -> None:
    text = joint.evaluating._step(Progress("log p(x|y), class 5", 0.16, 3, 14))
    assert text == "15 % · step 3 of 14: log p(x|y), class 5"  # of all that is to be done
    assert joint.evaluating._step(Progress("gradients", 0.5)) == "50 % · gradients"
    page = joint.window.evaluation
    joint.window.show_tab(page)
    joint.evaluating._stale = False  # as while a measurement runs
    joint.evaluating._on_messages([Progress("log p(x|y), class 5", 0.16, 3, 14)])
    assert page._bar.isVisible() and page._bar.value() == 15
    page.set_progress("done")
    assert not page._bar.isVisible()


def test_a_column_without_a_number_is_not_shown(page: EvaluationPage) -> None:
    page.resize(900, 200)
    density = replace(BOUND, bits_per_dimension=None)
    page.set_rows([row(density), row(SHARE)])
    assert page._table.isColumnHidden(3) and not page._table.isColumnHidden(2)
    page.set_rows([row(BOUND), row(SHARE)])
    assert not page._table.isColumnHidden(3)


def write_trained_on(path: Path, dataset: str) -> Path:
    config = ModelConfig(class_names=())
    save_model(path, build_model(config, seed=1), {"dataset": dataset})
    return path


@pytest.mark.parametrize("is_there", [True, False])
def test_a_model_of_mnist_is_measured_on_mnist_where_it_lies_on_the_disk(
    make_controller: MakeController, qtbot: QtBot, tmp_path: Path, is_there: bool
) -> None:
    if is_there:
        write_raw(tmp_path / "MNIST" / "raw")
    model = write_trained_on(tmp_path / "model.safetensors", "MNIST")
    controller = make_controller(model, data_dir=tmp_path)
    wait_open(qtbot, controller)
    page = controller.window.evaluation
    controller.window.show_tab(page)
    settings = page._settings
    titles = [settings.dataset.itemText(i) for i in range(settings.dataset.count())]
    splits = [settings.split.itemText(i) for i in range(settings.split.count())]
    assert controller.session.gallery is not None
    assert controller.session.gallery.dataset == "digits"  # MNIST's test images, at hand at once
    if not is_there:  # most of their train and validation images are among the model's train images
        assert (titles, splits) == (["Embedded digits"], ["test"])
        return
    assert (titles, splits) == (["MNIST", "Embedded digits"], ["test", "validation", "train"])
    choose(settings.split, "train")
    choose(settings.dataset, "digits")
    assert settings.split.count() == 1 and settings.split.currentData() == "test"
    choose(settings.dataset, "mnist")
    choose(settings.exact, False)
    page.request()
    wait_done(controller, qtbot)
    assert page.progress().startswith("MNIST, test split")


def test_the_menu_measures_the_test_images_whatever_was_measured_last(
    joint: Controller, qtbot: QtBot
) -> None:
    page = joint.window.evaluation
    joint.window.show_tab(page)
    choose(page._settings.exact, False)
    choose(page._settings.split, "validation")
    joint.window.menus.evaluate.trigger()
    wait_done(joint, qtbot)
    content = joint.evaluating.content()
    assert content is not None and content["split"] == "test"


def test_figures_of_weights_in_half_precision_say_so(joint: Controller, qtbot: QtBot) -> None:
    page = joint.window.evaluation
    joint.window.show_tab(page)
    choose(page._settings.exact, False)
    trained_moments(joint, [0.5, 1.0])
    for moment, words in ((0, "weights of epoch 0.50, in half precision"), (1, "epoch 1.00")):
        joint.training.show_snapshot(moment)
        page.request()
        wait_done(joint, qtbot)
        assert page.progress().endswith(words)
