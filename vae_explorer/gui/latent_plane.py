"""The plane of latent space that the canvas shows. Plain numpy: no Qt, no torch.

With d = 2 the plane is the whole latent space. With more dimensions it is spanned by two axes, or
by the first two principal directions of the embedded images; what lies off the plane is held by
`rest`. With d = 1 the canvas' second coordinate means nothing, and points are spread along it to be
seen apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

PlaneKind = Literal["axes", "principal"]
COLLAPSED_KL = 0.02  # nats: below this a dimension tells the decoder nothing
_SPREAD = 1.2  # of the points of a one-dimensional code, along the axis that means nothing


@dataclass(frozen=True, eq=False)
class LatentPlane:
    """A plane (two directions) through a point of a d-dimensional latent space.

    Attributes:
        basis: (2, d) orthonormal rows; the second is zero where d = 1.
        origin: (d,) the point at the canvas' (0, 0), off the plane or on it.
        rest: (d,) the point whose part off the plane every decoded point shares.
        kind: how the directions were chosen.
        axes: the two dimensions, for `kind == "axes"`.
    """

    basis: NDArray[np.float32]
    origin: NDArray[np.float32]
    rest: NDArray[np.float32]
    kind: PlaneKind
    axes: tuple[int, int] = (0, 1)

    @classmethod
    def of_axes(cls, dim: int, axes: tuple[int, int] = (0, 1)) -> LatentPlane:
        """The plane of two dimensions through the origin. Raises ValueError for an axis twice."""
        basis = np.zeros((2, dim), dtype=np.float32)
        basis[0, axes[0]] = 1.0
        if dim > 1:
            if axes[0] == axes[1]:
                raise ValueError("a plane needs two different axes")
            basis[1, axes[1]] = 1.0
        origin = np.zeros(dim, dtype=np.float32)
        return cls(basis, origin, origin, "axes", axes)

    @classmethod
    def principal(cls, means: NDArray[np.floating]) -> LatentPlane:
        """The first principal plane of the embedded images, means (n, d), through their mean."""
        dim = means.shape[1]
        if dim < 2 or len(means) < 3:
            return cls.of_axes(dim)
        centre = means.mean(axis=0).astype(np.float32)
        covariance = np.cov(means, rowvar=False)
        _, vectors = np.linalg.eigh(covariance)
        basis = vectors[:, ::-1][:, :2].T
        # a principal direction has no sign of its own: the largest entry is made positive
        largest = np.abs(basis).argmax(axis=1)
        basis = basis * np.sign(basis[np.arange(2), largest])[:, None]
        return cls(basis.astype(np.float32), centre, centre, "principal")

    @property
    def dim(self) -> int:
        """d, the size of the latent code."""
        return self.basis.shape[1]

    @property
    def whole(self) -> bool:
        """Whether the plane is all there is, so that nothing lies off it."""
        return self.dim <= 2

    def project(self, codes: NDArray[np.floating]) -> NDArray[np.float32]:
        """Codes (n, d) -> canvas points (n, 2), the foot of each on the plane."""
        codes = np.atleast_2d(np.asarray(codes, dtype=np.float32))
        # no copy of all codes
        points = (codes @ self.basis.T - self.origin @ self.basis.T).astype(np.float32, copy=False)
        if self.dim == 1 and len(points) > 1:
            points[:, 1] = _spread(len(points))
        return points

    def project_std(self, std: NDArray[np.floating]) -> NDArray[np.float64]:
        """Standard deviations (d,) -> a factor L (2, 2) of the covariance LLᵀ of a point's foot on the plane.

        It is diagonal on two axes; a principal plane tilts the ellipse.
        """
        (a, b), (_, c) = (self.basis * np.asarray(std, dtype=np.float64) ** 2) @ self.basis.T
        first = max(math.sqrt(a), 1e-12)
        return np.array([[first, 0.0], [b / first, math.sqrt(max(c - (b / first) ** 2, 0.0))]])

    @property
    def prior_mean(self) -> tuple[float, float]:
        """Where the foot of z = 0 lies on the canvas."""
        x, y = (-self.origin @ self.basis.T).tolist()
        return x, y

    def lift(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """Canvas points (n, 2) -> codes (n, d); off the plane they are where `rest` is."""
        points = np.atleast_2d(np.asarray(points, dtype=np.float32))
        off_plane = self.rest - ((self.rest - self.origin) @ self.basis.T) @ self.basis
        return (off_plane + points @ self.basis).astype(np.float32)

    def with_rest(self, rest: NDArray[np.floating]) -> LatentPlane:
        """The parallel plane through `rest` (d,)."""
        return replace(self, rest=np.asarray(rest, dtype=np.float32).copy())

    def with_coordinate(self, index: int, value: float) -> LatentPlane:
        """The parallel plane with one coordinate of `rest` set."""
        rest = self.rest.copy()
        rest[index] = value
        return replace(self, rest=rest)

    def titles(self) -> tuple[str, str]:
        """What the canvas writes at its axes."""
        if self.kind == "principal":
            return "principal 1", "principal 2"
        if self.dim == 1:
            return "z₁", ""
        return axis_title(self.axes[0]), axis_title(self.axes[1])


def axis_title(index: int) -> str:
    """`z₁` for dimension 0, and so on."""
    return "z" + "".join(chr(0x2080 + int(digit)) for digit in str(index + 1))


def mean_kl(means: NDArray[np.floating], stds: NDArray[np.floating]) -> NDArray[np.floating]:
    """KL(q(zᵢ|x) ‖ N(0, 1)) of each dimension, averaged over images, in nats: (n, d), (n, d) -> (d,)."""
    return (0.5 * (means**2 + stds**2 - 1.0 - 2.0 * np.log(stds))).mean(axis=0)


def collapsed(kl_per_dimension: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which dimensions tell the decoder nothing, from their mean KL in nats, (d,)."""
    return np.asarray(kl_per_dimension) < COLLAPSED_KL


def straight_path(
    a: NDArray[np.floating], b: NDArray[np.floating], steps: int
) -> NDArray[np.float32]:
    """Codes (steps, d) on the straight line from a to b, ends included."""
    t = np.linspace(0.0, 1.0, steps, dtype=np.float32)[:, None]
    return ((1.0 - t) * np.asarray(a) + t * np.asarray(b)).astype(np.float32)


def spherical_path(
    a: NDArray[np.floating], b: NDArray[np.floating], steps: int
) -> NDArray[np.float32]:
    """Codes (steps, d) along the great circle from a to b; lengths change evenly (slerp).

    In many dimensions the prior's mass lies near a sphere, and the straight line leaves it. Where
    the circle is not defined (an end at the origin, or the ends opposite) it is the straight line.
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    length_a, length_b = np.linalg.norm(a), np.linalg.norm(b)
    if min(length_a, length_b) < 1e-9:
        return straight_path(a, b, steps)
    cosine = float(np.clip(a @ b / (length_a * length_b), -1.0, 1.0))
    angle = np.arccos(cosine)
    if np.sin(angle) < 1e-6:
        return straight_path(a, b, steps)
    t = np.linspace(0.0, 1.0, steps)[:, None]
    direction = (
        np.sin((1.0 - t) * angle) * a / length_a + np.sin(t * angle) * b / length_b
    ) / np.sin(angle)
    return (direction * ((1.0 - t) * length_a + t * length_b)).astype(np.float32)


def nearest(codes: NDArray[np.floating], point: NDArray[np.floating]) -> int:
    """The index of the code (n, d) nearest to a point (d,).

    Of ‖c − p‖² = ‖c‖² − 2 cᵀp + ‖p‖² the last is the same for all codes: none are copied.
    """
    return int((np.einsum("nd,nd->n", codes, codes) - 2.0 * (codes @ point)).argmin())


def _spread(count: int) -> NDArray[np.float32]:
    # multiples of the golden ratio, modulo 1, fill the interval evenly in any order
    return ((np.arange(count) * 0.6180339887 % 1.0 - 0.5) * 2 * _SPREAD).astype(np.float32)
