"""The Joint VAE of the lecture, p(x, y) = ∫ p(x|z, y) p(z) p(y) dz: the M2 model of Kingma et al. (2014) with labels.

The literature also calls another, unsupervised model with discrete and continuous codes "JointVAE"; this is not it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from vae_explorer.engine.config import ModelConfig
from vae_explorer.engine.errors import InputError
from vae_explorer.engine.networks import build_classifier
from vae_explorer.engine.vae import NetworkModel

# An edited weight of zero keeps a finite logarithm.
SMALLEST_WEIGHT = 1e-12


class JointVAE(NetworkModel):
    """q(z|x, y), p(x|z, y), a class prior p(y) = Cat(π), and a classifier q(y|x)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.classifier = build_classifier(config)
        self.class_logits = nn.Parameter(torch.zeros(config.classes))

    def log_class_prior(self) -> Tensor:
        """Log π, (C,)."""
        return torch.log_softmax(self.class_logits, 0)

    @torch.no_grad()
    def set_class_prior(self, weights: Sequence[float] | Tensor) -> None:
        """Make π proportional to non-negative weights (C,).

        Raises:
            InputError: another number of weights, a negative one, or none above zero.
        """
        values = torch.as_tensor(weights, dtype=torch.float32)
        if values.shape != self.class_logits.shape:
            raise InputError(
                f"The class prior has the shape ({self.config.classes},), a weight for each class; "
                f"not {tuple(values.shape)}."
            )
        if not torch.isfinite(values).all() or (values < 0).any() or not (values > 0).any():
            raise InputError(
                "The weights of the class prior are finite, zero or more, and not all of them zero."
            )
        self.class_logits.copy_((values / values.sum()).clamp_min(SMALLEST_WEIGHT).log())

    def classify(self, x: Tensor) -> Tensor:
        """Log q(y|x), (B, C), of grey images (B, P) in [0, 1]."""
        return torch.log_softmax(self.classifier(x), -1, dtype=x.dtype)

    def generation_parameters(self) -> Iterator[nn.Parameter]:
        yield from super().generation_parameters()
        yield self.class_logits

    def inference_parameters(self) -> Iterator[nn.Parameter]:
        yield from super().inference_parameters()
        yield from self.classifier.parameters()
