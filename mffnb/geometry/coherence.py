r"""Count the components of a mixture by spatial autocorrelation (minimum/maximum autocorrelation factors).

Let W be the adjacency matrix of the pixel graph, D the diagonal matrix of its degrees, and
:math:`P = D^{-1/2} W D^{-1/2}`. Images :math:`f = X v` that maximise

.. math:: \rho = \frac{f^T P^3 f}{f^T f}

one after the other are the spatially smoothest orthogonal combinations of the channels. On a grid, a walk of three
steps never returns to its start. A pixel is therefore not compared with itself: the noise variance does not enter.

Noise that is independent from pixel to pixel gives values of rho that are symmetric about zero, even if its variance
differs between pixels and channels. The abundance map of a component is smooth, and its rho is close to 1. The most
negative value therefore estimates the largest positive value that noise produces. The number of values above it is k
for data of the form X = A E + noise. The noise level need not be known.

Noise that neighbouring pixels share (interpolation, drift correction, a detector that blurs) gives values that spread
about a positive centre. Such a centre is recognised by the median of the values. White noise on the same pixels,
blurred until its values have that centre, then shows how far above the centre noise reaches.

Source: Switzer & Green 1984 (minimum/maximum autocorrelation factors); Green et al. 1988, IEEE TGRS 26:65 (minimum
noise fraction). The threshold from the symmetry of the noise is this package's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg

from mffnb.graphs import Graph
from mffnb.matrices import Scaled
from mffnb.matrices.svd import randomized_svd
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Float64Array

_PROBES = 64  # number of random vectors that estimate the variance of the noise
_STEPS = 3  # exponent of P in rho; must be odd. A larger one detects fainter images but misses finer ones.
_DIRECTIONS, _SPARE = 64, 20  # leading singular vectors of X that are searched: at least 64, or 20 more than requested
_PIXELS = 10  # smallest number of pixels per singular vector; with fewer, noise can be combined into a smooth image
_FEWEST = 10  # fewest values of noise from which its centre is estimated
_SURE = 4.0  # standard errors by which the centre of correlated noise exceeds zero
_BLURS = 40  # largest number of blurring steps: a standard deviation of about three pixels
_SMOOTH = 20  # blurring steps of an image that is as smooth as signal
_MARGIN = 1.15  # the edge of blurred noise is known to about this factor (simulated scenes)
_MOST = 0.99  # largest autocorrelation of noise
_APART = 2.0  # if the most negative value exceeds the next one by this ratio, it is not noise


def independent_images(matrix: Matrix, graph: Graph, most: int, seed: int = 0) -> Float64Array:
    r"""Return the spatial autocorrelation of the leading image components, relative to that of noise alone.

    Values far above 1 count as images; :func:`mffnb.selection.scan_rank` uses the threshold 2.

    Parameters
    ----------
    matrix
        Data matrix X, (pixels, channels), complete.
    graph
        Pixel adjacency graph.
    most
        Number of values to return.
    seed
        Seed of the randomized SVD and of the random probes.

    Returns
    -------
    ndarray
        (most,), in descending order: :math:`\rho / (1 - |\rho|)` divided by the same expression for the noise. A single
        value above 1 does not prove spatial correlation, because the mean spectrum also gives an image. Empty if there
        are fewer than ten pixels per requested value.

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
    return SpatialImages.of(matrix, graph, most, seed).ratios


@dataclass(frozen=True, eq=False)
class SpatialImages:
    """The smoothest orthogonal combinations of the channels, and their autocorrelation relative to that of noise.

    Attributes
    ----------
    ratios
        See :func:`independent_images`.
    images
        Orthonormal images (images, pixels), the smoothest one first.
    centre
        Autocorrelation of the noise: 0 unless neighbouring pixels share it.
    """

    ratios: Float64Array
    images: Float64Array
    centre: float

    @classmethod
    def of(cls, matrix: Matrix, graph: Graph, most: int, seed: int = 0) -> SpatialImages:
        """Find the images; the parameters are those of :func:`independent_images`."""
        whitened = noise_whitened(matrix, graph, seed)
        width = min(max(most + _SPARE, _DIRECTIONS), matrix.shape[1], matrix.shape[0] // _PIXELS)
        if width < most:
            return cls(np.empty(0), np.empty((0, matrix.shape[0])), 0.0)
        images = randomized_svd(whitened, width, seed)[0]
        found, turn = linalg.eigh(images @ _stepped(images, graph).T)
        centre, edge = _noise_range(found, graph, most, seed)
        values = np.zeros(min(most, width))
        values[: len(found)] = found[::-1][: len(values)]
        ratios = _signal_to_noise(values, centre) / _signal_to_noise(edge, centre)
        return cls(np.asarray(ratios), turn[:, ::-1].T[: len(values)] @ images, float(centre))


def _stepped(images: Float64Array, graph: Graph) -> Float64Array:
    """Return ``f P^3`` of each image f (images, pixels)."""
    root = 1 / np.sqrt(np.where(graph.degree > 0, graph.degree, np.inf))
    smooth = np.empty_like(images)
    for row, image in zip(smooth, images, strict=True):  # one by one, since each step needs several arrays
        row[:] = image
        for _ in range(_STEPS):
            scaled = row * root
            row[:] = (graph.degree * scaled - graph.times(scaled[None])[0]) * root
    return smooth


def _signal_to_noise(values: Any, centre: float) -> Any:
    """Return the ratio of the variance that is smooth to that of noise with this autocorrelation.

    For white noise it is rho / (1 - abs(rho)), with the sign of rho.
    """
    return (values - centre) / np.maximum(1 - np.abs(values), np.finfo(np.float64).eps)


def _noise_range(values: Float64Array, graph: Graph, most: int, seed: int) -> tuple[float, float]:
    """Return the centre of the autocorrelations (ascending) of noise, and the largest one that noise produces.

    For white noise the centre is zero. The most negative value then gives the edge. A value far below the next one is
    not noise. It is an image of alternating stripes, for example from a scan whose lines have different offsets; it is
    skipped. If too few negative values remain, the estimate is at least three standard deviations of a single value.
    """
    least = 3 / np.sqrt(max(1, len(graph.indices) // 2))
    if len(values) == 0:  # constant channels hold no noise
        return 0.0, least
    # at most half of the values are taken for signal, so that the rest is noise
    noise = values[: len(values) - min(most, len(values) // 2)]
    centre = float(np.median(noise))
    if len(noise) >= _FEWEST and centre > _SURE * float(noise.std()) / np.sqrt(len(noise)):
        blurred = _blurred_noise(centre, len(values) - most // 2, len(noise), graph, seed)
        if blurred is not None:
            middle = float(np.median(blurred[: len(noise)]))
            spread = _depth(noise, centre) / max(_depth(blurred[: len(noise)], middle), np.finfo(np.float64).eps)
            reach = _MARGIN * spread * (blurred[-1] - middle)
            return centre, float(min(centre + max(reach, least), _MOST))
    below = -values[values < 0]
    while len(below) > 1 and below[0] > _APART * below[1]:
        below = below[1:]
    return 0.0, float(max(below[0] if len(below) else 0.0, least))


def smooth_noise(graph: Graph, number: int = 12, seed: int = 0) -> Float64Array:
    """Return smooth random images (number, pixels) of norm 1: white noise, blurred by about two pixels."""
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(40,)))
    noise = generator.standard_normal((number, graph.pixels))
    for _ in range(_SMOOTH):
        noise -= 0.5 * graph.times(noise)
    return np.asarray(noise / np.linalg.norm(noise, axis=1, keepdims=True))


def _depth(values: Float64Array, centre: float) -> float:
    """Return how far values lie below their centre on average."""
    return float(np.maximum(centre - values, 0.0).mean())


def _blurred_noise(centre: float, images: int, lowest: int, graph: Graph, seed: int) -> Float64Array | None:
    """Return the autocorrelations (ascending) of white noise that is blurred until its lowest ones have this median.

    None if that takes more steps to neighbouring pixels than noise can be told apart from signal.
    """
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(38,)))
    noise = generator.standard_normal((images, graph.pixels))
    before: Float64Array | None = None
    for _ in range(_BLURS):
        noise -= 0.5 * graph.times(noise)  # half of each value goes to the neighbours
        basis = linalg.qr(noise.T, mode="economic")[0].T
        found = linalg.eigvalsh(basis @ _stepped(basis, graph).T)
        if np.median(found[:lowest]) >= centre:
            return np.asarray(found if before is None else 0.5 * (found + before))
        before = found
    return None


def noise_whitened(matrix: Matrix, graph: Graph, seed: int) -> Scaled:
    """Return X with each channel divided by the standard deviation of its noise (noise whitening).

    The variance of the noise in a channel is half the mean square of the differences between neighbouring pixels,
    estimated from random signed sums of these differences. A channel without differences is set to zero.
    """
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(32,)))
    here = np.repeat(np.arange(graph.pixels), np.diff(graph.indptr))
    forward = here < graph.indices
    low, high = here[forward], graph.indices[forward]
    squares = np.zeros(matrix.shape[1])
    for _ in range(0, _PROBES, 16):
        sums = np.empty((16, graph.pixels))
        for one in sums:
            signs = generator.integers(0, 2, len(low)) * 2.0 - 1.0
            one[:] = np.bincount(low, signs, graph.pixels) - np.bincount(high, signs, graph.pixels)
        products = matrix.transposed_times(sums)
        squares += np.einsum("pc,pc->c", products, products)
    variance = squares / (2 * _PROBES * max(1, len(low)))
    tiny = np.finfo(np.float64).eps * float(variance.max(initial=0.0))
    precision = np.where(variance > tiny, 1 / np.sqrt(np.where(variance > tiny, variance, 1.0)), 0.0)
    return Scaled(matrix, columns=precision)
