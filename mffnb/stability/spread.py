"""What many runs have in common, component by component, and how far they are apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from mffnb.geometry.matching import match, spectral_angles
from mffnb.typing import Array, Float64Array
from mffnb.unmixing.result import Unmixing


@dataclass(frozen=True, eq=False)
class Spread:
    """How far runs are from the answer, once their components are matched with its own and brought to their size.

    Attributes
    ----------
    lower, upper
        Band of the endmembers, ("component", channel dims), in the units of the data.
    deviation
        Standard deviation of the abundances over runs, ("component", pixel dims).
    angles
        Spectral angle (rad) between a component and its partner, ("run", "component").
    score
        1 where every run finds the component again, 0 where none does: see :func:`match_quality`; ("component",).
    """

    lower: xr.DataArray
    upper: xr.DataArray
    deviation: xr.DataArray
    angles: xr.DataArray
    score: xr.DataArray


class Runs:
    """Gather runs one by one, and keep of their maps no more than two sums.

    Parameters
    ----------
    answer
        What runs are compared with.
    """

    def __init__(self, answer: Unmixing) -> None:
        self._answer = answer
        self._spectra = _flat(answer.endmembers)
        self._maps = _flat(answer.abundances)
        self._fixed = bool(answer.parameters.get("sum_to_one"))  # there scale is no matter of convention
        self._found: list[Float64Array] = []
        self._angles: list[Float64Array] = []
        self._mean = np.zeros_like(self._maps)
        self._squares = np.zeros_like(self._maps)

    def __len__(self) -> int:
        return len(self._found)

    def add(self, run: Unmixing) -> None:
        """Take in one run; it is not modified."""
        E, A = _flat(run.endmembers), _flat(run.abundances)
        seen = np.isfinite(E).all(axis=0) & np.isfinite(self._spectra).all(axis=0)
        order = match(self._spectra[:, seen], E[:, seen])
        E, A = E[order], A[order]
        if not self._fixed:
            size = _sizes(self._spectra[:, seen], E[:, seen])
            E, A = E * size[:, None], A / size[:, None]
            if run.gain is not None:  # fractions stay fractions
                A = A / A.sum(axis=0)
        self._found.append(E)
        self._angles.append(np.diag(spectral_angles(self._spectra[:, seen], E[:, seen])).copy())
        change = A - self._mean
        self._mean += change / len(self._found)
        self._squares += change * (A - self._mean)

    def band(self, level: float) -> tuple[xr.DataArray, xr.DataArray]:
        r"""Lower and upper end of the endmembers: :math:`\hat e \pm q`, q the given quantile of :math:`|e^* - \hat e|`.

        The symmetric percentile interval (Hall 1988, J. R. Statist. Soc. B 50:35): it is centred on the answer, and
        widens where runs are off to one side, as they are next to a constraint. Endmembers that are not negative have
        no band below zero.
        """
        off = np.abs(np.array(self._found) - self._spectra)
        half = np.quantile(off, level, axis=0, method="weibull")
        lower = self._spectra - half
        lower = np.where(self._spectra >= 0, np.maximum(lower, 0.0), lower)
        spectra = self._answer.endmembers
        return (
            spectra.copy(data=lower.reshape(spectra.shape)).rename("lower"),
            spectra.copy(data=(self._spectra + half).reshape(spectra.shape)).rename("upper"),
        )

    def spread(self, level: float) -> Spread:
        """What there is by now, of two runs or more."""
        maps = self._answer.abundances
        deviation = np.sqrt(np.maximum(self._squares, 0.0) / max(1, len(self) - 1)).reshape(maps.shape)
        names = {"component": self._answer.endmembers["component"].values}
        angles = xr.DataArray(
            np.array(self._angles), dims=("run", "component"), coords=names, name="angle", attrs={"units": "rad"}
        )
        quality = match_quality(self._spectra, np.array(self._angles)).mean(axis=0)
        lower, upper = self.band(level)
        return Spread(
            lower,
            upper,
            maps.copy(data=deviation).rename("standard deviation"),
            angles,
            xr.DataArray(quality, dims="component", coords=names, name="score"),
        )


def match_quality(endmembers: Array, angles: Array) -> Float64Array:
    r"""How surely a component is found again: :math:`\max(0,\, 1 - \theta / \tfrac12 \theta_{\text{nearest}})`.

    theta is the angle to its partner, theta_nearest that between the component and the most similar other one of the
    answer. Up to half of it, a partner belongs to no other component; from there on it may, and counts nothing.

    Parameters
    ----------
    endmembers
        Of the answer, (k, channels).
    angles
        Angles to the partners, (runs, k), in rad.

    Examples
    --------
    >>> import numpy as np
    >>> match_quality(np.eye(2), [[0.0, np.pi / 8], [np.pi / 2, np.pi / 4]]).round(3).tolist()
    [[1.0, 0.5], [0.0, 0.0]]
    """
    endmembers = np.asarray(endmembers, dtype=np.float64)
    endmembers = endmembers[:, np.isfinite(endmembers).all(axis=0)]
    between = spectral_angles(endmembers, endmembers)
    np.fill_diagonal(between, np.pi / 2)
    nearest = between.min(axis=1)
    worse = np.asarray(angles) / np.where(nearest > 0, nearest / 2, 1.0)
    return np.asarray(np.where(nearest > 0, np.maximum(0.0, 1.0 - worse), 0.0))


def sized_like(wanted: Float64Array, spectra: Float64Array) -> Float64Array:
    """Spectra (k, channels) brought as near to others as a factor for each can."""
    return np.asarray(spectra * _sizes(wanted, spectra)[:, None])


def _sizes(wanted: Float64Array, spectra: Float64Array) -> Float64Array:
    """Factors that bring spectra as near to others as they can; of what is unlike them, to half their norm."""
    norms = [np.linalg.norm(one, axis=1) for one in (wanted, spectra)]
    product = norms[0] * norms[1]
    cosine = (wanted * spectra).sum(axis=1) / np.where(product > 0, product, 1.0)
    ratio = np.where(product > 0, norms[0] / np.where(norms[1] > 0, norms[1], 1.0), 1.0)
    return np.asarray(np.where(product > 0, np.maximum(cosine, 0.5), 1.0) * ratio)


def _flat(factor: xr.DataArray) -> Float64Array:
    return np.asarray(factor.values, dtype=np.float64).reshape(len(factor), -1)
