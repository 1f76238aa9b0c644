"""What a search makes small where nobody knows the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from scipy import special

from mffnb.errors import UnsupportedCombinationError
from mffnb.estimators.names import named_similarity
from mffnb.problem.degrees_of_freedom import Smoothed, freedom
from mffnb.selection import match, spectral_angles
from mffnb.similarities import KullbackLeibler
from mffnb.tuning.evaluation import Fit, Measured, sparseness
from mffnb.typing import Array
from mffnb.unmixing.result import Unmixing

_FLOOR = 1e-3  # of the mean: a count where the model has nothing is improbable, and not impossible


@dataclass(frozen=True)
class HeldOut:
    r"""Error where the model did not look: random entries are left out of the fit and predicted.

    .. math:: \Bigl( \sum_{h} (x_h - (A E)_h)^2 \Big/ \sum_h x_h^2 \Bigr)^{1/2}

    over the entries h held out, or with ``similarity="kl"`` their mean Poisson divergence
    :math:`\langle x \log (x / r) - x + r \rangle`. The same entries are held out in every trial. With ``volume="auto"``
    it is refused: that rule needs whole pixels, and if hidden entries were filled in for it, it would be judged by what
    they were filled with. Source: Wold 1978, Technometrics 20:397.

    Parameters
    ----------
    share
        Of the entries, 0 to 1.
    seed
        Decides which.

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
        """Refuse what cannot be judged."""
        volume = settings.get("volume")
        if isinstance(volume, str) and volume == "auto":
            raise UnsupportedCombinationError(
                "HeldOut hides entries, and volume='auto' looks at the geometry of whole pixels: judge by "
                "Repeatability() or BIC(), or give the volume a weight"
            )

    def measure(self, fit: Fit) -> Measured:
        """Fit around the entries and predict them."""
        self.check(fit.settings)
        values = np.asarray(fit.cube.values, dtype=np.float64)
        held = np.random.default_rng(self.seed).random(values.shape) < self.share
        known = xr.DataArray(np.where(held, np.nan, values), fit.cube.coords, fit.cube.dims, attrs=fit.cube.attrs)
        result = fit.unmix(known)
        predicted = result.reconstruction().transpose(*fit.cube.dims).values
        there = held & np.isfinite(predicted) & np.isfinite(values)
        return Measured(_distance(values[there], predicted[there], fit), result)


@dataclass(frozen=True)
class Repeatability:
    """Mean spectral angle (rad) between matched endmembers of fits from different random starts.

    Zero where every start leads to the same spectra. Strong penalties are repeatable as well: use it for k, or beside
    an error.

    Parameters
    ----------
    starts
        Fits of a trial, two or more.

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
        """Fit from every start and compare all pairs."""
        seeds = np.random.SeedSequence(int(fit.settings.get("random_state") or 0)).generate_state(self.starts)
        # A volume that is found by its own rule takes no start.
        init = {} if fit.settings.get("volume") == "auto" else {"init": "random"}
        results = [fit.unmix(random_state=int(seed % 2**31), **init) for seed in seeds]
        spectra = [np.nan_to_num(r.endmembers.values.reshape(len(r.endmembers), -1)) for r in results]
        angles = [_mean_angle(a, b) for i, a in enumerate(spectra) for b in spectra[:i]]
        best = min(results, key=lambda result: float(result.trace.objective[-1]))
        return Measured(float(np.mean(angles)), best)


@dataclass(frozen=True)
class BIC:
    r"""Bayesian information criterion, an error that counts parameters.

    .. math:: N \log(\mathrm{RSS} / N) + p \log N

    with N observed entries and p what the data were free to choose, as :func:`mffnb.selection.scan_rank` counts it:
    entries that are not zero, less what smoothness takes away (:mod:`mffnb.problem.degrees_of_freedom`). For counts
    (``similarity="kl"``) twice the Poisson divergence takes the place of the first term. Source: Schwarz 1978, Ann.
    Stat. 6:461.

    Examples
    --------
    >>> BIC()
    BIC()
    """

    def measure(self, fit: Fit) -> Measured:
        """Fit once."""
        result = fit.unmix()
        residual = result.residual()
        there = np.isfinite(residual.values)
        number = int(there.sum())
        if _counts(fit):
            model = result.reconstruction().values[there]
            misfit = 2 * float(_divergence(residual.values[there] + model, model).sum())
        else:
            misfit = number * float(np.log(np.mean(residual.values[there] ** 2)))
        return Measured(misfit + _freedom(result, counts=_counts(fit)) * float(np.log(number)), result)


@dataclass(frozen=True)
class TargetSparsity:
    r"""Abundances of a wanted sparsity that cost little: the relative error stays near the unpenalised one.

    .. math:: | s - s^* | + \max\bigl(0, \epsilon / \epsilon_0 - 1 - \delta\bigr) \cdot 100

    with the sparsity s of :func:`mffnb.tuning.sparseness`, the relative error of the fit and that of the same fit
    without sparsity and smoothness.

    Parameters
    ----------
    target
        s*, 0 to 1; 1 asks for the sparsest there is.
    slack
        delta, by how much the error may rise.

    Examples
    --------
    >>> TargetSparsity(0.8).slack
    0.02
    """

    target: float = 1.0
    slack: float = 0.02

    def measure(self, fit: Fit) -> Measured:
        """Fit, and once for all trials without penalties."""
        result = fit.unmix()
        bare = {"sparsity": 0.0, "smoothness": 0.0}
        key = (type(self), repr(sorted({**fit.settings, **bare}.items())))
        if key not in fit.memory:
            fit.memory[key] = float(fit.unmix(**bare).trace.relative_error[-1])
        error = float(result.trace.relative_error[-1])
        excess = max(0.0, error / max(fit.memory[key], np.finfo(float).tiny) - 1 - self.slack)
        return Measured(abs(sparseness(result.abundances) - self.target) + 100 * excess, result)


def _freedom(result: Unmixing, *, counts: bool) -> float:
    """Degrees of freedom of an answer, in the pixels and channels that were used."""
    maps, spectra = result.abundances, result.endmembers
    A, E = (part.values.reshape(len(part), -1) for part in (maps, spectra))
    A, E = A[:, np.isfinite(A).all(axis=0)], E[:, np.isfinite(E).all(axis=0)]
    settings = result.parameters
    fractions = bool(settings.get("sum_to_one") or settings.get("gain"))
    smoothed = Smoothed(float(settings.get("smoothness", 0.0)), maps.shape[1:], fractions, counts)
    return freedom(A, E, smoothed.left(A, E))


def _mean_angle(a: Array, b: Array) -> float:
    return float(spectral_angles(a, b)[np.arange(len(a)), match(a, b)].mean())


def _counts(fit: Fit) -> bool:
    return isinstance(named_similarity(fit.settings.get("similarity", "frobenius")), KullbackLeibler)


def _divergence(x: Array, model: Array) -> Array:
    """``x log(x / r) - x + r`` of each entry."""
    r = np.maximum(model, _FLOOR * float(np.mean(model)) or np.finfo(float).tiny)
    return np.asarray(special.kl_div(x, r))


def _distance(x: Array, model: Array, fit: Fit) -> float:
    if _counts(fit):
        return float(_divergence(x, model).mean())
    return float(np.linalg.norm(x - model) / (np.linalg.norm(x) or 1.0))
