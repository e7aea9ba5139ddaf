"""Every likelihood is a normalised distribution, equal to torch's own or to its integral."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Bernoulli as TorchBernoulli
from torch.distributions import Categorical as TorchCategorical
from torch.distributions import ContinuousBernoulli as TorchContinuousBernoulli
from torch.distributions import Normal

from vae_explorer.engine.config import ModelConfig
from vae_explorer.engine.likelihoods import (
    Bernoulli,
    Categorical,
    ContinuousBernoulli,
    Gaussian,
    Likelihood,
    build_likelihood,
    uniform_thresholds,
)

PIXELS = 12
ALL: list[Likelihood] = [
    Bernoulli(),
    ContinuousBernoulli(),
    Gaussian(0.04),
    Gaussian(0.04, learned=True),
    Categorical(2),
    Categorical(17),
    Categorical(256),
]


def images(count: int = 5) -> torch.Tensor:
    return torch.randint(0, 256, (count, PIXELS), generator=torch.Generator().manual_seed(1)).to(
        torch.uint8
    )


def parameters(likelihood: Likelihood, *leading: int) -> torch.Tensor:
    shape = (*leading, PIXELS * likelihood.parameters_per_value)
    return torch.randn(shape, generator=torch.Generator().manual_seed(2)) * 2.0


def reference(likelihood: Likelihood, values: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    if isinstance(likelihood, Bernoulli):
        return TorchBernoulli(logits=values).log_prob(target).sum(-1)
    if isinstance(likelihood, ContinuousBernoulli):
        return TorchContinuousBernoulli(logits=values).log_prob(target).sum(-1)
    if isinstance(likelihood, Gaussian):
        deviation = likelihood.log_variance.exp().sqrt()
        return Normal(torch.sigmoid(values), deviation).log_prob(target).sum(-1)
    assert isinstance(likelihood, Categorical)
    return (
        TorchCategorical(logits=values.unflatten(-1, (-1, likelihood.levels)))
        .log_prob(target)
        .sum(-1)
    )


@pytest.mark.parametrize("likelihood", ALL)
@pytest.mark.parametrize("leading", [(5,), (3, 5)])
def test_log_prob_is_that_of_torch_distributions(
    likelihood: Likelihood, leading: tuple[int, ...]
) -> None:
    target = likelihood.target(images(), torch.Generator().manual_seed(0))
    values = parameters(likelihood, *leading)
    found = likelihood.log_prob(values, target)
    assert found.shape == leading
    torch.testing.assert_close(found, reference(likelihood, values, target), rtol=2e-4, atol=2e-3)


@pytest.mark.parametrize("likelihood", ALL)
def test_gradients_are_those_of_autograd(likelihood: Likelihood) -> None:
    target = likelihood.target(images(), torch.Generator().manual_seed(0))
    target = target if isinstance(likelihood, Categorical) else target.double()
    values = parameters(likelihood, 3, 5).double().requires_grad_()
    weights = torch.linspace(-1.0, 2.0, 15).double().view(3, 5)
    (found,) = torch.autograd.grad((likelihood.log_prob(values, target) * weights).sum(), values)
    (wanted,) = torch.autograd.grad((reference(likelihood, values, target) * weights).sum(), values)
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    "logit", [-30.0, -5.0, -0.5, -0.099, -1e-3, 0.0, 1e-6, 0.05, 0.101, 3.0, 30.0]
)
def test_the_continuous_bernoulli_density_integrates_to_one(logit: float) -> None:
    x = torch.linspace(0.0, 1.0, 200_001, dtype=torch.float64)
    values = torch.full((x.numel(), 1), logit, dtype=torch.float64)
    density = ContinuousBernoulli().log_prob(values, x[:, None]).exp()
    assert torch.trapezoid(density, x).item() == pytest.approx(1.0, abs=1e-8)
    mean = torch.trapezoid(density * x, x).item()
    assert ContinuousBernoulli().mean(
        torch.tensor([logit], dtype=torch.float64)
    ).item() == pytest.approx(mean, abs=1e-8)


def test_cross_entropy_of_grey_pixels_is_no_density() -> None:
    """Why the continuous Bernoulli has a normaliser: without it the integral is up to twice too small."""
    x = torch.linspace(0.0, 1.0, 10_001, dtype=torch.float64)[:, None]
    unnormalised = Bernoulli().log_prob(torch.zeros_like(x), x).exp()
    assert torch.trapezoid(unnormalised, x[:, 0]).item() == pytest.approx(0.5)


def test_the_gaussian_keeps_its_constant() -> None:
    """Without −(D/2) log 2πη² the likelihood would grow without bound in η², and could not be learned."""
    target = torch.full((1, PIXELS), 0.5)
    exact = Gaussian(0.01).log_prob(torch.zeros(1, PIXELS), target)
    assert exact.item() == pytest.approx(-PIXELS / 2 * math.log(2 * math.pi * 0.01), rel=1e-5)
    likelihood = Gaussian(1.0, learned=True)
    residuals = torch.randn(4000, PIXELS, generator=torch.Generator().manual_seed(0)) * 0.1
    optimizer = torch.optim.Adam(likelihood.parameters(), lr=0.05)
    for _ in range(400):
        optimizer.zero_grad()
        (-likelihood.log_prob(torch.zeros(1, PIXELS), 0.5 + residuals).mean()).backward()
        optimizer.step()
    assert likelihood.log_variance.exp().item() == pytest.approx(
        residuals.square().mean().item(), rel=0.02
    )


def test_stochastic_binarisation_draws_each_pixel_with_probability_x_over_255() -> None:
    pixels = torch.tensor([0, 1, 64, 128, 254, 255], dtype=torch.uint8).repeat(200_000, 1)
    drawn = Bernoulli().target(pixels, torch.Generator().manual_seed(0))
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    torch.testing.assert_close(drawn.mean(0), pixels[0] / 255.0, atol=2.5e-3, rtol=0)
    assert drawn[:, 0].sum() == 0
    assert drawn[:, -1].min() == 1.0


def test_pixels_are_drawn_independently_over_images_and_places() -> None:
    """Pairs of pixels of one image, and sums over images, vary as independent draws do."""
    count, width = 500, 40
    pixels = torch.full((count, width), 100, dtype=torch.uint8)
    generator = torch.Generator().manual_seed(0)
    p = 100 / 255
    draws = torch.stack([Bernoulli().target(pixels, generator) for _ in range(200)])
    over_images, over_places = draws.sum(1).var(0).mean(), draws.sum(2).var(0).mean()
    assert over_images.item() == pytest.approx(count * p * (1 - p), rel=0.06)
    assert over_places.item() == pytest.approx(width * p * (1 - p), rel=0.02)


@pytest.mark.parametrize("images", [0, 1, 3])
def test_binarisation_takes_any_number_of_bytes(images: int) -> None:
    pixels = torch.full((images, 5), 255, dtype=torch.uint8)
    assert Bernoulli().target(pixels).tolist() == [[1.0] * 5] * images


def test_fixed_binarisation_rounds() -> None:
    pixels = torch.tensor([[0, 127, 128, 255]], dtype=torch.uint8)
    assert Bernoulli(stochastic=False).target(pixels).tolist() == [[0.0, 0.0, 1.0, 1.0]]


def test_256_levels_are_the_bytes_themselves_and_17_levels_come_back() -> None:
    every = torch.arange(256, dtype=torch.uint8)[None]
    assert Categorical(256).target(every).tolist() == [list(range(256))]
    levels = torch.arange(17)
    stored = (levels * 255 / 16).round().to(torch.uint8)[None]
    assert Categorical(17).target(stored).tolist() == [levels.tolist()]
    torch.testing.assert_close(Categorical(17).encoder_input(levels), torch.linspace(0.0, 1.0, 17))


@pytest.mark.parametrize("likelihood", ALL)
def test_samples_have_the_mean_of_the_likelihood(likelihood: Likelihood) -> None:
    values = parameters(likelihood, 1) * 0.3
    many = likelihood.sample(values.expand(20_000, -1), torch.Generator().manual_seed(0))
    assert many.min() >= 0.0
    assert many.max() <= 1.0
    tolerance = (
        0.05 if isinstance(likelihood, Gaussian) else 0.015
    )  # a Gaussian's draws are clipped to grey
    torch.testing.assert_close(many.mean(0), likelihood.mean(values)[0], atol=tolerance, rtol=0)


def test_draws_of_a_gaussian_spread_by_its_deviation_and_are_clipped_to_grey() -> None:
    likelihood = Gaussian(0.01, logistic=False)
    many = likelihood.sample(torch.full((20_000, 1), 0.5), torch.Generator().manual_seed(0))
    assert many.std().item() == pytest.approx(0.1, rel=0.03)
    assert likelihood.mean(torch.tensor([-1.0, 0.5, 2.0])).tolist() == [0.0, 0.5, 1.0]


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("bernoulli", "nats"),
        ("categorical", "nats"),
        ("gaussian", "nats of a density"),
        ("continuous-bernoulli", "nats of a density"),
    ],
)
def test_each_likelihood_names_its_unit(name: str, unit: str) -> None:
    assert build_likelihood(ModelConfig.from_dict({"likelihood": name})).unit == unit


@pytest.mark.parametrize("count", [1, 7, 100_003])
def test_thresholds_of_stochastic_binarisation_are_uniform_below_255(count: int) -> None:
    images = torch.zeros(count, dtype=torch.uint8)
    drawn = uniform_thresholds(images, torch.Generator().manual_seed(0))
    assert drawn.shape == images.shape and drawn.dtype == torch.uint8
    assert not torch.equal(drawn, uniform_thresholds(images, torch.Generator().manual_seed(1)))
    counts = torch.bincount(drawn.int(), minlength=256).double()
    assert counts[255] == 0
    if count > 1000:  # χ² of 254 degrees of freedom: 350 is exceeded once in 10⁴
        assert ((counts[:255] - count / 255).square() / (count / 255)).sum() < 350
