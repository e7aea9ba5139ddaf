"""A training of the window on the disk: what a pulled plug leaves, another window goes on with. No Qt here.

The engine's files, and torch with them, are imported where they are used: when a first model is open, or by the worker.
"""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from vae_explorer import paths
from vae_explorer.engine.control import LIVE_SETTINGS
from vae_explorer.engine.errors import ConfigError, EngineError, FolderHeld, ModelFileError
from vae_explorer.engine.lecture_figure import KEPT_EPOCHS

if TYPE_CHECKING:
    from torch import Tensor

    from vae_explorer.engine.events import EpochEvent, Metrics
    from vae_explorer.engine.image_folder import Fit
    from vae_explorer.engine.training_state import TrainingState

NAME = "training.safetensors"
KEPT_EVERY = 60  # seconds
EPOCHS = "epochs"  # the tensor of what the epochs so far told
_NUMBERS = ("epoch", "epochs", "step", "seconds", "images_per_second", "is_best", "reference")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Interrupted:
    """A training that a window did not live to see saved.

    Attributes:
        state: without its tensors.
        dataset: a key of `DATASETS`, or a folder's path.
        fit: how a folder's pictures become square.
        title: of the data.
        ended: how it ended, where it did: a reason of `FinishedEvent`.
    """

    state: TrainingState
    dataset: str
    fit: Fit
    title: str
    ended: str | None

    @property
    def counters(self) -> Mapping[str, Any]:
        """As its state has them."""
        return self.state.counters


class Recovery:
    """The file of one window's training. While it is there, its folder is held: no other window offers or replaces it.

    It is written by the training's worker, and discarded while no training runs.
    """

    def __init__(self) -> None:
        self._hold = contextlib.ExitStack()
        self._holds = False
        self._is_own = False  # the file is of this window's training
        self._is_closed = False

    @property
    def path(self) -> Path:
        """The file."""
        return paths.user_recovery() / NAME

    def keep(
        self, state: TrainingState, place: Mapping[str, Any], epochs: Sequence[EpochEvent]
    ) -> None:
        """Write a state, where no other window has the folder.

        Args:
            place: what `Interrupted` says of it besides.
            epochs: what they told so far.

        Raises:
            EngineError: it cannot be written; what was there before is untouched.
        """
        if not self._is_closed and self._take_folder():
            table = {EPOCHS: epochs_table(epochs)} if epochs else {}
            replace(state, tensors={**state.tensors, **table}, note=place).save(self.path)
            self._is_own = True

    def load(self) -> tuple[TrainingState, list[EpochEvent]]:
        """The state to go on from, and what its epochs told; `adopt` makes it this window's, `end` gives it back.

        Raises:
            EngineError: another window has it.
            ModelFileError: it is gone or damaged; it is then removed.
        """
        from vae_explorer.engine.training_state import TrainingState

        if not self._take_folder():
            raise FolderHeld(
                "Another window has this training, or trains and keeps its own in this place."
            )
        try:
            state = TrainingState.load(self.path)
        except ModelFileError:
            self.adopt()
            self.discard()
            raise
        return state, epochs_of(state.tensors.get(EPOCHS))

    def adopt(self) -> None:
        """The training that was loaded goes on: its file is this window's."""
        self._is_own = True

    def end(self) -> None:
        """A training is over: a folder without a file of this window's is not held."""
        if not self._is_own:
            self._release()

    def discard(self) -> None:
        """Remove the file, if it is of this window's training: that is saved, or not wanted."""
        if self._is_own:
            _remove(self.path)
            self.leave()

    def leave(self) -> None:
        """Let the file be, for another window to offer."""
        self._is_own = False
        self._release()

    def close(self) -> None:
        """Write no more: the window is closing."""
        self._is_closed = True

    def _take_folder(self) -> bool:
        from vae_explorer.engine.run_folder import held_folder

        if not self._holds:
            try:
                self._hold.enter_context(held_folder(paths.user_recovery()))
            except FolderHeld:
                return False
            self._holds = True
        return True

    def _release(self) -> None:
        self._hold.close()
        self._holds = False


def find_interrupted() -> Interrupted | None:
    """The training that a window did not live to see saved, if any; a damaged file is removed."""
    from vae_explorer.engine.image_folder import Fit
    from vae_explorer.engine.run_folder import held_folder
    from vae_explorer.engine.training_state import TrainingState

    path = paths.user_recovery() / NAME
    if not path.is_file():
        return None
    try:
        with held_folder(path.parent):
            state = TrainingState.load(path, tensors=False)
            dataset, fit, title = (state.note[name] for name in ("dataset", "fit", "title"))
            ended = state.note.get("ended")
            words = (dataset, title, ended or "")
            if fit not in get_args(Fit) or not all(isinstance(word, str) for word in words):
                raise ModelFileError(f"{path} does not tell what it was trained on.")
            return Interrupted(state, dataset, fit, title, ended)
    except FolderHeld:
        return None  # its window lives
    except (ModelFileError, ConfigError, KeyError) as error:
        _log.warning("A training that was cut off cannot be read and is removed: %s", error)
        _remove(path)
    except EngineError as error:
        _log.warning("A training that was cut off cannot be reached: %s", error)
    return None


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        _log.warning("%s cannot be removed: %s", path, error)


def epochs_table(events: Sequence[EpochEvent]) -> Tensor:
    """What epochs told as numbers, (n, columns) float64: as many of them as a model's card keeps, and the best."""
    import torch

    last = len(events) - 1
    kept = {*np.linspace(0, last, min(last + 1, KEPT_EPOCHS)).round().astype(int).tolist()}
    kept |= {max((i for i, event in enumerate(events) if event.is_best), default=last)}
    return torch.tensor([_row(events[i]) for i in sorted(kept)], dtype=torch.float64)


def epochs_of(table: Tensor | None) -> list[EpochEvent]:
    """The inverse of `epochs_table`; nothing from a table of another form."""
    least = len(_columns()) + 2 * len(_parts())
    if table is None or table.ndim != 2 or table.shape[1] < least:
        return []
    return [_event([None if math.isnan(v) else v for v in row]) for row in table.tolist()]


def _columns() -> tuple[str, ...]:
    return *_NUMBERS, *LIVE_SETTINGS


def _parts() -> list[str]:
    from vae_explorer.engine.events import Metrics

    return [field.name for field in fields(Metrics)]


def _row(event: EpochEvent) -> list[float]:
    values = [getattr(event, name) for name in _columns()]
    values += [getattr(metrics, p) for metrics in (event.train, event.validation) for p in _parts()]
    return [*(math.nan if v is None else float(v) for v in values), *event.kl_per_dimension]


def _event(row: list[Any]) -> EpochEvent:
    from vae_explorer.engine.events import EpochEvent, Metrics

    columns, parts = _columns(), _parts()
    told = dict(zip(columns, row, strict=False))
    told |= {name: int(told[name]) for name in ("epoch", "epochs", "step")}
    told["is_best"] = bool(told["is_best"])

    def metrics(begin: int) -> Metrics:
        return Metrics(**dict(zip(parts, row[begin:], strict=False)))

    first, second = len(columns), len(columns) + len(parts)
    kl = tuple(row[second + len(parts) :])
    return EpochEvent(train=metrics(first), validation=metrics(second), kl_per_dimension=kl, **told)
