"""Degrees of freedom of a factorization, for information criteria."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mffnb.typing import Float64Array

# lower bound of the expected counts of a channel, relative to a flat spectrum; it limits the Fisher information
_FLOOR = 1e-3


def freedom(abundances: Float64Array, endmembers: Float64Array, left: float = 1.0) -> float:
    r"""Return the degrees of freedom of A E, :math:`\min\bigl(s \, n_A + n_E - k,\; k (s n + m - k)\bigr)`.

    :math:`n_A` and :math:`n_E` are the numbers of non-zero entries. Entries that a bound or an L1 penalty sets to zero
    are not free (Meyer & Woodroofe 2000, Ann. Stat. 28:1083; Zou et al. 2007, Ann. Stat. 35:2173), and k numbers only
    shift scale between A and E. A product of rank k has at most k (n + m - k) degrees of freedom, since :math:`k^2`
    numbers only mix components. s is the fraction of A's degrees of freedom that smoothness leaves, see
    :func:`left_by_smoothness`.

    Parameters
    ----------
    abundances, endmembers
        A (k, n pixels) and E (k, m channels).
    left
        s, the fraction of the degrees of freedom of A that remains under the smoothness penalty.

    Examples
    --------
    >>> import numpy as np
    >>> freedom(np.ones((2, 10)), np.ones((2, 6))), freedom(np.eye(2, 10), np.ones((2, 6)))
    (28.0, 12.0)
    """
    (k, n), m = abundances.shape, endmembers.shape[1]
    entries = left * np.count_nonzero(abundances) + np.count_nonzero(endmembers) - k
    return float(min(entries, k * (left * n + m - k)))


def left_by_smoothness(gram: Float64Array, weight: float, map_shape: tuple[int, ...]) -> float:
    r"""Return the share of degrees of freedom of A left by :math:`\frac{\lambda}{2} \operatorname{tr}(A L A^T)`.

    .. math:: \frac{1}{k n} \sum_{j=1}^{k} \sum_{i=1}^{n} \frac{g_j}{g_j + \lambda \mu_i}

    This is the trace of the smoother matrix, with the eigenvalues g of :math:`E E^T` and :math:`\mu` of the Laplacian
    of a pixel grid. Source: Hastie & Tibshirani 1990, Generalized Additive Models, section 3.5.

    Parameters
    ----------
    gram
        E E^T (k, k), in the scale of the weight.
    weight
        lambda, weight of the smoothness penalty.
    map_shape
        Lengths of the pixel dimensions.

    Examples
    --------
    >>> import numpy as np
    >>> [round(left_by_smoothness(np.eye(2), weight, (30, 40)), 2) for weight in (0.0, 1.0, 100.0)]
    [1.0, 0.55, 0.02]
    """
    if weight == 0:
        return 1.0
    values = np.maximum(np.linalg.eigvalsh(gram), 0.0)
    axes = [length for length in map_shape if length > 1]
    mu = np.zeros(1)
    for length in axes:  # eigenvalues of the Laplacian of a path graph; those of a grid are their sums
        mu = np.add.outer(mu, (1 - np.cos(np.pi * np.arange(length) / length)) / len(axes)).ravel()
    with np.errstate(invalid="ignore"):
        shares = values[:, None] / (values[:, None] + weight * mu)
    return float(np.nan_to_num(shares, nan=1.0).mean())


@dataclass(frozen=True)
class Smoothed:
    """Smoothness penalty of a run and the shape of its map.

    Attributes
    ----------
    weight
        lambda, weight of the smoothness penalty.
    map_shape
        Lengths of the pixel dimensions.
    fractions
        Whether abundances sum to one, with or without a gain.
    counts
        Whether the misfit is that of Poisson counts.
    """

    weight: float
    map_shape: tuple[int, ...]
    fractions: bool = False
    counts: bool = False

    def fraction_left(self, abundances: Float64Array, endmembers: Float64Array) -> float:
        """Return the fraction of the degrees of freedom of A that smoothness leaves, for factors in any units."""
        if self.weight == 0:
            return 1.0
        A, E = abundances, endmembers
        mean = A.mean(axis=1) @ E
        # The weight applies to pixels with a mean square of one if abundances are fractions, and to endmembers with a
        # norm of one otherwise.
        square = float(np.vdot(A @ A.T, E @ E.T)) / A.shape[1] if self.fractions else (E**2).sum(axis=1).max()
        unit = E / np.sqrt(square or 1.0)
        # The Fisher information of Poisson counts is inversely proportional to their mean.
        level = np.maximum(mean / (mean.sum() or 1.0), _FLOOR / len(mean)) if self.counts else np.ones(len(mean))
        return left_by_smoothness((unit / level) @ unit.T, self.weight, self.map_shape)
