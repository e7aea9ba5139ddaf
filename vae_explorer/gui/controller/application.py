"""The controller: puts the parts together and decides what happens between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QSettings, Signal
from PySide6.QtGui import QKeySequence

from vae_explorer import paths
from vae_explorer.engine.catalogue import DatasetInfo
from vae_explorer.engine.errors import Cancelled, EngineError
from vae_explorer.gui import style
from vae_explorer.gui.collector import Collector
from vae_explorer.gui.controller.equation import Equation
from vae_explorer.gui.controller.evaluating import Evaluating
from vae_explorer.gui.controller.exploring import Exploring
from vae_explorer.gui.controller.export import Export
from vae_explorer.gui.controller.files import Files
from vae_explorer.gui.controller.handwriting import Handwriting
from vae_explorer.gui.controller.hint import Hint
from vae_explorer.gui.controller.layers import Layers
from vae_explorer.gui.controller.looks import Looks
from vae_explorer.gui.controller.pages import Pages
from vae_explorer.gui.controller.plots import Plots
from vae_explorer.gui.controller.recovering import Recovering
from vae_explorer.gui.controller.reporting import Reporter
from vae_explorer.gui.controller.training import Training
from vae_explorer.gui.idle import IdleQueue, Turns
from vae_explorer.gui.jobs import ModelOpened, OpenModel
from vae_explorer.gui.main_window import MainWindow
from vae_explorer.gui.model_card import title_of
from vae_explorer.gui.recipes import recipes
from vae_explorer.gui.session import Session
from vae_explorer.gui.training_thread import Failed, Worker

FOLLOW_MS = 12  # between the parts of the window that show new weights


@dataclass(frozen=True)
class Options:
    """What the command line said.

    Attributes:
        model: the file to open; None opens the bundled one.
        data_dir: where data sets lie; None takes the user's own data folder.
        theme: `light`, `dark`, or None for what was chosen before, or the system's.
        offers_recovery: whether a training that was cut off is offered.
    """

    model: Path | None = None
    data_dir: Path | None = None
    theme: str | None = None
    offers_recovery: bool = True


class Controller(QObject):
    """Owns the session and the workers. `opened` tells that a model is on show."""

    opened = Signal()
    open_failed = Signal()

    def __init__(self, window: MainWindow, settings: QSettings, options: Options) -> None:
        super().__init__(window)
        self.window, self.settings, self.options = window, settings, options
        self._collector = Collector(self)
        self.session = Session()
        self.reporter = Reporter(window.banner, self)
        self.idle = IdleQueue(self)
        self._opener = Worker(self)
        self._opener.messages_arrived.connect(self._on_opener)
        self._opener.ended.connect(self._on_opener_ended)
        self._opening = Path()
        self._keeps_message = False  # a model was opened in place of one that could not be
        self._tried_bundled = options.model is None
        self._bundled = paths.bundled_models()
        self._next: Path | None = None  # a model asked for while another was being opened
        self.files = Files(window, self.session, self.reporter, settings)
        self.exploring = Exploring(window, self.session, self.reporter)
        self.handwriting = Handwriting(window, self.session, self.reporter, self.idle)
        self.layers = Layers(window, self.session, self.idle)
        self.pages = Pages(window, self.session, self.exploring, self.idle)
        self.training = Training(
            window, self.session, self.reporter, self._may_train, options.data_dir
        )
        self.recovering = Recovering(window, self.session, self.reporter, self.training, self.files)
        self.equation = Equation(window, self.session, self.exploring, self.handwriting, self.idle)
        self.evaluating = Evaluating(window, self.session, self.reporter, options.data_dir)
        self.export = Export(
            window,
            self.session,
            self.reporter,
            self.exploring,
            self.pages,
            self.training,
            self.evaluating,
        )
        self.looks = Looks(window, settings, options.theme)
        self.hint = Hint(window, settings)
        self.plots = Plots(window)
        self._followers = Turns[Callable[[], None]](_call, FOLLOW_MS, self)
        self._wire()
        self._show_loading()

    # -- life --------------------------------------------------------------------------------

    def start(self) -> None:
        """Load the engine, the first model and the rest of the window behind the visible window."""
        first = self.options.model or next(iter(self._bundled), None)
        if first is None:
            self._nothing_to_open()
            self.plots.begin()
        else:
            self.open_model(first)

    def ask_open(self, path: Path) -> None:
        """Open a model file, once the user has decided about unsaved work."""
        if self.training.busy:
            self.reporter.refuse(self.tr("Stop the training before you open another model."))
        else:
            question = self.tr("Save it before another one is opened?")
            if self._may_let_go(question, lambda: self.ask_open(path)):
                self.open_model(path)

    def open_model(self, path: Path) -> None:
        """Open a model file; the one in hand stays until that has worked."""
        if self._opener.busy:
            self._next = path
            self._opener.cancel()
            return
        self.window.training.clear_progress()
        self.window.training.set_note(self.tr("Opening {0}…").format(path.name))
        self._opening = path
        self._opener.start(OpenModel(path, self.options.data_dir))

    def _may_train(self, replaces: bool, again: Callable[[], object]) -> bool:
        """Whether a training may begin; one that replaces the model in hand, only if that may go."""
        if self._opener.busy:
            self.reporter.refuse(self.tr("A model is being opened: train when it is there."))
            return False
        question = self.tr("Save it before another one is trained?")
        return not replaces or self._may_let_go(question, again)

    def _may_let_go(self, question: str, again: Callable[[], object]) -> bool:
        if self.session.unsaved:
            self.training.show_newest()  # which is what would be saved
        return self.files.may_replace(question, again)

    def may_close(self) -> bool:
        """Whether the window may close.

        What a training that runs has learned is kept in the user's model folder, where that
        works, before it is stopped; a finished one that is not saved is asked about. What is
        being saved then is waited for, and the window closes after it.
        """
        if self.training.busy:
            self.training.show_newest()  # which is what is kept
            if not self.files.keep_unsaved():
                return False
            self.training.shut_down()
            if self.session.learned:  # else nothing is kept but what may be recovered
                self.training.recovery.discard()
        elif not self._may_let_go(self.tr("Save it before you quit?"), self.window.close):
            return False
        else:
            self.training.recovery.discard()
        self.window.save_layout(self.settings)
        self.window.hide()  # a server that does not answer is waited for unseen
        self.idle.shut_down()
        self.exploring.shut_down()
        self.handwriting.shut_down()
        self.training.shut_down()
        self.evaluating.shut_down()
        self.export.shut_down()
        self.plots.shut_down()
        self.looks.shut_down()
        self._opener.shut_down()
        self._collector.stop()
        self.settings.sync()
        self.reporter.remove_hooks()
        self.session.unsaved = False
        return True

    # -- wiring ------------------------------------------------------------------------------

    def _wire(self) -> None:
        window, menus = self.window, self.window.menus
        window.set_close_guard(self.may_close)
        window.digit_typed.connect(self.exploring.select_class)
        self.files.open_requested.connect(self.ask_open)
        self.files.saved.connect(self._on_saved)
        menus.quit.triggered.connect(window.close)
        for listed in (menus.bundled_menu, menus.recent_menu):
            listed.aboutToShow.connect(self._mark_open)
        menus.fit.triggered.connect(window.canvas.fit_view)
        menus.undo.triggered.connect(window.pad.undo)
        menus.redo.triggered.connect(window.pad.redo)
        menus.clear.triggered.connect(window.pad.clear)
        menus.paste.triggered.connect(window.pad.paste)
        window.pad.history_changed.connect(self._offer_history)
        self._offer_history()
        menus.reset_layout.triggered.connect(window.reset_layout)
        for action in menus.recipes:
            action.triggered.connect(self._on_recipe)
        self._wire_sessions()

    def _wire_sessions(self) -> None:
        exploring, training = self.exploring, self.training
        self.plots.made.connect(self.export.wire_curves)
        training.model_replaced.connect(self._on_model)
        training.weights_changed.connect(self._on_weights)
        training.weights_changed.connect(self.evaluating.weights_changed)
        training.epoch_ended.connect(self.pages.epoch_ended)
        training.epoch_ended.connect(self._show_title)
        training.epochs_recovered.connect(self.pages.epochs_recovered)
        training.finished.connect(self._show_title)
        training.finished.connect(self.exploring.training_finished)
        training.finished.connect(self.pages.draw_again)
        training.live_set.connect(self._on_live)
        exploring.plane_changed.connect(self.handwriting.place)
        exploring.plane_changed.connect(self.pages.place_path)
        exploring.weights_moved.connect(self.layers.invalidate)
        exploring.label_changed.connect(self.layers.invalidate)
        exploring.label_changed.connect(self.pages.decode_path)
        self.window.classes.samples_requested.connect(self.pages.show_class_samples)
        self.window.classes.prior_edited.connect(self._on_prior)
        for moved in (self.window.canvas.point_hovered, self.window.pad.drawing_changed):
            moved.connect(self._give_way)
        for answered in (exploring.looked, self.handwriting.drawing_answered):
            answered.connect(self._give_way)
        self.looks.theme_changed.connect(self._on_theme)
        self.window.handwriting.class_picked.connect(self._on_class_in_hand)
        self.window.training.folder_requested.connect(self._ask_folder)
        self.files.folder_dropped.connect(self._offer_folder)

    # -- models ------------------------------------------------------------------------------

    def _on_opener(self, messages: Sequence[object]) -> None:
        for message in messages:
            if isinstance(message, ModelOpened):
                self.training.forget()
                self.session.take(message)
                self.session.unsaved = False
                self.files.opened(message.path)
                if not self._keeps_message:
                    self.window.banner.dismiss()
                self._keeps_message = False
                self._on_model()
            elif isinstance(message, Failed) and not isinstance(message.error, Cancelled):
                self.reporter.error(message.error, message.details)
                self.files.forget(self._opening)
                self.open_failed.emit()

    def _on_opener_ended(self) -> None:
        self.plots.begin()  # not before: the first picture shall not wait for them
        following, self._next = self._next, None
        if following is not None:
            self.open_model(following)
        elif not self.training.busy:
            self.window.training.set_state("idle")
            self.window.training.set_note("")
            if not self.session.ready:
                self._open_bundled_instead()
            elif self.options.offers_recovery:
                self.recovering.offer()

    def _open_bundled_instead(self) -> None:
        """The first model could not be opened: its message stays, and there is one to explore."""
        if self._tried_bundled or not self._bundled:
            self._nothing_to_open()
            return
        self._tried_bundled = self._keeps_message = True
        self.open_model(self._bundled[0])

    def _on_model(self) -> None:
        self._followers.clear()
        self.idle.drop()
        self._use_one_thread()
        self.exploring.model_changed()
        self.handwriting.model_changed()
        self.pages.model_changed()
        self.evaluating.forget()
        self.layers.model_changed()
        self.training.model_changed()
        card = self.session.opened.card if self.session.opened else {}
        self.equation.set_classification_weight(_weight(card))
        self._show_title()
        self.opened.emit()

    def _on_weights(self) -> None:
        """Everything moves, one after the other: together it would take more than a frame."""
        self._followers.add(
            (
                self.exploring.weights_changed,
                self.handwriting.answer,
                self.pages.weights_changed,
            )
        )

    def _give_way(self) -> None:
        """Between a move of the mouse and the picture that answers it nothing slow begins."""
        self.idle.give_way()
        self._followers.give_way()
        self.plots.give_way()
        self.window.canvas.give_way()
        self.window.curves_give_way()

    def _on_live(self, name: str, value: float) -> None:
        if name == "classification_weight":
            self.equation.set_classification_weight(value)

    def _on_saved(self, path: Path) -> None:
        banner = self.window.banner
        if not banner.text() or banner.kind() != "error":  # as of a save before this one
            self.reporter.inform(self.tr("Saved {0}").format(path))
        self._show_title()

    def _on_prior(self, weights: np.ndarray) -> None:
        try:
            self.session.edit_prior(weights)
        except EngineError as error:
            self.reporter.error(error)
        else:
            self._show_title()
            self.handwriting.answer()
            self.equation.invalidate()
            self.evaluating.forget()
            self.pages.draw_again()
        self.window.classes.set_prior(self.session.explorer.class_prior)

    def _on_class_in_hand(self, label: int) -> None:
        """A picture of the handwriting row: its z and y come to the canvas."""
        drawn = self.handwriting.drawn
        if drawn is not None:
            self.exploring.pin_code(drawn.code)
            self.exploring.select_class(label)

    # -- data --------------------------------------------------------------------------------

    def _ask_folder(self) -> None:
        from PySide6.QtWidgets import QFileDialog

        title = self.tr("Folder of images: one subfolder a class, or none")
        name = QFileDialog.getExistingDirectory(self.window, title)
        if name:
            self._offer_folder(name)

    def _offer_folder(self, name: str) -> None:
        from vae_explorer.engine.image_folder import subfolder_classes

        folder = Path(name)
        try:
            classes = subfolder_classes(folder)
        except EngineError as error:
            self.reporter.error(error)
            return
        info = DatasetInfo(str(folder), folder.name, summary="", class_names=classes)
        self.window.training.form.add_dataset(info)

    def _on_recipe(self) -> None:
        action = self.sender()
        for recipe, known in zip(recipes(), self.window.menus.recipes, strict=True):
            if known is action:
                self.window.training.form.apply_recipe(recipe)

    # -- states -----------------------------------------------------------------------------

    def _mark_open(self) -> None:
        self.window.menus.mark_open(self.session.path)

    def _offer_history(self) -> None:
        pad, menus = self.window.pad, self.window.menus
        menus.undo.setEnabled(pad.can_undo)
        menus.redo.setEnabled(pad.can_redo)
        menus.clear.setEnabled(not pad.is_clear)

    def _on_theme(self) -> None:
        if self.session.ready:
            self.exploring.recolour()
            self.handwriting.answer()

    def _show_loading(self) -> None:
        self.window.canvas.set_enabled_message(self.tr("Loading the model…"))
        self.window.training.set_state("unready")
        self.window.training.set_note(self.tr("Loading the engine…"))

    def _nothing_to_open(self) -> None:
        self.window.canvas.set_enabled_message(
            self.tr("No model yet.\nOpen one ({0}), drop a file here, or train one.").format(
                style.key_words(QKeySequence.StandardKey.Open)
            )
        )
        self.window.training.set_state("idle")
        self.window.training.set_note("")

    def _show_title(self) -> None:
        if not self.session.ready:
            return
        path, config = self.session.path, self.session.explorer.config
        name = self.tr("Untitled {0}, {1}-D").format(config.kind_title, config.latent_dim)
        if path is not None:
            name = title_of(path, bundled=path in self._bundled)
        self.window.setWindowTitle(f"{name}[*] — VAE Explorer")
        self.window.setWindowModified(self.session.unsaved)

    def _use_one_thread(self) -> None:
        """Decoding one image is over before a second core has woken up."""
        import torch

        torch.set_num_threads(1)


def _call(act: Callable[[], None]) -> None:
    act()


def _weight(card: dict[str, object]) -> float | None:
    """λ as it was in the end."""
    value = None
    for told in (card.get("training"), card.get("changed_live")):
        if isinstance(told, dict):
            value = told.get("classification_weight", value)
    return float(value) if isinstance(value, int | float) else None
