r"""Perspective scaling for data that sum to one up to a gain per pixel: the cone of mixtures becomes a simplex.

.. math:: \tilde x_i = w_i\, x_i / |x_i|, \quad w_i \propto |x_i|^{1/2}, \qquad
          g_i = w_i \max\Bigl(\frac{\sum_b x_{ib}}{\sqrt{B}\, |x_i|},\, 0.05\Bigr)

The residual of a pixel grows about as the square root of its norm, so the weights w equalise the noise. The scaled
mixtures lie on a sphere, and the gain g, with :math:`\tilde x_i \approx g_i\, a_i E`, projects them on a plane.
"""

from __future__ import annotations

import numpy as np

from mffnb.protocols.matrix import Matrix
from mffnb.typing import Float64Array

_SMALLEST_GAIN = 0.05  # smallest gain / w, a direction cosine: limits the effect of pixels dominated by noise
_EMPTY = 1e-10  # relative to the mean norm: pixels of smaller norm count as empty
_FAINTEST = 1e-6


def perspective_factors(matrix: Matrix) -> tuple[Float64Array, Float64Array]:
    """Compute the factors w / |x| of the pixels and their gain g, (own pixels,) each.

    The mean square of w is 1 over pixels that are not empty. Empty pixels get a tiny positive weight, so that all
    weights can be divided by.
    """
    channels = matrix.shape[1]
    length = np.sqrt(matrix.row_squares)
    total = matrix.total
    mean = float(total(np.array(length.sum()))) / matrix.shape[0]
    seen = length > _EMPTY * mean
    safe = np.where(seen, length, 1.0)
    weights = np.sqrt(np.where(seen, length, 0.0))
    squares, pixels = total(np.array([np.sum(weights**2), np.count_nonzero(seen)], dtype=np.float64))
    weights = np.maximum(weights / np.sqrt(squares / pixels) if squares > 0 else weights, _FAINTEST)
    here = matrix.own_columns.stop - matrix.own_columns.start
    slant = matrix.times(np.full((1, here), channels**-0.5))[0] / safe
    return weights / safe, weights * np.maximum(slant, _SMALLEST_GAIN)
