r"""Pixels that sum to one only up to a gain, brought to one size: their cone of mixtures becomes a simplex.

.. math:: \tilde x_i = w_i\, x_i / |x_i|, \quad w_i \propto |x_i|^{1/2}, \qquad
          g_i = w_i \max\Bigl(\frac{\sum_b x_{ib}}{\sqrt{B}\, |x_i|},\, 0.05\Bigr)

The residual of a pixel grows about as the root of its size, so that the weights w even out the noise. Mixtures then lie
on a sphere, and the gain g, for which :math:`\tilde x_i \approx g_i\, a_i E`, projects them on a plane.
"""

from __future__ import annotations

import numpy as np

from mffnb.protocols.matrix import Matrix
from mffnb.typing import Float64Array

_SMALLEST_GAIN = 0.05  # for pixels whose noise is as large as they are
_EMPTY = 1e-10  # of the mean length: nothing is there
_FAINTEST = 1e-6


def perspective(matrix: Matrix) -> tuple[Float64Array, Float64Array]:
    """Factors w / |x| of the pixels, and their gain g, (own pixels,) each.

    The mean square of w is 1 over pixels that are not empty; empty ones get the faintest weight, so that all can be
    divided by.
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
