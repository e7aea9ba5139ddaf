"""Small random affine maps of images, for the classifier only: p(x|z) is of the images as they are."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

ROTATION = math.radians(15.0)
LOG_SCALE = 0.15
SHEAR = 0.2
SHIFT = 0.15  # of half a side: about two of 28 pixels


def random_affine(x: Tensor, shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """Each image turned, scaled, sheared and shifted by its own small random amount.

    Args:
        x: flat images (B, P) in [0, 1].
        shape: (channels, height, width), P values in all.
    """
    u = torch.rand((6, x.shape[0]), generator=generator, device=x.device).mul_(2.0).sub_(1.0)
    angle, shear = ROTATION * u[0], SHEAR * u[1]
    across, along = torch.exp(LOG_SCALE * u[2]), torch.exp(LOG_SCALE * u[3])
    cos, sin = torch.cos(angle), torch.sin(angle)
    first = torch.stack((across * cos, along * (shear * cos - sin), SHIFT * u[4]), -1)
    second = torch.stack((across * sin, along * (shear * sin + cos), SHIFT * u[5]), -1)
    images = x.view(-1, *shape)
    grid = F.affine_grid(torch.stack((first, second), 1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False).flatten(1)
