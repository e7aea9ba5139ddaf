"""Probabilistic PCA, the linear predecessor of the VAE: p(z) = N(0, I), p(x|z) = N(Wz + b, σ²I).

It encodes, decodes and samples as the other models do. Its posterior is no approximation: a VAE
with this decoder could at best learn it, so that the ELBO is log p(x) itself.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vae_explorer.engine.config import ModelConfig
from vae_explorer.engine.latent_model import LatentModel
from vae_explorer.engine.likelihoods import LOG_2PI, Gaussian, build_likelihood
from vae_explorer.engine.linear_gaussian import LinearGaussian

UNFITTED_MEAN = 0.5


class PPCA(LatentModel):
    """A linear-Gaussian model of grey images in [0, 1]; densities are of that scale, in nats.

    Before it is fitted, W has random orthonormal columns. The columns are always orthogonal (a
    rotation of z that leaves p(x) as it is), which makes the posterior of z diagonal.
    """

    likelihood: Gaussian  # its η² is the model's σ²
    weight: Tensor  # W, (D, d)
    mean: Tensor  # b, (D,)

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        likelihood = build_likelihood(config)
        assert isinstance(likelihood, Gaussian)
        self.likelihood = likelihood  # pyright: ignore[reportIncompatibleVariableOverride]
        start = torch.linalg.qr(torch.randn(config.pixels, config.latent_dim)).Q
        self.register_buffer("weight", start)
        self.register_buffer("mean", torch.full((config.pixels,), UNFITTED_MEAN))

    @property
    def noise_variance(self) -> Tensor:
        """σ², a scalar."""
        return self.likelihood.log_variance.exp()

    @property
    def fitted(self) -> bool:
        """Whether it has ever been given the mean of images."""
        return bool((self.mean != UNFITTED_MEAN).any())

    @torch.no_grad()
    def set_parameters(self, parameters: LinearGaussian) -> None:
        """Takes over W, b and σ², rotated to orthogonal columns."""
        rotated = parameters.rotated()
        self.weight.copy_(rotated.weight)
        self.mean.copy_(rotated.mean)
        self.likelihood.log_variance.copy_(rotated.variance.log())

    def parameters_in_double(self) -> LinearGaussian:
        """W, b and σ² as they are, in float64 on the CPU."""
        weight, mean = self.weight.double().cpu(), self.mean.double().cpu()
        return LinearGaussian(weight, mean, self.likelihood.log_variance.double().cpu().exp())

    def encode(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The exact posterior N(M⁻¹Wᵀ(x − b), σ²M⁻¹): mean and log variance, both (B, d).

        x: (B, D) in [0, 1]. y is there for the interface of the other models, and None.
        """
        del y
        scale = self.weight.square().sum(0) + self.noise_variance  # the diagonal of M
        mean = (x - self.mean) @ self.weight / scale
        return mean, (self.likelihood.log_variance - scale.log()).expand_as(mean)

    def decode(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """The mean of p(x|z), Wz + b: (..., d) -> (..., D), outside [0, 1] too."""
        del y
        return z @ self.weight.T + self.mean

    def log_evidence(self, x: Tensor) -> Tensor:
        """The exact log p(x) = log N(x; b, WWᵀ + σ²I), float64 (B,), in nats.

        x: (B, D) in [0, 1]. Only the diagonal of M = WᵀW + σ²I is needed:
        log |C| = (D − d) log σ² + log |M|, and xᵀC⁻¹x = (‖x‖² − xᵀWM⁻¹Wᵀx) / σ².
        """
        weight, variance = self.weight.double(), self.likelihood.log_variance.double().exp()
        pixels, latent_dim = weight.shape
        scale = weight.square().sum(0) + variance
        centred = x.double() - self.mean.double()
        distance = (
            centred.square().sum(1) - ((centred @ weight).square() / scale).sum(1)
        ) / variance
        log_det = (pixels - latent_dim) * variance.log() + scale.log().sum()
        return -0.5 * (pixels * LOG_2PI + log_det + distance)
