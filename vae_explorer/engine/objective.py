"""The objectives of the lecture and their estimators.

Everything is per image and in nats: tensors of shape (B,), to be averaged by the caller. A reported ELBO always has
β = 1; β and λ weigh what is maximised, never what is shown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from vae_explorer.engine.joint_vae import JointVAE
from vae_explorer.engine.latent_model import LatentModel
from vae_explorer.engine.likelihoods import LOG_2PI, grey
from vae_explorer.engine.vae import one_hot


@dataclass(frozen=True)
class Weights:
    """What an objective weighs its terms by: β on the KL, λ on log q(y|x); numbers, or tensors of one on the device."""

    beta: float | Tensor = 1.0
    classification: float | Tensor = 1.0


@dataclass(frozen=True)
class Terms:
    """The parts of the bound, each (B,) in nats per image; `log_prior` is log π_y, `None` for a model of p(x)."""

    reconstruction: Tensor
    kl_per_dimension: Tensor  # (B, d)
    log_prior: Tensor | None
    bound: Tensor | None = None  # the importance-weighted bound, where that is the objective
    # of the score-function estimator: zero in value, its gradient is ∇_ψ of the rest
    surrogate: Tensor | None = None

    @cached_property
    def kl(self) -> Tensor:
        """KL(q(z|x) ‖ p(z)) in closed form, (B,)."""
        return self.kl_per_dimension.sum(-1)

    @property
    def elbo(self) -> Tensor:
        """Reconstruction − KL (+ log π_y)."""
        value = self.reconstruction - self.kl
        return value if self.log_prior is None else value + self.log_prior

    def conditional(self, weights: Weights) -> Tensor:
        """What is maximised of one (x, y): J_cond with β on the KL, or the importance-weighted bound."""
        if self.bound is not None:
            return self.bound if self.log_prior is None else self.bound + self.log_prior
        value = self.reconstruction - weights.beta * self.kl
        if self.surrogate is not None:
            value = value + self.surrogate
        return value if self.log_prior is None else value + self.log_prior


def gaussian_kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(μ, σ²) ‖ N(0, 1)) of each dimension, (..., d): ½(μ² + σ² − 1 − log σ²).

    Its sum over d dimensions that share one σ is ½(dσ² + ‖μ‖² − d) − d·log σ.
    """
    return 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance)


def gaussian_log_density(z: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Log N(z; μ, σ²I), (..., d) -> (...,)."""
    return -0.5 * ((z - mean).square() * torch.exp(-log_variance) + log_variance + LOG_2PI).sum(-1)


def standard_log_density(z: Tensor) -> Tensor:
    """Log N(z; 0, I), (..., d) -> (...,)."""
    return -0.5 * (z.square().sum(-1) + z.shape[-1] * LOG_2PI)


def reparameterize(
    mean: Tensor, log_variance: Tensor, samples: int, generator: torch.Generator | None
) -> Tensor:
    """Z = μ + σε with ε ~ N(0, I): (B, d) -> (M, B, d)."""
    noise = standard_noise(mean, samples, generator)
    return torch.addcmul(mean, torch.exp(0.5 * log_variance), noise)


def standard_noise(mean: Tensor, samples: int, generator: torch.Generator | None) -> Tensor:
    """ε ~ N(0, I) for M draws of each image: (M, B, d)."""
    shape = (samples, *mean.shape)
    return torch.randn(shape, generator=generator, device=mean.device, dtype=mean.dtype)


def sample_and_kl_terms(
    mean: Tensor, log_variance: Tensor, noise: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """σ, (B, d), z = μ + σε, (M, B, d), and KL(N(μ, σ²) ‖ N(0, 1)) of each dimension, (B, d)."""
    sigma = torch.exp(0.5 * log_variance)
    return sigma, torch.addcmul(mean, sigma, noise), gaussian_kl(mean, log_variance)


def sample_and_kl_gradient(
    mean: Tensor, sigma: Tensor, noise: Tensor, of_z: Tensor, of_kl: Tensor | float
) -> tuple[Tensor, Tensor]:
    """The gradients of μ and log σ², both (B, d), given those of z, (M, B, d), and of the KL, (B, d) or one for all."""
    of_sigma = (of_z * noise).sum(0)
    of_log_variance = (of_sigma * sigma).add_((sigma.square() - 1.0).mul_(of_kl)).mul_(0.5)
    return of_z.sum(0).add_(mean * of_kl), of_log_variance


class _SampleAndKL(torch.autograd.Function):
    @staticmethod
    def forward(ctx, mean: Tensor, log_variance: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ANN001
        sigma, z, kl = sample_and_kl_terms(mean, log_variance, noise)
        ctx.save_for_backward(mean, sigma, noise)
        return z, kl

    @staticmethod
    def backward(ctx, of_z: Tensor, of_kl: Tensor):  # type: ignore[override]  # noqa: ANN001, ANN205
        mean, sigma, noise = ctx.saved_tensors
        return *sample_and_kl_gradient(mean, sigma, noise, of_z, of_kl), None


def sample_and_kl(mean: Tensor, log_variance: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Z = μ + σε, (M, B, d), and the KL of each dimension, (B, d), whose gradients share σ: two nodes, not twenty."""
    return _SampleAndKL.apply(mean, log_variance, noise)


def log_mean_exp(values: Tensor) -> Tensor:
    """Log (1/M) Σ_j exp(v_j) over the first dimension."""
    return torch.logsumexp(values, 0) - math.log(values.shape[0])


def leave_one_out(values: Tensor) -> Tensor:
    """The mean of the other values, of the same shape (M, B): a baseline that keeps the score function unbiased.

    Over the samples of an image where there are several, over the other images of the batch otherwise.
    """
    dim = 0 if values.shape[0] > 1 else 1
    count = values.shape[dim]
    if count == 1:
        return torch.zeros_like(values)
    return (values.sum(dim, keepdim=True) - values) / (count - 1)


def class_terms(model: LatentModel, labels: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
    """Labels (B,) as one-hot y, (B, C), and log π_y, (B,), for a Joint VAE with labels; nothing otherwise."""
    if not isinstance(model, JointVAE) or labels is None:
        return None, None
    return one_hot(labels, model.config.classes), model.log_class_prior()[labels]


def bound_terms(
    model: LatentModel,
    target: Tensor,
    labels: Tensor | None,
    *,
    samples: int = 1,
    objective: str = "elbo",
    gradient: str = "reparameterization",
    generator: torch.Generator | None = None,
) -> Terms:
    """The terms of the bound on log p(x) or log p(x, y).

    Args:
        target: what the likelihood models, (B, P), of `model.likelihood.target`.
        labels: int64 (B,), for a Joint VAE.
        samples: M.
        objective: `elbo`, or `iw` to have the importance-weighted bound beside it.
        gradient: `reparameterization` or `score-function`; both have the same values.
    """
    y, log_prior = class_terms(model, labels)
    mean, log_variance = model.encode(model.likelihood.encoder_input(target), y)
    noise = standard_noise(mean, samples, generator)
    z, kl = sample_and_kl(mean, log_variance, noise)
    if gradient == "score-function":
        z = z.detach()
    condition = None if y is None else y.expand(samples, *y.shape)
    log_likelihood = model.log_likelihood(z, condition, target)  # (M, B)
    reconstruction = log_likelihood.mean(0)
    if objective == "iw":
        ratio = standard_log_density(z) - gaussian_log_density(z, mean, log_variance)
        return Terms(reconstruction, kl, log_prior, bound=log_mean_exp(log_likelihood + ratio))
    if gradient == "score-function":
        advantage = (log_likelihood - leave_one_out(log_likelihood)).detach()
        score = gaussian_log_density(z, mean, log_variance)
        return Terms(
            reconstruction, kl, log_prior, surrogate=(advantage * (score - score.detach())).mean(0)
        )
    return Terms(reconstruction, kl, log_prior)


def every_class_terms(
    model: JointVAE,
    target: Tensor,
    *,
    samples: int = 1,
    objective: str = "elbo",
    gradient: str = "reparameterization",
    generator: torch.Generator | None = None,
) -> Terms:
    """The terms of every image with every class in turn, in one batch: (C·B,), classes outermost."""
    labels = torch.arange(model.config.classes, device=target.device).repeat_interleave(len(target))
    return bound_terms(
        model,
        target.repeat(model.config.classes, 1),
        labels,
        samples=samples,
        objective=objective,
        gradient=gradient,
        generator=generator,
    )


def unlabelled_bound(terms: Terms, log_q: Tensor, weights: Weights) -> Tensor:
    """The bound on log p(x) of images without a label, (B,): M2's second term (Kingma et al., 2014, equation 7).

    Σ_y q(y|x)·J_cond(x, y) + H(q(y|x)).

    Args:
        terms: of every class, as `every_class_terms` gives them.
        log_q: log q(y|x), (B, C).
    """
    conditional = terms.conditional(weights).view(log_q.shape[1], log_q.shape[0]).T
    return (log_q.exp() * (conditional - log_q)).sum(-1)


def classifier_input(images: Tensor) -> Tensor:
    """What q(y|x) sees: grey pixels in [0, 1], whatever the likelihood; uint8 (B, P) -> (B, P)."""
    return grey(images)
