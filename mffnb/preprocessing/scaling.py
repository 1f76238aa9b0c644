"""Linear preprocessing steps: mean centring, range, unit sum, unit norm, Poisson scaling."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr
from scipy import sparse

from mffnb.cubes.sparse_map import SparseMap
from mffnb.cubes.sparse_pixels import SparsePixels, sparse_pixels_of
from mffnb.preprocessing.row_blocks import (
    elementwise,
    mean_over_pixels,
    over_pixels,
    per_pixel,
    smallest,
    sums_of_pixels,
)
from mffnb.preprocessing.step import Fitted, Step, float_type, part, pixels, with_new_values

__all__ = ["MeanCentre", "PoissonScaling", "Range", "UnitNorm", "UnitSum"]


@dataclass(frozen=True, eq=False)
class AffineScaling(Fitted):
    """Fitted linear step x = (X - offset) / (pixel_scale channel_scale); None means a scale of 1 or an offset of 0."""

    offset: xr.Variable | None = None
    pixel_scale: xr.Variable | None = None
    channel_scale: xr.Variable | None = None

    def transform(self, cube: xr.DataArray) -> xr.DataArray:
        """Return the cube minus the offset, divided by the scales; float32 stays float32.

        A sparse cube stays sparse if there is no offset.
        """
        pixels = sparse_pixels_of(cube)
        if pixels is not None and self._keeps_zeros(cube):
            return self._sparse(cube, pixels)
        return elementwise(cube, lambda block, here: self.cropped(here)._scaled(block))

    def _scaled(self, cube: xr.DataArray) -> xr.DataArray:
        dtype = float_type(cube)
        values = cube.variable.astype(dtype, copy=False)
        if self.offset is not None:
            values = values - self.offset.astype(dtype)
        for scale in (self.pixel_scale, self.channel_scale):
            if scale is not None:
                values = values / scale.astype(dtype)
        return with_new_values(cube, values, units=self._keeps_units)

    def _keeps_zeros(self, cube: xr.DataArray) -> bool:
        """Whether zeros stay zeros, with one scale for each pixel and one for each channel of the last dimension."""
        of_pixels = self.pixel_scale is None or self.pixel_scale.dims == cube.dims[:-1]
        return self.offset is None and of_pixels and (self.channel_scale is None or self.channel_scale.ndim == 1)

    def _sparse(self, cube: xr.DataArray, pixels: SparseMap | SparsePixels) -> xr.DataArray:
        """Return a sparse cube with its stored entries divided by the scales."""
        rows = pixels.compressed()
        values = rows.data.astype(np.float64)
        if self.pixel_scale is not None:
            values /= np.repeat(self.pixel_scale.values.ravel(), np.diff(rows.indptr))
        if self.channel_scale is not None:
            values /= self.channel_scale.values[rows.indices]
        kind = np.float32 if rows.dtype == np.float32 else np.float64
        scaled = sparse.csr_array((values.astype(kind), rows.indices, rows.indptr), shape=rows.shape)
        absent = pixels.absent if isinstance(pixels, SparseMap) else np.zeros(rows.shape[0], bool)
        found = cube.copy(data=SparseMap(scaled, tuple(pixels.shape[:-1]), absent))
        if not self._keeps_units:
            found.attrs = {key: value for key, value in cube.attrs.items() if key not in ("units", "long_name")}
        return found

    def inverse(self, cube: xr.DataArray) -> xr.DataArray:
        """Return the processed cube times the scales, plus the offset."""
        values = _times(_times(cube.variable, self.pixel_scale), self.channel_scale)
        return with_new_values(cube, values if self.offset is None else values + self.offset)

    def endmembers(self, endmembers: xr.DataArray) -> xr.DataArray:
        """Return processed spectra times channel_scale; the offset is not part of endmembers."""
        return with_new_values(endmembers, _times(endmembers.variable, self.channel_scale))

    def abundances(self, abundances: xr.DataArray) -> xr.DataArray:
        """Return processed maps times pixel_scale."""
        return with_new_values(abundances, _times(abundances.variable, self.pixel_scale))

    def prepare_endmembers(self, endmembers: xr.DataArray) -> xr.DataArray:
        """Return physical spectra divided by channel_scale."""
        return with_new_values(endmembers, _times(endmembers.variable, _inverted(self.channel_scale)))

    def prepare_abundances(self, abundances: xr.DataArray) -> xr.DataArray:
        """Return physical maps divided by pixel_scale."""
        return with_new_values(abundances, _times(abundances.variable, _inverted(self.pixel_scale)))

    def cropped(self, positions: Mapping[Hashable, slice]) -> AffineScaling:
        """Return the fitted step with scales and offset on a cropped grid."""
        parts = (self.offset, self.pixel_scale, self.channel_scale)
        return AffineScaling(*(None if state is None else part(state, positions) for state in parts))

    @property
    def scales_pixels(self) -> bool:
        """Whether each pixel was divided by a scale of this pixel, such as its sum or norm."""
        return self.pixel_scale is not None

    @property
    def multiplies(self) -> bool:
        """Whether the step multiplies rows and columns of X by factors, without an offset."""
        return self.offset is None

    @property
    def _keeps_units(self) -> bool:
        return self.pixel_scale is None and self.channel_scale is None


@dataclass(frozen=True)
class MeanCentre(Step):
    r"""Subtract the mean spectrum, :math:`x_{ij} = X_{ij} - \bar X_j`, as PCA does.

    The mean over pixels (ignoring NaN) is stored, and the inverse adds it to the reconstruction. Endmembers are
    deviations from the mean, of either sign.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> cube = xr.DataArray(np.arange(12.0).reshape(2, 2, 3), dims=("y", "x", "energy"))
    >>> fitted = MeanCentre().fit(cube, ("energy",))
    >>> fitted.offset.values
    array([4.5, 5.5, 6.5])
    >>> fitted.inverse(fitted.transform(cube)).equals(cube)
    True
    """

    @property
    def signed(self) -> bool:
        """Whether processed data may be negative: always, as deviations from the mean."""
        return True

    @property
    def centred(self) -> bool:
        """Whether zero no longer means absence of signal: always, because the mean is subtracted."""
        return True

    def fit(self, cube: xr.DataArray, channel: tuple[Hashable, ...]) -> AffineScaling:
        """Compute the mean spectrum of a cube in float64."""
        return AffineScaling(offset=mean_over_pixels(cube, channel).variable.compute())


@dataclass(frozen=True)
class Range(Step):
    r"""Scale values to an interval, :math:`x = l + (h - l) (X - \min X) / (\max X - \min X)`.

    One linear map for the whole cube keeps the shape of spectra and the ratios of channels. With one map per channel,
    all channels have the same range, also those of noise alone; the inverse multiplies the endmembers by the factors.
    The offset is stored, and the inverse adds it to the reconstruction; it is not part of the endmembers.

    Parameters
    ----------
    low, high
        The interval: [0, 1], or [-1, 1] for data of either sign.
    each
        ``"cube"`` (one map for all values) or ``"channel"`` (one map per channel). Constant values become ``low``.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> cube = xr.DataArray(np.arange(12.0).reshape(2, 2, 3), dims=("y", "x", "energy"))
    >>> x = Range(-1, 1).fit(cube, ("energy",)).transform(cube)
    >>> float(x.min()), float(x.max())
    (-1.0, 1.0)
    """

    low: float = 0.0
    high: float = 1.0
    each: Literal["cube", "channel"] = "cube"

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"Range goes from low to high, low < high; got {self.low!r} and {self.high!r}")
        if self.each not in ("cube", "channel"):
            raise ValueError(f"each={self.each!r} is not known: use 'cube' or 'channel'")

    @property
    def signed(self) -> bool:
        """Whether processed data may be negative: if ``low`` is negative."""
        return self.low < 0

    @property
    def centred(self) -> bool:
        """Whether zero no longer means absence of signal: if ``low`` is negative."""
        return self.low < 0

    def fit(self, cube: xr.DataArray, channel: tuple[Hashable, ...]) -> AffineScaling:
        """Compute the minimum and the maximum of a cube or of each channel, ignoring NaN."""
        over = pixels(cube, channel) if self.each == "channel" else list(cube.dims)
        low = over_pixels(cube, channel, lambda block: block.min(over), np.fmin)
        high = over_pixels(cube, channel, lambda block: block.max(over), np.fmax)
        ends = xr.Dataset({"low": low, "high": high}).compute().astype(np.float64)
        smallest, width = ends["low"].variable, (ends["high"] - ends["low"]).variable
        scale = xr.Variable(width.dims, np.where(width.values > 0, width.values / (self.high - self.low), 1.0))
        return AffineScaling(offset=smallest - self.low * scale, channel_scale=scale)


@dataclass(frozen=True)
class UnitSum(Step):
    r"""Divide every pixel by its sum, :math:`x_{ij} = X_{ij} / \sum_j X_{ij}`, for example by the total ion current.

    The inverse multiplies the abundances by the sums. A pixel whose sum is not positive is not changed.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> cube = xr.DataArray(np.arange(12.0).reshape(2, 2, 3), dims=("y", "x", "energy"))
    >>> UnitSum().fit(cube, ("energy",)).transform(cube).sum("energy").values
    array([[1., 1.],
           [1., 1.]])
    """

    def fit(self, cube: xr.DataArray, channel: tuple[Hashable, ...]) -> AffineScaling:
        """Compute the sum of every pixel of a cube, ignoring NaN."""
        _need_channels(self, channel)
        return AffineScaling(pixel_scale=_positive(sums_of_pixels(cube, channel)))


@dataclass(frozen=True)
class UnitNorm(Step):
    r"""Divide every pixel by its norm, :math:`x_{ij} = X_{ij} / (\sum_j X_{ij}^2)^{1/2}`.

    Brightness then has no influence. The inverse multiplies the abundances by the norms. A pixel of norm zero is not
    changed.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> cube = xr.DataArray([[[3.0, 4.0], [0.0, 0.0]]], dims=("y", "x", "energy"))
    >>> UnitNorm().fit(cube, ("energy",)).transform(cube).values
    array([[[0.6, 0.8],
            [0. , 0. ]]])
    """

    def fit(self, cube: xr.DataArray, channel: tuple[Hashable, ...]) -> AffineScaling:
        """Compute the norm of every pixel of a cube, ignoring NaN."""
        _need_channels(self, channel)
        return AffineScaling(pixel_scale=_positive(sums_of_pixels(cube, channel, power=2) ** 0.5))


@dataclass(frozen=True)
class PoissonScaling(Step):
    r"""Scale counts to uniform noise variance (Keenan and Kotula), :math:`x_{ij} = X_{ij} / \sqrt{g_i h_j}`.

    g is the mean image and h the mean spectrum. The variance of a count equals its mean, about g_i h_j up to a
    constant, so the scaled variance is uniform and least squares is the maximum-likelihood fit. The inverse multiplies
    the abundances by the root of the mean image and the endmembers by the root of the mean spectrum. Empty pixels and
    channels are not changed.

    Source: Keenan & Kotula 2004, Surf. Interface Anal. 36:203, "Accounting for Poisson noise in the multivariate
    analysis of ToF-SIMS spectrum images".

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> counts = xr.DataArray(np.full((2, 2, 3), 4), dims=("y", "x", "mass"))
    >>> float(PoissonScaling().fit(counts, ("mass",)).transform(counts)[0, 0, 0])
    1.0
    """

    @property
    def stabilizes(self) -> bool:
        """Whether the step stabilises the variance of counts: always."""
        return True

    def fit(self, cube: xr.DataArray, channel: tuple[Hashable, ...]) -> AffineScaling:
        """Compute the mean image and the mean spectrum of a cube, ignoring NaN.

        Raises
        ------
        ValueError
            If there are negative values.
        """
        _need_channels(self, channel)
        if smallest(cube) < 0:
            raise ValueError(
                "PoissonScaling is for counts, and there are negative values: leave it out, or put it first"
            )
        if sparse_pixels_of(cube) is not None and channel == cube.dims[-1:]:
            image = sums_of_pixels(cube, channel) / cube.sizes[channel[0]]
        else:
            image = per_pixel(cube, channel, lambda block: block.mean(list(channel), dtype=np.float64))
        spectrum = mean_over_pixels(cube, channel)
        means = xr.Dataset({"image": image, "spectrum": spectrum}).compute()
        return AffineScaling(
            pixel_scale=_positive(means["image"] ** 0.5), channel_scale=_positive(means["spectrum"] ** 0.5)
        )


def _times(values: xr.Variable, scale: xr.Variable | None) -> xr.Variable:
    return values if scale is None else values * scale


def _inverted(scale: xr.Variable | None) -> xr.Variable | None:
    return None if scale is None else 1 / scale


def _positive(scale: xr.DataArray) -> xr.Variable:
    """Return a computed scale, with 1 where it is not positive."""
    values = scale.compute().variable
    return xr.Variable(values.dims, np.where(values.values > 0, values.values, 1.0))


def _need_channels(step: object, channel: tuple[Hashable, ...]) -> None:
    if not channel:
        raise ValueError(f"{type(step).__name__} needs spectra and this is an image: put it after SlidingFFT")
