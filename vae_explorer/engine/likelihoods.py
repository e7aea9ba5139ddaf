"""p(x|z) of an image: what the decoder's numbers mean.

Every likelihood turns stored pixels (uint8, ink high) into what it models, and is a normalised distribution of that:
`log_prob` sums over pixels and is in nats per image. Parameters have shape (..., P·k) with k numbers for each of
the P pixel values; targets have shape (B, P) and broadcast against leading sample dimensions.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vae_explorer.engine import fused
from vae_explorer.engine.config import ModelConfig

LOG_2 = math.log(2.0)
LOG_2PI = math.log(2.0 * math.pi)
TAYLOR_BELOW = 0.1
LOWEST_LOGIT = -84.0  # a multiple of 4 whose power of e single precision holds in full


class Likelihood(nn.Module, ABC):
    """The distribution of an image given its latent point."""

    parameters_per_value: int = 1
    discrete: bool = True
    stochastic: bool = False  # whether a target is drawn at every use

    @property
    def unit(self) -> str:
        """The unit of `log_prob`, which tells whether two models' figures may be compared."""
        return "nats" if self.discrete else "nats of a density"

    @abstractmethod
    def target(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """What is modelled, (B, P), from uint8 pixels (B, P)."""

    def encoder_input(self, target: Tensor) -> Tensor:
        """The target as floats in [0, 1], (B, P): what q(z|x) sees."""
        return target

    @abstractmethod
    def log_prob(self, parameters: Tensor, target: Tensor) -> Tensor:
        """Log p(x|z) in nats per image: (..., B, P·k), (B, P) -> (..., B)."""

    @abstractmethod
    def mean(self, parameters: Tensor) -> Tensor:
        """E[x|z] as grey in [0, 1]: (..., P·k) -> (..., P)."""

    @abstractmethod
    def sample(self, parameters: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """One draw x ~ p(x|z) as grey in [0, 1]: (..., P·k) -> (..., P)."""


class LogitLikelihood(Likelihood):
    """A likelihood whose gradient is known in closed form, and comes with the value in one pass."""

    @abstractmethod
    def value_and_gradient(
        self, logits: Tensor, target: Tensor, *, wanted: bool, spend: bool
    ) -> tuple[Tensor, Tensor | None]:
        """As `fused.ValueAndGradient` says."""

    def log_prob(self, parameters: Tensor, target: Tensor) -> Tensor:
        return fused.log_prob(parameters, target, self.value_and_gradient)

    def linear_log_prob(self, hidden: Tensor, layer: nn.Linear, target: Tensor) -> Tensor:
        """`log_prob(layer(hidden), target)`, without the logits of all pixels at once."""
        k = self.parameters_per_value
        return fused.linear_log_prob(hidden, layer, target, k, self.value_and_gradient)

    def linear_log_prob_and_gradient(
        self, hidden: Tensor, layer: nn.Linear, target: Tensor, of_value: float
    ) -> tuple[Tensor, Tensor]:
        """As `fused.linear_log_prob_and_gradient` says."""
        k, rule = self.parameters_per_value, self.value_and_gradient
        return fused.linear_log_prob_and_gradient(hidden, layer, target, k, rule, of_value)


def grey(images: Tensor) -> Tensor:
    """uint8 pixels as floats in [0, 1]."""
    return images.to(torch.float32).mul_(1.0 / 255.0)


def uniform_thresholds(images: Tensor, generator: torch.Generator | None) -> Tensor:
    """Bytes r uniform on 0..254 in the shape of some pixels: P(r < x) is exactly x/255."""
    if images.device.type != "cpu":
        return torch.empty_like(images).random_(0, 255, generator=generator)
    # One 64-bit draw makes eight bytes; the rare 255 are drawn again. Byte by byte takes five times as long.
    words = torch.empty(-(-images.numel() // 8), dtype=torch.int64)
    drawn = words.random_(-(2**63), None, generator=generator).view(torch.uint8).numpy()
    again = np.flatnonzero(drawn == 255)
    drawn[again] = torch.empty(len(again), dtype=torch.uint8).random_(0, 255, generator=generator)
    return torch.from_numpy(drawn[: images.numel()]).view(images.shape)


class Bernoulli(LogitLikelihood):
    """Binarised pixels. `stochastic` draws each pixel as 1 with probability x/255 at every use; `fixed` rounds."""

    def __init__(self, stochastic: bool = True) -> None:
        super().__init__()
        self.stochastic = stochastic

    def target(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        if not self.stochastic:
            return (images >= 128).to(torch.float32)
        drawn = self.draw(images, generator).view(torch.uint8)  # bytes convert faster
        return drawn.to(torch.float32)

    def draw(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Which pixels are ink, each with probability x/255: uint8 (B, P) -> bool (B, P)."""
        return uniform_thresholds(images, generator) < images

    def value_and_gradient(
        self, logits: Tensor, target: Tensor, *, wanted: bool, spend: bool
    ) -> tuple[Tensor, Tensor | None]:
        """Σ log σ(s·l) and s·(1 − σ(s·l)), where s is 1 for ink and −1 for paper: log p(x|z) and x − σ(l)."""
        sign = torch.rsub(target, -1.0, alpha=-2.0)  # 2x − 1
        signed = torch.mul(logits, sign, out=logits if spend else None)
        # One logarithm of a product of four, each above e⁻²¹: below it log σ(m) is m to the last digit.
        together = math.gcd(target.shape[-1], 4)
        floored = signed.clamp_min(LOWEST_LOGIT / together)
        rest = signed.sub_(floored).sum(-1)
        chance = floored.sigmoid_()
        gradient = torch.addcmul(sign, sign, chance, value=-1.0) if wanted else None
        product = chance.unflatten(-1, (together, -1)).prod(-2)
        return product.log_().sum(-1).add_(rest), gradient

    def mean(self, parameters: Tensor) -> Tensor:
        return torch.sigmoid(parameters)

    def sample(self, parameters: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return torch.bernoulli(torch.sigmoid(parameters), generator=generator)


class ContinuousBernoulli(Likelihood):
    """Grey pixels in [0, 1] with the normaliser that plain cross-entropy lacks (Loaiza-Ganem and Cunningham, 2019).

    In the logit l the density is C(l)·exp(l·x − log(1 + eˡ)) with C(l) = l / tanh(l/2), and C(0) = 2.
    """

    discrete = False

    def target(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return grey(images)

    def log_prob(self, parameters: Tensor, target: Tensor) -> Tensor:
        logits = parameters
        return (logits * target - F.softplus(logits) + self.log_normaliser(logits)).sum(-1)

    @staticmethod
    def log_normaliser(logits: Tensor) -> Tensor:
        """Log C(l), by its Taylor series near zero, where both parts of the quotient vanish."""
        near = logits.abs() < TAYLOR_BELOW
        safe = torch.where(near, torch.ones_like(logits), logits).abs()
        square = torch.where(near, logits, torch.zeros_like(logits)).square()
        series = LOG_2 + square / 12.0 - 7.0 * square.square() / 1440.0
        return torch.where(near, series, safe.log() - torch.tanh(safe / 2.0).log())

    def mean(self, parameters: Tensor) -> Tensor:
        near = parameters.abs() < TAYLOR_BELOW
        safe = torch.where(near, torch.ones_like(parameters), parameters)
        series = 0.5 + parameters / 12.0 - parameters**3 / 720.0
        return torch.where(near, series, 1.0 / -torch.expm1(-safe) - 1.0 / safe)

    def sample(self, parameters: Tensor, generator: torch.Generator | None = None) -> Tensor:
        u = torch.rand(
            parameters.shape, generator=generator, device=parameters.device, dtype=parameters.dtype
        )
        # The inverse of the distribution function for -|l|, mirrored for positive logits.
        steep = torch.clamp(parameters.abs(), min=1e-4)
        x = -torch.log1p(u * torch.expm1(-steep)) / steep
        return torch.where(parameters > 0, 1.0 - x, x)


class Gaussian(Likelihood):
    """N(μ, η²I) of grey pixels in [0, 1], normalised, with η² a number or a parameter.

    Args:
        variance: η², the first value where it is learned.
        learned: whether η² is a parameter.
        logistic: whether μ is the sigmoid of the decoder's numbers, or those numbers themselves (PPCA).
    """

    discrete = False
    log_variance: Tensor  # log η², a scalar

    def __init__(self, variance: float, learned: bool = False, logistic: bool = True) -> None:
        super().__init__()
        self.logistic = logistic
        start = torch.tensor(math.log(variance))
        if learned:
            self.log_variance = nn.Parameter(start)
        else:
            self.register_buffer("log_variance", start)

    def target(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return grey(images)

    def log_prob(self, parameters: Tensor, target: Tensor) -> Tensor:
        location = torch.sigmoid(parameters) if self.logistic else parameters
        squares = (target - location).square().sum(-1)
        constant = -0.5 * target.shape[-1] * (LOG_2PI + self.log_variance)
        return constant - 0.5 * squares * torch.exp(-self.log_variance)

    def mean(self, parameters: Tensor) -> Tensor:
        return torch.sigmoid(parameters) if self.logistic else parameters.clamp(0.0, 1.0)

    def sample(self, parameters: Tensor, generator: torch.Generator | None = None) -> Tensor:
        location = torch.sigmoid(parameters) if self.logistic else parameters
        noise = torch.randn(
            location.shape, generator=generator, device=location.device, dtype=location.dtype
        )
        return (location + noise * torch.exp(0.5 * self.log_variance)).clamp_(0.0, 1.0)


class Categorical(LogitLikelihood):
    """Each pixel one of K grey levels: x·K // 256 of the stored byte, a softmax of K logits."""

    def __init__(self, levels: int) -> None:
        super().__init__()
        self.levels = levels
        self.parameters_per_value = levels

    def target(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return images.to(torch.int64).mul_(self.levels).bitwise_right_shift_(8)

    def encoder_input(self, target: Tensor) -> Tensor:
        return target.to(torch.float32).mul_(1.0 / (self.levels - 1))

    def _logits(self, parameters: Tensor) -> Tensor:
        return parameters.unflatten(-1, (-1, self.levels))  # (..., P, K)

    def value_and_gradient(
        self, logits: Tensor, target: Tensor, *, wanted: bool, spend: bool
    ) -> tuple[Tensor, Tensor | None]:
        """Σ over pixels of log softmax at the observed level, and onehot − softmax, without a one-hot tensor."""
        by_level = self._logits(logits)
        levels = target.expand(by_level.shape[:-1]).unsqueeze(-1)
        largest = by_level.amax(-1, keepdim=True)
        observed = by_level.gather(-1, levels).sub_(largest)
        odds = torch.sub(by_level, largest, out=by_level if spend else None).exp_()
        total = odds.sum(-1, keepdim=True)
        value = observed.sub_(total.log()).squeeze(-1).sum(-1)
        if not wanted:
            return value, None
        gradient = odds.mul_(-1.0 / total)
        gradient.scatter_add_(-1, levels, torch.ones_like(observed))
        return value, gradient.flatten(-2)

    def mean(self, parameters: Tensor) -> Tensor:
        scale = torch.linspace(
            0.0, 1.0, self.levels, device=parameters.device, dtype=parameters.dtype
        )
        return torch.softmax(self._logits(parameters), -1) @ scale

    def sample(self, parameters: Tensor, generator: torch.Generator | None = None) -> Tensor:
        probabilities = torch.softmax(self._logits(parameters), -1)
        flat = probabilities.flatten(0, -2)
        level = torch.multinomial(flat, 1, generator=generator).view(probabilities.shape[:-1])
        return level.to(parameters.dtype) / (self.levels - 1)


def build_likelihood(config: ModelConfig) -> Likelihood:
    """The likelihood that a configuration names."""
    if config.kind == "ppca":
        return Gaussian(config.variance, logistic=False)
    if config.likelihood == "bernoulli":
        return Bernoulli(stochastic=config.binarisation == "stochastic")
    if config.likelihood == "continuous-bernoulli":
        return ContinuousBernoulli()
    if config.likelihood == "gaussian":
        return Gaussian(config.variance, config.learn_variance)
    return Categorical(config.levels)
