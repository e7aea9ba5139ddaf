"""The palettes: legible, and told apart by people with any common kind of colour vision."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QIcon
from PySide6.QtWidgets import QApplication, QCheckBox, QMainWindow, QWidget
from pytestqt.qtbot import QtBot

from vae_explorer import paths
from vae_explorer.gui import style
from vae_explorer.gui.contrast import legible
from vae_explorer.gui.focus_ring import FocusRing
from vae_explorer.gui.style import DARK, LIGHT, Theme
from vae_explorer.gui.style_sheet import style_sheet

# Machado, Oliveira and Fernandes (2009), severity 1, for linear RGB
VISIONS = {
    "normal": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritan": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}  # fmt: skip
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


def linear(rgb: np.ndarray) -> np.ndarray:
    """sRGB in [0, 255] -> linear in [0, 1]."""
    values = rgb / 255.0
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """Linear RGB (n, 3) -> CIELAB under D65."""
    matrix = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = rgb @ matrix.T / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack(
        [116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1
    )


def contrast(first: QColor, second: QColor) -> float:
    """WCAG's ratio."""
    lights = [
        float(linear(np.array([c.red(), c.green(), c.blue()])) @ LUMINANCE) for c in (first, second)
    ]
    return (max(lights) + 0.05) / (min(lights) + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
@pytest.mark.parametrize("vision", VISIONS)
def test_ten_classes_are_told_apart(theme: Theme, vision: str) -> None:
    colors = lab(np.clip(linear(theme.class_rgb(10)) @ VISIONS[vision].T, 0, 1))
    for a, b in itertools.combinations(range(10), 2):
        assert np.linalg.norm(colors[a] - colors[b]) > 13, (a, b)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_texts_are_legible(theme: Theme) -> None:
    for ground in (theme.window, theme.panel, theme.raised):
        assert contrast(theme.text, ground) > 7
        assert contrast(theme.muted, ground) > 4.5
    assert contrast(theme.text, theme.chosen) > 7
    assert contrast(theme.on_accent, theme.accent) > 4.5
    for color in (theme.danger, theme.warning, theme.accent):
        assert contrast(color, theme.panel) > 4.5
    for color in theme.class_colors(10):
        assert contrast(color, theme.canvas) > 2.2


def test_more_classes_than_ten_have_colours_of_their_own() -> None:
    names = [color.name() for color in LIGHT.class_colors(47)]
    assert len(set(names)) == 47
    assert names[:10] == [c.name() for c in LIGHT.class_colors(10)]


def test_every_icon_that_is_used_is_there(qapp: QApplication) -> None:
    for path in (paths.resources() / "icons").glob("*.svg"):
        assert not style.icon(path.stem, LIGHT.text).isNull(), path.name


def solid_colors(icon: QIcon, mode: QIcon.Mode) -> set[str]:
    image = icon.pixmap(QSize(64, 64), mode).toImage()
    places = itertools.product(range(64), repeat=2)
    colors = (image.pixelColor(x, y) for x, y in places)
    return {color.name() for color in colors if color.alpha() == 255}


def test_an_icon_takes_the_colours_asked_for(qapp: QApplication) -> None:
    icon = style.icon("stop", QColor("#ff0000"), QColor("#00ff00"))
    assert solid_colors(icon, QIcon.Mode.Normal) == {"#ff0000"}
    assert solid_colors(icon, QIcon.Mode.Disabled) == {"#00ff00"}


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_a_button_that_is_disabled_looks_so(qtbot: QtBot, theme: Theme) -> None:
    button = style.tool_button("stop", "Stop", theme)
    qtbot.addWidget(button)
    assert solid_colors(button.icon(), QIcon.Mode.Normal) == {theme.text.name()}
    assert solid_colors(button.icon(), QIcon.Mode.Disabled) == {theme.disabled.name()}


@pytest.fixture
def own_palette(qapp: QApplication) -> Iterator[None]:
    before = qapp.palette()
    yield
    qapp.setPalette(before)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_a_button_that_is_on_and_one_that_has_the_focus_look_different(
    qtbot: QtBot, qapp: QApplication, own_palette: None, theme: Theme
) -> None:
    qapp.setPalette(style.make_palette(theme))
    window = QWidget()
    button = style.tool_button("sliders", "More", theme, checkable=True, parent=window)
    window.setStyleSheet(style_sheet())
    button.resize(40, 40)
    ring = FocusRing(window)
    qtbot.addWidget(window)
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()

    def ground_and_edge() -> tuple[str, str]:
        image = button.grab().toImage()
        return image.pixelColor(20, 5).name(), image.pixelColor(20, 1).name()

    button.setFocus(Qt.FocusReason.TabFocusReason)
    window.setAttribute(Qt.WidgetAttribute.WA_KeyboardFocusChange)  # as the key itself does
    ring._move(None, button)
    ground, edge = ground_and_edge()
    assert edge == theme.accent.name()
    button.setChecked(True)
    assert ground_and_edge() == (theme.chosen.name(), edge)
    button.clearFocus()
    assert ground_and_edge() == (theme.chosen.name(), theme.chosen.name())
    assert ground != theme.chosen.name()


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_the_style_sheet_is_read_in_a_folder_of_any_name(
    qtbot: QtBot,
    qapp: QApplication,
    own_palette: None,
    theme: Theme,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = tmp_path / "Jörg's (old) files 😀"
    shutil.copytree(paths.resources() / "icons", home / "icons")
    monkeypatch.setattr(paths, "resources", lambda: home)
    qapp.setPalette(style.make_palette(theme))
    window = QMainWindow()
    window.setProperty("dark", theme.is_dark)
    box = QCheckBox(window)
    window.setCentralWidget(box)
    window.setStyleSheet(style_sheet())
    qtbot.addWidget(window)
    box.setChecked(True)
    picture = box.grab().toImage()
    places = itertools.product(range(min(20, picture.width())), range(picture.height()))
    seen = {picture.pixelColor(x, y).name() for x, y in places}
    assert {theme.accent.name(), theme.on_accent.name()} <= seen


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_the_pictures_of_the_style_sheet_have_the_colours_of_the_theme(theme: Theme) -> None:
    colors = {"check": theme.on_accent, "chevron-up": theme.muted, "chevron-down": theme.muted}
    for name, color in colors.items():
        drawn = paths.icon(f"{name}-{theme.name}").read_text(encoding="utf-8")
        assert f'stroke="{color.name()}"' in drawn


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_what_can_be_clicked_has_an_edge_that_is_seen(theme: Theme) -> None:
    assert contrast(theme.outline, theme.panel) >= 3


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_large_letters_in_the_colour_of_a_class_are_legible(theme: Theme) -> None:
    for color in theme.class_colors(47):
        shown = legible(color, theme.panel)
        assert contrast(shown, theme.panel) >= 3
        if contrast(color, theme.panel) >= 3:
            assert shown.name() == color.name()


def test_an_arrow_key_is_written_as_in_the_menus() -> None:
    assert style.with_shortcut("One step", "Ctrl+Right") == "One step (Ctrl+→)"


def test_a_shortcut_is_named_in_the_tooltip() -> None:
    assert style.with_shortcut("Stop", None) == "Stop"
    assert style.with_shortcut("Stop", "Ctrl+.").startswith("Stop (")
