"""Orthogonal projection of patterns on a grid onto those with the symmetry of a point group."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.linalg
import scipy.sparse

from mffnb.typing import Array, Float64Array

_TILT = 0.1234  # rad: no boundary of the sector then passes through a point of a grid
_SEAM = 0.5  # splines beside the sector, in steps: they close the seam between two sectors
_DEPENDENT = 1e-4  # squared norm, relative to the largest, below which a spline is dropped as dependent on the others
_MOST = 8000  # splines; their Gram matrix then needs half a gigabyte


@dataclass(frozen=True)
class PointGroup:
    """Rotations about the origin of the plane, with or without a mirror line through it.

    Attributes
    ----------
    order
        Number of rotations.
    mirror
        Angle of a mirror line in degrees from the x axis; None for no mirror.
    """

    order: int
    mirror: float | None

    def images(self, point: Array) -> Array:
        """Return the equivalent points of complex positions x + i y, (operations, points)."""
        copies = [point]
        if self.mirror is not None:
            copies.append(np.conj(point) * np.exp(2j * np.deg2rad(self.mirror)))
        return np.array([one * np.exp(2j * np.pi * g / self.order) for one in copies for g in range(self.order)])

    def in_sector(self, images: Array) -> Array:
        """Return which operation maps each point into the sector of the group that represents all others."""
        inside: Array = np.argmax(self._along(images), axis=0)
        return inside

    def in_or_near_sector(self, point: Array, margin: float) -> Array:
        """Return which complex positions lie in the sector, or at most about ``margin`` beside it."""
        along = self._along(self.images(point))
        inside: Array = along[0] >= along.max(axis=0) - margin
        return inside

    def _along(self, images: Array) -> Array:
        """Return the component of positions along a direction inside of the sector, which is largest in the sector."""
        line = 0.0 if self.mirror is None else np.deg2rad(self.mirror)
        along: Array = (images * np.exp(-1j * (line + _TILT / self.order))).real
        return along


@dataclass(frozen=True)
class Grid:
    """Evenly spaced positions along y and x."""

    y: Float64Array
    x: Float64Array

    @property
    def shape(self) -> tuple[int, int]:
        """Number of positions along y and x."""
        return len(self.y), len(self.x)

    @property
    def steps(self) -> tuple[float, float]:
        """Distance of two positions along y and x."""
        return abs(_step(self.y)), abs(_step(self.x))

    def positions(self, iy: Array, ix: Array) -> Array:
        """Return the complex positions x + i y of indices."""
        position: Array = self.x[0] + ix * _step(self.x) + 1j * (self.y[0] + iy * _step(self.y))
        return position

    def indices(self, point: Array) -> tuple[Array, Array]:
        """Return the indices along y and x of complex positions, as real numbers."""
        return (point.imag - self.y[0]) / _step(self.y), (point.real - self.x[0]) / _step(self.x)


def _step(axis: Float64Array) -> float:
    return float(axis[-1] - axis[0]) / (len(axis) - 1) if len(axis) > 1 else 1.0


def orbits(group: PointGroup, grid: Grid) -> Array | None:
    """Number the sets of equivalent entries of a grid, (entries,); None if an operation does not permute the grid."""
    images = group.images(grid.positions(*_all(*grid.shape)))
    exact = np.array(grid.indices(images))
    whole = np.rint(exact)
    if np.abs(exact - whole).max() > 1e-6:
        return None
    here = group.in_sector(images), np.arange(images.shape[1])
    owner: Array = np.unique(whole[:, *here], axis=1, return_inverse=True)[1].ravel()
    return owner


@dataclass(frozen=True, eq=False)
class Means:
    """Mean over sets of equivalent entries, which permute exactly; ``scale`` multiplies each entry."""

    owner: Array
    scale: Float64Array

    def project(self, row: Float64Array) -> Float64Array:
        """Return the nearest symmetric row."""
        squares = np.bincount(self.owner, self.scale**2)
        means = np.bincount(self.owner, self.scale * row) / np.where(squares > 0, squares, 1.0)
        nearest: Float64Array = self.scale * means[self.owner]
        return nearest


@dataclass(frozen=True, eq=False)
class Splines:
    """Least squares by symmetrised splines, for a group that does not permute the grid.

    Attributes
    ----------
    basis
        Values of the sum of each spline over the group, times ``scale``, (entries, splines), in compressed rows.
    """

    basis: scipy.sparse.csr_array

    def project(self, row: Float64Array) -> Float64Array:
        """Return the nearest row in the span of the splines."""
        splines, factor = self._independent
        nearest: Float64Array = splines @ scipy.linalg.cho_solve((factor, True), splines.T @ row)
        return nearest

    @cached_property
    def _independent(self) -> tuple[scipy.sparse.csr_array, Float64Array]:
        """Independent splines, and the Cholesky factor of their Gram matrix."""
        gram = (self.basis.T @ self.basis).toarray()
        factor, pivots, rank, _ = scipy.linalg.lapack.dpstrf(gram, lower=1, tol=_DEPENDENT * gram.diagonal().max())
        return self.basis[:, pivots[:rank] - 1], np.tril(factor[:rank, :rank])


def symmetric_splines(group: PointGroup, grid: Grid) -> scipy.sparse.csr_array:
    """Return the sums over the group of cubic B-splines in the sector, at all entries of a grid, (entries, splines).

    Raises
    ------
    ValueError
        If there are more than 8000 splines.
    """
    rows, columns = _all(*grid.shape)
    images = group.images(grid.positions(rows, columns))
    centres = Grid(*(_extended(axis, float(np.abs(images).max())) for axis in (grid.y, grid.x)))
    in_sector = group.in_or_near_sector(centres.positions(*_all(*centres.shape)), _SEAM * max(grid.steps))
    if (count := int(in_sector.sum())) > _MOST:
        raise ValueError(
            f"patterns of {grid.shape[0]} x {grid.shape[1]} entries are too large for this symmetry ({count} splines, "
            f"at most {_MOST}): keep fewer frequencies, such as SlidingFFT(zoom=2), or use order 2 or 4"
        )
    number = np.where(in_sector, np.cumsum(in_sector) - 1, -1).reshape(centres.shape)
    basis = scipy.sparse.csr_array((rows.size, count))
    for image in images:
        y, x = centres.indices(image)
        for dy in range(-1, 3):
            for dx in range(-1, 3):
                iy, ix = np.floor(y).astype(int) + dy, np.floor(x).astype(int) + dx
                value, spline = _cubic(y - iy) * _cubic(x - ix), number[iy, ix]
                entry = np.flatnonzero(spline >= 0)
                basis = basis + scipy.sparse.csr_array((value[entry], (entry, spline[entry])), shape=basis.shape)
    return basis


def _extended(axis: Float64Array, radius: float) -> Float64Array:
    """Return evenly spaced positions, extended in both directions to a radius and a margin for splines."""
    step = _step(axis)
    before, after = (int(np.ceil(max(radius - abs(end), 0) / abs(step))) + 3 for end in (axis[0], axis[-1]))
    extended: Float64Array = axis[0] + step * np.arange(-before, len(axis) + after)
    return extended


def _cubic(distance: Array) -> Array:
    """Return the cubic B-spline at a distance from its centre, in steps of the grid."""
    far = np.abs(distance)
    inner, outer = 2 / 3 - far**2 + far**3 / 2, np.maximum(2 - far, 0) ** 3 / 6
    value: Array = np.where(far < 1, inner, outer)
    return value


def _all(height: int, width: int) -> tuple[Array, Array]:
    """Return the indices along y and x of all entries of a grid, in C order."""
    iy, ix = np.divmod(np.arange(height * width), width)
    return iy, ix
