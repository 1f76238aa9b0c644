"""The other simplex: where no pixel is pure enough, the true one upside down is as small, and nothing tells them apart.

Three endmembers of which no pixel has more than p fill a hexagon. The inverted triangle around it is (3 p - 1) times as
wide as the true one, so that below p = 2/3 it is the smaller one, and above, not much larger.
"""

from __future__ import annotations

import numpy as np

from mffnb.geometry.facets import fit_facets, simplex_noise
from mffnb.matrices import LowRank
from mffnb.typing import Float64Array

_MAX_VOLUME_RATIO = 1.75  # in volume: with three endmembers, down from p = 0.77
_OUTLIER_FRACTION = 1e-3


def fit_inverted_simplex(data: LowRank, endmembers: Float64Array, seed: int) -> Float64Array | None:
    """Corners (k, channels) of the smallest simplex near the inverted one; None if it is clearly larger.

    Parameters
    ----------
    data
        Pixels near a (k - 1)-dimensional flat.
    endmembers
        Corners (k, channels) of the smallest simplex.
    seed
        Of the choice of pixels, where there are many.
    """
    k = len(endmembers)
    if k < 3:
        return None  # a line is itself the other way round
    points, directions = data.left[:k], data.right[:k]
    corners, noise = endmembers @ directions.T, simplex_noise(data, k)
    _, smallest = fit_facets(points, corners, noise, seed)
    turned, objective = fit_facets(points, invert_corners(points, corners), noise, seed)
    if objective > smallest + np.log(_MAX_VOLUME_RATIO):
        return None
    return np.asarray(np.maximum(turned @ directions, 0.0))


def invert_corners(points: Float64Array, corners: Float64Array) -> Float64Array:
    """Corners (k, dimensions) of a simplex turned upside down, just large enough for points (dimensions, pixels)."""
    k = len(corners)
    centre = corners.mean(axis=0)
    turned = np.vstack([(2 * centre - corners).T, np.ones(k)])
    fractions = np.linalg.lstsq(turned, np.vstack([points, np.ones(points.shape[1])]), rcond=None)[0]
    size = 1.0 - k * min(0.0, float(np.quantile(fractions, _OUTLIER_FRACTION)))
    return np.asarray(centre - size * (corners - centre))
