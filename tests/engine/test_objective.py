"""The objective against closed forms, torch.distributions, quadrature and finite differences."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from vae_explorer.engine.config import ModelConfig
from vae_explorer.engine.data import Split
from vae_explorer.engine.errors import ConfigError
from vae_explorer.engine.gradients import compare_estimators, gradient_moments
from vae_explorer.engine.joint_vae import JointVAE
from vae_explorer.engine.models import build_model
from vae_explorer.engine.objective import (
    Weights,
    bound_terms,
    every_class_terms,
    gaussian_kl,
    gaussian_log_density,
    leave_one_out,
    standard_log_density,
    unlabelled_bound,
)
from vae_explorer.engine.vae import VAE, NetworkModel, one_hot

SHAPE = (1, 4, 4)
CLASSES = ("a", "b", "c")


def small(kind: str = "vae", **changes: object) -> NetworkModel:
    values = {
        "kind": kind,
        "image_shape": SHAPE,
        "preset": "deep",
        "widths": (8,),
        "activation": "tanh",
        "class_names": CLASSES if kind == "joint-vae" else (),
        **changes,
    }
    model = build_model(ModelConfig(**values), seed=3)
    assert isinstance(model, NetworkModel)
    return model


def pixels(count: int = 6) -> torch.Tensor:
    return torch.randint(0, 256, (count, 16), generator=torch.Generator().manual_seed(0)).to(
        torch.uint8
    )


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_closed_form_kl_is_that_of_torch_distributions() -> None:
    mean, log_variance = torch.randn(7, 3), torch.randn(7, 3)
    wanted = kl_divergence(Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(gaussian_kl(mean, log_variance), wanted)


def test_log_densities_are_those_of_torch_distributions() -> None:
    z, mean, log_variance = torch.randn(5, 7, 3), torch.randn(7, 3), torch.randn(7, 3)
    wanted = Normal(mean, (0.5 * log_variance).exp()).log_prob(z).sum(-1)
    torch.testing.assert_close(gaussian_log_density(z, mean, log_variance), wanted)
    torch.testing.assert_close(standard_log_density(z), Normal(0.0, 1.0).log_prob(z).sum(-1))


def test_an_isotropic_posterior_has_one_variance_and_the_kl_of_one() -> None:
    model = small(posterior="isotropic", latent_dim=5)
    target = model.likelihood.target(pixels(), seeded())
    mean, log_variance = model.encode(target)
    assert torch.equal(log_variance, log_variance[:, :1].expand(-1, 5))
    sigma = (0.5 * log_variance[:, 0]).exp()
    terms = bound_terms(model, target, None, generator=seeded())
    wanted = 0.5 * (5 * sigma**2 + mean.square().sum(1) - 5) - 5 * sigma.log()
    torch.testing.assert_close(terms.kl, wanted)


def test_the_elbo_is_reconstruction_minus_kl_and_the_reconstruction_falls_as_an_image_gets_worse() -> (
    None
):
    """The sign of the Monte Carlo term: a picture far from the reconstruction has the lower log-likelihood."""
    model = small(likelihood="gaussian", variance=0.1)
    target = model.likelihood.target(pixels(), seeded())
    mean, log_variance = model.encode(target)
    terms = bound_terms(model, target, None, samples=3, generator=seeded())
    noise = torch.randn((3, *mean.shape), generator=seeded())
    location = torch.sigmoid(model.decode(mean + (0.5 * log_variance).exp() * noise))
    squares = (target - location).square().sum(-1)
    wanted = (-squares / 0.2 - 8 * math.log(2 * math.pi * 0.1)).mean(0)
    torch.testing.assert_close(terms.reconstruction, wanted, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(
        terms.elbo, wanted - gaussian_kl(mean, log_variance).sum(-1), rtol=1e-4, atol=1e-4
    )
    slide = (squares / 0.2).mean(0)  # the slide's sign: larger errors would score higher
    assert torch.corrcoef(torch.stack((slide, terms.reconstruction)))[0, 1] < -0.99


def grid_log_evidence(model: VAE, target: torch.Tensor) -> torch.Tensor:
    """log p(x) for d = 1 by a fine grid, in double precision."""
    z = torch.linspace(-8.0, 8.0, 4001, dtype=torch.float64)[:, None, None]
    joint = model.likelihood.log_prob(model.decode(z), target) + standard_log_density(z)
    return torch.logsumexp(joint, 0) + math.log(16.0 / 4000)


def test_elbo_and_iw_bound_lie_below_the_evidence_and_the_iw_bound_rises_with_samples() -> None:
    model = small(latent_dim=1).double()
    assert isinstance(model, VAE)
    with torch.no_grad():
        model.decoder.layers[0].weight *= 4.0  # type: ignore[union-attr, index, operator]
    target = model.likelihood.target(pixels(), seeded()).double()
    evidence = grid_log_evidence(model, target)
    with torch.no_grad():
        elbo = torch.stack(
            [bound_terms(model, target, None, generator=seeded(s)).elbo for s in range(400)]
        ).mean(0)
        bounds = []
        for samples in (1, 5, 50, 5000):
            values = [
                bound_terms(
                    model, target, None, samples=samples, objective="iw", generator=seeded(s)
                ).bound
                for s in range(400 if samples < 100 else 5)
            ]
            bounds.append(torch.stack([v for v in values if v is not None]).mean(0))
    assert (elbo < evidence).all()
    torch.testing.assert_close(bounds[0], elbo, atol=0.1, rtol=0)
    assert (bounds[0] < bounds[1]).all()
    assert (bounds[1] < bounds[2]).all()
    torch.testing.assert_close(bounds[3], evidence, atol=0.02, rtol=0)


def test_the_gap_between_evidence_and_elbo_is_the_kl_to_the_true_posterior() -> None:
    model = small(latent_dim=1).double()
    assert isinstance(model, VAE)
    target = model.likelihood.target(pixels(), seeded()).double()
    with torch.no_grad():
        evidence = grid_log_evidence(model, target)
        mean, log_variance = model.encode(target)
        z = torch.linspace(-8.0, 8.0, 4001, dtype=torch.float64)[:, None, None]
        log_joint = model.likelihood.log_prob(model.decode(z), target) + standard_log_density(z)
        log_q = gaussian_log_density(z.expand(-1, len(target), 1), mean, log_variance)
        step = 16.0 / 4000
        elbo = (log_q.exp() * (log_joint - log_q)).sum(0) * step
        gap = (log_q.exp() * (log_q - (log_joint - evidence))).sum(0) * step
    assert (gap > 0).all()
    torch.testing.assert_close(evidence - elbo, gap, atol=1e-6, rtol=0)


def joint() -> tuple[JointVAE, torch.Tensor, torch.Tensor]:
    model = small("joint-vae")
    assert isinstance(model, JointVAE)
    model.set_class_prior([0.5, 0.3, 0.2])
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    return model, model.likelihood.target(pixels(), seeded()), labels


def test_the_joint_elbo_has_the_class_prior_and_bounds_the_joint_evidence() -> None:
    model, target, labels = joint()
    terms = bound_terms(model, target, labels, samples=2, generator=seeded())
    assert terms.log_prior is not None
    torch.testing.assert_close(terms.log_prior, torch.tensor([0.5, 0.3, 0.2]).log()[labels])
    torch.testing.assert_close(terms.elbo, terms.reconstruction - terms.kl + terms.log_prior)
    tighter = bound_terms(model, target, labels, objective="iw", generator=seeded())
    assert tighter.bound is not None
    torch.testing.assert_close(
        tighter.conditional(Weights()), tighter.bound + terms.log_prior, rtol=0, atol=0
    )


@pytest.mark.parametrize(("objective", "beta"), [("elbo", 0.5), ("iw", 1.0)])
def test_the_unlabelled_bound_is_the_sum_over_classes_plus_the_entropy(
    objective: str, beta: float
) -> None:
    model, target, _ = joint()
    log_q = model.classify(target)
    terms = every_class_terms(model, target, samples=4, objective=objective, generator=seeded())
    found = unlabelled_bound(terms, log_q, Weights(beta))
    # the same noise, class by class: the draw has shape (M, C·B, d), classes outermost
    noise = torch.randn((4, 3 * len(target), 2), generator=seeded())
    wanted = torch.zeros(len(target))
    for label in range(3):
        y = one_hot(torch.full((len(target),), label), 3)
        mean, log_variance = model.encode(target, y)
        z = (
            mean
            + (0.5 * log_variance).exp() * noise[:, label * len(target) : (label + 1) * len(target)]
        )
        likelihood = model.likelihood.log_prob(model.decode(z, y.expand(4, -1, -1)), target)
        value = likelihood.mean(0) - beta * gaussian_kl(mean, log_variance).sum(-1)
        if objective == "iw":
            ratio = standard_log_density(z) - gaussian_log_density(z, mean, log_variance)
            value = torch.logsumexp(likelihood + ratio, 0) - math.log(4)
        value = value + model.log_class_prior()[label]
        wanted = wanted + log_q[:, label].exp() * (value - log_q[:, label])
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
    parameters = list(model.parameters())  # of π and q(y|x), too
    gradients = [
        torch.autograd.grad(bound.sum(), parameters, retain_graph=True) for bound in (found, wanted)
    ]
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-4)


def test_beta_weighs_the_objective_and_never_the_report() -> None:
    model, target, labels = joint()
    terms = bound_terms(model, target, labels, generator=seeded())
    torch.testing.assert_close(terms.conditional(Weights(beta=4.0)), terms.elbo - 3.0 * terms.kl)


def test_both_estimators_have_the_same_values_and_the_same_mean_gradient_but_not_the_same_variance() -> (
    None
):
    model = small(latent_dim=2, binarisation="fixed")
    reparameterized = gradient_moments(
        model, pixels(), gradient="reparameterization", samples=2, draws=1500
    )
    scored = gradient_moments(
        model, pixels(), gradient="score-function", samples=2, draws=1500, seed=1
    )
    error = math.sqrt((reparameterized.variance + scored.variance) / 1500)
    assert (reparameterized.mean - scored.mean).norm() < 4 * error
    assert reparameterized.mean.norm() > 5 * error  # the comparison is of something
    assert scored.variance > 3 * reparameterized.variance
    target = model.likelihood.target(pixels(), seeded())
    values = [
        bound_terms(model, target, None, samples=2, gradient=g, generator=seeded(5)).conditional(
            Weights()
        )
        for g in ("reparameterization", "score-function")
    ]
    torch.testing.assert_close(values[0], values[1])


def test_the_baseline_leaves_its_own_value_out() -> None:
    torch.testing.assert_close(
        leave_one_out(torch.tensor([[1.0], [2.0], [6.0]])), torch.tensor([[4.0], [3.5], [1.5]])
    )
    torch.testing.assert_close(
        leave_one_out(torch.tensor([[1.0, 3.0]])), torch.tensor([[3.0, 1.0]])
    )
    assert leave_one_out(torch.tensor([[5.0]])).item() == 0.0


@pytest.mark.parametrize("objective", ["elbo", "iw"])
def test_the_gradient_is_that_of_finite_differences(objective: str) -> None:
    model = small(likelihood="continuous-bernoulli").double()
    target = model.likelihood.target(pixels(), seeded()).double()
    weight = model.encoder.layers[0].weight  # type: ignore[union-attr, index]
    assert isinstance(weight, torch.nn.Parameter)

    def value() -> torch.Tensor:
        terms = bound_terms(model, target, None, samples=2, objective=objective, generator=seeded())
        return terms.conditional(Weights()).mean()

    (gradient,) = torch.autograd.grad(value(), weight)
    with torch.no_grad():
        for index in ((0, 0), (3, 7), (7, 15)):
            weight[index] += 1e-5
            up = value()
            weight[index] -= 2e-5
            slope = (up - value()) / 2e-5
            weight[index] += 1e-5
            assert slope.item() == pytest.approx(gradient[index].item(), rel=1e-4, abs=1e-7)


def test_the_moments_of_two_gradients_are_their_mean_and_half_their_squared_distance() -> None:
    model = small()
    found = gradient_moments(model, pixels(), draws=2)
    source = seeded()
    target = model.likelihood.target(pixels(), source)
    parameters = list(model.encoder.parameters())
    one, other = (
        torch.cat([part.flatten() for part in torch.autograd.grad(elbo, parameters)]).double()
        for elbo in (bound_terms(model, target, None, generator=source).elbo.mean() for _ in "ab")
    )
    torch.testing.assert_close(found.mean, (one + other) / 2)
    assert found.variance == pytest.approx(float((one - other).square().sum()) / 2, rel=1e-6)


def test_the_comparison_of_estimators_names_both_variances() -> None:
    split = Split(pixels(70).view(70, *SHAPE), None)
    shares: list[float] = []
    found = compare_estimators(small(), split, draws=200, progress=shares.append)
    assert shares == pytest.approx([i / 400 for i in range(400)])
    assert found.images == 64
    alone = gradient_moments(small(), pixels(70)[:64], draws=200)
    assert found.squared_norm == float(alone.mean.square().sum())
    labels = torch.arange(70) % 3
    given = compare_estimators(small("joint-vae"), Split(split.images, labels), draws=3)
    known = gradient_moments(small("joint-vae"), pixels(70)[:64], labels[:64], draws=3)
    assert given.reparameterization == known.variance
    assert found.score_function > found.reparameterization > 0
    assert f"{found.ratio:,.0f} times" in found.table()
    with pytest.raises(ConfigError, match="two draws"):
        compare_estimators(small(), split, draws=1)
    with pytest.raises(ConfigError, match="PPCA"):
        compare_estimators(build_model(ModelConfig(kind="ppca", image_shape=SHAPE)), split, draws=9)
