"""The two estimators of ∇_ψ beside each other: reparameterization and the score function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vae_explorer.engine.config import Gradient
from vae_explorer.engine.data import Split
from vae_explorer.engine.errors import ConfigError
from vae_explorer.engine.joint_vae import JointVAE
from vae_explorer.engine.latent_model import LatentModel
from vae_explorer.engine.objective import Weights, bound_terms
from vae_explorer.engine.report import digits
from vae_explorer.engine.vae import NetworkModel

BATCH = 64


@dataclass(frozen=True)
class GradientMoments:
    """An estimator of ∇_ψ over repeated draws: its mean, flat, and the trace of its covariance."""

    mean: Tensor
    variance: float


def gradient_moments(
    model: NetworkModel,
    images: Tensor,
    labels: Tensor | None = None,
    *,
    gradient: str = "reparameterization",
    samples: int = 1,
    draws: int = 100,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
) -> GradientMoments:
    """Mean and variance of ∇_ψ of a batch's mean ELBO over draws of z, with pixels held fixed.

    Args:
        images: uint8 (B, P).
        gradient: `reparameterization` or `score-function`; both estimate the same gradient.
        draws: independent repetitions, at least 2.
        progress: told the share that is done before each draw; what it raises ends the work.
    """
    generator = torch.Generator(images.device).manual_seed(seed)
    target = model.likelihood.target(images, generator)
    parameters = list(model.encoder.parameters())
    total, squares = None, None
    for draw in range(draws):
        if progress:
            progress(draw / draws)
        terms = bound_terms(
            model, target, labels, samples=samples, gradient=gradient, generator=generator
        )
        parts = torch.autograd.grad(terms.conditional(Weights()).mean(), parameters)
        flat = torch.cat([part.flatten() for part in parts]).double()
        total = flat if total is None else total + flat
        squares = flat.square() if squares is None else squares + flat.square()
    assert total is not None and squares is not None
    mean = total / draws
    variance = (squares / draws - mean.square()).sum() * draws / (draws - 1)
    return GradientMoments(mean, float(variance))


@dataclass(frozen=True)
class EstimatorComparison:
    """Total variances of both estimators of the same gradient, on the same batch.

    Attributes:
        reparameterization: the trace of the covariance of ∇_ψ of the batch's mean ELBO.
        score_function: the same; its baseline is the mean over the other images of the batch.
        squared_norm: of the gradient itself, by the mean of the reparameterized draws, to hold both against.
    """

    reparameterization: float
    score_function: float
    squared_norm: float
    images: int
    draws: int

    @property
    def ratio(self) -> float:
        """How many times the variance of the score function is that of the reparameterization."""
        return self.score_function / self.reparameterization

    def table(self) -> str:
        """The comparison as plain text, without a final line break."""
        return (
            f"variance of ∇_ψ ELBO over {self.draws} draws, {self.images} train images, M = 1\n"
            f"reparameterization  {digits(self.reparameterization)}\n"
            f"score function      {digits(self.score_function)}  ({self.ratio:,.0f} times as much)\n"
            f"squared gradient    {digits(self.squared_norm)}"
        )


def comparable(model: LatentModel, draws: int) -> NetworkModel:
    """A model whose estimators can be compared over so many draws.

    Raises:
        ConfigError: fewer than two draws, or a model whose gradient is not estimated (PPCA).
    """
    if not isinstance(model, NetworkModel):
        raise ConfigError("PPCA is fitted without a gradient, so that there is none to estimate.")
    if draws < 2:
        raise ConfigError(f"A variance needs at least two draws; not {draws}.")
    return model


def compare_estimators(
    model: LatentModel,
    split: Split,
    draws: int,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
) -> EstimatorComparison:
    """Both estimators on the first images of a split; `progress` as for `gradient_moments`.

    Raises:
        ConfigError: as `comparable`.
    """
    model = comparable(model, draws)
    device = next(model.parameters()).device
    images = split.images[:BATCH].flatten(1).to(device)
    labels = None
    if isinstance(model, JointVAE) and split.labels is not None:
        labels = split.labels[:BATCH].to(device)
    estimators: tuple[Gradient, Gradient] = ("reparameterization", "score-function")
    found = []
    for half, gradient in enumerate(estimators):

        def told(share: float, before: int = half) -> None:
            if progress:
                progress((before + share) / 2)

        settings = {"gradient": gradient, "draws": draws, "seed": seed, "progress": told}
        found.append(gradient_moments(model, images, labels, **settings))
    squared_norm = float(found[0].mean.square().sum())
    return EstimatorComparison(
        found[0].variance, found[1].variance, squared_norm, len(images), draws
    )
