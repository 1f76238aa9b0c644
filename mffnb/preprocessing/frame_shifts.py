"""Shift between two images by the normalised cross-correlation of their overlap, with missing pixels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy

from mffnb.typing import Array, Float64Array

_SMOOTHING = 0.7  # standard deviation in pixels; a lattice with a period of four pixels keeps half of its contrast


class Shift(NamedTuple):
    """Position of the origin of the reference in the other image, (rows, columns), and the correlation there."""

    shift: tuple[int, int]
    correlation: float


def relative_shift(reference: Float64Array, image: Float64Array, overlap: float) -> Shift:
    r"""Return the shift s that maximises the correlation of ``reference[r]`` and ``image[r + s]`` over their overlap.

    Means and variances are those of the overlap, so bright borders have no influence. Source: Padfield 2012, IEEE
    Trans. Image Process. 21:2706, "Masked object registration in the Fourier domain".

    Parameters
    ----------
    reference, image
        Images of the same shape; NaN where a pixel is missing.
    overlap
        Smallest share of the largest overlap of known pixels that a shift may leave.
    """
    shape = tuple(scipy.fft.next_fast_len(2 * length - 1, real=True) for length in image.shape)
    images = reference, image
    known = [np.isfinite(one) for one in images]
    values = [_smoothed(one, seen) for one, seen in zip(images, known, strict=True)]
    f_known, g_known = (scipy.fft.rfft2(one.astype(np.float64), shape) for one in known)
    f, g = (scipy.fft.rfft2(one, shape) for one in values)
    f_square, g_square = (scipy.fft.rfft2(one**2, shape) for one in values)

    def correlated(one: Array, other: Array) -> Float64Array:
        return np.asarray(scipy.fft.irfft2(np.conj(one) * other, shape))

    count = np.maximum(np.rint(correlated(f_known, g_known)), 1e-9)
    f_sum, g_sum = correlated(f, g_known), correlated(f_known, g)
    product = correlated(f, g) - f_sum * g_sum / count
    spread = (correlated(f_square, g_known) - f_sum**2 / count) * (correlated(f_known, g_square) - g_sum**2 / count)
    allowed = (count >= overlap * count.max()) & (spread > 1e-12 * spread.max())
    if not allowed.any():
        return Shift((0, 0), 0.0)
    correlation = np.where(allowed, product / np.sqrt(np.where(allowed, spread, 1.0)), -np.inf)
    row, column = np.unravel_index(int(correlation.argmax()), shape)
    down, right = (
        int(at) - size if at >= length else int(at)
        for at, size, length in zip((row, column), shape, image.shape, strict=True)
    )
    return Shift((down, right), float(correlation[row, column]))


def _smoothed(image: Float64Array, known: Array) -> Float64Array:
    """Return an image less its mean, smoothed by less than a pixel because noise is white; 0 where it is missing."""
    from scipy.ndimage import gaussian_filter  # noqa: PLC0415  slow import, needed for this step only

    if not known.any():
        return np.zeros(image.shape)
    centred = np.where(known, image - image[known].mean(), 0.0)
    weight = np.maximum(gaussian_filter(known.astype(np.float64), _SMOOTHING), 1e-9)
    return np.where(known, gaussian_filter(centred, _SMOOTHING) / weight, 0.0)
