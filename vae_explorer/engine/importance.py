"""Reconstruction terms and importance-weighted bounds of many samples an image, in bounded memory.

log p(x) ≥ E log (1/K) Σ_k p(x, z_k) / q(z_k|x), with z_k ~ q(z|x) (Burda et al., "Importance
weighted autoencoders", 2016); it grows with K and reaches log p(x). Where q misses a mode of the posterior, K must be
beyond reach; drawing some of the points from the prior mends that, as any mixture is a proposal (Hesterberg, "Weighted
average importance sampling and defensive mixture distributions", 1995).
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from vae_explorer.engine.models import Model
from vae_explorer.engine.targets import Targets

PARAMETER_BYTES = 12 * 2**20
"""Decoder outputs at a time, in bytes: what a processor's cache holds is read many times over."""


@dataclass(frozen=True)
class ImportanceBound:
    """The bound of each image.

    Attributes:
        value: (N,), float64, nats.
        variance: of `value` over other draws of the samples, (N,), to first order: the relative
            variance of the mean weight.
    """

    value: Tensor
    variance: Tensor


Posterior = tuple[Tensor, Tensor]


@torch.no_grad()
def importance_bound(
    model: Model,
    target: Tensor | Targets,
    y: Tensor | None,
    posterior: Posterior,
    samples: int,
    generator: torch.Generator,
    prior_share: float = 0.0,
) -> Generator[float, None, ImportanceBound]:
    """Yields the share of the work done, and returns log (1/K) Σ_k p(x|z_k) p(z_k) / r(z_k), with r = (1 − α)·q + α·p.

    target: (N, P), of `model.likelihood.target`.
    y: one-hot (N, C) for the bound on log p(x|y), or None.
    posterior: mean and log variance of q, (N, d).
    samples: K.
    prior_share: α, below 1; 0 is the bound of the literature.
    """
    count, device = len(target), posterior[0].device
    first = torch.full((count,), -math.inf, dtype=torch.float64, device=device)
    second = first.clone()
    draws = _draws(model, target, y, posterior, samples, generator, prior_share)
    for rows, log_likelihood, log_ratio in draws:
        weights = (log_likelihood + log_ratio).double()  # (s, b)
        first[rows] = torch.logaddexp(first[rows], torch.logsumexp(weights, 0))
        second[rows] = torch.logaddexp(second[rows], torch.logsumexp(2 * weights, 0))
        yield rows.stop / count
    # Var(mean w) / (mean w)² = (K Σw² / (Σw)² − 1) / K, with one degree of freedom lost
    spread = torch.exp(math.log(samples) + second - 2 * first) - 1
    variance = spread.clamp_min(0) / max(samples - 1, 1)
    return ImportanceBound(first - math.log(samples), variance)


@torch.no_grad()
def reconstruction_terms(
    model: Model,
    target: Tensor | Targets,
    y: Tensor | None,
    posterior: Posterior,
    samples: int,
    generator: torch.Generator,
) -> Generator[float, None, tuple[Tensor, Tensor]]:
    """Yields the share done, and returns what M samples of q say, (N,) both.

    The mean of log p(x|z), and that of log q(z|x) − log p(z): the sampled KL, whose closed form is known.
    """
    total = torch.zeros(len(target), dtype=torch.float64, device=posterior[0].device)
    divergence = torch.zeros_like(total)
    for rows, log_likelihood, log_ratio in _draws(model, target, y, posterior, samples, generator):
        total[rows] += log_likelihood.double().sum(0)
        divergence[rows] -= log_ratio.double().sum(0)
        yield rows.stop / len(target)
    return total / samples, divergence / samples


def _draws(
    model: Model,
    target: Tensor | Targets,
    y: Tensor | None,
    posterior: Posterior,
    samples: int,
    generator: torch.Generator,
    prior_share: float = 0.0,
) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """Images, log p(x|z) and log p(z) − log r(z), both (s, b), in blocks that fit the memory."""
    mean, log_variance = posterior
    values = model.config.pixels * model.likelihood.parameters_per_value
    draws = max(1, PARAMETER_BYTES // (4 * values))  # latent points at a time
    blocks = math.ceil(samples / draws)
    sizes = [samples // blocks + (i < samples % blocks) for i in range(blocks)]
    images = max(1, draws // sizes[0])
    for start in range(0, len(target), images):
        rows = slice(start, min(start + images, len(target)))
        sigma, x = torch.exp(0.5 * log_variance[rows]), target[rows]  # (b, d), (b, P)
        for size in sizes:
            shape = (len(sigma), size, mean.shape[1])
            noise = torch.randn(shape, generator=generator, device=mean.device).transpose(0, 1)
            z = torch.addcmul(mean[rows], sigma, noise)
            if prior_share:
                chance = torch.rand(shape[:2], generator=generator, device=mean.device).T
                z = torch.where((chance < prior_share)[..., None], noise, z)
                noise = (z - mean[rows]) / sigma
            given = None if y is None else y[rows].expand(size, -1, -1)
            log_likelihood = model.log_likelihood(z, given, x)
            # log p(z) − log q(z|x): the constants of the two normal densities cancel
            log_ratio = 0.5 * (noise.square().sum(2) - z.square().sum(2))
            log_ratio = log_ratio + 0.5 * log_variance[rows].sum(1)
            if prior_share:  # p/r = 1 / ((1 − α)·q/p + α)
                rest = math.log1p(-prior_share) - log_ratio
                log_ratio = -torch.logaddexp(rest, torch.full_like(rest, math.log(prior_share)))
            yield rows, log_likelihood, log_ratio
