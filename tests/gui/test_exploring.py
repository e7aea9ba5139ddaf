"""Mouse and canvas of the real window: a click keeps z and y, a double click takes a real image."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QEnterEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.gui.windows import MakeController, code_of, wait_open
from vae_explorer.gui.canvas_paint import SHOWN_RING
from vae_explorer.gui.controller.application import Controller

LEFT, NO_KEY = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def labels_of(controller: Controller) -> np.ndarray:
    gallery = controller.session.gallery
    assert gallery is not None and gallery.labels is not None
    return gallery.labels


def dot(controller: Controller, index: int) -> QPoint:
    points = controller.window.canvas._scene.points.points
    assert points is not None
    return controller.window.canvas.to_pixel(*points[index].tolist()).toPoint()


def lonely(controller: Controller, wanted: np.ndarray) -> int:
    """Of these images the one whose dot is farthest from all others, with all dots in view."""
    canvas = controller.window.canvas
    points = canvas._scene.points.points
    assert points is not None
    (x0, y0), (x1, y1) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    wide, tall = 0.1 * (x1 - x0), 0.1 * (y1 - y0)
    canvas.look(canvas.frame.fitted((x0 - wide, x1 + wide, y0 - tall, y1 + tall)))
    gaps = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(gaps, np.inf)
    return int(np.where(wanted, gaps.min(axis=1), -1.0).argmax())


def click(qtbot: QtBot, controller: Controller, place: QPoint) -> None:
    qtbot.mouseMove(controller.window.canvas, place)
    qtbot.mouseClick(controller.window.canvas, LEFT, NO_KEY, place)


def under(controller: Controller, place: QPoint) -> tuple[float, float]:
    return controller.window.canvas.frame.to_latent(place.x(), place.y())


def test_no_click_changes_the_class(joint: Controller, qtbot: QtBot) -> None:
    joint.exploring.select_class(3)
    labels = labels_of(joint)
    for index in np.flatnonzero(labels != 3)[:40].tolist():
        click(qtbot, joint, dot(joint, index))
        assert joint.session.label == 3
        taken = joint.session.sample
        assert taken is None or labels[taken] == 3


def test_a_click_on_a_dot_of_another_class_keeps_its_own_z(joint: Controller, qtbot: QtBot) -> None:
    joint.exploring.select_class(3)
    place = dot(joint, lonely(joint, labels_of(joint) != 3)) + QPoint(2, 1)
    click(qtbot, joint, place)
    assert joint.session.sample is None
    np.testing.assert_allclose(code_of(joint), under(joint, place), atol=1e-5)


def test_a_click_on_a_dot_of_the_chosen_class_takes_its_image(
    joint: Controller, qtbot: QtBot
) -> None:
    index = lonely(joint, labels_of(joint) == 3)
    joint.exploring.select_class(3)
    click(qtbot, joint, dot(joint, index) + QPoint(2, 1))
    assert joint.session.sample == index
    opened, scene = joint.session.opened, joint.window.canvas._scene
    assert opened is not None and opened.means is not None
    np.testing.assert_allclose(code_of(joint), opened.means[index])
    assert scene.selected is not None
    assert scene.shown == pytest.approx(scene.pin, abs=1e-5)  # which the read-out names


def test_a_double_click_takes_an_image_with_its_class(joint: Controller, qtbot: QtBot) -> None:
    index = lonely(joint, labels_of(joint) != 3)
    joint.exploring.select_class(3)
    place = dot(joint, index)
    click(qtbot, joint, place)
    qtbot.mouseDClick(joint.window.canvas, LEFT, NO_KEY, place)
    assert joint.session.sample == index
    assert joint.session.label == labels_of(joint)[index]


def test_without_classes_a_click_on_a_dot_takes_its_image(
    make_controller: MakeController, vae_file: str, qtbot: QtBot
) -> None:
    controller = make_controller(vae_file)
    wait_open(qtbot, controller)
    index = lonely(controller, labels_of(controller) >= 0)
    click(qtbot, controller, dot(controller, index))
    assert controller.session.sample == index


def test_in_more_dimensions_a_click_leaves_the_others_alone(
    make_controller: MakeController, wide_file: str, qtbot: QtBot
) -> None:
    controller = make_controller(wide_file)
    wait_open(qtbot, controller)
    index = lonely(controller, labels_of(controller) >= 0)
    controller.exploring.select_class(int(labels_of(controller)[index]))
    rest = controller.session.plane.rest
    click(qtbot, controller, dot(controller, index))
    assert controller.session.sample is None
    np.testing.assert_array_equal(controller.session.plane.rest, rest)
    qtbot.mouseDClick(controller.window.canvas, LEFT, NO_KEY, dot(controller, index))
    assert controller.session.sample == index


def test_what_is_on_show_is_marked_from_the_start(joint: Controller, qtbot: QtBot) -> None:
    canvas, exploring = joint.window.canvas, joint.exploring
    assert [ring.kind for ring in canvas._scene._rings()].count(SHOWN_RING) == 1
    assert canvas._scene.shown == (0.0, 0.0)
    assert canvas._scene.nearest == exploring.neighbour is not None
    qtbot.mouseMove(canvas, canvas.to_pixel(-1.0, 1.0).toPoint())
    canvas.hover(None)
    assert exploring.shown is not None
    assert canvas._scene.shown == pytest.approx(tuple(exploring.shown.tolist()))


def test_the_canvas_toolbar_gives_the_pin_back(joint: Controller, qtbot: QtBot) -> None:
    canvas = joint.window.canvas
    joint.exploring.pin(1.0, -1.0)
    canvas.point_hovered.emit(-1.0, 1.0)
    canvas._scene.hovered = (-1.0, 1.0)
    assert joint.exploring.shown is not None
    bar = canvas._header._bar
    centre = QPointF(bar.rect().center())
    QApplication.sendEvent(bar, QEnterEvent(centre, centre, bar.mapToGlobal(centre)))
    np.testing.assert_allclose(joint.exploring.shown, [1.0, -1.0], atol=1e-6)


def test_a_path_is_decoded_under_the_cursor_while_it_is_drawn(
    joint: Controller, qtbot: QtBot
) -> None:
    canvas, shift = joint.window.canvas, Qt.KeyboardModifier.ShiftModifier
    end = canvas.to_pixel(1.5, 1.0).toPoint()
    qtbot.mousePress(canvas, LEFT, shift, canvas.to_pixel(-1.5, -1.0).toPoint())
    qtbot.mouseMove(canvas, end)
    near = pytest.approx(under(joint, end), abs=1e-5)
    qtbot.waitUntil(lambda: joint.window.canvas._scene.shown == near)
    qtbot.mouseRelease(canvas, LEFT, shift, end)


def test_no_coordinate_is_minus_nought(joint: Controller) -> None:
    joint.exploring.pin(0.32, -0.001)
    assert joint.window.image.accessibleDescription().startswith("z = (0.32, 0.00)")
