"""The ELBO of a pair of MLPs with its gradient written out.

Autograd makes a graph of forty nodes at every step and walks it back. What this is not written out for (convolutions,
importance weights, score functions, densities of grey) is left to autograd, which gives the same gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

import torch
from torch import Tensor, nn

from vae_explorer.engine.config import TrainingConfig
from vae_explorer.engine.latent_model import LatentModel
from vae_explorer.engine.likelihoods import LogitLikelihood
from vae_explorer.engine.networks import IN_PLACE, MLPBody, beside
from vae_explorer.engine.objective import (
    sample_and_kl_gradient,
    sample_and_kl_terms,
    standard_noise,
)
from vae_explorer.engine.products import product
from vae_explorer.engine.vae import NetworkModel

aten = torch.ops.aten
# ∂loss/∂input of ∂loss/∂output and the output, or of the input where an activation is not one to one.
_OF_OUTPUT: dict[type[nn.Module], Callable[[Tensor, Tensor], Tensor]] = {
    nn.ReLU: lambda of, out: aten.threshold_backward(of, out, 0),
    nn.LeakyReLU: lambda of, out: aten.leaky_relu_backward(of, out, 0.01, True),
    nn.Tanh: aten.tanh_backward,
    nn.ELU: lambda of, out: aten.elu_backward(of, 1.0, 1.0, 1.0, True, out),
}
_OF_INPUT: dict[type[nn.Module], Callable[[Tensor, Tensor], Tensor]] = {
    nn.SiLU: aten.silu_backward,
    nn.GELU: aten.gelu_backward,
}


def is_written_out(model: LatentModel, config: TrainingConfig) -> bool:
    """Whether this is a training of such a pair, with the ELBO of images that are all used alike."""
    return (
        isinstance(model, NetworkModel)
        and isinstance(model.encoder, MLPBody)
        and isinstance(model.decoder, MLPBody)
        and isinstance(model.likelihood, LogitLikelihood)
        and (config.objective, config.gradient) == ("elbo", "reparameterization")
        and config.optimisation == "joint"
        and config.labels is None
        and not config.compile
    )


class ElboGradient:
    """The ELBO of a model that `is_written_out`, with its gradient."""

    def __init__(self, model: LatentModel) -> None:
        assert isinstance(model, NetworkModel)
        assert isinstance(model.encoder, MLPBody)
        assert isinstance(model.decoder, MLPBody)
        assert isinstance(model.likelihood, LogitLikelihood)
        self._model, self._likelihood = model, model.likelihood
        self._encoder = _Layers(model.encoder.layers)
        self._last = model.decoder.last
        self._decoder = _Layers(islice(model.decoder.layers, len(model.decoder.layers) - 1))

    @torch.no_grad()
    def __call__(
        self,
        target: Tensor,
        y: Tensor | None,
        *,
        samples: int,
        beta: float | Tensor,
        generator: torch.Generator | None,
    ) -> tuple[Tensor, Tensor]:
        """Log p(x|z), the mean of M samples, (B,), and the KL of each dimension, (B, d).

        The gradient of −(1/B) Σ (log p(x|z) − β·KL) is the `grad` of both networks' parameters afterwards.

        Args:
            target: of `model.likelihood.target`, (B, P).
            y: one-hot classes (B, C), for a Joint VAE only.
            samples: M.
        """
        count = len(target)
        out, way_down = self._encoder.forward(beside(self._likelihood.encoder_input(target), y))
        mean, log_variance = self._model.posterior(out)
        noise = standard_noise(mean, samples, generator)
        sigma, z, kl = sample_and_kl_terms(mean, log_variance, noise)
        given = None if y is None else y.expand(samples, *y.shape)
        hidden, way_up = self._decoder.forward(beside(z, given).flatten(0, 1))
        value, of_hidden = self._likelihood.linear_log_prob_and_gradient(
            hidden.view(samples, count, -1),
            self._last,
            target,
            of_value=-1.0 / (samples * count),
        )
        of_input = self._decoder.backward(of_hidden.flatten(0, 1), way_up)
        of_z = of_input[:, : mean.shape[1]].view(noise.shape)
        of_posterior = sample_and_kl_gradient(mean, sigma, noise, of_z, beta / count)
        of_out = self._model.posterior_gradient(out, *of_posterior)
        self._encoder.backward(of_out, way_down, to_input=False)
        return value.mean(0), kl


class _Layers:
    """Linear layers and activations."""

    def __init__(self, layers: Iterable[nn.Module]) -> None:
        self._layers = [
            (layer.weight, layer.bias) if isinstance(layer, nn.Linear) else layer
            for layer in layers
        ]

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(B, inputs) -> (B, outputs), and of every layer what its gradient needs."""
        seen = []
        for layer in self._layers:
            if isinstance(layer, tuple):
                seen.append(x)
                weight, bias = layer
                x = product(x, weight.t(), bias)
            elif type(layer) in _OF_INPUT:
                seen.append(x)
                x = layer(x)
            else:
                x = IN_PLACE[type(layer)](x)
                seen.append(x)
        return x, seen

    def backward(self, of_x: Tensor, seen: list[Tensor], *, to_input: bool = True) -> Tensor:
        """∂loss/∂outputs to ∂loss/∂inputs, where that is wanted; the parameters get theirs as `grad`."""
        for index in reversed(range(len(seen))):
            layer = self._layers[index]
            if isinstance(layer, tuple):
                weight, bias = layer
                weight.grad, bias.grad = product(of_x.t(), seen[index]), of_x.sum(0)
                if to_input or index > 0:
                    of_x = product(of_x, weight)
            else:
                derivative = _OF_OUTPUT.get(type(layer)) or _OF_INPUT[type(layer)]
                of_x = derivative(of_x, seen[index])
        return of_x
