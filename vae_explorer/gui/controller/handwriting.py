"""The drawing pad and the model's answers: classes, place on the canvas, every class in this hand."""

from __future__ import annotations

import time
from collections.abc import Generator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage

from vae_explorer.engine.drawing import to_model_input
from vae_explorer.engine.errors import InputError
from vae_explorer.gui.beside import Beside, Piece
from vae_explorer.gui.controller.reporting import Reporter
from vae_explorer.gui.drawing_sheet import ink_of
from vae_explorer.gui.idle import PAINTED_MS, IdleQueue
from vae_explorer.gui.main_window import MainWindow
from vae_explorer.gui.session import Session

if TYPE_CHECKING:
    from vae_explorer.engine.explorer import Explorer

ANSWER_MS = 16
VERDICT_SAMPLES = 8  # latent samples a class, for the generative verdict


@dataclass(frozen=True, eq=False)
class Drawn:
    """The drawing as the model takes it.

    Attributes:
        image: (H, W) or (H, W, 3) uint8.
        label: the class that q(y|x) finds most probable; None for a model of p(x).
        q: (C,) q(y|x); None for a model of p(x).
    """

    image: np.ndarray
    label: int | None
    q: np.ndarray | None
    explorer: Explorer

    @property
    def code(self) -> np.ndarray:
        """(d,) the posterior's mean."""
        return self._posterior[0]

    @property
    def spread(self) -> np.ndarray:
        """(d,) its standard deviations."""
        return self._posterior[1]

    def code_of(self, label: int | None) -> np.ndarray:
        """(d,) the posterior's mean given a class: `code` where that is the drawing's own."""
        if label == self.label:
            return self.code
        return self.explorer.embed(self.image[None], label)[0][0]

    @cached_property
    def _posterior(self) -> tuple[np.ndarray, np.ndarray]:
        means, stds = self.explorer.embed(self.image[None], self.label)
        return means[0], stds[0]


class Handwriting(QObject):
    """Answers a drawing at most once a frame while it is made."""

    drawing_answered = Signal()
    rest_shown = Signal()  # where the drawing lies on the canvas, and every class in this hand

    def __init__(
        self, window: MainWindow, session: Session, reporter: Reporter, idle: IdleQueue
    ) -> None:
        super().__init__(window)
        self._window, self._session = window, session
        self._reporter, self._idle = reporter, idle
        self.drawn: Drawn | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._answered_at = 0.0
        self._timer.timeout.connect(self._answer_pen)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(PAINTED_MS)
        self._rest.timeout.connect(self._show_rest)
        window.pad.drawing_changed.connect(self._on_drawing)
        window.pad.picture_offered.connect(self._read_picture)
        window.pad.picture_refused.connect(reporter.refuse)
        self._reader = Beside(self)
        window.pad.cleared.connect(lambda: self._reader.drop("picture"))

    def _on_drawing(self) -> None:
        """Answer after the events at hand, or a while after the last answer."""
        if not self._timer.isActive():
            since = 1000 * (time.perf_counter() - self._answered_at)
            self._timer.start(max(0, round(ANSWER_MS - since)))

    def _read_picture(self, picture: Path | QImage) -> None:
        """Read a picture beside the window, a photograph takes long, and lay its ink on the pad."""
        self._reader.ask("picture", partial(ink_of, picture), self._on_picture)

    def _on_picture(self, future: Future[np.ndarray]) -> None:
        try:
            ink = future.result()
        except InputError as error:
            self._reporter.refuse(str(error))
        else:
            self._window.pad.place(ink)

    def shut_down(self) -> None:
        """The window is closing."""
        self._reader.shut_down()

    def model_changed(self) -> None:
        """Answer the same drawing with another model."""
        names, (_, height, width) = self._session.class_names, self._session.explorer.image_shape
        of_digits = len(names) > 0 and all(name.isdecimal() for name in names)
        self._window.pad.set_model(height, width, of_digits)
        self.answer()

    def _answer_pen(self) -> None:
        self._answered_at = time.perf_counter()
        self.answer()

    def answer(self) -> None:
        """Encode the drawing and show what the model says of it: classes first, pictures when they are painted."""
        if not self._session.ready:
            return
        was_drawn = self.drawn is not None
        self.drawn = None if self._window.pad.is_clear else self._encode()
        if self.drawn is None:
            self._show_nothing()
            if was_drawn:
                self.drawing_answered.emit()
            return
        self._window.pad.set_model_view(self.drawn.image)
        explorer, q = self._session.explorer, self.drawn.q
        names = explorer.class_names if explorer.has_classes else ()
        self._window.bars.set_probabilities(q, None, names)
        if q is None:
            self._idle.drop("verdict")
        else:
            self._idle.run("verdict", self._verdict(self.drawn))
        self._rest.start()
        self.drawing_answered.emit()

    def _encode(self) -> Drawn | None:
        explorer = self._session.explorer
        channels, height, width = explorer.image_shape
        try:
            image = to_model_input(self._window.pad.array(), (height, width))
        except InputError:
            return None  # a sheet with nothing on it but an eraser's stroke
        if channels == 3:
            image = np.repeat(image[..., None], 3, axis=-1)
        q = explorer.classify(image[None])[0] if explorer.has_classes else None
        label = None if q is None else int(q.argmax())
        return Drawn(image, label, q, explorer)

    def _show_nothing(self) -> None:
        self._idle.drop("verdict")
        self._idle.drop("hand")
        self._rest.stop()
        self._window.pad.set_model_view(None)
        self._window.canvas.clear_drawing()
        self._window.bars.set_probabilities(None, None, [])
        self._window.handwriting.set_images(None, [], [])
        self._window.reconstruction.set_image(None)

    def _show_rest(self) -> None:
        """Where the drawing lies on the canvas, and every class in this hand."""
        if self.drawn is None or (
            self._timer.isActive() and self._timer.remainingTime() <= PAINTED_MS
        ):
            return  # of a sheet that is cleared, or that another answer comes for at once
        self.place()
        self._idle.begin_after("hand", self._decode_hand(self.drawn))

    def _decode_hand(self, drawn: Drawn) -> Generator[Piece, Any, None]:
        """Every class in this hand."""
        count = 1 if drawn.q is None else len(drawn.q)
        labels = None if drawn.q is None else np.arange(count)
        decode = partial(drawn.explorer.decode, np.repeat(drawn.code[None], count, 0), labels)
        images = yield from self._session.computed(count, decode)
        if drawn.explorer is self._session.explorer:
            self._show_hand(images)

    def _show_hand(self, images: np.ndarray) -> None:
        explorer, window = self._session.explorer, self._window
        if explorer.has_classes:
            colors = window.theme.class_colors(len(images))
            window.handwriting.set_images(images, explorer.class_names, colors)
        else:
            window.reconstruction.set_image(images[0])
        self.rest_shown.emit()

    def place(self) -> None:
        """Mark where the drawing lies on the canvas, if there is one."""
        drawn, plane = self.drawn, self._session.plane
        if drawn is not None:
            mean, factor = plane.project(drawn.code)[0], plane.project_std(drawn.spread)
            self._window.canvas.set_drawing(mean, factor)

    def _verdict(self, drawn: Drawn) -> Generator[Piece, Any, None]:
        """The slower half of the answer, when the window has a moment: in one piece."""
        session, explorer = self._session, drawn.explorer
        images = 2 * VERDICT_SAMPLES * len(explorer.class_names)  # and as many log-likelihoods
        compute = partial(explorer.verdict, drawn.image[None], samples=VERDICT_SAMPLES)
        (verdict,) = yield from session.computed(images, compute)
        if self.drawn is drawn:
            self._window.bars.set_probabilities(drawn.q, verdict, explorer.class_names)
