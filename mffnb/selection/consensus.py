r"""How often restarts put two pixels together.

The consensus matrix of R restarts, :math:`C_{ij}`, is the share of restarts in which pixels i and j have the same
largest component (Brunet et al. 2004, PNAS 101:4164). It has pixels squared entries and is never built: what is asked
of it depends on how many pixels share which labels, so that R x R contingency tables of k x k cells are enough.
"""

from __future__ import annotations

import numpy as np
from scipy.cluster.hierarchy import cophenet, linkage
from scipy.spatial.distance import pdist

from mffnb.typing import Array, Float64Array

_PIXELS = 2000


def dominant_components(abundances: Array, endmembers: Array) -> Array:
    """Number of the component that describes most of each pixel, (pixels,); k where nothing does.

    Parameters
    ----------
    abundances, endmembers
        A (k, pixels) and E (k, channels). A component describes its abundance times the norm of its spectrum, which
        does not depend on how the two share a factor.
    """
    described = np.asarray(abundances) * np.linalg.norm(endmembers, axis=1)[:, None]
    return np.where(described.max(axis=0) > 0, described.argmax(axis=0), len(described))


def dispersion(labels: Array) -> float:
    r"""Dispersion coefficient of the consensus matrix, 1 where all restarts agree.

    .. math:: \rho = \frac{1}{n^2} \sum_{ij} 4 \left(C_{ij} - \tfrac12\right)^2
              = 1 - \frac{4}{n^2} \left(\sum_{ij} C_{ij} - \sum_{ij} C_{ij}^2\right)

    With :math:`n^{rs}_{ab}` pixels of label a in restart r and b in restart s,
    :math:`\sum C = \tfrac1R \sum_r \sum_a (n^{rr}_{aa})^2` and
    :math:`\sum C^2 = \tfrac{1}{R^2} \sum_{rs} \sum_{ab} (n^{rs}_{ab})^2`, in whole numbers. Source: Kim & Park 2007,
    Bioinformatics 23:1495.

    Parameters
    ----------
    labels
        Whole numbers >= 0, (restarts, pixels).

    Examples
    --------
    >>> dispersion(np.array([[0, 0, 1, 1], [1, 1, 0, 0]]))  # the same groups under other names
    1.0
    >>> dispersion(np.array([[0, 0, 1, 1], [0, 1, 0, 1]]))
    0.5
    """
    labels = _checked(labels)
    restarts, pixels = labels.shape
    of_one = sum(_same_label_pairs(row) for row in labels)
    of_two = of_one  # every restart with itself
    for r in range(restarts):
        for s in range(r):
            of_two += 2 * _same_label_pairs(labels[r] * (int(labels[s].max()) + 1) + labels[s])
    return 1.0 - 4.0 * float((restarts * of_one - of_two) / (restarts**2 * pixels**2))


def cophenetic_correlation(labels: Array, seed: int = 0, pixels: int = _PIXELS) -> float:
    """Correlation of the distances 1 - C with those in their tree (average linkage), 1 where all restarts agree.

    A tree needs all pairs: with more than ``pixels`` pixels it is that of as many, drawn by the seed. Source: Brunet
    et al. 2004, PNAS 101:4164.

    Parameters
    ----------
    labels
        Whole numbers >= 0, (restarts, pixels).
    seed
        Of the draw.
    pixels
        Most that are looked at, at least 3.

    Examples
    --------
    >>> cophenetic_correlation(np.array([[0, 0, 1, 1], [1, 1, 0, 0]]))
    1.0
    """
    labels = _checked(labels)
    if labels.shape[1] > pixels:
        generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(30,)))
        labels = labels[:, np.sort(generator.choice(labels.shape[1], pixels, replace=False))]
    distances: Float64Array = pdist(labels.T, "hamming")
    if len(distances) == 0 or np.ptp(distances) == 0:
        return 1.0  # one group, or every pixel its own: any tree says so exactly
    return float(cophenet(linkage(distances, "average"), distances)[0])


def _same_label_pairs(labels: Array) -> int:
    """Pairs of pixels with the same label, in both orders, and each pixel with itself."""
    counts = np.bincount(labels)
    return sum(int(count) ** 2 for count in counts)


def _checked(labels: Array) -> Array:
    labels = np.asarray(labels)
    if labels.ndim != 2 or labels.size == 0 or labels.dtype.kind not in "iu":
        raise ValueError(f"labels are whole numbers (restarts, pixels), got {labels.dtype} of shape {labels.shape}")
    return labels.astype(np.int64, copy=False)
