"""Rotational ambiguity: how much of one endmember can be added to another one without significant negative entries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from mffnb.matrices import Gathered, Partial, Selection, in_memory, selected
from mffnb.matrices.local import CACHE_BYTES, band_limits
from mffnb.matrices.partial import impute_model
from mffnb.protocols.matrix import Matrix
from mffnb.stability.replicas import Noise
from mffnb.stability.spread import rescaled_to
from mffnb.typing import Array, Float64Array
from mffnb.unmixing.record import in_force
from mffnb.unmixing.result import Unmixing

_SURE = 2.0  # number of standard errors above which negative entries are significant
# number of bisection steps for t, which starts at 0 and is at most 1 (equal parts of two unit-norm spectra)
_HALVINGS = 12
# lower bound of a variance, as a fraction of the mean variance, so that no channel gets an infinite weight
_FLOOR = 1e-3
_SELECTING_TERMS = ("volume", "sparsity", "smoothness", "terms")


@dataclass(frozen=True, eq=False)
class Reach:
    """Range of each endmember due to rotational ambiguity: deviations from the result that fit the data equally well.

    Attributes
    ----------
    below, above
        Deviation downwards and upwards, >= 0, ("component", channel dims), in the units of the data.
    """

    below: xr.DataArray
    above: xr.DataArray

    def widen(self, lower: xr.DataArray, upper: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
        """Return the noise band, given by its ends, widened by the ambiguity; a lower end that was >= 0 stays >= 0.

        The ends of the ambiguity range have the same sampling error as the result itself, so the two widths are added:
        Imbens & Manski 2004, Econometrica 72:1845.
        """
        low = lower.values - self.below.values
        low = np.where(lower.values >= 0, np.maximum(low, 0.0), low)
        return lower.copy(data=low), upper.copy(data=upper.values + self.above.values)


def reach_of(cube: xr.DataArray, answer: Unmixing, noise: Noise) -> Reach:
    r"""Compute the rotational ambiguity of each endmember: mix pairs until entries are negative beyond the noise.

    The product A E does not change under

    .. math:: e_i \to e_i + t\, e_j, \qquad a_j \to a_j - t\, a_i

    Only the signs limit t: it is too large if entries of :math:`a_j - t a_i` are negative, or for negative t if entries
    of :math:`e_i + t e_j` are negative (Lawton & Sylvestre 1971, Technometrics 13:617).

    With noise, an unconstrained estimate of a true zero is negative in half of all cases, and its mean square in units
    of its variance is 1. So t is increased until this mean square over the m negative entries exceeds both its value at
    t = 0 and :math:`1 + 2 \sqrt{2 / m}` (two standard errors). For a unique factorization this is about the one-sided
    error that noise causes next to zeros.

    The range is zero if a penalty or a volume term selects one of the equivalent solutions, because that is an
    assumption and no property of the data; :mod:`mffnb.stability.bias` is for these. It is also zero after
    preprocessing or a transformation, where it is not computed.

    Parameters
    ----------
    cube
        The labelled data.
    answer
        Result of the fit to these data.
    noise
        Noise model of the data.

    Examples
    --------
    >>> import numpy as np, mffnb as mf
    >>> from mffnb.stability import noise_of
    >>> E = np.array([[900.0, 400, 100, 100], [0, 300, 500, 800]])  # e_0 - t e_1 is possible
    >>> A = np.random.default_rng(0).dirichlet(np.ones(2), (5, 8))
    >>> answer = mf.unmix(np.random.default_rng(1).poisson(A @ E), 2, random_state=0)
    >>> reach = reach_of(answer.cube, answer, noise_of(answer.cube, answer))
    >>> bool((reach.below >= 0).all() and (reach.above >= 0).all() and (reach.above > 0).any())
    True
    """
    spectra = _rows(answer.endmembers)
    below, above = np.zeros_like(spectra), np.zeros_like(spectra)
    pixels, channels = (np.isfinite(_rows(one)[0]) for one in (answer.abundances, answer.endmembers))
    sizes = np.linalg.norm(spectra[:, channels], axis=1)
    # A component that is zero everywhere cannot be mixed with others: leave it out.
    if answer.processed is not None or _determined_by_penalty(answer) or not sizes.all():
        return _reach(answer, below, above)
    E, A = spectra[:, channels] / sizes[:, None], _rows(answer.abundances)[:, pixels] * sizes[:, None]
    if answer.gain is not None:
        A = A * np.asarray(answer.gain.values, dtype=np.float64).ravel()[pixels]
    X = _observed(cube.transpose(*answer.abundances.dims[1:], *answer.endmembers.dims[1:]), pixels, channels, A, E)
    fixed = bool(answer.parameters.get("sum_to_one"))
    # known endmembers come first in the result; they are fixed, so that their band of feasible spectra has no width
    known = int(answer.parameters.get("known", 0) or 0)
    for i, j, t in _feasible_mixings(X, A, E, noise):
        if i < known:
            continue
        mixed, alone = E[i : i + 1] + t * E[j], E[i : i + 1]
        mixed = mixed / (1 + t * sizes[i] / sizes[j]) if fixed else rescaled_to(alone, mixed)
        step = sizes[i] * (mixed - alone)[0]
        above[i, channels] = np.maximum(above[i, channels], step)
        below[i, channels] = np.maximum(below[i, channels], -step)
    return _reach(answer, below, above)


def _feasible_mixings(X: Matrix, A: Float64Array, E: Float64Array, noise: Noise) -> Iterator[tuple[int, int, float]]:
    """Yield (i, j, t) for all pairs: the largest t > 0 and the most negative t with which e_j can be added to e_i."""
    of_pixels, of_channels = noise.variance(X, A, E)
    maps = _UnconstrainedFactor.of(X.times, E, of_pixels, of_channels)
    curves = _UnconstrainedFactor.of(X.transposed_times, A, of_channels.T, of_pixels.T)
    for i in range(len(E)):
        for j in range(len(E)):
            if i != j:
                yield i, j, maps.largest_step(j, i)
                if (E[i] >= 0).all():  # endmembers with negative entries have no sign constraint that limits t
                    yield i, j, -curves.largest_step(i, j)


@dataclass(frozen=True, eq=False)
class _UnconstrainedFactor:
    """One factor estimated by weighted least squares without constraints, given the other one, with its covariance.

    Attributes
    ----------
    rows
        Estimate of the factor, (k, n).
    covariances
        Covariance matrix of the k entries of each column, (n, k, k).
    """

    rows: Float64Array
    covariances: Float64Array

    @classmethod
    def of(
        cls,
        times: Callable[[Float64Array], Float64Array],
        basis: Float64Array,
        left: Float64Array,
        right: Float64Array,
    ) -> _UnconstrainedFactor:
        """Fit X (n, m) in the basis (k, m), with variances left @ right of shapes (n, r) and (r, m).

        The function ``times`` computes the product of a matrix (k, m) with the transposed X.
        """
        variance = left.mean(axis=0) @ right
        mean = float(variance.mean())  # zero for a perfect fit, whose channels then all count alike
        weighted = basis / (np.maximum(variance, _FLOOR * mean) if mean > 0 else 1.0)
        inverse = np.linalg.pinv(weighted @ basis.T, hermitian=True) @ weighted
        parts = np.einsum("jm,rm,lm->rjl", inverse, right, inverse, optimize=True)
        return cls(times(np.asarray(inverse, dtype=np.float64)), np.tensordot(left, parts, axes=1))

    def largest_step(self, j: int, i: int) -> float:
        """Return the largest t <= 1 for which negative entries of row j - t * row i are compatible with noise.

        It is found by bisection.
        """
        limit = max(self._negativity(j, i, 0.0))
        t = 0.0
        for step in 0.5 ** np.arange(1, _HALVINGS + 1):
            size, noise = self._negativity(j, i, t + step)
            t += step if size <= max(limit, noise) else 0.0
        return t

    def _negativity(self, j: int, i: int, t: float) -> tuple[float, float]:
        """Return the mean square of negative entries of row j - t * row i over their variance, and its noise limit."""
        C = self.covariances
        variance = C[:, j, j] - 2 * t * C[:, i, j] + t**2 * C[:, i, i]
        off = self.rows[j] - t * self.rows[i]
        negative = (off < 0) & (variance > 0)
        number = max(1, int(negative.sum()))
        size = float((off[negative] ** 2 / variance[negative]).sum()) / number
        return size, 1 + _SURE * float(np.sqrt(2 / number))


def _observed(cube: xr.DataArray, pixels: Array, channels: Array, A: Float64Array, E: Float64Array) -> Matrix:
    """Return the used pixels and channels of a cube, with the model A E in place of missing entries.

    A large cube is not copied.
    """
    X = np.ascontiguousarray(cube.values).reshape(len(pixels), len(channels))
    some = selected(X, *(None if used.all() else used for used in (pixels, channels)))
    if X.dtype.kind == "f" and any(
        np.isnan(some[start:stop]).any() for start, stop in band_limits(some.shape, CACHE_BYTES)
    ):
        return impute_model(Partial(some), A, E)
    return Gathered(some) if isinstance(some, Selection) else in_memory(some)


def _determined_by_penalty(answer: Unmixing) -> bool:
    """Whether a penalty, a volume term or a transformation of the fit selects one of the equivalent solutions."""
    return answer.mapped is not None or is_selected(answer)


def is_selected(answer: Unmixing) -> bool:
    """Whether a penalty, a volume or a term of the user selects one of the equivalent solutions."""
    noted = in_force(answer.parameters)
    return any(noted.get(name) for name in _SELECTING_TERMS)


def _reach(answer: Unmixing, *steps: Float64Array) -> Reach:
    """Create a :class:`Reach` with the labels of the endmembers from two matrices (k, channels)."""
    spectra = answer.endmembers
    return Reach(*(spectra.copy(data=one.reshape(spectra.shape)) for one in steps))


def _rows(factor: xr.DataArray) -> Float64Array:
    """Return a labelled factor as a matrix (k, entries)."""
    return np.asarray(factor.values, dtype=np.float64).reshape(len(factor), -1)
