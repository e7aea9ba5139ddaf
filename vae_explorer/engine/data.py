"""From the name of a data set to tensors: train, validation and test.

Images are uint8 (N, C, H, W) with ink high. Validation images are a fixed tenth of the training
images, 5,000 at most; the test split is the official one, and nothing else is ever called test.
"""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from vae_explorer import paths
from vae_explorer.engine.catalogue import DATASETS, DIGIT_NAMES, DatasetInfo
from vae_explorer.engine.device import is_out_of_memory
from vae_explorer.engine.downloads import Cancelling, Progress
from vae_explorer.engine.errors import ConfigError, DataError
from vae_explorer.engine.image_folder import Fit, Frame, list_folder, printable
from vae_explorer.engine.mnist_family import FAMILY, is_complete, read_relative
from vae_explorer.engine.pixel_cache import PixelFile, folder_pixels

__all__ = ["DATASETS", "Dataset", "DatasetInfo", "Rows", "Split", "load_dataset", "pictures"]

VALIDATION_SHARE = 0.1
MAX_VALIDATION = 5_000
SPLIT_SEED = 0
IDENTIFYING = 256  # train images, at equal steps: enough to tell a large folder from another
SMALL_DIGITS_LEVELS = 17  # 0..16
SMALL_DIGITS_SPLIT = (1000, 1350)  # train, validation and test of 1797 images, in file order


Rows = Callable[[Tensor], Tensor]
"""Pixels of some indices (B,), uint8 (B, P)."""


@dataclass(frozen=True, eq=False)
class Split:
    """Images uint8 (N, C, H, W), their labels int64 (N,) where there are any, and the file of a large folder's."""

    images: Tensor
    labels: Tensor | None = None
    file: PixelFile | None = None

    def __len__(self) -> int:
        return len(self.images)

    def rows(self, device: torch.device) -> Rows:
        """Pixels by their indices, from the device's memory or, of a folder too large for it, from its file."""
        file = self.file
        if file is not None and device.type == "cpu":
            return file.rows
        try:
            images = self.images.flatten(1).to(device)
        except RuntimeError as error:
            if file is None or not is_out_of_memory(error):
                raise
            return lambda index: file.rows(index).to(device)
        return partial(images.index_select, 0)  # `images[index]` takes fifteen times as long


def pictures(images: Tensor) -> np.ndarray:
    """A view of images (n, C, H, W) as pictures: (n, H, W), or (n, H, W, 3)."""
    array = images.numpy()
    return array[:, 0] if array.shape[1] == 1 else np.moveaxis(array, 1, -1)


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set in three parts that have no image in common.

    Attributes:
        name: a key of `DATASETS`.
        title: as a person writes it; a folder's own name.
        class_names: in the order of the labels; () without labels.
        fit: how a folder's pictures were made square.
    """

    name: str
    title: str
    train: Split
    validation: Split
    test: Split
    class_names: tuple[str, ...] = ()
    fit: Fit = "crop"

    def check(self, image_shape: tuple[int, int, int], *splits: str) -> None:
        """Refuse images of another shape than a model's (C, H, W), and a split without any.

        Raises:
            ConfigError: with the sentence for the user.
        """
        if self.image_shape != image_shape:
            raise ConfigError(
                f"The model is for images of shape {image_shape}; {self.title} has {self.image_shape}."
            )
        for split in splits:
            if not len(getattr(self, split)):
                raise ConfigError(f"The {split} split of {self.title} has no images.")

    @property
    def identity(self) -> dict[str, Any]:
        """What tells it from other data, JSON-ready: a folder's name and size alone do not."""
        images = self.train.images
        some = images[:: max(1, len(images) // IDENTIFYING)].cpu().numpy()
        checksum = zlib.crc32(some.tobytes())
        return {"name": self.name, "images": len(images), "fit": self.fit, "checksum": checksum}

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        _, channels, height, width = self.train.images.shape
        return channels, height, width

    @property
    def classes(self) -> int:
        """How many classes; 0 without labels."""
        return len(self.class_names)


def load_dataset(
    name: str,
    data_dir: str | Path | None = None,
    *,
    image_size: int = 28,
    fit: Fit = "crop",
    channels: Literal[1, 3] = 1,
    progress: Progress | None = None,
    cancelled: Cancelling | None = None,
    download: bool = True,
) -> Dataset:
    """Read a data set, and fetch it first where it is not to be found.

    Args:
        name: a key of `DATASETS`.
        data_dir: where data sets lie (`data_dir/MNIST/raw` and so on); by default the user's own
            data folder. For `folder`, the folder of images.
        image_size: pixels a side that a folder's images are brought to.
        fit: how: by cutting to a square (`crop`), or by filling up to one (`pad`).
        channels: 1 for a folder's images in grey, 3 in colour.
        progress: told (done, total or None): bytes of a download, images of a folder.
        cancelled: asked now and then whether to stop.
        download: whether to fetch what is missing.

    Raises:
        DataError: no such data set; or a file of it is missing, incomplete or something else.
        Cancelled: `cancelled()` said so.
    """
    info = DATASETS.get(name)
    if info is None:
        raise DataError(f"There is no data set {name!r}: choose one of {', '.join(DATASETS)}.")
    if name == "folder":
        if data_dir is None:
            raise DataError("Name the folder that holds the images.")
        frame = Frame(image_size, fit, channels)
        return _load_folder(paths.expanded(data_dir), frame, progress, cancelled)
    if name == "digits":
        arrays = _read_embedded()
    elif name == "digits-8x8":
        return _load_small_digits(info)
    else:
        folder = paths.expanded(data_dir) if data_dir is not None else paths.user_data()
        arrays = read_relative(name, folder, progress, cancelled, download)
    return _with_validation(info, *arrays)


def is_at_hand(name: str, data_dir: Path | None) -> bool:
    """Whether nothing is to be fetched: the files, if any, lie in the folder of data, by default the user's own."""
    return name not in FAMILY or is_complete(
        name, data_dir if data_dir is not None else paths.user_data()
    )


def _with_validation(
    info: DatasetInfo,
    train_images: np.ndarray,
    train_labels: np.ndarray,
    test_images: np.ndarray,
    test_labels: np.ndarray,
) -> Dataset:
    """The official splits, with the end of a fixed shuffle of the training images set apart."""
    count = len(train_images)
    held_out = min(max(1, round(VALIDATION_SHARE * count)), MAX_VALIDATION)
    # RandomState: its streams are frozen for good, so that a split never changes
    order = np.random.RandomState(SPLIT_SEED).permutation(count)
    train, validation = order[: count - held_out], order[count - held_out :]
    return Dataset(
        info.name,
        info.title,
        _split(train_images[train][:, None], train_labels[train]),
        _split(train_images[validation][:, None], train_labels[validation]),
        _split(test_images[:, None], test_labels),
        info.class_names,
    )


def _split(images: np.ndarray, labels: np.ndarray | None) -> Split:
    """Tensors of their own memory, since what numpy reads from a file may not be written to."""
    return Split(
        torch.from_numpy(np.require(images, np.uint8, ["C", "W"])),
        None if labels is None else torch.from_numpy(np.require(labels, np.int64, ["C", "W"])),
    )


def _read_embedded() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    path = paths.digits()
    try:
        # a file of our own: numpy leaves its own open when the archive is damaged
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return (
                arrays["train_images"],
                arrays["train_labels"],
                arrays["test_images"],
                arrays["test_labels"],
            )
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is missing or damaged: install VAE Explorer again.") from error


def _load_small_digits(info: DatasetInfo) -> Dataset:
    try:
        from sklearn.datasets import load_digits  # an optional extra, and slow to import
    except ImportError as error:
        raise DataError(
            f"{info.title} come with scikit-learn: run pip install 'vae-explorer[{info.extra}]'."
        ) from error
    pixels, labels = load_digits(return_X_y=True)  # (N, 64), whole numbers from 0 to 16
    levels = np.reshape(pixels, (-1, *info.image_shape)) / (SMALL_DIGITS_LEVELS - 1)
    images = np.round(255 * levels).astype(np.uint8)
    parts = zip(
        np.split(images, SMALL_DIGITS_SPLIT),
        np.split(np.asarray(labels), SMALL_DIGITS_SPLIT),
        strict=True,
    )
    train, validation, test = (_split(*part) for part in parts)
    return Dataset(info.name, info.title, train, validation, test, DIGIT_NAMES)


def _load_folder(
    folder: Path, frame: Frame, progress: Progress | None, cancelled: Cancelling | None
) -> Dataset:
    listing = list_folder(folder)
    try:
        parts = split_evenly(len(listing), listing.labels)
    except DataError as error:
        raise DataError(f"{folder}: {error}") from error
    order = np.concatenate(parts)  # split after split, so that each is a view of its pixels
    read, file = folder_pixels(listing, order, frame, progress, cancelled)
    pixels = _view(read)
    labels = None if listing.labels is None else torch.from_numpy(listing.labels[order])
    ends = np.cumsum([len(part) for part in parts]).tolist()
    train, validation, test = (
        Split(pixels[start:end], None if labels is None else labels[start:end])
        for start, end in zip([0, *ends], ends, strict=False)
    )
    train = replace(train, file=file)  # whose pictures come first in it
    title, classes = printable(folder.resolve().name), listing.class_names
    return Dataset("folder", title, train, validation, test, classes, frame.fit)


def _view(pixels: np.ndarray) -> Tensor:
    """A tensor on the same memory, which may be a file mapped for reading alone."""
    with warnings.catch_warnings():
        # torch warns of tensors that must not be written to, and has no kind that cannot be
        warnings.filterwarnings("ignore", "The given NumPy array is not writable", UserWarning)
        return torch.from_numpy(pixels)


def split_evenly(
    count: int, labels: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Indices of 80 % training, 10 % validation and 10 % test images, each class in proportion.

    The same every time. No part is empty, and every class keeps at least one training image.

    Raises:
        DataError: there are too few images for that.
    """
    random = np.random.RandomState(SPLIT_SEED)
    classes = np.zeros(count, np.int64) if labels is None else labels
    by_class = [random.permutation(np.flatnonzero(classes == c)) for c in np.unique(classes)]
    spare = np.concatenate([members[1:] for members in by_class])  # class after class
    apart = min(max(1, round(VALIDATION_SHARE * count)), len(spare) // 2)
    if apart == 0:
        raise DataError(
            f"{count} images are too few: {len(by_class) + 2} are the least, "
            "for training, validation and test."
        )
    # at equal steps through the classes, turn by turn for validation and test
    taken = spare[_steps(2 * apart, len(spare))]
    validation, test = taken[::2], taken[1::2]
    train = random.permutation(np.setdiff1d(np.arange(count), taken))
    return train, validation, test


def _steps(count: int, length: int) -> np.ndarray:
    """`count` different positions below `length`, equally far from each other."""
    return (2 * np.arange(count) + 1) * length // (2 * count)
