"""The gradient that is written out, against torch's autograd."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.engine.small_data import NAMES, SHAPE, small_dataset
from vae_explorer.engine import ModelConfig, build_model
from vae_explorer.engine.backprop import is_written_out
from vae_explorer.engine.config import TrainingConfig
from vae_explorer.engine.losses import BatchLoss
from vae_explorer.engine.networks import ACTIVATIONS
from vae_explorer.engine.objective import Weights
from vae_explorer.engine.vae import NetworkModel


def result(
    model: NetworkModel, config: TrainingConfig, *, written_out: bool
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Loss, sums and gradients of a batch; every training of a model here draws the same noise."""
    data = small_dataset()
    loss = BatchLoss(model, config)
    assert loss._elbo is not None
    if not written_out:
        loss._elbo = None
    pixels = data.train.images.flatten(1)
    with torch.autocast("cpu", torch.bfloat16, enabled=config.precision == "bfloat16"):
        batch = loss(
            lambda index: pixels[index],
            data.train.labels,
            torch.arange(7),
            None,
            Weights(beta=0.7, classification=3.0),
            torch.Generator().manual_seed(5),
        )
    if batch.loss.requires_grad:
        batch.loss.backward()
    gradients = []
    for parameter in model.parameters():
        assert parameter.grad is not None
        gradients.append(parameter.grad)
        parameter.grad = None
    return batch.loss.detach(), batch.sums, gradients


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"posterior": "isotropic"},
        {"likelihood": "categorical", "levels": 3},
        {"kind": "joint-vae", "class_names": NAMES},
    ],
    ids=["vae", "isotropic", "levels", "joint"],
)
def test_the_gradient_is_that_of_autograd(
    activation: str, samples: int, settings: dict[str, Any]
) -> None:
    torch.manual_seed(0)
    settings = {"preset": "deep", "widths": (9, 6), "activation": activation, **settings}
    model = build_model(ModelConfig(image_shape=SHAPE, **settings))
    assert isinstance(model, NetworkModel)
    config = TrainingConfig(samples=samples)
    torch.testing.assert_close(
        result(model, config, written_out=True), result(model, config, written_out=False)
    )


@pytest.mark.parametrize("settings", [{}, {"kind": "joint-vae", "class_names": NAMES}])
def test_reduced_products_give_the_gradient_to_their_precision(settings: dict[str, Any]) -> None:
    torch.manual_seed(0)
    model = build_model(ModelConfig(image_shape=SHAPE, preset="deep", widths=(9, 6), **settings))
    assert isinstance(model, NetworkModel)
    _, _, found = result(model, TrainingConfig(precision="bfloat16"), written_out=True)
    _, _, expected = result(model, TrainingConfig(), written_out=True)
    for name, a, b in zip(dict(model.named_parameters()), found, expected, strict=True):
        assert a.dtype == torch.float32
        error = float((a - b).norm() / b.norm())
        reduced = name.startswith(("encoder", "decoder"))  # a classifier is left to autograd
        assert error < 0.03 and (error > 1e-5 or not reduced), (name, error)


def test_a_variance_at_its_limit_has_no_gradient() -> None:
    model = build_model(ModelConfig(image_shape=SHAPE, preset="deep", widths=(4,)))
    assert isinstance(model, NetworkModel)
    last = model.encoder.layers[-1]  # type: ignore[index]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.bias[-1] = -100.0
    found = result(model, TrainingConfig(), written_out=True)
    torch.testing.assert_close(found, result(model, TrainingConfig(), written_out=False))
    names = [name for name, _ in model.named_parameters()]
    assert found[2][names.index("encoder.layers.2.bias")][-1] == 0.0


@pytest.mark.parametrize(
    ("model", "training"),
    [
        ({"preset": "conv"}, {}),
        ({"likelihood": "gaussian"}, {}),
        ({}, {"objective": "iw"}),
        ({}, {"gradient": "score-function"}),
        ({}, {"optimisation": "alternating"}),
        ({}, {"compile": True}),
        ({"kind": "joint-vae", "class_names": NAMES}, {"labels": 20}),
    ],
)
def test_the_rest_is_left_to_autograd(model: dict[str, Any], training: dict[str, Any]) -> None:
    network = build_model(ModelConfig(**model))
    assert isinstance(network, NetworkModel)
    assert not is_written_out(network, TrainingConfig(**training))
