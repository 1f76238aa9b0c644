"""Which pixels are neighbours, and in which order a solver may visit them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np

from mffnb.kernels import laplacian
from mffnb.typing import Array, Float64Array

_BAND_PIXELS = 1024  # enough work for a thread, few enough for a dozen bands on a 128 x 128 map


def _all_here(rows: Float64Array) -> None:
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
    exchange: Callable[[Float64Array], None] = _all_here

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


def grid(shape: tuple[int, ...], mask: Array | None = None) -> Graph:
    """Nearest neighbours on a pixel grid, in one to four dimensions, C order.

    On a grid with d axes longer than 1 every pixel has ``2 d`` neighbours of weight ``1 / (2 d)``, so that the
    degree is 1; beyond the border, and where a pixel is masked, lies the mirrored pixel itself, which adds nothing to
    the roughness. A smoothness weight thus means the same for any size of map, and a map tiled by mirroring has the
    same answer.

    Bands are groups of whole rows (first axis) whose height depends on the shape alone.

    Parameters
    ----------
    shape
        Lengths of the pixel dimensions.
    mask
        True where a pixel is used, of that shape; the graph then numbers the used pixels only.

    Examples
    --------
    >>> from mffnb.graphs import grid
    >>> g = grid((2, 3))
    >>> g.indices[g.indptr[1]:g.indptr[2]].tolist()   # the neighbours of pixel (0, 1)
    [0, 2, 4]
    >>> g.roughness([[0, 1, 0, 0, 1, 0]])             # four steps of height 1, each of weight 1/4
    1.0
    """
    if not shape or min(shape) < 1:
        raise ValueError(f"a pixel grid needs positive lengths, got {shape}")
    used = np.ones(prod(shape), dtype=bool) if mask is None else np.asarray(mask, dtype=bool).ravel()
    number = np.where(used, np.cumsum(used) - 1, -1).reshape(shape)
    pairs = []
    for axis in range(len(shape)):
        low = number.take(range(shape[axis] - 1), axis).ravel()
        high = number.take(range(1, shape[axis]), axis).ravel()
        both = (low >= 0) & (high >= 0)
        pairs += [(low[both], high[both]), (high[both], low[both])]
    here = np.concatenate([pair[0] for pair in pairs])
    there = np.concatenate([pair[1] for pair in pairs])
    order = np.lexsort((there, here))
    pixels = int(used.sum())
    counts = np.bincount(here, minlength=pixels)
    weight = 1.0 / (2 * max(1, sum(length > 1 for length in shape)))
    row = used.size // shape[0]
    band = row * max(1, _BAND_PIXELS // row)
    limits = np.append(np.arange(0, used.size, band), used.size)
    return Graph(
        indptr=np.concatenate(([0], np.cumsum(counts))),
        indices=there[order].astype(np.int32 if pixels < 2**31 else np.int64),
        weights=np.full(there.size, weight),
        degree=counts.astype(np.float64) * weight,
        bands=np.concatenate(([0], np.cumsum(used)))[limits],
    )
