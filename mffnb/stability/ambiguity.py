"""What data leave open: how far one endmember may be mixed into another before entries are negative beyond noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from mffnb.stability.replicas import Noise
from mffnb.stability.spread import sized_like
from mffnb.typing import Array, Float64Array
from mffnb.unmixing.result import Unmixing

_SURE = 2.0  # standard errors
_HALVINGS = 12  # of the longest way, on which as much of another endmember is added as there is of the first
_FLOOR = 1e-3  # of the mean variance: no channel is weighted as if it were known for certain
_CHOOSING = ("volume", "sparsity", "smoothness", "terms")


@dataclass(frozen=True, eq=False)
class Reach:
    """How far below and above the answer an endmember may be for what the data say.

    Attributes
    ----------
    below, above
        At least zero, ("component", channel dims), in the units of the data.
    """

    below: xr.DataArray
    above: xr.DataArray

    def around(self, lower: xr.DataArray, upper: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
        """A band of noise, as much wider; not below zero where it was not.

        An end of what is left open is as uncertain as the answer: Imbens & Manski 2004, Econometrica 72:1845.
        """
        low = lower.values - self.below.values
        low = np.where(lower.values >= 0, np.maximum(low, 0.0), low)
        return lower.copy(data=low), upper.copy(data=upper.values + self.above.values)


def reach_of(cube: xr.DataArray, answer: Unmixing, noise: Noise) -> Reach:
    r"""Find how far each endmember may be mixed into each other one, and what it then looks like.

    The product A E stays the same where

    .. math:: e_i \to e_i + t\, e_j, \qquad a_j \to a_j - t\, a_i

    and nothing but signs decides about t: it is too large when entries of :math:`a_j - t a_i` are negative, or, t being
    negative, those of :math:`e_i + t e_j` (Lawton & Sylvestre 1971, Technometrics 13:617). With noise, and if nothing
    keeps them from it, half of the entries that are truly zero are estimated below zero, and their squares, in
    units of the variance, have the mean 1. So t goes on until this mean over the negative ones, m in number, is more
    than two standard errors, :math:`2 \sqrt{2 / m}`, above 1, or more than it is at t = 0. Where factors are
    unique, that is about as far as noise shifts an answer next to zeros, which can be missed to one side only.

    Nothing is left open where a penalty chooses among such answers, or a volume: that is assumed, and no matter of
    data. After preprocessing, or through a transformation, it is not looked for.

    Parameters
    ----------
    cube
        The data, labelled.
    answer
        What was fitted to it.
    noise
        Of the data.

    Examples
    --------
    >>> import numpy as np, mffnb as mf
    >>> from mffnb.stability import noise_of
    >>> E = np.array([[900.0, 400, 100, 100], [0, 300, 500, 800]])  # of the second some may be taken off the first
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
    if answer.processed is not None or _chosen(answer) or not sizes.all():  # what has died is mixed into nothing
        return _reach(answer, below, above)
    E, A = spectra[:, channels] / sizes[:, None], _rows(answer.abundances)[:, pixels] * sizes[:, None]
    if answer.gain is not None:
        A = A * np.asarray(answer.gain.values, dtype=np.float64).ravel()[pixels]
    X = _seen(cube.transpose(*answer.abundances.dims[1:], *answer.endmembers.dims[1:]), pixels, channels)
    if np.isnan(X).any():
        X = np.where(np.isnan(X), A.T @ E, X)
    fixed = bool(answer.parameters.get("sum_to_one"))
    known = int(answer.parameters.get("known", 0) or 0)  # which come first
    for i, j, t in _ways(X, A, E, noise):
        if i < known:
            continue
        mixed, alone = E[i : i + 1] + t * E[j], E[i : i + 1]
        mixed = mixed / (1 + t * sizes[i] / sizes[j]) if fixed else sized_like(alone, mixed)
        step = sizes[i] * (mixed - alone)[0]
        above[i, channels] = np.maximum(above[i, channels], step)
        below[i, channels] = np.maximum(below[i, channels], -step)
    return _reach(answer, below, above)


def _ways(X: Float64Array, A: Float64Array, E: Float64Array, noise: Noise) -> Iterator[tuple[int, int, float]]:
    """Which endmember, which is added to it, and how much at most: for each pair once more, once less."""
    of_pixels, of_channels = noise.variance(X, A, E)
    maps = _Unsigned.of(X, E, of_pixels, of_channels)
    curves = _Unsigned.of(X.T, A, of_channels.T, of_pixels.T)
    for i in range(len(E)):
        for j in range(len(E)):
            if i != j:
                yield i, j, maps.furthest(j, i)
                if (E[i] >= 0).all():  # else its sign says nothing
                    yield i, j, -curves.furthest(i, j)


@dataclass(frozen=True, eq=False)
class _Unsigned:
    """A factor as weighted least squares finds it without any constraint, given the other one.

    Attributes
    ----------
    rows
        (k, n).
    covariances
        Of the k entries in each of the columns, (n, k, k).
    """

    rows: Float64Array
    covariances: Float64Array

    @classmethod
    def of(cls, X: Float64Array, basis: Float64Array, left: Float64Array, right: Float64Array) -> _Unsigned:
        """For X (n, m) with variances left @ right, (n, r) and (r, m), in the basis (k, m)."""
        variance = left.mean(axis=0) @ right
        weighted = basis / np.maximum(variance, max(_FLOOR * variance.mean(), np.finfo(float).tiny))
        inverse = np.linalg.pinv(weighted @ basis.T, hermitian=True) @ weighted
        parts = np.einsum("jm,rm,lm->rjl", inverse, right, inverse, optimize=True)
        return cls(inverse @ X.T, np.tensordot(left, parts, axes=1))

    def furthest(self, j: int, i: int) -> float:
        """The largest t, at most 1, for which the negative entries of row j less t times row i may be noise."""
        limit = max(self._conflict(j, i, 0.0))
        t = 0.0
        for step in 0.5 ** np.arange(1, _HALVINGS + 1):
            size, noise = self._conflict(j, i, t + step)
            t += step if size <= max(limit, noise) else 0.0
        return t

    def _conflict(self, j: int, i: int, t: float) -> tuple[float, float]:
        """Mean square of the negative entries in units of their variance, and what noise alone may make of it."""
        C = self.covariances
        variance = C[:, j, j] - 2 * t * C[:, i, j] + t**2 * C[:, i, i]
        off = self.rows[j] - t * self.rows[i]
        negative = (off < 0) & (variance > 0)
        number = max(1, int(negative.sum()))
        size = float((off[negative] ** 2 / variance[negative]).sum()) / number
        return size, 1 + _SURE * float(np.sqrt(2 / number))


def _seen(cube: xr.DataArray, pixels: Array, channels: Array) -> Float64Array:
    X = np.asarray(cube.values, dtype=np.float64).reshape(len(pixels), len(channels))
    return X if pixels.all() and channels.all() else X[np.ix_(pixels, channels)]


def _chosen(answer: Unmixing) -> bool:
    """Whether more than signs decides between answers that fit alike."""
    return answer.mapped is not None or any(answer.parameters.get(name) for name in _CHOOSING)


def _reach(answer: Unmixing, *steps: Float64Array) -> Reach:
    spectra = answer.endmembers
    return Reach(*(spectra.copy(data=one.reshape(spectra.shape)) for one in steps))


def _rows(factor: xr.DataArray) -> Float64Array:
    return np.asarray(factor.values, dtype=np.float64).reshape(len(factor), -1)
