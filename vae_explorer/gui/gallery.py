"""Real images beside a model, and the data sets that it can be measured on. No Qt here.

The engine's readers, and torch with them, are imported where they are called: by the worker.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vae_explorer.engine.catalogue import DATASETS
from vae_explorer.engine.config import ModelConfig
from vae_explorer.engine.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

    from vae_explorer.engine.data import Dataset
    from vae_explorer.engine.image_folder import Fit
    from vae_explorer.engine.models import Model

GALLERY_SIZE = 10_000  # images on the canvas
SPLITS = ("test", "validation", "train")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Gallery:
    """The real images that the window shows as points: the test split of a data set.

    Attributes:
        images: (n, H, W) or (n, H, W, 3) uint8.
        labels: (n,) int64, or None.
        fit: how a folder's pictures became square.
    """

    dataset: str
    title: str
    images: np.ndarray
    labels: np.ndarray | None
    class_names: tuple[str, ...]
    fit: Fit = "crop"


@dataclass(frozen=True)
class Source:
    """A data set that a model can be measured on.

    Attributes:
        dataset: a key of `DATASETS`, or a folder's path.
        splits: of another data set than the model was trained on, the test images alone: its train
            and validation images may be among those that the model was trained on.
        fit: how a folder's pictures become square.
    """

    dataset: str
    title: str
    splits: tuple[str, ...]
    fit: Fit = "crop"


def read_dataset(
    name: str,
    data_dir: Path | None,
    progress: Callable[[int, int | None], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    *,
    download: bool = True,
    shape: tuple[int, int, int] = (1, 28, 28),
    fit: Fit = "crop",
) -> Dataset:
    """A data set by its name, or a folder of images by its path, brought to `shape` by `fit`."""
    from vae_explorer.engine.data import load_dataset

    if name in DATASETS:
        return load_dataset(
            name, data_dir, progress=progress, cancelled=cancelled, download=download
        )
    return load_dataset(
        "folder",
        Path(name),
        image_size=shape[1],
        fit=fit,
        channels=3 if shape[0] == 3 else 1,
        progress=progress,
        cancelled=cancelled,
    )


def read_again(
    source: Source, model: Model, data_dir: Path | None, cancelled: Callable[[], bool]
) -> Dataset:
    """A data set that was read before, as the model takes it."""
    return read_dataset(
        source.dataset,
        data_dir,
        cancelled=cancelled,
        download=False,
        shape=model.config.image_shape,
        fit=source.fit,
    )


def gallery_of(dataset: Dataset, key: str, count: int = GALLERY_SIZE) -> Gallery:
    """The first test images of a data set."""
    from vae_explorer.engine.data import pictures

    labels = first_labels(dataset.test.labels, count)
    return Gallery(
        key,
        dataset.title,
        np.ascontiguousarray(pictures(dataset.test.images[:count])),
        None if labels is None else labels.numpy(),
        dataset.class_names,
        dataset.fit,
    )


def find_gallery(
    config: ModelConfig,
    card: dict[str, Any],
    data_dir: Path | None,
    cancelled: Callable[[], bool],
) -> Gallery | None:
    """Test images of the data set that a model was trained on; None where they are not at hand.

    Nothing is downloaded or unpacked for it. MNIST's are the embedded ones, which are of its test images: to read
    all of MNIST would hold up the start.
    """
    trained_on = dataset_of(card)
    name = "digits" if trained_on == "mnist" else trained_on
    if name is None:
        return None
    from vae_explorer.engine.data import is_at_hand

    if not is_at_hand(name, data_dir):
        _log.info("No images of %s beside the model: they are not at hand", name)
        return None
    try:
        dataset = read_dataset(name, data_dir, cancelled=cancelled, download=False)
    except DataError as error:
        _log.info("No images of %s beside the model: %s", name, error)
        return None
    labels_fit = not config.class_names or len(dataset.class_names) == len(config.class_names)
    fits = dataset.image_shape == config.image_shape and labels_fit
    return gallery_of(dataset, name) if fits else None


def dataset_of(card: dict[str, Any]) -> str | None:
    """The key of the data set that a model was trained on; None for a folder, or where its card does not tell."""
    data, said = card.get("data"), card.get("dataset")
    named = data.get("name") if isinstance(data, dict) else None
    for info in DATASETS.values():
        known = named == info.name if named is not None else said in (info.name, info.title)
        if known and not info.needs_folder:
            return info.name
    return None


def sources_of(
    card: dict[str, Any], gallery: Gallery | None, data_dir: Path | None
) -> tuple[Source, ...]:
    """What a model from a file can be measured on: the data it was trained on, and its gallery's images."""
    if gallery is None:
        return ()
    trained_on = dataset_of(card)
    if trained_on == gallery.dataset:
        return (Source(gallery.dataset, gallery.title, SPLITS, gallery.fit),)
    from vae_explorer.engine.data import is_at_hand

    nearest = Source(gallery.dataset, gallery.title, ("test",), gallery.fit)
    if trained_on is None or not is_at_hand(trained_on, data_dir):
        return (nearest,)
    return Source(trained_on, DATASETS[trained_on].title, SPLITS), nearest


def first_labels(labels: Tensor | None, count: int) -> Tensor | None:
    """The first so many labels, where there are any."""
    return None if labels is None else labels[:count]
