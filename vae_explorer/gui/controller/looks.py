"""The theme, and the two boxes that tell about the program."""

from __future__ import annotations

import platform
from collections.abc import Generator
from html import escape
from importlib.metadata import PackageNotFoundError, version

from PySide6.QtCore import QObject, QSettings, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget

import vae_explorer
from vae_explorer.gui import style
from vae_explorer.gui.controller.reporting import text_box
from vae_explorer.gui.idle import IdleQueue
from vae_explorer.gui.main_window import FRAME, MINIMUM_SIZE, MainWindow
from vae_explorer.gui.style import Theme, key_words


class Looks(QObject):
    """Follows the system's theme, or the one that was chosen and is remembered."""

    theme_changed = Signal()

    def __init__(self, window: MainWindow, settings: QSettings, asked: str | None) -> None:
        super().__init__(window)
        self._window, self._settings = window, settings
        self._asked = asked  # on the command line: for this time only
        self._change = IdleQueue(self, interval=1)
        menus = window.menus
        for action in menus.themes.values():
            action.triggered.connect(self._on_action)
        self._scale = self.scale  # at which this window was started
        for action in menus.scales.values():
            action.triggered.connect(self._on_scale)
        menus.scales_menu.setToolTipsVisible(True)
        menus.scales_menu.aboutToShow.connect(self._offer_scales)
        menus.set_scale(self._scale)
        menus.full_screen.triggered.connect(window.set_full_screen)
        menus.about.triggered.connect(self.show_about)
        menus.shortcuts.triggered.connect(self.show_keys)
        menus.set_theme_name(self.choice)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._on_system_theme)

    @property
    def choice(self) -> str:
        """`light`, `dark` or `system`."""
        return self._asked or str(self._settings.value("theme", "system"))

    def set_theme(self, name: str) -> None:
        """Take `light`, `dark` or `system` from now on."""
        self._asked = None
        self._settings.setValue("theme", name)
        self._window.menus.set_theme_name(name)
        self._apply(name)

    @property
    def scale(self) -> int:
        """The size of everything from the next start on, in percent."""
        return self._settings.value("scale", 100, int)  # type: ignore[return-value]

    def shut_down(self) -> None:
        """The window is closing."""
        self._change.drop()

    def _on_scale(self) -> None:
        for percent, action in self._window.menus.scales.items():
            if action is self.sender():
                self._settings.setValue("scale", percent)
                self._settings.sync()
                if self._settings.status() == QSettings.Status.AccessError:
                    return  # nothing is promised that cannot be remembered
                told = self.tr("Everything is shown at {0} % when the explorer is opened again.")
                self._window.banner.show_message(told.format(percent), "info")

    def _offer_scales(self) -> None:
        """Only sizes at which all parts of the window fit the screen at once."""
        room = self._window.screen().availableSize() * (self._scale / 100)
        for percent, action in self._window.menus.scales.items():
            least = (QSize(*MINIMUM_SIZE) + QSize(*FRAME)) * (percent / 100)
            fits = least.width() <= room.width() and least.height() <= room.height()
            action.setEnabled(fits or percent == 100)
            needs = self.tr("Needs a screen of {0} × {1}").format(least.width(), least.height())
            action.setToolTip(f"{percent} %" if action.isEnabled() else needs)

    def _on_action(self) -> None:
        for name, action in self._window.menus.themes.items():
            if action is self.sender():
                self.set_theme(name)

    def _on_system_theme(self) -> None:
        if self.choice == "system":
            self._apply("system")

    def _apply(self, name: str) -> None:
        theme = style.THEMES[style.system_theme_name() if name == "system" else name]
        self._change.run("theme", self._take(theme))

    def _take(self, theme: Theme) -> Generator[None, None, None]:
        """Change the theme in slices of a frame; all is painted when it is done."""
        window, app = self._window, QApplication.instance()
        for part in window.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly):
            part.update()  # Qt would paint every widget twice at the end, were not all dirty now
        window.setUpdatesEnabled(False)
        try:
            if isinstance(app, QApplication):
                style.apply_theme(app, theme)
            yield
            yield from window.take_theme(theme)
            yield
            self.theme_changed.emit()
            yield
            yield from style.polish_again(window)
        finally:
            window.setUpdatesEnabled(True)
            window.repaint()

    def show_about(self) -> None:
        """Versions, for a bug report: they can be marked and copied."""
        rows = [("Python", platform.python_version())]
        rows += [(name, _version(name)) for name in ("PySide6-Essentials", "torch", "pyqtgraph")]
        rows.append((self.tr("System"), f"{platform.system()} {platform.release()}"))
        body = self.tr("Train variational autoencoders, and walk around in what they have learned.")
        title = f"<h3>VAE Explorer {vae_explorer.__version__}</h3>"
        text = f"{title}<p>{body}</p>{_table(rows)}"
        box = text_box(self._window, self.tr("About VAE Explorer"), text)
        box.setIconPixmap(QGuiApplication.windowIcon().pixmap(64, 64))
        box.exec()

    def show_keys(self) -> None:
        """Keys and gestures, in one table."""
        canvas, rest = (
            f"<h3>{title}</h3>{_table(rows)}"
            for title, rows in (
                (self.tr("On the canvas"), self._canvas_keys()),
                (self.tr("Everywhere"), self._other_keys()),
            )
        )
        gap = "&nbsp;" * 6
        table = f"<table><tr><td>{canvas}</td><td>{gap}</td><td>{rest}</td></tr></table>"
        text_box(self._window, self.tr("Keys and gestures"), table).exec()

    def _canvas_keys(self) -> list[tuple[str, str]]:
        return [
            (self.tr("Move"), self.tr("decode live")),
            (self.tr("Click"), self.tr("pin a point")),
            (self.tr("Double click on a dot"), self.tr("take that image: its z and its y")),
            (self.tr("Drag"), self.tr("pull the pin along")),
            (self.tr("Shift + drag"), self.tr("draw a path from A to B")),
            (self.tr("Right or middle drag"), self.tr("move the view")),
            (self.tr("Wheel, + and −"), self.tr("zoom about the cursor")),
            (self.tr("Arrow keys"), self.tr("step the pin")),
            ("F", self.tr("fit the canvas")),
            (f"{key_words('Ctrl+1')} … 5", self.tr("switch the layers")),
            ("Esc", self.tr("unpin")),
        ]

    def _other_keys(self) -> list[tuple[str, str]]:
        return [
            ("0 … 9", self.tr("choose the class")),
            (self.tr("Space"), self.tr("start or pause training")),
            (key_words("Ctrl+Right"), self.tr("one training step")),
            (key_words("Ctrl+Shift+Right"), self.tr("one epoch")),
            (key_words("Ctrl+."), self.tr("stop the training")),
            (key_words("Ctrl+Z"), self.tr("undo a stroke")),
            (key_words("Ctrl+V"), self.tr("paste a picture to the drawing")),
            (key_words("Ctrl+Shift+C"), self.tr("copy the decoded image")),
            (f"{key_words('Ctrl+O')}, {key_words('Ctrl+S')}", self.tr("open or save a model")),
            (key_words(self._window.menus.full_screen.shortcut()), self.tr("full screen")),
            ("Esc", self.tr("dismiss a message")),
        ]


def _table(rows: list[tuple[str, str]]) -> str:
    lines = "".join(
        f"<tr><td><b>{escape(name)}</b>&nbsp;&nbsp;&nbsp;</td><td>{escape(said)}</td></tr>"
        for name, said in rows
    )
    return f"<table cellspacing=4 style='white-space: nowrap; margin-top: 8px'>{lines}</table>"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "?"
