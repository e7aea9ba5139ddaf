"""The window: it fits its least size, every part can be reached by keys, and nothing is nameless."""

from __future__ import annotations

import itertools
import threading
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QPoint, QRect, QSettings, QSize, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QMenu,
    QScrollArea,
    QSlider,
    QSpinBox,
    QSplitter,
    QStyle,
    QStyleOptionComboBox,
    QTabBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

from tests.gui.windows import MakeController, wait_open, wait_written
from vae_explorer.gui import style
from vae_explorer.gui.app import DEFAULT_SIZE
from vae_explorer.gui.controller.application import Controller
from vae_explorer.gui.curves import Curves
from vae_explorer.gui.evaluation_page import FigureRow
from vae_explorer.gui.main_window import MINIMUM_SIZE, MainWindow
from vae_explorer.gui.menus import full_screen_keys
from vae_explorer.gui.style import DARK, LIGHT


@pytest.mark.parametrize("size", [MINIMUM_SIZE, (1440, 900), (2560, 1440), (3840, 2160)])
def test_every_part_has_the_room_it_needs(
    joint: Controller, qtbot: QtBot, size: tuple[int, int]
) -> None:
    window = joint.window
    window.resize(*size)
    qtbot.waitUntil(lambda: (window.width(), window.height()) == size)
    central = window.centralWidget()
    assert central is not None
    for widget in window.findChildren(QWidget):
        if not widget.isVisible() or widget.window() is not window:
            continue
        least = widget.minimumSizeHint()
        if (
            isinstance(widget, QLabel | QAbstractButton)
            and widget.sizePolicy().horizontalPolicy().value
        ):
            assert widget.width() >= min(least.width(), widget.maximumWidth()), describe(widget)
            assert widget.height() >= min(least.height(), widget.maximumHeight()), describe(widget)


@pytest.mark.parametrize("size", [MINIMUM_SIZE, (1440, 900)])
def test_a_message_moves_nothing_and_covers_no_button(
    joint: Controller, size: tuple[int, int]
) -> None:
    window = joint.window
    window.resize(*size)
    QApplication.processEvents()
    before = [part.mapTo(window, part.rect().topLeft()) for part in window._themed[1:]]
    window.banner.show_message("Something is the matter.", details="more", action="Try again")
    QApplication.processEvents()
    assert [part.mapTo(window, part.rect().topLeft()) for part in window._themed[1:]] == before
    place = window.banner.geometry()
    assert window.rect().contains(place)
    assert place.left() > window.menuBar().actionGeometry(window.menuBar().actions()[-1]).right()
    for button in window._rows.findChildren(QAbstractButton):
        if button.isVisible() and button.width() > 0:
            assert not place.intersects(button.rect().translated(button.mapTo(window, QPoint())))
    window.banner.show_message("a sentence that needs more than one line " * 8)
    assert window.banner.height() > place.height()


def test_a_small_window_has_room_for_all_at_once(
    make_controller: MakeController, wide_file: Path, qtbot: QtBot
) -> None:
    controller = make_controller(wide_file)
    wait_open(qtbot, controller)
    window = controller.window
    window.resize(*MINIMUM_SIZE)
    window.banner.show_message("Something is the matter.")
    QApplication.processEvents()
    parts = [window.canvas, window.dimensions, window.snapshots]
    for above, below in pairwise(parts):
        assert above.geometry().bottom() < below.geometry().top()
    for part in parts:
        assert part.height() >= part.minimumSizeHint().height()


def test_the_settings_on_show_can_be_read_in_a_window_of_1280(
    joint: Controller, qtbot: QtBot
) -> None:
    window = joint.window
    window.resize(1280, 720)
    qtbot.waitUntil(lambda: window.width() == 1280)
    boxes = [box for box in window.training.findChildren(QComboBox) if box.isVisible()]
    assert boxes
    for box in boxes:
        option = QStyleOptionComboBox()
        box.initStyleOption(option)
        part, field = QStyle.SubControl.SC_ComboBoxEditField, QStyle.ComplexControl.CC_ComboBox
        room = box.style().subControlRect(field, option, part, box).width()
        text = option.currentText
        assert option.fontMetrics.horizontalAdvance(text) + 2 <= room, text


def test_a_picture_and_its_caption_share_their_middle(joint: Controller) -> None:
    captions = {label.text(): label for label in joint.window.pad.findChildren(QLabel)}
    pictures = {"Model sees": joint.window.pad._model_view, "Brush": joint.window.pad._brush}
    for text, picture in pictures.items():
        assert abs(picture.geometry().center().x() - captions[text].geometry().center().x()) <= 1


def test_the_focus_is_seen_on_a_button_that_is_checked(joint: Controller, qtbot: QtBot) -> None:
    button = joint.window.image._modes["mean"]
    assert button.isChecked()
    qtbot.waitUntil(joint.window.isActiveWindow)
    before = button.grab().toImage()
    give_focus_by_key(button, qtbot)
    assert button.grab().toImage() != before


def give_focus_by_key(widget: QWidget, qtbot: QtBot) -> None:
    """Press the key until it is there."""
    for _ in range(100):
        focused = QApplication.focusWidget()
        assert focused is not None
        qtbot.keyClick(focused, Qt.Key.Key_Tab)
        if widget.hasFocus():
            return
    raise AssertionError(describe(widget))


def test_a_ring_is_around_what_has_the_focus_by_a_key_alone(
    joint: Controller, qtbot: QtBot
) -> None:
    window, left = joint.window, Qt.MouseButton.LeftButton
    qtbot.waitUntil(window.isActiveWindow)
    tabs, start = window.tabs.tabBar(), window.training.start_button
    for widget in (tabs, start):
        window.canvas.setFocus()
        give_focus_by_key(widget, qtbot)
        assert widget.property("ringed")
        window.canvas.setFocus()
        assert not widget.property("ringed")
    give_focus_by_key(tabs, qtbot)
    qtbot.mouseClick(tabs, left, pos=tabs.tabRect(2).center())
    assert not tabs.property("ringed")  # the focus stays where it was
    qtbot.mouseClick(window.image._modes["sample"], left)
    assert not window.image._modes["sample"].property("ringed")


@pytest.mark.parametrize("size", [(1024, 700), (1440, 900)])
def test_without_classes_a_drawing_is_answered_with_its_reconstruction(
    make_controller: MakeController, vae_file: Path, qtbot: QtBot, size: tuple[int, int]
) -> None:
    controller = make_controller(vae_file)
    wait_open(qtbot, controller)
    window = controller.window
    window.resize(*size)
    window.pad.draw_stroke([(0.3, 0.2), (0.7, 0.8)])
    qtbot.waitUntil(lambda: window.reconstruction._image is not None)
    assert window.reconstruction.isVisible()
    assert window.reconstruction.height() >= 140
    assert window.reconstruction.height() <= window.pad.height()
    assert not window.bars.isVisible() and not window.handwriting.isVisible()
    page = window.tabs.indexOf(window.handwriting)
    assert page < 0 or not window.tabs.isTabVisible(page)
    window.pad.clear()
    qtbot.waitUntil(lambda: window.reconstruction._image is None)


@pytest.mark.parametrize("size", [(1024, 700), (1440, 900), (1920, 1080)])
def test_the_pad_stays_where_it_is_when_a_drawing_begins(
    joint: Controller, qtbot: QtBot, size: tuple[int, int]
) -> None:
    pad = joint.window.pad
    joint.window.resize(*size)
    qtbot.wait(100)  # the splitters follow a little later
    before = pad.geometry(), pad._brush.geometry()
    pad.draw_stroke([(0.3, 0.2), (0.7, 0.8)])
    qtbot.waitUntil(lambda: joint.window.handwriting._images is not None)
    QApplication.processEvents()
    assert (pad.geometry(), pad._brush.geometry()) == before


def describe(widget: QWidget) -> str:
    """A widget in words, for a failing test."""
    text = widget.text() if isinstance(widget, QLabel | QAbstractButton) else ""
    return f"{type(widget).__name__} {widget.objectName()} {text!r} {widget.size().toTuple()}"


def test_everything_with_a_focus_has_a_name(joint: Controller) -> None:
    nameless = []
    for widget in joint.window.findChildren(QWidget):
        if isinstance(widget, QAbstractButton | QComboBox | QLineEdit | QSlider | QSpinBox):
            own = widget.accessibleName() or widget.toolTip()
            own = own or (widget.text() if isinstance(widget, QAbstractButton) else "")
            inside = isinstance(widget.parent(), QSpinBox | QComboBox | QTabBar)
            if not own and not inside and not widget.objectName().startswith("qt_"):
                nameless.append(describe(widget))
    assert nameless == []


def test_tab_reaches_the_main_parts(joint: Controller, qtbot: QtBot) -> None:
    window = joint.window
    window.activateWindow()
    window.canvas.setFocus()
    reached = set()
    for _ in range(80):
        focus = window.focusWidget()
        if focus is not None:
            reached.add(focus)
            qtbot.keyClick(focus, Qt.Key.Key_Tab)
    assert window.canvas in reached
    assert window.training.start_button in reached
    assert any(window.pad.isAncestorOf(widget) for widget in reached)


def test_digits_typed_into_a_field_stay_there(joint: Controller, qtbot: QtBot) -> None:
    joint.exploring.select_class(1)
    field = joint.window.training.form.findChild(QSpinBox, "epochs")
    assert field is not None
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, "7")
    assert field.value() == 7
    assert joint.session.label == 1


def test_space_in_a_number_takes_it_and_goes_on_to_start_the_training(
    joint: Controller, qtbot: QtBot
) -> None:
    joint.window.space_typed.disconnect(joint.window.training.activate)
    form = joint.window.training.form
    form.set_details_shown(True)
    epochs, widths = form.findChild(QSpinBox, "epochs"), form.findChild(QLineEdit, "widths")
    assert epochs is not None and widths is not None
    epochs.selectAll()
    qtbot.keyClicks(epochs, "7")
    with qtbot.waitSignal(joint.window.space_typed, timeout=1000):
        qtbot.keyClick(epochs, Qt.Key.Key_Space)
    assert form.value("epochs") == 7
    widths.selectAll()
    with qtbot.assertNotEmitted(joint.window.space_typed):
        qtbot.keyClicks(widths, "64 32")  # where a space is text, it stays one
    assert widths.text() == "64 32"


def test_the_layout_is_remembered(joint: Controller, tmp_path: Path, qtbot: QtBot) -> None:
    settings = QSettings(str(tmp_path / "layout.ini"), QSettings.Format.IniFormat)
    joint.window._upper.setSizes([500, 500, 424])
    joint.window.save_layout(settings)
    other = MainWindow(LIGHT)
    qtbot.addWidget(other)
    other.resize(joint.window.size())
    other.restore_layout(settings)
    other.show()
    qtbot.waitExposed(other)
    saved, restored = (shares(w._upper) for w in (joint.window, other))
    assert saved == pytest.approx(restored, abs=0.02)
    assert abs(restored[0] - restored[1]) < 0.02  # not the shares of the first start


def places(*widgets: QWidget) -> list[QRect]:
    return [QRect(w.mapTo(w.window(), QPoint()), w.size()) for w in widgets]


@pytest.mark.parametrize(
    ("size", "likelihood"),
    [
        (MINIMUM_SIZE, "bernoulli"),  # with more settings it scrolls there, by whole rows
        *itertools.product([(1280, 720), (1440, 900), (1920, 1080)], ["bernoulli", "gaussian"]),
    ],
)
def test_all_settings_are_in_sight_at_once_and_nothing_above_moves(
    joint: Controller, qtbot: QtBot, size: tuple[int, int], likelihood: str
) -> None:
    window, form = joint.window, joint.window.training.form
    form.set_value("likelihood", likelihood)
    window.resize(*size)
    qtbot.wait(100)  # until what a low window moves is in its place
    above = (window.canvas, window.image, window.pad, window.equation)
    before, lower = places(*above), places(window.tabs, window.training)
    window.training.details_button.click()
    QApplication.processEvents()
    assert places(*above) == before
    assert not window.tabs.isVisible()
    assert window.training._scroll.verticalScrollBar().maximum() == 0
    view = window.training._scroll.viewport()
    for editor in (*form._editors.values(), form._recipe, form._dataset):
        place = QRect(editor.mapTo(view, QPoint()), editor.size())
        assert editor.isHidden() or view.rect().contains(place), editor.objectName()
    window.training.details_button.click()
    QApplication.processEvents()
    assert places(*above) == before and places(window.tabs, window.training) == lower


def test_beside_all_settings_every_explanation_can_be_read_in_the_least_window(
    joint: Controller, qtbot: QtBot
) -> None:
    window, training = joint.window, joint.window.training
    window.resize(*MINIMUM_SIZE)
    training.details_button.click()
    qtbot.waitUntil(lambda: training._progress.width() > 0 and training.width() > 900)
    shown = training._bar.isVisible()
    before = places(training.start_button, training._scroll, training.form.start_from)
    said = [setting.help for setting in training.form._settings.values()]
    for text in said:
        training.form.explained.emit(text)
        assert training._progress.text().split() == text.split()
    assert places(training.start_button, training._scroll, training.form.start_from) == before
    training.form.explained.emit("")
    assert shown and training._bar.isVisible()


def test_all_settings_are_folded_away_by_escape_and_before_the_layout_is_saved(
    joint: Controller, tmp_path: Path, qtbot: QtBot
) -> None:
    window, button = joint.window, joint.window.training.details_button
    window.activateWindow()
    window.canvas.setFocus()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    focus = window.focusWidget()
    assert button.isChecked() and focus is not None
    qtbot.keyClick(focus, Qt.Key.Key_Escape)
    assert not button.isChecked() and window.tabs.isVisible()
    before = window._lower.sizes()
    button.click()
    window.save_layout(QSettings(str(tmp_path / "layout.ini"), QSettings.Format.IniFormat))
    assert not button.isChecked() and window._lower.sizes() == before
    button.click()
    window.show_tab(window.evaluation)  # what was asked for can be seen
    assert not button.isChecked() and window.evaluation.isVisible()
    window._lower.setSizes([500, 900])
    button.click()
    window.reset_layout()
    designed = window._lower.sizes()
    assert not button.isChecked() and designed[0] > designed[1]
    button.click()
    button.click()
    assert window._lower.sizes() == designed


def test_on_a_small_screen_every_part_can_be_scrolled_to(joint: Controller) -> None:
    window = joint.window
    window.resize(960, 540)  # a screen of 1920 × 1080 at twice the size
    QApplication.processEvents()
    assert (window.width(), window.height()) == (960, 540)
    scroll, button = window.centralWidget(), window.training.start_button
    assert isinstance(scroll, QScrollArea)
    assert not button.visibleRegion().contains(button.rect().center())
    scroll.ensureWidgetVisible(button)
    assert button.visibleRegion().contains(button.rect().center())
    window.resize(*MINIMUM_SIZE)
    QApplication.processEvents()
    for bar in (scroll.horizontalScrollBar(), scroll.verticalScrollBar()):
        assert bar.maximum() == 0


def test_the_first_training_moves_nothing(joint: Controller) -> None:
    window = joint.window
    before = places(window.canvas, window.snapshots)
    window.snapshots.set_snapshots(["epoch 0.00", "epoch 1.00"])
    QApplication.processEvents()
    assert window.snapshots.isVisible() and places(window.canvas, window.snapshots) == before


def test_a_window_closed_in_full_screen_is_as_large_as_before_at_the_next_start(
    qtbot: QtBot, tmp_path: Path
) -> None:
    settings = QSettings(str(tmp_path / "layout.ini"), QSettings.Format.IniFormat)
    windows = [MainWindow(LIGHT), MainWindow(LIGHT)]
    for window in windows:
        qtbot.addWidget(window)
    window, other = windows
    window.resize(780, 720)  # what the screen of the tests has room for
    window.show()
    window.menus.full_screen.triggered.connect(window.set_full_screen)
    window.menus.full_screen.trigger()
    assert window.isFullScreen()
    window.save_layout(settings)
    other.restore_layout(settings)
    other.show()
    assert not other.isFullScreen() and not other.menus.full_screen.isChecked()
    assert other.size() == QSize(780, 720)
    window.set_full_screen(False)
    assert not window.menus.full_screen.isChecked()
    assert window.size() == QSize(780, 720)


def test_the_first_window_fits_the_screen_with_its_frame(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = MainWindow(LIGHT)
    qtbot.addWidget(window)
    window.resize(*DEFAULT_SIZE)
    screen = SimpleNamespace(availableSize=lambda: QSize(1366, 768))
    monkeypatch.setattr(window, "screen", lambda: screen)
    window.fit_to_screen()
    assert (window.width(), window.height()) == (1364, 736)
    screen.availableSize = lambda: QSize(2560, 1440)
    window.fit_to_screen()
    assert (window.width(), window.height()) == (1364, 736)  # it is never made larger


def shares(splitter: QSplitter) -> list[float]:
    """How a splitter divides its room: a screen may be too small for the size that was saved."""
    sizes = splitter.sizes()
    return [size / sum(sizes) for size in sizes]


def test_a_low_window_gives_the_handwriting_a_page_of_its_own(
    joint: Controller, qtbot: QtBot
) -> None:
    window = joint.window
    window.resize(1024, 700)
    qtbot.waitUntil(lambda: window.tabs.indexOf(window.handwriting) >= 0)
    window.resize(1440, 900)
    qtbot.waitUntil(lambda: window.tabs.indexOf(window.handwriting) < 0)
    assert window.handwriting.isVisible()


def test_menus_name_every_action_and_no_shortcut_twice(joint: Controller) -> None:
    taken: dict[str, str] = {}
    for action in joint.window.actions() + joint.window.findChildren(type(joint.window.menus.open)):
        keys = action.shortcut().toString()
        if keys and action.parent() is joint.window:
            assert taken.setdefault(keys, action.text()) == action.text(), keys
    assert len(taken) > 15


def test_macos_moves_only_about_and_quit_to_the_menu_of_the_application(joint: Controller) -> None:
    """It would guess others by the beginnings of their texts."""
    menus = joint.window.menus
    role = QAction.MenuRole
    roles = {
        action: action.menuRole() for action in vars(menus).values() if isinstance(action, QAction)
    }
    assert roles.pop(menus.about) == role.AboutRole
    assert roles.pop(menus.quit) == role.QuitRole
    assert {*roles.values()} == {role.NoRole}


@pytest.mark.parametrize("platform", ["linux", "win32", "darwin"])
def test_the_full_screen_has_the_key_that_the_system_leaves_to_programs(
    monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    usual, f11 = QKeySequence("Meta+Ctrl+F"), QKeySequence("F11")
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr(QKeySequence, "keyBindings", lambda key: [usual])
    wanted = [usual] if platform == "darwin" else [f11, usual]
    assert full_screen_keys() == wanted


def test_the_help_writes_keys_as_the_system_does(
    joint: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def as_macos(keys: str | QKeySequence | QKeySequence.StandardKey) -> str:
        return QKeySequence(keys).toString().replace("Ctrl+", "⌘")

    monkeypatch.setattr("vae_explorer.gui.controller.looks.key_words", as_macos)
    names = [name for name, _ in joint.looks._canvas_keys() + joint.looks._other_keys()]
    assert not [name for name in names if "Ctrl" in name]
    assert {"⌘1 … 5", "⌘O, ⌘S", "⌘Z", "F11"} <= {*names}


def test_the_curves_are_made_behind_the_first_model(
    make_controller: MakeController, joint_file: Path, qtbot: QtBot
) -> None:
    controller = make_controller(joint_file)
    window, there = controller.window, []
    controller.opened.connect(lambda: there.append(window._curves))
    with qtbot.waitSignal(controller.plots.made, timeout=60_000):
        controller.start()
    assert there == [None]  # the first picture does not wait for them
    assert window._curves is window.curves
    here: list[bool] = []
    window.curves.export.write_requested.emit(
        "curves.csv",
        lambda _: here.append(threading.current_thread() is threading.main_thread()),
    )
    wait_written(qtbot, controller)
    assert "curves.csv" in window.banner.text()
    assert here == [False]


def test_curves_that_are_asked_for_before_they_are_made_stay(qtbot: QtBot) -> None:
    window = MainWindow(LIGHT)
    qtbot.addWidget(window)
    making = window.make_curves()
    next(making)
    curves = window.curves
    assert list(making) == []
    assert window.curves is curves
    assert len(window.findChildren(Curves)) == 1
    assert list(window.make_curves()) == []


def test_a_theme_chosen_while_the_curves_are_made_is_theirs(qtbot: QtBot) -> None:
    window = MainWindow(LIGHT)
    qtbot.addWidget(window)
    making = window.make_curves()
    next(making)
    window.set_theme(DARK)
    list(making)
    assert window.curves.theme is DARK
    assert window.curves._panels[0].theme is DARK


def test_one_thing_has_one_name_in_the_menus_and_above_the_canvas(joint: Controller) -> None:
    menus, header = joint.window.menus, joint.window.canvas._header
    named = {name: action.text().replace("&", "") for name, action in menus.layers.items()}
    assert named == {name: action.text() for name, action in header.layers.items()}
    for name, action in header.layers.items():
        keys = style.key_words(menus.layers[name].shortcut())
        assert action.toolTip().endswith(f"({keys})")
    assert header._fit.toolTip() == style.with_shortcut(menus.fit.text().replace("&", ""), "F")
    copied = menus.copy_image.shortcut().toString()
    assert joint.window.image._copy.toolTip() == style.with_shortcut("Copy the image", copied)


def test_what_a_recipe_is_and_where_a_file_lies_is_told_in_their_menus(joint: Controller) -> None:
    menus = joint.window.menus
    recipes = menus.recipes[0].associatedObjects()
    assert any(isinstance(menu, QMenu) and menu.toolTipsVisible() for menu in recipes)
    assert menus.recent_menu.toolTipsVisible()


def test_figures_with_a_long_caption_leave_the_parts_above_their_room(qtbot: QtBot) -> None:
    window = MainWindow(LIGHT)
    qtbot.addWidget(window)
    window.classes.set_classes([str(i) for i in range(10)])
    window.resize(1280, 690)
    window.show_tab(window.evaluation)
    window.show()
    parts = window.image, window.classes, window.pad
    before = [part.geometry() for part in parts]
    window.evaluation.set_rows([FigureRow("ELBO", "−90.5", "", "", "bound", "8", "0.1", "")] * 12)
    window.evaluation.set_progress("what the figures are of, " * 10)
    for _ in range(3):  # until the layouts have told each other
        QApplication.processEvents()
    assert window.image.geometry().bottom() < window.classes.geometry().top()
    assert [part.geometry() for part in parts] == before  # also amid a stroke
    assert window.evaluation._table.viewport().height() >= 2 * 22


def test_what_nobody_foresaw_is_said_in_plain_words(joint: Controller) -> None:
    joint.reporter.error(TypeError("a text is no number"))
    said = "Something unexpected went wrong: TypeError: a text is no number"
    assert joint.window.banner.text() == said


def test_what_paints_itself_shows_a_focus_by_a_key_alone(joint: Controller, qtbot: QtBot) -> None:
    window = joint.window
    qtbot.waitUntil(window.isActiveWindow)
    for widget in (window.pad._paper, window.film):
        window.show_tab(window.film)
        for reason, shown in (
            (Qt.FocusReason.MouseFocusReason, False),
            (Qt.FocusReason.TabFocusReason, True),
        ):
            window.canvas.setFocus()
            widget.setFocus(reason)
            assert widget._shows_focus == shown
