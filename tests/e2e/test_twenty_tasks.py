"""Twenty things a new user wants, done with mouse and keys in at most so many actions.

An action is a click, a drag, a stroke, a key, or a text typed. The bundled model is what is
explored. Each task says how many actions it may take; `User` counts them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QAction, QGuiApplication, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from tests.gui.windows import MakeController, code_of, image_of, wait_open
from vae_explorer import paths
from vae_explorer.gui.controller.application import Controller
from vae_explorer.gui.screenshot import THREE

SEVEN = [(0.28, 0.22), (0.45, 0.2), (0.7, 0.2), (0.62, 0.4), (0.54, 0.6), (0.48, 0.82)]
LEFT = Qt.MouseButton.LeftButton
PATIENCE = 60_000


class User:
    """Hands on mouse and keys; counts what they do."""

    def __init__(self, controller: Controller, qtbot: QtBot) -> None:
        self.controller, self.qtbot = controller, qtbot
        self.window = controller.window
        self.actions = 0

    def key(self, key: Qt.Key | str, modifier: Qt.KeyboardModifier | None = None) -> None:
        """Press a key; the focus is wherever it is."""
        self.actions += 1
        target = self.window.focusWidget() or self.window
        self.qtbot.keyClick(target, key, modifier or Qt.KeyboardModifier.NoModifier)

    def click(self, widget: QWidget, place: QPoint | None = None) -> None:
        """Click a widget, in its middle where no place is given."""
        self.actions += 1
        self.qtbot.mouseClick(widget, LEFT, pos=place or widget.rect().center())

    def point(self, x: float, y: float) -> None:
        """Move over the canvas: looking around is no action."""
        self.qtbot.mouseMove(self.window.canvas, self._place(x, y))
        _send_move(self.window.canvas, self._place(x, y), Qt.MouseButton.NoButton)
        self.settle()

    def click_canvas(self, x: float, y: float) -> None:
        """Click a latent point."""
        self.click(self.window.canvas, self._place(x, y))

    def drag(self, start: tuple[float, float], end: tuple[float, float], *, shift: bool) -> None:
        """Drag over the canvas."""
        self.actions += 1
        modifier = Qt.KeyboardModifier.ShiftModifier if shift else Qt.KeyboardModifier.NoModifier
        canvas, a, b = self.window.canvas, self._place(*start), self._place(*end)
        self.qtbot.mousePress(canvas, LEFT, modifier, a)
        for t in np.linspace(0.1, 1.0, 10):
            place = QPoint(
                *(np.array(a.toTuple()) * (1 - t) + np.array(b.toTuple()) * t).astype(int).tolist()
            )
            _send_move(canvas, place, LEFT, modifier)
        self.qtbot.mouseRelease(canvas, LEFT, modifier, b)

    def wheel(self, steps: int) -> None:
        """Turn the wheel over the middle of the canvas."""
        self.actions += 1
        canvas = self.window.canvas
        middle = QPointF(canvas.rect().center())
        event = QWheelEvent(
            middle, canvas.mapToGlobal(middle), QPoint(), QPoint(0, 120 * steps),
            Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(canvas, event)

    def draw(self, stroke: list[tuple[float, float]]) -> None:
        """One stroke on the pad, with the mouse."""
        self.actions += 1
        paper = self.window.pad._paper
        side = min(paper.width(), paper.height())
        left, top = (paper.width() - side) / 2, (paper.height() - side) / 2
        places = [QPoint(round(left + x * side), round(top + y * side)) for x, y in stroke]
        self.qtbot.mousePress(paper, LEFT, pos=places[0])
        for a, b in itertools.pairwise(places):
            for t in (0.25, 0.5, 0.75, 1.0):
                _send_move(paper, a + (b - a) * t, LEFT)
        self.qtbot.mouseRelease(paper, LEFT, pos=places[-1])
        self.qtbot.waitUntil(lambda: self.controller.handwriting.drawn is not None, timeout=5000)
        self.settle()

    def choose(self, action: QAction) -> None:
        """Take an entry of a menu: open the menu, click the entry."""
        self.actions += 2
        action.trigger()

    def button(self, name: str) -> QToolButton:
        """The button of that accessible name, as a screen reader would find it."""
        found = [b for b in self.window.findChildren(QToolButton) if b.accessibleName() == name]
        assert len(found) == 1, name
        return found[0]

    def settle(self) -> None:
        """Wait until the window has nothing left to do."""
        busy = self.controller
        self.qtbot.waitUntil(
            lambda: (
                busy.exploring._pending is None
                and not busy.idle.busy
                and not busy.layers._settle.isActive()
                and not busy.equation._timer.isActive()
            ),
            timeout=PATIENCE,
        )

    def _place(self, x: float, y: float) -> QPoint:
        return self.window.canvas.to_pixel(x, y).toPoint()


def _send_move(
    widget: QWidget,
    place: QPoint,
    buttons: Qt.MouseButton,
    modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    local = QPointF(place)
    event = QMouseEvent(
        QEvent.Type.MouseMove, local, widget.mapToGlobal(local), Qt.MouseButton.NoButton, buttons, modifier
    )  # fmt: skip
    QApplication.sendEvent(widget, event)


@pytest.fixture
def user(make_controller: MakeController, qtbot: QtBot) -> Iterator[User]:
    """A user in front of the window as it opens."""
    controller = make_controller()
    wait_open(qtbot, controller)
    controller.window.canvas.setFocus()
    yield User(controller, qtbot)


def said(user: User) -> int:
    """What the classifier says of the decoded image."""
    image = image_of(user.controller)
    assert image is not None
    return int(user.controller.session.explorer.classify(image[None])[0].argmax())


def test_01_see_an_image_by_moving_over_the_canvas(user: User) -> None:
    user.point(0.5, 0.5)
    first = image_of(user.controller)
    user.point(-1.5, 1.0)
    assert not np.array_equal(first, image_of(user.controller))
    assert user.actions == 0


def test_02_keep_a_point_in_hand(user: User) -> None:
    user.window.canvas.set_point_pick(False)
    user.click_canvas(0.4, 0.8)
    code = code_of(user.controller)
    assert code is not None
    np.testing.assert_allclose(code, [0.4, 0.8], atol=0.05)
    assert user.actions <= 1


def test_03_see_a_seven_there_instead(user: User) -> None:
    user.point(0.0, 0.3)
    user.key("7")
    assert user.controller.session.label == 7
    assert said(user) == 7
    assert user.actions <= 1


def test_04_step_about_with_the_arrow_keys(user: User) -> None:
    user.window.canvas.set_point_pick(False)
    user.click_canvas(0.0, 0.0)
    before = code_of(user.controller).copy()
    user.key(Qt.Key.Key_Right)
    after = code_of(user.controller)
    assert after is not None
    assert after[0] > before[0]
    assert user.actions <= 2


def test_05_zoom_in_and_find_the_way_back(user: User) -> None:
    wide = user.window.canvas.view
    user.wheel(5)
    assert user.window.canvas.view[1] - user.window.canvas.view[0] < wide[1] - wide[0]
    user.key("f")
    np.testing.assert_allclose(user.window.canvas.view, wide, rtol=0.02)
    assert user.actions <= 2


def test_06_see_all_of_the_latent_plane_as_images(user: User) -> None:
    user.click(user.button("Layer: Manifold"))
    user.settle()
    assert user.window.canvas.layer_visible("manifold")
    assert user.actions <= 1


def test_07_see_where_decodes_mean_little(user: User) -> None:
    user.click(user.button("Layer: Support"))
    assert user.window.canvas.layer_visible("support")
    assert user.actions <= 1


def test_08_look_at_a_real_image_and_its_posterior(user: User) -> None:
    opened = user.controller.session.opened
    assert opened is not None
    means = opened.means
    assert means is not None
    far = means[np.linalg.norm(means, axis=1).argmax()]  # at the edge, where points do not overlap
    user.click_canvas(float(far[0]), float(far[1]))
    user.settle()
    assert user.controller.session.sample is not None
    assert "clicked" in user.window.equation._subject.text()
    assert user.actions <= 1


def test_09_draw_a_three_and_have_it_recognised(user: User) -> None:
    user.draw(THREE)
    drawn = user.controller.handwriting.drawn
    assert drawn is not None
    assert drawn.label == 3
    assert user.actions <= 1


def test_10_write_all_digits_in_my_handwriting(user: User) -> None:
    user.draw(THREE)
    row = user.window.handwriting
    assert row.isVisible()
    user.click(row, row._tile(8).center().toPoint())
    assert user.controller.session.label == 8
    drawn = user.controller.handwriting.drawn
    assert drawn is not None
    np.testing.assert_allclose(code_of(user.controller), drawn.code)
    assert user.actions <= 2


def test_11_undo_a_stroke(user: User) -> None:
    user.draw(SEVEN)
    user.choose(user.window.menus.undo)
    user.qtbot.waitUntil(lambda: user.controller.handwriting.drawn is None)
    assert user.window.pad.is_clear
    assert user.actions <= 3


def test_12_find_a_three_that_turns_into_an_eight(user: User) -> None:
    user.key("3")
    best = None
    explorer = user.controller.session.explorer
    for x, y in itertools.product(np.linspace(-2, 2, 15), np.linspace(-2, 2, 15)):
        q = explorer.classify(explorer.decode(np.array([[x, y]]), 3))[0]
        best = max(best or (0.0, 0.0, 0.0), (float(q[8]), float(x), float(y)))
    assert best is not None
    user.click(user.button("Layer: Regions"))  # the map that shows where
    user.window.canvas.set_point_pick(False)
    user.click_canvas(best[1], best[2])
    assert user.actions <= 3


def test_13_walk_from_a_to_b(user: User) -> None:
    user.drag((-1.0, -1.0), (1.0, 1.0), shift=True)
    assert user.window.tabs.currentWidget() is user.window.film
    assert user.window.film.count >= 20
    assert user.actions <= 1


def test_14_make_a_page_of_fives(user: User) -> None:
    user.key("5")
    user.click(user.window.tabs.tabBar(), user.window.tabs.tabBar().tabRect(
        user.window.tabs.indexOf(user.window.samples)).center())  # fmt: skip
    user.window.samples.choose_class(5)
    user.actions += 1
    images = user.window.samples.images()
    assert images is not None
    labels = user.controller.session.explorer.classify(images).argmax(axis=1)
    assert (labels == 5).mean() > 0.6
    assert user.actions <= 3


def test_15_copy_the_picture(user: User) -> None:
    user.choose(user.window.menus.copy_image)
    assert QGuiApplication.clipboard().image().width() == 28
    assert user.actions <= 2


def test_16_read_why_the_bound_is_what_it_is(user: User) -> None:
    user.window.canvas.set_point_pick(False)
    user.click_canvas(0.0, 0.0)
    user.settle()
    spoken = user.window.equation.accessibleDescription()
    for term in ("ELBO", "reconstruction", "KL"):
        assert term in spoken
    assert user.actions <= 1


def test_17_train_a_model_and_stop_it(user: User) -> None:
    panel = user.window.training
    panel.form.set_value("preset", "lecture")
    user.key(Qt.Key.Key_Space)
    user.qtbot.waitUntil(lambda: panel.state() == "training", timeout=PATIENCE)
    user.qtbot.waitUntil(lambda: len(user.controller.training.history) > 1, timeout=PATIENCE)
    user.click(panel.stop_button)
    user.qtbot.waitUntil(lambda: panel.state() == "idle", timeout=PATIENCE)
    assert user.actions <= 2


def test_18_switch_to_the_dark_look(user: User) -> None:
    user.choose(user.window.menus.themes["dark"])
    assert user.window.theme.is_dark
    assert user.actions <= 2


def test_19_open_another_model(user: User) -> None:
    others = [p for p in paths.bundled_models() if p.name != paths.OPENING_MODEL]
    path = others[0] if others else paths.bundled_models()[0]
    with user.qtbot.waitSignal(user.controller.opened, timeout=PATIENCE):
        user.choose(next(a for a in user.window.menus.bundled_menu.actions()
                         if path.name.startswith(a.text())))  # fmt: skip
    assert user.controller.session.path == path
    assert user.actions <= 2


def test_20_save_the_picture_of_the_whole_plane(
    user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = tmp_path / "plane.png"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(name), ""))
    user.choose(user.window.menus.export_grid)
    user.actions += 1  # the name
    assert name.stat().st_size > 10_000
    assert user.actions <= 3
