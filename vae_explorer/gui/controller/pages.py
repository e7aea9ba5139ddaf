"""The lower pages: the path's film, random samples, and the lecture's figure."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
from PySide6.QtCore import QObject

from vae_explorer.engine.config import train_title
from vae_explorer.engine.lecture_figure import SIDE, Curve, figure_images
from vae_explorer.gui.beside import Piece
from vae_explorer.gui.controller.exploring import Exploring
from vae_explorer.gui.idle import IdleQueue
from vae_explorer.gui.latent_plane import spherical_path, straight_path
from vae_explorer.gui.main_window import MainWindow
from vae_explorer.gui.samples_page import COUNT
from vae_explorer.gui.session import Session

if TYPE_CHECKING:
    from vae_explorer.engine.events import EpochEvent
    from vae_explorer.engine.explorer import Mode

PATH_FRAMES = 40
TOGETHER = 16  # samples that are drawn in one piece of work
_FIGURE_SEED = 7  # of the generated images: the same codes while a training improves them

FigureImages: TypeAlias = tuple[np.ndarray | None, np.ndarray]


class Pages(QObject):
    """Fills the pages when they are asked for, and the figure while a training goes on."""

    def __init__(
        self, window: MainWindow, session: Session, exploring: Exploring, idle: IdleQueue
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._exploring = window, session, exploring
        self._idle = idle
        self._codes: np.ndarray | None = None  # (T, d) the path's
        self._epochs: list[EpochEvent] = []
        self._chosen_seed = 0
        self.path_frames: np.ndarray | None = None
        canvas = window.canvas
        canvas.path_drawn.connect(self.draw_path)
        canvas.path_cleared.connect(self.clear_path)
        window.film.frame_selected.connect(self.show_frame)
        window.film.closed.connect(canvas.clear_path)
        window.samples.samples_requested.connect(self.show_samples)
        window.figure.refresh_requested.connect(self.choose_others)
        window.menus.spherical.toggled.connect(self._redraw_path)
        window.tabs.currentChanged.connect(self.refresh_visible)

    # -- the path ------------------------------------------------------------------------------

    def draw_path(self, ax: float, ay: float, bx: float, by: float) -> None:
        """Decode along A to B: straight in two dimensions, along the sphere in more."""
        if not self._session.ready:
            return
        plane = self._session.plane
        a, b = plane.lift(np.array([[ax, ay], [bx, by]]))
        straight = plane.whole or not self._window.menus.spherical.isChecked()
        along = straight_path if straight else spherical_path
        self._codes = along(a, b, PATH_FRAMES)
        route = plane.project(self._codes)
        if plane.dim == 1:  # where points are scattered over the height, a path is straight
            route[:, 1] = np.linspace(ay, by, PATH_FRAMES)
        self._show_route(route)
        self._show_no_frames()
        self.decode_path()
        self._window.show_tab(self._window.film)

    def place_path(self) -> None:
        """The same path on another plane."""
        if self._codes is not None:
            self._show_route(self._session.plane.project(self._codes))
            self._show_position(self._window.film.current)

    def _show_route(self, route: np.ndarray) -> None:
        points = [(x, y) for x, y in route.tolist()]
        self._window.canvas.set_path(points[0], points[-1], points)

    def _show_position(self, index: int) -> None:
        self._window.canvas.set_path_position(index / (PATH_FRAMES - 1))

    def _redraw_path(self) -> None:
        ends = self._window.canvas.path_ends
        if ends is not None:
            (ax, ay), (bx, by) = ends
            self.draw_path(ax, ay, bx, by)

    def decode_path(self) -> None:
        """Decode the path's codes with the class and weights in hand."""
        if self._codes is None or not self._session.ready:
            return
        if self._codes.shape[1] != self._session.plane.dim:
            self.clear_path()
            return
        self._idle.begin_after("path", self._decode_path(self._codes))

    def _decode_path(self, codes: np.ndarray) -> Generator[Piece, Any, None]:
        session, film = self._session, self._window.film
        label = session.decoder_label
        name = None if label is None else session.class_names[label]
        decode = partial(session.explorer.decode, codes, label)
        frames = yield from session.computed(len(codes), decode)
        if codes is self._codes:  # the path on show
            self.path_frames = frames
            film.set_class(name)
            film.set_frames(frames)

    def path_piece(self) -> Callable[[], np.ndarray] | None:
        """What gives the path's frames, in any thread, also before they are on show; None where no path is drawn."""
        codes, frames, session = self._codes, self.path_frames, self._session
        if codes is None:
            return None
        if frames is None:
            return partial(session.explorer.decode, codes, session.decoder_label)
        return lambda: frames

    def show_frame(self, index: int) -> None:
        """One frame of the film: its place on the canvas, and its image large."""
        if self._codes is None or not 0 <= index < len(self._codes):
            return
        self._show_position(index)
        self._exploring.preview(self._codes[index])

    def clear_path(self) -> None:
        """Forget the path."""
        self._codes = None
        self._idle.drop("path")
        self._show_no_frames()

    def _show_no_frames(self) -> None:
        """Those on show are of another path."""
        self.path_frames = None
        self._window.film.set_frames(None)

    # -- samples and figure ----------------------------------------------------------------------

    def show_samples(self, label: int, mode: str) -> None:
        """New random samples, a few at a time: a model of 256 grey levels takes most of a second."""
        if self._session.ready:
            self._idle.run("samples", self._draw_samples(label, mode))
            self._window.show_tab(self._window.samples)

    def _draw_samples(self, label: int, mode: str) -> Generator[Piece | None, Any, None]:
        chosen = label if label >= 0 else None
        how = cast("Mode", mode)
        drawn, session, explorer = [], self._session, self._session.explorer
        for start in range(0, COUNT, TOGETHER):
            count = min(TOGETHER, COUNT - start)
            sample = partial(explorer.sample, count, chosen, mode=how)
            drawn.append((yield from session.computed(count, sample)))
            yield
        self._window.samples.set_images(np.concatenate(drawn))

    def show_class_samples(self, label: int) -> None:
        """The page of one class."""
        self._window.samples.choose_class(label)

    def model_changed(self) -> None:
        """Another model: what the pages show is of the old one."""
        explorer = self._session.explorer
        self._window.samples.set_classes(explorer.class_names if explorer.has_classes else ())
        self._window.samples.set_images(None)
        self._window.figure.set_images(None, None)
        self._window.set_has_classes(explorer.has_classes)
        self._window.image.set_has_classes(explorer.has_classes)
        self.clear_path()
        self._window.canvas.set_path(None)
        self._epochs = []
        config, figure = explorer.config, self._window.figure
        caption = ", ".join(filter(None, (config.title, self.data_title)))
        figure.set_model(caption, config.given_class, config.elbo_title, explorer.likelihood_unit)
        is_new = self._session.path is None
        begins = self.tr("The curve begins with the end of the first epoch.")
        kept = self.tr("The model's file keeps no curve of its training.")
        figure.set_curve(self._session.curve, begins if is_new else kept)
        self.refresh_visible()

    def weights_changed(self) -> None:
        """The decoder changed: pictures on show are made anew, samples in front when it is done."""
        self.decode_path()
        if self._window.tabs.currentWidget() is not self._window.samples:
            self._drop_samples()
        self.refresh_visible()

    def draw_again(self) -> None:
        """Other images would be drawn now: in the page in front, and in others when they come."""
        if self._window.tabs.currentWidget() is self._window.samples:
            self._window.samples.request()
        else:
            self._drop_samples()
            self.refresh_visible()

    def _drop_samples(self) -> None:
        """They are of other weights, those that are being drawn too."""
        self._idle.drop("samples")
        self._window.samples.set_images(None)

    def choose_others(self) -> None:
        """Other images in the figure."""
        self._chosen_seed += 1
        self._show_figure()

    def epoch_ended(self, event: EpochEvent) -> None:
        """Another point of the figure's curve."""
        # a training may go on from before the last
        self._epochs = [e for e in self._epochs if e.epoch < event.epoch]
        self._epochs.append(event)
        self._show_course()

    def epochs_recovered(self, events: Sequence[EpochEvent]) -> None:
        """The figure's curve up to where the training was cut off."""
        self._epochs = list(events)
        self._show_course()

    def _show_course(self) -> None:
        curve = self._curve_so_far()
        self._session.follow(curve)
        self._window.figure.set_curve(curve)

    def refresh_visible(self) -> None:
        """Fill the page in front, where it is made of the model's images."""
        if not self._session.ready:
            return
        page = self._window.tabs.currentWidget()
        if page is self._window.figure:
            self._show_figure()
        elif page is self._window.samples and self._window.samples.images() is None:
            self._window.samples.request()

    def figure_piece(self) -> Callable[[], FigureImages]:
        """What makes the figure's images, in any thread: up to 36 of the gallery, if there is one, and 36 generated."""
        gallery, explorer = self._session.gallery, self._session.explorer
        seed = _FIGURE_SEED + self._chosen_seed
        if gallery is None:
            return lambda: (None, explorer.sample(SIDE * SIDE, seed=seed))
        return partial(figure_images, explorer, gallery.images, self._chosen_seed, seed)

    def _curve_so_far(self) -> Curve:
        """The course of the training in hand."""
        explorer, events, training = self._session.explorer, self._epochs, self._session.training
        return Curve(
            epochs=[event.epoch for event in events],
            validation=[event.validation.elbo for event in events],
            train=[event.train.elbo for event in events],
            train_title=train_title(explorer.config, training) if training else "train",
            reference=events[-1].reference,
            best=next((event.epoch for event in reversed(events) if event.is_best), None),
            quantity=explorer.config.elbo_title,
            unit=explorer.likelihood_unit,
        )

    @property
    def data_title(self) -> str:
        """Of the data set whose images are shown; empty without one."""
        return self._session.gallery.title if self._session.gallery else ""

    def _show_figure(self) -> None:
        if self._session.ready:
            self._idle.begin_after("figure", self._fill_figure())

    def _fill_figure(self) -> Generator[Piece, Any, None]:
        images = yield from self._session.computed(SIDE * SIDE, self.figure_piece())
        self._window.figure.set_images(*images)
