"""What all three models are: a Gaussian posterior one way, a likelihood the other, a standard normal between."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from vae_explorer.engine.config import ModelConfig
from vae_explorer.engine.likelihoods import Likelihood


class LatentModel(nn.Module, ABC):
    """A model with a latent prior p(z) = N(0, I)."""

    config: ModelConfig
    likelihood: Likelihood

    @abstractmethod
    def encode(self, x: Tensor, y: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The posterior's mean and log variance, both (B, d).

        Args:
            x: the likelihood's `encoder_input`, (B, P) in [0, 1].
            y: one-hot classes (B, C), for a Joint VAE only.
        """

    @abstractmethod
    def decode(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """The likelihood's parameters, (..., d) and one-hot (..., C) -> (..., P·k)."""

    def log_likelihood(self, z: Tensor, y: Tensor | None, target: Tensor) -> Tensor:
        """Log p(x|z) or log p(x|z, y) in nats per image: (..., B, d), (..., B, C), (B, P) -> (..., B)."""
        return self.likelihood.log_prob(self.decode(z, y), target)


def copy_state(model: LatentModel) -> dict[str, Tensor]:
    """The weights on the CPU, with no storage in common."""
    return {
        name: tensor.detach().to("cpu", copy=True) for name, tensor in model.state_dict().items()
    }
