"""Detection of an ambiguous minimum-volume simplex: the inverted simplex may be as small as the true one.

If no pixel is pure enough, the data do not distinguish the two simplices. For three endmembers and largest abundance p,
the pixels fill a hexagon. The inverted triangle around it is (3 p - 1) times as wide as the true one: smaller below p =
2/3, and not much larger above.
"""

from __future__ import annotations

import numpy as np

from mffnb.geometry.facets import fit_facets, simplex_noise
from mffnb.matrices import LowRank
from mffnb.typing import Float64Array

_MAX_VOLUME_RATIO = 1.75  # largest ratio of volumes: for three endmembers this corresponds to p = 0.77
_OUTLIER_FRACTION = 1e-3


def fit_inverted_simplex(data: LowRank, endmembers: Float64Array, seed: int) -> Float64Array | None:
    """Fit a simplex from inverted vertices; return its endmembers (k, channels), or None if it is clearly larger.

    Parameters
    ----------
    data
        Compressed pixels near a (k - 1)-dimensional affine subspace.
    endmembers
        Vertices (k, channels) of the minimum-volume simplex.
    seed
        Seed of the random subset of pixels, if there are many.
    """
    k = len(endmembers)
    if k < 3:
        return None  # the inversion of a line segment is the segment itself
    points, directions = data.left[:k], data.right[:k]
    vertices, noise = endmembers @ directions.T, simplex_noise(data, k)
    if np.linalg.matrix_rank(np.hstack([vertices, np.ones((k, 1))])) < k:
        return None  # endmembers of very noisy data may coincide, and span no simplex
    _, smallest = fit_facets(points, vertices, noise, seed)
    inverted, objective = fit_facets(points, invert_vertices(points, vertices), noise, seed)
    if objective > smallest + np.log(_MAX_VOLUME_RATIO):
        return None
    return np.asarray(np.maximum(inverted @ directions, 0.0))


def invert_vertices(points: Float64Array, vertices: Float64Array) -> Float64Array:
    """Reflect vertices (k, dimensions) at their mean, and scale them to enclose points (dimensions, pixels)."""
    k = len(vertices)
    centre = vertices.mean(axis=0)
    inverted = np.vstack([(2 * centre - vertices).T, np.ones(k)])
    fractions = np.linalg.lstsq(inverted, np.vstack([points, np.ones(points.shape[1])]), rcond=None)[0]
    size = 1.0 - k * min(0.0, float(np.quantile(fractions, _OUTLIER_FRACTION)))
    return np.asarray(centre - size * (vertices - centre))
