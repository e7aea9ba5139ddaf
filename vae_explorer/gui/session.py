"""The model in hand, the point in hand, and what is not yet saved. No widgets."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vae_explorer.engine.config import TrainingConfig
from vae_explorer.engine.lecture_figure import Curve
from vae_explorer.gui.beside import Piece
from vae_explorer.gui.gallery import Gallery, Source
from vae_explorer.gui.jobs import ModelOpened
from vae_explorer.gui.latent_plane import LatentPlane, collapsed, mean_kl

if TYPE_CHECKING:
    from vae_explorer.engine.explorer import Explorer
    from vae_explorer.gui.snapshot_history import Snapshot

SAME_WEIGHT = 1e-6  # class priors that differ by less are one, through a softmax of float32


@dataclass
class Session:
    """The state that the controllers share. Only they change it.

    Attributes:
        opened: the model with its embedded gallery; None until the first one is loaded. Other weights, and another
            class prior, are another explorer: what still computes with this one is not disturbed.
        plane: what of latent space the canvas shows.
        label: the class that the decoder is given, y.
        code: (d,) the pinned point, z; None where nothing is pinned.
        sample: the gallery image that was clicked; None for a point of the plane.
        unsaved: whether the model has weights that no file holds.
        changes: how often it came to have others, or another class prior: what is saved may not be the last of them.
        learned: whether a training of this session has got through an epoch.
        training: how the model in hand was trained, where that was in this window.
        epoch: of a training in this window, whose weights are in hand; None for a model from a file.
        looks_back: whether that is an earlier moment than the newest or best.
        is_half: whether these weights were kept in half precision.
        learned_prior: (C,) π as the weights in hand have learned it; None for a model of p(x).
        curve: the course of the training of the model in hand; None where it is not known.
        edited_prior: (C,) π as the user wants it, whatever the weights have learned; None where unedited.
        saved_prior: (C,) π as the model's file has it.
    """

    opened: ModelOpened | None = None
    plane: LatentPlane = field(default_factory=lambda: LatentPlane.of_axes(2))
    label: int = 0
    code: np.ndarray | None = None
    sample: int | None = None
    unsaved: bool = False
    changes: int = 0
    learned: bool = False
    training: TrainingConfig | None = None
    epoch: float | None = None
    looks_back: bool = False
    is_half: bool = False
    learned_prior: np.ndarray | None = None
    edited_prior: np.ndarray | None = None
    saved_prior: np.ndarray | None = None
    curve: Curve | None = None

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
    def sources(self) -> tuple[Source, ...]:
        """What the model can be measured on."""
        return self.opened.sources if self.opened else ()

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

    def holds_up(self, images: int) -> bool:
        """Whether decoding so many images in one call would hold the window up."""
        return self.opened is not None and self.opened.decoding.holds_up(images)

    def computed(self, images: int, piece: Piece) -> Generator[Piece, Any, Any]:
        """For a task of an `IdleQueue`: the result of a piece that decodes so many images.

        The window's thread does it, or another where that would hold the window up.
        """
        return (yield piece) if self.holds_up(images) else piece()

    def take(self, opened: ModelOpened) -> None:
        """Explore another model, on the plane that shows most of it."""
        self.opened = opened
        self.plane = best_plane(opened)
        self.code = None
        self.sample = None
        self.learned = False
        self.training = None
        self.epoch, self.looks_back, self.is_half = None, False, False
        self.learned_prior = opened.learned_prior
        self.edited_prior = None
        self.curve = Curve.from_dict(opened.card.get("curve"))
        if opened.learned_prior is not None:  # of a model come back to, π may be an edited one
            self._note_edit()
        self.label = min(self.label, max(0, len(self.class_names) - 1))
        self._note_saved_prior(opened.explorer)

    def change(self) -> None:
        """The model has weights now that no file holds."""
        self.unsaved = True
        self.changes += 1

    def saved_as(self, path: Path, asked: Session) -> None:
        """What was in hand when `asked`, a copy of this, was made is in this file now; what was changed since is not.

        Of an earlier moment that is a copy, and the best still is in none.
        """
        opened, saved = self.opened, asked.opened
        if opened is None or saved is None or opened.card is not saved.card:
            return  # another model is in hand now: whatever its weights, one keeps its card
        if asked.looks_back:
            self.unsaved |= path == self.path
            return
        self.opened = replace(opened, path=path)
        self.unsaved = self.changes != asked.changes
        self._note_saved_prior(saved.explorer)

    def _note_saved_prior(self, explorer: Explorer) -> None:
        self.saved_prior = explorer.class_prior if explorer.has_classes else None

    def follow(self, curve: Curve) -> None:
        """The training in hand has come to the end of another epoch."""
        self.curve = curve
        if self.opened is not None:
            best = {} if curve.best is None else {"best_epoch": curve.best}
            self.opened.card.update(best, epochs=curve.epochs[-1], curve=curve.to_dict())

    def edit_prior(self, weights: np.ndarray) -> None:
        """Make π proportional to weights (C,), or give back the learned one.

        Raises:
            InputError: no such weights.
        """
        if self.opened is None:
            return
        explorer = self.explorer.with_state(self.explorer.model.state_dict())
        explorer.set_class_prior(weights)
        self.opened = replace(self.opened, explorer=explorer)
        self._note_edit()
        self.changes += 1
        saved, is_only_change = self.saved_prior, self.path is not None and not self.learned
        same = saved is not None and np.allclose(self.explorer.class_prior, saved, atol=SAME_WEIGHT)
        self.unsaved = not (same and is_only_change)

    def _note_edit(self) -> None:
        prior, learned = self.explorer.class_prior, self.learned_prior
        same = learned is not None and np.allclose(prior, learned, atol=SAME_WEIGHT)
        self.edited_prior = None if same else prior

    def show_moment(self, moment: Snapshot) -> None:
        """Take the weights of a moment of the training in hand: the gallery's images move.

        A class prior that the user edited stays as it is, beside what these weights have learned.
        """
        if self.opened is None:
            return
        explorer, means, stds = self.explorer.with_state(moment.state), moment.means, moment.stds
        self.epoch, self.is_half = moment.epoch, moment.is_half
        learned = explorer.class_prior if explorer.has_classes else None
        self.learned_prior = learned
        if self.edited_prior is not None:
            explorer.set_class_prior(self.edited_prior)
        kl = None if means is None or stds is None else mean_kl(means, stds)
        self.opened = replace(
            self.opened, explorer=explorer, means=means, stds=stds, kl=kl, learned_prior=learned
        )


def best_plane(opened: ModelOpened) -> LatentPlane:
    """The two dimensions that carry the most nats; with d = 2 these are all there is."""
    dim = opened.explorer.latent_dim
    if dim <= 2 or opened.kl is None:
        return LatentPlane.of_axes(dim)
    first, second = sorted(np.argsort(opened.kl)[::-1][:2].tolist())
    return LatentPlane.of_axes(dim, (int(first), int(second)))
