"""A training that was cut off, by a power cut or a crash, is offered to the next window."""

from __future__ import annotations

from PySide6.QtCore import QObject

from vae_explorer.gui.controller.files import Files
from vae_explorer.gui.controller.reporting import Reporter
from vae_explorer.gui.controller.training import Training
from vae_explorer.gui.main_window import MainWindow
from vae_explorer.gui.recovery import Interrupted, find_interrupted
from vae_explorer.gui.session import Session


class Recovering(QObject):
    """Offers what was cut off, and removes what this window keeps as soon as it is saved or not wanted."""

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        reporter: Reporter,
        training: Training,
        files: Files,
    ) -> None:
        super().__init__(window)
        self._session, self._reporter, self._training = session, reporter, training
        self._recovery = training.recovery
        self._has_offered = False
        files.saved.connect(self._on_safe)
        files.discarded.connect(self._recovery.discard)
        training.finished.connect(self._on_safe)

    def offer(self) -> None:
        """Once: what a window before this one did not live to see saved."""
        if self._has_offered:
            return
        self._has_offered = True
        found = find_interrupted()
        if found is not None:
            action = self.tr("Open it") if found.ended else self.tr("Continue")
            self._reporter.offer(
                self._in_words(found), action, lambda: self._training.recover(found), "info"
            )

    def _in_words(self, found: Interrupted) -> str:
        model, training = found.state.model_config, found.state.training_config
        what = f"{model.kind_title}, {model.latent_dim}-D, {found.title}"
        if found.ended:
            return self.tr("A training was not saved: {0}.").format(what)
        if not found.state.epoch:
            return self.tr("A training was cut off in its first epoch: {0}.").format(what)
        text = self.tr("A training was cut off after {0} of {1} epochs: {2}.")
        return text.format(found.state.epoch, training.last_epoch, what)

    def _on_safe(self) -> None:
        if not self._session.unsaved and not self._training.busy:
            self._recovery.discard()
