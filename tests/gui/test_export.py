"""Files by the kind that was chosen; films as MP4 where that can be made."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from tests.gui.windows import MakeController, wait_open, wait_written, write_model
from vae_explorer.engine import films
from vae_explorer.engine.errors import InputError
from vae_explorer.engine.events import EpochEvent, Metrics
from vae_explorer.gui.controller.application import Controller
from vae_explorer.gui.file_names import path_of_kind

KINDS = "GIF (*.gif);;MP4 (*.mp4);;PNG (*.png)"


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("walk", "", "walk.gif"),
        ("walk", "MP4 (*.mp4)", "walk.mp4"),
        ("walk.gif", "MP4 (*.mp4)", "walk.mp4"),  # the suggestion, of which the kind was changed
        ("walk.mp4", "GIF (*.gif)", "walk.mp4"),  # typed over the suggestion
        ("walk.png", "MP4 (*.mp4)", "walk.png"),
        ("walk.GIF", "GIF (*.gif)", "walk.GIF"),
        ("run 0.5", "GIF (*.gif)", "run 0.5.gif"),  # no suffix, but a part of the name
        (
            "beta 0.123",
            "GIF (*.gif)",
            "beta 0.123.gif",
        ),  # which some systems know as one of a spreadsheet
    ],
)
def test_the_kind_of_a_file(name: str, kind: str, expected: str) -> None:
    assert path_of_kind(Path(name), kind, KINDS) == Path(expected)


def test_the_suffix_of_another_kind_of_file_is_refused() -> None:
    with pytest.raises(InputError, match=r"walk\.webm .*GIF .*MP4 .*PNG"):
        path_of_kind(Path("walk.webm"), "GIF (*.gif)", KINDS)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str, str], list[str]]:
    """Answers the dialog with a name and a kind; gives back what it offered."""

    def answer(name: str, kind: str) -> list[str]:
        offered: list[str] = []

        def ask(_parent: object, _title: str, _start: str, kinds: str) -> tuple[str, str]:
            offered.append(kinds)
            return str(tmp_path / name), kind

        monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
        return offered

    return answer


def test_a_film_is_offered_and_written_as_mp4(
    joint: Controller,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: Callable[[str, str], list[str]],
) -> None:
    monkeypatch.setattr(films, "ffmpeg_program", lambda: "/usr/bin/ffmpeg")
    given = []

    def encode(frames: object, frames_per_second: float) -> bytes:
        given.append((getattr(frames, "shape", None), frames_per_second))
        return b"a film"

    monkeypatch.setattr("vae_explorer.engine.figures.mp4", encode)
    joint.pages.draw_path(-1.0, 0.0, 1.0, 0.0)
    offered = asked("path.gif", "MP4 (*.mp4)")
    joint.export.path()
    wait_written(qtbot, joint)
    assert offered == [KINDS]
    assert (tmp_path / "path.mp4").read_bytes() == b"a film"
    assert given == [((40, 112, 112, 3), 15)]
    assert "path.mp4" in joint.window.banner.text()


def test_without_ffmpeg_the_dialog_says_what_it_takes(
    joint: Controller,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: Callable[[str, str], list[str]],
) -> None:
    monkeypatch.setattr(films, "ffmpeg_program", lambda: None)
    joint.pages.draw_path(-1.0, 0.0, 1.0, 0.0)
    offered = asked("path", "")
    joint.export.path()
    wait_written(qtbot, joint)
    assert "MP4 (*.mp4)" not in offered[0]
    assert offered[0].startswith("GIF (for MP4: install ffmpeg")
    assert (tmp_path / "path.gif").read_bytes()[:3] == b"GIF"
    asked("path.mp4", "")
    joint.export.path()
    wait_written(qtbot, joint)
    assert "install ffmpeg" in joint.window.banner.text()
    assert not (tmp_path / "path.mp4").exists()


def test_no_picture_lies_under_the_name_of_another_kind_of_file(
    joint: Controller, qtbot: QtBot, tmp_path: Path, asked: Callable[[str, str], list[str]]
) -> None:
    asked("canvas.jpg", "PNG (*.png)")
    joint.export.canvas()
    wait_written(qtbot, joint)
    assert "canvas.jpg" in joint.window.banner.text()
    assert not (tmp_path / "canvas.jpg").exists()
    asked("model.json", "")
    assert not joint.files.save_as()
    assert not list(tmp_path.glob("model*"))


def test_a_model_that_the_dialog_did_not_ask_about_is_not_replaced_unasked(
    joint: Controller,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: Callable[[str, str], list[str]],
) -> None:
    (tmp_path / "own.safetensors").write_bytes(b"old")
    questions = []

    def no(*arguments: object) -> QMessageBox.StandardButton:
        questions.append(arguments)
        return QMessageBox.StandardButton.No

    monkeypatch.setattr(QMessageBox, "question", no)
    asked("own", "")
    assert not joint.files.save_as()
    assert len(questions) == 1
    assert (tmp_path / "own.safetensors").read_bytes() == b"old"


@pytest.mark.parametrize("yes", [True, False])
def test_a_name_the_dialog_did_not_ask_about_is_not_overwritten_unasked(
    joint: Controller,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: Callable[[str, str], list[str]],
    yes: bool,
) -> None:
    (tmp_path / "canvas.png").write_bytes(b"old")
    buttons = QMessageBox.StandardButton
    monkeypatch.setattr(QMessageBox, "question", lambda *_: buttons.Yes if yes else buttons.No)
    asked("canvas", "PNG (*.png)")
    joint.export.canvas()
    wait_written(qtbot, joint)
    assert ((tmp_path / "canvas.png").read_bytes() == b"old") is not yes


def epoch(number: int, elbo: float, is_best: bool, reference: float | None = None) -> EpochEvent:
    train, validation = (Metrics(value, 0.0, 0.0, value) for value in (elbo + 1, elbo))
    return EpochEvent(number, 3, number, 1.0, train, validation, (), 1.0, is_best, reference)


def test_the_exported_figure_is_the_page_s(
    joint: Controller,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    asked: Callable[[str, str], list[str]],
) -> None:
    written = []
    saver = "vae_explorer.gui.controller.export.save_lecture_figure"
    monkeypatch.setattr(saver, lambda *arguments: written.append(arguments))
    asked("figure.pdf", "PDF (*.pdf)")
    joint.export.figure()
    wait_written(qtbot, joint)
    assert written.pop()[-1] is None  # the figure says that the file keeps no curve
    for event in (epoch(1, -200.0, True), epoch(2, -120.0, True), epoch(3, -119.0, False)):
        joint.pages.epoch_ended(event)
    joint.window.show_tab(joint.window.figure)
    joint.export.figure()
    wait_written(qtbot, joint)
    ((_, config, data, real, generated, curve),) = written
    sheet = joint.window.figure._sheet
    np.testing.assert_array_equal(real, sheet._real)
    np.testing.assert_array_equal(generated, sheet._generated)
    assert len(np.unique(real, axis=0)) == len(generated) == 36
    assert (config, data) == (joint.session.explorer.config, "Embedded digits")
    assert curve == sheet.curve
    assert curve.best_point == (2, -120.0)  # of the objective, of which the ELBO is a part
    assert list(curve.train) == [-199.0, -119.0, -118.0]
    assert (curve.quantity, curve.unit) == ("ELBO", "nats")
    assert sheet.given_class == ", y"


def test_what_draws_the_figure_is_imported_apart_from_garbage(
    joint: Controller,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    asked: Callable[[str, str], list[str]],
) -> None:
    apart: list[bool] = []
    module = "vae_explorer.gui.controller.export"
    monkeypatch.setattr(f"{module}.save_lecture_figure", lambda *_: None)
    monkeypatch.setattr(f"{module}.uncollected", lambda: apart.append(True) or nullcontext())
    monkeypatch.delitem(sys.modules, "matplotlib.figure", raising=False)
    asked("figure.pdf", "PDF (*.pdf)")
    for _ in range(2):
        joint.export.figure()
        wait_written(qtbot, joint)
    assert apart == [True]  # the second time it is there


def test_the_figure_of_ppca_is_of_its_log_density_beside_the_closed_form(
    make_controller: MakeController, qtbot: QtBot, tmp_path: Path
) -> None:
    ppca = write_model(tmp_path / "ppca.safetensors", kind="ppca", likelihood="gaussian")
    controller = make_controller(ppca)
    wait_open(qtbot, controller)
    sheet = controller.window.figure._sheet
    assert (sheet.curve, sheet.quantity, sheet.unit) == (None, "log p(x)", "nats of a density")
    assert "keeps no curve" in sheet.why_not
    controller.pages.epoch_ended(epoch(1, 300.0, True, reference=310.0))
    curve = controller.session.curve
    assert curve is not None
    assert (curve.quantity, curve.unit) == ("log p(x)", "nats of a density")
    assert curve.reference == 310.0
    controller.window.show_tab(controller.window.figure)
    assert not controller.window.figure.grab().isNull()


def test_the_window_goes_on_while_a_file_is_written(
    joint: Controller,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: Callable[[str, str], list[str]],
) -> None:
    go = threading.Event()
    monkeypatch.setattr(
        "vae_explorer.gui.controller.export.save_film", lambda *_, **__: go.wait(60)
    )
    joint.pages.draw_path(-1.0, 0.0, 1.0, 0.0)
    asked("path.gif", "GIF (*.gif)")
    joint.export.path()
    joint.exploring.pin(0.3, 0.2)
    joint.export.canvas()
    assert joint.window.banner.text() == "Another file is still being written."
    go.set()
    wait_written(qtbot, joint)
    assert "path.gif" in joint.window.banner.text()
