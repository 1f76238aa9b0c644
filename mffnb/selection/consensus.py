"""Agreement of random restarts on the grouping of pixels: dispersion and cophenetic correlation.

The consensus matrix of R restarts, :math:`C_{ij}`, is the fraction of restarts in which pixels i and j have the same
dominant component (Brunet et al. 2004, PNAS 101:4164). It has pixels x pixels entries and is never built. The
dispersion needs only how many pixels carry each pair of labels in two restarts: R x R contingency tables of k x k
cells.
"""

from __future__ import annotations

import numpy as np
from scipy.cluster.hierarchy import cophenet, linkage
from scipy.spatial.distance import pdist

from mffnb.typing import Array, Float64Array

_PIXELS = 2000  # largest number of pixels: hierarchical clustering needs all pairs, which limits time and memory


def dominant_components(abundances: Array, endmembers: Array) -> Array:
    """Return the index of the dominant component of each pixel, (pixels,); k for a pixel without any component.

    Parameters
    ----------
    abundances, endmembers
        A (k, pixels) and E (k, channels). The dominant component has the largest product of abundance and norm of the
        spectrum, which does not depend on the scale normalisation of A and E.
    """
    size = np.asarray(abundances) * np.linalg.norm(endmembers, axis=1)[:, None]
    return np.where(size.max(axis=0) > 0, size.argmax(axis=0), len(size))


def dispersion(labels: Array) -> float:
    r"""Return the dispersion coefficient of the consensus matrix: 1 if all restarts group the pixels identically.

    .. math:: \rho = \frac{1}{n^2} \sum_{ij} 4 \left(C_{ij} - \tfrac12\right)^2
              = 1 - \frac{4}{n^2} \left(\sum_{ij} C_{ij} - \sum_{ij} C_{ij}^2\right)

    With :math:`n^{rs}_{ab}` the number of pixels that have label a in restart r and label b in restart s, :math:`\sum C
    = \tfrac1R \sum_r \sum_a (n^{rr}_{aa})^2` and :math:`\sum C^2 = \tfrac{1}{R^2} \sum_{rs} \sum_{ab} (n^{rs}_{ab})^2`.
    All sums are exact integers. Source: Kim & Park 2007, Bioinformatics 23:1495.

    Parameters
    ----------
    labels
        Dominant component of each pixel, integers >= 0 of shape (restarts, pixels).

    Examples
    --------
    >>> dispersion(np.array([[0, 0, 1, 1], [1, 1, 0, 0]]))  # the same groups, numbered differently
    1.0
    >>> dispersion(np.array([[0, 0, 1, 1], [0, 1, 0, 1]]))
    0.5
    """
    labels = _checked(labels)
    restarts, pixels = labels.shape
    pairs = sum(_same_label_pairs(row) for row in labels)
    common_pairs = pairs  # the sum starts with the comparison of each restart with itself (r = s)
    for r in range(restarts):
        for s in range(r):
            common_pairs += 2 * _same_label_pairs(labels[r] * (int(labels[s].max()) + 1) + labels[s])
    return 1.0 - 4.0 * float((restarts * pairs - common_pairs) / (restarts**2 * pixels**2))


def cophenetic_correlation(labels: Array, seed: int = 0, pixels: int = _PIXELS) -> float:
    """Return the cophenetic correlation of the consensus: 1 if all restarts group the pixels identically.

    It is the correlation between the distances 1 - C and the cophenetic distances of their hierarchical clustering
    (average linkage). The clustering needs all pairs, so at most ``pixels`` pixels, drawn at random, are used. Source:
    Brunet et al. 2004, PNAS 101:4164.

    Parameters
    ----------
    labels
        Dominant component of each pixel, integers >= 0 of shape (restarts, pixels).
    seed
        Seed of the random draw of pixels.
    pixels
        Largest number of pixels that are compared, at least 3.

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
        return 1.0  # all distances are equal, so that any tree reproduces them
    return float(cophenet(linkage(distances, "average"), distances)[0])


def _same_label_pairs(labels: Array) -> int:
    """Return the number of ordered pairs of pixels with the same label; each pixel is also paired with itself."""
    counts = np.bincount(labels)
    return sum(int(count) ** 2 for count in counts)


def _checked(labels: Array) -> Array:
    """Return the labels as int64; raise ValueError for any other type or number of dimensions."""
    labels = np.asarray(labels)
    if labels.ndim != 2 or labels.size == 0 or labels.dtype.kind not in "iu":
        raise ValueError(f"labels are whole numbers (restarts, pixels), got {labels.dtype} of shape {labels.shape}")
    return labels.astype(np.int64, copy=False)
