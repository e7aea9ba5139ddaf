"""Models that have really learned something, and the folder of bars to train on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import joint_file, make_controller, two_classes
from vae_explorer import paths
from vae_explorer.engine.config import ModelConfig, TrainingConfig

if TYPE_CHECKING:
    from vae_explorer.engine.data import Split

__all__ = ["joint_file", "make_controller", "two_classes"]

IMAGES = 2000
DIGITS = tuple("0123456789")


@pytest.fixture(scope="session")
def learned(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The bundled Joint VAE; and trained for seconds, a VAE and a model with idle dimensions."""
    folder = tmp_path_factory.mktemp("learned")
    plain = ModelConfig(kind="vae", latent_dim=2, widths=(128,))
    wide = ModelConfig(kind="joint-vae", latent_dim=8, widths=(64,), class_names=DIGITS)
    return {
        "joint": paths.bundled_models()[0],
        "vae": _train(folder / "vae.safetensors", plain, epochs=8),
        # a code twelve times as dear: the dimensions that do not pay are given up
        "wide": _train(folder / "wide.safetensors", wide, epochs=6, beta=12.0),
    }


def _train(path: Path, config: ModelConfig, epochs: int, beta: float = 1.0) -> Path:
    import torch

    from vae_explorer.engine.checkpoint import save_model
    from vae_explorer.engine.data import load_dataset
    from vae_explorer.engine.models import build_model
    from vae_explorer.engine.training import fit

    torch.set_num_threads(1)
    data = load_dataset("digits")
    few = replace(
        data,
        train=_first(data.train, IMAGES),
        validation=_first(data.validation, 100),
        test=_first(data.test, 100),
    )
    settings = {"epochs": epochs, "batch_size": 50, "learning_rate": 2e-3, "beta": beta}
    model = build_model(config, seed=0)
    for _ in fit(model, few, TrainingConfig(**settings, device="cpu")):
        pass
    save_model(path, model, {"dataset": "digits"})
    return path


def _first(split: Split, count: int) -> Split:
    labels = None if split.labels is None else split.labels[:count]
    return replace(split, images=split.images[:count], labels=labels)
