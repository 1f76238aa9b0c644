"""Correction of counts for the dead time of the detector."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from scipy import sparse

from mffnb.cubes.sparse_map import SparseMap
from mffnb.cubes.sparse_pixels import sparse_pixels_of
from mffnb.preprocessing.row_blocks import elementwise, over_pixels, smallest
from mffnb.preprocessing.step import Fitted, Step, float_type, single_channel, with_new_values
from mffnb.typing import Array, Float64Array

__all__ = ["DeadTime"]


@dataclass(frozen=True)
class DeadTime(Step):
    r"""Correct counts for the dead time of a detector that counts at most one event per channel and shot (ToF-SIMS).

    .. math:: x_j = -N \log\Bigl(1 - \frac{n_j}{N_j}\Bigr), \quad N_j = N - \sum_{l=1}^{d} n_{j-l}

    n are the measured counts of a pixel, N the number of shots (pulses of the primary beam) on it, d the number of
    channels for which the detector is dead after an event, and :math:`N_j` the shots in which it is alive. Without
    the correction, intense peaks are too small, and the mixture is not linear. Give the counts before any bin or
    normalisation, because the correction is not linear.

    The variance of a corrected count is :math:`N (e^{x / N} - 1)` for d = 0, above that of a Poisson number, x; see
    :meth:`variance`. At x = N / 2 it is 30 % larger. The mean is too large by about :math:`(e^{x / N} - 1) / 2` counts.
    Known spectra are those of corrected counts.

    There is no inverse: results are in corrected counts. Source: Stephan, Zehnpfenning & Benninghoven 1994, J. Vac.
    Sci. Technol. A 12:405, for a dead time that events during it do not extend.

    Parameters
    ----------
    shots
        Number of shots on each pixel of the cube, N.
    dead_channels
        Number of later channels in which the detector is still dead, d: dead time over width of a channel, minus one;
        0 for channels that are wider than the dead time, such as integrated peaks.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> true = np.array([1.0, 50.0, 200.0])
    >>> measured = 100 * (1 - np.exp(-true / 100))
    >>> cube = xr.DataArray(measured[None, None], dims=("y", "x", "mz"))
    >>> fitted = DeadTime(shots=100).fit(cube, ("mz",))
    >>> fitted.transform(cube)[0, 0].values.round(6)
    array([  1.,  50., 200.])
    """

    shots: float | None = None
    dead_channels: int = 0

    def __post_init__(self) -> None:
        if not (self.shots is None or (self.shots > 0 and np.isfinite(self.shots))):
            raise ValueError(f"shots is the number of shots on each pixel, above zero; got {self.shots!r}")
        if not (isinstance(self.dead_channels, (int, np.integer)) and self.dead_channels >= 0):
            raise ValueError(f"dead_channels is a whole number of channels from 0, got {self.dead_channels!r}")

    @property
    def undone(self) -> bool:
        """Whether the inverse undoes the step: never, results are in corrected counts."""
        return False

    def variance(self, corrected: Array) -> Float64Array:
        """Return the variance of corrected counts x for d = 0, N (exp(x / N) - 1).

        Weights of a least-squares fit are in inverse proportion to it.
        """
        shots = self._known_shots()
        return np.asarray(shots * np.expm1(np.asarray(corrected, np.float64) / shots))

    def fit(self, cube: xr.DataArray, channel: tuple[Hashable, ...]) -> AliveShots:
        """Check that the counts fit to the number of shots; a lazy cube is read.

        Raises
        ------
        ValueError
            If the number of shots is not given, if there are negative values, or if a pixel has as many counts in a
            channel as shots in which the detector is alive.
        """
        dim = single_channel(cube, channel, self) if self.dead_channels else None
        fitted = AliveShots(self._known_shots(), dim, int(self.dead_channels))
        pixels = sparse_pixels_of(cube)
        if pixels is not None:
            rows = pixels.compressed()
            low, share = rows.data.min(initial=0), fitted.sparse_shares(rows).max(initial=0.0)
        else:
            low = smallest(cube)
            share = over_pixels(cube, channel, lambda part: fitted.shares(part).max().compute(), np.fmax)
        if low < 0:
            raise ValueError(
                f"DeadTime is for counts, and the smallest value is {low:g}: put it first, or leave it out"
            )
        if share >= 1:
            raise ValueError(
                f"DeadTime with {self.shots:g} shots: one pixel has {float(share):.4g} counts for each shot in which "
                "the detector is alive, and 1 or more cannot be corrected: correct shots, or leave these channels out"
            )
        return fitted

    def _known_shots(self) -> float:
        if self.shots is None:
            raise ValueError("DeadTime needs the number of shots on each pixel: DeadTime(shots=...)")
        return float(self.shots)


@dataclass(frozen=True)
class AliveShots(Fitted):
    """Fitted correction for dead time: number of shots, and the channels for which the detector is dead."""

    shots: float
    dim: Hashable | None
    dead_channels: int

    def transform(self, cube: xr.DataArray) -> xr.DataArray:
        """Return the corrected counts; a sparse cube stays sparse."""
        pixels = sparse_pixels_of(cube)
        if pixels is None:
            return (
                elementwise(cube, lambda part, _: self._corrected(part)) if self.dim is None else self._corrected(cube)
            )
        rows = pixels.compressed()
        kind = np.float32 if rows.dtype == np.float32 else np.float64
        values = (-self.shots * np.log1p(-self.sparse_shares(rows))).astype(kind)
        corrected = sparse.csr_array((values, rows.indices, rows.indptr), shape=rows.shape)
        absent = pixels.absent if isinstance(pixels, SparseMap) else np.zeros(rows.shape[0], bool)
        return cube.copy(data=SparseMap(corrected, tuple(pixels.shape[:-1]), absent))

    def shares(self, cube: xr.DataArray) -> xr.DataArray:
        """Return the counts for each shot in which the detector is alive; 1 or more if there are too many."""
        if self.dim is None:
            return cube.astype(np.float64) / self.shots
        shares: xr.DataArray = xr.apply_ufunc(
            self._shares,
            cube,
            input_core_dims=[[self.dim]],
            output_core_dims=[[self.dim]],
            dask="parallelized",
            output_dtypes=[np.float64],
            dask_gufunc_kwargs={"allow_rechunk": True},
        )
        return shares.transpose(*cube.dims)

    def sparse_shares(self, rows: Any) -> Float64Array:
        """Return the shares of the stored entries of sparse rows."""
        counts = rows.data.astype(np.float64)
        if self.dim is None:
            return np.asarray(counts / self.shots)
        # One long axis of all pixels after one another; counts in a pixel begin at its first channel.
        row = np.repeat(np.arange(rows.shape[0], dtype=np.int64), np.diff(rows.indptr))
        key = row * rows.shape[1] + rows.indices
        order = np.argsort(key, kind="stable")
        sums = np.append(0.0, np.cumsum(counts[order]))
        begin = np.maximum(key - self.dead_channels, row * rows.shape[1])
        before = sums[np.searchsorted(key[order], key)] - sums[np.searchsorted(key[order], begin)]
        return _shares(counts, self.shots - before)

    def _shares(self, counts: Array) -> Float64Array:
        """Return the shares of counts (..., channels)."""
        sums = np.cumsum(np.nan_to_num(counts.astype(np.float64)), axis=-1)
        sums = np.concatenate([np.zeros((*sums.shape[:-1], 1)), sums], axis=-1)
        channel = np.arange(counts.shape[-1])
        before = sums[..., channel] - sums[..., np.maximum(channel - self.dead_channels, 0)]
        return _shares(counts, self.shots - before)

    def _corrected(self, cube: xr.DataArray) -> xr.DataArray:
        values = xr.apply_ufunc(np.log1p, -self.shares(cube).variable, dask="allowed")
        return with_new_values(cube, (-self.shots * values).astype(float_type(cube)))


def _shares(counts: Array, alive: Float64Array) -> Float64Array:
    """Return counts over the shots with the detector alive; infinite where there are counts in none of them."""
    full = np.where(counts > 0, np.inf, counts + 0.0)  # NaN stays NaN
    return np.asarray(np.divide(counts, alive, out=full, where=alive > 0))
