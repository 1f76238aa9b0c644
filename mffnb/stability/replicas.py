"""Noise models for the parametric and the wild bootstrap: draw replicas of a cube with new noise.

The cube is processed in bands, so that a replica takes little more memory than its own values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from mffnb.errors import UnsupportedCombinationError
from mffnb.matrices import in_memory
from mffnb.protocols.matrix import Matrix, is_matrix
from mffnb.stability.reconstructed_bands import ReplicaValues, reconstructed_bands, reconstructed_sizes
from mffnb.typing import Array, Float64Array
from mffnb.unmixing.result import Unmixing

REPLICAS = ("auto", "poisson", "residual")
_LIKE_COUNTS = 0.2  # largest deviation of the dispersion from 1 for Poisson noise; the same limit as in mffnb.geometry
_MANY = 1e18  # counts; numpy draws no larger ones
# smallest number of residual degrees of freedom per entry, which limits the correction of a residual
LEAST_FREE = 0.05


@dataclass(frozen=True)
class PoissonCounts:
    r"""Parametric bootstrap with Poisson noise: :math:`x^*_{ij} = \phi\,\mathrm{Poisson}(y_{ij} / \phi)`.

    Attributes
    ----------
    unit
        phi, the size of one count in the units of the data; 1 if the data are counts.
    """

    unit: float = 1.0

    name = "poisson"

    def draw(
        self, cube: xr.DataArray, answer: Unmixing, generator: np.random.Generator, *, smallest: bool = False
    ) -> xr.DataArray:
        """Draw a replica of the cube around the reconstruction y; masked and missing entries stay unchanged.

        With ``smallest``, the replica has the smallest type that holds all counts, instead of the type of the cube.
        """
        replica = ReplicaValues(cube, smallest=smallest)
        for band, values, expected in reconstructed_bands(cube, answer):
            missing = np.isnan(expected) | _is_nan(values)
            means = np.where(missing, 0.0, np.maximum(expected, 0.0)) / self.unit
            counts = generator.poisson(np.minimum(means, _MANY))
            if means.max(initial=0.0) > _MANY:  # the noise of so many counts is below the rounding errors of float32
                counts = np.where(means > _MANY, means, counts)
            replica.write(band, counts if self.unit == 1.0 else counts * self.unit, values, missing)
        return replica.cube

    def variance(self, X: Array | Matrix, A: Float64Array, E: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Return the variance of X (n, m) as a low-rank product (n, k) @ (k, m), given A (k, n) and E (k, m).

        The variance of a Poisson variable in units of phi is phi times its expectation.
        """
        return A.T, self.unit * np.maximum(E, 0.0)


@dataclass(frozen=True)
class SignFlips:
    r"""Wild bootstrap: residuals with random signs, :math:`x^*_{ij} = y_{ij} \pm r_{ij} / \sqrt{(1 - h_i)(1 - h_j)}`.

    Each entry keeps the size of its residual, so that the variance may differ between entries (Wu 1986, Ann. Statist.
    14:1261; random signs: Liu 1988, Ann. Statist. 16:1696). The fit follows the noise and makes residuals too small:
    with the leverages h_i of a pixel in A and h_j of a channel in E, the variance is reduced by the factor (1 - h_i)(1
    - h_j).
    """

    name = "residual"

    def draw(self, cube: xr.DataArray, answer: Unmixing, generator: np.random.Generator) -> xr.DataArray:
        """Draw a replica of the cube around the reconstruction y; masked and missing entries stay unchanged."""
        replica, first = ReplicaValues(cube), cube.dims[0]
        free = [1 - leverage(factor) for factor in (answer.abundances, answer.endmembers)]
        for band, values, expected in reconstructed_bands(cube, answer):
            residual = np.asarray(values, dtype=np.float64) - expected
            missing = np.isnan(residual)
            here = [one.isel({first: band}) if first in one.dims else one for one in free]
            share = (here[0] * here[1]).transpose(*cube.dims).values
            residual /= np.sqrt(np.clip(share, LEAST_FREE, 1.0))
            signs = generator.integers(0, 2, expected.shape, dtype=np.int8)
            drawn = np.nan_to_num(np.where(signs == 1, expected + residual, expected - residual))
            replica.write(band, drawn, values, missing)
        return replica.cube

    def variance(self, X: Array | Matrix, A: Float64Array, E: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Return the variance of X (n, m) as a rank-one product (n, 1) @ (1, m), given A (k, n) and E (k, m).

        The model is a variance per pixel times a variance per channel, estimated from the squared residuals.
        """
        of_pixels, of_channels = np.empty((X.shape[0], 1)), np.zeros((1, X.shape[1]))
        for start, stop, rows in (X if is_matrix(X) else in_memory(np.asarray(X))).bands():
            squares = (rows - A[:, start:stop].T @ E) ** 2
            of_pixels[start:stop, 0] = squares.mean(axis=1)
            of_channels += squares.sum(axis=0) / X.shape[0]
        mean = float(of_channels.mean())
        return of_pixels / (mean if mean > 0 else 1.0), of_channels


Noise = PoissonCounts | SignFlips


def noise_of(cube: xr.DataArray, answer: Unmixing, how: str = "auto") -> Noise:
    r"""Select the noise model of the bootstrap from the data.

    The dispersion is :math:`\phi = \sum (x - y)^2 / \sum y`, corrected for the number of fitted parameters.

    - Integer data with phi between 0.8 and 1.2 are counts: Poisson replicas.
    - After a fit with the Kullback-Leibler divergence, or after a variance-stabilizing step for counts: Poisson
      replicas, in
      units of phi if phi is outside of 0.8 to 1.2.
    - All other data: residuals with random signs.

    Parameters
    ----------
    cube
        The labelled data.
    answer
        Result of the fit to these data.
    how
        ``"auto"`` for this rule, ``"poisson"`` or ``"residual"``.

    Raises
    ------
    ValueError
        If ``how`` is unknown, or if Poisson replicas are requested for negative data.
    UnsupportedCombinationError
        If the result does not reconstruct the cube entry by entry, or if its likelihood excludes negative replicas.

    Examples
    --------
    >>> import mffnb as mf
    >>> cube = mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube
    >>> noise_of(cube, mf.unmix(cube, 4, random_state=0)).name
    'poisson'
    """
    if how not in REPLICAS:
        raise ValueError(f"replicas={how!r} is not known: use 'auto', 'poisson' or 'residual'")
    altered = answer.processed is not None and answer.processed.chain.alters_data
    if altered or reconstructed_sizes(answer) != {**cube.sizes}:
        raise UnsupportedCombinationError(
            "preprocessing changes the grid or the values, so that the result does not model every entry of the cube: "
            "apply these steps first, mf.preprocessing.fit_chain(cube, steps).cube, and unmix the new cube without them"
        )
    likelihood, seen = uses_count_likelihood(answer), _Seen.of(cube, answer)
    if how == "residual" or (how == "auto" and seen.negative):
        if likelihood:
            raise UnsupportedCombinationError(
                "residuals with random signs can be negative, which a Poisson likelihood or a step for counts does not "
                "accept: use replicas='poisson', or similarity='frobenius' without such a step"
            )
        return SignFlips()
    if seen.negative:
        raise ValueError("counts cannot be negative: use replicas='residual'")
    channels = int(np.isfinite(answer.endmembers.values[0]).sum())
    phi = seen.dispersion(len(answer.endmembers) / channels)
    like_counts = abs(phi - 1) <= _LIKE_COUNTS
    if how == "auto" and not likelihood:
        return PoissonCounts() if seen.whole and like_counts else SignFlips()
    return PoissonCounts(1.0 if like_counts or not phi > 0 else phi)


@dataclass(frozen=True)
class _Seen:
    """Sums over all entries that are neither missing nor masked.

    Attributes
    ----------
    negative, whole
        Whether a value is negative, and whether all values are whole numbers.
    total, squares
        Sum of the expectation, and of the squared residual.
    """

    negative: bool
    whole: bool
    total: float
    squares: float

    @classmethod
    def of(cls, cube: xr.DataArray, answer: Unmixing) -> _Seen:
        """Compute the sums in one pass over the cube."""
        negative, whole, total, squares = False, True, 0.0, 0.0
        for _, values, model in reconstructed_bands(cube, answer):
            seen = ~(_is_nan(values) | np.isnan(model))
            data, expected = values[seen], np.maximum(model[seen], 0.0)
            negative |= bool(np.any(data < 0))
            whole &= data.dtype.kind in "iub" or bool(np.all(data == np.rint(data)))
            total += float(expected.sum())
            squares += float(np.sum((data - expected) ** 2))
        return cls(negative, whole, total, squares)

    def dispersion(self, fitted: float) -> float:
        """Return the dispersion (variance over mean) of the noise, given the fraction of fitted parameters.

        It is 0 for a model that is zero everywhere.
        """
        return self.squares / self.total / max(1 - fitted, LEAST_FREE) if self.total > 0 else 0.0


def uses_count_likelihood(answer: Unmixing) -> bool:
    """Whether the fit models Poisson noise, by its similarity or by a variance-stabilizing preprocessing step."""
    similarity = str(answer.parameters.get("similarity"))
    stabilized = answer.processed is not None and answer.processed.chain.stabilizes
    return similarity == "kl" or similarity.startswith("KullbackLeibler") or stabilized


def leverage(factor: xr.DataArray) -> xr.DataArray:
    """Return the leverage of each column of a factor (component, ...): the diagonal of the row-space projector."""
    rows = np.nan_to_num(factor.values.reshape(len(factor), -1))
    _, values, basis = np.linalg.svd(rows, full_matrices=False)
    basis = basis[values > 1e-10 * values.max(initial=0.0)]
    return factor[0].drop_vars("component", errors="ignore").copy(data=(basis**2).sum(0).reshape(factor.shape[1:]))


def _is_nan(values: Array) -> Array:
    """Return a Boolean mask of the NaN entries; all False for integer data."""
    return np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, dtype=bool)
