"""Matching of components: spectral angles, and the assignment with the smallest sum of angles."""

from __future__ import annotations

import numpy as np
import scipy

from mffnb.typing import Array, Float64Array


def spectral_angles(a: Array, b: Array) -> Float64Array:
    r"""Compute the angles :math:`\arccos \frac{a_i \cdot b_j}{\lVert a_i\rVert \lVert b_j\rVert}` between spectra.

    Parameters
    ----------
    a, b
        Spectra, (k_a, channels) and (k_b, channels).

    Returns
    -------
    ndarray of shape (k_a, k_b)
        In rad, 0 to pi. The angle between a zero spectrum and any other is pi / 2, and 0 between two zero spectra.

    Examples
    --------
    >>> spectral_angles([[1, 0], [1, 1]], [[2, 0]]).round(4).tolist()
    [[0.0], [0.7854]]
    """
    unit = []
    for spectra in (np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)):
        largest = np.abs(spectra).max(axis=1, keepdims=True, initial=0.0)
        scaled = spectra / np.where(largest > 0, largest, 1.0)  # so that squares of tiny or huge spectra stay finite
        norm = np.linalg.norm(scaled, axis=1, keepdims=True)
        unit.append(scaled / np.where(norm > 0, norm, 1.0))
    # The angle is computed from sine and cosine of its half, which is accurate for nearly equal spectra; arccos is not.
    difference = np.linalg.norm(unit[0][:, None] - unit[1][None], axis=2)
    total = np.linalg.norm(unit[0][:, None] + unit[1][None], axis=2)
    angles: Float64Array = 2 * np.arctan2(difference, total)
    nothing = [np.asarray(~spectra.any(axis=1)) for spectra in unit]
    angles[nothing[0][:, None] != nothing[1][None]] = np.pi / 2
    return angles


def match(a: Array, b: Array) -> Array:
    """Match spectra by the smallest sum of spectral angles (Hungarian algorithm).

    The result holds, for each spectrum of ``a``, the index of its partner in ``b``.

    Parameters
    ----------
    a, b
        Spectra, (k_a, channels) and (k_b, channels).

    Returns
    -------
    ndarray of int, shape (k_a,)
        -1 for a spectrum without a partner, if ``a`` has more spectra than ``b``.

    Examples
    --------
    >>> match([[1, 0], [0, 1], [1, 1]], [[0, 3], [2, 2.1]]).tolist()
    [-1, 0, 1]
    """
    rows, columns = scipy.optimize.linear_sum_assignment(spectral_angles(a, b))
    partner = np.full(len(a), -1)
    partner[rows] = columns
    return partner
