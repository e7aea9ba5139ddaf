"""The networks: the lecture's to the letter, and every other for any image."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from vae_explorer.engine.augmentation import random_affine
from vae_explorer.engine.config import ModelConfig
from vae_explorer.engine.errors import EngineError
from vae_explorer.engine.models import build_model
from vae_explorer.engine.networks import conv_sides, tanh_
from vae_explorer.engine.vae import NetworkModel


def network_model(**changes: object) -> NetworkModel:
    model = build_model(ModelConfig(**changes), 0)  # type: ignore[arg-type]
    assert isinstance(model, NetworkModel)
    return model


def linear_shapes(body: nn.Module) -> list[tuple[int, int]]:
    return [(m.in_features, m.out_features) for m in body.modules() if isinstance(m, nn.Linear)]


def test_the_lecture_preset_is_the_lectures_networks() -> None:
    """D -> 256 -> LeakyReLU -> 2d, and d -> 256 -> LeakyReLU -> D·K."""
    model = network_model(likelihood="categorical", levels=16, latent_dim=3)
    assert linear_shapes(model.encoder) == [(784, 256), (256, 6)]
    assert linear_shapes(model.decoder) == [(3, 256), (256, 784 * 16)]
    assert sum(isinstance(layer, nn.LeakyReLU) for layer in model.modules()) == 2


def test_the_deep_preset_has_its_widths_and_the_decoder_has_them_reversed() -> None:
    model = network_model(preset="deep", widths=(50, 40, 30), activation="tanh")
    assert linear_shapes(model.encoder) == [(784, 50), (50, 40), (40, 30), (30, 4)]
    assert linear_shapes(model.decoder) == [(2, 30), (30, 40), (40, 50), (50, 784)]
    assert sum(isinstance(layer, nn.Tanh) for layer in model.modules()) == 6


@pytest.mark.parametrize(
    "shape", [(1, 28, 28), (1, 8, 8), (1, 64, 64), (3, 64, 64), (1, 5, 7), (3, 33, 20), (1, 1, 1)]
)
@pytest.mark.parametrize("likelihood", ["bernoulli", "categorical"])
def test_the_convolutional_pair_takes_any_size(
    shape: tuple[int, int, int], likelihood: str
) -> None:
    names = ("a", "b", "c")
    model = network_model(
        kind="joint-vae",
        image_shape=shape,
        preset="conv",
        classifier="conv",
        likelihood=likelihood,
        levels=5,
        class_names=names,
        latent_dim=4,
    )
    pixels = shape[0] * shape[1] * shape[2]
    x, y = torch.rand(2, pixels), torch.eye(3)[:2]
    mean, log_variance = model.encode(x, y)
    assert mean.shape == log_variance.shape == (2, 4)
    per_value = model.likelihood.parameters_per_value
    parameters = model.decode(torch.randn(6, 2, 4), y.expand(6, 2, 3))
    assert parameters.shape == (6, 2, pixels * per_value)
    assert model.classify(x).shape == (2, 3)  # type: ignore[operator]
    target = model.likelihood.target((x * 255).to(torch.uint8), torch.Generator().manual_seed(0))
    assert model.likelihood.log_prob(parameters, target).shape == (6, 2)


def test_the_levels_of_a_pixel_lie_side_by_side_in_a_convolutional_decoder() -> None:
    """A pixel's softmax must be over its own levels: changing one output channel's bias moves one level of each."""
    model = network_model(preset="conv", likelihood="categorical", levels=3, image_shape=(3, 8, 8))
    last = model.decoder.stages[-1]  # type: ignore[union-attr, index]
    before = model.decode(torch.zeros(1, 2)).view(3, 8, 8, 3)
    with torch.no_grad():
        last.bias[1 * 3 + 2] += 1.0  # type: ignore[union-attr, index, operator]
    change = model.decode(torch.zeros(1, 2)).view(3, 8, 8, 3) - before
    wanted = torch.zeros(3, 8, 8, 3)
    wanted[1, :, :, 2] = 1.0
    torch.testing.assert_close(change, wanted)


@pytest.mark.parametrize("activation", ["leaky-relu", "relu", "tanh", "silu", "gelu", "elu"])
def test_without_a_gradient_layers_work_in_place_and_leave_their_input(activation: str) -> None:
    model = network_model(preset="deep", widths=(7, 5), activation=activation)
    x = torch.randn(3, 784)
    before = x.clone()
    expected = model.encode(x)
    with torch.no_grad():
        found = model.encode(x)
    torch.testing.assert_close(found, expected)
    assert torch.equal(x, before)


def test_stages_halve_until_about_seven_pixels() -> None:
    assert conv_sides(28, 28) == [(28, 28), (14, 14), (7, 7)]
    assert conv_sides(8, 8) == [(8, 8), (4, 4)]
    assert conv_sides(64, 64)[-1] == (4, 4)


def test_the_class_reaches_encoder_and_decoder() -> None:
    for preset in ("lecture", "deep", "conv"):
        model = network_model(kind="joint-vae", preset=preset, class_names=("a", "b"))
        x, y = torch.rand(1, 784), torch.eye(2)
        assert not torch.equal(model.encode(x, y[:1])[0], model.encode(x, y[1:])[0])
        assert not torch.equal(
            model.decode(torch.zeros(1, 2), y[:1]), model.decode(torch.zeros(1, 2), y[1:])
        )


def test_augmentation_moves_each_picture_a_little_and_by_its_own_amount() -> None:
    x = torch.zeros(50, 1, 28, 28)
    x[:, :, 10:18, 10:18] = 1.0
    moved = random_affine(x.flatten(1), (1, 28, 28), torch.Generator().manual_seed(0)).view(
        50, 28, 28
    )
    assert moved.min() >= 0.0
    assert moved.max() <= 1.0 + 1e-6
    assert len({picture.numpy().tobytes() for picture in moved}) == 50
    mass = moved.sum((1, 2))
    assert ((mass > 30.0) & (mass < 130.0)).all()  # 64 before
    rows = torch.arange(28.0)
    centre = (moved.sum(2) * rows).sum(1) / mass
    assert ((centre - 13.5).abs() < 4.0).all()
    assert centre.std() > 0.5
    across = (moved.sum(1) * rows).sum(1) / mass
    assert torch.corrcoef(torch.stack((centre, across)))[0, 1].abs() < 0.5


def test_augmentation_turns_a_picture_and_keeps_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOG_SCALE", "SHEAR", "SHIFT"):
        monkeypatch.setattr(f"vae_explorer.engine.augmentation.{name}", 0.0)
    monkeypatch.setattr("vae_explorer.engine.augmentation.ROTATION", math.pi)
    x = torch.zeros(50, 1, 28, 28)
    x[:, :, 9:19, 5:23] = 1.0
    moved = random_affine(x.flatten(1), (1, 28, 28), torch.Generator().manual_seed(0))
    picture, place = moved.view(50, 28, 28), torch.arange(28.0) - 13.5
    squares = (picture * (place[:, None].square() + place.square())).sum((1, 2))
    torch.testing.assert_close(moved.sum(1), x.flatten(1).sum(1), rtol=0.02, atol=0)
    spread = (x[:, 0] * (place[:, None].square() + place.square())).sum((1, 2))
    torch.testing.assert_close(squares, spread, rtol=0.03, atol=0)


def test_tanh_in_place_is_tanh() -> None:
    x = torch.cat((torch.linspace(-30.0, 30.0, 100_001), torch.tensor([math.inf, -math.inf])))
    found = tanh_(x.clone()).double()
    torch.testing.assert_close(found, x.double().tanh(), rtol=0.0, atol=2e-7)
    assert tanh_(torch.tensor([math.nan])).isnan()
    reduced = torch.linspace(-3.0, 3.0, 601, dtype=torch.bfloat16)
    assert torch.equal(tanh_(reduced.clone()), reduced.tanh())


def test_short_memory_for_a_network_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def short(_: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr("vae_explorer.engine.models.VAE", short)
    with pytest.raises(EngineError, match="Memory is short"):
        build_model(ModelConfig())
