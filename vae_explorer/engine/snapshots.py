"""Copies of a training model for those who watch it, as often as they want them."""

from __future__ import annotations

import time

import numpy as np
from torch import Tensor

from vae_explorer.engine.embedding import embed_images
from vae_explorer.engine.events import SnapshotEvent
from vae_explorer.engine.latent_model import LatentModel, copy_state


class Snapshots:
    """When a snapshot is due, and what it shows."""

    def __init__(self, images: Tensor | None, labels: Tensor | None, seconds: float | None) -> None:
        self._images, self._labels, self._seconds = images, labels, seconds
        self._last = time.perf_counter()

    @property
    def wanted(self) -> bool:
        return self._seconds is not None

    def due(self, holding: bool) -> bool:
        """Whether the last snapshot is old enough, or the training holds here to be looked at."""
        if self._seconds is None:
            return False
        return holding or time.perf_counter() - self._last >= self._seconds

    def take(self, model: LatentModel, epoch: float, step: int) -> SnapshotEvent:
        """Copy the weights and embed the images with them."""
        means: np.ndarray | None = None
        stds: np.ndarray | None = None
        if self._images is not None:
            means, stds = (t.numpy() for t in embed_images(model, self._images, self._labels))
        self._last = time.perf_counter()
        return SnapshotEvent(epoch, step, copy_state(model), means, stds)
