"""Whose numbers the equation bar shows: the drawing's, the clicked image's, or the nearest one's."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PySide6.QtCore import QObject, QTimer

from vae_explorer.gui.controller.exploring import Exploring
from vae_explorer.gui.controller.handwriting import Handwriting
from vae_explorer.gui.idle import IdleQueue
from vae_explorer.gui.main_window import MainWindow
from vae_explorer.gui.session import Session

SETTLE_MS = 100
SAMPLES = 16  # latent samples of the reconstruction term


class Equation(QObject):
    """Keeps the equation's numbers up to date, at most ten times a second, when there is a moment."""

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        exploring: Exploring,
        handwriting: Handwriting,
        idle: IdleQueue,
    ) -> None:
        super().__init__(window)
        self._idle = idle
        self._window, self._session = window, session
        self._exploring, self._handwriting = exploring, handwriting
        self._prefers_drawing = False
        self._weight: float | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SETTLE_MS)
        self._timer.timeout.connect(self._begin)
        exploring.subject_changed.connect(self._on_subject)
        exploring.looked.connect(self.invalidate)
        exploring.label_changed.connect(self.invalidate)
        exploring.weights_moved.connect(self.invalidate)
        handwriting.drawing_answered.connect(self._on_drawing)

    def set_classification_weight(self, weight: float | None) -> None:
        """λ of the training that made the model."""
        self._weight = weight
        self.invalidate()

    def invalidate(self) -> None:
        """Something changed: compute soon."""
        if not self._timer.isActive():
            self._timer.start()

    def _on_subject(self) -> None:
        self._prefers_drawing = False
        self.invalidate()

    def _on_drawing(self) -> None:
        self._prefers_drawing = self._handwriting.drawn is not None
        self.invalidate()

    def compute(self) -> None:
        """Compute the terms of the image in hand, and show them."""
        for _ in self._slices():
            pass

    def _begin(self) -> None:
        self._idle.run("equation", self._slices())

    def _slices(self) -> Iterator[None]:
        """`compute` in pieces between which the window can follow the mouse."""
        session = self._session
        if not session.ready:
            return
        self._show_point_terms()
        yield
        explorer = session.explorer
        image, label, subject = self._subject()
        if image is None:
            self._window.equation.set_terms(None, explorer.kind)
            return
        found = explorer.terms(image[None], label, samples=SAMPLES)
        yield
        terms = {name: float(values[0]) for name, values in found.items()}
        self._window.equation.set_terms(
            terms,
            explorer.kind,
            subject=subject,
            unit=explorer.likelihood_unit,
            classification_weight=self._weight,
        )

    def _show_point_terms(self) -> None:
        """Under the decoded image: the prior's density at z, and how well z explains the real image."""
        session, index = self._session, self._exploring.neighbour
        code = self._exploring.shown
        if session.gallery is None or index is None or code is None:
            self._window.image.set_terms(None)
            return
        log_prior = -0.5 * float(code @ code + len(code) * np.log(2.0 * np.pi))
        image = session.gallery.images[index][None]
        log_likelihood = session.explorer.log_likelihood(code[None], image, session.decoder_label)
        given = "z" if session.decoder_label is None else "z, y"
        name = self.tr("log p(real|{0})").format(given)
        terms = {"log p(z)": log_prior, name: float(log_likelihood[0])}
        self._window.image.set_terms(terms)

    def _subject(self) -> tuple[np.ndarray | None, int | None, str]:
        """The image in hand, its class where it is known, and what to call it."""
        session, drawn = self._session, self._handwriting.drawn
        exploring = self._exploring
        if drawn is not None and self._prefers_drawing and not exploring.hovering:
            return drawn.image, drawn.label, self.tr("your drawing")
        gallery, index = session.gallery, exploring.neighbour
        if gallery is None or index is None:
            return None, None, ""
        label = None
        if session.explorer.has_classes and gallery.labels is not None:
            label = int(gallery.labels[index])
        clicked = index == session.sample
        subject = self.tr("the clicked image") if clicked else self.tr("the nearest real image")
        return gallery.images[index], label, subject
