"""The model in hand, the point in hand, and what is not yet saved. No widgets."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vae_explorer.engine.config import TrainingConfig
from vae_explorer.gui.jobs import Gallery, ModelOpened
from vae_explorer.gui.latent_plane import LatentPlane, collapsed, mean_kl

if TYPE_CHECKING:
    from vae_explorer.engine.explorer import Explorer


@dataclass
class Session:
    """The state that the controllers share. Only they change it.

    Attributes:
        opened: the model with its embedded gallery; None until the first one is loaded.
        plane: what of latent space the canvas shows.
        label: the class that the decoder is given, y.
        code: (d,) the pinned point, z; None where nothing is pinned.
        sample: the gallery image that was clicked; None for a point of the plane.
        unsaved: whether the model has weights that no file holds.
        learned: whether a training of this session has got through an epoch.
        training: how the model in hand was trained, for its card.
        epoch: of a training in this window, whose weights are in hand; None for a model from a file.
        looks_back: whether that is an earlier moment than the newest or best.
    """

    opened: ModelOpened | None = None
    plane: LatentPlane = field(default_factory=lambda: LatentPlane.of_axes(2))
    label: int = 0
    code: np.ndarray | None = None
    sample: int | None = None
    unsaved: bool = False
    learned: bool = False
    training: TrainingConfig | None = None
    epoch: float | None = None
    looks_back: bool = False

    @property
    def explorer(self) -> Explorer:
        """The model. Raises RuntimeError before there is one."""
        if self.opened is None:
            raise RuntimeError("No model is loaded yet.")
        return self.opened.explorer

    @property
    def ready(self) -> bool:
        """Whether there is a model to explore."""
        return self.opened is not None

    @property
    def gallery(self) -> Gallery | None:
        """The real images on the canvas."""
        return self.opened.gallery if self.opened else None

    @property
    def path(self) -> Path | None:
        """The model's file."""
        return self.opened.path if self.opened else None

    @property
    def decoder_label(self) -> int | None:
        """The class to decode with: None where the decoder takes none."""
        return self.label if self.ready and self.explorer.has_classes else None

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the points' classes: the model's own, else the gallery's."""
        if self.ready and self.explorer.has_classes:
            return tuple(self.explorer.class_names)
        return self.gallery.class_names if self.gallery else ()

    @property
    def collapsed(self) -> np.ndarray:
        """(d,) bool: which dimensions tell the decoder nothing."""
        if self.opened is None or self.opened.kl is None:
            return np.zeros(self.plane.dim, dtype=bool)
        return collapsed(self.opened.kl)

    def take(self, opened: ModelOpened) -> None:
        """Explore another model, on the plane that shows most of it."""
        self.opened = opened
        self.plane = best_plane(opened)
        self.code = None
        self.sample = None
        self.learned = False
        self.epoch, self.looks_back = None, False
        self.label = min(self.label, max(0, len(self.class_names) - 1))

    def saved_as(self, path: Path) -> None:
        """The model in hand is in this file now; of an earlier moment that is a copy, and the best still is in none."""
        if self.opened is not None and not self.looks_back:
            self.opened = replace(self.opened, path=path)
            self.unsaved = False

    def reembed(self, means: np.ndarray | None, stds: np.ndarray | None) -> None:
        """The same model with other weights: the gallery's images moved."""
        if self.opened is not None:
            kl = None if means is None or stds is None else mean_kl(means, stds)
            self.opened = replace(self.opened, means=means, stds=stds, kl=kl)


def best_plane(opened: ModelOpened) -> LatentPlane:
    """The two dimensions that carry the most nats; with d = 2 these are all there is."""
    dim = opened.explorer.latent_dim
    if dim <= 2 or opened.kl is None:
        return LatentPlane.of_axes(dim)
    first, second = sorted(np.argsort(opened.kl)[::-1][:2].tolist())
    return LatentPlane.of_axes(dim, (int(first), int(second)))
