"""All that a stopped training needs to go on as if it had never stopped, in one file that can run no code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from vae_explorer.engine.checkpoint import read_tensors, write_tensors
from vae_explorer.engine.config import ModelConfig, TrainingConfig
from vae_explorer.engine.errors import ConfigError, ModelFileError

FORMAT = "vae-explorer training 1"


@dataclass(frozen=True)
class TrainingState:
    """Weights, optimizer moments, generator state and counters after some step.

    Attributes:
        tensors: by name: `model.…`, `best.…`, `optimizer.…`, `generator`, `order`, ….
        counters: JSON-ready numbers: epoch, step, the best objective, the settings in force.
    """

    model_config: ModelConfig
    training_config: TrainingConfig
    dataset: str
    tensors: Mapping[str, Tensor]
    counters: Mapping[str, Any]

    def save(self, path: str | Path) -> None:
        """Write the state beside its model; the file is either the old or the new one, never half of it."""
        header = {
            "format": FORMAT,
            "model": self.model_config.to_dict(),
            "training": self.training_config.to_dict(),
            "dataset": self.dataset,
            "counters": dict(self.counters),
        }
        write_tensors(Path(path), self.tensors, header)

    @classmethod
    def load(cls, path: str | Path) -> TrainingState:
        """Read a state.

        Raises:
            ModelFileError: the file is missing, damaged or no training state.
        """
        tensors, header = read_tensors(Path(path))
        if header.get("format") != FORMAT:
            raise ModelFileError(f"{path} is not the state of a training.")
        try:
            return cls(
                ModelConfig.from_dict(header["model"]),
                TrainingConfig.from_dict(header["training"]),
                str(header["dataset"]),
                tensors,
                dict(header["counters"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(
                f"{path} is a training state with a part missing: {error}."
            ) from error

    def check(self, model: ModelConfig, training: TrainingConfig, dataset: str) -> None:
        """Refuse to go on with anything else; only the number of epochs and the device may differ.

        Raises:
            ConfigError: another model, data set or configuration.
        """
        free = {"epochs": 0, "device": ""}
        same = self.training_config.to_dict() | free == training.to_dict() | free
        if not same or self.model_config != model or self.dataset != dataset:
            raise ConfigError(
                "The training to go on with had another model, data set or configuration."
            )

    def part(self, prefix: str) -> dict[str, Tensor]:
        """The tensors whose names begin with `prefix.`, without it."""
        start = f"{prefix}."
        return {
            name.removeprefix(start): value
            for name, value in self.tensors.items()
            if name.startswith(start)
        }
