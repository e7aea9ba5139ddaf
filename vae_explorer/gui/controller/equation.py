"""Whose numbers the equation bar shows: the drawing's, the clicked image's, or the nearest one's."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, QTimer

from vae_explorer.gui.beside import Piece
from vae_explorer.gui.controller.exploring import Exploring
from vae_explorer.gui.controller.handwriting import Drawn, Handwriting
from vae_explorer.gui.equation_bar import SAMPLES
from vae_explorer.gui.idle import IdleQueue
from vae_explorer.gui.main_window import MainWindow
from vae_explorer.gui.session import Session

SETTLE_MS = 100


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
        self._chosen: int | None = None  # the class that was chosen by hand for the drawing
        self._weight: float | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SETTLE_MS)
        self._timer.timeout.connect(self._begin)
        exploring.subject_changed.connect(self._on_subject)
        exploring.looked.connect(self.invalidate)
        exploring.class_chosen.connect(self._on_label)
        exploring.weights_moved.connect(self.invalidate)
        handwriting.drawing_answered.connect(self._on_drawing)
        handwriting.rest_shown.connect(self.show_drawing)
        window.canvas.hover_left.connect(self.show_drawing)

    def set_classification_weight(self, weight: float | None) -> None:
        """λ of the training that made the model."""
        self._weight = weight
        self.invalidate()

    def invalidate(self) -> None:
        """Something changed: compute soon."""
        if not self._timer.isActive():
            self._timer.start()

    def _on_subject(self) -> None:
        self._prefers_drawing, self._chosen = False, None
        self.invalidate()

    def _on_label(self, label: int) -> None:
        """A class was chosen: for the drawing, where it is the one in hand."""
        if self._prefers_drawing:
            self._chosen = label
            self.show_drawing()
        self.invalidate()

    def _on_drawing(self) -> None:
        self._prefers_drawing = self._handwriting.drawn is not None
        if not self._prefers_drawing:
            self._chosen = None
        self.invalidate()

    def show_drawing(self) -> None:
        """Show the drawing's reconstruction, of which the numbers are, while nothing is pinned or pointed at."""
        drawn, session = self._handwriting.drawn, self._session
        if drawn is None or not self._prefers_drawing or self._exploring.hovering:
            return
        if session.code is None and session.sample is None and drawn.explorer is session.explorer:
            label = self._drawing_label(drawn)
            if label is not None and label != session.label:
                self._exploring.take_class(label)
            self._exploring.preview(drawn.code_of(label))

    def _drawing_label(self, drawn: Drawn) -> int | None:
        return drawn.label if self._chosen is None else self._chosen

    def compute(self) -> None:
        """Compute the terms of the image in hand, and show them."""
        self._idle.begin("equation", self._slices())
        self._idle.finish()

    def _begin(self) -> None:
        self._idle.begin_after("equation", self._slices())

    def _slices(self) -> Generator[Piece | None, Any, None]:
        """`compute` in pieces between which the window can follow the mouse."""
        yield  # what is begun at once is not the first piece, which would not give way
        session = self._session
        if not session.ready:
            return
        yield from self._show_point_terms()
        yield
        explorer = session.explorer
        image, label, subject, given = self._subject()
        if image is None:
            self._window.equation.set_terms(None, explorer.kind)
            return
        compute = partial(explorer.terms, image[None], label, samples=SAMPLES)
        found = yield from session.computed(2 * SAMPLES, compute)  # and as many log-likelihoods
        yield
        terms = {name: float(values[0]) for name, values in found.items()}
        self._window.equation.set_terms(
            terms,
            explorer.kind,
            subject=subject,
            given=given,
            unit=explorer.likelihood_unit,
            classification_weight=self._weight,
        )

    def _show_point_terms(self) -> Generator[Piece, Any, None]:
        """Under the decoded image: the prior's density at z, and how well z explains the real image."""
        session, index = self._session, self._exploring.neighbour
        code, label = self._exploring.shown, session.decoder_label
        if session.gallery is None or index is None or code is None:
            self._window.image.set_terms(None)
            return
        log_prior = -0.5 * float(code @ code + len(code) * np.log(2.0 * np.pi))
        image = session.gallery.images[index][None]
        compute = partial(session.explorer.log_likelihood, code[None], image, label)
        log_likelihood = yield from session.computed(2, compute)
        given = "z" if label is None else "z, y"
        name = self.tr("log p(real|{0})").format(given)
        terms = {"log p(z)": log_prior, name: float(log_likelihood[0])}
        self._window.image.set_terms(terms)

    def _subject(self) -> tuple[np.ndarray | None, int | None, str, str]:
        """The image in hand, the class that its numbers are given, what to call it, and that class in words."""
        session, drawn = self._session, self._handwriting.drawn
        exploring = self._exploring
        if drawn is not None and self._prefers_drawing and not exploring.hovering:
            label = self._drawing_label(drawn)
            given = self._given(label, drawn.label, self.tr("y = {0} (q(y|x): {1})"))
            return drawn.image, label, self.tr("Your drawing"), given
        gallery, index = session.gallery, exploring.neighbour
        if gallery is None or index is None:
            return None, None, "", ""
        own = None
        if session.explorer.has_classes and gallery.labels is not None:
            own = int(gallery.labels[index])
        clicked = index == session.sample and not exploring.hovering
        if not clicked:
            return gallery.images[index], own, self.tr("Nearest real image"), self._given(own, own)
        label = session.decoder_label  # its own when it is clicked, until another is chosen
        given = self._given(label, own, self.tr("y = {0} (is {1})"))
        return gallery.images[index], label, self.tr("The clicked image"), given

    def _given(self, label: int | None, own: int | None, both: str = "") -> str:
        """The class as `y = 3`; `both` where the image's own, or the classifier's of a drawing, is another."""
        if label is None:
            return ""
        names = self._session.class_names
        words = self.tr("y = {0}") if own is None or own == label else both
        return words.format(names[label], names[label if own is None else own])
