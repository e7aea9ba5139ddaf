"""The canvas, the decoded image and the classes: hover, pin, choose, and see."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, cast

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from vae_explorer.gui.beside import Beside
from vae_explorer.gui.controller.missing_images import how_to_get_images
from vae_explorer.gui.controller.reporting import Reporter
from vae_explorer.gui.decoding import Decoded, decode_code
from vae_explorer.gui.idle import PAINTED_MS
from vae_explorer.gui.latent_plane import LatentPlane, nearest
from vae_explorer.gui.main_window import MainWindow
from vae_explorer.gui.session import Session, best_plane

if TYPE_CHECKING:
    from vae_explorer.engine.explorer import Mode

FRAME_SECONDS = 1 / 60
PICTURE, PLANE = "picture", "principal plane"  # what another thread can be asked for


class Exploring(QObject):
    """Decodes the point in hand and shows it everywhere: at once, or beside the window where that takes a frame.

    Then the newest code is decoded when the one before is done, and all that is shown is of one code.
    """

    subject_changed = Signal()  # what the equation is written for is another image
    label_changed = Signal(int)
    class_chosen = Signal(int)  # by hand
    looked = Signal()  # another code is on show for the moment
    weights_moved = Signal()  # pictures made from the decoder are out of date
    plane_changed = Signal()  # of the same model: what lies on the canvas lies elsewhere

    def __init__(self, window: MainWindow, session: Session, reporter: Reporter) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._reporter = reporter
        self._mode: Mode = "mean"
        self._asked: np.ndarray | None = None  # (d,) the code to show
        self._shown: np.ndarray | None = None  # (d,) the code on show
        self._beside = Beside(self)
        self._next: Callable[[], Decoded] | None = None  # waits for the one that is being decoded
        self._pending: tuple[float, float] | None = None
        self._decoded_at = 0.0
        self._frame = QTimer(self)
        self._frame.setSingleShot(True)
        self._frame.timeout.connect(self._decode_pending)
        self._every: np.ndarray | None = None  # (C, H, W[, 3]) the code on show with every class
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(PAINTED_MS)
        self._rest.timeout.connect(self._show_every)
        self.hovering = False
        self._plane_chosen = False  # by the user
        self.neighbour: int | None = None
        self.decoded: np.ndarray | None = None
        self._connect()

    def _connect(self) -> None:
        canvas, classes = self._window.canvas, self._window.classes
        canvas.point_hovered.connect(self.hover)
        canvas.hover_left.connect(self.show_pinned)
        canvas.point_picked.connect(self.pin)
        canvas.pin_cleared.connect(self.unpin)
        canvas.sample_clicked.connect(self.click_sample)
        canvas.sample_picked.connect(self.pick_sample)
        classes.class_selected.connect(self.select_class)
        self._window.image.mode_changed.connect(self.set_mode)
        bar = self._window.dimensions
        bar.axes_chosen.connect(self.choose_axes)
        bar.principal_chosen.connect(self.choose_principal)
        bar.coordinate_changed.connect(self.set_coordinate)
        bar.reset_requested.connect(self.centre)
        self._window.menus.unpin.triggered.connect(self.unpin)
        self._window.menus.principal.triggered.connect(self.choose_principal)
        self._window.menus.strongest.triggered.connect(self.choose_strongest)

    # -- the model ---------------------------------------------------------------------------

    def model_changed(self) -> None:
        """Show a model that was just taken by the session."""
        window, session = self._window, self._session
        self._asked = self._shown = self._next = self.decoded = self.neighbour = None
        self._beside.drop(PICTURE)
        self._beside.drop(PLANE)
        self._rest.stop()
        window.image.set_image(None)
        self._plane_chosen = False
        self._show_classes()
        window.image.set_unit(session.explorer.likelihood_unit)
        window.canvas.set_enabled_message(None)
        window.canvas.clear_ellipse()
        window.canvas.clear_drawing()
        self._show_pin(None)
        self._show_plane()
        window.menus.axes_menu.setEnabled(session.plane.dim > 2)
        window.menus.spherical.setEnabled(session.plane.dim > 2)
        window.canvas.fit_view()
        if session.gallery is None:
            said = self.tr("No images at hand fit this model, so the canvas has no points.")
            self._reporter.inform(f"{said} {how_to_get_images(session)}")
        self._show_code(session.plane.lift(np.zeros((1, 2)))[0])
        self.weights_moved.emit()

    def weights_changed(self) -> None:
        """The same model with other weights: everything moves, nothing is forgotten."""
        session = self._session
        self._show_points()
        self._window.dimensions.set_kl(
            session.collapsed, session.opened.kl if session.opened else None
        )
        if session.explorer.has_classes:
            prior, learned = session.explorer.class_prior, session.learned_prior
            self._window.classes.set_prior(prior, learned=learned)
        self._refresh_sample()
        self._show_code(self._code_in_hand())
        self.weights_moved.emit()

    def recolour(self) -> None:
        """The theme changed."""
        self._show_again()

    # -- the point in hand -------------------------------------------------------------------

    def hover(self, x: float, y: float) -> None:
        """Decode under the cursor, at most once a frame."""
        if not self._session.ready:
            return
        self._pending = (x, y)
        wait = FRAME_SECONDS - (time.perf_counter() - self._decoded_at)
        if wait <= 0:
            self._decode_pending()
        elif not self._frame.isActive():
            self._frame.start(round(wait * 1000))

    def _decode_pending(self) -> None:
        if self._pending is None:
            return
        point, self._pending = self._pending, None
        self._decoded_at = time.perf_counter()
        self.hovering = True
        self._show_code(self._session.plane.lift(np.array([point]))[0])
        self.looked.emit()

    def pin(self, x: float, y: float) -> None:
        """Keep a point of the plane in hand."""
        if not self._session.ready:
            return
        self._forget_sample()
        self._hold(self._session.plane.lift(np.array([[x, y]]))[0], (x, y))
        self.subject_changed.emit()

    def pin_code(self, code: np.ndarray) -> None:
        """Keep any code in hand; a parallel plane through it is shown where it is off the plane."""
        self._forget_sample()
        self._hold(code)
        self.subject_changed.emit()

    def _hold(self, code: np.ndarray, place: tuple[float, float] | None = None) -> None:
        session, plane = self._session, self._session.plane
        self._pending = None
        session.code = code
        foot = plane.project(code)
        if not plane.whole and not np.allclose(plane.lift(foot)[0], code, atol=1e-5):
            session.plane = plane.with_rest(code)
            self.weights_moved.emit()
        self._window.dimensions.set_coordinates(code)
        x, y = place or foot[0].tolist()
        self._show_pin((x, y))
        self._show_code(code)

    def _forget_sample(self) -> None:
        self._session.sample = None
        self._window.canvas.clear_ellipse()

    def preview(self, code: np.ndarray) -> None:
        """Show a code without keeping it in hand."""
        self._pending = None
        self._show_code(code)
        self.looked.emit()

    def unpin(self) -> None:
        """Let go of the point."""
        self._forget_sample()
        self._session.code = None
        self._window.dimensions.set_coordinates(self._session.plane.rest)
        self._show_pin(None)
        self.subject_changed.emit()

    def _show_pin(self, place: tuple[float, float] | None) -> None:
        self._window.canvas.set_pinned(place)
        self._window.menus.unpin.setEnabled(place is not None)

    def show_pinned(self) -> None:
        """The cursor left the canvas: what is pinned is on show again."""
        self._pending = None
        self.hovering = False
        if self._session.ready and self._session.code is not None:
            self._show_code(self._session.code)
        self.looked.emit()

    def click_sample(self, index: int) -> None:
        """A click on a dot takes its image only where that leaves y and what lies off the plane as they are."""
        session = self._session
        labels = session.gallery.labels if session.gallery else None
        other_class = (
            session.decoder_label is not None
            and labels is not None
            and int(labels[index]) != session.decoder_label
        )
        if session.plane.whole and not other_class:
            self.pick_sample(index)

    def pick_sample(self, index: int) -> None:
        """Take a real image: its z, its y, its reconstruction, and its posterior's ellipse."""
        opened = self._session.opened
        if opened is None or opened.gallery is None or opened.means is None:
            return
        self._session.sample = index
        if opened.gallery.labels is not None and self._session.explorer.has_classes:
            self.select_class(int(opened.gallery.labels[index]))
        self._refresh_sample()
        self.subject_changed.emit()

    def _refresh_sample(self) -> None:
        opened, index = self._session.opened, self._session.sample
        if opened is None or index is None or opened.means is None or index >= len(opened.means):
            return
        plane = self._session.plane
        x, y = plane.project(opened.means)[index].tolist()
        if opened.stds is not None:
            name = f"q(z|x{opened.explorer.config.given_class})"
            self._window.canvas.set_ellipse((x, y), plane.project_std(opened.stds[index]), name)
        self._hold(opened.means[index], (x, y))

    def select_class(self, index: int) -> None:
        """Choose y, what the decoder is given."""
        session = self._session
        if not session.ready or not session.explorer.has_classes:
            return
        if not 0 <= index < len(session.class_names):
            return
        self.take_class(index)
        self._show_code(self._code_in_hand())
        self.class_chosen.emit(index)

    def take_class(self, index: int) -> None:
        """The class of what is about to be shown, which nobody chose."""
        self._session.label = index
        self._window.classes.set_selected(index)
        self.label_changed.emit(index)

    def set_mode(self, mode: str) -> None:
        """Show the mean of p(x|z), or a draw from it."""
        self._mode = cast("Mode", mode)
        self._show_again()

    # -- the plane -----------------------------------------------------------------------------

    def choose_axes(self, first: int, second: int) -> None:
        """Show two dimensions; the others stay where they are."""
        self._plane_chosen = True
        self._beside.drop(PLANE)
        plane = self._session.plane
        self._set_plane(LatentPlane.of_axes(plane.dim, (first, second)).with_rest(plane.rest))

    def choose_principal(self) -> None:
        """Show the plane along which the embedded images differ most."""
        opened = self._session.opened
        if opened is not None and opened.means is not None and self._session.plane.dim > 2:
            # beside the window: it takes a second of a thousand dimensions
            find = partial(LatentPlane.principal, opened.means)
            self._beside.ask(PLANE, find, self._on_principal)

    def _on_principal(self, future: Future[LatentPlane]) -> None:
        self._plane_chosen = True
        self._set_plane(future.result())

    def choose_strongest(self) -> None:
        """Show the two dimensions with the largest KL."""
        opened = self._session.opened
        if opened is not None and self._session.plane.dim > 2:
            self.choose_axes(*best_plane(opened).axes)

    def training_finished(self) -> None:
        """What the dimensions carry is known now: show the strongest, unless others were chosen."""
        opened = self._session.opened
        moved = opened is not None and best_plane(opened).axes != self._session.plane.axes
        if moved and not self._plane_chosen:
            self.choose_strongest()
            self._plane_chosen = False

    def set_coordinate(self, index: int, value: float) -> None:
        """Move the plane along one of the dimensions off it, and the pinned point with it."""
        session = self._session
        if session.code is None:
            session.plane = session.plane.with_coordinate(index, value)
            self._show_code(session.plane.lift(session.plane.project(self._code_in_hand()))[0])
            self.weights_moved.emit()
        else:
            code = session.code.copy()
            code[index] = value
            self._forget_sample()
            self._hold(code)

    def centre(self) -> None:
        """Put every dimension off the plane back to 0."""
        session = self._session
        plane = session.plane.with_rest(np.zeros(session.plane.dim))
        if session.code is not None:
            self._forget_sample()
            session.code = plane.lift(plane.project(session.code))[0]
        self._set_plane(plane)

    def _set_plane(self, plane: LatentPlane) -> None:
        session = self._session
        session.plane = plane
        self._show_plane()
        if session.sample is not None:
            self._refresh_sample()
        elif session.code is not None:
            self._hold(session.code)
        else:
            self._show_code(plane.lift(np.zeros((1, 2)))[0])
        self._window.canvas.fit_view()
        self.plane_changed.emit()
        self.weights_moved.emit()

    # -- showing -------------------------------------------------------------------------------

    @property
    def shown(self) -> np.ndarray | None:
        """The latent point (d,) whose decoded image is on show."""
        return self._shown

    def _show_again(self) -> None:
        """What is on show, in other colours or another way."""
        if self._asked is not None:
            self._show_code(self._asked)

    def _code_in_hand(self) -> np.ndarray:
        if self._session.code is not None:
            return self._session.code
        if self._asked is not None:
            return self._asked
        return self._session.plane.lift(np.zeros((1, 2)))[0]

    def _show_code(self, code: np.ndarray) -> None:
        """Decode a code with every class, and show the chosen one large, the others when it is painted."""
        session = self._session
        if not session.ready:
            return
        self._asked = code
        explorer, label, draws = session.explorer, session.decoder_label, self._mode == "sample"
        decode = partial(decode_code, explorer, code, label, draws)
        images = draws + (1 if label is None else len(explorer.class_names))
        if not session.holds_up(images):
            self._beside.drop(PICTURE)
            self._next = None
            self._show(decode())
        elif self._beside.waits_for(PICTURE):
            self._next = decode
        else:
            self._beside.ask(PICTURE, decode, self._on_decoded)

    def _on_decoded(self, future: Future[Decoded]) -> None:
        following, self._next = self._next, None
        if following is not None:
            self._beside.ask(PICTURE, following, self._on_decoded)
        self._show(future.result())
        self.looked.emit()

    def finish(self) -> None:
        """Show what was asked for now: for a picture of the window, and for tests."""
        self._beside.finish()

    def shut_down(self) -> None:
        """The window is closing."""
        self._next = None
        self._beside.shut_down()

    def _show(self, decoded: Decoded) -> None:
        code, self._shown = decoded.code, decoded.code
        self.decoded, self._every = decoded.image, decoded.every
        if self._every is None:
            self._rest.stop()
        else:
            self._rest.start()
        self._window.image.set_image(self.decoded, decoded.caption(self._session.class_names))
        x, y = self._session.plane.project(code)[0].tolist()
        self._window.canvas.set_shown((x, y))
        self._show_neighbour(decoded)
        self._window.canvas.set_nearest(self.neighbour)

    def _show_every(self) -> None:
        self._window.classes.set_images(self._every)

    def _show_neighbour(self, decoded: Decoded) -> None:
        opened, session, code = self._session.opened, self._session, decoded.code
        if opened is None or opened.gallery is None or opened.means is None:
            self._window.image.set_neighbour(None, "")
            return
        gallery, means = opened.gallery, opened.means
        if session.sample is not None and session.code is code:
            self.neighbour = session.sample
            caption = self.tr("this image")
        else:
            same = np.empty(0, dtype=np.int64)
            if decoded.label is not None and gallery.labels is not None:
                same = np.flatnonzero(gallery.labels[: len(means)] == decoded.label)
            if len(same):
                self.neighbour = int(same[nearest(means[same], code)])
            else:
                self.neighbour = nearest(means, code)
            caption = self.tr("nearest real")
        self._window.image.set_neighbour(gallery.images[self.neighbour], caption)

    def _show_classes(self) -> None:
        session = self._session
        names = session.explorer.class_names if session.explorer.has_classes else ()
        self._window.classes.set_classes(list(names))
        self._window.classes.setVisible(bool(names))
        if names:
            self._window.classes.set_selected(session.label)
            prior, learned = session.explorer.class_prior, session.learned_prior
            self._window.classes.set_prior(prior, learned=learned)

    def _show_plane(self) -> None:
        session = self._session
        axes = session.plane.axes
        kl = session.opened.kl if session.opened else None
        self._window.dimensions.set_dimensions(session.plane.dim, axes, session.collapsed, kl)
        self._window.dimensions.show_axes(axes if session.plane.kind == "axes" else None)
        self._window.dimensions.set_coordinates(session.plane.rest)
        self._window.canvas.set_axes(session.plane.titles(), session.plane.prior_mean)
        self._show_points()

    def _show_points(self) -> None:
        opened = self._session.opened
        if opened is None or opened.means is None or opened.gallery is None:
            self._window.canvas.clear_points()
            return
        count = len(opened.means)
        labels = opened.gallery.labels
        self._window.canvas.set_points(
            self._session.plane.project(opened.means),
            None if labels is None else labels[:count],
            self._session.class_names,
        )
