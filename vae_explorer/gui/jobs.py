"""What the worker does: load the engine and a model, train, evaluate. No Qt here.

The engine, and torch with it, is imported inside `run`, so that the window is visible before it is.
"""

from __future__ import annotations

import copy
import gc
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vae_explorer.engine.config import ModelConfig, TrainingConfig
from vae_explorer.engine.control import LIVE_SETTINGS, TrainingControl
from vae_explorer.engine.errors import Cancelled, EngineError
from vae_explorer.engine.evaluation_config import EvaluationConfig
from vae_explorer.gui.decoding import DecodingTime, decoding_time
from vae_explorer.gui.gallery import (
    SPLITS,
    Gallery,
    Source,
    find_gallery,
    first_labels,
    gallery_of,
    read_again,
    read_dataset,
    sources_of,
)
from vae_explorer.gui.latent_plane import mean_kl
from vae_explorer.gui.model_card import LEARNED_PRIOR
from vae_explorer.gui.recovery import KEPT_EVERY, Interrupted, Recovery

if TYPE_CHECKING:
    from vae_explorer.engine.events import EpochEvent, FinishedEvent, State
    from vae_explorer.engine.explorer import Explorer
    from vae_explorer.engine.image_folder import Fit
    from vae_explorer.engine.models import Model
    from vae_explorer.engine.training_state import TrainingState

Post = Callable[[object], None]

SNAPSHOT_IMAGES = 2_000  # images embedded at every snapshot of a training
SNAPSHOT_SECONDS = 0.25
GRADIENT_DRAWS = 100

_making = threading.Lock()


@dataclass(frozen=True, eq=False)
class ModelOpened:
    """A model is ready to be explored.

    Attributes:
        path: its file; None for one that was just made.
        sources: what it can be measured on, the data it was trained on first.
        learned_prior: (C,) π of its weights; None for a model of p(x).
        means, stds: (n, d), the posteriors of the gallery's images; None without a gallery.
        kl: (d,) their mean KL in nats; None without a gallery.
        decoding: what the model takes to decode.
    """

    explorer: Explorer
    path: Path | None
    card: dict[str, Any]
    gallery: Gallery | None
    sources: tuple[Source, ...] = ()
    learned_prior: np.ndarray | None = None
    means: np.ndarray | None = None
    stds: np.ndarray | None = None
    kl: np.ndarray | None = None
    decoding: DecodingTime = field(default_factory=DecodingTime)


@dataclass(frozen=True)
class DownloadProgress:
    """Bytes of a data set that have come, of a total that may be unknown."""

    done: int
    total: int | None


@dataclass(frozen=True, eq=False)
class TrainingBegun:
    """The data are there and the first step is about to be taken.

    Attributes:
        epochs: what they told before the training was stopped or cut off.
    """

    opened: ModelOpened
    config: ModelConfig
    training: TrainingConfig
    epochs: tuple[EpochEvent, ...] = ()


@dataclass(frozen=True)
class KeepingFailed:
    """Why a training cannot be kept on the disk; it goes on."""

    sentence: str


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
    with _making:
        try:
            yield
        finally:
            gc.freeze()
            if enabled:
                gc.enable()


def is_uncollected() -> bool:
    """Whether a thread is in `uncollected`."""
    return _making.locked()


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

            from vae_explorer.engine import image_folder, run_folder, training_state  # noqa: F401 - as would what follows
            from vae_explorer.engine.checkpoint import read_card
            from vae_explorer.engine.explorer import Explorer

        explorer = Explorer.load(self.path)
        card = read_card(self.path)
        gallery = find_gallery(explorer.config, card, self._data_dir, self._cancelled.is_set)
        if not self._cancelled.is_set():
            sources = sources_of(card, gallery, self._data_dir)
            post(opened(explorer, self.path, card, gallery, sources))

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
        resume: TrainingState | Interrupted | None = None,
        fit: Fit = "crop",
        start: State | None = None,
        recovery: Recovery | None = None,
        epochs: Sequence[EpochEvent] = (),
    ) -> None:
        """Describe it.

        Args:
            resume: what to go on from; one that had ended ends at once.
            start: the weights to begin with, of a model of the same configuration; else random ones.
            recovery: keeps it on the disk meanwhile.
            epochs: what they told before it was stopped; of one that was cut off its file tells.
        """
        self.model = model
        self.start = start
        self.fit: Fit = fit  # how a folder's pictures become square
        self.dataset = dataset
        self.training = training
        self.control = TrainingControl()
        self._data_dir = data_dir
        self._resume = resume
        self._recovery = recovery
        self.epochs = list(epochs)
        self._keeping_failed = False

    def run(self, post: Post) -> None:
        try:
            self._train(post)
        finally:
            if self._recovery is not None:
                self._recovery.end()

    def _train(self, post: Post) -> None:
        from vae_explorer.engine.events import EpochEvent, FinishedEvent, StateEvent
        from vae_explorer.engine.explorer import Explorer
        from vae_explorer.engine.models import build_model
        from vae_explorer.engine.training import fit

        leave_a_core_free()
        resume, ended = self._resume, None
        if isinstance(resume, Interrupted):
            assert self._recovery is not None
            ended = resume.ended
            resume, self.epochs = self._recovery.load()

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
        if self.start is not None:
            model.load_state_dict(self.start)
        gallery = gallery_of(dataset, self.dataset, SNAPSHOT_IMAGES)
        explorer = Explorer(copy.deepcopy(model))  # the window's own: no live module is shared
        card = {
            "dataset": dataset.title,
            "data": dataset.identity,
            "train_images": len(dataset.train),
            "training": self.training.to_dict(),
        }
        if self.start is not None:
            card["started_from"] = "the weights of a trained model"
        if resume is not None:
            last = {name: resume.counters.get(name) for name in LIVE_SETTINGS}
            began = card["training"]
            card["changed_live"] = {
                name: value for name, value in last.items() if value not in (None, began[name])
            }
        sources = (Source(self.dataset, dataset.title, SPLITS, self.fit),)
        shown = opened(explorer, None, card, gallery, sources)
        place = {"dataset": self.dataset, "fit": self.fit, "title": dataset.title}
        begun = TrainingBegun(shown, config, self.training, tuple(self.epochs))
        events = fit(
            model,
            dataset,
            self.training,
            self.control,
            resume=resume,
            snapshot_images=dataset.test.images[:SNAPSHOT_IMAGES],
            snapshot_labels=first_labels(dataset.test.labels, SNAPSHOT_IMAGES),
            snapshot_seconds=SNAPSHOT_SECONDS,
            state_seconds=None if self._recovery is None else KEPT_EVERY,
        )
        if ended is not None:
            self.control.stop()
        first = next(events)  # raises what keeps the training from beginning
        if self._recovery is not None and isinstance(self._resume, Interrupted):
            self._recovery.adopt()
        post(begun)
        post(first)
        for event in events:
            if isinstance(event, FinishedEvent):  # the model is left with its best weights
                told = event if ended is None else replace(event, reason=ended)
                post(TrainingEnded(told, *embedded(Explorer(model), gallery)))
                if event.epoch and event.resume is not None and ended is None:
                    self._keep(post, event.resume, place | {"ended": event.reason})
            elif isinstance(event, StateEvent):
                self._keep(post, event.resume, place)
            else:
                if isinstance(event, EpochEvent):
                    self.epochs.append(event)
                post(event)

    def _keep(self, post: Post, state: TrainingState, place: dict[str, Any]) -> None:
        """Write the state; the first problem with that is told, and the training goes on."""
        if self._recovery is None:
            return
        try:
            self._recovery.keep(state, place, self.epochs)
        except EngineError as error:
            if not self._keeping_failed:
                post(KeepingFailed(str(error)))
            self._keeping_failed = True

    def cancel(self) -> None:
        self.control.stop()


class Evaluate:
    """Measure a model on a split of a data set; the last message is its report."""

    def __init__(
        self,
        model: Model,
        source: Source,
        split: str,
        config: EvaluationConfig,
        data_dir: Path | None,
    ) -> None:
        self._model, self._source, self._data_dir = model, source, data_dir
        self._split, self._config = split, config
        self._cancelled = threading.Event()

    def run(self, post: Post) -> None:
        from vae_explorer.engine.evaluation import evaluation

        leave_a_core_free()
        dataset = read_again(self._source, self._model, self._data_dir, self._cancelled.is_set)
        steps = evaluation(for_figures(self._model), dataset, self._split, self._config)
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

    def __init__(self, model: Model, source: Source, data_dir: Path | None) -> None:
        self._model, self._source, self._data_dir = model, source, data_dir
        self._cancelled = threading.Event()

    def run(self, post: Post) -> None:
        from vae_explorer.engine.gradients import compare_estimators
        from vae_explorer.engine.measurement import Progress

        leave_a_core_free()
        dataset = read_again(self._source, self._model, self._data_dir, self._cancelled.is_set)

        def progress(fraction: float) -> None:
            if self._cancelled.is_set():
                raise Cancelled("The comparison was stopped.")
            post(Progress("gradient estimators", fraction))

        model = for_figures(self._model)
        post(compare_estimators(model, dataset.train, GRADIENT_DRAWS, progress=progress))

    def cancel(self) -> None:
        self._cancelled.set()


def for_figures(model: Model) -> Model:
    """The window's own model, or a copy of it on the accelerator where there is one."""
    from vae_explorer.engine.device import evaluation_device

    device = evaluation_device("auto")
    return model if device.type == "cpu" else copy.deepcopy(model).to(device)


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
    explorer: Explorer,
    path: Path | None,
    card: dict[str, Any],
    gallery: Gallery | None,
    sources: tuple[Source, ...],
) -> ModelOpened:
    """A model with its gallery embedded."""
    prior = learned_prior(explorer, card)
    shown = ModelOpened(
        explorer, path, card, gallery, sources, prior, decoding=decoding_time(explorer)
    )
    if gallery is None:
        return shown
    means, stds = embedded(explorer, gallery)
    return replace(shown, means=means, stds=stds, kl=mean_kl(means, stds))


def learned_prior(explorer: Explorer, card: Mapping[str, object]) -> np.ndarray | None:
    """(C,) π as the training left it, which the card tells where it was edited since; None for a model of p(x)."""
    if not explorer.has_classes:
        return None
    prior = explorer.class_prior
    try:
        told = np.array(card.get(LEARNED_PRIOR, prior), dtype=float)
    except (TypeError, ValueError):  # no numbers
        return prior
    is_prior = told.shape == prior.shape and np.all(told >= 0.0) and np.isclose(told.sum(), 1.0)
    return told if is_prior else prior


def embedded(explorer: Explorer, gallery: Gallery) -> tuple[np.ndarray, np.ndarray]:
    """The posteriors' means and standard deviations of a gallery's images, (n, d) each."""
    return explorer.embed(gallery.images, gallery.labels if explorer.has_classes else None)
