"""The wiring, on the real window with a small model: explore, draw, choose, keep files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QMenu, QMessageBox
from pytestqt.qtbot import QtBot

from tests.gui.windows import (
    MakeController,
    code_of,
    image_of,
    is_saved,
    wait_open,
    wait_written,
    write_model,
)
from vae_explorer.engine.checkpoint import read_card
from vae_explorer.gui.controller.application import Controller
from vae_explorer.gui.controller.layers import TOGETHER
from vae_explorer.gui.dimensions_bar import SLIDER_STEPS
from vae_explorer.gui.equation_bar import nats
from vae_explorer.gui.jobs import learned_prior
from vae_explorer.gui.model_card import LEARNED_PRIOR, title_of
from vae_explorer.gui.pixels import to_bytes
from vae_explorer.gui.screenshot import THREE
from vae_explorer.gui.style import DARK


def save_name(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Let the next dialog that asks where to save answer with this path."""
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(path), ""))


@pytest.fixture
def deep(make_controller: MakeController, tmp_path: Path, qtbot: QtBot) -> Controller:
    """A window with a VAE of three latent dimensions on show."""
    controller = make_controller(write_model(tmp_path / "three.safetensors", latent_dim=3))
    wait_open(qtbot, controller)
    return controller


def test_the_window_shows_before_there_is_an_engine(make_controller: MakeController) -> None:
    controller = make_controller()
    assert controller.window.isVisible()
    assert not controller.session.ready
    controller.exploring.hover(0.0, 0.0)  # nothing to decode: calm, not an error
    controller.exploring.pin(0.0, 0.0)
    controller.handwriting.answer()
    controller.equation.compute()
    assert controller.window.banner.text() == ""


def test_no_model_at_all_says_what_to_do(
    make_controller: MakeController, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vae_explorer.paths.bundled_models", list)
    controller = make_controller()
    controller.start()
    assert controller.window.training.state() == "idle"


def test_hover_decodes_what_the_engine_decodes(joint: Controller) -> None:
    joint.exploring.select_class(4)
    joint.exploring._decoded_at = 0.0
    joint.exploring.hover(0.5, -1.0)
    expected = joint.session.explorer.decode(np.array([[0.5, -1.0]]), 4)[0]
    np.testing.assert_allclose(image_of(joint), expected, atol=1e-6)


def test_hover_is_at_most_once_a_frame(joint: Controller, qtbot: QtBot) -> None:
    calls = []
    decode = joint.session.explorer.decode
    joint.session.explorer.decode = lambda *a, **k: calls.append(1) or decode(*a, **k)
    joint.exploring._decoded_at = 0.0
    for x in np.linspace(-1, 1, 50):
        joint.exploring.hover(float(x), 0.0)
    assert len(calls) <= 3
    qtbot.waitUntil(lambda: joint.exploring._pending is None, timeout=2000)
    expected = joint.session.explorer.decode(np.array([[1.0, 0.0]]), joint.session.label)[0]
    np.testing.assert_allclose(image_of(joint), expected, atol=1e-6)


def test_a_pin_stays_when_the_cursor_has_passed(joint: Controller) -> None:
    joint.exploring.pin(0.3, 0.2)
    pinned = image_of(joint)
    joint.exploring._decoded_at = 0.0
    joint.exploring.hover(-2.0, 1.0)
    assert not np.array_equal(image_of(joint), pinned)
    joint.exploring.show_pinned()
    np.testing.assert_array_equal(image_of(joint), pinned)


def test_digit_keys_choose_the_class(joint: Controller, qtbot: QtBot) -> None:
    for digit in (7, 0):
        qtbot.keyClick(joint.window, str(digit))
        assert joint.session.label == digit
        assert joint.window.classes.selected == digit


def test_the_decoded_image_changes_with_the_class(joint: Controller) -> None:
    joint.exploring.pin(0.0, 0.0)
    joint.exploring.select_class(1)
    one = image_of(joint)
    joint.exploring.select_class(8)
    assert not np.array_equal(image_of(joint), one)


def test_a_clicked_point_shows_its_own_image_and_terms(joint: Controller, qtbot: QtBot) -> None:
    opened = joint.session.opened
    assert opened is not None
    assert opened.gallery is not None
    assert opened.means is not None
    joint.exploring.pick_sample(17)
    assert joint.exploring.neighbour == 17
    np.testing.assert_allclose(code_of(joint), opened.means[17])
    assert joint.session.label == opened.gallery.labels[17]  # type: ignore[index]
    joint.equation.compute()
    terms = joint.session.explorer.terms(
        opened.gallery.images[17][None], joint.session.label, samples=16
    )
    shown = joint.window.equation.accessibleDescription()
    assert f"KL {nats(float(terms['kl'][0]))}" in shown


def test_a_model_without_classes_has_no_bars_for_a_drawing(
    joint: Controller, qtbot: QtBot, vae_file: Path
) -> None:
    with qtbot.waitSignal(joint.handwriting.drawing_answered):
        joint.window.pad.draw_stroke(THREE)
    assert joint.window.bars._q is not None
    with qtbot.waitSignal(joint.opened, timeout=60_000):
        joint.open_model(vae_file)
    joint.idle.finish()
    assert joint.handwriting.drawn is not None
    assert joint.window.bars._q is None
    assert joint.window.bars._verdict is None


def test_sample_mode_draws_pixels(joint: Controller) -> None:
    joint.exploring.pin(0.0, 0.0)
    joint.exploring.set_mode("sample")
    assert set(np.unique(image_of(joint))) <= {0.0, 1.0}
    joint.exploring.set_mode("mean")
    assert len(np.unique(image_of(joint))) > 2


def test_a_drawing_is_classified_and_placed(joint: Controller, qtbot: QtBot) -> None:
    with qtbot.waitSignal(joint.handwriting.drawing_answered):
        joint.window.pad.draw_stroke(THREE)
    drawn = joint.handwriting.drawn
    assert drawn is not None
    assert drawn.image.shape == (28, 28)
    q = joint.session.explorer.classify(drawn.image[None])[0]
    assert drawn.label == int(q.argmax())
    qtbot.waitUntil(lambda: not joint.idle.busy, timeout=5000)
    with qtbot.waitSignal(joint.handwriting.drawing_answered):
        joint.window.pad.clear()
    assert joint.handwriting.drawn is None


def test_the_bars_are_painted_before_the_rest_is_computed(joint: Controller, qtbot: QtBot) -> None:
    bars, row, shown = joint.window.bars, joint.window.handwriting, []
    paint, set_images = bars.paintEvent, row.set_images
    bars.paintEvent = lambda event: (shown.append("bars"), paint(event))  # type: ignore[method-assign]
    row.set_images = lambda *a: (shown.append("row"), set_images(*a))  # type: ignore[method-assign]
    joint.window.pad.draw_stroke(THREE)
    qtbot.waitUntil(lambda: "row" in shown)
    assert shown.index("bars") < shown.index("row")
    assert joint.window.canvas._scene.drawing is not None


def test_an_answer_to_new_weights_holds_up_no_stroke(joint: Controller) -> None:
    joint.window.pad.draw_stroke(THREE[:2])
    joint.handwriting._timer.stop()
    joint.handwriting.answer()
    joint.window.pad.draw_stroke(THREE[2:])
    assert joint.handwriting._timer.interval() == 0


def test_where_a_drawing_lies_is_worked_out_after_its_classes_are_painted(
    joint: Controller, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars, shown = joint.window.bars, []
    paint, embed = bars.paintEvent, joint.session.explorer.embed
    bars.paintEvent = lambda event: (shown.append("bars"), paint(event))  # type: ignore[method-assign]
    monkeypatch.setattr(
        joint.session.explorer, "embed", lambda *a: (shown.append("embed"), embed(*a))[1]
    )
    joint.window.pad.draw_stroke(THREE)
    qtbot.waitUntil(lambda: "embed" in shown)
    assert shown.index("bars") < shown.index("embed")


def test_pictures_that_another_answer_replaces_at_once_are_not_made(joint: Controller) -> None:
    joint.window.pad.draw_stroke(THREE[:2])
    joint.handwriting.answer()
    joint.window.pad.draw_stroke(THREE[2:])
    joint.handwriting._show_rest()
    assert joint.window.handwriting._images is None
    joint.handwriting._answer_pen()
    joint.handwriting._timer.stop()
    joint.handwriting._show_rest()
    assert joint.window.handwriting._images is not None


def test_the_large_image_is_painted_before_the_classes_are(joint: Controller, qtbot: QtBot) -> None:
    image, classes, shown = joint.window.image, joint.window.classes, []
    paint, set_images = image.paintEvent, classes.set_images
    image.paintEvent = lambda event: (shown.append("image"), paint(event))  # type: ignore[method-assign]
    classes.set_images = lambda given: (shown.append("classes"), set_images(given))  # type: ignore[method-assign]
    joint.exploring.hover(0.3, 0.4)
    qtbot.waitUntil(lambda: "classes" in shown)
    assert shown.index("image") < shown.index("classes")
    assert classes._images is not None
    np.testing.assert_array_equal(classes._images[joint.session.label], image_of(joint))


def test_the_handwriting_row_brings_its_code_to_the_canvas(joint: Controller, qtbot: QtBot) -> None:
    with qtbot.waitSignal(joint.handwriting.drawing_answered):
        joint.window.pad.draw_stroke(THREE)
    joint.window.handwriting.class_picked.emit(7)
    assert joint.handwriting.drawn is not None
    assert joint.session.label == 7
    np.testing.assert_allclose(code_of(joint), joint.handwriting.drawn.code)


def test_a_model_without_classes_hides_what_needs_them(
    joint: Controller, vae_file: Path, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(joint.opened, timeout=30_000):
        joint.open_model(vae_file)
    assert not joint.window.classes.isVisible()
    qtbot.keyClick(joint.window, "7")  # there is no class to choose
    assert joint.session.decoder_label is None
    joint.exploring.pin(0.5, 0.5)
    with qtbot.waitSignal(joint.handwriting.drawing_answered):
        joint.window.pad.draw_stroke(THREE)
    assert joint.handwriting.drawn is not None
    assert joint.handwriting.drawn.label is None
    assert joint.window.banner.text() == ""


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x80\x04."])
def test_a_bad_file_is_refused_and_the_model_stays(
    joint: Controller, qtbot: QtBot, tmp_path: Path, content: bytes
) -> None:
    before = joint.session.opened
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(content)
    with qtbot.waitSignal(joint.open_failed, timeout=30_000):
        joint.open_model(bad)
    assert joint.session.opened is before
    assert joint.window.banner.kind() == "error"
    assert "bad.safetensors" in joint.window.banner.text()
    assert "deserializing" not in joint.window.banner.text()  # the library's words are to be copied
    assert "SafetensorError" in joint.window.banner.details()
    assert bad.read_bytes() == content


def test_save_and_open_again_gives_the_same_pictures(
    joint: Controller, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "mine"
    save_name(monkeypatch, target)
    assert is_saved(joint, joint.files.save_as)
    saved = tmp_path / "mine.safetensors"
    assert saved.is_file()
    image = joint.session.explorer.decode(np.zeros((1, 2)), 3)
    with qtbot.waitSignal(joint.opened, timeout=30_000):
        joint.open_model(saved)
    np.testing.assert_array_equal(joint.session.explorer.decode(np.zeros((1, 2)), 3), image)
    assert joint.files.recent()[0] == saved
    assert "mine" in joint.window.windowTitle()


def test_recent_models_are_listed_without_a_look_at_their_disks_and_forgotten_where_they_are_gone(
    joint: Controller, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone.safetensors"
    looked: list[Path] = []
    stat = Path.stat
    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", lambda path, **k: looked.append(path) or stat(path, **k))
        joint.files.opened(gone)
        assert joint.files.recent()[0] == gone
    assert gone not in looked
    entry = joint.window.menus.recent_menu.actions()[0]
    assert entry.text() == "gone"
    with qtbot.waitSignal(joint.open_failed, timeout=30_000):
        entry.trigger()
    assert gone not in joint.files.recent()


def test_a_model_is_not_replaced_unasked_by_a_name_without_its_suffix(
    joint: Controller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dialog asks about the name that was typed, and no file has that."""
    other = tmp_path / "mine.safetensors"
    other.write_bytes(b"another model")
    buttons = QMessageBox.StandardButton
    questions: list[str] = []

    def answer(button: QMessageBox.StandardButton) -> None:
        def ask(_parent: object, _title: str, question: str) -> QMessageBox.StandardButton:
            questions.append(question)
            return button

        monkeypatch.setattr(QMessageBox, "question", ask)

    save_name(monkeypatch, tmp_path / "mine")
    answer(buttons.No)
    assert not joint.files.save_as()
    assert other.read_bytes() == b"another model"
    answer(buttons.Yes)
    assert is_saved(joint, joint.files.save_as)
    assert read_card(other)["config"]
    assert questions == ["mine.safetensors exists already. Replace it?"] * 2
    save_name(monkeypatch, other.with_name("Other.SafeTensors"))
    assert is_saved(joint, joint.files.save_as) and (tmp_path / "Other.SafeTensors").is_file()


def test_a_failed_save_says_so_and_keeps_the_work(
    joint: Controller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    joint.session.unsaved = True
    blocker = tmp_path / "file"
    blocker.write_text("in the way")
    save_name(monkeypatch, blocker / "model.safetensors")
    assert not is_saved(joint, joint.files.save_as)
    assert joint.window.banner.kind() == "error"
    assert joint.session.unsaved
    assert blocker.read_text() == "in the way"


@pytest.mark.parametrize(
    ("answer", "allowed"),
    [
        (QMessageBox.StandardButton.Discard, True),
        (QMessageBox.StandardButton.Cancel, False),
    ],
)
def test_unsaved_work_is_asked_about(
    joint: Controller,
    monkeypatch: pytest.MonkeyPatch,
    answer: QMessageBox.StandardButton,
    allowed: bool,
) -> None:
    asked, again = [], []
    monkeypatch.setattr(QMessageBox, "question", lambda *a: asked.append(a) or answer)
    assert joint.files.may_replace("Save it?", lambda: again.append(1))
    assert asked == []  # nothing unsaved, nothing asked
    joint.session.unsaved = True
    assert joint.files.may_replace("Save it?", lambda: again.append(1)) is allowed
    assert len(asked) == 1 and again == []


def test_files_dropped_go_where_they_belong(
    joint: Controller, qtbot: QtBot, tmp_path: Path
) -> None:
    model = write_model(tmp_path / "dropped.safetensors", kind="vae")
    with qtbot.waitSignal(joint.opened, timeout=30_000):
        joint.window.files_dropped.emit([str(model)])
    assert joint.session.path == model
    folder = tmp_path / "pictures"
    (folder / "cats").mkdir(parents=True)
    joint.window.files_dropped.emit([str(folder)])
    assert joint.window.training.form.dataset_name() == str(folder)


def test_an_unknown_error_is_shown_with_its_traceback_and_the_window_stays(
    joint: Controller,
) -> None:
    try:
        raise ZeroDivisionError("surprise")
    except ZeroDivisionError as error:
        joint.reporter._on_exception(ZeroDivisionError, error, error.__traceback__)
    banner = joint.window.banner
    assert "surprise" in banner.text()
    assert "Traceback" in banner.details()
    banner.copy_details()
    assert "ZeroDivisionError" in QGuiApplication.clipboard().text()
    banner.dismiss()
    assert banner.text() == ""


def test_six_dimensions_have_axes_sliders_and_a_principal_plane(
    make_controller: MakeController, wide_file: Path, qtbot: QtBot
) -> None:
    controller = make_controller(wide_file)
    wait_open(qtbot, controller)
    assert controller.window.dimensions.isVisible()
    assert controller.session.plane.dim == 6
    controller.exploring.choose_axes(2, 4)
    controller.exploring.pin(0.5, -0.5)
    code = controller.session.code
    assert code is not None
    np.testing.assert_allclose(code[[2, 4]], [0.5, -0.5])
    controller.window.dimensions._sliders[0].setValue(150)
    assert controller.session.code is not None
    assert code_of(controller)[0] == pytest.approx(1.5)
    before = image_of(controller)
    controller.exploring.centre()
    assert not np.array_equal(image_of(controller), before)
    controller.exploring.choose_principal()
    controller.exploring.finish()
    assert controller.session.plane.kind == "principal"
    controller.pages.draw_path(-1.0, 0.0, 1.0, 0.5)
    assert controller.pages.path_frames is not None
    assert len(controller.pages.path_frames) == controller.window.film.count


def test_layers_are_painted_when_they_are_switched_on(
    joint: Controller, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    manifolds, regions = [], []
    canvas = joint.window.canvas
    qtbot.waitUntil(lambda: joint.layers._extent == canvas.view)  # told a moment after a resize
    monkeypatch.setattr(canvas, "set_manifold", lambda *a: manifolds.append(a))
    monkeypatch.setattr(canvas, "set_regions", lambda *a: regions.append(a))
    explorer, classified = joint.session.explorer, []
    classify = explorer.classify
    monkeypatch.setattr(
        explorer, "classify", lambda images: (classified.append(len(images)), classify(images))[1]
    )
    joint.window.menus.layers["manifold"].trigger()
    joint.window.menus.layers["regions"].trigger()
    joint.idle.finish()
    (images, extent) = manifolds[-1]
    assert images.ndim == 4
    assert extent == canvas.view
    winners, confidence, _ = regions[-1]
    assert winners.shape == confidence.shape
    assert max(classified) <= TOGETHER < winners.shape[1]
    assert confidence.min() >= 0.1 - 1e-6  # the largest of ten probabilities
    x = extent[0] + 0.5 * (extent[1] - extent[0]) / images.shape[1]
    y = extent[3] - 0.5 * (extent[3] - extent[2]) / images.shape[0]
    corner = joint.session.explorer.decode(np.array([[x, y]]), joint.session.label)[0]
    np.testing.assert_array_equal(images[0, 0], to_bytes(corner))


def test_class_regions_are_for_a_model_with_classes(
    joint: Controller, vae_file: Path, qtbot: QtBot
) -> None:
    canvas, menu = joint.window.canvas, joint.window.menus.layers["regions"]
    switch = canvas._header.layers["regions"]
    assert switch.isEnabled() and menu.isEnabled()
    menu.trigger()
    with qtbot.waitSignal(joint.opened, timeout=30_000):
        joint.open_model(vae_file)
    assert not switch.isEnabled() and not switch.isChecked()
    assert not menu.isEnabled() and not menu.isChecked()
    assert "no q(y|x)" in switch.toolTip()


def test_editing_the_class_prior_reaches_the_verdict(joint: Controller) -> None:
    weights = np.full(10, 0.01)
    weights[2] = 0.91
    joint.window.classes.prior_edited.emit(weights)
    np.testing.assert_allclose(joint.session.explorer.class_prior, weights, atol=1e-5)
    assert joint.session.unsaved


def test_measured_figures_are_of_the_learned_class_prior(
    joint: Controller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = {"dataset": "MNIST", "figures": [{"title": "ELBO ≤ log p(x, y)", "value": -130.0}]}
    assert joint.session.opened is not None
    joint.session.opened.card["evaluation"] = measured
    told: list[str] = []
    monkeypatch.setattr(QMessageBox, "exec", lambda box: told.append(box.text()))

    def kept(name: str) -> bool:
        save_name(monkeypatch, tmp_path / name)
        assert is_saved(joint, joint.files.save_as)
        joint.files.show_card()
        card = read_card(tmp_path / name)
        assert ("−130.00" in told[-1]) == ("evaluation" in card)
        return card.get("evaluation") == measured

    assert kept("learned.safetensors")
    joint.window.classes._edit(3, 0.55)
    assert not kept("edited.safetensors")
    joint.window.classes._restore()
    assert kept("restored.safetensors")


def test_another_class_prior_draws_other_samples(joint: Controller) -> None:
    window = joint.window
    one_class = np.full(10, 1e-6)
    one_class[4] = 1.0 - 9e-6
    window.show_tab(window.samples)
    joint.idle.finish()
    before = window.samples.images()
    window.classes.prior_edited.emit(one_class)  # in front: in place of those on show
    np.testing.assert_array_equal(window.samples.images(), before)
    joint.idle.finish()
    after = window.samples.images()
    assert before is not None and after is not None and not np.array_equal(before, after)
    window.show_tab(window.figure)
    window.classes.prior_edited.emit(np.full(10, 0.1))  # behind: when it comes
    window.show_tab(window.samples)
    joint.idle.finish()
    again = window.samples.images()
    assert again is not None and not np.array_equal(after, again)


def test_tooltips_speak_of_the_model_s_own_distributions(
    joint: Controller, make_controller: MakeController, qtbot: QtBot, tmp_path: Path
) -> None:
    plain = make_controller(write_model(tmp_path / "vae.safetensors"))
    wait_open(qtbot, plain)
    for window, y in ((joint.window, ", y"), (plain.window, "")):
        assert window.image._modes["mean"].toolTip() == f"The mean of p(x|z{y})"
        settings = window.evaluation._settings
        assert f"from q(z|x{y}) an image" in settings.elbo_samples.toolTip()
        assert f"instead of q(z|x{y}):" in settings.prior_share.toolTip()
        assert f"∫ p(x|z{y}) p(z) dz" in settings.exact.toolTip()


def test_samples_and_the_figure_are_filled(joint: Controller) -> None:
    joint.window.classes.samples_requested.emit(5)
    joint.idle.finish()
    images = joint.window.samples.images()
    assert images is not None
    assert len(images) >= 60 and images.shape[1:] == (28, 28)
    joint.window.show_tab(joint.window.figure)
    real, generated = joint.pages.figure_piece()()
    assert real is not None
    assert real.shape == generated.shape == (36, 28, 28)


def test_the_path_can_be_played_and_exported(
    joint: Controller, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    joint.pages.draw_path(-1.0, 0.0, 1.0, 0.0)
    joint.window.film.frame_selected.emit(10)
    np.testing.assert_allclose(image_of(joint), joint.pages.path_frames[10], atol=1e-6)  # type: ignore[index]
    save_name(monkeypatch, tmp_path / "path.gif")
    joint.export.path()
    wait_written(qtbot, joint)
    assert (tmp_path / "path.gif").read_bytes()[:3] == b"GIF"


def test_what_lies_on_the_canvas_lies_elsewhere_on_another_plane(
    deep: Controller, qtbot: QtBot
) -> None:
    window, session = deep.window, deep.session
    scene = window.canvas._scene
    with qtbot.waitSignal(deep.handwriting.drawing_answered):
        window.pad.draw_stroke(THREE)
    deep.handwriting._show_rest()
    deep.exploring.choose_axes(0, 1)
    deep.pages.draw_path(-1.0, 0.5, 1.0, 2.0)
    window.film.set_current(10)
    shown = []
    for axes in ((0, 1), (1, 2), (2, 0)):
        deep.exploring.choose_axes(*axes)
        drawn, codes = deep.handwriting.drawn, deep.pages._codes
        assert drawn is not None and codes is not None and scene.drawing is not None
        assert scene.path is not None and scene.route is not None
        expected = session.plane.project(drawn.code)[0]
        np.testing.assert_allclose(scene.drawing.mean, expected, atol=1e-6)
        np.testing.assert_allclose(
            scene.drawing.factor, np.diag(drawn.spread[list(axes)]), atol=1e-6
        )
        np.testing.assert_allclose(scene.path, codes[[0, -1]][:, axes], atol=1e-6)
        np.testing.assert_allclose(scene.route, codes[:, axes], atol=1e-6)
        assert scene.path_position == 10 / 39
        shown.append(scene.drawing.mean)
    assert len(set(shown)) == 3


def test_a_coordinate_of_the_pinned_point_is_what_is_decoded(
    deep: Controller,
) -> None:
    exploring, window = deep.exploring, deep.window
    exploring.choose_principal()
    exploring.finish()
    assert deep.session.plane.kind == "principal"
    exploring.pin(0.4, -0.8)
    before = code_of(deep).copy()
    exploring.set_coordinate(1, 2.5)
    np.testing.assert_allclose(code_of(deep), [before[0], 2.5, before[2]], atol=1e-6)
    assert exploring.shown is not None
    np.testing.assert_allclose(exploring.shown, code_of(deep), atol=1e-6)
    assert window.dimensions._sliders[0].value() == round(float(before[0]) * SLIDER_STEPS)
    assert window.canvas.pinned is not None
    lifted = deep.session.plane.lift(np.array([window.canvas.pinned]))[0]
    np.testing.assert_allclose(lifted, code_of(deep), atol=1e-5)


def test_the_plane_comes_to_a_code_that_is_kept_off_it(deep: Controller, qtbot: QtBot) -> None:
    exploring, window, session = deep.exploring, deep.window, deep.session
    for choose, z3 in ((lambda: exploring.choose_axes(0, 1), 2.0), (exploring.choose_principal, 1)):
        choose()
        exploring.finish()
        code = np.array([0.5, -0.5, z3], dtype=np.float32)
        with qtbot.waitSignal(exploring.weights_moved):  # layers lie on another plane
            exploring.pin_code(code)
        assert window.canvas.pinned is not None
        lifted = session.plane.lift(np.array([window.canvas.pinned]))[0]
        np.testing.assert_allclose(lifted, code, atol=1e-5)
        assert [window.dimensions._sliders[i].value() for i in range(3)] == [
            round(float(value) * SLIDER_STEPS) for value in code
        ]


def test_a_clicked_image_stays_the_clicked_one_on_another_plane(deep: Controller) -> None:
    opened, exploring = deep.session.opened, deep.exploring
    assert opened is not None and opened.means is not None
    exploring.pick_sample(17)
    for choose in (lambda: exploring.choose_axes(1, 2), exploring.choose_principal):
        choose()
        exploring.finish()
        assert exploring.neighbour == deep.session.sample == 17
        np.testing.assert_array_equal(code_of(deep), opened.means[17])
        posterior = deep.window.canvas._scene.selected
        assert posterior is not None and posterior.label == "q(z|x)"
    exploring.centre()  # which moves it
    assert deep.session.sample is None
    assert deep.window.canvas._scene.selected is None


def test_other_weights_leave_the_equation_with_the_drawing(joint: Controller, qtbot: QtBot) -> None:
    joint.exploring.pick_sample(17)
    with qtbot.waitSignal(joint.handwriting.drawing_answered):
        joint.window.pad.draw_stroke(THREE)
    joint.exploring.weights_changed()
    assert joint.equation._subject()[2] == "Your drawing"


def test_a_drawing_with_nothing_pinned_is_the_image_that_is_decoded(
    joint: Controller, qtbot: QtBot
) -> None:
    explorer, other = joint.session.explorer, joint.window.equation
    with qtbot.waitSignal(joint.handwriting.rest_shown):
        joint.window.pad.draw_stroke(THREE)
    drawn = joint.handwriting.drawn
    assert drawn is not None and drawn.label is not None

    def reconstruction(label: int) -> np.ndarray:
        mean = explorer.embed(drawn.image[None], label)[0]
        return explorer.decode(mean, label)[0]

    np.testing.assert_allclose(image_of(joint), reconstruction(drawn.label), atol=1e-6)
    joint.exploring._decoded_at = 0.0
    joint.exploring.hover(2.0, 2.0)
    joint.window.canvas.hover_left.emit()
    np.testing.assert_allclose(image_of(joint), reconstruction(drawn.label), atol=1e-6)
    joint.equation.compute()
    assert other.accessibleDescription().startswith(f"Your drawing, y = {drawn.label}: ELBO")
    assert joint.window.classes.selected == joint.session.label == drawn.label
    marked: list[int] = []
    joint.exploring.label_changed.connect(marked.append)
    joint.training.weights_changed.emit()  # as after a snapshot of a training
    joint._followers.finish()
    assert marked == []
    wanted = (drawn.label + 1) % 10
    joint.window.classes._choose(wanted)  # the numbers follow, and the picture with them
    np.testing.assert_allclose(image_of(joint), reconstruction(wanted), atol=1e-6)
    joint.equation.compute()
    terms = explorer.terms(drawn.image[None], wanted, samples=16)
    assert f"ELBO {nats(float(terms['elbo'][0]))}" in other.accessibleDescription()
    assert f"y = {wanted} (q(y|x): {drawn.label})" in other.accessibleDescription()
    joint.exploring.pin(0.3, 0.2)
    pinned = image_of(joint)
    joint.handwriting._show_rest()
    np.testing.assert_array_equal(image_of(joint), pinned)


def test_the_numbers_of_a_clicked_image_follow_the_class_that_is_chosen(joint: Controller) -> None:
    joint.exploring.pick_sample(17)
    gallery, bar = joint.session.gallery, joint.window.equation
    assert gallery is not None and gallery.labels is not None
    own = int(gallery.labels[17])
    joint.equation.compute()
    assert bar.accessibleDescription().startswith(f"The clicked image, y = {own}: ELBO")
    wanted = (own + 1) % 10
    joint.exploring.select_class(wanted)
    joint.equation.compute()
    terms = joint.session.explorer.terms(gallery.images[17][None], wanted, samples=16)
    said = bar.accessibleDescription()
    assert said.startswith(f"The clicked image, y = {wanted} (is {own}): ")
    assert f"ELBO {nats(float(terms['elbo'][0]))}" in said


def test_a_frame_of_the_film_has_its_own_numbers(joint: Controller) -> None:
    window = joint.window
    joint.exploring.pin(0.0, 0.0)
    joint.pages.draw_path(-1.0, 0.0, 3.0, 0.0)
    for act in (
        lambda: window.film.frame_selected.emit(39),
        lambda: window.image.mode_changed.emit("sample"),
        lambda: window.image.mode_changed.emit("mean"),
        joint._on_theme,
    ):
        act()
        if joint.equation._timer.isActive():  # only if it was told
            joint.equation._begin()
        joint.idle.finish()
        assert joint.exploring.shown is not None
        np.testing.assert_allclose(joint.exploring.shown, [3.0, 0.0], atol=1e-6)
        assert window.image._terms[0] == "log p(z) −6.3"  # −½·3² − log 2π
    np.testing.assert_allclose(image_of(joint), joint.pages.path_frames[39], atol=1e-6)  # type: ignore[index]


def test_the_pin_can_be_let_go_of_only_where_there_is_one(joint: Controller) -> None:
    unpin = joint.window.menus.unpin
    joint.exploring.unpin()
    assert not unpin.isEnabled()
    joint.exploring.pin(0.5, 0.5)
    assert unpin.isEnabled()
    joint.window.canvas.clear_pin()
    assert not unpin.isEnabled()


def test_a_path_of_one_dimension_is_straight(
    make_controller: MakeController, tmp_path: Path, qtbot: QtBot
) -> None:
    controller = make_controller(write_model(tmp_path / "one.safetensors", latent_dim=1))
    wait_open(qtbot, controller)
    routes = []
    controller.window.canvas.set_path = lambda a, b, route=None: routes.append(route)  # type: ignore[method-assign]
    controller.pages.draw_path(-1.0, 0.4, 1.0, -0.4)
    route = np.array(routes[0])
    np.testing.assert_allclose(route[:, 1], -0.4 * route[:, 0], atol=1e-6)
    np.testing.assert_allclose(route[[0, -1], 0], [-1, 1], atol=1e-6)


def test_a_path_says_which_class_it_keeps(
    joint: Controller, make_controller: MakeController, vae_file: Path, qtbot: QtBot
) -> None:
    joint.exploring.select_class(4)
    joint.pages.draw_path(-1.0, 0.0, 1.0, 0.0)
    note = joint.window.film._class_note
    assert note.isVisible() and note.text().endswith("y = 4 all the way")
    frames = joint.pages.path_frames
    joint.exploring.select_class(9)
    assert note.text().endswith("y = 9 all the way")
    assert not np.array_equal(joint.pages.path_frames, frames)  # type: ignore[arg-type]
    plain = make_controller(vae_file)
    wait_open(qtbot, plain)
    plain.pages.draw_path(-1.0, 0.0, 1.0, 0.0)
    assert plain.window.film._class_note.isHidden()


@pytest.mark.parametrize("what", ["canvas", "manifold", "image", "samples"])
def test_pictures_are_exported(
    joint: Controller, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    save_name(monkeypatch, tmp_path / what)
    joint.pages.show_samples(-1, "mean")
    joint.idle.finish()
    getattr(joint.export, what)()
    wait_written(qtbot, joint)
    assert (tmp_path / f"{what}.png").read_bytes()[:4] == b"\x89PNG"
    assert what in joint.window.banner.text()


def test_an_export_that_cannot_be_written_says_so(
    joint: Controller, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_name(monkeypatch, tmp_path / "nowhere" / "deep" / "x.png")
    (tmp_path / "nowhere").write_text("a file")
    joint.export.image()
    wait_written(qtbot, joint)
    assert joint.window.banner.kind() == "error"


def test_copy_puts_the_models_pixels_on_the_clipboard(joint: Controller) -> None:
    joint.window.menus.copy_image.trigger()
    image = QGuiApplication.clipboard().image()
    assert (image.width(), image.height()) == (28, 28)


def test_the_theme_can_be_switched_and_is_remembered(joint: Controller, qtbot: QtBot) -> None:
    with qtbot.waitSignal(joint.looks.theme_changed):
        joint.window.menus.themes["dark"].trigger()
    assert joint.window.theme is DARK
    assert joint.settings.value("theme") == "dark"


def test_the_size_of_everything_is_remembered_and_offered_where_it_fits(
    joint: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    menus = joint.window.menus
    assert menus.scales[100].isChecked()
    menus.scales[150].trigger()
    assert joint.looks.scale == 150
    assert "150 % when the explorer is opened again" in joint.window.banner.text()
    monkeypatch.setattr(type(joint.window.screen()), "availableSize", lambda _: QSize(1600, 1200))
    menus.scales_menu.aboutToShow.emit()
    assert [percent for percent, action in menus.scales.items() if action.isEnabled()] == [
        100, 125, 150,
    ]  # fmt: skip
    assert menus.scales_menu.toolTipsVisible()
    assert menus.scales[200].toolTip() == "Needs a screen of 2052 × 1440"
    assert "Needs" not in menus.scales[150].toolTip()


def test_clicking_the_canvas_pins_where_it_was_clicked(joint: Controller, qtbot: QtBot) -> None:
    canvas = joint.window.canvas
    canvas.set_layer("points", False)  # else the nearest point is meant
    place = canvas.to_pixel(0.9, 0.4).toPoint()
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(place))
    assert joint.session.code is not None
    np.testing.assert_allclose(code_of(joint), [0.9, 0.4], atol=0.05)


def test_a_bad_file_at_the_start_is_told_and_the_bundled_model_is_shown(
    make_controller: MakeController,
    joint_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    monkeypatch.setattr("vae_explorer.paths.bundled_models", lambda: [joint_file])
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"nonsense")
    controller = make_controller(bad)
    wait_open(qtbot, controller)
    assert controller.session.path == joint_file
    assert "bad.safetensors" in controller.window.banner.text()


def test_the_decoded_image_says_how_likely_its_point_and_the_real_image_are(
    make_controller: MakeController, qtbot: QtBot
) -> None:
    controller = make_controller()
    wait_open(qtbot, controller)
    controller.exploring.pin(0.5, -0.25)
    controller.equation.compute()
    line = controller.window.image.toolTip()
    log_prior = -0.5 * (0.3125 + 2.0 * np.log(2.0 * np.pi))
    assert f"log p(z) −{-log_prior:.1f}" in line
    assert "log p(real|z, y) −" in line
    assert line.endswith("nats")


def test_a_model_without_images_says_where_they_come_from(
    make_controller: MakeController, tmp_path: Path, qtbot: QtBot
) -> None:
    path = write_model(tmp_path / "clothes.safetensors", card={"dataset": "Fashion-MNIST"})
    controller = make_controller(path)
    wait_open(qtbot, controller)
    banner = controller.window.banner
    assert "no points" in banner.text() and "train on Fashion-MNIST" in banner.text()
    banner.dismiss()
    controller.window.menus.export_figure.trigger()
    assert "part (a)" in banner.text() and "train on Fashion-MNIST" in banner.text()


def test_the_equation_is_computed_between_two_moves_of_the_mouse(joint: Controller) -> None:
    joint.idle.finish()
    joint.exploring.pin(0.4, 0.8)
    joint.equation._begin()
    before = joint.window.equation.accessibleDescription()
    steps = 0
    while joint.idle.busy:
        assert joint.window.equation.accessibleDescription() == before
        joint.idle._step()
        steps += 1
    assert steps == 3
    assert joint.window.equation.accessibleDescription() != before


def test_new_weights_are_shown_part_by_part(joint: Controller, qtbot: QtBot) -> None:
    shown: list[str] = []
    joint.exploring.weights_changed = lambda: shown.append("canvas")
    joint.handwriting.answer = lambda: shown.append("drawing")
    joint.pages.weights_changed = lambda: shown.append("pages")
    joint.training.weights_changed.emit()
    assert shown == []
    joint._followers._next()
    assert shown == ["canvas"]
    qtbot.waitUntil(lambda: len(shown) == 3)
    assert shown == ["canvas", "drawing", "pages"]
    joint.training.weights_changed.emit()
    joint._on_model()  # of another model: the weights before it are gone
    assert not joint._followers._waiting


def test_a_class_prior_that_is_given_back_is_no_unsaved_work(joint: Controller) -> None:
    joint.window.classes._edit(3, 0.55)
    assert joint.session.unsaved
    joint.window.classes._restore()
    assert not joint.session.unsaved and joint.session.edited_prior is None
    assert joint.may_close()


def test_an_edited_class_prior_is_unsaved_work_and_another_theme_keeps_the_learned_one(
    joint: Controller,
) -> None:
    learned = joint.session.explorer.class_prior
    edited = np.linspace(1.0, 2.0, len(learned))
    joint.window.classes.prior_edited.emit(edited / edited.sum())
    assert joint.window.isWindowModified()
    joint._on_theme()
    joint.window.classes._restore()
    np.testing.assert_allclose(joint.session.explorer.class_prior, learned, atol=1e-6)


def test_the_learned_class_prior_of_a_saved_model_can_be_given_back(
    joint: Controller, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned = joint.session.explorer.class_prior
    joint.window.classes._edit(3, 0.55)
    save_name(monkeypatch, tmp_path / "edited.safetensors")
    assert is_saved(joint, joint.files.save_as)
    with qtbot.waitSignal(joint.opened, timeout=60_000):
        joint.open_model(tmp_path / "edited.safetensors")
    assert joint.window.classes.edited and not joint.session.unsaved
    joint.window.classes._restore()
    np.testing.assert_allclose(joint.session.explorer.class_prior, learned, atol=1e-6)
    assert joint.session.unsaved
    save_name(monkeypatch, tmp_path / "restored.safetensors")
    assert is_saved(joint, joint.files.save_as)
    assert "learned_class_prior" not in read_card(tmp_path / "restored.safetensors")


@pytest.mark.parametrize("told", [None, "edited", [0.5, 0.5], [[0.1] * 10], [float("nan")] * 10])
def test_a_card_without_a_learned_class_prior_leaves_that_of_the_weights(
    joint: Controller, told: object
) -> None:
    explorer = joint.session.explorer
    found = learned_prior(explorer, {LEARNED_PRIOR: told})
    np.testing.assert_array_equal(found, explorer.class_prior)


def test_the_pad_asks_for_what_the_model_knows_and_says_what_it_makes_of_it(
    joint: Controller, qtbot: QtBot, tmp_path: Path
) -> None:
    pad = joint.window.pad
    assert pad._paper._invitation == "Draw a digit"
    assert "20 × 20 pixels" in pad._model_view.toolTip()
    shapes = {"kind": "joint-vae", "class_names": ["disc", "star"], "image_shape": [1, 14, 42]}
    with qtbot.waitSignal(joint.opened, timeout=60_000):
        joint.open_model(write_model(tmp_path / "shapes.safetensors", **shapes))
    assert pad._paper._invitation == "Draw something"
    assert "10 × 30 pixels" in pad._model_view.toolTip()
    assert "middle of 14 × 42" in pad._model_view.toolTip()


def test_boxes_and_menus_go_when_they_are_closed(
    joint: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QMessageBox, "exec", lambda box: box.show() or box.close())
    window = joint.window
    for _ in range(3):
        joint.files.show_card()
        menu = window.canvas._header.context_menu(window.canvas)
        menu.popup(window.pos())
        menu.close()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert not window.findChildren(QMessageBox)
    menus = [m for m in window.canvas.findChildren(QMenu) if m.parent() is window.canvas]
    assert not menus


@pytest.mark.parametrize(("box", "words"), [("about", "torch"), ("shortcuts", "Ctrl+Shift+→")])
def test_what_tells_about_the_program_is_cut_nowhere(
    joint: Controller, monkeypatch: pytest.MonkeyPatch, box: str, words: str
) -> None:
    seen: list[tuple[str, int, int, bool]] = []

    def look(shown: QMessageBox) -> int:
        shown.show()
        label = shown.findChild(QLabel, "qt_msgbox_label")
        assert isinstance(label, QLabel)
        selectable = Qt.TextInteractionFlag.TextSelectableByMouse
        can_copy = bool(label.textInteractionFlags() & selectable)
        seen.append((label.text(), label.width(), label.minimumSizeHint().width(), can_copy))
        shown.close()
        return 0

    monkeypatch.setattr(QMessageBox, "exec", look)
    getattr(joint.window.menus, box).trigger()
    ((text, width, wanted, can_copy),) = seen
    assert words in text and can_copy
    assert width >= wanted


def test_an_entry_of_a_menu_can_be_chosen_when_it_can_do_something(
    joint: Controller, make_controller: MakeController, wide_file: Path, qtbot: QtBot
) -> None:
    menus, pad = joint.window.menus, joint.window.pad
    menus.training_menu.aboutToShow.emit()
    assert menus.start.isEnabled() and not menus.stop.isEnabled()
    assert not (menus.undo.isEnabled() or menus.redo.isEnabled() or menus.clear.isEnabled())
    pad.draw_stroke(THREE)
    assert menus.undo.isEnabled() and menus.clear.isEnabled()
    menus.undo.trigger()
    assert menus.redo.isEnabled() and not menus.undo.isEnabled()
    assert not menus.spherical.isEnabled()
    deep = make_controller(wide_file)
    wait_open(qtbot, deep)
    assert deep.window.menus.spherical.isEnabled()


def test_curves_that_are_not_there_are_not_exported(
    joint: Controller, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    save_name(monkeypatch, tmp_path / "curves.csv")
    joint.window.menus.export_curves.trigger()
    assert not (tmp_path / "curves.csv").exists()
    assert joint.window.banner.text().startswith("Train a model first")


def test_a_bundled_model_is_called_as_its_recipe_is_and_ticked_while_it_is_open(
    make_controller: MakeController,
    joint_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    bundled = [tmp_path / "joint-vae-2d.safetensors", tmp_path / "ppca-2d.safetensors"]
    for path in bundled:
        path.write_bytes(joint_file.read_bytes())
    monkeypatch.setattr("vae_explorer.paths.bundled_models", lambda: bundled)
    controller = make_controller()
    wait_open(qtbot, controller)
    menus = controller.window.menus
    titles = [action.text() for action in menus.bundled_menu.actions()]
    assert titles == ["Joint VAE, 2-D", "PPCA, 2-D"]
    assert titles[0] in {action.text() for action in menus.recipes}
    assert controller.window.windowTitle() == "Joint VAE, 2-D[*] — VAE Explorer"
    menus.bundled_menu.aboutToShow.emit()
    assert [action.isChecked() for action in menus.bundled_menu.actions()] == [True, False]


def test_a_model_without_a_file_is_called_by_what_it_is(joint: Controller) -> None:
    assert joint.session.opened is not None
    joint.session.opened = replace(joint.session.opened, path=None)
    joint._show_title()
    assert joint.window.windowTitle() == "Untitled Joint VAE, 2-D[*] — VAE Explorer"


def test_a_model_of_ones_own_keeps_the_name_of_its_file() -> None:
    assert title_of(Path("joint-vae-2d.safetensors"), bundled=False) == "joint-vae-2d"
    assert title_of(Path("anything.safetensors"), bundled=True) == "anything"
