"""Alignment of the energy axis of EELS spectra by the zero-loss peak."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr

from mffnb.preprocessing.grid import window_positions
from mffnb.preprocessing.step import Fitted, Step, float_type, single_channel
from mffnb.typing import Array, Float64Array

__all__ = ["ZeroLossAlignment"]

_BAND = 4096  # number of pixels in a block, which limits the memory of a fit
_ROUNDS = 40
_WIDER = 1.5  # width of the weights of the centroid, relative to the width of the peak


@dataclass(frozen=True, eq=False)
class ShiftedSpectra(Fitted):
    """Fitted alignment: shift of each pixel in channels, and the range of channels that is kept."""

    shift: xr.Variable
    coordinate: xr.Variable  # of the kept channels
    first: int
    subchannel: bool
    spread: float  # standard deviation of the shifts in units of the axis

    @property
    def found(self) -> dict[str, Any]:
        """Standard deviation of the shifts in units of the axis, and the number of channels that are left."""
        return {"shift": round(self.spread, 6), "channels": self.coordinate.size}

    def transform(self, cube: xr.DataArray) -> xr.DataArray:
        """Return the aligned spectra; missing where a spectrum has no data at an energy."""
        name = self.coordinate.dims[0]
        aligned: xr.DataArray = xr.apply_ufunc(
            self._aligned,
            cube.astype(float_type(cube)),
            xr.DataArray(self.shift),
            input_core_dims=[[name], []],
            output_core_dims=[[name]],
            exclude_dims={name},
            keep_attrs=True,
            dask="parallelized",
            output_dtypes=[float_type(cube)],
            dask_gufunc_kwargs={"allow_rechunk": True, "output_sizes": {name: self.coordinate.size}},
        )
        aligned.attrs = cube.attrs
        return aligned.transpose(*cube.dims).assign_coords({name: self.coordinate})

    def prepare_known(self, spectra: xr.DataArray) -> xr.DataArray:
        """Return the kept channels of known spectra, whose zero loss must be at the energy of the alignment."""
        return self._kept(spectra)

    def prepare_weights(self, weights: xr.DataArray) -> xr.DataArray:
        """Return the weights of the kept channels.

        Raises
        ------
        ValueError
            If there are weights of single entries, whose energies move.
        """
        if self.coordinate.dims[0] in weights.dims and set(self.shift.dims) & set(weights.dims):
            raise ValueError(
                "ZeroLossAlignment has no rule for weights of single entries: give weights of pixels or of channels"
            )
        return self._kept(weights)

    def new_positions(self, dim: Hashable, length: int) -> Array:
        """Return the position of each channel in the kept range; -1 outside of it."""
        if dim != self.coordinate.dims[0]:
            return np.arange(length)
        position = np.arange(length) - self.first
        return np.where((position >= 0) & (position < self.coordinate.size), position, -1)

    def _kept(self, array: xr.DataArray) -> xr.DataArray:
        name = self.coordinate.dims[0]
        kept = slice(self.first, self.first + self.coordinate.size)
        return array.isel({name: kept}) if name in array.dims else array

    def _aligned(self, values: Array, shift: Array) -> Array:
        """Return spectra (..., channels) at the energies of the kept channels, interpolated linearly."""
        length = values.shape[-1]
        shift = np.broadcast_to(shift, values.shape[:-1])
        whole = np.floor(shift) if self.subchannel else np.rint(shift)
        fraction = (shift - whole)[..., None] if self.subchannel else np.zeros((*shift.shape, 1))
        low = np.arange(self.first, self.first + self.coordinate.size) + whole[..., None].astype(int)
        ends = [np.take_along_axis(values, np.clip(low + one, 0, length - 1), axis=-1) for one in (0, 1)]
        mixed = np.where(fraction > 0, (1 - fraction) * ends[0] + fraction * ends[1], ends[0])
        outside = (low < 0) | (low + (fraction > 0) > length - 1)
        return np.where(outside, np.nan, mixed).astype(values.dtype, copy=False)


@dataclass(frozen=True)
class ZeroLossAlignment(Step):
    r"""Shift each spectrum so that its zero-loss peak is at zero energy (EELS, also elastic peaks of other methods).

    .. math:: x_i(E) = X_i(E + d_i)

    with the position d of the peak in pixel i.

    The position of the peak is its centroid, with Gaussian weights around the position itself, iterated from the
    maximum; for a symmetric peak it has no bias. Spectra are interpolated linearly between channels. This keeps
    counts non-negative, and correlates the noise of neighbouring channels: its variance is smaller by up to one half.
    Use ``subchannel=False`` to move counts by whole channels only.

    There is no inverse: results are on the aligned axis.

    Parameters
    ----------
    window
        (low, high) in units of the channel coordinate in which the peak is searched; None for the whole axis.
    at
        Energy of the aligned peaks; None for 0 if the axis contains it, else for the median of the positions.
    outside
        ``"crop"`` keeps the channels that all pixels have after the shift; ``"mask"`` keeps all, with missing values.
    subchannel
        Whether to interpolate; otherwise shifts are whole channels.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> energy = np.linspace(-10, 40, 501)
    >>> drift = xr.DataArray([[0.1, 0.33, -1.2]], dims=("y", "x"))
    >>> cube = np.exp(-(((xr.DataArray(energy, coords={"energy": energy}, dims="energy") - drift) / 0.6) ** 2))
    >>> cube = cube.transpose("y", "x", "energy")
    >>> fitted = ZeroLossAlignment().fit(cube, ("energy",))
    >>> fitted.shift.values.round(2)  # channels of 0.1
    array([[  1. ,   3.3, -12. ]])
    >>> aligned = fitted.transform(cube)
    >>> bool(np.allclose(aligned[0, 1], aligned[0, 0], atol=0.01)), aligned.sizes["energy"]
    (True, 485)
    """

    window: tuple[float | None, float | None] | None = None
    at: float | None = None
    outside: Literal["crop", "mask"] = "crop"
    subchannel: bool = True

    def __post_init__(self) -> None:
        if self.outside not in ("crop", "mask"):
            raise ValueError(f"outside={self.outside!r} is not known: use 'crop' or 'mask'")

    @property
    def undone(self) -> bool:
        """Whether the inverse undoes the step: never, results are on the aligned axis."""
        return False

    def fit(self, cube: xr.DataArray, channel: tuple[Hashable, ...]) -> ShiftedSpectra:
        """Find the zero-loss peak of every pixel; of a lazy cube only the window is read.

        Raises
        ------
        ValueError
            If there is not one evenly spaced channel dimension, the window holds no peak, or no channel is left.
        """
        name = single_channel(cube, channel, self)
        energy = cube[name].values.astype(np.float64)
        if energy.size < 5 or not np.allclose(np.diff(energy), np.diff(energy).mean(), rtol=1e-3, atol=0):
            raise ValueError(
                f"ZeroLossAlignment needs 5 or more evenly spaced channels: interpolate, cube.interp({name}=...)"
            )
        step = float(np.diff(energy).mean())
        where = slice(0, energy.size) if self.window is None else window_positions(cube, name, self.window)
        values = cube.isel({name: where}).transpose(..., name).compute()
        rows = values.values.reshape(-1, values.shape[-1])
        position = _positions(rows, _width(rows)) + where.start
        seen = np.isfinite(position)
        if not seen.any():
            raise ValueError(f"ZeroLossAlignment finds no peak in the window {self.window}: move it to the zero loss")
        middle = float(np.median(position[seen]))
        zero_inside = min(energy[0], energy[-1]) <= 0 <= max(energy[0], energy[-1])
        target = (-energy[0] / step if zero_inside else middle) if self.at is None else (self.at - energy[0]) / step
        shift = np.round(np.where(seen, position, middle) - target, 4)  # the centroid is not more precise
        first, stop = 0, energy.size
        if self.outside == "crop":
            moved = shift if self.subchannel else np.rint(shift)
            first, stop = max(0, int(np.ceil(-moved.min()))), min(stop, stop - int(np.ceil(moved.max())))
        if stop - first < 2:
            raise ValueError(
                f"zero-loss peaks lie between channels {position[seen].min():.1f} and {position[seen].max():.1f} of "
                f"{energy.size}, which leaves no common channel: give a window around the zero loss, or outside='mask'"
            )
        return ShiftedSpectra(
            xr.Variable(values.dims[:-1], shift.reshape(values.shape[:-1])),
            xr.Variable((name,), cube[name].values[first:stop], cube[name].attrs),
            first,
            self.subchannel,
            float(abs(step) * shift[seen].std()),
        )


def _width(rows: Array) -> float:
    """Return the standard deviation of the peak in channels, from the half width of spectra aligned at their maxima."""
    length = rows.shape[1]
    aligned = np.zeros(2 * length - 1)
    for start in range(0, len(rows), _BAND):
        band = np.nan_to_num(rows[start : start + _BAND].astype(np.float64))
        offset = length - 1 - band.argmax(axis=1)
        columns = offset[:, None] + np.arange(length)
        aligned += np.bincount(columns.ravel(), band.ravel(), minlength=aligned.size)
    half = aligned > aligned[length - 1] / 2
    left = np.argmin(half[length - 1 :: -1]) if not half[: length - 1].all() else length
    right = np.argmin(half[length - 1 :]) if not half[length:].all() else length
    return float(max((left + right - 1) / 2.355, 0.7))


def _positions(rows: Array, width: float) -> Float64Array:
    """Return the centroid of the largest peak of each spectrum in channels; NaN for a spectrum without signal."""
    found = np.full(len(rows), np.nan)
    channel = np.arange(rows.shape[1], dtype=np.float64)
    for start in range(0, len(rows), _BAND):
        band = np.maximum(np.nan_to_num(rows[start : start + _BAND].astype(np.float64)), 0.0)
        signal = np.flatnonzero(band.max(axis=1) > 0)
        band = band[signal]
        centre = channel[band.argmax(axis=1)]
        for _ in range(_ROUNDS):
            weight = band * np.exp(-0.5 * ((channel - centre[:, None]) / (_WIDER * width)) ** 2)
            moved = weight @ channel / weight.sum(axis=1)
            change, centre = np.abs(moved - centre).max(initial=0.0), moved
            if change < 1e-6:
                break
        found[start + signal] = centre
    return found
