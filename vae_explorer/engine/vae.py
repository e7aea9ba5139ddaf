"""The VAE of the lecture: q(z|x) = N(μ(x), Σ(x)), p(z) = N(0, I), p(x|z) a choice of likelihood."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vae_explorer.engine.config import ModelConfig
from vae_explorer.engine.latent_model import LatentModel
from vae_explorer.engine.likelihoods import LogitLikelihood, build_likelihood
from vae_explorer.engine.networks import MLPBody, build_decoder, build_encoder

# Beyond this σ leaves [e⁻¹⁵, e¹⁵]: a wild first step then costs a poor fit, not a NaN.
LOG_VARIANCE_LIMIT = 30.0


class NetworkModel(LatentModel):
    """An encoder and a decoder network about a Gaussian latent space; the part that VAE and Joint VAE share.

    θ, `generation_parameters`, is what p needs; ψ, `inference_parameters`, is what q needs.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.likelihood = build_likelihood(config)
        scales = 1 if config.posterior == "isotropic" else config.latent_dim
        self.encoder = build_encoder(config, config.latent_dim + scales)
        self.decoder = build_decoder(config, self.likelihood.parameters_per_value)

    def encode(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return self.posterior(_wide(self.encoder(x, y)))

    def posterior(self, out: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance, (B, d), of what the encoder gives, (B, d + d) or (B, d + 1)."""
        d = self.config.latent_dim
        mean, log_variance = out.split((d, out.shape[-1] - d), -1)
        # hardtanh clamps, and has one node's gradient where clamp has four
        log_variance = F.hardtanh(log_variance, -LOG_VARIANCE_LIMIT, LOG_VARIANCE_LIMIT)
        return mean, log_variance.expand_as(mean)

    def posterior_gradient(self, out: Tensor, of_mean: Tensor, of_log_variance: Tensor) -> Tensor:
        """The way back through `posterior`: gradients (B, d) of its results to that of `out`."""
        raw = out[:, self.config.latent_dim :]
        of_raw = torch.ops.aten.hardtanh_backward(
            of_log_variance.sum_to_size(raw.shape), raw, -LOG_VARIANCE_LIMIT, LOG_VARIANCE_LIMIT
        )
        return torch.cat((of_mean, of_raw), -1)

    def decode(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        return _wide(self.decoder(z, y))

    def log_likelihood(self, z: Tensor, y: Tensor | None, target: Tensor) -> Tensor:
        decoder = self.decoder
        if not isinstance(decoder, MLPBody) or not isinstance(self.likelihood, LogitLikelihood):
            return super().log_likelihood(z, y, target)
        if decoder.compiled or torch.is_autocast_enabled(z.device.type):  # have their own ways
            return super().log_likelihood(z, y, target)
        return self.likelihood.linear_log_prob(decoder.hidden(z, y), decoder.last, target)

    def generation_parameters(self) -> Iterator[nn.Parameter]:
        """θ."""
        yield from self.decoder.parameters()
        yield from self.likelihood.parameters()

    def inference_parameters(self) -> Iterator[nn.Parameter]:
        """ψ."""
        yield from self.encoder.parameters()


def _wide(out: Tensor) -> Tensor:
    """Sums over pixels and variances want more digits than a bfloat16 product has."""
    return out.float() if out.dtype == torch.bfloat16 else out


class VAE(NetworkModel):
    """p(x) = ∫ p(x|z) p(z) dz (Kingma and Welling, 2014; Rezende et al., 2014)."""


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """int64 labels (...,) as float rows (..., C), where torch's own looks at every label first."""
    rows = torch.zeros((*labels.shape, classes), device=labels.device)
    return rows.scatter_(-1, labels.unsqueeze(-1), 1.0)
