"""The evidence log p(x) = log ∫ p(x|z) p(z) dz by quadrature, for one or two latent dimensions.

Every decoder output is computed once and shared by all images, whose log p(x|z) at a block of grid
points is one matrix product. A coarse grid shows in which tiles of the plane an image has its
mass; in these the spacing is halved until the answer stands still. The midpoint rule converges
faster than any power of the spacing once that is below the width of the posterior.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F

from vae_explorer.engine.errors import ConfigError
from vae_explorer.engine.likelihoods import (
    LOG_2PI,
    Bernoulli,
    Categorical,
    ContinuousBernoulli,
    Gaussian,
    Likelihood,
)
from vae_explorer.engine.models import Model
from vae_explorer.engine.objective import standard_log_density
from vae_explorer.engine.products import product
from vae_explorer.engine.targets import Targets

MAX_DIMENSIONS = 2
TILE = 0.5
COARSE = 5
"""Grid points along a tile, at first: a spacing of 0.1 prior standard deviations."""

MAX_LEVEL = 6
"""Halvings at most: a spacing of 0.0016."""

REACH = 7.0
"""The grid covers at least [−7, 7] a dimension; beyond it lie 3·10⁻¹² of the prior's mass."""

NEGLIGIBLE = 25.0
"""A tile whose density lies this many nats below an image's highest is left out: e⁻²⁵ = 10⁻¹¹."""

TOLERANCE = 1e-3
"""An image is done when halving the spacing changes its log p(x) by less than this, in nats."""

PARAMETER_BYTES = 48 * 2**20
IMAGES_AT_ONCE = 2048
MAP_BYTES = 512 * 2**20
"""Room for what is kept of every image and tile: more images than fit are taken a part at a time."""

T = TypeVar("T")


@dataclass(frozen=True)
class Evidence:
    """The result of a quadrature.

    Attributes:
        log_evidence: log p(x) or log p(x|y) of each image, (N,), float64, nats.
        change: what the last halving of the spacing changed, (N,), nats: the error is smaller.
        spacing: the finest spacing used.
        points: latent points, of all images together.
    """

    log_evidence: Tensor
    change: Tensor
    spacing: float
    points: int


@torch.no_grad()
def quadrature(
    model: Model,
    target: Tensor | Targets,
    y: Tensor | None,
    posterior: tuple[Tensor, Tensor],
    *,
    floor: Tensor | None = None,
) -> Generator[float, None, Evidence]:
    """Yields the share of the work done, and returns the evidence of each image.

    target: (N, P), of `model.likelihood.target`.
    y: one-hot class (C,) for p(x|y), or None.
    posterior: mean and log variance of q(z|x), (N, d). It decides how far the grid reaches and
        what is refined, and enters in no other way.
    floor: (N,) nats; an image whose evidence is certain to lie below is not refined.

    Raises:
        ConfigError: d above 2.
    """
    grid = _Grid(model, y, posterior[0])
    count, at_once = len(target), grid.images_at_once()
    parts: list[tuple[Tensor, Tensor, float]] = []
    for start in range(0, count, at_once):
        rows = slice(start, start + at_once)
        some = target[rows] if isinstance(target, Tensor) else target.select(rows)
        own = posterior[0][rows], posterior[1][rows]
        steps = _integrate(grid, some, own, None if floor is None else floor[rows])
        parts.append((yield from _as_share(steps, start / count, len(some) / count)))
    values, changes, spacings = zip(*parts, strict=True)
    return Evidence(torch.cat(values), torch.cat(changes), min(spacings), grid.points_used)


def _as_share(
    steps: Generator[float, None, T], start: float, share: float
) -> Generator[float, None, T]:
    """Progress of a part as that of the whole."""
    while True:
        try:
            yield start + share * next(steps)
        except StopIteration as finished:
            return finished.value


def _integrate(
    grid: _Grid,
    target: Tensor | Targets,
    posterior: tuple[Tensor, Tensor],
    floor: Tensor | None,
) -> Generator[float, None, tuple[Tensor, Tensor, float]]:
    """The evidence and the last change of some images, (N,) both, and the finest spacing."""
    keep, value = yield from _coarse(grid, target, posterior)
    slack = _slack(posterior, TILE / COARSE)
    active = torch.ones_like(value, dtype=torch.bool)
    if floor is not None:
        active = value + slack > floor
    change = torch.zeros_like(value)
    level = 0
    while level < MAX_LEVEL and active.any():
        level += 1
        per_side = COARSE * 2**level
        keep &= active[:, None]
        finer, keep_finer = yield from _refine(grid, target, keep, per_side, posterior, level)
        change = torch.where(active, (finer - value).abs(), change)
        value = torch.where(active, finer, value)
        keep = keep_finer
        active &= change > TOLERANCE
    return value, change, TILE / (COARSE * 2**level)


class _Grid:
    """Square tiles over the latent plane, and the decoder's outputs on points within them."""

    def __init__(self, model: Model, y: Tensor | None, means: Tensor) -> None:
        self.model, self.y = model, y
        self.dimensions = means.shape[1]
        if self.dimensions > MAX_DIMENSIONS:
            raise ConfigError(
                f"Exact evidence is for at most {MAX_DIMENSIONS} latent dimensions; "
                f"this model has {self.dimensions}."
            )
        self.reach = TILE * math.ceil(max(REACH, float(means.abs().max()) + 1) / TILE)
        side = torch.arange(-self.reach, self.reach, TILE, dtype=torch.float64)
        self.per_axis = len(side)
        self.corners = _product(side, self.dimensions)  # (T, d)
        self.device = means.device
        self._used: set[tuple[int, int]] = set()  # points a side, and the tile

    @property
    def points_used(self) -> int:
        """How many points there were; what several parts of the images share counts once."""
        return sum(per_side**self.dimensions for per_side, _ in self._used)

    def points(self, tiles: Tensor, per_side: int) -> Tensor:
        """Midpoints of a grid in each of the tiles, (tiles · per_side^d, d)."""
        self._used.update((per_side, tile) for tile in tiles.tolist())
        offsets = (torch.arange(per_side, dtype=torch.float64) + 0.5) * (TILE / per_side)
        inside = _product(offsets, self.dimensions)  # (per_side^d, d)
        points = self.corners[tiles][:, None] + inside
        return points.flatten(0, 1).float().to(self.device)

    def tile_of(self, means: Tensor) -> Tensor:
        """The tile that a point (N, d) lies in, (N,)."""
        index = ((means.cpu() + self.reach) / TILE).long().clamp(0, self.per_axis - 1)
        return index[:, 0] if self.dimensions == 1 else index[:, 0] * self.per_axis + index[:, 1]

    def decode(self, points: Tensor) -> Tensor:
        """Likelihood parameters, (G, P·k)."""
        y = None if self.y is None else self.y.expand(len(points), -1)
        return self.model.decode(points, y)

    def log_joint(self, points: Tensor, parameters: Tensor, target: Tensor) -> Tensor:
        """The log of p(x|z) p(z), (n, G), of images (n, P) at points (G, d)."""
        values = cross_log_prob(self.model.likelihood, parameters, target)
        return values + standard_log_density(points)

    def images_at_once(self) -> int:
        """Images of whose every tile there is room for a float and three flags."""
        return max(IMAGES_AT_ONCE, MAP_BYTES // (7 * len(self.corners)))

    def points_at_once(self) -> int:
        """Points whose parameters fit into the room there is for them."""
        config = self.model.config
        values = config.pixels * self.model.likelihood.parameters_per_value
        return max(COARSE**self.dimensions, PARAMETER_BYTES // (4 * values))


def _coarse(
    grid: _Grid, target: Tensor | Targets, posterior: tuple[Tensor, Tensor]
) -> Generator[float, None, tuple[Tensor, Tensor]]:
    """Which tiles matter to each image, bool (N, T), and a first value, (N,)."""
    per_tile = COARSE**grid.dimensions
    tiles_at_once = max(1, min(64, grid.points_at_once() // per_tile))
    count, tiles = len(target), len(grid.corners)
    highest = torch.empty(count, tiles, device=grid.device)
    total = torch.full((count,), -math.inf, dtype=torch.float64, device=grid.device)
    for first in range(0, tiles, tiles_at_once):
        chosen = torch.arange(first, min(first + tiles_at_once, tiles))
        points = grid.points(chosen, COARSE)
        parameters = grid.decode(points)
        for start in range(0, count, IMAGES_AT_ONCE):
            rows = slice(start, start + IMAGES_AT_ONCE)
            values = grid.log_joint(points, parameters, target[rows])  # (n, tiles · per_tile)
            total[rows] = torch.logaddexp(total[rows], torch.logsumexp(values, 1).double())
            highest[rows, first : first + len(chosen)] = values.unflatten(1, (-1, per_tile)).amax(2)
        yield (first + len(chosen)) / tiles / (MAX_LEVEL + 1)
    area = grid.dimensions * math.log(TILE / COARSE)
    keep = highest > (highest.amax(1) - NEGLIGIBLE - _slack(posterior, TILE / COARSE))[:, None]
    # wherever the encoder points is looked at more closely, should the coarse grid have missed it
    keep[torch.arange(count), grid.tile_of(posterior[0]).to(keep.device)] = True
    return keep, total + area


def _refine(
    grid: _Grid,
    target: Tensor | Targets,
    keep: Tensor,
    per_side: int,
    posterior: tuple[Tensor, Tensor],
    level: int,
) -> Generator[float, None, tuple[Tensor, Tensor]]:
    """The sum over the kept tiles at a finer spacing, (N,), and the tiles to keep after it."""
    total = torch.full((len(target),), -math.inf, dtype=torch.float64, device=grid.device)
    highest = torch.full(keep.shape, -math.inf, device=grid.device)
    tiles = keep.any(0).nonzero().flatten().tolist()
    points_at_once = grid.points_at_once()
    for done, tile in enumerate(tiles):
        images = keep[:, tile].nonzero().flatten()
        for points in grid.points(torch.tensor([tile]), per_side).split(points_at_once):
            parameters = grid.decode(points)
            for rows in images.split(IMAGES_AT_ONCE):
                values = grid.log_joint(points, parameters, target[rows])
                total[rows] = torch.logaddexp(total[rows], torch.logsumexp(values, 1).double())
                highest[rows, tile] = torch.maximum(highest[rows, tile], values.amax(1))
        yield (level + (done + 1) / len(tiles)) / (MAX_LEVEL + 1)
    spacing = TILE / per_side
    keep = keep & (highest > (highest.amax(1) - NEGLIGIBLE - _slack(posterior, spacing))[:, None])
    return total + grid.dimensions * math.log(spacing), keep


def _slack(posterior: tuple[Tensor, Tensor], spacing: float) -> Tensor:
    """How many nats below a mode of the posterior's width the nearest grid point may lie, (N,)."""
    return (0.125 * spacing**2 * torch.exp(-posterior[1])).sum(1)


def _product(values: Tensor, dimensions: int) -> Tensor:
    """All points with these coordinates, (n^d, d)."""
    return torch.cartesian_prod(*[values] * dimensions).view(-1, dimensions)


def cross_log_prob(likelihood: Likelihood, parameters: Tensor, target: Tensor) -> Tensor:
    """Find log p(x_n|z_g) of every image at every latent point: (G, P·k), (N, P) -> (N, G), nats.

    Each likelihood is linear in some statistic of x, so that a matrix product does it.
    """
    match likelihood:
        case Bernoulli():
            return product(target, parameters.T) - F.softplus(parameters).sum(1)
        case ContinuousBernoulli():
            constant = likelihood.log_normaliser(parameters) - F.softplus(parameters)
            return product(target, parameters.T) + constant.sum(1)
        case Gaussian():
            return _cross_gaussian(likelihood, parameters, target)
        case Categorical():
            return _cross_categorical(likelihood, parameters, target)
        case _:
            raise TypeError(f"No quadrature for {type(likelihood).__name__}.")


def _cross_gaussian(likelihood: Gaussian, parameters: Tensor, target: Tensor) -> Tensor:
    location = torch.sigmoid(parameters) if likelihood.logistic else parameters
    log_variance = likelihood.log_variance
    # about a common centre, or three large terms would cancel in single precision
    centre = location.mean(0)
    x, location = target - centre, location - centre
    squares = (
        x.square().sum(1, keepdim=True) + location.square().sum(1) - 2 * product(x, location.T)
    )
    constant = -0.5 * target.shape[1] * (LOG_2PI + log_variance)
    return constant - 0.5 * squares * torch.exp(-log_variance)


def _cross_categorical(likelihood: Categorical, parameters: Tensor, target: Tensor) -> Tensor:
    levels = likelihood.levels
    normaliser = parameters.unflatten(1, (-1, levels)).logsumexp(2).sum(1)  # (G,)
    index = target + levels * torch.arange(target.shape[1], device=target.device)
    # a sum of P rows of the table: the product with a one-hot matrix that is never made
    return F.embedding_bag(index, parameters.T.contiguous(), mode="sum") - normaliser
