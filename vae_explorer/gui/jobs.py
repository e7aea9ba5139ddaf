"""What the worker does: load the engine and a model, train, evaluate. No Qt here.

The engine, and torch with it, is imported inside `run`, so that the window is visible before it is.
"""

from __future__ import annotations

import copy
import gc
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vae_explorer.engine.catalogue import DATASETS
from vae_explorer.engine.config import ModelConfig, TrainingConfig
from vae_explorer.engine.control import TrainingControl
from vae_explorer.engine.errors import Cancelled, DataError
from vae_explorer.engine.evaluation_config import EvaluationConfig
from vae_explorer.gui.latent_plane import mean_kl

if TYPE_CHECKING:
    from torch import Tensor

    from vae_explorer.engine.data import Dataset
    from vae_explorer.engine.events import FinishedEvent
    from vae_explorer.engine.explorer import Explorer
    from vae_explorer.engine.image_folder import Fit
    from vae_explorer.engine.models import Model
    from vae_explorer.engine.training_state import TrainingState

Post = Callable[[object], None]

GALLERY_SIZE = 10_000  # images on the canvas
SNAPSHOT_IMAGES = 2_000  # images embedded at every snapshot of a training
SNAPSHOT_SECONDS = 0.25
GRADIENT_DRAWS = 100
_SMALL_SIDE = 8

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


@dataclass(frozen=True, eq=False)
class ModelOpened:
    """A model is ready to be explored.

    Attributes:
        path: its file; None for one that was just made.
        means, stds: (n, d), the posteriors of the gallery's images; None without a gallery.
        kl: (d,) their mean KL in nats; None without a gallery.
    """

    explorer: Explorer
    path: Path | None
    card: dict[str, Any]
    gallery: Gallery | None
    means: np.ndarray | None = None
    stds: np.ndarray | None = None
    kl: np.ndarray | None = None


@dataclass(frozen=True)
class DownloadProgress:
    """Bytes of a data set that have come, of a total that may be unknown."""

    done: int
    total: int | None


@dataclass(frozen=True, eq=False)
class TrainingBegun:
    """The data are there and the first step is about to be taken."""

    opened: ModelOpened
    config: ModelConfig
    training: TrainingConfig


@dataclass(frozen=True, eq=False)
class TrainingEnded:
    """The end of a training, and where its best weights put the gallery's images.

    Attributes:
        means, stds: (n, d), as in `ModelOpened`.
    """

    event: FinishedEvent
    means: np.ndarray
    stds: np.ndarray


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep all that is made in here, imported modules above all, away from the garbage collector.

    One look through the objects of torch takes it 0.2 s, in which the window stands still too.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


def leave_a_core_free() -> None:
    """Let this thread's arithmetic use every core but one, which is the window's.

    The window's own thread takes one core, and torch gives every later thread what the last one chose.
    """
    import torch

    from vae_explorer.engine.device import spare_cores

    torch.set_num_threads(spare_cores())


class OpenModel:
    """Load the engine, a model, and the real images that go with it."""

    def __init__(self, path: Path, data_dir: Path | None = None) -> None:
        self.path = path
        self._data_dir = data_dir
        self._cancelled = threading.Event()

    def run(self, post: Post) -> None:
        with uncollected():
            import numpy.ma  # noqa: F401 - the first percentile would, on the window's thread

            from vae_explorer.engine.checkpoint import read_card
            from vae_explorer.engine.explorer import Explorer

        explorer = Explorer.load(self.path)
        card = read_card(self.path)
        gallery = find_gallery(explorer.config, card, self._data_dir, self._cancelled.is_set)
        if not self._cancelled.is_set():
            post(opened(explorer, self.path, card, gallery))

    def cancel(self) -> None:
        self._cancelled.set()


class Train:
    """Load a data set, fetching it where it must be, and train a model on it."""

    def __init__(
        self,
        model: ModelConfig,
        dataset: str,
        training: TrainingConfig,
        data_dir: Path | None = None,
        resume: TrainingState | None = None,
        fit: Fit = "crop",
    ) -> None:
        self.model = model
        self.fit: Fit = fit  # how a folder's pictures become square
        self.dataset = dataset
        self.training = training
        self.control = TrainingControl()
        self._data_dir = data_dir
        self._resume = resume

    def run(self, post: Post) -> None:
        from vae_explorer.engine.events import FinishedEvent
        from vae_explorer.engine.explorer import Explorer
        from vae_explorer.engine.models import build_model
        from vae_explorer.engine.training import fit

        leave_a_core_free()

        def progress(done: int, total: int | None) -> None:
            post(DownloadProgress(done, total))

        dataset = read_dataset(
            self.dataset,
            self._data_dir,
            progress,
            lambda: self.control.stopping,
            shape=self.model.image_shape,
            fit=self.fit,
        )
        config = replace(
            self.model, image_shape=dataset.image_shape, class_names=dataset.class_names
        )
        model = build_model(config, seed=self.training.seed)
        gallery = gallery_of(dataset, self.dataset, SNAPSHOT_IMAGES)
        explorer = Explorer(copy.deepcopy(model))  # the window's own: no live module is shared
        card = {"dataset": dataset.title, "training": self.training.to_dict()}
        begun = TrainingBegun(opened(explorer, None, card, gallery), config, self.training)
        events = fit(
            model,
            dataset,
            self.training,
            self.control,
            resume=self._resume,
            snapshot_images=dataset.test.images[:SNAPSHOT_IMAGES],
            snapshot_labels=_first(dataset.test.labels, SNAPSHOT_IMAGES),
            snapshot_seconds=SNAPSHOT_SECONDS,
        )
        first = next(events)  # raises what keeps the training from beginning
        post(begun)
        post(first)
        for event in events:
            if isinstance(event, FinishedEvent):  # the model is left with its best weights
                post(TrainingEnded(event, *embedded(Explorer(model), gallery)))
            else:
                post(event)

    def cancel(self) -> None:
        self.control.stop()


class Evaluate:
    """Measure a model on a split of a data set; the last message is its report."""

    def __init__(
        self,
        model: Model,
        gallery: Gallery,
        split: str,
        config: EvaluationConfig,
        data_dir: Path | None,
    ) -> None:
        self._model, self._gallery, self._data_dir = model, gallery, data_dir
        self._split, self._config = split, config
        self._cancelled = threading.Event()

    def run(self, post: Post) -> None:
        from vae_explorer.engine.evaluation import evaluation

        leave_a_core_free()
        dataset = read_again(self._gallery, self._model, self._data_dir, self._cancelled.is_set)
        steps = evaluation(self._model, dataset, self._split, self._config)
        while not self._cancelled.is_set():
            try:
                post(next(steps))
            except StopIteration as finished:
                post(finished.value)
                return

    def cancel(self) -> None:
        self._cancelled.set()


class CompareGradients:
    """Hold both estimators of ∇_ψ against each other; the last message is the comparison."""

    def __init__(self, model: Model, gallery: Gallery, data_dir: Path | None) -> None:
        self._model, self._gallery, self._data_dir = model, gallery, data_dir
        self._cancelled = threading.Event()

    def run(self, post: Post) -> None:
        from vae_explorer.engine.gradients import compare_estimators
        from vae_explorer.engine.measurement import Progress

        leave_a_core_free()
        dataset = read_again(self._gallery, self._model, self._data_dir, self._cancelled.is_set)

        def progress(fraction: float) -> None:
            if self._cancelled.is_set():
                raise Cancelled("The comparison was stopped.")
            post(Progress("gradient estimators", fraction))

        post(compare_estimators(self._model, dataset.train, GRADIENT_DRAWS, progress=progress))

    def cancel(self) -> None:
        self._cancelled.set()


class WriteFile:
    """Write a file, which is not stopped half way; the last message is its path."""

    def __init__(self, path: Path, write: Callable[[Path], None]) -> None:
        self._path, self._write = path, write

    def run(self, post: Post) -> None:
        self._write(self._path)
        post(self._path)

    def cancel(self) -> None:
        """A file that is begun is finished."""


def opened(
    explorer: Explorer, path: Path | None, card: dict[str, Any], gallery: Gallery | None
) -> ModelOpened:
    """A model with its gallery embedded."""
    if gallery is None:
        return ModelOpened(explorer, path, card, None)
    means, stds = embedded(explorer, gallery)
    return ModelOpened(explorer, path, card, gallery, means, stds, mean_kl(means, stds))


def embedded(explorer: Explorer, gallery: Gallery) -> tuple[np.ndarray, np.ndarray]:
    """The posteriors' means and standard deviations of a gallery's images, (n, d) each."""
    return explorer.embed(gallery.images, gallery.labels if explorer.has_classes else None)


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
    gallery: Gallery, model: Model, data_dir: Path | None, cancelled: Callable[[], bool]
) -> Dataset:
    """The data set that a gallery is of, as the model takes it."""
    return read_dataset(
        gallery.dataset,
        data_dir,
        cancelled=cancelled,
        download=False,
        shape=model.config.image_shape,
        fit=gallery.fit,
    )


def gallery_of(dataset: Dataset, key: str, count: int = GALLERY_SIZE) -> Gallery:
    """The first test images of a data set."""
    from vae_explorer.engine.data import pictures

    labels = _first(dataset.test.labels, count)
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
    """Real images that fit a model: those it was trained on, else the bundled ones, else none.

    Nothing is downloaded for it.
    """
    for name in gallery_names(config, card):
        try:
            dataset = read_dataset(name, data_dir, cancelled=cancelled, download=False)
        except DataError as error:
            _log.info("No images of %s beside the model: %s", name, error)
            continue
        labels_fit = not config.class_names or len(dataset.class_names) == len(config.class_names)
        if dataset.image_shape == config.image_shape and labels_fit:
            return gallery_of(dataset, name)
    return None


def gallery_names(config: ModelConfig, card: dict[str, Any]) -> list[str]:
    """The data sets to try for a model, the likeliest first."""
    said = card.get("dataset")
    names = [info.name for info in DATASETS.values() if said in (info.name, info.title)]
    digits = not config.class_names or config.class_names == DATASETS["digits"].class_names
    if digits and config.image_shape == DATASETS["digits"].image_shape:
        names = [n for n in names if n != "mnist"] + ["digits"]
    if config.image_shape[1] == _SMALL_SIDE:
        names.append("digits-8x8")
    return names


def _first(labels: Tensor | None, count: int) -> Tensor | None:
    return None if labels is None else labels[:count]
