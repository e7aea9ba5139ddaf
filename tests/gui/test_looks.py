"""A change of theme: as if the window had begun with it, and never long at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QSettings
from PySide6.QtGui import QImage
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QStyle,
    QStyleOptionButton,
    QStyleOptionSlider,
    QWidget,
)
from pytestqt.qtbot import QtBot

from vae_explorer.gui import style
from vae_explorer.gui.app import DEFAULT_SIZE
from vae_explorer.gui.controller.looks import Looks
from vae_explorer.gui.curve_data import Run
from vae_explorer.gui.evaluation_page import FigureRow
from vae_explorer.gui.main_window import MainWindow

ROW = FigureRow("ELBO", "−120.3", "0.1", "0.2", "bound", "1", "2.0", "")


class Paints(QObject):
    """Counts how often each widget of a window is painted."""

    def __init__(self, app: QApplication, window: QWidget) -> None:
        super().__init__(window)
        self.counts: dict[QObject, int] = {}
        app.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            self.counts[watched] = self.counts.get(watched, 0) + 1
        return False


@pytest.fixture
def looks(qapp: QApplication, qtbot: QtBot, tmp_path: Path) -> Looks:
    """Of a light window."""
    settings = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    return Looks(begun_with(style.LIGHT, qapp, qtbot), settings, "light")


def begun_with(theme: style.Theme, app: QApplication, qtbot: QtBot) -> MainWindow:
    """A window with a run in its curves, figures in its table, and a message."""
    style.apply_theme(app, theme)
    window = MainWindow(theme)
    window.resize(*DEFAULT_SIZE)
    qtbot.addWidget(window)
    window.curves.begin_run(Run("run", True, "nats per image"))
    numbers = {"elbo": -120.0, "reconstruction": -115.0, "kl": 5.0}
    window.curves.append_epoch(1, 10, 1.0, numbers, numbers, (0.5, 4.5))
    window.curves.set_run_visible(0, False)
    window.evaluation.set_rows([ROW])
    window.banner.show_message("Saved.", "info")
    window.training.set_state("paused")
    window.training.set_progress(1.0, 2, 3.0)
    window.show()
    return window


def picture(widget: QWidget) -> np.ndarray:
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), -1).copy()


def pages(window: MainWindow, qtbot: QtBot) -> list[np.ndarray]:
    """The window with each of its lower pages in front, and with all settings."""
    shown = []
    for index in range(window.tabs.count()):
        window.tabs.setCurrentIndex(index)
        window.curves.catch_up()
        qtbot.wait(50)
        shown.append(picture(window))
    window.training.details_button.setChecked(True)
    qtbot.wait(50)
    return [*shown, picture(window)]


def change(looks: Looks, *names: str) -> None:
    """Without anything else in between."""
    for name in names:
        looks.set_theme(name)
        looks._change.finish()


def test_every_page_looks_as_if_the_window_had_begun_with_the_theme(
    looks: Looks, qapp: QApplication, qtbot: QtBot
) -> None:
    change(looks, "dark")
    changed = pages(looks._window, qtbot)
    expected = pages(begun_with(style.DARK, qapp, qtbot), qtbot)
    differing = [int((a != b).sum()) for a, b in zip(changed, expected, strict=True)]
    assert differing == [0] * len(expected)


def test_and_as_before_after_a_change_back(looks: Looks, qtbot: QtBot) -> None:
    before = pages(looks._window, qtbot)
    looks._window.training.details_button.setChecked(False)
    change(looks, "dark", "light")
    after = pages(looks._window, qtbot)
    assert all((a == b).all() for a, b in zip(before, after, strict=True))


def test_a_change_exchanges_no_style_sheet(looks: Looks, qapp: QApplication) -> None:
    """Of the window or the application: that alone would take several frames."""
    sheet = looks._window.styleSheet()
    change(looks, "dark")
    assert (qapp.styleSheet(), looks._window.styleSheet()) == ("", sheet)


def test_widgets_take_a_theme_one_after_the_other(
    looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []
    for name in ("canvas", "classes", "pad", "film", "samples", "training"):
        part = getattr(looks._window, name)
        monkeypatch.setattr(part, "set_theme", lambda _, name=name: taken.append(name))
    for _ in looks._take(style.DARK):
        assert len(taken) <= 1
        taken.clear()


def test_nothing_is_painted_until_all_is_changed_and_then_it_is_once(
    looks: Looks, qapp: QApplication, qtbot: QtBot
) -> None:
    window = looks._window
    qtbot.wait(100)
    paints = Paints(qapp, window)
    steps = looks._take(style.DARK)
    for _ in range(20):
        next(steps)
        paints.counts.clear()
        qapp.processEvents()
        assert not window.updatesEnabled()
        assert paints.counts == {}
    steps.close()  # it ends as after the last
    assert window.updatesEnabled()
    assert paints.counts[window.canvas] == paints.counts[window.pad] == 1
    qapp.removeEventFilter(paints)


def test_another_choice_in_the_middle_of_a_change_is_the_one_that_counts(
    looks: Looks, qtbot: QtBot
) -> None:
    window = looks._window
    looks.set_theme("dark")
    looks._change._step()
    with qtbot.waitSignal(looks.theme_changed):
        looks.set_theme("light")
    qtbot.waitUntil(window.updatesEnabled)
    assert window.theme is style.LIGHT
    assert window.palette().window().color() == style.LIGHT.window
    assert window.menus.themes["light"].isChecked()


def test_a_window_that_closes_in_the_middle_of_a_change_is_done_with_it(looks: Looks) -> None:
    looks.set_theme("dark")
    looks._change._step()
    looks.shut_down()
    assert not looks._change.busy
    assert looks._window.updatesEnabled()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_handle_of_a_slider_stands_out(looks: Looks, qtbot: QtBot, theme: str) -> None:
    change(looks, theme)
    brush = looks._window.pad._brush
    option = QStyleOptionSlider()
    brush.initStyleOption(option)
    part = QStyle.SubControl.SC_SliderHandle
    handle = brush.style().subControlRect(QStyle.ComplexControl.CC_Slider, option, part, brush)
    picture = brush.grab().toImage()
    assert picture.pixelColor(handle.center()) == style.THEMES[theme].accent


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_box_to_check_stands_out_checked_or_not(looks: Looks, qtbot: QtBot, theme: str) -> None:
    change(looks, theme)
    looks._window.training.set_state("idle")
    form = looks._window.training.form
    form.set_details_shown(True)
    colors, box = style.THEMES[theme], form._editors["compile"]
    assert isinstance(box, QCheckBox)
    option = QStyleOptionButton()
    box.initStyleOption(option)
    part = box.style().subElementRect(QStyle.SubElement.SE_CheckBoxIndicator, option, box)
    edge = QPoint(part.left(), part.center().y())
    assert box.grab().toImage().pixelColor(edge) == colors.muted
    box.setChecked(True)
    picture = box.grab().toImage()
    assert picture.pixelColor(edge) == colors.accent
    across = (picture.pixelColor(x, part.center().y()) for x in range(part.width()))
    assert max(abs(c.lightness() - colors.accent.lightness()) for c in across) > 60  # the tick
