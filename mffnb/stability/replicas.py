"""Noise drawn anew: cubes that might have been measured instead of the one that was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from mffnb.errors import UnsupportedCombinationError
from mffnb.typing import Array, Float64Array
from mffnb.unmixing.result import Unmixing

REPLICAS = ("auto", "poisson", "residual")
_LIKE_COUNTS = 0.2  # relative: so well the variance is known; the same as where geometry recognises counts
_LEAST_FREE = 0.05  # a residual that the fit has swallowed almost wholly is not blown up to more than this allows


@dataclass(frozen=True)
class PoissonCounts:
    r"""Counts drawn from what the model expects: :math:`x^*_{ij} = \phi\,\mathrm{Poisson}(y_{ij} / \phi)`.

    Attributes
    ----------
    unit
        phi, what one count is in the units of the data: 1 for counts.
    """

    unit: float = 1.0

    name = "poisson"

    def draw(self, cube: xr.DataArray, answer: Unmixing, generator: np.random.Generator) -> xr.DataArray:
        """A cube like this one, for the reconstruction y of an answer; what is masked or missing stays as it is."""
        expected = _expected(cube, answer)
        missing = np.isnan(expected) | _is_nan(cube.values)
        counts = generator.poisson(np.where(missing, 0.0, np.maximum(expected, 0.0)) / self.unit)
        return _like(cube, counts if self.unit == 1.0 else counts * self.unit, missing)

    def variance(self, X: Float64Array, A: Float64Array, E: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Of X (n, m), fitted by A (k, n) and E (k, m): phi times the fit, as a product (n, r) by (r, m)."""
        return A.T, self.unit * np.maximum(E, 0.0)


@dataclass(frozen=True)
class SignFlips:
    r"""Residuals with random signs: :math:`x^*_{ij} = y_{ij} \pm r_{ij} / \sqrt{(1 - h_i)(1 - h_j)}`.

    Each entry keeps its own size of noise, whatever it depends on (the wild bootstrap: Wu 1986, Ann. Statist. 14:1261;
    signs: Liu 1988, Ann. Statist. 16:1696). A fit follows the noise a little, so that residuals are too small:
    with the leverages h_i of a pixel in A and h_j of a channel in E, a fit of rank k leaves
    (1 - h_i)(1 - h_j) of the variance.
    """

    name = "residual"

    def draw(self, cube: xr.DataArray, answer: Unmixing, generator: np.random.Generator) -> xr.DataArray:
        """A cube like this one, for the reconstruction y of an answer; what is masked or missing stays as it is."""
        expected = _expected(cube, answer)
        residual = np.asarray(cube.values, dtype=np.float64) - expected
        missing = np.isnan(residual)
        free = (1 - _leverage(answer.abundances)) * (1 - _leverage(answer.endmembers))
        residual /= np.sqrt(np.clip(free.transpose(*cube.dims).values, _LEAST_FREE, 1.0))
        signs = generator.integers(0, 2, expected.shape, dtype=np.int8)
        return _like(cube, np.nan_to_num(np.where(signs == 1, expected + residual, expected - residual)), missing)

    def variance(self, X: Float64Array, A: Float64Array, E: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Of X (n, m), fitted by A (k, n) and E (k, m): that of a pixel times that of a channel, (n, 1) by (1, m)."""
        squares = (X - A.T @ E) ** 2
        mean = float(squares.mean())
        of_pixels, of_channels = squares.mean(axis=1)[:, None], squares.mean(axis=0)[None]
        return of_pixels / (mean if mean > 0 else 1.0), of_channels


Noise = PoissonCounts | SignFlips


def noise_of(cube: xr.DataArray, answer: Unmixing, how: str = "auto") -> Noise:
    r"""Choose how noise is drawn, by a rule that looks at the data.

    With the dispersion :math:`\phi = \sum (x - y)^2 / \sum y`, corrected for the parameters that were fitted: data that
    are whole numbers with phi within a fifth of 1 are counts, and replicas are Poisson draws of the reconstruction y.
    After a fit by the Kullback-Leibler divergence, or steps that even out the noise of counts, they are too, in units
    of phi if that is farther from 1. All else
    keeps its residuals and flips their signs.

    Parameters
    ----------
    cube
        The data, labelled.
    answer
        What was fitted to it.
    how
        ``"auto"`` for the rule, ``"poisson"`` or ``"residual"``.

    Raises
    ------
    ValueError
        If ``how`` is something else, or the data are negative where counts are asked for.
    UnsupportedCombinationError
        If the answer does not reconstruct the cube entry by entry, or its likelihood has no room for residuals.

    Examples
    --------
    >>> import mffnb as mf
    >>> cube = mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube
    >>> noise_of(cube, mf.unmix(cube, 4, random_state=0)).name
    'poisson'
    """
    if how not in REPLICAS:
        raise ValueError(f"replicas={how!r} is not known: use 'auto', 'poisson' or 'residual'")
    model = answer.reconstruction()
    if {**model.sizes} != {**cube.sizes}:
        raise UnsupportedCombinationError(
            "preprocessing changes the grid, so that the answer is no model of every entry of the cube: "
            "crop, bin or transform the cube first, and unmix that without these steps"
        )
    values, expected = cube.values, np.maximum(model.transpose(*cube.dims).values, 0.0)
    likelihood = likelihood_of_counts(answer)
    seen = ~(_is_nan(values) | np.isnan(expected))
    if not seen.all():
        values, expected = values[seen], expected[seen]
    negative = bool(np.any(values < 0))
    if how == "residual" or (how == "auto" and negative):
        if likelihood:
            raise UnsupportedCombinationError(
                "residuals with other signs may be negative, which a likelihood of counts, or a step made for them, "
                "refuses: use replicas='poisson', or similarity='frobenius' and no such step"
            )
        return SignFlips()
    if negative:
        raise ValueError("counts cannot be negative: use replicas='residual'")
    channels = int(np.isfinite(answer.endmembers.values[0]).sum())
    phi = _dispersion(values, expected, len(answer.endmembers) / channels)
    like_counts = abs(phi - 1) <= _LIKE_COUNTS
    if how == "auto" and not likelihood:
        whole = values.dtype.kind in "iub" or bool(np.all(values == np.rint(values)))
        return PoissonCounts() if whole and like_counts else SignFlips()
    return PoissonCounts(1.0 if like_counts or not phi > 0 else phi)


def likelihood_of_counts(answer: Unmixing) -> bool:
    """Whether the fit knew the noise of counts, or data had been made even by steps that do."""
    similarity = str(answer.parameters.get("similarity"))
    stabilized = answer.processed is not None and answer.processed.chain.stabilizes
    return similarity == "kl" or similarity.startswith("KullbackLeibler") or stabilized


def _dispersion(values: Array, expected: Float64Array, fitted: float) -> float:
    """Variance over mean of the noise, given which part of it the fit has followed; 0 where there is none."""
    total = float(expected.sum())
    return float(np.sum((values - expected) ** 2)) / total / max(1 - fitted, _LEAST_FREE) if total > 0 else 0.0


def _expected(cube: xr.DataArray, answer: Unmixing) -> Float64Array:
    return np.asarray(answer.reconstruction().transpose(*cube.dims).values, dtype=np.float64)


def _leverage(factor: xr.DataArray) -> xr.DataArray:
    """Diagonal of the projector on the rows of a factor (component, ...): how much each entry decides its own fit."""
    rows = np.nan_to_num(factor.values.reshape(len(factor), -1))
    _, values, basis = np.linalg.svd(rows, full_matrices=False)
    basis = basis[values > 1e-10 * values.max(initial=0.0)]
    return factor[0].drop_vars("component", errors="ignore").copy(data=(basis**2).sum(0).reshape(factor.shape[1:]))


def _like(cube: xr.DataArray, values: Any, missing: Array) -> xr.DataArray:
    """Values as a cube like another, of its own type where they fit."""
    values = np.asarray(values)
    if cube.dtype.kind == "f" or values.dtype.kind == "f":
        values = np.where(missing, np.where(_is_nan(cube.values), np.nan, cube.values), values)
        return cube.copy(data=values.astype(cube.dtype if cube.dtype.kind == "f" else np.float64, copy=False))
    values = np.where(missing, cube.values, values)
    fits = cube.dtype.kind in "iu" and values.max(initial=0) <= np.iinfo(cube.dtype).max
    return cube.copy(data=values.astype(cube.dtype) if fits else values)


def _is_nan(values: Array) -> Array:
    return np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, dtype=bool)
