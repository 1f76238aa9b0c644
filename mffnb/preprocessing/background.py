"""Background subtraction: asymmetric least-squares baseline, power law, constant, estimated for each pixel.

Because of noise, some differences are negative; least squares accepts them, but a Poisson likelihood does not. The
background is stored and added to the reconstruction. Endmembers and abundances describe the signal above the
background.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from mffnb.kernels.baseline import asymmetric_baselines
from mffnb.preprocessing.grid import window_positions
from mffnb.preprocessing.step import Fitted, Step, float_type, part, single_channel, with_new_values
from mffnb.typing import Array, Float64Array

__all__ = ["AsymmetricBaseline", "ConstantBackground", "PowerLawBackground"]

_BAND = 4096  # number of pixels in a block, which limits the memory of a fit
_STEEPEST = 20.0  # largest exponent r; a fit to noise alone could give a larger one


@dataclass(frozen=True, eq=False)
class Subtracted(Fitted):
    """A fitted background of each pixel or of each value of the cube; lazy if the cube is lazy."""

    background: xr.Variable

    def transform(self, cube: xr.DataArray) -> xr.DataArray:
        """Return the cube minus the background."""
        dtype = float_type(cube)
        return with_new_values(
            cube, cube.variable.astype(dtype, copy=False) - self.background.astype(dtype, copy=False)
        )

    def inverse(self, cube: xr.DataArray) -> xr.DataArray:
        """Return the cube plus the background."""
        return with_new_values(cube, cube.variable + self.background)

    def cropped(self, positions: Mapping[Hashable, slice]) -> Subtracted:
        """Return the fitted background on a cropped grid."""
        return Subtracted(part(self.background, positions))


@dataclass(frozen=True, eq=False)
class PowerLaw(Fitted):
    """Fitted power-law background ``amplitude (energy / reference)^-exponent``, stored as two numbers per pixel."""

    amplitude: xr.Variable
    exponent: xr.Variable
    ratio: xr.Variable  # energy / reference, constant below the window

    @property
    def background(self) -> xr.Variable:
        """Return the background of the whole cube."""
        return self.amplitude * self.ratio ** (-self.exponent)

    def transform(self, cube: xr.DataArray) -> xr.DataArray:
        """Return the cube minus the background."""
        return self._like(cube).transform(cube)

    def inverse(self, cube: xr.DataArray) -> xr.DataArray:
        """Return the cube plus the background."""
        return self._like(cube).inverse(cube)

    def cropped(self, positions: Mapping[Hashable, slice]) -> PowerLaw:
        """Return the fitted background on a cropped grid."""
        return PowerLaw(*(part(state, positions) for state in (self.amplitude, self.exponent, self.ratio)))

    def _like(self, cube: xr.DataArray) -> Subtracted:
        """Return the background in the dtype of the cube, lazy if the cube is lazy."""
        states = [state.astype(float_type(cube)) for state in (self.amplitude, self.exponent, self.ratio)]
        if cube.chunks is not None:
            states = [state.chunk({name: cube.chunksizes[name] for name in state.dims}) for state in states]
        return Subtracted(PowerLaw(*states).background)


@dataclass(frozen=True)
class AsymmetricBaseline(Step):
    r"""Subtract an asymmetric least-squares baseline, for example the fluorescence below a Raman spectrum.

    .. math:: \min_z \sum_j w_j (X_j - z_j)^2 + s \sum_j (\Delta^2 z_j)^2,
              \quad w_j = a \text{ where } X_j > z_j, \text{ else } 1 - a

    The stored baseline is as large as the cube. The baseline of a lazy cube stays lazy and is computed again at
    each read. Source: Eilers & Boelens 2005, "Baseline correction with asymmetric least squares smoothing".

    Parameters
    ----------
    smoothness
        s, from 1e2 (follows broad bands) to 1e9 (nearly straight). It is in units of channels: twice as many channels
        need 16 times the value.
    asymmetry
        a, from 0.001 (few points above the baseline pull it up) to 0.1 (noisy spectra).
    iterations
        Maximum number of reweighting iterations.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> shift = np.arange(200.0)
    >>> peak = 5 * np.exp(-(((shift - 80) / 4) ** 2))
    >>> cube = xr.DataArray((peak + 0.1 * shift)[None, None], dims=("y", "x", "shift"))
    >>> left = AsymmetricBaseline(asymmetry=1e-4).fit(cube, ("shift",)).transform(cube)
    >>> bool(np.allclose(left[0, 0], peak, atol=0.05))
    True
    """

    smoothness: float = 1e5
    asymmetry: float = 0.01
    iterations: int = 10

    def __post_init__(self) -> None:
        if not (self.smoothness > 0 and 0 < self.asymmetry < 1 and self.iterations >= 1):
            raise ValueError(f"smoothness > 0, asymmetry between 0 and 1 and iterations >= 1 are needed; got {self}")

    @property
    def signed(self) -> bool:
        """Whether processed data may be negative: always, because of noise around zero."""
        return True

    def fit(self, cube: xr.DataArray, channel: tuple[Hashable, ...]) -> Subtracted:
        """Fit the baseline of every pixel of a cube.

        Raises
        ------
        ValueError
            If there is not one channel dimension with three or more channels.
        """
        name = single_channel(cube, channel, self)
        if cube.sizes[name] < 3:
            raise ValueError(f"AsymmetricBaseline needs three or more channels, {name!r} has {cube.sizes[name]}")
        baselines = xr.apply_ufunc(
            self._baselines,
            cube,
            input_core_dims=[[name]],
            output_core_dims=[[name]],
            dask="parallelized",
            output_dtypes=[float_type(cube)],
            dask_gufunc_kwargs={"allow_rechunk": True},
        )
        return Subtracted(baselines.variable)

    def _baselines(self, values: Array) -> Array:
        """Return the baselines (..., channels), computed in blocks of pixels to limit memory."""
        spectra = values.reshape(-1, values.shape[-1])
        found = np.empty(spectra.shape, np.float32 if values.dtype == np.float32 else np.float64)
        for start in range(0, len(spectra), _BAND):
            band = np.ascontiguousarray(spectra[start : start + _BAND], dtype=np.float64)
            found[start : start + _BAND] = asymmetric_baselines(
                band, float(self.smoothness), float(self.asymmetry), int(self.iterations)
            )
        return found.reshape(values.shape)


@dataclass(frozen=True)
class PowerLawBackground(Step):
    r"""Subtract :math:`I(E) = c E^{-r}`, fitted in a window before the edge: the background of an EELS spectrum.

    c and r >= 0 maximise the Poisson likelihood; the total counts and the mean logarithm of energy in the window then
    equal those of the model. No logarithm of a count is taken, so few counts cause no bias. A pixel whose total in the
    window is not positive gets no background. Below the window the background is constant; follow with :class:`Crop` to
    keep the channels above. Source: Egerton 2011, "Electron energy-loss spectroscopy in the electron microscope",
    section 4.4.

    Parameters
    ----------
    window
        (low, high) in units of the channel coordinate, above zero; None for the lowest tenth of the channels (at
        least two).

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> energy = np.linspace(200.0, 400.0, 101)
    >>> edge = np.where(energy > 284, 50.0, 0.0)
    >>> spectrum = 1e8 * energy**-3.0 + edge
    >>> cube = xr.DataArray(spectrum[None, None], dims=("y", "x", "energy"), coords={"energy": energy})
    >>> left = PowerLawBackground((210, 280)).fit(cube, ("energy",)).transform(cube)
    >>> bool(np.allclose(left[0, 0, 5:], edge[5:]))
    True
    """

    window: tuple[float | None, float | None] | None = None

    @property
    def signed(self) -> bool:
        """Whether processed data may be negative: always, because of noise around zero."""
        return True

    def fit(self, cube: xr.DataArray, channel: tuple[Hashable, ...]) -> PowerLaw:
        """Fit amplitude and exponent of every pixel; of a lazy cube only the window is read.

        Raises
        ------
        ValueError
            If there is not one channel dimension, or the window holds fewer than two channels or an energy that is not
            positive.
        """
        name = single_channel(cube, channel, self)
        length = cube.sizes[name]
        energy = cube[name].values.astype(np.float64)
        tenth = max(2, length // 10)
        lowest = slice(0, tenth) if energy[0] <= energy[-1] else slice(length - tenth, length)
        where = lowest if self.window is None else window_positions(cube, name, self.window)
        if len(energy[where]) < 2:
            raise ValueError(f"the window {self.window} holds one channel of {name!r}: a power law needs two or more")
        start = energy[where].min()
        if start <= 0:
            raise ValueError(f"a power law needs energies above zero, its window starts at {start:g}: raise it")
        reference = float(np.exp(np.log(energy[where]).mean()))
        values = cube.isel({name: where}).transpose(..., name).compute()
        amplitude, exponent = _most_likely(values.values, np.log(energy[where] / reference))
        dims = values.dims[:-1]
        return PowerLaw(
            xr.Variable(dims, amplitude),
            xr.Variable(dims, exponent),
            xr.Variable((name,), np.maximum(energy, start) / reference),
        )


@dataclass(frozen=True)
class ConstantBackground(Step):
    r"""Subtract a constant from every spectrum: its mean in a window without signal, or its minimum.

    .. math:: x_{ij} = X_{ij} - \frac{1}{|W|} \sum_{l \in W} X_{il}

    with the window W.

    Parameters
    ----------
    window
        (low, high) in units of the channel coordinate; None for the minimum, which is biased low for
        noisy spectra.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> cube = xr.DataArray([[[2.0, 2.0, 5.0]]], dims=("y", "x", "energy"), coords={"energy": [1.0, 2.0, 3.0]})
    >>> ConstantBackground((1, 2)).fit(cube, ("energy",)).transform(cube).values
    array([[[0., 0., 3.]]])
    """

    window: tuple[float | None, float | None] | None = None

    @property
    def signed(self) -> bool:
        """Whether processed data may be negative: True if the level is a mean, False if it is the minimum."""
        return self.window is not None

    def fit(self, cube: xr.DataArray, channel: tuple[Hashable, ...]) -> Subtracted:
        """Compute the constant background of every pixel, ignoring NaN."""
        if self.window is None:
            return Subtracted(cube.min(list(channel)).compute().variable)
        name = single_channel(cube, channel, self)
        inside = cube.isel({name: window_positions(cube, name, self.window)})
        return Subtracted(inside.mean([name], dtype=np.float64).compute().variable)


def _most_likely(counts: Array, log_energy: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Return maximum-likelihood amplitude and exponent (...) of counts (..., window) in ``log_energy``."""
    rows = counts.reshape(-1, counts.shape[-1])
    found = np.zeros((2, len(rows)))
    for start in range(0, len(rows), _BAND):
        band = rows[start : start + _BAND].astype(np.float64)
        found[:, start : start + _BAND] = _fit_band(band, log_energy)
    return found[0].reshape(counts.shape[:-1]), found[1].reshape(counts.shape[:-1])


def _fit_band(counts: Float64Array, log_energy: Float64Array) -> Float64Array:
    """Fit power laws to one block of pixels: Newton's method for the exponent, whose log-likelihood is concave."""
    seen = ~np.isnan(counts)
    total = np.nansum(counts, axis=1)
    usable = total > 0
    divisor = np.where(usable, total, 1.0)
    wanted = np.nansum(counts * log_energy, axis=1) / divisor
    exponent = np.zeros(len(counts))
    for _ in range(30):
        model = seen * np.exp(-exponent[:, None] * log_energy)
        model /= np.maximum(model.sum(axis=1, keepdims=True), np.finfo(float).tiny)
        mean = model @ log_energy
        variance = model @ log_energy**2 - mean**2
        step = np.where(usable & (variance > 0), (mean - wanted) / np.where(variance > 0, variance, 1.0), 0.0)
        moved = np.clip(exponent + np.clip(step, -5, 5), 0.0, _STEEPEST)
        change = np.abs(moved - exponent).max(initial=0.0)
        exponent = moved
        if change < 1e-12:
            break
    model = seen * np.exp(-exponent[:, None] * log_energy)
    amplitude = np.where(usable, total / np.maximum(model.sum(axis=1), np.finfo(float).tiny), 0.0)
    return np.stack([amplitude, exponent])
