"""Which pixels are neighbours, and in which order a solver may visit them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from mffnb.kernels import laplacian
from mffnb.typing import Array, Float64Array


def _no_exchange(rows: Float64Array) -> None:
    """Nothing to fetch: all pixels are in this process."""


@dataclass(frozen=True, eq=False)
class Graph:
    r"""Weighted neighbours of every pixel, with Laplacian :math:`L = D - W`.

    Attributes
    ----------
    indptr, indices, weights
        W in compressed rows: pixel i has neighbours ``indices[indptr[i]:indptr[i + 1]]``.
    degree
        Diagonal of D, (pixels,).
    bands
        Limits of consecutive groups of pixels, (bands + 1,). A band touches only the band before and the band
        after it, so all even bands can be updated at once, then all odd ones.
    first_band
        Number of the first band: even or odd matters where this is part of a larger graph.
    ghosts
        Number of pixels that live in other processes and are neighbours of pixels here; their indices follow.
    exchange
        Fills the ghost columns of an array (..., pixels + ghosts) with what their owners hold now.
    """

    indptr: Array
    indices: Array
    weights: Float64Array
    degree: Float64Array
    bands: Array
    first_band: int = 0
    ghosts: int = 0
    exchange: Callable[[Float64Array], None] = field(default=_no_exchange, repr=False)

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return self.degree.size

    def with_ghosts(self, factor: Float64Array) -> Float64Array:
        """Copy a factor (k, pixels) with room for the ghosts behind it, filled."""
        rows = np.empty((len(factor), self.pixels + self.ghosts))
        rows[:, : self.pixels] = factor
        self.exchange(rows)
        return rows

    def times(self, factor: Float64Array) -> Float64Array:
        """``F L`` for a factor (k, pixels)."""
        rows = self.with_ghosts(factor) if self.ghosts else factor
        product: Float64Array = laplacian.times(rows, self.indptr, self.indices, self.weights)
        return product

    def roughness(self, factor: Float64Array) -> float:
        r"""Evaluate :math:`\operatorname{tr}(F L F^T) = \sum_{\text{edges}} w (f_i - f_{i'})^2` for the pixels here."""
        rows = np.atleast_2d(np.asarray(factor, dtype=np.float64))
        if self.ghosts:
            rows = self.with_ghosts(rows)
        return float(laplacian.roughness(rows, self.indptr, self.indices, self.weights))
