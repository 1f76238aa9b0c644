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
from scipy import special

from mffnb.errors import UnsupportedCombinationError
from mffnb.estimators.names import named_similarity
from mffnb.keywords import advises_keywords
from mffnb.problem.degrees_of_freedom import Smoothed, freedom
from mffnb.selection import match, spectral_angles
from mffnb.similarities import KullbackLeibler
from mffnb.tuning.evaluation import Fit, Measured, sparseness
from mffnb.typing import Array
from mffnb.unmixing.result import Unmixing

# lower bound of the model, as a fraction of the mean: the divergence of a positive count from zero is infinite
_FLOOR = 1e-3


@advises_keywords
@dataclass(frozen=True)
class HeldOut:
    r"""Prediction error of random entries that are hidden from the fit (cross-validation by missing entries).

    .. math:: \Bigl( \sum_{h} (x_h - (A E)_h)^2 \Big/ \sum_h x_h^2 \Bigr)^{1/2}

    over the hidden entries h. With ``similarity="kl"`` it is their mean Poisson divergence :math:`\langle x \log (x /
    r) - x + r \rangle` with r = A E. All trials hide the same entries. ``volume="auto"`` is not supported: its
    geometric rule needs complete pixels, and imputed entries would bias the error. Source: Wold 1978, Technometrics
    20:397.

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
        """Raise UnsupportedCombinationError if the settings contain ``volume='auto'``."""
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
        held = np.random.default_rng(self.seed).random(values.shape) < self.share
        known = xr.DataArray(np.where(held, np.nan, values), fit.cube.coords, fit.cube.dims, attrs=fit.cube.attrs)
        result = fit.unmix(known)
        predicted = result.reconstruction().transpose(*fit.cube.dims).values
        there = held & np.isfinite(predicted) & np.isfinite(values)
        if not there.any():
            raise ValueError("none of the hidden entries has data and a prediction: raise share, or use more data")
        return Measured(_distance(values[there], predicted[there], fit), result)


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
    ``similarity="kl"`` the first term is twice the Poisson divergence. Source: Schwarz 1978, Ann. Stat. 6:461.

    Examples
    --------
    >>> BIC()
    BIC()
    """

    def measure(self, fit: Fit) -> Measured:
        """Fit once and return the Bayesian information criterion as the loss."""
        result = fit.unmix()
        residual = result.residual()
        there = np.isfinite(residual.values)
        number = int(there.sum())
        if _counts(fit):
            model = result.reconstruction().values[there]
            misfit = 2 * float(_divergence(residual.values[there] + model, model).sum())
        else:
            # A perfect fit leaves only rounding errors, whose logarithm has no meaning: bound it from below.
            misfit = number * float(np.log(max(np.mean(residual.values[there] ** 2), np.finfo(np.float64).tiny)))
        return Measured(misfit + _freedom(result, counts=_counts(fit)) * float(np.log(number)), result)


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
        return Measured(abs(sparseness(result.abundances) - self.target) + 100 * excess, result)


def _freedom(result: Unmixing, *, counts: bool) -> float:
    """Return the degrees of freedom of a result, for the pixels and channels that were used."""
    maps, spectra = result.abundances, result.endmembers
    A, E = (part.values.reshape(len(part), -1) for part in (maps, spectra))
    A, E = A[:, np.isfinite(A).all(axis=0)], E[:, np.isfinite(E).all(axis=0)]
    settings = result.parameters
    fractions = bool(settings.get("sum_to_one") or settings.get("gain"))
    smoothed = Smoothed(float(settings.get("smoothness", 0.0)), maps.shape[1:], fractions, counts)
    return freedom(A, E, smoothed.fraction_left(A, E))


def _mean_angle(a: Array, b: Array) -> float:
    """Return the mean spectral angle (rad) between matched rows of two endmember matrices (k, channels)."""
    return float(spectral_angles(a, b)[np.arange(len(a)), match(a, b)].mean())


def _counts(fit: Fit) -> bool:
    """Whether the fit uses the Kullback-Leibler divergence (Poisson noise), so that the data are counts."""
    return isinstance(named_similarity(fit.settings.get("similarity", "frobenius")), KullbackLeibler)


def _divergence(x: Array, model: Array) -> Array:
    """Return the Poisson divergence ``x log(x / r) - x + r`` of each entry x of the data from the model r."""
    r = np.maximum(model, _FLOOR * float(np.mean(model)) or np.finfo(float).tiny)
    return np.asarray(special.kl_div(x, r))


def _distance(x: Array, model: Array, fit: Fit) -> float:
    """Return the prediction error: mean Poisson divergence for counts, else relative Frobenius error."""
    if _counts(fit):
        return float(_divergence(x, model).mean())
    return float(np.linalg.norm(x - model) / (np.linalg.norm(x) or 1.0))
