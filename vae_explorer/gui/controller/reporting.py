"""The one path by which trouble reaches the user: known problems as a sentence, others to copy."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Callable
from types import TracebackType

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from vae_explorer.engine.errors import EngineError, ModelFileError
from vae_explorer.gui.message_banner import MessageBanner, MessageKind

_log = logging.getLogger(__name__)


class Reporter(QObject):
    """Shows errors in the banner. May be called from any thread."""

    _arrived = Signal(object, str)

    def __init__(self, banner: MessageBanner, parent: QObject) -> None:
        super().__init__(parent)
        self._banner = banner
        self._remedy: Callable[[], None] | None = None
        banner.action_requested.connect(self._on_action)
        self._arrived.connect(self._show, Qt.ConnectionType.AutoConnection)

    def error(self, error: BaseException, details: str | None = None) -> None:
        """Show an exception: an `EngineError` by its sentence, another with its traceback."""
        if details is None:
            details = "".join(traceback.format_exception(error))
        self._arrived.emit(error, details)

    def refuse(self, sentence: str) -> None:
        """Show a known problem that is no exception."""
        self._banner.show_message(sentence, "error")

    def offer(
        self,
        sentence: str,
        action: str,
        remedy: Callable[[], None],
        kind: MessageKind = "error",
    ) -> None:
        """Show a known problem, or news, with a button, named `action`, that does something about it."""
        self._remedy = remedy
        self._banner.show_message(sentence, kind, action=action)

    def inform(self, sentence: str) -> None:
        """Show good or neutral news."""
        self._banner.show_message(sentence, "info")

    def install_hooks(self) -> None:
        """Catch what nobody else caught, here and in other threads; the window stays."""
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception

    def remove_hooks(self) -> None:
        """Put Python's own hooks back."""
        sys.excepthook = sys.__excepthook__
        threading.excepthook = threading.__excepthook__

    def _on_exception(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        self.error(error, "".join(traceback.format_exception(kind, error, trace)))

    def _on_thread_exception(self, args: threading.ExceptHookArgs) -> None:
        error = args.exc_value
        if error is not None:
            self.error(error, "".join(traceback.format_exception(error)))

    def _on_action(self) -> None:
        remedy, self._remedy = self._remedy, None
        self._banner.dismiss()
        if remedy is not None:
            remedy()

    def _show(self, error: BaseException, details: str) -> None:
        if isinstance(error, EngineError):
            cause = error.__cause__ if isinstance(error, ModelFileError) else None
            words = "" if cause is None else f"{type(cause).__name__}: {cause}"
            self._banner.show_message(str(error), "error", words)
            return
        _log.error("unexpected error\n%s", details)
        name = type(error).__name__
        text = self.tr("Something unexpected went wrong: {0}: {1}").format(name, error)
        self._banner.show_message(text, "error", details)


def text_box(parent: QWidget, title: str, text: str) -> QMessageBox:
    """A message box whose text can be copied, to be executed once."""
    box = QMessageBox(parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setWindowTitle(title)
    box.setText(text)
    box.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return box
