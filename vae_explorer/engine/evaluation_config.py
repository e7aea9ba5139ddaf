"""What an evaluation measures; without torch and numpy, so that a window can ask before the engine is loaded."""

from __future__ import annotations

from dataclasses import dataclass

from vae_explorer.engine.errors import ConfigError

MAX_SAMPLES = 1_000_000


@dataclass(frozen=True)
class EvaluationConfig:
    """What to measure, and how closely.

    Attributes:
        samples: K, of the importance-weighted bound.
        elbo_samples: M, of the reconstruction term and of the generative verdict.
        images: the first so many of the split; None for all.
        seed: of the binarisation and of the latent samples.
        exact: whether to integrate log p(x) where d ≤ 2; None where that is a matter of minutes.
        prior_share: of the K samples, how many come from the prior instead of q, for a model whose q misses modes.
    """

    samples: int = 500
    elbo_samples: int = 8
    images: int | None = None
    seed: int = 0
    exact: bool | None = None
    prior_share: float = 0.0

    def __post_init__(self) -> None:
        for title, value in (("K", self.samples), ("M", self.elbo_samples)):
            if not 1 <= value <= MAX_SAMPLES:
                raise ConfigError(
                    f"{title} is a whole number from 1 to {MAX_SAMPLES:,}; not {value}."
                )
        if self.images is not None and self.images < 1:
            raise ConfigError(f"At least one image is evaluated; not {self.images}.")
        if not 0 <= self.seed < 2**63:
            raise ConfigError(f"The seed is a whole number from 0 to 2⁶³ − 1; not {self.seed}.")
        if not 0 <= self.prior_share < 1:
            raise ConfigError(
                f"The share of samples from the prior is from 0 to below 1; not {self.prior_share}."
            )
