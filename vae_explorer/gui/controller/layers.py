"""The canvas' layers that the decoder paints: the manifold and the class regions."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, QTimer

from vae_explorer.gui.beside import Piece
from vae_explorer.gui.canvas_frame import Extent
from vae_explorer.gui.idle import IdleQueue
from vae_explorer.gui.main_window import MainWindow
from vae_explorer.gui.menus import LAYER_KEYS
from vae_explorer.gui.pixels import shrunk, to_bytes
from vae_explorer.gui.session import Session

if TYPE_CHECKING:
    from vae_explorer.engine.explorer import Explorer

SETTLE_MS = 120  # after a zoom, a training's snapshot or another class
TILES = 22  # images along the longer side of the view
TILE_SIDE = 64  # pixels at least, of which a screen shows about thirty
TOGETHER = 16  # images that are classified in one piece of work: a whole row takes a frame
CELLS = 56  # class regions are coarser than pixels, and smoothed by the canvas


class Layers(QObject):
    """Computes what is shown, for the view that is shown, in slices nobody sees."""

    def __init__(self, window: MainWindow, session: Session, idle: IdleQueue) -> None:
        super().__init__(window)
        self._window, self._session, self._idle = window, session, idle
        self._extent: Extent = (-3.0, 3.0, -3.0, 3.0)
        self._visible = {"manifold": False, "regions": False}
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(self.compute)
        window.canvas.layer_toggled.connect(self._take)
        window.canvas.view_changed.connect(self._on_view)
        for name in LAYER_KEYS:
            window.menus.layers[name].toggled.connect(self._on_menu)
        for name, visible in (("points", True), ("prior", True)):
            window.menus.set_layer(name, visible)

    def invalidate(self) -> None:
        """The decoder, the plane or the class changed: paint anew, soon."""
        if any(self._visible.values()) and not self._settle.isActive():
            self._settle.start()

    def model_changed(self) -> None:
        """Another model: only one with a classifier has regions."""
        why_not = ""
        if not self._session.explorer.has_classes:
            why_not = self.tr("Regions are for a Joint VAE: this model has no q(y|x)")
            if self._visible["regions"]:
                self.show("regions", False)
        self._window.canvas.set_layer_offered("regions", why_not)
        self._window.menus.layers["regions"].setEnabled(not why_not)
        self.compute()

    def compute(self) -> None:
        """Begin to paint the layers that are visible."""
        if not self._session.ready:
            return
        if self._visible["manifold"]:
            self._idle.run("manifold", self._manifold(self._extent))
        if self._visible["regions"] and self._session.explorer.has_classes:
            self._idle.run("regions", self._regions(self._extent))

    def show(self, name: str, visible: bool) -> None:
        """Switch a layer, from anywhere."""
        self._window.canvas.set_layer(name, visible)
        self._take(name, visible)

    def _on_menu(self, visible: bool) -> None:
        action = self.sender()
        for name, known in self._window.menus.layers.items():
            if known is action:
                self.show(name, visible)

    def _take(self, name: str, visible: bool) -> None:
        self._window.menus.set_layer(name, visible)
        if name in self._visible:
            self._visible[name] = visible
            if visible:
                self.compute()
            else:
                self._idle.drop(name)

    def _on_view(self, x0: float, x1: float, y0: float, y1: float) -> None:
        self._extent = (x0, x1, y0, y1)
        if any(self._visible.values()):
            self._settle.start()

    def _manifold(self, extent: Extent) -> Generator[Piece | None, Any, None]:
        session = self._session
        rows, columns = grid_shape(extent, TILES)
        done, explorer, label = [], session.explorer, session.decoder_label
        for line in grid(extent, rows, columns):
            tiles = partial(_tiles, explorer, session.plane.lift(line), label)
            done.append((yield from session.computed(columns, tiles)))
            yield
        self._window.canvas.set_manifold(np.stack(done), extent)

    def _regions(self, extent: Extent) -> Generator[Piece | None, Any, None]:
        session = self._session
        rows, columns = grid_shape(extent, CELLS)
        explorer, label = session.explorer, session.decoder_label
        winners, confidences = [], []
        for line in grid(extent, rows, columns):
            q = []
            for start in range(0, columns, TOGETHER):
                codes = session.plane.lift(line[start : start + TOGETHER])
                classified = partial(_classified, explorer, codes, label)
                q.append((yield from session.computed(TOGETHER, classified)))
                yield
            winners.append(np.concatenate(q).argmax(axis=1))
            confidences.append(np.concatenate(q).max(axis=1))
        self._window.canvas.set_regions(np.stack(winners), np.stack(confidences), extent)


def _tiles(explorer: Explorer, codes: np.ndarray, label: int | None) -> np.ndarray:
    """A row of the manifold, uint8 and no finer than a screen shows it."""
    images = explorer.decode(codes, label)
    return to_bytes(shrunk(images, TILE_SIDE))


def _classified(explorer: Explorer, codes: np.ndarray, label: int | None) -> np.ndarray:
    """q(y|x) of decoded images, (N, C)."""
    return explorer.classify(explorer.decode(codes, label))


def grid_shape(extent: Extent, longer: int) -> tuple[int, int]:
    """Rows and columns of square cells over a view, `longer` of them along its longer side."""
    wide, tall = extent[1] - extent[0], extent[3] - extent[2]
    cell = max(wide, tall) / longer
    return max(1, round(tall / cell)), max(1, round(wide / cell))


def grid(extent: Extent, rows: int, columns: int) -> Iterator[np.ndarray]:
    """The cells' centres, a row (columns, 2) at a time, the top one first."""
    x0, x1, y0, y1 = extent
    xs = x0 + (np.arange(columns) + 0.5) * (x1 - x0) / columns
    ys = y1 - (np.arange(rows) + 0.5) * (y1 - y0) / rows
    for y in ys:
        yield np.stack([xs, np.full(columns, y)], axis=1).astype(np.float32)
