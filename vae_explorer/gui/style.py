"""The look of the window: themes, class colours, spacing, fonts and icons.

Every colour in the window comes from a `Theme`; a widget that paints itself takes one through its
`set_theme(theme)` and keeps no colour of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from PySide6.QtCore import QByteArray, QPoint, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFont,
    QGuiApplication,
    QIcon,
    QKeySequence,
    QPainter,
    QPalette,
    QPixmap,
    QRegion,
)
from PySide6.QtWidgets import QApplication, QLabel, QStyleFactory, QToolButton, QWidget
from shiboken6 import isValid

_log = logging.getLogger(__name__)

# Spacing: everything sits on an 8-pixel grid; HALF is for things that belong together.
GRID: Final = 8
HALF: Final = GRID // 2
MARGIN: Final = GRID * 3 // 2
GAP: Final = GRID
RADIUS: Final = 6
ICON: Final = 18
CONTROL_HEIGHT: Final = 28
UNLIMITED: Final = 16777215  # pixels of a side: Qt's own QWIDGETSIZE_MAX

PROGRESS_BAR: Final = """
    QProgressBar { background: palette(button); border: none; border-radius: 4px; }
    QProgressBar::chunk { background: palette(highlight); border-radius: 4px; }
"""

# Font sizes in device-independent pixels, so that a layout is the same on every platform.
FONT_SMALL: Final = 12
FONT_BASE: Final = 13
FONT_TITLE: Final = 13
FONT_LARGE: Final = 16

# Class colours: hues of the Okabe-Ito and Tol families, moved by a search until all ten stay apart
# for the three common kinds of colour blindness and are legible on the theme's canvas.
_LIGHT_CLASSES: Final = (
    "#097887", "#dda024", "#10b873", "#b0303f", "#592a9b",
    "#6fa6cc", "#6b4200", "#bb6bdc", "#2e4578", "#7e9438",
)  # fmt: skip
_DARK_CLASSES: Final = (
    "#4d7fe3", "#fcd15c", "#26e6b8", "#d4505e", "#96afff",
    "#9ee0f4", "#d37a31", "#d389ab", "#a87bca", "#b3ca80",
)  # fmt: skip
_GOLDEN_ANGLE: Final = 137.508  # degrees: consecutive hues of a long list stay far apart


@dataclass(frozen=True, eq=False)
class Theme:
    """The named colours of one look."""

    name: str
    is_dark: bool
    window: QColor  # behind the panels
    panel: QColor  # a panel's own ground
    raised: QColor  # buttons, chips, fields on a panel
    hover: QColor  # the same under the cursor
    chosen: QColor  # ground of a button that is on
    canvas: QColor  # ground of plots and pictures
    border: QColor
    outline: QColor  # edge of what can be clicked or typed into, seen on a pale projector too
    track: QColor  # of a slider
    text: QColor
    muted: QColor  # captions, axes, explanations
    disabled: QColor
    accent: QColor
    on_accent: QColor  # text on the accent
    danger: QColor
    warning: QColor
    class_hexes: tuple[str, ...]

    def class_color(self, index: int) -> QColor:
        """The colour of class `index`; past the ten chosen by hand, colours are generated."""
        if index < len(self.class_hexes):
            return QColor(self.class_hexes[index])
        turn = index - len(self.class_hexes)
        hue = int(turn * _GOLDEN_ANGLE + 20) % 360
        lightness = (150, 185, 168)[turn % 3] if self.is_dark else (95, 130, 112)[turn % 3]
        return QColor.fromHsl(hue, (150, 210)[turn % 2], lightness)

    def class_colors(self, count: int) -> list[QColor]:
        """The colours of the first `count` classes."""
        return [self.class_color(i) for i in range(count)]

    def class_rgb(self, count: int) -> np.ndarray:
        """The same as an array: (count, 3) uint8."""
        rows = [(c.red(), c.green(), c.blue()) for c in self.class_colors(count)]
        return np.asarray(rows, dtype=np.uint8).reshape(count, 3)


LIGHT: Final = Theme(
    name="light",
    is_dark=False,
    window=QColor("#f3f4f6"),
    panel=QColor("#ffffff"),
    raised=QColor("#f3f4f6"),
    hover=QColor("#e6e9ee"),
    chosen=QColor("#c6d7f1"),
    canvas=QColor("#ffffff"),
    border=QColor("#d9dde3"),
    outline=QColor("#8b94a1"),
    track=QColor("#d0d6de"),
    text=QColor("#1c2026"),
    muted=QColor("#5d6673"),
    disabled=QColor("#a3abb6"),
    accent=QColor("#2563c9"),
    on_accent=QColor("#ffffff"),
    danger=QColor("#b42318"),
    warning=QColor("#9a5b00"),
    class_hexes=_LIGHT_CLASSES,
)

DARK: Final = Theme(
    name="dark",
    is_dark=True,
    window=QColor("#15181c"),
    panel=QColor("#1d2126"),
    raised=QColor("#292e35"),
    hover=QColor("#343b44"),
    chosen=QColor("#354a67"),
    canvas=QColor("#171a1e"),
    border=QColor("#343a42"),
    outline=QColor("#646d79"),
    track=QColor("#414953"),
    text=QColor("#e8eaed"),
    muted=QColor("#a0a8b3"),
    disabled=QColor("#666e79"),
    accent=QColor("#6ea8fe"),
    on_accent=QColor("#0d1420"),
    danger=QColor("#ff8a80"),
    warning=QColor("#f0b24a"),
    class_hexes=_DARK_CLASSES,
)

THEMES: Final = {"light": LIGHT, "dark": DARK}


def system_theme_name() -> str:
    """`dark` where the desktop asks for it, else `light`."""
    hints = QGuiApplication.styleHints()
    if hints is not None and hints.colorScheme() == Qt.ColorScheme.Dark:
        return "dark"
    return "light"


def apply_theme(app: QApplication, theme: Theme) -> None:
    """Give the application these colours; widgets that paint themselves get `set_theme`."""
    style = QStyleFactory.create("Fusion")
    if style is not None and app.style().name().lower() != "fusion":
        app.setStyle(style)
    app.setPalette(make_palette(theme))
    app.setFont(base_font())


def polish_again(window: QWidget) -> Iterator[None]:
    """Have the style sheet take its colours from the palette anew, a widget at a time."""
    nowhere = QPixmap(1, 1)
    for widget in (window, *window.findChildren(QWidget)):
        if not isValid(widget):  # deleted since
            continue
        widget.style().unpolish(widget)
        widget.style().polish(widget)
        if widget.isVisible():
            # Only a widget's first painting works its rules out, which for all at once takes two frames.
            QWidget.render(widget, nowhere, QPoint(), QRegion(), QWidget.RenderFlag(0))
        yield


def came_by_keyboard(event: QFocusEvent) -> bool:
    """Whether focus came by the keyboard: only then is there a ring to show where it is."""
    return event.reason() in (
        Qt.FocusReason.TabFocusReason,
        Qt.FocusReason.BacktabFocusReason,
        Qt.FocusReason.ShortcutFocusReason,
    )


def configure_pyqtgraph() -> None:
    """The plot library's options. Call once, after the application object exists."""
    import pyqtgraph  # takes a while: not at import time

    pyqtgraph.setConfigOptions(imageAxisOrder="row-major", antialias=False, useOpenGL=False)


def make_palette(theme: Theme) -> QPalette:
    """The Qt palette of a theme."""
    palette = QPalette()
    role = QPalette.ColorRole
    for key, color in {
        role.Window: theme.window,
        role.WindowText: theme.text,
        role.Base: theme.panel,
        role.AlternateBase: theme.chosen,  # no table here has stripes
        role.Text: theme.text,
        role.Button: theme.raised,
        role.ButtonText: theme.text,
        role.BrightText: theme.danger,
        role.ToolTipBase: theme.raised,
        role.ToolTipText: theme.text,
        role.PlaceholderText: theme.muted,
        role.Highlight: theme.accent,
        role.HighlightedText: theme.on_accent,
        role.Link: theme.accent,
        role.Mid: theme.border,
        role.Light: theme.track,
        role.Midlight: theme.hover,
        role.Dark: theme.outline,
        role.Accent: theme.accent,
        role.LinkVisited: theme.muted,  # there are no links: these two are what the style sheet
        role.Shadow: theme.disabled,  # calls the colours that have no role of their own
    }.items():
        palette.setColor(key, color)
    group = QPalette.ColorGroup.Disabled
    for key in (role.Text, role.WindowText, role.ButtonText, role.HighlightedText):
        palette.setColor(group, key, theme.disabled)
    palette.setColor(group, role.Highlight, theme.border)
    return palette


def base_font() -> QFont:
    """The system's own face at the window's base size."""
    return _font(FONT_BASE)


def small_font() -> QFont:
    """Captions and axis labels."""
    return _font(FONT_SMALL)


def title_font() -> QFont:
    """Section titles: semibold, in the text's own size."""
    return _font(FONT_TITLE, QFont.Weight.DemiBold)


def number_font(pixels: int) -> QFont:
    """Digits of one width, so that live numbers do not dance."""
    font = _font(pixels)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def _font(pixels: int, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    font = QFont(QGuiApplication.font())
    font.setPixelSize(pixels)
    font.setWeight(weight)
    return font


def section_title(text: str, parent: QWidget | None = None) -> QLabel:
    """A panel's title."""
    label = QLabel(text, parent)
    label.setFont(title_font())
    return label


def muted_label(text: str, parent: QWidget | None = None, *, wrap: bool = False) -> QLabel:
    """A caption or an explanation, in the quieter colour."""
    label = QLabel(text, parent)
    label.setProperty("muted", True)
    label.setFont(small_font())
    label.setWordWrap(wrap)
    return label


def tool_button(
    icon_name: str,
    tooltip: str,
    theme: Theme,
    *,
    shortcut: str | QKeySequence.StandardKey | None = None,
    checkable: bool = False,
    parent: QWidget | None = None,
) -> QToolButton:
    """A quiet icon button; its tooltip names the shortcut."""
    button = QToolButton(parent)
    button.setProperty("quiet", True)
    button.setProperty("icon_name", icon_name)
    retint(button, theme)
    button.setIconSize(QSize(ICON, ICON))
    button.setCheckable(checkable)
    button.setAccessibleName(tooltip)
    button.setToolTip(with_shortcut(tooltip, shortcut))
    if shortcut is not None:
        button.setShortcut(QKeySequence(shortcut))
    return button


def retint(button: QToolButton, theme: Theme) -> None:
    """Draw a `tool_button`'s icon in the theme's text colour; call from `set_theme`."""
    button.setIcon(icon(str(button.property("icon_name")), theme.text, theme.disabled))


def with_shortcut(text: str, shortcut: str | QKeySequence.StandardKey | None) -> str:
    """`text (Ctrl+S)`, in the platform's own writing of the keys."""
    keys = "" if shortcut is None else key_words(shortcut)
    return f"{text} ({keys})" if keys else text


def key_words(shortcut: str | QKeySequence | QKeySequence.StandardKey) -> str:
    """A shortcut in the platform's own writing: Ctrl+S, or ⌘S on macOS."""
    keys = QKeySequence(shortcut).toString(QKeySequence.SequenceFormat.NativeText)
    return keys.replace("Right", "→")  # as in the menus


def icon(name: str, color: QColor, disabled: QColor | None = None) -> QIcon:
    """A bundled icon, drawn in `color`; where the file is missing, an empty icon and a log line.

    disabled: its colour on a button that is; Qt's own is hardly another on a dark ground.
    """
    return _icon(name, color.name(), (disabled or color).name())


@lru_cache(maxsize=256)
def _icon(name: str, color: str, disabled: str) -> QIcon:
    from PySide6.QtSvg import QSvgRenderer

    from vae_explorer import paths

    path = paths.icon(name)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        _log.warning("icon %s cannot be read: %s", name, error)
        return QIcon()
    renderer = QSvgRenderer(QByteArray(text.replace("currentColor", color).encode()))
    result = QIcon()
    for size in (16, 18, 24, 36, 48, 64):
        pixmap = QPixmap(size, size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        renderer.render(painter, QRectF(0, 0, size, size))
        painter.end()
        result.addPixmap(pixmap)
        painter.begin(pixmap)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
        painter.fillRect(pixmap.rect(), QColor(disabled))
        painter.end()
        result.addPixmap(pixmap, QIcon.Mode.Disabled)
    return result
