r"""How many independent images the data hold: neighbours share the sample, not the noise.

With W = 1 for neighbouring pixels, D the number of neighbours of each, and :math:`P = D^{-1/2} W D^{-1/2}`, images
:math:`f = X v` are sought that make

.. math:: \rho = \frac{f^T P^3 f}{f^T f}

largest in turn: as smooth, and as independent of each other, as there are. On a grid, three steps from neighbour to
neighbour never end where they began, so that no pixel is compared with itself. Noise that is independent from pixel to
pixel, whatever its size in each of them and in each channel, leaves values that are spread evenly about zero; the image
of a component is smooth at the scale of a pixel and gives a value near one. So the lowest negative value says how large
the positive ones are that noise alone makes, and how many stand above is the number of images: k, where X is A E and
noise. No constant of the noise is asked for.

Source: Switzer & Green 1984 (minimum/maximum autocorrelation factors), Green et al. 1988, IEEE TGRS 26:65; the count by
the symmetry of the noise is our own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg

from mffnb.graphs import Graph
from mffnb.matrices import Scaled
from mffnb.matrices.svd import randomized_svd
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Float64Array

_PROBES = 64
_STEPS = 3  # odd; more see fainter images but miss finer ones
_DIRECTIONS, _SPARE = 64, 20  # among the leading ones of X are all images that can be told from noise
_PIXELS = 10  # for each direction: with few, any image can be made smooth
_APART = 2.0  # times as large: noise alone leaves no such gap at its edge


def independent_images(matrix: Matrix, graph: Graph, most: int, seed: int = 0) -> Float64Array:
    r"""The values above, over the largest that noise alone would make.

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
        Falling, ``most`` of them, of which as many as are far above 1 are images. One is no proof of neighbours that
        are alike: the mean of all pixels is an image too. Each value is :math:`\rho / (1 - |\rho|)` over that of the
        noise. Empty where there are fewer than ten pixels for each.

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
    width = min(max(most + _SPARE, _DIRECTIONS), matrix.shape[1], matrix.shape[0] // _PIXELS)
    if width < most:
        return np.empty(0)
    images = randomized_svd(level, width, seed)[0]
    root = 1 / np.sqrt(np.where(graph.degree > 0, graph.degree, np.inf))
    smooth = images
    for _ in range(_STEPS):
        scaled = smooth * root
        smooth = (graph.degree * scaled - graph.times(scaled)) * root
    found = linalg.eigvalsh(images @ smooth.T)
    values = np.zeros(min(most, width))
    values[: len(found)] = found[::-1][: len(values)]
    return np.asarray(_odds(values) / _odds(_edge(found, graph)))


def _odds(values: Any) -> Any:
    """What neighbours share over what they do not, of either sign."""
    return values / np.maximum(1 - np.abs(values), np.finfo(np.float64).eps)


def _edge(values: Float64Array, graph: Graph) -> float:
    """The largest value that noise makes, from negative ones that rise.

    One that stands far below the next is no noise but an image with stripes, of a scan whose lines differ, say. Where
    hardly any are left, three standard deviations of a single one stand in for the lowest of many.
    """
    below = -values[values < 0]
    while len(below) > 1 and below[0] > _APART * below[1]:
        below = below[1:]
    edges = max(1, len(graph.indices) // 2)
    return float(max(below[0] if len(below) else 0.0, 3 / np.sqrt(edges)))


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
