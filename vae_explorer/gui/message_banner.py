"""The one path by which the window speaks of trouble: a line over its top edge, never a dialog."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from vae_explorer.gui import style
from vae_explorer.gui.style import Theme

NEWS_MS = 10_000  # for which good news is shown
MessageKind = Literal["info", "error"]


class MessageBanner(QFrame):
    """One message at a time; a traceback, where there is one, can be copied. Good news leaves by itself."""

    shown = Signal()  # what it says may need another height
    action_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._kind: MessageKind = "info"
        self._details = ""
        self._leaving = QTimer(self)
        self._leaving.setSingleShot(True)
        self._leaving.setInterval(NEWS_MS)
        self._leaving.timeout.connect(self.dismiss)
        self.setObjectName("message-banner")
        self.setAccessibleName(self.tr("Message"))
        self._label = QLabel(self)
        self._label.setWordWrap(True)
        self._label.setTextFormat(Qt.TextFormat.PlainText)  # a file may be called what HTML is
        self._label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._action = QPushButton(self)
        self._action.setAccessibleName(self.tr("What can be done about it"))
        self._action.clicked.connect(self.action_requested)
        self._copy = QPushButton(self.tr("Copy details"), self)
        self._copy.setToolTip(self.tr("Copy what a developer needs to find the cause"))
        self._copy.clicked.connect(self.copy_details)
        self._close = QPushButton(self.tr("Dismiss"), self)
        self._close.setToolTip(style.with_shortcut(self.tr("Dismiss the message"), "Esc"))
        self._close.clicked.connect(self.dismiss)
        escape = QShortcut(QKeySequence(Qt.Key.Key_Escape), self)
        escape.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        escape.activated.connect(self.dismiss)
        row = QHBoxLayout(self)
        row.setContentsMargins(style.MARGIN, style.HALF, style.HALF, style.HALF)
        row.setSpacing(style.GAP)
        row.addWidget(self._label, 1)
        for button in (self._action, self._copy, self._close):
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()
        self.set_theme(theme)

    def show_message(
        self,
        text: str,
        kind: MessageKind = "error",
        details: str | None = None,
        action: str | None = None,
    ) -> None:
        """Show a sentence, in place of any before it.

        `details` is kept for the copy button; `action` names a button, which sends
        `action_requested`.
        """
        self._kind = kind
        self._details = details or ""
        self._label.setText(text)
        self._label.setAccessibleName(text)
        self._copy.setVisible(bool(details))
        self._action.setVisible(bool(action))
        self._action.setText(action or "")
        self.set_theme(self._theme)
        self.show()
        self.raise_()
        self.shown.emit()
        if kind == "info" and not action:  # what asks for a decision waits for it
            self._leaving.start()
        else:
            self._leaving.stop()

    def dismiss(self) -> None:
        """Take the message away."""
        self._leaving.stop()
        if self.isHidden():
            return
        self.hide()
        self._details = ""

    def text(self) -> str:
        """The sentence on show, or an empty string."""
        return "" if self.isHidden() else self._label.text()

    def kind(self) -> MessageKind:
        """What kind of message was shown last."""
        return self._kind

    def details(self) -> str:
        """The traceback of the message on show."""
        return self._details

    def copy_details(self) -> None:
        """Put the sentence and its traceback on the clipboard."""
        QGuiApplication.clipboard().setText(f"{self._label.text()}\n\n{self._details}")

    def set_theme(self, theme: Theme) -> None:
        """Colour the edge by the kind of message; the text stays in the text colour."""
        self._theme = theme
        edge = theme.danger if self._kind == "error" else theme.accent
        self.setStyleSheet(
            f"#message-banner {{ background: {theme.panel.name()};"
            f" border: 1px solid {edge.name()}; border-left-width: 4px;"
            f" border-radius: {style.RADIUS}px; }}"
        )
