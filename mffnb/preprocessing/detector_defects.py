"""Search for defective pixels of a two-dimensional detector, in statistics over all patterns."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from mffnb.preprocessing.spike_search import NoiseModel, second_largest
from mffnb.typing import Array, Float64Array

_SHARED = 5.0  # a difference that two neighbours show as well, at a fifth of its size, belongs to the pattern
_LEAST_RATIO = 0.3  # smallest difference relative to the neighbourhood: pixels differ in gain by some percent
_LEAST_NEIGHBOURS = 5
_FALSE_BY_NOISE = 0.01  # expected number of pixels that noise alone makes outlying


def constant_pixels(spread: Float64Array, given: Array) -> Array:
    """Return the pixels whose value is the same in all patterns, while most of their neighbours vary.

    Parameters
    ----------
    spread
        Largest minus smallest value of each detector pixel.
    given
        Pixels that are left out already, and no neighbours.
    """
    return np.asarray((spread == 0) & (_neighbourhood(spread, given) > 0) & ~given)


def outlying_pixels(total: Float64Array, given: Array) -> Array:
    """Return the pixels whose sum over all patterns is far above or below those of their neighbours.

    All but one of the neighbours must lie on the other side, because the median is off in curved patterns. Pixels with
    fewer than five neighbours, as in the corners, are not judged.

    Parameters
    ----------
    total
        Sum of all patterns.
    given
        Pixels that are left out already, and no neighbours.
    """
    from scipy.special import ndtri  # noqa: PLC0415  slow import, needed for this step only

    smooth = _neighbourhood(total, given)
    missing = given | ~np.isfinite(smooth) | ~np.isfinite(total)
    count = sliding_window_view(np.pad(~missing, 1), (3, 3)).sum(axis=(-2, -1)) - ~missing
    base, values = (np.where(missing, 0.0, one) for one in (smooth, total))
    noise = NoiseModel.of(values, base)
    if noise is None:
        return np.zeros(total.shape, bool)
    least = float(-ndtri(_FALSE_BY_NOISE / total.size))
    outlying = np.zeros(total.shape, bool)
    for sign in (1.0, -1.0):
        difference = sign * (values - base)
        shared = _SHARED * np.maximum(second_largest(difference[..., None], missing)[..., 0], 0.0)
        bound = np.maximum(sign * base + shared, second_largest(sign * values[..., None], missing)[..., 0])
        apart = sign * (noise.stabilized(values) - noise.stabilized(sign * bound)) > least
        outlying |= apart & (sign * values - bound > _LEAST_RATIO * np.abs(bound))
    return np.asarray(outlying & ~missing & (count >= _LEAST_NEIGHBOURS))


def _neighbourhood(image: Float64Array, given: Array) -> Float64Array:
    """Return the median of the 5 x 5 neighbourhood of each pixel, without pixels that are left out; NaN if all are."""
    padded = np.pad(np.where(given, np.nan, image), 2, constant_values=np.nan)
    windows = sliding_window_view(padded, (5, 5)).reshape(*image.shape, 25)
    empty = np.isnan(windows).all(axis=-1)
    middle: Float64Array = np.nanmedian(np.where(empty[..., None], 0.0, windows), axis=-1)
    return np.where(empty, np.nan, middle)
