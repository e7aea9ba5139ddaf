"""The row above the latent canvas: its title, a switch for each layer, and the button that fits the view."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication, Qt, Signal
from PySide6.QtGui import QAction, QEnterEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QWidget

from vae_explorer.gui.menus import LAYER_KEYS
from vae_explorer.gui.style import HALF, Theme, retint, section_title, tool_button, with_shortcut

HEADER = 32  # pixels of height, with the gap below
_LAYER_TEXT = {
    "points": QT_TRANSLATE_NOOP("CanvasHeader", "Points"),
    "manifold": QT_TRANSLATE_NOOP("CanvasHeader", "Manifold"),
    "prior": QT_TRANSLATE_NOOP("CanvasHeader", "Prior"),
    "regions": QT_TRANSLATE_NOOP("CanvasHeader", "Regions"),
    "support": QT_TRANSLATE_NOOP("CanvasHeader", "Support"),
}
_LAYER_TIPS = {
    "points": QT_TRANSLATE_NOOP(
        "CanvasHeader",
        "Real images, each at the mean μ of its posterior q, in the colours of their classes",
    ),
    "manifold": QT_TRANSLATE_NOOP("CanvasHeader", "Decoded images as a background"),
    "prior": QT_TRANSLATE_NOOP("CanvasHeader", "The prior p(z) = N(0, I): circles at 1σ and 2σ"),
    "regions": QT_TRANSLATE_NOOP(
        "CanvasHeader",
        "The class that the classifier sees in the image decoded at each place, with the y selected",
    ),
    "support": QT_TRANSLATE_NOOP(
        "CanvasHeader", "Shades places far from every encoded image: decodes there mean little"
    ),
}

_TITLES = (  # the longest that fits
    QT_TRANSLATE_NOOP("CanvasHeader", "Latent space"),
    QT_TRANSLATE_NOOP("CanvasHeader", "Latent"),
    "",
)


def _tr(text: object) -> str:
    return QCoreApplication.translate("CanvasHeader", str(text))


class _Bar(QWidget):
    """Tells when the cursor comes: the canvas below is not left, for Qt, while it is over this part of it."""

    entered = Signal()

    def enterEvent(self, event: QEnterEvent) -> None:
        self.entered.emit()


class CanvasHeader:
    """Builds the row in a widget, and keeps it legible at every width."""

    def __init__(self, parent: QWidget, visible: Mapping[str, bool], theme: Theme) -> None:
        self.layers = {name: _layer_action(parent, name, shown) for name, shown in visible.items()}
        self._bar = _Bar(parent)
        self._bar.setCursor(Qt.CursorShape.ArrowCursor)
        self._row = QHBoxLayout(self._bar)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(2)
        self._title = section_title(_tr(_TITLES[0]))
        self._row.addWidget(self._title)
        self._row.addStretch(1)
        self._buttons = [self._layer_button(action) for action in self.layers.values()]
        self._more = QToolButton(self._bar)
        self._more.setText(_tr(QT_TRANSLATE_NOOP("CanvasHeader", "Layers")))
        self._more.setProperty("quiet", True)
        self._more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self._more)
        menu.addActions(list(self.layers.values()))
        self._more.setMenu(menu)
        self._row.addWidget(self._more)
        tip = _tr(QT_TRANSLATE_NOOP("CanvasHeader", "Fit the canvas (F)"))
        self._fit = tool_button("fit", tip, theme, parent=self._bar)
        self._row.addWidget(self._fit)

    def on_fit(self, slot: Callable[[], None]) -> None:
        """What the fit button does."""
        self._fit.clicked.connect(slot)

    def on_entered(self, slot: Callable[[], None]) -> None:
        """What is done when the cursor comes over the row."""
        self._bar.entered.connect(slot)

    def set_offered(self, name: str, why_not: str) -> None:
        """Offer a layer, or say in its tooltip why there is none."""
        action = self.layers[name]
        action.setEnabled(not why_not)
        action.setToolTip(why_not or _layer_tip(name))

    def set_theme(self, theme: Theme) -> None:
        """Take another look."""
        retint(self._fit, theme)

    def context_menu(self, parent: QWidget) -> QMenu:
        """A menu of the same actions."""
        menu = QMenu(parent)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(self._fit.accessibleName(), self._fit.click)
        menu.addSeparator()
        menu.addActions(list(self.layers.values()))
        return menu

    def arrange(self, width: int) -> None:
        """Fit into a width: the title goes first, then the layers move into a menu."""
        self._bar.setGeometry(0, 0, width, HEADER - HALF)
        buttons = sum(button.sizeHint().width() + 2 for button in self._buttons)
        other = self._fit.sizeHint().width() + 2 * HALF
        in_row = buttons + other <= width
        for button in self._buttons:
            button.setVisible(in_row)
        self._more.setVisible(not in_row)
        taken = other + (buttons if in_row else self._more.sizeHint().width())
        for title in _TITLES:
            self._title.setText(_tr(title))
            if taken + self._title.sizeHint().width() <= width:
                break

    def _layer_button(self, action: QAction) -> QToolButton:
        button = QToolButton(self._bar)
        button.setProperty("quiet", True)
        button.setDefaultAction(action)
        layer = _tr(QT_TRANSLATE_NOOP("CanvasHeader", "Layer: {}"))
        button.setAccessibleName(layer.format(action.text()))
        self._row.addWidget(button)
        return button


def _layer_action(parent: QWidget, name: str, visible: bool) -> QAction:
    action = QAction(_tr(_LAYER_TEXT[name]), parent)
    action.setCheckable(True)
    action.setChecked(visible)
    action.setToolTip(_layer_tip(name))
    action.setData(name)
    return action


def _layer_tip(name: str) -> str:
    return with_shortcut(_tr(_LAYER_TIPS[name]), LAYER_KEYS[name])
