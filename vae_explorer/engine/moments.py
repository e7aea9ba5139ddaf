"""What a linear-Gaussian model needs of images: count, mean and covariance, in one pass."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vae_explorer.engine.errors import ConfigError

MAX_PIXELS = 4096
"""A covariance of more pixels would want gigabytes, and minutes for its eigenpairs."""

EXACT_ROWS = 256
"""Images a product: 256 · 255² < 2²⁴, so float32 sums of 8-bit products are exact whole numbers."""

WHITE = 255.0


@dataclass(frozen=True)
class Moments:
    """Sufficient statistics of images with D pixels, grey levels in [0, 1], float64.

    Attributes:
        count: N, the number of images.
        mean: (D,).
        covariance: (D, D), the maximum-likelihood estimate (divided by N).
    """

    count: int
    mean: Tensor
    covariance: Tensor

    @property
    def pixels(self) -> int:
        """D, the values of one image."""
        return self.mean.numel()

    @property
    def total_variance(self) -> Tensor:
        """The trace of the covariance, a scalar."""
        return self.covariance.diagonal().sum()

    def second_moment_about(self, centre: Tensor) -> Tensor:
        """E (x − c)(x − c)ᵀ, (D, D), for a centre c, (D,)."""
        shift = self.mean - centre
        return self.covariance + torch.outer(shift, shift)


def image_moments(images: Tensor) -> Moments:
    """The moments of uint8 images, (N, C, H, W), without a copy of them in floating point.

    Sums and products of 8-bit levels are whole numbers, summed exactly, so that a pixel which
    never changes has a variance of exactly 0.

    Raises:
        ConfigError: no images, or more pixels than a covariance has room for.
    """
    count, pixels = images.shape[0], images[0:1].numel()
    if count == 0:
        raise ConfigError("PPCA needs at least one image.")
    if pixels > MAX_PIXELS:
        raise ConfigError(
            f"PPCA takes at most {MAX_PIXELS:,} pixels and these images have {pixels:,}: "
            "choose a smaller image size."
        )
    rows = images.flatten(1)  # (N, D)
    total = torch.zeros(pixels, dtype=torch.float64, device=rows.device)
    products = torch.zeros(pixels, pixels, dtype=torch.float64, device=rows.device)
    for start in range(0, count, EXACT_ROWS):
        chunk = rows[start : start + EXACT_ROWS].float()
        total += chunk.sum(0)
        products += chunk.T @ chunk
    covariance = (products - torch.outer(total, total) / count) / (count * WHITE**2)
    constant = products.diagonal() * count == total**2
    covariance[constant] = 0.0  # what the division by N rounded away from nought
    covariance[:, constant] = 0.0
    return Moments(count, total / (count * WHITE), covariance)
