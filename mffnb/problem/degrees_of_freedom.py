"""How many numbers of an answer the data were free to choose: what information criteria count."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mffnb.typing import Float64Array

_FLOOR = 1e-3  # of an even spectrum: a channel without counts tells nothing for certain


def freedom(abundances: Float64Array, endmembers: Float64Array, left: float = 1.0) -> float:
    r"""Degrees of freedom of A E, :math:`\min\bigl(s \, n_A + n_E - k,\; k (s n + m - k)\bigr)`.

    :math:`n_A` and :math:`n_E` count entries that are not zero: those that a bound or an L1 penalty holds at zero are
    not free (Meyer & Woodroofe 2000, Ann. Stat. 28:1083; Zou et al. 2007, Ann. Stat. 35:2173), and k numbers only shift
    the scale between A and E. No product of rank k has more than k (n + m - k), since :math:`k^2` numbers only mix
    components. s is the share of A's freedom that smoothness leaves, see :func:`left_by_smoothness`.

    Parameters
    ----------
    abundances, endmembers
        A (k, n pixels) and E (k, m channels).
    left
        s.

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
    r"""Share of the freedom of A that :math:`\frac{\lambda}{2} \operatorname{tr}(A L A^T)` leaves.

    .. math:: \frac{1}{k n} \sum_{j=1}^{k} \sum_{i=1}^{n} \frac{g_j}{g_j + \lambda \mu_i}

    the trace of the matrix that turns data into fit, with the eigenvalues g of :math:`E E^T` and :math:`\mu` of the
    Laplacian of a pixel grid. Source: Hastie & Tibshirani 1990, Generalized Additive Models, section 3.5.

    Parameters
    ----------
    gram
        E E^T (k, k), in the scale in which the weight is meant.
    weight
        lambda.
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
    for length in axes:  # of a line whose ends are mirrored
        mu = np.add.outer(mu, (1 - np.cos(np.pi * np.arange(length) / length)) / len(axes)).ravel()
    with np.errstate(invalid="ignore"):
        shares = values[:, None] / (values[:, None] + weight * mu)
    return float(np.nan_to_num(shares, nan=1.0).mean())


@dataclass(frozen=True)
class Smoothed:
    """What smoothness was asked for, and where.

    Attributes
    ----------
    weight
        lambda.
    map_shape
        Lengths of the pixel dimensions.
    fractions
        Whether abundances sum to one, with a gain or without.
    counts
        Whether the misfit is that of Poisson counts.
    """

    weight: float
    map_shape: tuple[int, ...]
    fractions: bool = False
    counts: bool = False

    def left(self, abundances: Float64Array, endmembers: Float64Array) -> float:
        """Share of the freedom of A (k, pixels) that is left beside E (k, channels), in whatever units they have."""
        if self.weight == 0:
            return 1.0
        A, E = abundances, endmembers
        mean = A.mean(axis=1) @ E
        # The weight is meant in a scale where pixels have a mean square of one, or else endmembers a norm of one.
        square = float(np.vdot(A @ A.T, E @ E.T)) / A.shape[1] if self.fractions else (E**2).sum(axis=1).max()
        unit = E / np.sqrt(square or 1.0)
        # A channel tells the less of each count, the more counts it has: Fisher's information of Poisson counts.
        level = np.maximum(mean / (mean.sum() or 1.0), _FLOOR / len(mean)) if self.counts else np.ones(len(mean))
        return left_by_smoothness((unit / level) @ unit.T, self.weight, self.map_shape)
