"""Model files: open, save, recent ones, those dropped on the window, and work not yet saved."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QSettings, Signal
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox

from vae_explorer import paths
from vae_explorer.engine.errors import EngineError
from vae_explorer.gui.controller.reporting import Reporter, text_box
from vae_explorer.gui.drawing_sheet import PICTURES
from vae_explorer.gui.file_names import ask_for_file
from vae_explorer.gui.jobs import WriteFile
from vae_explorer.gui.main_window import MainWindow
from vae_explorer.gui.model_card import LEARNED_PRIOR, card_html
from vae_explorer.gui.session import Session
from vae_explorer.gui.training_thread import Failed, Worker

SUFFIX = ".safetensors"
RECENT = 8
KEPT = "last-training"  # the model of a training during which the window was closed


@dataclass(frozen=True)
class _Save:
    """A model to be written as it was when that was asked for.

    Attributes:
        path: where to.
        asked: a copy of the session of then.
        advice: what else is told where it cannot be written.
    """

    path: Path
    job: WriteFile
    asked: Session
    advice: str


class Files(QObject):
    """Asks for names, has files written beside the window, and guards what is not saved. A failure changes nothing."""

    open_requested = Signal(object)  # Path
    folder_dropped = Signal(str)
    saved = Signal(object)  # Path
    discarded = Signal()  # what was not saved, by the user's decision

    def __init__(
        self, window: MainWindow, session: Session, reporter: Reporter, settings: QSettings
    ) -> None:
        super().__init__(window)
        self._window, self._session = window, session
        self._reporter, self._settings = reporter, settings
        self._saves: deque[_Save] = deque()  # written in this order; the first may have begun
        self._then: Callable[[], object] | None = None  # what waits until they are written
        self._writer = Worker(self)
        self._writer.messages_arrived.connect(self._on_messages)
        self._writer.ended.connect(self._write_next)
        menus = window.menus
        menus.open.triggered.connect(self.ask_open)
        menus.save.triggered.connect(self.save)
        menus.save_as.triggered.connect(self.save_as)
        menus.card.triggered.connect(self.show_card)
        menus.set_bundled(paths.bundled_models(), self.open)
        window.files_dropped.connect(self.open_dropped)
        self.show_recent()

    def ask_open(self) -> None:
        """Ask for a model file and open it."""
        name, _ = QFileDialog.getOpenFileName(
            self._window, self.tr("Open a model"), str(self._folder()), self._filter()
        )
        if name:
            self.open(Path(name))

    def show_card(self) -> None:
        """What the model in hand says of itself."""
        opened = self._session.opened
        if opened is None:
            return
        explorer = opened.explorer
        text = card_html(explorer.config, self._card(opened.card), explorer.noise_variance)
        text_box(self._window, self.tr("About this model"), text).exec()

    def open(self, path: Path) -> None:
        """Ask for a model to be opened."""
        self.open_requested.emit(path.absolute())

    def open_dropped(self, names: list[str]) -> None:
        """A model is opened, a picture goes to the pad, a folder becomes a data set."""
        path = Path(names[0])
        if path.is_dir():
            self.folder_dropped.emit(str(path))
        elif path.suffix.lower() in PICTURES:
            self._window.pad.open_picture(path)
        else:
            self.open(path)

    def opened(self, path: Path | None) -> None:
        """Remember a model that was opened or saved, but for the bundled ones."""
        if path is None or path in paths.bundled_models():
            return
        self._settings.setValue("files/folder", str(path.parent))
        self._remember([path, *(p for p in self.recent() if p != path)][:RECENT])

    def forget(self, path: Path) -> None:
        """A file that could not be opened is no recent model."""
        self._remember([p for p in self.recent() if p != path])

    def _remember(self, recent: list[Path]) -> None:
        self._settings.setValue("files/recent", [str(p) for p in recent])
        self.show_recent()

    def recent(self) -> list[Path]:
        """The models opened or saved lately; whether they are there still, a drive that is gone takes long to say."""
        names = self._settings.value("files/recent", [])
        listed = [names] if isinstance(names, str) else names
        return [Path(name) for name in listed] if isinstance(listed, list) else []

    def show_recent(self) -> None:
        """Fill the menu."""
        self._window.menus.set_recent(self.recent(), self.open)

    def save(self) -> bool:
        """Save under the model's own name, or ask for one, as for an earlier moment; whether it is being saved."""
        path = self._own_path()
        if path is None or path in paths.bundled_models() or self._session.looks_back:
            return self.save_as()
        return self._write(path)

    def _own_path(self) -> Path | None:
        """The file that the model in hand is in, or is being written to."""
        opened = self._session.opened
        for save in reversed(self._saves):
            before = save.asked.opened
            is_same = opened is not None and before is not None and before.card is opened.card
            if is_same and not save.asked.looks_back:
                return save.path
        return self._session.path

    def save_as(self) -> bool:
        """Ask for a name and save; whether it is being saved."""
        if not self._session.ready:
            return False
        start = self._folder() / self._suggestion()
        try:
            path = ask_for_file(self._window, self.tr("Save the model"), start, self._filter())
        except EngineError as error:
            self._reporter.refuse(str(error))
            return False
        return path is not None and self._write(path.absolute())

    def may_replace(self, question: str, again: Callable[[], object]) -> bool:
        """Whether the model in hand may go: saved, or the user, asked whether to save it first, lets it go.

        It may not while it is being saved: `again`, which asks anew, is called as soon as it is.
        """
        if self._writer.busy:
            self._then = again
            self._say_saving()  # again: what was said of it leaves by itself
            return False
        if not self._session.unsaved:
            return True
        buttons = QMessageBox.StandardButton
        answer = QMessageBox.question(
            self._window,
            self.tr("Unsaved model"),
            f"{self._what_is_unsaved()} {question}",
            buttons.Save | buttons.Discard | buttons.Cancel,
            buttons.Save,
        )
        if answer == buttons.Save and self.save():
            self._then = again
        if answer == buttons.Discard:
            self.discarded.emit()
        return answer == buttons.Discard

    def _what_is_unsaved(self) -> str:
        path = self._session.path
        if path is None:
            return self.tr("The model that was trained here is not saved.")
        return self.tr("{0} was changed since it was saved.").format(path.stem)

    def keep_unsaved(self) -> bool:
        """Keep a model in training where it can be found again, and wait for that; whether nothing would be lost."""
        self.finish()
        if not (self._session.unsaved and self._session.learned):
            return True
        advice = self.tr("The training goes on; to close without keeping it, stop it first.")
        self._write(paths.user_models() / f"{KEPT}{SUFFIX}", advice)
        self.finish()
        return not self._session.unsaved

    def finish(self) -> None:
        """Wait until all is written, and forget what was to come after that."""
        self._then = None
        while self._writer.busy:
            self._writer.finish()

    def _write(self, path: Path, advice: str = "") -> bool:
        """Have the model written as it is now; whether there is one."""
        from vae_explorer.engine.checkpoint import save_model

        opened = self._session.opened
        if opened is None:
            return False
        # neither is changed by what the user does meanwhile: other weights are those of another explorer
        model, card = opened.explorer.model, self._card(opened.card)
        job = WriteFile(path, lambda path: save_model(path, model, card))
        self._saves.append(_Save(path, job, copy.copy(self._session), advice))
        self._say_saving()
        self._write_next()
        return True

    def _say_saving(self) -> None:
        self._reporter.inform(self.tr("Saving {0}…").format(self._saves[-1].path))

    def _write_next(self) -> None:
        if self._writer.busy:
            return
        if self._saves:
            self._writer.start(self._saves[0].job)
            return
        then, self._then = self._then, None
        if then is not None and QApplication.activeModalWidget() is None:  # else the user went on
            then()

    def _on_messages(self, messages: Sequence[object]) -> None:
        for message in messages:  # one of each job
            save = self._saves.popleft()
            if isinstance(message, Failed):
                self._on_failed(message, save.advice)
            elif isinstance(message, Path):
                self._session.saved_as(message, save.asked)
                self.opened(message)
                self.saved.emit(message)

    def _on_failed(self, failed: Failed, advice: str) -> None:
        self._then = None
        if isinstance(failed.error, EngineError):
            self._reporter.refuse(f"{failed.error} {advice}".rstrip())
        else:
            self._reporter.error(failed.error, failed.details)

    def _card(self, card: dict[str, object]) -> dict[str, object]:
        """A card without its configuration, which the file holds in its own place.

        Figures that were measured with the learned π are not of a model with another one, and the
        best epoch is not that of weights of another moment.
        """
        session, left_out, added = self._session, {"config", LEARNED_PRIOR}, {}
        if session.edited_prior is not None and session.learned_prior is not None:
            left_out |= {"evaluation"}
            added[LEARNED_PRIOR] = session.learned_prior.tolist()
        if session.epoch is not None and session.epoch != card.get("best_epoch"):
            left_out |= {"best_epoch"}
            added |= {"epoch": session.epoch, "half_precision": session.is_half}
        return {key: value for key, value in card.items() if key not in left_out} | added

    def _folder(self) -> Path:
        folder = Path(str(self._settings.value("files/folder", "")) or paths.user_models())
        if not folder.is_dir():
            folder = paths.home()
        return folder

    def _filter(self) -> str:
        return self.tr("VAE Explorer models (*{0})").format(SUFFIX)

    def _suggestion(self) -> str:
        config = self._session.explorer.config
        return f"{config.kind}-{config.latent_dim}d{SUFFIX}"
