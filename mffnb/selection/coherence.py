r"""How many independent images the data hold: neighbours share the sample, not the noise.

With :math:`W_{ii'}` = 1 for neighbouring pixels, the covariance of each pixel with its neighbours,

.. math:: C = X^T W X,

holds no variance of the noise: where noise is independent from pixel to pixel, whatever its size in each of them and in
each channel, it leaves eigenvalues that are spread evenly about zero. The image of a component is smooth at the scale
of a pixel and gives a positive eigenvalue. So the largest negative eigenvalue says how large the positive ones are that
noise alone makes, and how many stand above is the number of images: k, where X is A E and noise. No constant of the
noise is asked for. Channels are first divided by the standard deviation of the differences between neighbours.

Source: the covariance of neighbours as in Switzer & Green 1984 (minimum/maximum autocorrelation factors); the count
by the symmetry of the noise is our own.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from mffnb.graphs import Graph
from mffnb.matrices import Scaled
from mffnb.protocols import Matrix
from mffnb.typing import Float64Array

_PROBES = 64
_SPARE = 20
_POWER = 4
_APART = 2.0  # times as large: noise alone leaves no such gap at its edge


def independent_images(matrix: Matrix, graph: Graph, most: int, seed: int = 0) -> Float64Array:
    """Eigenvalues of the covariance of neighbours, over the largest that noise alone would make.

    Parameters
    ----------
    matrix
        X, (pixels, channels), complete.
    graph
        Which pixels are neighbours.
    most
        How many are wanted.
    seed
        Of random directions.

    Returns
    -------
    ndarray
        Falling, at most ``most`` of them, of which as many as are far above 1 are images. One is no proof of
        neighbours that are alike: the mean of all pixels is an image too.

    Examples
    --------
    >>> from mffnb.graphs import grid
    >>> from mffnb.matrices import in_memory
    >>> rng = np.random.default_rng(0)
    >>> y, x = np.mgrid[:20, :30] / 20
    >>> fractions = np.stack([y, x, 2.5 - y - x])
    >>> X = fractions.reshape(3, -1).T @ rng.random((3, 40)) + 0.1 * rng.standard_normal((600, 40))
    >>> ratios = independent_images(in_memory(X), grid((20, 30)), 6)
    >>> int((ratios > 2).sum())
    3
    """
    level = levelled(matrix, graph, seed)
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(31,)))
    width = min(most + _SPARE, matrix.shape[1])
    basis = _orthonormal(generator.standard_normal((width, matrix.shape[1])))
    # Only the product of the whole basis is wanted at the end; until then each turns towards the largest.
    for _ in range(_POWER):
        basis = _orthonormal(_covariance_times(level, graph, basis))
    values = linalg.eigvalsh(basis @ _covariance_times(level, graph, basis).T)
    return np.asarray(values[::-1][:most] / _edge(values))


def _edge(values: Float64Array) -> float:
    """The largest eigenvalue that noise makes, from negative ones that rise.

    One that stands far below the next is no noise but an image with stripes, of a scan whose lines differ, say. What
    rounding makes of data without noise is noise as well.
    """
    below = -values[values < 0]
    while len(below) > 1 and below[0] > _APART * below[1]:
        below = below[1:]
    of_rounding = np.finfo(np.float64).eps * float(np.abs(values).max())
    return max(float(below[0]) if len(below) else 0.0, of_rounding, np.finfo(np.float64).tiny)


def _covariance_times(matrix: Scaled, graph: Graph, basis: Float64Array) -> Float64Array:
    """``basis C``, (k, channels)."""
    images = matrix.times(basis)
    return matrix.transposed_times(graph.degree * images - graph.times(images))


def levelled(matrix: Matrix, graph: Graph, seed: int) -> Scaled:
    """X with each channel divided by the standard deviation of its noise, left out where nothing changes.

    The variance of the noise is half the mean square of differences between neighbours, from random sums of them.
    """
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(32,)))
    here = np.repeat(np.arange(graph.pixels), np.diff(graph.indptr))
    forward = here < graph.indices
    low, high = here[forward], graph.indices[forward]
    squares = np.zeros(matrix.shape[1])
    for _ in range(0, _PROBES, 16):
        signs = generator.integers(0, 2, (16, len(low))) * 2.0 - 1.0
        sums = np.stack([np.bincount(low, one, graph.pixels) - np.bincount(high, one, graph.pixels) for one in signs])
        products = matrix.transposed_times(sums)
        squares += np.einsum("pc,pc->c", products, products)
    variance = squares / (2 * _PROBES * max(1, len(low)))
    tiny = np.finfo(np.float64).eps * float(variance.max(initial=0.0))
    precision = np.where(variance > tiny, 1 / np.sqrt(np.where(variance > tiny, variance, 1.0)), 0.0)
    return Scaled(matrix, columns=precision)


def _orthonormal(rows: Float64Array) -> Float64Array:
    return np.ascontiguousarray(linalg.qr(rows.T, mode="economic")[0].T)
