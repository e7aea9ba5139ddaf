"""What would hold the window up is done by another thread, and what comes of it is shown by the window's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from tests.gui.windows import MakeController, image_of, wait_open, wait_written
from vae_explorer.engine.explorer import Explorer
from vae_explorer.gui.beside import Beside, Piece
from vae_explorer.gui.controller.application import Controller
from vae_explorer.gui.decoding import LONGEST, DecodingTime, decoding_time
from vae_explorer.gui.drawing_sheet import ink_of
from vae_explorer.gui.idle import IdleQueue
from vae_explorer.gui.jobs import OpenModel
from vae_explorer.gui.pixels import to_bytes
from vae_explorer.gui.screenshot import THREE

SLOW = DecodingTime(1.0, 1.0)
DECODING = ("decode", "sample", "terms", "log_likelihood", "verdict")


@pytest.fixture
def beside() -> Iterator[Beside]:
    parent = QObject()
    made = Beside(parent)
    yield made
    made.shut_down()


class Gate:
    """Holds a piece up until it is opened, and counts who came."""

    def __init__(self) -> None:
        self.entered, self._open = threading.Semaphore(0), threading.Event()

    def hold(self, value: Any = None) -> Any:
        self.entered.release()
        assert self._open.wait(20)
        return value

    def open(self) -> None:
        self._open.set()


def test_a_piece_is_done_by_another_thread_and_told_to_the_windows(
    beside: Beside, qtbot: QtBot
) -> None:
    told: list[tuple[int, int]] = []
    beside.ask(
        "name",
        threading.get_ident,
        lambda done: told.append((done.result(), threading.get_ident())),
    )
    assert beside.waits_for("name") and told == []
    qtbot.waitUntil(lambda: bool(told))
    ((worked, heard),) = told
    assert worked != heard == threading.get_ident()
    assert not beside.waits_for("name")


def test_only_the_newest_of_a_name_is_told_and_what_is_dropped_never(
    beside: Beside, qtbot: QtBot
) -> None:
    gate, told = Gate(), list[object]()

    def tell(done: Future[Any]) -> None:
        told.append(done.result())

    began = list[int]()
    beside.ask("a", lambda: gate.hold(1), tell)
    assert gate.entered.acquire(timeout=20)
    beside.ask("a", lambda: began.append(2) or 2, tell)
    beside.ask("b", lambda: "dropped", tell)
    beside.ask("a", lambda: 3, tell)
    beside.drop("b")
    gate.open()
    qtbot.waitUntil(lambda: bool(told))
    qtbot.waitUntil(lambda: not beside._worker.busy)
    assert (told, began) == ([3], [])  # the one in between is not even begun


def test_a_piece_that_fails_says_so_to_who_asked(beside: Beside, qtbot: QtBot) -> None:
    told: list[BaseException | None] = []
    beside.ask("bad", lambda: 1 / 0, lambda done: told.append(done.exception()))
    beside.ask("good", lambda: 1, lambda done: told.append(done.exception()))
    qtbot.waitUntil(lambda: len(told) == 2)
    assert isinstance(told[0], ZeroDivisionError) and told[1] is None


def test_a_task_goes_on_with_what_another_thread_made_while_others_do_theirs(qtbot: QtBot) -> None:
    gate, queue, done = Gate(), IdleQueue(), list[object]()

    def slow() -> Generator[Piece | None, Any, None]:
        done.append((yield lambda: gate.hold("slow")))
        yield
        done.append("end")

    queue.run("slow", slow())
    queue.run("fast", (done.append(n) for n in range(3)))
    qtbot.waitUntil(lambda: len(done) == 3)
    assert done == [0, 1, 2] and "slow" in queue._tasks and "fast" not in queue._tasks
    qtbot.waitUntil(lambda: not queue._timer.isActive())  # nothing ticks while it waits
    gate.open()
    qtbot.waitUntil(lambda: not queue.busy)
    assert done == [0, 1, 2, "slow", "end"]


def test_a_newer_task_takes_the_place_of_one_that_waits_for_its_piece(qtbot: QtBot) -> None:
    gate, queue, done = Gate(), IdleQueue(), list[object]()

    def task(piece: Piece) -> Generator[Piece | None, Any, None]:
        done.append((yield piece))

    queue.begin("task", task(lambda: gate.hold("old")))
    assert gate.entered.acquire(timeout=20)
    queue.run("task", task(lambda: "new"))
    gate.open()
    qtbot.waitUntil(lambda: not queue.busy)
    assert done == ["new"]
    queue.begin("task", task(lambda: "never"))
    queue.drop()
    queue.shut_down()
    assert done == ["new"] and not queue.busy


def test_a_task_is_begun_at_once_and_finished_in_this_thread_where_asked() -> None:
    queue, done = IdleQueue(), list[object]()

    def task() -> Generator[Piece | None, Any, None]:
        done.append("begun")
        done.append((yield threading.get_ident))

    queue.begin("task", task())
    assert done == ["begun"]
    queue.finish()
    assert done == ["begun", threading.get_ident()] and not queue.busy
    queue.shut_down()


def test_a_task_whose_piece_fails_is_told_once_and_forgotten(qtbot: QtBot) -> None:
    queue = IdleQueue()

    def task() -> Generator[Piece | None, Any, None]:
        yield lambda: 1 / 0

    with qtbot.captureExceptions() as caught:
        queue.begin("task", task())
        qtbot.waitUntil(lambda: not queue.busy)
    assert [kind for kind, *_ in caught] == [ZeroDivisionError]


# -- models -----------------------------------------------------------------------------------


def test_a_model_is_slow_by_what_so_many_images_take() -> None:
    assert not DecodingTime().holds_up(10_000)
    time = DecodingTime(LONGEST / 2, LONGEST / 10)
    assert not time.holds_up(5) and time.holds_up(7)


def test_how_long_a_model_decodes_is_measured_when_it_is_opened(
    joint_file: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[Explorer] = []

    def measure(explorer: Explorer) -> DecodingTime:
        measured.append(explorer)
        return SLOW

    monkeypatch.setattr("vae_explorer.gui.jobs.decoding_time", measure)
    messages: list[Any] = []
    OpenModel(joint_file).run(messages.append)
    assert [message.decoding for message in messages] == [SLOW]
    assert decoding_time(measured[0]).first > 0


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[bool]]:
    """For each way to use the decoder, whether each call was made by the window's thread."""
    own, calls = threading.get_ident(), {name: list[bool]() for name in DECODING}

    def noted(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def note(*given: Any, **named: Any) -> Any:
            calls[name].append(threading.get_ident() == own)
            return call(*given, **named)

        return note

    for name in DECODING:
        monkeypatch.setattr(Explorer, name, noted(name, getattr(Explorer, name)))
    return calls


def make_slow(controller: Controller) -> None:
    opened = controller.session.opened
    assert opened is not None
    controller.session.opened = replace(opened, decoding=SLOW)


@pytest.fixture
def slow(joint: Controller, threads: dict[str, list[bool]]) -> Controller:
    """A window whose model takes its time."""
    joint.idle.finish()
    make_slow(joint)
    for calls in threads.values():
        calls.clear()
    return joint


def settle(qtbot: QtBot, controller: Controller) -> None:
    qtbot.waitUntil(lambda: not controller.exploring._beside.waits_for("picture"), timeout=20_000)
    qtbot.waitUntil(lambda: not controller.idle.busy, timeout=20_000)


def test_nothing_decodes_a_slow_model_on_the_windows_thread(
    slow: Controller, threads: dict[str, list[bool]], qtbot: QtBot, tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    window, exploring = slow.window, slow.exploring

    def did(*names: str) -> None:
        settle(qtbot, slow)
        for name in names:
            assert threads[name], name
        assert not any(here for calls in threads.values() for here in calls)
        for calls in threads.values():
            calls.clear()

    window.canvas.point_hovered.emit(0.4, -0.3)
    did("decode")
    exploring.pin(0.5, 0.5)
    qtbot.waitUntil(lambda: bool(threads["terms"]), timeout=20_000)
    did("decode", "log_likelihood", "terms")
    exploring.select_class(4)
    did("decode")
    exploring.set_mode("sample")
    did("decode")
    slow.pages.draw_path(-1.0, -1.0, 1.0, 1.0)
    did("decode")
    slow.pages.show_samples(-1, "mean")
    did("sample")
    window.show_tab(window.figure)
    did("sample")
    monkeypatch.setattr(
        "PySide6.QtWidgets.QFileDialog.getSaveFileName",
        lambda *_: (str(tmp_path / "figure.png"), "PNG (*.png)"),
    )
    slow.export.figure()
    wait_written(qtbot, slow)
    did("sample")
    slow.layers.show("manifold", True)
    did("decode")
    slow.layers.show("regions", True)
    did("decode")
    window.pad.draw_stroke(THREE)
    qtbot.waitUntil(lambda: bool(threads["verdict"]), timeout=20_000)
    did("decode", "verdict")


def test_all_that_is_shown_of_a_slow_model_is_of_one_code(
    slow: Controller, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    """While one code is decoded the others pass by, but for the newest; nothing is labelled as another."""
    gate, exploring, canvas = Gate(), slow.exploring, slow.window.canvas
    before, exact = image_of(slow), slow.session.explorer.decode
    decode = Explorer.decode
    monkeypatch.setattr(
        Explorer, "decode", lambda *given, **named: (gate.hold(), decode(*given, **named))[1]
    )
    shown: list[tuple[float, ...]] = []
    exploring.looked.connect(lambda: shown.append(canvas._scene.shown or ()))
    place = canvas._scene.shown
    codes = [np.array(code, np.float32) for code in ([1, 0], [0, 1], [-1, 0.5])]
    for code in codes:
        exploring.preview(code)
        assert image_of(slow) is before and canvas._scene.shown == place
        assert exploring.shown is not None and tuple(exploring.shown.tolist()) == place
    shown.clear()
    gate.open()
    settle(qtbot, slow)
    assert shown == [pytest.approx(codes[0]), pytest.approx(codes[2])]
    assert exploring.shown is codes[2]
    label = slow.session.label
    np.testing.assert_allclose(image_of(slow), exact(codes[2][None], label)[0], atol=1e-6)
    caption = slow.window.image.accessibleDescription()
    assert "−1.00, 0.50" in caption and f"y = {label}" in caption


def test_a_picture_of_the_model_before_is_not_shown_with_the_next(
    slow: Controller, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    gate, exploring = Gate(), slow.exploring
    decode = Explorer.decode
    monkeypatch.setattr(
        Explorer, "decode", lambda *given, **named: (gate.hold(), decode(*given, **named))[1]
    )
    exploring.preview(np.ones(2, np.float32))
    assert gate.entered.acquire(timeout=20)
    exploring.model_changed()
    assert exploring.decoded is None and slow.window.image.picture() is None
    gate.open()
    settle(qtbot, slow)
    np.testing.assert_array_equal(exploring.shown, [0.0, 0.0])  # type: ignore[arg-type]


def test_a_slow_models_path_is_shown_although_its_weights_change_faster_than_it_is_decoded(
    slow: Controller, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    film, gate, decode = slow.window.film, Gate(), Explorer.decode
    shown: list[object] = []
    monkeypatch.setattr(
        Explorer, "decode", lambda *given, **named: (gate.hold(), decode(*given, **named))[1]
    )
    slow.pages.draw_path(-1.0, 0.0, 1.0, 0.0)
    assert gate.entered.acquire(timeout=20)
    monkeypatch.setattr(film, "set_frames", lambda frames: shown.append(frames))
    for weight in (2.0, 3.0):
        slow.session.edit_prior(np.array([weight] + [1.0] * 9))
        make_slow(slow)
        slow.pages.weights_changed()
    gate.open()
    settle(qtbot, slow)
    assert len(shown) == 2  # of the weights that it was asked for first, and of the newest
    assert slow.pages.path_frames is shown[-1]


def test_a_slow_models_path_is_exported_although_it_is_still_decoded(
    slow: Controller, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot, tmp_path: Path
) -> None:
    gate, decode, told = Gate(), Explorer.decode, list[str]()
    monkeypatch.setattr(
        Explorer, "decode", lambda *given, **named: (gate.hold(), decode(*given, **named))[1]
    )
    monkeypatch.setattr(slow.reporter, "inform", told.append)
    monkeypatch.setattr(
        QFileDialog, "getSaveFileName", lambda *a, **k: (str(tmp_path / "path.png"), "PNG (*.png)")
    )
    slow.export.path()
    assert told.pop().startswith("Draw a path first")
    slow.pages.draw_path(-1.0, 0.0, 1.0, 0.0)
    slow.export.path()
    assert told == [] and slow.pages.path_frames is None
    gate.open()
    wait_written(qtbot, slow)
    settle(qtbot, slow)
    assert told == [f"Saved {tmp_path / 'path.png'}"]
    frames = slow.pages.path_frames
    assert frames is not None
    some = to_bytes(frames[::4])
    written = QImage(str(tmp_path / "path.png")).convertToFormat(QImage.Format.Format_Grayscale8)
    assert written.width() == 2 * some.shape[2] * len(some)
    assert written.pixelColor(28, 28).red() == some[0, 14, 14]


def test_a_slow_models_terms_are_shown_although_the_cursor_is_faster(
    slow: Controller, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    window, gate, log_likelihood = slow.window, Gate(), Explorer.log_likelihood
    places: list[list[float]] = []

    def hold(explorer: Explorer, codes: np.ndarray, *given: Any) -> np.ndarray:
        places.append(codes[0].tolist())
        return gate.hold(log_likelihood(explorer, codes, *given))

    monkeypatch.setattr(Explorer, "log_likelihood", hold)
    shown: list[str] = []
    monkeypatch.setattr(window.image, "set_terms", lambda _: shown.append("point"))
    monkeypatch.setattr(window.equation, "set_terms", lambda *_, **__: shown.append("bound"))
    slow.equation._timer.blockSignals(True)
    for place in ([1.0, 0.0], [0.0, 1.0], [-1.0, 0.5]):
        slow.exploring.preview(np.array(place, np.float32))
        qtbot.waitUntil(lambda: not slow.exploring._beside.waits_for("picture"))
        slow.equation._begin()
        qtbot.waitUntil(lambda: bool(places))
    gate.open()
    settle(qtbot, slow)
    assert places == [[1.0, 0.0], [-1.0, 0.5]]  # the first that was asked for, and the last
    assert shown == ["point", "bound"] * 2


def test_a_fast_model_answers_at_once(
    joint: Controller, threads: dict[str, list[bool]], qtbot: QtBot
) -> None:
    joint.exploring.preview(np.ones(2, np.float32))
    np.testing.assert_array_equal(joint.exploring.shown, [1.0, 1.0])  # type: ignore[arg-type]
    joint.pages.draw_path(-1.0, -1.0, 1.0, 1.0)
    assert joint.window.film.count > 1
    assert threads["decode"] and all(threads["decode"])


def test_a_picture_is_read_beside_the_window_and_then_answered(
    joint: Controller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    photo = QImage(60, 60, QImage.Format.Format_RGB32)
    photo.fill(Qt.GlobalColor.white)
    for y in range(10, 50):
        photo.setPixelColor(30, y, QColor("black"))
    path = tmp_path / "photo.png"
    assert photo.save(str(path))
    here: list[bool] = []

    def read(picture: Path | QImage) -> np.ndarray:
        here.append(threading.current_thread() is threading.main_thread())
        return ink_of(picture)

    monkeypatch.setattr("vae_explorer.gui.controller.handwriting.ink_of", read)
    joint.window.files_dropped.emit([str(path)])
    qtbot.waitUntil(lambda: joint.handwriting.drawn is not None)
    assert here == [False]
    before = joint.window.pad.array()
    assert before[140, 140:145].max() > 100
    path.write_text("not a picture")
    joint.window.pad.open_picture(path)
    qtbot.waitUntil(lambda: "photo.png" in joint.window.banner.text())
    np.testing.assert_array_equal(joint.window.pad.array(), before)


def test_a_picture_that_is_still_read_when_the_pad_is_cleared_does_not_come_on_it(
    joint: Controller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    gate, pad = Gate(), joint.window.pad
    ink = np.full((60, 60), 255, np.uint8)
    monkeypatch.setattr("vae_explorer.gui.controller.handwriting.ink_of", lambda _: gate.hold(ink))
    for drawn in (THREE, []):  # on a sheet, and on one that is clear
        pad.draw_stroke(drawn)
        pad.open_picture(tmp_path / "slow.png")
        pad.clear()
    assert gate.entered.acquire(timeout=20)
    gate.open()
    qtbot.waitUntil(lambda: not joint.handwriting._reader._worker.busy, timeout=20_000)
    assert pad.is_clear
    pad.open_picture(tmp_path / "wanted.png")
    qtbot.waitUntil(lambda: not pad.is_clear, timeout=20_000)


def test_an_edited_prior_disturbs_nothing_that_still_computes(joint: Controller) -> None:
    before = joint.session.explorer
    prior = before.class_prior
    joint.session.edit_prior(np.arange(1.0, 11.0))
    np.testing.assert_array_equal(before.class_prior, prior)
    assert joint.session.explorer.class_prior[9] == pytest.approx(10 / 55)


def test_a_slow_model_is_drawn_by_a_screenshot(
    make_controller: MakeController, joint_file: Any, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vae_explorer.gui.screenshot import settle as settle_for_picture

    monkeypatch.setattr("vae_explorer.gui.jobs.decoding_time", lambda _: SLOW)
    controller = make_controller(joint_file)
    wait_open(qtbot, controller)
    controller.exploring.preview(np.ones(2, np.float32))
    settle_for_picture(controller, seconds=0.0)
    np.testing.assert_array_equal(controller.exploring.shown, [1.0, 1.0])  # type: ignore[arg-type]
