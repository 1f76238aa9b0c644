"""Columns of a factor grouped by which entries are fixed: each group is a smaller problem over the free entries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mffnb.constraints.simplex import Simplex
from mffnb.typing import Array, Float64Array

_LEAST = 1e-12  # a remainder below this is a rounding error of fractions that sum to one


@dataclass(frozen=True, eq=False)
class Pattern:
    """Columns of a factor in which the same rows are fixed.

    Attributes
    ----------
    columns
        Their indices, (columns,).
    free
        Indices of the rows that are not fixed, (rows,).
    block
        Index of the free entries of these columns, for an array (k, entries).
    """

    columns: Array
    free: Array

    @property
    def block(self) -> tuple[Array, Array]:
        """Index of the free entries of these columns, for an array (k, entries)."""
        return self.free[:, None], self.columns[None]


def patterns(fixed: Array) -> Iterator[Pattern]:
    """Group the columns of a factor (k, entries) by which rows are fixed; those with no free row are left out."""
    columns = np.ascontiguousarray(np.packbits(fixed, axis=0).T)
    _, owner = np.unique(columns.view(np.dtype((np.void, columns.shape[1]))).ravel(), return_inverse=True)
    order = np.argsort(owner, kind="stable")
    for members in np.split(order, np.cumsum(np.bincount(owner))[:-1]):
        free = np.flatnonzero(~fixed[:, members[0]])
        if free.size:
            yield Pattern(members, free)


def remainder(factor: Float64Array, fixed: Array) -> Float64Array:
    """Return what the fixed entries of each column leave of a sum of one, (entries,)."""
    left = 1.0 - np.where(fixed, factor, 0.0).sum(axis=0)
    return np.where(left > _LEAST, left, 0.0)


def nearest_fixed_fractions(
    point: Float64Array, fixed: Array, values: Float64Array, groups: Sequence[Pattern] | None = None
) -> Float64Array:
    """Project columns onto the simplex with some entries fixed: the free ones share what the fixed ones leave of one.

    Parameters
    ----------
    point, fixed, values
        Point to project, which entries are fixed, and their values, each (k, entries).
    groups
        The patterns of ``fixed``, if the caller has them.

    Examples
    --------
    >>> import numpy as np
    >>> fixed = np.array([[True], [False], [False]])
    >>> nearest_fixed_fractions(np.array([[9.0], [0.5], [0.1]]), fixed, np.full((3, 1), 0.2)).ravel().round(2).tolist()
    [0.2, 0.6, 0.2]
    """
    nearest = np.where(fixed, values, 0.0)
    left = remainder(nearest, fixed)
    for one in patterns(fixed) if groups is None else groups:
        size = left[one.columns]
        divisor = np.where(size > 0, size, 1.0)
        nearest[one.block] = Simplex().project(point[one.block] / divisor) * size
    return nearest
