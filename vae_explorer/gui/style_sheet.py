"""The style sheet of the window, for both themes at once."""

from __future__ import annotations

from PySide6.QtCore import QDir

from vae_explorer import paths
from vae_explorer.gui.style import DARK, LIGHT, RADIUS, Theme

_FOLDER = "icons"  # a search path: an umlaut or quote in a folder's own name makes the sheet unread


def style_sheet() -> str:
    """What the palette cannot say: flat panels, flat buttons, a focus ring that can be seen.

    It is the same for every theme, for Qt takes a quarter of a second to exchange one: colours are
    named by their role in the palette, and pictures chosen by the window's property `dark`.
    """
    QDir.setSearchPaths(_FOLDER, [str(paths.resources() / "icons")])
    light, dark = (_picture_rules(theme) for theme in (LIGHT, DARK))
    return f"""
    QFrame[panel="true"] {{ background: palette(base); border: 1px solid palette(mid);
        border-radius: {RADIUS + 2}px; }}
    QLabel {{ background: transparent; }}
    QLabel[muted="true"] {{ color: palette(link-visited); }}
    QToolTip {{ background: palette(button); color: palette(text); border: 1px solid palette(mid);
        padding: 4px 6px; }}
    QPushButton, QToolButton {{ background: palette(button); border: 1px solid palette(dark);
        border-radius: {RADIUS}px; padding: 4px 12px; outline: none; }}
    QPushButton:disabled, QToolButton:disabled {{ border-color: palette(mid); }}
    QToolButton {{ padding: 3px; }}
    QToolButton[quiet="true"] {{ background: transparent; }}
    QToolButton[icon_name] {{ border-color: transparent; }}
    QPushButton:hover, QToolButton:hover, QToolButton[quiet="true"]:hover
        {{ background: palette(midlight); }}
    QPushButton:pressed, QToolButton:pressed {{ background: palette(mid); }}
    QToolButton:checked, QToolButton[quiet="true"]:checked
        {{ background: palette(alternate-base); border-color: transparent; }}
    QPushButton[ringed="true"], QToolButton[ringed="true"], QToolButton[ringed="true"]:checked,
    QToolButton[quiet="true"][ringed="true"]:checked
        {{ border: 2px solid palette(highlight); }}
    QPushButton[ringed="true"] {{ padding: 3px 11px; }}
    QToolButton[ringed="true"] {{ padding: 2px; }}
    QPushButton[primary="true"] {{ font-weight: 600; }}
    QPushButton[primary="true"]:enabled {{ background: palette(highlight);
        color: palette(highlighted-text); border-color: palette(highlight); }}
    QPushButton[primary="true"][ringed="true"] {{ border-color: palette(text); }}
    QTabWidget::pane {{ border: none; }}
    QTabBar {{ qproperty-drawBase: 0; outline: none; }}
    QTabBar::tab {{ background: transparent; color: palette(link-visited);
        border: 2px solid transparent; padding: 2px 4px 4px 4px; margin-right: 8px; }}
    QTabBar::tab:selected {{ color: palette(text); border-bottom-color: palette(highlight); }}
    QTabBar::tab:hover {{ color: palette(text); }}
    QTabBar[ringed="true"]::tab:selected {{ border-color: palette(highlight);
        border-radius: {RADIUS - 2}px; }}
    QComboBox, QSpinBox, QLineEdit {{ background: palette(button); border: 1px solid palette(dark);
        border-radius: {RADIUS - 2}px; padding: 2px 6px; min-height: 18px;
        selection-background-color: palette(highlight);
        selection-color: palette(highlighted-text); }}
    QComboBox:hover, QSpinBox:hover, QLineEdit:hover {{ background: palette(midlight); }}
    QComboBox:disabled, QSpinBox:disabled, QLineEdit:disabled {{ border-color: palette(mid); }}
    QComboBox:focus, QSpinBox:focus, QLineEdit:focus {{ border-color: palette(highlight); }}
    QComboBox {{ padding-right: 7px; }}
    QLineEdit {{ padding: 2px 4px; }}
    QComboBox::drop-down {{ border: none; width: 14px; }}
    QComboBox::down-arrow {{ width: 12px; height: 12px; }}
    QComboBox QAbstractItemView {{ background: palette(base); color: palette(text);
        border: 1px solid palette(mid); selection-background-color: palette(midlight);
        selection-color: palette(text); outline: none; }}
    QSpinBox::up-button, QSpinBox::down-button {{ border: none; width: 18px; }}
    QSpinBox::up-arrow, QSpinBox::down-arrow {{ width: 10px; height: 10px; }}
    QCheckBox::indicator {{ width: 14px; height: 14px; background: palette(button);
        border: 1px solid palette(link-visited); border-radius: {RADIUS - 2}px; }}
    QCheckBox::indicator:hover {{ background: palette(midlight); }}
    QCheckBox::indicator:checked {{ background: palette(highlight);
        border-color: palette(highlight); }}
    QCheckBox::indicator:focus {{ border-color: palette(highlight); }}
    QCheckBox::indicator:checked:focus {{ border-color: palette(text); }}
    QCheckBox::indicator:disabled {{ border-color: palette(mid); }}
    QCheckBox::indicator:checked:disabled {{ background: palette(shadow); }}
    {light} {dark}
    QSlider::groove:horizontal {{ background: palette(light); height: 4px; border-radius: 2px; }}
    QSlider::sub-page:horizontal {{ background: palette(highlight); border-radius: 2px; }}
    QSlider::handle:horizontal {{ background: palette(highlight); width: 8px; height: 8px;
        margin: -4px 0; border: 2px solid palette(highlight); border-radius: 6px; }}
    QSlider::handle:horizontal:focus {{ border-color: palette(text); }}
    QSlider::sub-page:disabled, QSlider::handle:horizontal:disabled
        {{ background: palette(shadow); border-color: palette(shadow); }}
    QScrollBar:vertical {{ background: transparent; width: 8px; margin: 0; }}
    QScrollBar::handle:vertical {{ background: palette(dark); border-radius: 4px;
        min-height: 24px; }}
    QScrollBar::handle:vertical:hover {{ background: palette(link-visited); }}
    QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
    QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
    QSplitter::handle {{ background: transparent; }}
    QSplitter::handle:hover {{ background: palette(mid); }}
    QScrollArea {{ border: none; background: transparent; }}
    QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
    QMenuBar {{ background: palette(window); color: palette(text); }}
    QMenuBar::item {{ padding: 4px 10px; background: transparent; }}
    QMenuBar::item:selected {{ background: palette(midlight); border-radius: 4px; }}
    """


def _picture_rules(theme: Theme) -> str:
    """A style sheet takes pictures from files alone: these have the theme's colours in them."""
    names = ("chevron-up", "chevron-down", "check")
    up, down, check = (f"{_FOLDER}:{name}-{theme.name}.svg" for name in names)
    within = f'QMainWindow[dark="{str(theme.is_dark).lower()}"]'
    return f"""
    {within} QComboBox::down-arrow, {within} QSpinBox::down-arrow {{ image: url({down}); }}
    {within} QSpinBox::up-arrow {{ image: url({up}); }}
    {within} QCheckBox::indicator:checked {{ image: url({check}); }}
    """
