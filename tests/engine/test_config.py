"""Settings are checked when they are made, and refused by a sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from vae_explorer.engine.config import ModelConfig, TrainingConfig, objective_title, train_title
from vae_explorer.engine.errors import ConfigError


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "gan"},
        {"latent_dim": 0},
        {"latent_dim": -1},
        {"latent_dim": 2.5},
        {"latent_dim": True},
        {"latent_dim": 10**9},
        {"likelihood": "poisson"},
        {"levels": 1},
        {"levels": 257},
        {"variance": 0.0},
        {"variance": float("nan")},
        {"variance": "much"},
        {"learn_variance": 1},
        {"widths": ()},
        {"widths": (0,)},
        {"widths": ("a",)},
        {"activation": "swish"},
        {"image_shape": (2, 28, 28)},
        {"image_shape": (28, 28)},
        {"image_shape": (1, 0, 28)},
        {"kind": "joint-vae"},
        {"class_names": (1, 2)},
        {"class_names": "abc"},
        {"class_names": None},
        {"widths": 5},
        {"widths": "85"},
        {"widths": (True, 4)},
        {"image_shape": None},
        {"image_shape": "188"},
        {"image_shape": (1.0, 8, 8)},
        {"image_shape": ([1], 8, 8)},
        {"kind": np.array(["vae", "ppca"])},
        {"kind": ["vae"]},
        {"latent_dim": "2"},
        {"latent_dim": np.float64(2)},
        {"kind": "ppca", "image_shape": (1, 2, 2), "latent_dim": 4},
    ],
    ids=str,
)
def test_a_model_that_cannot_be_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError) as caught:
        ModelConfig(**settings)  # type: ignore[arg-type]
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"epochs": 0},
        {"batch_size": 0},
        {"batch_size": 10**9},
        {"learning_rate": 0.0},
        {"learning_rate": float("inf")},
        {"samples": 0},
        {"beta": -1.0},
        {"beta": None},
        {"classification_weight": float("nan")},
        {"seed": -1},
        {"patience": 0},
        {"labels": 0},
        {"objective": "loss"},
        {"device": "tpu"},
        {"objective": "iw", "gradient": "score-function"},
        {"objective": "iw", "beta": 2.0},
        {"augment": "yes"},
        {"seed": 2**63},
        {"seed": 1.5},
        {"learning_rate": True},
        {"beta": "1"},
    ],
    ids=str,
)
def test_a_training_that_cannot_be_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        TrainingConfig(**settings)  # type: ignore[arg-type]


def test_a_configuration_survives_a_dictionary_and_an_unknown_key_is_an_error() -> None:
    config = ModelConfig(kind="joint-vae", widths=(3, 2), class_names=("a", "b"))
    assert ModelConfig.from_dict(config.to_dict()) == config
    training = TrainingConfig(labels=10, patience=None)
    assert TrainingConfig.from_dict(training.to_dict()) == training
    with pytest.raises(ConfigError, match="unknown setting: momentum"):
        TrainingConfig.from_dict({"momentum": 0.9})
    with pytest.raises(ConfigError, match="Latent dim"):
        ModelConfig.from_dict({"latent_dim": [2]})


def test_numbers_of_numpys_and_lists_are_kept_as_pythons_numbers_and_tuples() -> None:
    given: dict[str, Any] = {
        "preset": "deep",
        "latent_dim": np.int64(2),
        "variance": np.float32(0.5),
        "widths": [8, np.int32(4)],
        "image_shape": [1, np.uint8(8), 8],
        "class_names": ["a", "b"],
    }
    wanted = ModelConfig(
        preset="deep", latent_dim=2, variance=0.5,
        widths=(8, 4), image_shape=(1, 8, 8), class_names=("a", "b"),
    )  # fmt: skip
    for config in (ModelConfig(**given), ModelConfig.from_dict(given)):
        assert config == wanted and hash(config) == hash(wanted)
        assert json.dumps(config.to_dict()) == json.dumps(wanted.to_dict())
    training = TrainingConfig(epochs=np.int64(3), beta=np.float32(2.0), seed=np.uint8(7))  # type: ignore[arg-type]
    assert training == TrainingConfig(epochs=3, beta=2.0, seed=7)
    assert {type(training.epochs), type(training.beta)} == {int, float}


@pytest.mark.parametrize("values", [None, [], "vae", {1: 1, "b": 2}], ids=str)
def test_what_is_no_dictionary_of_settings_is_refused(values: Any) -> None:
    with pytest.raises(ConfigError, match=r"dictionary of its settings|unknown setting: 1, b"):
        ModelConfig.from_dict(values)


def test_settings_load_without_torch_numpy_and_qt() -> None:
    code = (
        "import sys; from vae_explorer.engine import ModelConfig, TrainingConfig; ModelConfig(); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'numpy', 'PySide6')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_nats_are_of_the_same_thing_where_the_targets_agree_and_not_elsewhere() -> None:
    grey = [
        ModelConfig(likelihood="gaussian"),
        ModelConfig(likelihood="gaussian", variance=1.0),
        ModelConfig(likelihood="gaussian", learn_variance=True),
        ModelConfig(likelihood="continuous-bernoulli"),
        ModelConfig(kind="ppca"),
    ]
    assert len({config.target_title for config in grey}) == 1
    others = [
        ModelConfig(),
        ModelConfig(binarisation="fixed"),
        ModelConfig(likelihood="categorical"),
        ModelConfig(likelihood="categorical", levels=17),
        grey[0],
    ]
    assert len({config.target_title for config in others}) == len(others)


def test_the_likelihoods_title_is_that_of_the_model() -> None:
    assert ModelConfig(likelihood="gaussian").likelihood_title == "Gaussian, η² = 0.05"
    assert (
        ModelConfig(likelihood="categorical", levels=17).likelihood_title
        == "categorical, 17 levels"
    )
    for likelihood in ("bernoulli", "gaussian"):  # PPCA has no choice
        assert (
            ModelConfig(kind="ppca", likelihood=likelihood).likelihood_title
            == "Gaussian, σ² fitted"
        )


@pytest.mark.parametrize(
    ("model", "training", "title"),
    [
        ({}, {}, ""),
        ({}, {"classification_weight": 50.0, "labels": 10}, ""),
        ({}, {"beta": 4.0}, "Objective"),
        ({}, {"warmup_epochs": 3}, "Objective"),
        ({}, {"objective": "iw", "samples": 5}, "IW bound, M = 5"),
        ({"kind": "joint-vae", "class_names": ("a", "b")}, {}, "Objective"),
        ({"kind": "joint-vae", "class_names": ("a", "b")}, {"objective": "iw"}, "Objective"),
        ({"kind": "ppca"}, {"beta": 4.0}, ""),
    ],
)
def test_what_is_maximised_has_a_title_where_it_can_differ_from_the_elbo(
    model: dict[str, Any], training: dict[str, Any], title: str
) -> None:
    assert objective_title(ModelConfig(**model), TrainingConfig(**training)) == title


def test_train_metrics_are_of_the_labelled_images_where_only_some_are() -> None:
    joint, few = ModelConfig(kind="joint-vae", class_names=("a", "b")), TrainingConfig(labels=3000)
    assert train_title(joint, few) == "train, 3,000 labelled"
    assert train_title(joint, TrainingConfig()) == train_title(ModelConfig(), few) == "train"


def test_models_are_alike_where_all_that_has_an_effect_agrees() -> None:
    vae = ModelConfig(class_names=("a", "b"))
    assert vae.is_like(ModelConfig()) and ModelConfig().is_like(vae)
    assert vae.is_like(replace(vae, widths=(9,), levels=7, variance=0.3, classifier="conv"))
    for change in ({"latent_dim": 3}, {"preset": "deep"}, {"likelihood": "categorical"}):
        assert not vae.is_like(replace(vae, **change))
    joint = ModelConfig(kind="joint-vae", class_names=("a", "b"))
    assert not joint.is_like(replace(joint, class_names=("a", "c")))
    assert not joint.is_like(vae) and not vae.is_like(joint)
    ppca = ModelConfig(kind="ppca")
    assert ppca.is_like(replace(ppca, likelihood="gaussian", preset="deep", class_names=("a",)))
    assert not ppca.is_like(replace(ppca, latent_dim=3))
