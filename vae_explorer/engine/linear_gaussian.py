"""p(z) = N(0, I), p(x|z) = N(Wz + b, σ²I): the mathematics of PPCA, on sufficient statistics.

Tipping and Bishop, "Probabilistic principal component analysis", JRSS B 61 (1999): the maximum of
the likelihood in closed form (their appendix A), and EM (their section 3.2 and appendix B), which
here multiplies the (D, D) covariance and never passes over the images again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vae_explorer.engine.moments import WHITE, Moments

MIN_VARIANCE = 1 / (12 * WHITE**2)
"""The variance that rounding to 8 bits leaves in a pixel. A smaller σ² would praise a model for
hitting grey levels exactly, and images in a subspace of d dimensions would have σ² = 0, where
there is no density."""


@dataclass(frozen=True)
class LinearGaussian:
    """The parameters of p(x|z) = N(Wz + b, σ²I), in float64.

    Attributes:
        weight: W, (D, d).
        mean: b, (D,).
        variance: σ², a scalar.
    """

    weight: Tensor
    mean: Tensor
    variance: Tensor

    def precision(self) -> Tensor:
        """M = WᵀW + σ²I, (d, d): σ⁻²M is the precision of the posterior of z."""
        gram = self.weight.T @ self.weight
        return gram + self.variance * torch.eye(gram.shape[0], dtype=gram.dtype)

    def log_likelihood(self, moments: Moments) -> float:
        """Mean log p(x) of the images behind `moments`, in nats per image; exact.

        By the determinant lemma and Woodbury's identity only the (d, d) matrix M is factored.
        """
        pixels, latent_dim = self.weight.shape
        factor = torch.linalg.cholesky(self.precision())
        second = moments.second_moment_about(self.mean)
        projected = self.weight.T @ second @ self.weight  # (d, d)
        explained = torch.cholesky_solve(projected, factor).diagonal().sum()
        distance = (second.diagonal().sum() - explained) / self.variance
        log_det = (pixels - latent_dim) * self.variance.log() + 2 * factor.diagonal().log().sum()
        return -0.5 * float(pixels * math.log(2 * math.pi) + log_det + distance)

    def kl_per_dimension(self, moments: Moments) -> Tensor:
        """Mean KL(p(z|x) ‖ p(z)) of each dimension, (d,), in nats per image.

        Of the posterior's marginals; they sum to the whole where the columns of W are orthogonal.
        """
        factor = torch.linalg.cholesky(self.precision())
        gain = torch.cholesky_solve(self.weight.T, factor)  # M⁻¹Wᵀ, (d, D)
        second = (gain @ moments.second_moment_about(self.mean) * gain).sum(1)
        variance = self.variance * torch.cholesky_inverse(factor).diagonal()
        return 0.5 * (second + variance - 1 - variance.log())

    def rotated(self) -> LinearGaussian:
        """The same density of x with orthogonal columns of W, the longest first.

        W and WR are the same model for every rotation R. This one makes the posterior diagonal;
        the sign is the one in which the largest entry of a column is positive.
        """
        left, lengths, _ = torch.linalg.svd(self.weight, full_matrices=False)
        largest = left.gather(0, left.abs().argmax(0, keepdim=True))  # (1, d)
        # rows side by side, as in a file: sums then run in the same order, and agree to the last bit
        weight = (left * lengths * largest.sign()).contiguous()
        return LinearGaussian(weight, self.mean, self.variance)


def closed_form(moments: Moments, latent_dim: int) -> LinearGaussian:
    """The maximum of the likelihood through the eigenpairs of the covariance.

    σ² is the mean of the D − d smallest eigenvalues, W = U_d (Λ_d − σ²I)^½.

    Args:
        latent_dim: d, from 1 to D − 1.
    """
    values, vectors = torch.linalg.eigh(moments.covariance)  # ascending
    split = moments.pixels - latent_dim
    variance = values[:split].mean().clamp_min(MIN_VARIANCE)
    lengths = (values[split:] - variance).clamp_min(0).sqrt()
    return LinearGaussian(vectors[:, split:] * lengths, moments.mean, variance).rotated()


def random_start(moments: Moments, latent_dim: int, seed: int) -> LinearGaussian:
    """Where EM begins: the mean, random directions, and the data's variance shared equally.

    Args:
        latent_dim: d, from 1 to D − 1.
    """
    generator = torch.Generator().manual_seed(seed)
    variance = (moments.total_variance / moments.pixels).clamp_min(MIN_VARIANCE)
    weight = torch.randn(moments.pixels, latent_dim, generator=generator, dtype=torch.float64) * (
        variance.sqrt() / math.sqrt(latent_dim)
    )
    return LinearGaussian(weight, moments.mean, variance)


def em_step(model: LinearGaussian, moments: Moments) -> LinearGaussian:
    """One E and M step, with b at the mean of the images; the log-likelihood does not fall.

    With S the covariance: W′ = SW (σ²I + M⁻¹WᵀSW)⁻¹ and σ′² = tr(S − SWM⁻¹W′ᵀ) / D. It costs D²d.
    """
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(model.precision()))
    product = moments.covariance @ model.weight  # SW, (D, d)
    inner = inverse @ (model.weight.T @ product)
    inner = inner + model.variance * torch.eye(inner.shape[0], dtype=inner.dtype)
    weight = torch.linalg.solve(inner, product, left=False)
    residual = moments.total_variance - (product @ inverse * weight).sum()
    variance = (residual / moments.pixels).clamp_min(MIN_VARIANCE)
    return LinearGaussian(weight, moments.mean, variance)
