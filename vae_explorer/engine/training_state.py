"""All that a stopped training needs to go on as if it had never stopped, in one file that can run no code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from vae_explorer.engine.checkpoint import read_header, read_tensors, write_tensors
from vae_explorer.engine.config import ModelConfig, TrainingConfig
from vae_explorer.engine.data import Dataset
from vae_explorer.engine.device import is_out_of_memory
from vae_explorer.engine.errors import ConfigError, ModelFileError

FORMAT = "vae-explorer training 1"


@dataclass(frozen=True)
class TrainingState:
    """Weights, optimizer moments, generator state and counters after some step.

    Attributes:
        data: the `identity` of its data set.
        tensors: by name: `model.…`, `best.…`, `optimizer.…`, `generator`, `order.…`, ….
        counters: JSON-ready numbers: epoch, step, the best objective, the settings in force.
        note: JSON-ready, what else its file shall say; a training takes no notice of it.
    """

    model_config: ModelConfig
    training_config: TrainingConfig
    data: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    counters: Mapping[str, Any]
    note: Mapping[str, Any] = field(default_factory=dict)

    def save(self, path: str | Path) -> None:
        """Write the state beside its model; the file is either the old or the new one, never half of it."""
        header = {
            "format": FORMAT,
            "model": self.model_config.to_dict(),
            "training": self.training_config.to_dict(),
            "dataset": dict(self.data),
            "counters": dict(self.counters),
            "note": dict(self.note),
        }
        write_tensors(Path(path), self.tensors, header)

    @classmethod
    def load(cls, path: str | Path, *, tensors: bool = True) -> TrainingState:
        """Read a state; without its tensors, to see what it is the state of.

        Raises:
            ModelFileError: the file is missing, damaged or no training state.
        """
        read, header = read_tensors(Path(path)) if tensors else ({}, read_header(Path(path)))
        # copies: what is read lies in the file, which the training replaces, and Windows replaces none that is mapped
        own = {name: tensor.clone() for name, tensor in read.items()}
        if header.get("format") != FORMAT:
            raise ModelFileError(f"{path} is not the state of a training.")
        try:
            data = header["dataset"]
            state = cls(
                ModelConfig.from_dict(header["model"]),
                TrainingConfig.from_dict(header["training"]),
                {"name": data} if isinstance(data, str) else dict(data),  # the name was all
                own,
                dict(header["counters"]),
                dict(header.get("note", {})),
            )
            _ = state.data["name"], state.epoch
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(
                f"{path} is a training state with a part missing or damaged: {error}."
            ) from error
        return state

    @property
    def epoch(self) -> int:
        """How many epochs are over."""
        return int(self.counters["epoch"])

    @contextmanager
    def restoring(
        self, model: ModelConfig, training: TrainingConfig, dataset: Dataset
    ) -> Iterator[None]:
        """Take it up again within: of the same model, configuration and images.

        Only the number of epochs, the patience and the device may differ.

        Raises:
            ConfigError: another model, data set or configuration.
            ModelFileError: a part is missing, or contradicts the model.
        """
        free = {"epochs": 0, "patience": None, "device": ""}
        same = self.training_config.to_dict() | free == training.to_dict() | free
        identity = dataset.identity
        if not same or self.model_config != model or self.data["name"] != identity["name"]:
            raise ConfigError(
                "The training to go on with had another model, data set or configuration."
            )
        if not self.data.items() <= identity.items():
            raise ConfigError(
                f"The training to go on with had other images than {dataset.title} has now: "
                "take the same folder, with the same pictures and the same fit."
            )
        try:
            yield
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and is_out_of_memory(error):
                raise
            raise ModelFileError(
                f"The state of the training lacks a part, or contradicts its model: {error}."
            ) from error

    def part(self, prefix: str) -> dict[str, Tensor]:
        """The tensors whose names begin with `prefix.`, without it."""
        start = f"{prefix}."
        return {
            name.removeprefix(start): value
            for name, value in self.tensors.items()
            if name.startswith(start)
        }
