"""Objectives of a hyperparameter search without ground truth: held-out error, repeatability, BIC, target sparsity.

>>> from mffnb.tuning.objectives import HeldOut
>>> HeldOut(share=0.05)
HeldOut(share=0.05, seed=0)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from mffnb.errors import UnsupportedCombinationError
from mffnb.keywords import advises_keywords
from mffnb.problem.degrees_of_freedom import Smoothed, freedom
from mffnb.selection import match, spectral_angles
from mffnb.tuning.entry_errors import drawn_entries, is_counts, misfit, prediction_error
from mffnb.tuning.evaluation import Fit, Measured, shared_result, sparseness
from mffnb.typing import Array
from mffnb.unmixing.result import Unmixing


@advises_keywords
@dataclass(frozen=True)
class HeldOut:
    r"""Prediction error of random entries that are hidden from the fit (cross-validation by missing entries).

    .. math:: \Bigl( \sum_{h} (x_h - (A E)_h)^2 \Big/ \sum_h x_h^2 \Bigr)^{1/2}

    over the hidden entries h. With ``similarity="kl"`` it is their mean Poisson divergence :math:`\langle x \log (x /
    r) - x + r \rangle` with r = A E. All trials hide the same entries. In a list of images, each image has its own
    hidden entries, divided by their root mean square where the fit divides images by their brightness, and weighted by
    ``image_weights``. ``volume="auto"`` and ``tie`` are not supported: they need complete pixels, and imputed entries
    would bias the error. Source: Wold 1978, Technometrics 20:397.

    Parameters
    ----------
    share
        Fraction of the entries to hide, 0 to 1.
    seed
        Seed of the random choice of entries.

    Examples
    --------
    >>> HeldOut().share
    0.1
    """

    share: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise ValueError(f"share must lie between 0 and 1, got {self.share!r}")

    def check(self, settings: Mapping[str, Any]) -> None:
        """Raise UnsupportedCombinationError if the settings contain ``volume='auto'`` or a ``tie``."""
        check_no_tie(settings, type(self).__name__)
        volume = settings.get("volume")
        if isinstance(volume, str) and volume == "auto":
            raise UnsupportedCombinationError(
                "HeldOut hides entries, and volume='auto' needs the geometry of complete pixels: use "
                "Repeatability() or BIC(), or give the volume a weight"
            )

    def measure(self, fit: Fit) -> Measured:
        """Fit without the hidden entries and return their prediction error as the loss."""
        self.check(fit.settings)
        values = np.asarray(fit.cube.values, dtype=np.float64)
        held = drawn_entries(fit, self.share, self.seed)
        known = xr.DataArray(np.where(held, np.nan, values), fit.cube.coords, fit.cube.dims, attrs=fit.cube.attrs)
        result = fit.unmix(known)
        predicted = shared_result(result).reconstruction().transpose(*fit.cube.dims).values
        there = held & np.isfinite(predicted) & np.isfinite(values)
        if not there.any():
            raise ValueError("none of the hidden entries has data and a prediction: raise share, or use more data")
        return Measured(prediction_error(fit, values, predicted, there), result)


@advises_keywords
@dataclass(frozen=True)
class Repeatability:
    """Mean spectral angle (rad) between matched endmembers of fits from different random starts.

    Zero if all starts lead to the same spectra. Strong penalties also give repeatable results. Use it to choose k, or
    in combination with an error.

    Parameters
    ----------
    starts
        Number of fits per trial, at least 2.

    Examples
    --------
    >>> Repeatability(starts=4)
    Repeatability(starts=4)
    """

    starts: int = 4

    def __post_init__(self) -> None:
        if self.starts < 2:
            raise ValueError(f"starts must be 2 or more, got {self.starts!r}")

    def measure(self, fit: Fit) -> Measured:
        """Fit from every start and return the mean spectral angle over all pairs of fits as the loss."""
        seeds = np.random.SeedSequence(int(fit.settings.get("random_state") or 0)).generate_state(self.starts)
        # The rule for volume="auto" computes its own start, so no random start is set.
        init = {} if fit.settings.get("volume") == "auto" else {"init": "random"}
        results = [fit.unmix(random_state=int(seed % 2**31), **init) for seed in seeds]
        spectra = [np.nan_to_num(r.endmembers.values.reshape(len(r.endmembers), -1)) for r in results]
        angles = [_mean_angle(a, b) for i, a in enumerate(spectra) for b in spectra[:i]]
        best = min(results, key=lambda result: float(result.trace.objective[-1]))
        return Measured(float(np.mean(angles)), best)


@advises_keywords
@dataclass(frozen=True)
class BIC:
    r"""Bayesian information criterion: the fit error penalised by the number of parameters.

    .. math:: N \log(\mathrm{RSS} / N) + p \log N

    with N observed entries and p degrees of freedom, counted as in :func:`mffnb.selection.scan_rank`: non-zero entries
    of the factors, reduced by the effect of smoothness (:mod:`mffnb.problem.degrees_of_freedom`). For
    ``similarity="kl"`` the first term is twice the Poisson divergence. Errors of several images are weighted as in the
    joint fit; ``tie`` is not supported. Source: Schwarz 1978, Ann. Stat. 6:461.

    Examples
    --------
    >>> BIC()
    BIC()
    """

    def check(self, settings: Mapping[str, Any]) -> None:
        """Raise UnsupportedCombinationError if the settings contain a ``tie``."""
        check_no_tie(settings, type(self).__name__)

    def measure(self, fit: Fit) -> Measured:
        """Fit once and return the Bayesian information criterion as the loss."""
        self.check(fit.settings)
        result = fit.unmix()
        shared = shared_result(result)
        residual, model = shared.residual().values, shared.reconstruction().values
        there = np.isfinite(residual)
        error = misfit(fit, residual, model, there)
        return Measured(error + _freedom(fit, shared) * float(np.log(int(there.sum()))), result)


@advises_keywords
@dataclass(frozen=True)
class TargetSparsity:
    r"""Deviation from a target sparseness, with a penalty if the relative error exceeds that of the unpenalised fit.

    .. math:: | s - s^* | + \max\bigl(0, \epsilon / \epsilon_0 - 1 - \delta\bigr) \cdot 100

    with the Hoyer sparseness s (:func:`mffnb.tuning.sparseness`), the relative error :math:`\epsilon` of the fit and
    the relative error :math:`\epsilon_0` of the same fit without sparsity and smoothness.

    Parameters
    ----------
    target
        s*, 0 to 1; 1 selects the sparsest result within the slack.
    slack
        delta, largest relative increase of the error that is not penalised.

    Examples
    --------
    >>> TargetSparsity(0.8).slack
    0.02
    """

    target: float = 1.0
    slack: float = 0.02

    def measure(self, fit: Fit) -> Measured:
        """Fit with the penalties, and once per worker without them; return the deviation from the target."""
        result = fit.unmix()
        bare = {"sparsity": 0.0, "smoothness": 0.0}
        key = (type(self), repr(sorted({**fit.settings, **bare}.items())))
        if key not in fit.memory:
            fit.memory[key] = float(fit.unmix(**bare).trace.relative_error[-1])
        error = float(result.trace.relative_error[-1])
        excess = max(0.0, error / max(fit.memory[key], np.finfo(float).tiny) - 1 - self.slack)
        maps = shared_result(result).abundances
        return Measured(abs(sparseness(maps) - self.target) + 100 * excess, result)


def check_no_tie(settings: Mapping[str, Any], objective: str) -> None:
    """Refuse ``tie``: an objective that compares entries with the shared spectra does not suit it.

    Raises
    ------
    UnsupportedCombinationError
        If there is a tie.
    """
    if settings.get("tie") is not None:
        raise UnsupportedCombinationError(
            f"{objective} does not take tie, with which images have spectra of their own: use Repeatability()"
        )


def _freedom(fit: Fit, result: Unmixing) -> float:
    """Return the degrees of freedom of a result, for the pixels and channels that were used."""
    maps, spectra = result.abundances, result.endmembers
    A, E = (part.values.reshape(len(part), -1) for part in (maps, spectra))
    used = np.isfinite(A).all(axis=0)
    A, E = A[:, used], E[:, np.isfinite(E).all(axis=0)]
    settings = result.parameters
    fractions = bool(settings.get("sum_to_one") or settings.get("gain"))
    images = () if fit.images is None else fit.images.shapes
    left = [
        Smoothed(float(settings.get("smoothness", 0.0)), shape, fractions, is_counts(fit)).fraction_left(A, E)
        for shape in images or [maps.shape[1:]]
    ]  # no penalty acts across a border, so that each image has its own grid
    pixels = [np.count_nonzero(used[rows]) for rows in fit.rows]
    return freedom(A, E, float(np.average(left, weights=pixels)))


def _mean_angle(a: Array, b: Array) -> float:
    """Return the mean spectral angle (rad) between matched rows of two endmember matrices (k, channels)."""
    return float(spectral_angles(a, b)[np.arange(len(a)), match(a, b)].mean())
