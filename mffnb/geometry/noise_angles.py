"""Angles by which the noise of the data turns fitted endmembers."""

from __future__ import annotations

import numpy as np

from mffnb.geometry.freedom import EntryNoise
from mffnb.typing import Float64Array


def noise_angles(A: Float64Array, E: Float64Array, noise: EntryNoise) -> Float64Array:
    r"""Compute the angle (rad) by which noise turns each least-squares endmember for given maps, (k,).

    .. math:: \sin \theta_j = \lVert e_j \rVert^{-1} \sqrt{\sum_p B_{jp}^2 v_p \sum_c v_c}, \quad B = (A A^T)^{-1} A

    The noise in pixel p and channel c has the variance :math:`v_p v_c`. Maps have noise too, so it is a lower bound.

    Parameters
    ----------
    A, E
        Maps (k, pixels) and endmembers (k, channels), none of them zero.
    noise
        Variance of the entries of the data.

    Examples
    --------
    >>> noise = EntryNoise(np.ones(4), np.full(9, 0.01))
    >>> noise_angles(np.ones((1, 4)), np.ones((1, 9)), noise).round(3).tolist()
    [0.05]
    """
    if not len(A):
        return np.zeros(0)
    weights = np.linalg.pinv(A @ A.T) @ A
    variance = (weights**2 @ noise.pixels) * noise.channels.sum()
    return np.asarray(np.arcsin(np.minimum(1.0, np.sqrt(variance) / np.linalg.norm(E, axis=1))))
