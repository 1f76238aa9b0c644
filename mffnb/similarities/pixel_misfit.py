"""Misfit of each pixel in units of the noise: chi, or the root of the deviance of counts over its expectation."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.special import gammaln, xlogy

from mffnb.protocols.matrix import Matrix
from mffnb.similarities.banded_misfit import dense_bands
from mffnb.similarities.noise_models import robust_noise_level
from mffnb.transforms import Mapped
from mffnb.typing import Float64Array

_SMALLEST = 1e-3  # smallest model of a count, as a fraction of the mean: the deviance from zero is infinite
_INFINITY, _DROPPED = 0x7F800000, 15  # bits of infinity as float32, and number of bits of a mean that are dropped


def pixel_misfit(
    matrix: Matrix,
    abundances: Float64Array,
    endmembers: Float64Array,
    *,
    counts: bool,
    gain: Float64Array | None = None,
    mapped: Mapped | None = None,
    noise: float | None = None,
) -> Float64Array:
    r"""Return the misfit of each pixel in units of the noise: about 1 where the model describes the data.

    For constant noise it is chi, the root mean square of the residual over the m observed channels, divided by the
    noise level :math:`\sigma`. For counts x with the model y it is the root of the deviance d over its expectation for
    Poisson counts with the mean y, which is about 1 for many counts and :math:`-2 y \log y` for few:

    .. math:: \chi_i = \Bigl( \frac{\sum_j w_{ij} (x_{ij} - y_{ij})^2}{m \sigma^2} \Bigr)^{1/2}, \qquad
       d_i = \Bigl( \frac{\sum_j w_{ij} d(x_{ij}, y_{ij})}{\sum_j w_{ij} \langle d(n, y_{ij}) \rangle_n} \Bigr)^{1/2},
       \quad d(x, y) = 2 \bigl[ x \log (x / y) - x + y \bigr]

    Parameters
    ----------
    matrix
        X, (pixels, channels), in this process.
    abundances, endmembers
        A (k, pixels) and E (k, channels).
    counts
        Whether the noise is that of counts.
    gain
        Gain of each pixel, (pixels,), or None.
    mapped
        Transform between A E and the model, or None.
    noise
        Noise level; None to estimate it, see :func:`mffnb.similarities.noise_models.robust_noise_level`.

    Returns
    -------
    ndarray
        One value for each pixel; NaN for a pixel without observed channels.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.matrices import in_memory
    >>> rng = np.random.default_rng(0)
    >>> A, E = rng.random((2, 300)), rng.random((2, 40))
    >>> X = A.T @ E + rng.normal(0, 0.1, (300, 40))
    >>> X[7] += 1.0
    >>> chi = pixel_misfit(in_memory(X), A, E, counts=False)
    >>> int(chi.argmax()), bool(0.8 < np.median(chi) < 1.2)
    (7, True)
    """
    level = robust_noise_level(matrix) if noise is None and not counts else noise or 1.0
    lowest = _SMALLEST * float(abundances.mean(axis=1) @ endmembers.mean(axis=1)) if counts else 0.0
    found = np.empty(abundances.shape[1])
    for here, x, weights in dense_bands(matrix):
        model = abundances[:, here].T @ endmembers
        model = model if gain is None else model * gain[here, None]
        model = model if mapped is None else mapped.apply(model)
        if counts:
            model = np.maximum(model, lowest)
            losses, expected = _deviance(x, model), _expected_deviance(model)
        else:
            losses, expected = (x - model) ** 2, np.full(x.shape, level**2)
        w = np.ones(1) if weights is None else weights
        whole = (expected * w).sum(axis=1)
        ratio = np.maximum((losses * w).sum(axis=1), 0.0) / np.where(whole > 0, whole, 1.0)
        found[here] = np.where(whole > 0, np.sqrt(ratio), np.nan)
    return found


def _deviance(x: Float64Array, mean: Float64Array) -> Float64Array:
    """Return the deviance of counts from their means; the logarithm is computed only where there are counts."""
    deviance, some = mean - x, x > 0
    deviance[some] += x[some] * np.log(x[some] / mean[some])
    deviance *= 2
    return deviance


def _expected_deviance(mean: Float64Array) -> Float64Array:
    """Return the expectation of the deviance of Poisson counts with these means, to 0.4 %.

    It is taken from a table whose index is exponent and first eight bits of the mean as float32, since a logarithm of
    each mean takes ten times as long.
    """
    expected: Float64Array = _table()[mean.astype(np.float32).view(np.int32) >> _DROPPED]
    return expected


@cache
def _table() -> Float64Array:
    """Expected deviance for the means in the middle of the intervals between numbers of eight bits."""
    means = np.geomspace(1e-8, 1e3, 221)
    count = np.arange(1500.0)[:, None]
    chance = np.exp(xlogy(count, means) - means - gammaln(count + 1))
    deviances = (chance * 2 * (xlogy(count, count / means) - count + means)).sum(axis=0)
    middles = (np.arange(_INFINITY >> _DROPPED, dtype=np.int32) << _DROPPED) + (1 << (_DROPPED - 1))
    expected: Float64Array = np.exp(np.interp(np.log(middles.view(np.float32)), np.log(means), np.log(deviances)))
    return expected
