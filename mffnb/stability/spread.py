"""Statistics over repeated runs: match components to a reference result, accumulate bands and standard deviations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from mffnb.geometry.matching import match, spectral_angles
from mffnb.typing import Array, Float64Array
from mffnb.unmixing.result import Unmixing


@dataclass(frozen=True, eq=False)
class RunSpread:
    """Spread of repeated runs around a result, after matching and rescaling of the components.

    Attributes
    ----------
    lower, upper
        Band of the endmembers, ("component", channel dims), in the units of the data.
    deviation
        Standard deviation of the abundances over runs, ("component", pixel dims).
    angles
        Spectral angle (rad) between a component and its match in a run, ("run", "component").
    score
        Mean reproducibility, 0 to 1: see :func:`match_quality`; ("component",).
    objective
        Objective at the end of each run, (runs,); for ``volume="auto"`` the squared relative error.
    """

    lower: xr.DataArray
    upper: xr.DataArray
    deviation: xr.DataArray
    angles: xr.DataArray
    score: xr.DataArray
    objective: Float64Array


class RunStatistics:
    """Statistics of repeated runs, added one by one; of abundance maps only the mean and the sum of squares are stored.

    Parameters
    ----------
    answer
        Reference result.
    """

    def __init__(self, answer: Unmixing) -> None:
        self._answer = answer
        self._spectra = as_matrix(answer.endmembers)
        self._maps = as_matrix(answer.abundances)
        # abundances that sum to one have no free scale, so that components are not rescaled
        self._fixed = bool(answer.parameters.get("sum_to_one"))
        self._found: list[Float64Array] = []
        self._angles: list[Float64Array] = []
        self._objectives: list[float] = []
        self._mean = np.zeros_like(self._maps)
        self._squares = np.zeros_like(self._maps)

    def __len__(self) -> int:
        """Return the number of runs that have been added."""
        return len(self._found)

    def add(self, run: Unmixing) -> None:
        """Match and rescale the components of one run and add it to the statistics, without modifying the run."""
        E, A = as_matrix(run.endmembers), as_matrix(run.abundances)
        seen = np.isfinite(E).all(axis=0) & np.isfinite(self._spectra).all(axis=0)
        order = match(self._spectra[:, seen], E[:, seen])
        E, A = E[order], A[order]
        if not self._fixed:
            size = _scale_factors(self._spectra[:, seen], E[:, seen])
            E, A = E * size[:, None], A / size[:, None]
            # with a gain per pixel, abundances sum to one by definition: restore this after the rescaling
            if run.gain is not None:
                A = A / A.sum(axis=0)
        self._found.append(E)
        self._objectives.append(objective_of(run, self._answer))
        self._angles.append(np.diag(spectral_angles(self._spectra[:, seen], E[:, seen])).copy())
        change = A - self._mean
        self._mean += change / len(self._found)
        self._squares += change * (A - self._mean)

    def displacement(self) -> Float64Array:
        """Return the mean displacement of the endmembers of the runs from those of the result, (k, channels).

        For replicas, which are simulated from the result, this is the bias of the whole fit.
        """
        return np.asarray(np.mean(self._found, axis=0) - self._spectra)

    def band(self, level: float) -> tuple[xr.DataArray, xr.DataArray]:
        r"""Return both ends of the endmember band: :math:`\hat e \pm q`, q the quantile of :math:`|e^* - \hat e|`.

        The quantile over runs belongs to the probability ``level``. The symmetric percentile interval (Hall 1988, J. R.
        Statist. Soc. B 50:35) is centred on the result. It becomes wider if the runs are biased to one side, which
        happens next to a constraint. The lower end of a non-negative entry is at least 0.
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

    def spread(self, level: float) -> RunSpread:
        """Return the statistics of the runs so far; at least two runs are needed."""
        maps = self._answer.abundances
        deviation = np.sqrt(np.maximum(self._squares, 0.0) / max(1, len(self) - 1)).reshape(maps.shape)
        names = {"component": self._answer.endmembers["component"].values}
        angles = xr.DataArray(
            np.array(self._angles), dims=("run", "component"), coords=names, name="angle", attrs={"units": "rad"}
        )
        quality = match_quality(self._spectra, np.array(self._angles)).mean(axis=0)
        lower, upper = self.band(level)
        return RunSpread(
            lower,
            upper,
            maps.copy(data=deviation).rename("standard deviation"),
            angles,
            xr.DataArray(quality, dims="component", coords=names, name="score"),
            np.array(self._objectives),
        )


def objective_of(run: Unmixing, answer: Unmixing) -> float:
    """Return the objective at the end of a run; for a result of ``volume="auto"`` the squared relative error.

    This search weighs the volume anew in each run, so that its objectives cannot be compared.
    """
    automatic = answer.parameters.get("volume") == "auto"
    values = run.trace.get("relative_error" if automatic else "objective")
    if values is None or not values.size:
        return np.nan
    last = float(values[-1])
    return last**2 if automatic else last


def match_quality(endmembers: Array, angles: Array) -> Float64Array:
    r"""Return the reproducibility of a component: :math:`\max(0,\, 1 - \theta / \tfrac12 \theta_{\text{nearest}})`.

    theta is the angle to the matched component of the run, theta_nearest the angle to the most similar other component
    of the reference. Below half of theta_nearest, the match is unambiguous; above it, the quality is 0.

    Parameters
    ----------
    endmembers
        Endmembers of the reference result, (k, channels).
    angles
        Angles to the matched components, (runs, k), in rad.

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


def rescaled_to(wanted: Float64Array, spectra: Float64Array) -> Float64Array:
    """Scale each spectrum (k, channels) to the corresponding reference spectrum by least squares."""
    return np.asarray(spectra * _scale_factors(wanted, spectra)[:, None])


def alignment(wanted: Float64Array, spectra: Float64Array) -> tuple[Array, Float64Array]:
    """Return the order of spectra (k, channels) that matches the reference, and the factors that scale them to it."""
    seen = np.isfinite(wanted).all(axis=0) & np.isfinite(spectra).all(axis=0)
    order = match(wanted[:, seen], spectra[:, seen])
    return order, _scale_factors(wanted[:, seen], spectra[order][:, seen])


def _scale_factors(wanted: Float64Array, spectra: Float64Array) -> Float64Array:
    """Return the least-squares factor that scales each spectrum to its reference spectrum, (k,).

    For dissimilar spectra the factor is bounded from below: it gives at least half of the norm of the reference.
    """
    norms = [np.linalg.norm(one, axis=1) for one in (wanted, spectra)]
    product = norms[0] * norms[1]
    cosine = (wanted * spectra).sum(axis=1) / np.where(product > 0, product, 1.0)
    ratio = np.where(product > 0, norms[0] / np.where(norms[1] > 0, norms[1], 1.0), 1.0)
    return np.asarray(np.where(product > 0, np.maximum(cosine, 0.5), 1.0) * ratio)


def as_matrix(factor: xr.DataArray) -> Float64Array:
    """Return a labelled factor as a matrix (k, entries)."""
    return np.asarray(factor.values, dtype=np.float64).reshape(len(factor), -1)
