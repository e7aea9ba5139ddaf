"""Six slips of the lecture's slides, each shown to be one by what would follow from it."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from vae_explorer.engine.config import ModelConfig
from vae_explorer.engine.joint_vae import JointVAE
from vae_explorer.engine.likelihoods import Bernoulli, Categorical, Gaussian
from vae_explorer.engine.models import build_model
from vae_explorer.engine.objective import bound_terms, gaussian_kl, standard_log_density
from vae_explorer.engine.vae import one_hot


@pytest.mark.parametrize("d", [1, 2, 10])
def test_slip_1_the_log_term_of_the_isotropic_kl_has_a_factor_d(d: int) -> None:
    """Without it the KL of Gaussians of many dimensions comes out negative, which no KL can be."""
    mean = torch.linspace(-1.0, 1.0, d)
    sigma = torch.tensor(0.5)
    kl = gaussian_kl(mean, 2.0 * sigma.log().expand(d)).sum()
    torch.testing.assert_close(kl, kl_divergence(Normal(mean, sigma), Normal(0.0, 1.0)).sum())
    rest = 0.5 * (d * sigma**2 + mean.square().sum() - d)
    torch.testing.assert_close(kl, rest - d * sigma.log())
    slide = rest - sigma.log()
    assert torch.isclose(slide, kl) == (d == 1)
    assert d < 10 or slide < 0.0 < kl


def test_slip_2_the_reconstruction_term_has_a_minus_sign_and_a_constant() -> None:
    x = torch.full((1, 4), 0.7)
    near, far = torch.full((1, 4), 0.6), torch.full((1, 4), 0.1)
    likelihood = Gaussian(0.1, logistic=False)
    assert likelihood.log_prob(near, x) > likelihood.log_prob(far, x)
    slide = [((x - location) ** 2).sum().item() / 0.2 for location in (near, far)]
    assert slide[0] < slide[1]  # the slide's sign prefers the worse reconstruction
    # and without the constant, the squares alone prefer an ever larger η², whatever the data
    without = [
        -((x - near) ** 2).sum().item() / (2.0 * variance) for variance in (0.01, 1.0, 100.0)
    ]
    assert without == sorted(without)
    exact = [
        Gaussian(variance, logistic=False).log_prob(near, x).item()
        for variance in (0.01, 1.0, 100.0)
    ]
    assert exact[0] > exact[1] > exact[2]  # the squared error is 0.01 a pixel


def test_slip_3_the_loss_divides_by_the_variance_and_not_by_the_deviation() -> None:
    x, location, variance = torch.tensor([[0.9]]), torch.tensor([[0.2]]), 0.04
    wanted = Normal(location, math.sqrt(variance)).log_prob(x).item()
    found = Gaussian(variance, logistic=False).log_prob(location, x).item()
    assert found == pytest.approx(wanted, rel=1e-5)
    eta = math.sqrt(variance)
    slide = -0.49 / (2.0 * eta) - 0.5 * math.log(2.0 * math.pi * variance)
    assert abs(slide - wanted) > 1.0


def test_slip_4_the_likelihood_is_a_density_of_x_and_not_of_z() -> None:
    """It integrates to one over x at every z; over z, at a given x, it does not."""
    model = build_model(
        ModelConfig(image_shape=(1, 1, 1), latent_dim=1, likelihood="gaussian", variance=0.01), 0
    )
    grid = torch.linspace(-30.0, 30.0, 60_001)[:, None]
    with torch.no_grad():
        parameters = model.decode(torch.tensor([[0.3]]))
        over_x = model.likelihood.log_prob(parameters, grid).exp()
        over_z = model.likelihood.log_prob(model.decode(grid), torch.tensor([[0.5]])).exp()
    assert torch.trapezoid(over_x, grid[:, 0]).item() == pytest.approx(1.0, abs=1e-4)
    assert torch.trapezoid(over_z, grid[:, 0]).item() != pytest.approx(1.0, abs=0.5)
    bits = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    total = Bernoulli().log_prob(torch.tensor([[0.3, -1.0]]), bits).exp().sum()
    assert total.item() == pytest.approx(1.0, rel=1e-5)


def test_slip_5_the_joint_bound_is_one_on_log_p_of_x_and_y() -> None:
    """With many samples it reaches log p(x, y) by quadrature, and not log p(x|y), which is higher by −log π_y."""
    config = ModelConfig(
        kind="joint-vae", image_shape=(1, 2, 2), latent_dim=1, class_names=("a", "b")
    )
    model = build_model(config, 0)
    assert isinstance(model, JointVAE)
    model.set_class_prior([0.9, 0.1])
    target = torch.tensor([[1.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 0.0]])
    labels = torch.tensor([0, 1])
    z = torch.linspace(-8.0, 8.0, 4001)[:, None, None].expand(-1, 2, 1)
    with torch.no_grad():
        y = one_hot(labels, 2).expand(len(z), -1, -1)
        log_joint = model.likelihood.log_prob(model.decode(z, y), target) + standard_log_density(z)
        log_p_x_given_y = torch.logsumexp(log_joint, 0) + math.log(16.0 / 4000)
        terms = bound_terms(
            model,
            target,
            labels,
            samples=20_000,
            objective="iw",
            generator=torch.Generator().manual_seed(0),
        )
        assert terms.bound is not None
        assert terms.log_prior is not None
        bound = terms.bound + terms.log_prior
    log_prior = torch.tensor([0.9, 0.1]).log()
    torch.testing.assert_close(bound, log_p_x_given_y + log_prior, atol=0.01, rtol=0)
    assert ((bound - log_p_x_given_y).abs() > 0.1).all()
    assert (terms.elbo <= log_p_x_given_y + log_prior + 0.01).all()


def test_slip_6_a_byte_has_256_values() -> None:
    every = torch.arange(256, dtype=torch.uint8)[None]
    assert len(Categorical(256).target(every).unique()) == 256
    assert len(Categorical(255).target(every).unique()) == 255  # two bytes could not be told apart
    probabilities = (
        Categorical(256)
        .log_prob(torch.randn(256).expand(256, -1), torch.arange(256)[:, None])
        .exp()
    )
    assert probabilities.sum().item() == pytest.approx(1.0, rel=1e-4)
