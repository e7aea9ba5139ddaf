"""The window's menus. Every action is an attribute; the controllers connect them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

from vae_explorer.gui.model_card import title_of
from vae_explorer.gui.recipes import recipes

SCALES = (100, 125, 150, 175, 200)  # percent: for a projector, or eyes that want more
LAYER_KEYS = {
    "points": "Ctrl+1",
    "manifold": "Ctrl+2",
    "prior": "Ctrl+3",
    "regions": "Ctrl+4",
    "support": "Ctrl+5",
}


def full_screen_keys() -> list[QKeySequence]:
    """F11 in front, but on macOS, where the system takes it before any program."""
    usual, f11 = QKeySequence.keyBindings(QKeySequence.StandardKey.FullScreen), QKeySequence("F11")
    if sys.platform == "darwin":
        return usual
    return [f11, *(keys for keys in usual if keys != f11)]


class Menus:
    """File, Edit, View, Training and Help."""

    def __init__(self, window: QMainWindow) -> None:
        self._window = window
        self._build_file()
        self._build_edit()
        self._build_view()
        self._build_training()
        self._build_help()

    def set_recent(self, paths: Sequence[Path], opener: Callable[[Path], None]) -> None:
        """List the files opened lately."""
        self._refill(self.recent_menu, paths, opener, self._tr("No recent models"))

    def set_bundled(self, paths: Sequence[Path], opener: Callable[[Path], None]) -> None:
        """List the models that ship with the program."""
        self._refill(self.bundled_menu, paths, opener, self._tr("No bundled models"))

    def mark_open(self, path: Path | None) -> None:
        """Tick the model that is open, where it is listed."""
        for action in self.bundled_menu.actions() + self.recent_menu.actions():
            action.setChecked(action.isCheckable() and action.data() == str(path))

    def _refill(
        self, menu: QMenu, paths: Sequence[Path], opener: Callable[[Path], None], empty: str
    ) -> None:
        menu.clear()
        for path in paths:
            title = title_of(path, bundled=menu is self.bundled_menu)
            action = QAction(title, self._window, checkable=True)
            action.setToolTip(str(path))
            action.setData(str(path))
            action.triggered.connect(lambda _checked=False, path=path: opener(path))
            menu.addAction(action)
        if not paths:
            menu.addAction(empty).setEnabled(False)

    def set_theme_name(self, name: str) -> None:
        """Mark the theme in force: `system`, `light` or `dark`."""
        self.themes[name].setChecked(True)

    def set_scale(self, percent: int) -> None:
        """Mark the size that everything has from the next start on."""
        if percent in self.scales:
            self.scales[percent].setChecked(True)

    def set_layer(self, name: str, visible: bool) -> None:
        """Mark a canvas layer as shown or hidden, without sending signals."""
        action = self.layers[name]
        action.blockSignals(True)
        action.setChecked(visible)
        action.blockSignals(False)

    # -- building --------------------------------------------------------------------------

    def _build_file(self) -> None:
        key = QKeySequence.StandardKey
        menu = self._menu(self._tr("&File"))
        self.open = self._action(menu, self._tr("&Open model…"), key.Open)
        self.bundled_menu = menu.addMenu(self._tr("&Bundled models"))
        self.recent_menu = menu.addMenu(self._tr("Open &recent"))
        self.recent_menu.setToolTipsVisible(True)  # where a file lies
        menu.addSeparator()
        self.save = self._action(menu, self._tr("&Save model"), key.Save)
        self.save_as = self._action(menu, self._tr("Save model &as…"), "Ctrl+Shift+S")
        menu.addSeparator()
        export = menu.addMenu(self._tr("&Export"))
        self.export_canvas = self._action(export, self._tr("Canvas as a picture…"), "Ctrl+E")
        self.export_grid = self._action(export, self._tr("Manifold grid…"))
        self.export_image = self._action(export, self._tr("Decoded image…"))
        self.export_samples = self._action(export, self._tr("Random samples…"))
        self.export_path = self._action(export, self._tr("Path as a film…"))
        self.export_training = self._action(export, self._tr("Training as a film…"))
        self.export_figure = self._action(export, self._tr("The lecture's figure…"))
        self.export_curves = self._action(export, self._tr("Curves…"))
        menu.addSeparator()
        self.quit = self._action(menu, self._tr("&Quit"), "Ctrl+Q")
        self.quit.setMenuRole(QAction.MenuRole.QuitRole)

    def _build_edit(self) -> None:
        key = QKeySequence.StandardKey
        menu = self._menu(self._tr("&Edit"))
        self.undo = self._action(menu, self._tr("&Undo drawing"), key.Undo)
        self.redo = self._action(menu, self._tr("&Redo drawing"), key.Redo)
        self.clear = self._action(menu, self._tr("C&lear drawing"), "Ctrl+Backspace")
        menu.addSeparator()
        self.copy_image = self._action(menu, self._tr("&Copy decoded image"), "Ctrl+Shift+C")
        self.paste = self._action(menu, self._tr("&Paste a picture to the drawing"), key.Paste)
        self.unpin = self._action(menu, self._tr("&Unpin"), "Ctrl+U")
        self.unpin.setEnabled(False)

    def _build_view(self) -> None:
        menu = self._menu(self._tr("&View"))
        self.fit = self._action(menu, self._tr("&Fit the canvas"), "F")
        layers = menu.addMenu(self._tr("&Layers"))
        self.layers: dict[str, QAction] = {}
        for name, title in {
            "points": self._tr("&Points"),
            "manifold": self._tr("&Manifold"),
            "prior": self._tr("P&rior"),
            "regions": self._tr("&Regions"),
            "support": self._tr("&Support"),
        }.items():
            action = self._action(layers, title, LAYER_KEYS[name])
            action.setCheckable(True)
            self.layers[name] = action
        self.axes_menu = menu.addMenu(self._tr("&Axes"))
        self.principal = self._action(self.axes_menu, self._tr("&Principal plane"), "Ctrl+P")
        self.strongest = self._action(self.axes_menu, self._tr("The two strongest dimensions"))
        self.spherical = self._action(menu, self._tr("Paths along the s&phere (d > 2)"))
        self.spherical.setCheckable(True)
        self.spherical.setChecked(True)
        menu.addSeparator()
        themes = menu.addMenu(self._tr("&Theme"))
        group = QActionGroup(self._window)
        self.themes: dict[str, QAction] = {}
        for name, title in {
            "system": self._tr("As the &system"),
            "light": self._tr("&Light"),
            "dark": self._tr("&Dark"),
        }.items():
            action = self._action(themes, title)
            action.setCheckable(True)
            group.addAction(action)
            self.themes[name] = action
        self.scales_menu = menu.addMenu(self._tr("Si&ze of everything"))
        scale_group = QActionGroup(self._window)
        self.scales: dict[int, QAction] = {}
        for percent in SCALES:
            action = self._action(self.scales_menu, f"{percent} %")
            action.setCheckable(True)
            scale_group.addAction(action)
            self.scales[percent] = action
        menu.addSeparator()
        self.full_screen = self._action(menu, self._tr("F&ull screen"))
        self.full_screen.setShortcuts(full_screen_keys())
        self.full_screen.setCheckable(True)
        self.reset_layout = self._action(menu, self._tr("&Reset the layout"))

    def _build_training(self) -> None:
        self.training_menu = menu = self._menu(self._tr("&Training"))
        # Space and the arrow keys below belong to whatever has the focus; the tab only shows them
        self.start = self._action(menu, self._tr("&Start, pause or resume") + "\tSpace")
        self.step = self._action(menu, self._tr("One s&tep") + "\tCtrl+→")
        self.epoch = self._action(menu, self._tr("One &epoch") + "\tCtrl+Shift+→")
        self.stop = self._action(menu, self._tr("St&op") + "\tCtrl+.")
        self.go_on = self._action(menu, self._tr("&Continue the stopped training"))
        self.go_on.setEnabled(False)
        menu.addSeparator()
        recipe_menu = menu.addMenu(self._tr("&Recipes"))
        self.recipes = []
        for recipe in recipes():
            action = self._action(recipe_menu, recipe.title)
            action.setToolTip(recipe.note)
            self.recipes.append(action)
        recipe_menu.setToolTipsVisible(True)
        menu.addSeparator()
        self.evaluate = self._action(menu, self._tr("E&valuate on the test images"))

    def _build_help(self) -> None:
        menu = self._menu(self._tr("&Help"))
        self.shortcuts = self._action(menu, self._tr("&Keys and gestures"), "F1")
        self.card = self._action(menu, self._tr("About this &model"))
        self.about = self._action(menu, self._tr("&About VAE Explorer"))
        self.about.setMenuRole(QAction.MenuRole.AboutRole)

    def _menu(self, title: str) -> QMenu:
        menu = self._window.menuBar().addMenu(title)
        menu.setToolTipsVisible(True)
        return menu

    def _action(
        self, menu: QMenu, text: str, shortcut: str | QKeySequence.StandardKey | None = None
    ) -> QAction:
        action = QAction(text, self._window)
        # By their first word alone macOS would move some to the menu of the application, such as "About this model"
        action.setMenuRole(QAction.MenuRole.NoRole)
        if isinstance(shortcut, QKeySequence.StandardKey):
            action.setShortcuts(shortcut)  # all that people know it by, such as Ctrl+Y for redo
        elif shortcut is not None:
            action.setShortcut(QKeySequence(shortcut))
        menu.addAction(action)
        return action

    def _tr(self, text: str) -> str:
        return self._window.tr(text)
