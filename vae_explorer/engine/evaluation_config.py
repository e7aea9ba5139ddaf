"""What an evaluation measures; without torch and numpy, so that a window can ask before the engine is loaded."""

from __future__ import annotations

from dataclasses import dataclass

from vae_explorer.engine.errors import ConfigError
from vae_explorer.engine.plain_numbers import LARGEST_SEED, checked_seed, real, whole

MAX_SAMPLES = 1_000_000


@dataclass(frozen=True)
class EvaluationConfig:
    """What to measure, and how closely.

    Attributes:
        samples: K, of the importance-weighted bound; of a Joint VAE for every class, as M is.
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
        for name, title in (("samples", "K"), ("elbo_samples", "M")):
            self._check_whole(name, title, MAX_SAMPLES)
        if self.images is not None:
            self._check_whole("images", "The number of images", LARGEST_SEED)
        object.__setattr__(self, "seed", checked_seed(self.seed, ConfigError))
        if self.exact not in (None, True, False):
            raise ConfigError(f"Exact is true, false or None; not {self.exact!r}.")
        share = real(self.prior_share)
        if share is None or not 0 <= share < 1:
            raise ConfigError(
                f"The share of samples from the prior is from 0 to below 1; not {self.prior_share!r}."
            )
        object.__setattr__(self, "prior_share", share)

    def _check_whole(self, name: str, title: str, largest: int) -> None:
        given = getattr(self, name)
        value = whole(given)
        if value is None or not 1 <= value <= largest:
            raise ConfigError(f"{title} is a whole number from 1 to {largest:,}; not {given!r}.")
        object.__setattr__(self, name, value)
