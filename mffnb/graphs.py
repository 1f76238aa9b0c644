"""Which pixels are neighbours, and in which order a solver may visit them."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from mffnb.kernels import laplacian
from mffnb.typing import Array, Float64Array

_BAND_PIXELS = 1024  # enough work for a thread, few enough for a dozen bands on a 128 x 128 map


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
    """

    indptr: Array
    indices: Array
    weights: Float64Array
    degree: Float64Array
    bands: Array

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return self.degree.size

    def roughness(self, factor: Float64Array) -> float:
        r"""Evaluate :math:`\operatorname{tr}(F L F^T) = \sum_{\text{edges}} w (f_i - f_{i'})^2`."""
        rows = np.atleast_2d(np.asarray(factor, dtype=np.float64))
        return float(laplacian.roughness(rows, self.indptr, self.indices, self.weights))


def grid(shape: tuple[int, ...]) -> Graph:
    """Nearest neighbours on a pixel grid, in one to four dimensions, C order.

    Every pixel has ``2 * len(shape)`` neighbours of weight ``1 / (2 * len(shape))``, so that the degree is 1;
    beyond the border lies the mirrored pixel itself, which adds nothing to the roughness. A smoothness weight
    thus means the same for any size of map, and a map tiled by mirroring has the same answer.

    Bands are groups of whole rows (first axis) whose height depends on the shape alone.

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
    number = np.arange(prod(shape)).reshape(shape)
    pairs = []
    for axis in range(len(shape)):
        low = number.take(range(shape[axis] - 1), axis).ravel()
        high = number.take(range(1, shape[axis]), axis).ravel()
        pairs += [(low, high), (high, low)]
    here = np.concatenate([pair[0] for pair in pairs])
    there = np.concatenate([pair[1] for pair in pairs])
    order = np.lexsort((there, here))
    counts = np.bincount(here, minlength=number.size)
    weight = 1.0 / (2 * len(shape))
    row = number.size // shape[0]
    band = row * max(1, _BAND_PIXELS // row)
    return Graph(
        indptr=np.concatenate(([0], np.cumsum(counts))),
        indices=there[order].astype(np.int32 if number.size < 2**31 else np.int64),
        weights=np.full(there.size, weight),
        degree=counts.astype(np.float64) * weight,
        bands=np.append(np.arange(0, number.size, band), number.size),
    )
