"""Pictures, films, tables and figures in files."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication

from vae_explorer import paths
from vae_explorer.engine import films
from vae_explorer.engine.errors import EngineError
from vae_explorer.engine.figures import save_film, save_picture, tile
from vae_explorer.engine.files import write_whole
from vae_explorer.engine.lecture_figure import save_lecture_figure
from vae_explorer.engine.report import json_bytes
from vae_explorer.gui.controller.evaluating import Evaluating
from vae_explorer.gui.controller.exploring import Exploring
from vae_explorer.gui.controller.layers import TILES, grid, grid_shape
from vae_explorer.gui.controller.missing_images import how_to_get_images
from vae_explorer.gui.controller.pages import Pages
from vae_explorer.gui.controller.reporting import Reporter
from vae_explorer.gui.controller.training import Training
from vae_explorer.gui.curve_export import Writer
from vae_explorer.gui.file_names import ask_for_file
from vae_explorer.gui.jobs import WriteFile, uncollected
from vae_explorer.gui.main_window import MainWindow
from vae_explorer.gui.pixels import mosaic, png_bytes, to_bytes
from vae_explorer.gui.session import Session
from vae_explorer.gui.training_thread import Failed, Worker

if TYPE_CHECKING:
    from torch import Tensor

PICTURE_SCALE = 4  # file pixels a side for each pixel of the model
FILM_FPS = 15
FILM_FRAMES = 120
FILM_EXTENT = (-2.5, 2.5, -2.5, 2.5)  # of the plane, at every moment of a training

JSON = "JSON (*.json)"
PNG = "PNG (*.png)"
PDF = "PDF (*.pdf)"
GIF = "GIF (*.gif)"
MP4 = "MP4 (*.mp4)"


class Export(QObject):
    """Asks for a name and writes, beside the window; a failure is told, and leaves no half a file."""

    def __init__(
        self,
        window: MainWindow,
        session: Session,
        reporter: Reporter,
        exploring: Exploring,
        pages: Pages,
        training: Training,
        evaluating: Evaluating,
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._reporter = window, session, reporter
        self._exploring, self._pages, self._training = exploring, pages, training
        self._evaluating = evaluating
        self._worker = Worker(self)
        self._worker.messages_arrived.connect(self._on_messages)
        menus = window.menus
        menus.export_canvas.triggered.connect(self.canvas)
        menus.export_grid.triggered.connect(self.manifold)
        menus.export_image.triggered.connect(self.image)
        menus.export_samples.triggered.connect(self.samples)
        menus.export_path.triggered.connect(self.path)
        menus.export_training.triggered.connect(self.training_film)
        menus.export_figure.triggered.connect(self.figure)
        menus.export_curves.triggered.connect(self.curves)
        menus.copy_image.triggered.connect(self.copy_image)
        window.image.copy_requested.connect(self.copy_image)
        window.image.save_requested.connect(self.image)
        window.film.export_requested.connect(self.path)
        window.figure.export_requested.connect(self.figure)
        window.evaluation.save_requested.connect(self.evaluation)

    def wire_curves(self) -> None:
        """Connect the curves, once they are there."""
        self._window.curves.export.write_requested.connect(self._write_curves)
        self._window.curves.export.refused.connect(self._reporter.refuse)

    def canvas(self) -> None:
        """The canvas as it is on the screen."""
        picture = self._window.canvas.grab().toImage()
        self._ask("canvas.png", PNG, lambda path: write_whole(path, png_bytes(picture)))

    def manifold(self) -> None:
        """The decoded images over the view of the canvas."""
        if not self._session.ready:
            return
        extent, label = self._window.canvas.view, self._session.decoder_label
        rows, columns = grid_shape(extent, TILES)
        codes = self._session.plane.lift(np.concatenate(list(grid(extent, rows, columns))))
        explorer = self._session.explorer

        def write(path: Path) -> None:
            images = explorer.decode(codes, label)
            picture = mosaic(images.reshape(rows, columns, *images.shape[1:]))
            save_picture(path, to_bytes(picture), scale=2)

        self._ask("manifold.png", PNG, write)

    def image(self) -> None:
        """The decoded image."""
        if self._exploring.decoded is not None:
            image = to_bytes(self._exploring.decoded)
            self._ask(
                "decoded.png", PNG, lambda path: save_picture(path, image, scale=PICTURE_SCALE)
            )

    def samples(self) -> None:
        """The page of random samples."""
        images = self._window.samples.images()
        if images is None:
            self._reporter.inform(self.tr("Draw samples first: they are on the page Samples."))
            return
        page = tile(to_bytes(images), self._window.samples.columns(), gap=0)
        self._ask("samples.png", PNG, lambda path: save_picture(path, page, scale=2))

    def path(self) -> None:
        """The path's film, or its frames in a row."""
        decoded = self._pages.path_piece()
        if decoded is None:
            self._reporter.inform(self.tr("Draw a path first: hold Shift and drag on the canvas."))
            return

        def write(path: Path) -> None:
            frames = decoded()
            if path.suffix.lower() == ".png":
                some = frames[::4]
                save_picture(path, tile(to_bytes(some), len(some), gap=0), scale=2)
            else:
                save_film(path, to_bytes(frames), frames_per_second=FILM_FPS, scale=PICTURE_SCALE)

        self._ask("path.gif", f"{self._film_kinds()};;{PNG}", write)

    def training_film(self) -> None:
        """How the decoded images of the canvas' plane came to be, snapshot by snapshot."""
        history, session = self._training.history, self._session
        if len(history) < 2:
            self._reporter.inform(self.tr("Train a model first: its snapshots make the film."))
            return
        moments = np.unique(np.linspace(0, len(history) - 1, FILM_FRAMES).round().astype(int))
        states = [history[index].state for index in moments.tolist()]
        explorer, label = session.explorer, session.decoder_label
        codes = session.plane.lift(np.concatenate(list(grid(FILM_EXTENT, 8, 8))))

        def frame(state: Mapping[str, Tensor]) -> np.ndarray:
            """A small manifold."""
            images = explorer.with_state(state).decode(codes, label)
            return mosaic(images.reshape(8, 8, *images.shape[1:]))

        def write(path: Path) -> None:
            frames = to_bytes(np.stack([frame(state) for state in states]))
            save_film(path, frames, frames_per_second=FILM_FPS, scale=2)

        self._ask("training.gif", self._film_kinds(), write)

    def _film_kinds(self) -> str:
        """GIF, and MP4 where it can be made; where not, the dialog says what it takes."""
        if films.ffmpeg_program() is None:
            return self.tr("GIF (for MP4: {0}) (*.gif)").format(films.HOW_TO_GET)
        return f"{GIF};;{MP4}"

    def figure(self) -> None:
        """The lecture's figure, on white paper."""
        if not self._session.ready:
            return
        if self._session.gallery is None:
            said = self.tr(
                "No images at hand fit this model, and part (a) of the figure shows some."
            )
            self._reporter.inform(f"{said} {how_to_get_images(self._session)}")
            return

        config, data = self._session.explorer.config, self._pages.data_title
        images, curve = self._pages.figure_piece(), self._session.curve

        def write(path: Path) -> None:
            _load_matplotlib()
            real, generated = images()
            assert real is not None
            save_lecture_figure(path, config, data, real, generated, curve)

        self._ask("figure.pdf", f"{PDF};;{PNG}", write)

    def curves(self) -> None:
        """The curves as a table."""
        if self._window.curves.run_names:
            self._window.curves.export.ask("csv")
        else:
            self._reporter.inform(self.tr("Train a model first: its curves make the table."))

    def evaluation(self) -> None:
        """The figures of the model, as the command line writes them."""
        content = self._evaluating.content()
        if content is not None:
            written = json_bytes(content)
            self._ask("evaluation.json", JSON, lambda path: write_whole(path, written))

    def copy_image(self) -> None:
        """The decoded image to the clipboard, with the model's own pixels."""
        picture = self._window.image.picture()
        if picture is not None:
            QGuiApplication.clipboard().setImage(picture)

    def _ask(self, suggestion: str, kinds: str, write: Writer) -> None:
        if not self._session.ready or not self._may_write():
            return
        start = paths.home() / suggestion
        try:
            path = ask_for_file(self._window, self.tr("Export"), start, kinds)
        except EngineError as error:
            self._reporter.refuse(str(error))
            return
        if path is not None:
            self._worker.start(WriteFile(path, write))

    def _write_curves(self, name: str, write: Writer) -> None:
        if self._may_write():
            self._worker.start(WriteFile(Path(name), write))

    def _may_write(self) -> bool:
        """Whether no other file is being written."""
        if self._worker.busy:
            self._reporter.refuse(self.tr("Another file is still being written."))
        return not self._worker.busy

    def shut_down(self) -> None:
        """Finish the file that is being written: the window is closing."""
        self._worker.shut_down()

    def _on_messages(self, messages: Sequence[object]) -> None:
        for message in messages:
            if isinstance(message, Failed):
                self._reporter.error(message.error, message.details)
            else:
                self._reporter.inform(self.tr("Saved {0}").format(message))


def _load_matplotlib() -> None:
    """Its objects are so many that to look through them for garbage would take the window frames."""
    if "matplotlib.figure" not in sys.modules:
        with uncollected():
            import matplotlib.backends.backend_agg
            import matplotlib.figure
            import matplotlib.ticker  # noqa: F401
