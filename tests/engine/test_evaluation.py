"""Bounds and the exact evidence against closed forms and brute force, and the command line."""

from __future__ import annotations

import io
import itertools
import json
import math
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Generator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.distributions import Independent, LowRankMultivariateNormal
from tqdm import tqdm

from vae_explorer import evaluate as command
from vae_explorer.engine import evidence, importance
from vae_explorer.engine.checkpoint import read_card, save_model
from vae_explorer.engine.config import Kind, LikelihoodName, ModelConfig
from vae_explorer.engine.data import Dataset, Split, load_dataset
from vae_explorer.engine.errors import ConfigError, EngineError
from vae_explorer.engine.evaluation import evaluate, evaluation
from vae_explorer.engine.evaluation_config import EvaluationConfig
from vae_explorer.engine.evidence import cross_log_prob, quadrature
from vae_explorer.engine.importance import importance_bound, reconstruction_terms
from vae_explorer.engine.joint_vae import JointVAE
from vae_explorer.engine.likelihoods import Bernoulli, Gaussian
from vae_explorer.engine.linear_gaussian import closed_form
from vae_explorer.engine.measurement import Progress
from vae_explorer.engine.models import Model, build_model
from vae_explorer.engine.moments import image_moments
from vae_explorer.engine.objective import gaussian_kl
from vae_explorer.engine.ppca import PPCA
from vae_explorer.engine.report import digits
from vae_explorer.engine.targets import Targets
from vae_explorer.engine.vae import VAE

SHAPE = (1, 4, 4)
T = TypeVar("T")


def result_of(steps: Generator[object, None, T]) -> T:
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return finished.value


def noted(steps: Generator[float, None, T], shares: list[float]) -> Generator[float, None, T]:
    while True:
        try:
            shares.append(next(steps))
        except StopIteration as finished:
            return finished.value
        yield shares[-1]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(count: int = 60) -> Tensor:
    """uint8 (count, 1, 4, 4): bright and dark halves, with noise."""
    source = generator(7)
    pattern = torch.rand(3, 16, generator=source) * 200
    chosen = pattern[torch.randint(3, (count,), generator=source)]
    pixels = chosen + 55 * torch.rand(count, 16, generator=source)
    return pixels.to(torch.uint8).view(count, *SHAPE)


def dataset(count: int = 60, classes: int = 3) -> Dataset:
    labels = torch.arange(count) % classes
    split = Split(images(count), labels)
    return Dataset("toy", "Toy images", split, split, split, tuple("abc")[:classes])


def scaled(model: Model, factor: float) -> Model:
    """Larger weights, so that the posterior is no longer the prior."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "encoder" in name or "decoder" in name:
                parameter.mul_(factor)
    return model.eval()


def vae(likelihood: LikelihoodName = "bernoulli", latent_dim: int = 2, factor: float = 2.0) -> VAE:
    config = ModelConfig(
        image_shape=SHAPE,
        latent_dim=latent_dim,
        likelihood=likelihood,
        levels=5,
        preset="deep",
        widths=(12,),
        activation="tanh",
    )
    model = scaled(build_model(config, seed=3), factor)
    assert isinstance(model, VAE)
    return model


def joint(latent_dim: int = 2) -> JointVAE:
    config = ModelConfig(
        kind="joint-vae", image_shape=SHAPE, latent_dim=latent_dim, class_names=("a", "b", "c")
    )
    model = scaled(build_model(config, seed=3), 2.0)
    assert isinstance(model, JointVAE)
    model.set_class_prior([0.5, 0.3, 0.2])
    return model


def linear_gaussian_vae() -> tuple[VAE, PPCA]:
    """A VAE whose decoder is affine, and the PPCA model that has the same p(x)."""
    config = ModelConfig(kind="ppca", image_shape=SHAPE, latent_dim=2, likelihood="gaussian")
    ppca = build_model(config)
    assert isinstance(ppca, PPCA)
    ppca.set_parameters(closed_form(image_moments(images()), 2))
    vae = build_model(ModelConfig(image_shape=SHAPE, latent_dim=2, likelihood="gaussian"))
    assert isinstance(vae, VAE)
    vae.likelihood = ppca.likelihood
    decoder = torch.nn.Linear(2, 16)
    with torch.no_grad():
        decoder.weight.copy_(ppca.weight)
        decoder.bias.copy_(ppca.mean)
    vae.decode = lambda z, y=None: decoder(z)
    return vae, ppca


def linear_gaussian_joint(
    prior: list[float], pictures: Tensor, wider: float = 0.0
) -> tuple[JointVAE, Tensor]:
    """A Joint VAE with an affine decoder, and the exact log p(x|y) of pictures of every class, (N, C).

    The first two classes are alike, and to the third an image hardly ever belongs.

    wider: by how much the log variance of q exceeds that of the posterior, which it else is.
    """
    _, ppca = linear_gaussian_vae()
    config = ModelConfig(
        kind="joint-vae", image_shape=SHAPE, likelihood="gaussian", class_names=("a", "b", "c")
    )
    model = build_model(config)
    assert isinstance(model, JointVAE)
    model.set_class_prior(prior)
    ppca.weight.mul_(20)  # a posterior that falls between the points of the first grid
    model.likelihood = ppca.likelihood
    shift = torch.zeros(3, 16)
    shift[2] = 0.3

    def moved(y: Tensor | None) -> Tensor:
        assert y is not None
        return y @ shift

    def encode(x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        mean, log_variance = ppca.encode(x - moved(y))
        return mean, log_variance + wider

    model.encode = encode
    model.decode = lambda z, y=None: ppca.decode(z) + moved(y)
    x = ppca.likelihood.target(pictures.flatten(1))
    return model, torch.stack([ppca.log_evidence(x - each) for each in shift], 1)


def brute_force(model: Model, target: Tensor, y: Tensor | None = None) -> Tensor:
    """log p(x) by a fine trapezoidal rule in float64 through the likelihood's own log_prob."""
    axis = torch.linspace(-8, 8, 201)
    z = torch.cartesian_prod(axis, axis)
    with torch.no_grad():
        condition = None if y is None else y.expand(len(z), -1)
        parameters = model.decode(z, condition).double()
        log_prior = -0.5 * z.double().square().sum(1) - math.log(2 * math.pi)
        area = 2 * math.log(16 / 200)
        values = []
        for x in target:
            wanted = x.double() if x.is_floating_point() else x
            log_likelihood = model.likelihood.log_prob(parameters, wanted.expand(len(z), -1))
            values.append(torch.logsumexp(log_likelihood + log_prior, 0) + area)
    return torch.stack(values)


def encoded(
    model: Model, count: int = 60, y: Tensor | None = None
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    target = model.likelihood.target(images(count).flatten(1), generator())
    with torch.no_grad():
        return target, model.encode(model.likelihood.encoder_input(target), y)


LIKELIHOODS: tuple[LikelihoodName, ...] = (
    "bernoulli",
    "continuous-bernoulli",
    "gaussian",
    "categorical",
)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_quadrature_is_the_brute_force_integral(likelihood: LikelihoodName) -> None:
    model = vae(likelihood)
    target, posterior = encoded(model, 6)
    result = result_of(quadrature(model, target, None, posterior))
    expected = brute_force(model, target)
    assert result.change.max() <= evidence.TOLERANCE
    torch.testing.assert_close(result.log_evidence, expected, rtol=0, atol=1e-3)


def test_quadrature_finds_narrow_posteriors() -> None:
    """A variance so small that the posterior falls between the points of the first grid."""
    vae, ppca = linear_gaussian_vae()
    with torch.no_grad():
        ppca.weight.mul_(30)  # the decoder has a copy
        vae.decode = ppca.decode
    # the last lies beyond all that the prior would have looked at
    centre = torch.tensor([[0.213, -0.487], [1.049, 0.951], [-2.3456, 1.2345], [0.3, 9.1]])
    target = ppca.decode(centre)
    posterior = ppca.encode(target)
    assert posterior[1].exp().sqrt().max() < 0.5 * evidence.TILE / evidence.COARSE
    result = result_of(quadrature(vae, target, None, posterior))
    assert result.change.max() <= 1e-3
    floor = result.log_evidence - 1e-3  # which the first grid misses by far
    same = result_of(quadrature(vae, target, None, posterior, floor=floor))
    torch.testing.assert_close(same.log_evidence, result.log_evidence, rtol=0, atol=0)
    torch.testing.assert_close(result.log_evidence, ppca.log_evidence(target), rtol=0, atol=2e-2)


@pytest.mark.parametrize(("centre", "latent_dim"), [((1.025,), 1), ((-0.25, 1.025), 2)])
def test_a_mode_that_the_first_grid_misses_is_found_where_the_encoder_points(
    centre: tuple[float, ...], latent_dim: int
) -> None:
    """Two modes of the same height, one on a point of the first grid, and one amid its points that vanishes there."""
    model = vae(latent_dim=latent_dim)
    model.likelihood = Gaussian(1.0, logistic=False)

    def decode(z: Tensor, y: Tensor | None = None) -> Tensor:
        narrow = 300.0 * (z[:, -1:] - 0.05) * (z[:, -1:] - 1.025)
        wide = 30.0 * (z + 0.25) if latent_dim == 2 else torch.zeros_like(z)
        return torch.cat((narrow, wide[:, :1], torch.zeros(len(z), 14)), 1)

    model.decode = decode
    target = torch.zeros(1, 16)
    posterior = torch.tensor([centre]), torch.zeros(1, latent_dim)
    result = result_of(quadrature(model, target, None, posterior))
    z = torch.linspace(-9, 9, 400_001, dtype=torch.float64)
    standard = torch.distributions.Normal(0.0, 1.0)
    squares = (300.0 * (z - 0.05) * (z - 1.025)).square()
    expected = torch.logsumexp(standard.log_prob(z) - squares / 2, 0) + math.log(18 / 400_000)
    if latent_dim == 2:  # a factor of its own
        other = torch.logsumexp(standard.log_prob(z) - (30.0 * (z + 0.25)).square() / 2, 0)
        expected = expected + other + math.log(18 / 400_000)
    expected = expected - 8 * math.log(2 * math.pi)
    torch.testing.assert_close(result.log_evidence, expected[None], rtol=0, atol=1e-3)


@pytest.mark.parametrize("place", ["Measurement", "_elbo"])
def test_short_memory_is_a_sentence_wherever_it_shows(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(*_: object) -> None:
        raise torch.OutOfMemoryError("no room")

    monkeypatch.setattr(f"vae_explorer.engine.evaluation.{place}", short)
    with pytest.raises(EngineError, match="Memory is short"):
        evaluate(vae(), dataset())


def test_quadrature_in_one_dimension_and_none_in_three() -> None:
    model = vae(latent_dim=1)
    target, posterior = encoded(model, 5)
    result = result_of(quadrature(model, target, None, posterior))
    z = torch.linspace(-9, 9, 20_001, dtype=torch.float64)[:, None]
    with torch.no_grad():
        values = model.likelihood.log_prob(
            model.decode(z.float())[:, None].double(), target.double()
        )
    values = values + torch.distributions.Normal(0.0, 1.0).log_prob(z)
    expected = torch.logsumexp(values, 0) + math.log(18 / 20_000)
    torch.testing.assert_close(result.log_evidence, expected, rtol=0, atol=1e-3)
    deep = vae(latent_dim=3)
    target, posterior = encoded(deep, 3)
    with pytest.raises(ConfigError, match="at most 2 latent dimensions"):
        result_of(quadrature(deep, target, None, posterior))


@pytest.mark.parametrize("made_when_asked_for", [False, True])
def test_more_images_than_there_is_room_for_are_integrated_in_parts(
    made_when_asked_for: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = vae("gaussian", factor=4.0)
    target, posterior = encoded(model, 20)
    floor = torch.where(torch.arange(20) % 3 == 0, math.inf, -math.inf)
    whole = result_of(quadrature(model, target, None, posterior, floor=floor))
    monkeypatch.setattr(evidence, "IMAGES_AT_ONCE", 7)
    monkeypatch.setattr(evidence, "MAP_BYTES", 0)
    asked = target
    if made_when_asked_for:
        pixels = images(20).flatten(1)
        asked = Targets(model.likelihood, pixels.__getitem__, torch.arange(20))
    sizes: list[int] = []
    refine = evidence._refine
    monkeypatch.setattr(
        evidence, "_refine", lambda *given: sizes.append(len(given[2])) or refine(*given)
    )
    shares: list[float] = []
    parts = result_of(noted(quadrature(model, asked, None, posterior, floor=floor), shares))
    assert set(sizes) == {6, 7}
    torch.testing.assert_close(parts.log_evidence, whole.log_evidence, rtol=0, atol=1e-5)
    torch.testing.assert_close(parts.change, whole.change, rtol=0, atol=1e-5)
    assert (parts.points, parts.spacing) == (whole.points, whole.spacing)
    assert shares == sorted(shares) and max(shares) <= 1.0
    for ended in (7 / 20, 14 / 20):  # a part is done, and no more than it is
        assert any(ended < share < ended + 0.1 for share in shares)


def test_a_floor_spares_the_refinement() -> None:
    model = vae(factor=4.0)
    target, posterior = encoded(model, 20)
    full = result_of(quadrature(model, target, None, posterior))
    none = result_of(quadrature(model, target, None, posterior, floor=torch.full((20,), math.inf)))
    assert none.points < full.points and none.spacing > full.spacing
    same = result_of(quadrature(model, target, None, posterior, floor=full.log_evidence - 5))
    torch.testing.assert_close(same.log_evidence, full.log_evidence, rtol=0, atol=0)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_matrix_products_give_the_log_likelihood(likelihood: LikelihoodName) -> None:
    model = vae(likelihood)
    target = model.likelihood.target(images(7).flatten(1), generator())
    with torch.no_grad():
        parameters = model.decode(torch.randn(5, 2, generator=generator()) * 2)
        expected = model.likelihood.log_prob(parameters[:, None].expand(-1, 7, -1), target).T
        found = cross_log_prob(model.likelihood, parameters, target)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-4)


def test_squares_of_bright_pictures_do_not_cancel() -> None:
    near = 0.9 + 0.003 * torch.randn(12, 784, generator=generator())
    target, location = near[:7], near[7:]
    likelihood = Gaussian(1e-5, logistic=False)
    expected = likelihood.log_prob(location.double()[:, None].expand(-1, 7, -1), target.double()).T
    found = cross_log_prob(likelihood, location, target)
    torch.testing.assert_close(found.double(), expected, rtol=1e-6, atol=1e-3)


@pytest.mark.parametrize("width", [1, 2, 7, 48, 49, 784])
@pytest.mark.parametrize(
    "size", [2, 30]
)  # 30 is far into both tails, where a product of sixteen underflows
def test_bernoulli_in_place_is_the_likelihood(width: int, size: int) -> None:
    logits = torch.randn(5, 3, width, generator=generator()) * size
    target = (torch.rand(3, width, generator=generator(1)) > 0.5).float()
    exact = torch.distributions.Bernoulli(logits=logits.double())
    expected = Independent(exact, 1).log_prob(target.double())
    value = partial(Bernoulli().value_and_gradient, target=target, wanted=False, spend=True)
    found, _ = value(logits.clone())
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-4)
    assert torch.isfinite(value(logits * 1e4)[0]).all()


def test_the_bound_of_a_linear_gaussian_model_is_its_likelihood() -> None:
    """With the exact posterior every weight is p(x): any number of samples gives the evidence."""
    vae, ppca = linear_gaussian_vae()
    target = ppca.likelihood.target(images().flatten(1))
    posterior = ppca.encode(target)
    covariance = ppca.parameters_in_double()
    expected = LowRankMultivariateNormal(
        covariance.mean, covariance.weight, covariance.variance.expand(16)
    ).log_prob(target.double())
    for samples in (1, 7):
        bound = result_of(importance_bound(vae, target, None, posterior, samples, generator()))
        torch.testing.assert_close(bound.value, expected, rtol=0, atol=1e-3)
        assert bound.variance.max() < 1e-6
    torch.testing.assert_close(ppca.log_evidence(target), expected, rtol=1e-5, atol=1e-3)


def test_a_wrong_posterior_loses_exactly_its_kl() -> None:
    """log p(x) − ELBO = KL(q ‖ p(z|x)), where all three are known in closed form."""
    vae, ppca = linear_gaussian_vae()
    target = ppca.likelihood.target(images().flatten(1))
    mean, log_variance = ppca.encode(target)
    shifted = (mean + 0.3 * log_variance.div(2).exp(), log_variance + 0.4)
    reconstruction, _ = result_of(
        reconstruction_terms(vae, target, None, shifted, 4000, generator())
    )
    elbo = reconstruction - gaussian_kl(*shifted).sum(1).double()
    gap = (ppca.log_evidence(target) - elbo).mean()
    expected = 2 * 0.5 * (math.exp(0.4) + 0.3**2 - 1 - 0.4)
    assert float(gap) == pytest.approx(expected, abs=0.01)


def test_the_bound_grows_with_its_samples_and_reaches_the_evidence() -> None:
    model = vae()
    target, posterior = encoded(model)
    exact = result_of(quadrature(model, target, None, posterior)).log_evidence
    means, errors = [], []
    for samples in (1, 5, 50, 5000):
        bound = result_of(importance_bound(model, target, None, posterior, samples, generator()))
        means.append(float(bound.value.mean()))
        errors.append(float(bound.variance.sum().sqrt()) / len(target))
    errors[0] = errors[1] * math.sqrt(5)  # one sample says nothing of its variance
    for (low, high), error in zip(itertools.pairwise(means), errors, strict=False):
        assert high > low - 3 * error
    assert means[0] < means[1] - errors[0]
    assert abs(means[-1] - float(exact.mean())) < 3 * errors[-1] + 1e-4
    assert errors[-1] < 0.02


def test_samples_from_the_prior_find_what_the_posterior_misses() -> None:
    """An encoder that points elsewhere, and is sure of it: its own samples never come near the mass."""
    model = vae()
    target, (mean, log_variance) = encoded(model)
    exact = result_of(quadrature(model, target, None, (mean, log_variance))).log_evidence
    wrong = (mean + 3.0, log_variance - 6.0)
    lost = result_of(importance_bound(model, target, None, wrong, 5000, generator()))
    assert (lost.value < exact - 1.0).all()
    found = result_of(importance_bound(model, target, None, wrong, 5000, generator(), 0.2))
    error = float(found.variance.sum().sqrt()) / len(target)
    assert float((found.value - exact).mean()) == pytest.approx(0, abs=3 * error)
    assert error < 0.02
    right = (mean, log_variance)  # half of the samples are of q, and do their part
    found = result_of(importance_bound(model, target, None, right, 5000, generator(), 0.5))
    error = float(found.variance.sum().sqrt()) / len(target)
    assert float((found.value - exact).mean()) == pytest.approx(0, abs=3 * error)
    assert error < 0.02


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_of_the_prior_is_below_one(share: float) -> None:
    with pytest.raises(ConfigError, match="share"):
        EvaluationConfig(prior_share=share)


def test_the_variance_of_the_bound_is_what_other_seeds_show() -> None:
    """Of a wide posterior: where weights have heavy tails, sixty seeds say nothing of their variance."""
    model = vae()
    target, (mean, log_variance) = encoded(model, 8)
    posterior = (mean, log_variance + 1.0)
    few = result_of(importance_bound(model, target, None, posterior, 3, generator()))
    draws = importance._draws(model, target, None, posterior, 3, generator())
    weights = torch.cat([(first + second).double().exp() for _, first, second in draws], 1)
    relative = weights.var(0) / weights.mean(0).square()  # of a weight; unbiased
    torch.testing.assert_close(few.variance, relative / 3, rtol=1e-4, atol=1e-6)
    runs = [
        result_of(importance_bound(model, target, None, posterior, 400, generator(seed)))
        for seed in range(60)
    ]
    observed = torch.stack([run.value for run in runs]).var(0)
    predicted = torch.stack([run.variance for run in runs]).mean(0)
    assert float(observed.sum() / predicted.sum()) == pytest.approx(1, abs=0.2)


def test_blocks_of_any_size_give_the_same_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    model = vae()
    target, posterior = encoded(model, 9)
    bounds = []
    for size in (16 * 4 * 7, 16 * 4 * 250, 2**24):
        monkeypatch.setattr(importance, "PARAMETER_BYTES", size)
        steps = importance_bound(model, target, None, posterior, 1000, generator())
        bounds.append(result_of(steps))
    for bound in bounds[1:]:
        error = (bound.variance + bounds[0].variance).sqrt()
        assert ((bound.value - bounds[0].value).abs() < 5 * error).all()


# --- reports ---


def test_report_of_a_vae() -> None:
    model, data = vae(), dataset()
    config = EvaluationConfig(samples=1000, elbo_samples=200)
    report = evaluate(model, data, "test", config)
    elbo, bound, exact = report["elbo"], report["iw_bound"], report["log_p"]
    assert (elbo.certainty, bound.certainty, exact.certainty) == ("bound", "bound", "exact")
    assert elbo.value == pytest.approx(
        report["reconstruction"].value - report["kl"].value, abs=1e-9
    )
    assert elbo.value < bound.value + 0.01 and bound.monte_carlo_error is not None
    assert bound.value == pytest.approx(exact.value, abs=4 * bound.monte_carlo_error + 1e-3)
    assert f"{bound.monte_carlo_error:.2g} is Monte Carlo's" in report.table()
    assert report["posterior_gap"].value == pytest.approx(exact.value - elbo.value, abs=1e-9)
    assert sum(report.kl_per_dimension) == pytest.approx(report["kl"].value, rel=1e-5)
    sampled = report["sampled_kl"]
    assert sampled.value == pytest.approx(report["kl"].value, abs=0.05)
    assert report.class_prior == ()
    assert sampled.value != report["kl"].value and sampled.certainty == "estimate"
    assert exact.bits_per_dimension == pytest.approx(-exact.value / (16 * math.log(2)))
    assert report["active_units"].value == sum(v > 0.01 for v in report.variance_of_means)
    largest = max(range(2), key=report.kl_per_dimension.__getitem__)
    shown = f"nats: {report.kl_per_dimension[largest]:.2f} (z{largest + 1}), "
    assert shown in report.table()
    broken = replace(report, kl_per_dimension=(math.inf, -math.inf, math.nan, 1.0))
    assert broken.to_dict()["kl_per_dimension"] == [None, None, None, 1.0]
    assert report.binarisation == "stochastic binarisation, drawn once"
    assert elbo.images == report.images == 60 and elbo.samples == 200
    in_bits = {f.name for f in report.figures if f.bits_per_dimension is not None}
    assert in_bits == {"elbo", "iw_bound", "log_p"}
    assert report["reconstruction"].title == "  E_q log p(x|z)"
    assert report["kl"].title == "  KL(q(z|x) ‖ p(z))"


def test_a_dimension_is_active_whose_mean_varies_by_more_than_a_hundredth() -> None:
    model = vae()
    _, (mean, _) = encoded(model)
    last = model.encoder.layers[-1]  # type: ignore[index]
    assert isinstance(last, torch.nn.Linear)
    wanted = torch.tensor([0.012, 0.008])
    with torch.no_grad():
        factor = (wanted / mean.var(0, correction=0)).sqrt()
        last.weight[:2] *= factor[:, None]
        last.bias[:2] *= factor
    report = evaluate(model, dataset(), "test", EvaluationConfig(2, 2, exact=False))
    assert report.variance_of_means == pytest.approx(wanted.tolist(), rel=1e-4)
    assert report["active_units"].value == 1


def test_the_same_seed_gives_the_same_figures() -> None:
    model, data = vae(), dataset()
    config = EvaluationConfig(samples=10, images=20, exact=False)
    first, second = (evaluate(model, data, "test", config) for _ in range(2))
    assert [f.value for f in first.figures] == [f.value for f in second.figures]
    assert (first.images, first.images_in_split) == (20, 60)
    other = evaluate(
        model, data, "test", EvaluationConfig(samples=10, images=20, seed=1, exact=False)
    )
    assert other["elbo"].value != first["elbo"].value


def test_standard_error_is_that_of_the_mean() -> None:
    model, data = vae("gaussian"), dataset()
    report = evaluate(model, data, "test", EvaluationConfig(2, 2, exact=False))
    target, posterior = encoded(model)
    kl = gaussian_kl(*posterior).sum(1)
    assert report["kl"].standard_error == pytest.approx(float(kl.std()) / math.sqrt(60), rel=1e-4)
    assert report["elbo"].bits_per_dimension is None and "density" in report.unit
    assert len(target) == 60 and report.binarisation == ""


def test_report_of_ppca_is_exact_in_any_dimension() -> None:
    config = ModelConfig(kind="ppca", image_shape=SHAPE, latent_dim=5, likelihood="gaussian")
    model, data = build_model(config), dataset()
    assert isinstance(model, PPCA)
    moments = image_moments(data.test.images)
    model.set_parameters(closed_form(moments, 5))
    report = evaluate(model, data, "test", EvaluationConfig(samples=3))
    expected = closed_form(moments, 5).log_likelihood(moments)
    log_p, reconstruction = report["log_p"], report["reconstruction"]
    assert log_p.value == pytest.approx(expected, rel=1e-5)
    assert reconstruction.value - report["kl"].value == pytest.approx(expected, rel=1e-5)
    sampled = gaussian_reconstruction(model, data.test.images, draws=4000)
    assert reconstruction.value == pytest.approx(sampled, abs=0.05)
    assert {log_p.certainty, reconstruction.certainty, report["kl"].certainty} == {"exact"}
    assert log_p.samples is None and reconstruction.samples is None
    assert not {"elbo", "iw_bound", "posterior_gap"} & {f.name for f in report.figures}


def gaussian_reconstruction(model: PPCA, images: Tensor, draws: int) -> float:
    x = images.flatten(1) / 255
    mean, log_variance = model.encode(x)
    spread = torch.exp(0.5 * log_variance)
    z = mean + spread * torch.randn(draws, *mean.shape, generator=generator())
    density = torch.distributions.Normal(model.decode(z), model.noise_variance.sqrt())
    return float(density.log_prob(x).sum(-1).mean())


@pytest.mark.parametrize(
    "given",
    [
        {"samples": 2.5},
        {"samples": "5"},
        {"elbo_samples": True},
        {"images": 2.5},
        {"images": 0},
        {"seed": 1.5},
        {"exact": "no"},
        {"prior_share": "0.3"},
        {"prior_share": 1.0},
    ],
)
def test_an_evaluation_is_of_numbers_or_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"; not "):
        EvaluationConfig(**given)
    numpys = EvaluationConfig(samples=np.int64(5), seed=np.int64(1))  # type: ignore[arg-type]
    assert numpys == EvaluationConfig(samples=5, seed=1) and type(numpys.samples) is int


def test_large_numbers_are_written_out() -> None:
    written = [digits(value) for value in (0.012341, 12.341, 1094212.7, 3.5e12)]
    assert written == ["0.01234", "12.34", "1,094,213", "3.5e+12"]


def test_report_of_a_joint_vae() -> None:
    model, data = joint(), dataset(15)
    config = EvaluationConfig(samples=1500, elbo_samples=100)
    report = evaluate(model, data, "test", config)
    target = model.likelihood.target(data.test.images.flatten(1), generator())
    log_prior = model.log_class_prior().detach().double()
    table = (
        torch.stack([brute_force(model, target, one) for one in torch.eye(3)], 1) + log_prior
    )  # (N, C)
    labels = data.test.labels
    assert labels is not None
    own = table.gather(1, labels[:, None])[:, 0]
    assert report["log_p"].value == pytest.approx(float(table.logsumexp(1).mean()), abs=1e-3)
    assert report["log_p_xy"].value == pytest.approx(float(own.mean()), abs=1e-3)
    for bound, exact in (("iw_bound", "log_p"), ("iw_bound_xy", "log_p_xy")):
        error = report[bound].monte_carlo_error
        assert error is not None and error < 0.05
        assert report[bound].value == pytest.approx(report[exact].value, abs=4 * error + 1e-3)
    assert report["elbo_x"].value < report["log_p"].value
    assert report["elbo"].value < report["log_p_xy"].value < report["log_p"].value
    assert sum(report.kl_per_dimension) == pytest.approx(report["kl"].value, rel=1e-5)
    assert report["elbo"].value == pytest.approx(
        report["reconstruction"].value - report["kl"].value + report["log_prior"].value, abs=1e-9
    )
    assert report["log_prior"].value == pytest.approx(float(log_prior[labels].mean()), rel=1e-6)
    exact_accuracy = float((table.argmax(1) == labels).double().mean())
    assert report["exact_accuracy"].value == pytest.approx(exact_accuracy)
    in_bits = {f.name for f in report.figures if f.bits_per_dimension is not None}
    assert report["reconstruction"].title == "  E_q log p(x|z, y)"
    assert report["kl"].title == "  KL(q(z|x, y) ‖ p(z))"
    assert in_bits == {
        "elbo_x",
        "iw_bound",
        "log_p",
    }  # log π_y is in log p(x, y), and no code for x
    share = report["accuracy"].value
    assert report["accuracy"].standard_error == pytest.approx(math.sqrt(share * (1 - share) / 15))


def test_a_joint_report_of_known_evidence() -> None:
    """With the exact posterior of every class bounds and integrals are the evidence, of wrong labels as well."""
    prior = [0.7, 0.2, 0.1]
    pictures, labels = images(15), torch.tensor([0, 0, 2] * 5)
    pictures[2] = 255 - pictures[2]  # less likely than all others, of any class
    model, given_class = linear_gaussian_joint(prior, pictures)
    split = Split(pictures, labels)
    data = Dataset("toy", "Toy images", split, split, split, ("a", "b", "c"))
    table = given_class + torch.tensor(prior).log()
    own = table.gather(1, labels[:, None])[:, 0]
    assert (own < table.logsumexp(1) - 25).sum() == 5  # of a class that is as good as excluded
    report = evaluate(model, data, "test", EvaluationConfig(samples=2, elbo_samples=400))
    wanted = float(table.logsumexp(1).mean())
    assert report["log_p"].value == pytest.approx(wanted, abs=2e-3)
    assert report["iw_bound"].value == pytest.approx(wanted, abs=2e-3)
    assert report["elbo_x"].value == pytest.approx(wanted, abs=0.1)
    for name, tolerance in (("log_p_xy", 2e-3), ("iw_bound_xy", 2e-3), ("elbo", 0.1)):
        assert report[name].value == pytest.approx(float(own.mean()), abs=tolerance)
    for name in ("verdict_accuracy", "exact_accuracy"):  # the prior alone parts the first two
        assert report[name].value == pytest.approx(2 / 3)


def test_the_noise_of_a_sum_over_classes_is_that_of_its_shares() -> None:
    """Of two classes that are alike, each half of p(x), the draws are independent."""
    model, _ = linear_gaussian_joint([1.0, 1.0, 0.0], images(15), wider=0.5)
    split = Split(images(15), torch.arange(15) % 2)
    data = Dataset("toy", "Toy images", split, split, split, ("a", "b", "c"))
    report = evaluate(model, data, "test", EvaluationConfig(samples=2000, exact=False))
    both, one = (report[name].monte_carlo_error for name in ("iw_bound", "iw_bound_xy"))
    assert both is not None and one is not None
    assert both == pytest.approx(one / math.sqrt(2), rel=0.05)


def test_the_bounds_on_p_x_and_on_p_x_y_are_of_the_same_draws() -> None:
    config = ModelConfig(kind="joint-vae", image_shape=SHAPE, class_names=("all there is",))
    data = dataset(15)
    labels = torch.zeros(15, dtype=torch.int64)
    split = Split(data.test.images, labels)
    data = Dataset("toy", "Toy images", split, split, split, ("all there is",))
    report = evaluate(build_model(config), data, "test", EvaluationConfig(samples=3))
    assert report["iw_bound"].value == report["iw_bound_xy"].value
    alone = evaluate(build_model(config), data, "test", EvaluationConfig(samples=1))["iw_bound"]
    assert (alone.monte_carlo_error, alone.note) == (None, "")  # one sample tells of no other


def test_an_integral_of_hours_is_only_made_when_asked_for() -> None:
    split = Split(torch.zeros(1, 1, 16, 16, dtype=torch.uint8))
    data = Dataset("toy", "Toy images", split, split, split)
    for classes, levels in (((), 256), (("a", "b", "c"), 100)):  # of every class a part
        config = ModelConfig(
            kind="joint-vae" if classes else "vae",
            image_shape=(1, 16, 16),
            likelihood="categorical",
            levels=levels,
            class_names=classes,
        )
        report = evaluate(build_model(config), data, "test", EvaluationConfig(samples=2))
        assert "log_p" not in report and "iw_bound" in report
    assert "log_p" in evaluate(vae("categorical"), dataset(2), "test", EvaluationConfig(samples=2))


def test_a_joint_vae_on_unlabelled_images_speaks_of_p_x_alone() -> None:
    labelled = dataset(12)
    split = Split(labelled.test.images, None)
    data = Dataset("toy", "Toy images", split, split, split)
    report = evaluate(joint(), data, "test", EvaluationConfig(samples=5, exact=False))
    assert "elbo_x" in report and "iw_bound" in report
    assert not {"elbo", "accuracy", "log_p_xy", "log_p"} & {f.name for f in report.figures}


@pytest.mark.parametrize("kind", ["vae", "joint", "ppca"])
def test_the_share_of_all_the_work_never_falls(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vae_explorer.engine.measurement.images_at_once", lambda _: 5)
    monkeypatch.setattr("vae_explorer.engine.importance.PARAMETER_BYTES", 2000)
    model = {"vae": vae, "joint": joint, "ppca": lambda: linear_gaussian_vae()[1]}[kind]()
    steps = evaluation(model, dataset(12), "test", EvaluationConfig(samples=3))
    shares = [each.share for each in steps]
    assert len(shares) > 5
    assert all(a <= b for a, b in itertools.pairwise(shares))


def test_progress_runs_and_gradients_stay_as_they_were() -> None:
    every = dataset(5)
    none = Split(every.test.images[:0])
    data = Dataset("toy", "Toy images", none, every.validation, none)
    steps = evaluation(vae(), data, "validation", EvaluationConfig(samples=3))
    seen = []
    try:
        while True:
            seen.append(next(steps))
            assert torch.is_grad_enabled()
    except StopIteration as finished:
        assert finished.value.split == "validation"
    assert {step.title for step in seen} == {"q(z|x)", "ELBO", "IW bound", "log p(x)"}
    assert all(0 <= step.fraction <= 1 for step in seen)


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("model", [vae, joint, lambda: linear_gaussian_vae()[1]])
def test_progress_counts_the_steps_to_the_last(
    model: Callable[[], Model], exact: bool, labelled: bool
) -> None:
    data = dataset(6)
    if not labelled:
        split = Split(data.test.images, None)
        data = Dataset("toy", "Toy images", split, split, split)
    seen = list(evaluation(model(), data, "test", EvaluationConfig(samples=3, exact=exact)))
    assert [step.step for step in seen] == sorted(step.step for step in seen)
    assert seen[0].step == 1 and seen[-1].step == seen[-1].steps
    assert len({step.steps for step in seen}) == 1


def test_what_cannot_be_evaluated_is_refused() -> None:
    data = dataset()
    empty = Dataset("toy", "Toy", data.train, data.train, Split(data.train.images[:0]))
    other = build_model(ModelConfig(image_shape=(1, 5, 5)))
    with pytest.raises(ConfigError, match="one of train, validation, test"):
        evaluate(vae(), data, "all")
    with pytest.raises(ConfigError, match="no images"):
        evaluate(vae(), empty)
    with pytest.raises(ConfigError, match="shape"):
        evaluate(other, data)
    with pytest.raises(ConfigError, match="at most 2 latent dimensions; this model has 3"):
        evaluate(vae(latent_dim=3), data, config=EvaluationConfig(2, 2, exact=True))
    for samples, elbo_samples, images in ((0, 1, 1), (1, 0, 1), (1, 1, 0)):
        with pytest.raises(ConfigError):
            EvaluationConfig(samples, elbo_samples, images)


# --- the command line ---


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    save_model(path, build_model(ModelConfig(latent_dim=2)))
    return path


def test_command_prints_a_table_and_writes_json(
    model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out" / "report.json"
    threads = str(torch.get_num_threads())
    arguments = [str(model_file), "--samples", "3", "--images", "20", "--quiet", "--no-exact"]
    assert command.run([*arguments, "--threads", threads, "--json", str(target)]) == 0
    printed = capsys.readouterr().out
    assert "Embedded digits, test split, the first 20 of 2,000 images, seed 0" in printed
    assert "IW bound ≤ log p(x)" in printed and "KL of each dimension" in printed
    report = json.loads(target.read_text(encoding="utf-8"))
    assert report["split"] == "test" and report["images"] == 20
    elbo = next(figure for figure in report["figures"] if figure["name"] == "elbo")
    assert elbo["unit"] == "nats per image" and elbo["certainty"] == "bound"
    assert f"{elbo['value']:.3f}".replace("-", "−") in printed


@pytest.mark.parametrize(
    ("kind", "words", "said"),
    [
        ("ppca", "--samples 9 --prior-share 0", "leave out --prior-share, --samples"),
        ("ppca", "--no-exact", "leave out --exact"),
        ("vae", "--data-dir .", "--data-dir has no effect with --dataset digits"),
    ],
)
def test_command_refuses_what_has_no_effect(
    tmp_path: Path, kind: Kind, words: str, said: str
) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, build_model(ModelConfig(kind=kind)))
    threads = str(torch.get_num_threads())
    with pytest.raises(ConfigError, match=said):
        command.run([str(path), *words.split(), "--quiet", "--threads", threads])


def test_samples_and_their_source_are_told_of_every_figure_that_has_some() -> None:
    config = EvaluationConfig(samples=1, elbo_samples=3, prior_share=0.125, exact=False)
    report = evaluate(joint(), dataset(), "test", config)
    assert report["verdict_accuracy"].samples == 3
    assert report["accuracy"].samples is None
    assert report["iw_bound"].note == "12.5 % of the samples come from the prior"


def test_command_weighs_the_classes_as_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, target = tmp_path / "model.safetensors", tmp_path / "report.json"
    names = tuple("0123456789")
    save_model(path, build_model(ModelConfig(kind="joint-vae", class_names=names)))
    before = path.read_bytes()
    threads = str(torch.get_num_threads())
    arguments = [str(path), "--samples", "1", "--images", "40", "--quiet", "--no-exact"]
    arguments += ["--threads", threads, "--json", str(target)]
    assert command.run([*arguments, "--class-prior", "0,0,0,0,0,0,0,1,0,0"]) == 0
    kept = json.loads(target.read_text(encoding="utf-8"))
    assert kept["class_prior"] == pytest.approx([*[0] * 7, 1, 0, 0], abs=1e-6)
    figures = {f["name"]: f for f in kept["figures"]}
    sevens = figures["verdict_accuracy"]["value"]  # every image is called a 7
    labels = load_dataset("digits").test.labels
    assert labels is not None
    assert sevens == pytest.approx(float((labels[:40] == 7).double().mean()))
    with pytest.raises(ConfigError, match="own π"):
        command.run([*arguments, "--class-prior", "1,1,1,1,1,1,1,1,1,1", "--card"])
    assert path.read_bytes() == before


def test_command_puts_no_figures_into_a_file_that_came_meanwhile(
    model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure = command.measure

    def replaced(*arguments: Any) -> Any:
        report = measure(*arguments)
        save_model(model_file, build_model(ModelConfig(), seed=7), {"command": "another"})
        return report

    monkeypatch.setattr(command, "measure", replaced)
    threads = str(torch.get_num_threads())
    few = ["--samples", "1", "--images", "2", "--quiet", "--no-exact", "--threads", threads]
    with pytest.raises(EngineError, match="was replaced while it was measured"):
        command.run([str(model_file), *few, "--card"])
    card = read_card(model_file)
    assert card["command"] == "another" and "evaluation" not in card


def test_command_squares_a_folders_images_as_the_model_has_seen_them(tmp_path: Path) -> None:
    for index in range(20):
        pixels = np.random.default_rng(index).integers(0, 256, (8, 24), np.uint8)
        (tmp_path / "wide").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "wide" / f"{index}.png")
    path, target = tmp_path / "model.safetensors", tmp_path / "report.json"
    model = build_model(ModelConfig(image_shape=(1, 8, 8)))
    save_model(path, model, {"fit": "pad"})
    threads = str(torch.get_num_threads())
    few = [str(path), "--samples", "1", "--quiet", "--no-exact", "--threads", threads]
    few += ["--dataset", "folder", "--data-dir", str(tmp_path / "wide"), "--json", str(target)]

    def elbo(*more: str) -> float:
        assert command.run([*few, *more]) == 0
        return json.loads(target.read_text(encoding="utf-8"))["figures"][0]["value"]

    assert elbo() == elbo("--fit", "pad") != elbo("--fit", "crop")


@pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="the system has no full disk to write to"
)
def test_a_report_for_which_the_disk_has_no_room_is_told_of(model_file: Path) -> None:
    arguments = [sys.executable, "-m", "vae_explorer.evaluate", model_file]
    few = ["--samples", "1", "--images", "2", "--quiet", "--no-exact"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*arguments, *few], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 2
    assert done.stderr.startswith("Not all of this could be written: No space left")


@pytest.mark.parametrize(
    "change",
    [
        ["--fit", "pad"],
        ["--image-size", "0", "--dataset", "folder", "--data-dir", "."],
        ["--samples", "0"],
        ["--split", "all"],
        ["--dataset", "nothing"],
        ["--threads", "0"],
        ["--threads", "100000"],
        ["--seed", "-1"],
        ["--seed", "99999999999999999999"],
        ["--class-prior", "1,2"],
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    model_file: Path,
    change: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    threads = str(torch.get_num_threads())
    monkeypatch.setattr(
        "sys.argv", ["evaluate", str(model_file), "--quiet", "--threads", threads, *change]
    )
    assert command.main() == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1 and captured.err.endswith(".\n")


def test_a_missing_model_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["evaluate", str(tmp_path / "none.safetensors")])
    before = torch.get_num_threads()
    try:
        assert command.main() == 2
    finally:
        torch.set_num_threads(before)
    assert "none.safetensors" in capsys.readouterr().err


def small_run(model_file: Path, *more: str) -> list[str]:
    threads = str(torch.get_num_threads())
    small = ["--samples", "2", "--images", "20", "--no-exact", "--threads", threads]
    return [str(model_file), *small, *more]


@pytest.mark.parametrize("change", [["--gradients", "1"], ["--json", "."]])
def test_command_refuses_before_it_measures(
    model_file: Path, change: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "measure", lambda *_: pytest.fail("measured"))
    with pytest.raises(EngineError):
        command.run(small_run(model_file, *change))


def test_a_comparison_that_is_stopped_takes_no_report_with_it(
    model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "compare_estimators", stopped)
    target = tmp_path / "report.json"
    more = ("--quiet", "--gradients", "9", "--json", str(target), "--card")
    with pytest.raises(KeyboardInterrupt):
        command.run(small_run(model_file, *more))
    assert json.loads(target.read_text(encoding="utf-8"))["images"] == 20
    assert "evaluation" in read_card(model_file)


def test_the_bar_never_falls_and_never_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[float] = []

    class Bar(tqdm):
        def refresh(self, *given: object, **named: object) -> None:
            shown.append(self.n)

    def steps(*_: object) -> Generator[Progress, None, str]:
        for step in (1, 2):
            for share in (0.0, 0.5, 0.6, 1.0):
                yield Progress("ELBO", share, step, 2)
        return "report"

    monkeypatch.setattr(command, "evaluation", steps)
    monkeypatch.setattr(command, "tqdm", partial(Bar, file=io.StringIO(), mininterval=0.0))
    command.measure(*[None] * 4, quiet=False)  # type: ignore[arg-type]
    whole = [0.0, 0.25, 0.3, 0.5, 0.5, 0.75, 0.8, 1.0]
    assert shown[-len(whole) :] == pytest.approx(whole)


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of POSIX")
@pytest.mark.parametrize("nobody", ["| head -c 1", ">&-"])
def test_a_report_is_written_though_nobody_listens(
    model_file: Path, tmp_path: Path, nobody: str
) -> None:
    target = tmp_path / "report.json"
    words = [sys.executable, "-m", "vae_explorer.evaluate", *small_run(model_file, "--quiet")]
    line = f"set -o pipefail; {shlex.join([*words, '--json', str(target)])} {nobody}"
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252"}  # which lacks ≤
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, env=environment)
    assert done.stderr == "" and done.returncode == 0
    assert json.loads(target.read_text(encoding="utf-8"))["images"] == 20
