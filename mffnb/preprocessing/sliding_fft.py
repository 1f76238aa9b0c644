"""Sliding FFT: conversion of an image to a cube of local diffraction patterns, one for each window."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import numpy as np
import scipy
import xarray as xr

from mffnb.cubes.axis_kinds import is_spatial, is_spectral
from mffnb.preprocessing.memory import available_bytes
from mffnb.preprocessing.step import Fitted, Step
from mffnb.typing import Array, Float64Array

__all__ = ["SlidingFFT"]

_BAND_BYTES = 16 * 2**20


@dataclass(frozen=True)
class SlidingFFT(Step):
    r"""Compute the modulus of the Fourier transform of windows at regular steps over an image.

    .. math:: x_{w}(k) = |\textstyle\sum_r t(r) (I(r + w) - m_w) e^{-2 \pi i k r}|
              \quad\text{or, with } log, \quad \log(1 + x_{w}(k) / s)

    The taper t is applied before the transform. The scale s of the logarithm is the expected modulus of white noise
    with the variance of the image, the root of var(I) sum(t^2). So noise is about 1 before the logarithm, lattice peaks
    are far above it, and the logarithm does not depend on the units of the image.

    The cube has dimensions (y, x, ky, kx) if the image had (y, x). Its pixels are the windows, at the coordinates of
    their centres; its channels are spatial frequencies in cycles per unit of the image, zero in the middle. A window
    with a missing value is missing. A movie (time, y, x), or a stack of images, gives (time, y, x, ky, kx): windows lie
    within one frame, and s is common to all frames, so endmembers are too. Frames are read one at a time.

    The phase is lost, so the step has no inverse: results stay in frequency space, and steps before it are not undone.

    Source: Vasudevan et al. 2015, Appl. Phys. Lett. 106:091601, and Kannan et al. 2018, Adv. Struct. Chem. Imaging 4:6,
    figure 10.

    Parameters
    ----------
    size
        Side of the window in pixels of the image, or one for each dimension. It should span several unit cells.
    step
        Distance between windows in pixels, or one for each dimension.
    window
        Taper, by its name in :func:`scipy.signal.get_window`; ``"boxcar"`` is no taper.
    zoom
        Fraction of the frequencies that is kept: the central 1 / zoom along each axis.
    log
        Whether the result is the logarithm as above; otherwise it is the modulus. The modulus of a window on a boundary
        is close to the mean of both sides, in proportion to their areas. The logarithm is concave, so fractions there
        sum to more than one, and the boundary may look like a component of its own: on the image of
        :func:`mffnb.datasets.stem_catalyst` the error of the fractions is 0.053 instead of 0.009. But strong
        reflections dominate the fit less. Use it to find weak patterns, not to measure areas.
    dc
        Treatment of zero frequency, whose peak would exceed all others. ``"mean"`` subtracts the taper-weighted mean of
        each window, which makes zero frequency exactly zero and leaves no side lobes. ``"mask"`` sets zero frequency
        to 0 after the transform. ``"keep"`` changes nothing.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> x = 0.1 * np.arange(128)  # nm
    >>> image = xr.DataArray(np.cos(2 * np.pi * 1.25 * x) + np.zeros((96, 1)), dims=("y", "x"), coords={"x": ("x", x)})
    >>> image["x"].attrs["units"] = "nm"
    >>> cube = SlidingFFT(size=32, step=16).fit(image, ()).transform(image)
    >>> cube.shape, cube["kx"].attrs["units"]
    ((5, 7, 32, 32), '1/nm')
    >>> peak = cube[2, 3].where(cube["kx"] >= 0, 0).argmax(("ky", "kx"))
    >>> float(cube["ky"][peak["ky"]]), float(cube["kx"][peak["kx"]].round(3))
    (0.0, 1.25)
    """

    size: int | tuple[int, int] = 64
    step: int | tuple[int, int] = 16
    window: str | tuple[Any, ...] = "hann"
    zoom: float = 1.0
    log: bool = False
    dc: Literal["mean", "mask", "keep"] = "mean"

    def __post_init__(self) -> None:
        if self.dc not in ("mean", "mask", "keep"):
            raise ValueError(f"dc={self.dc!r} is not known: use 'mean', 'mask' or 'keep'")
        if not isinstance(self.window, (str, tuple)):  # SciPy would take a number as the parameter of a Kaiser window
            raise ValueError(
                f"window is the name of a taper, such as 'hann', got {self.window!r}: the side of the window is size="
            )
        if not self.zoom >= 1:
            raise ValueError(f"zoom keeps 1 / zoom of the frequencies, so it is 1 or more, got {self.zoom!r}")
        for name in ("size", "step"):
            numbers = _both(getattr(self, name))
            if not (len(numbers) == 2 and all(isinstance(n, (int, np.integer)) and n >= 1 for n in numbers)):
                raise ValueError(f"{name} is a whole number of pixels, or two of them, got {getattr(self, name)!r}")

    @property
    def takes_image(self) -> bool:
        """Whether the input of the step is an image without channel dimension: always."""
        return True

    def shape(self, image_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of the cube: frames, windows along both dimensions, frequencies along both dimensions.

        Raises
        ------
        ValueError
            If the image has less than two dimensions, or is smaller than a window.
        """
        if len(image_shape) < 2:
            raise ValueError(f"SlidingFFT needs an image of two dimensions, got {len(image_shape)}")
        *frames, height, width = image_shape
        size, step, lengths = _both(self.size), _both(self.step), (height, width)
        if any(n > length for n, length in zip(size, lengths, strict=True)):
            raise ValueError(f"a window of {size} pixels does not fit into an image of {lengths}: make size smaller")
        windows = [(length - n) // s + 1 for length, n, s in zip(lengths, size, step, strict=True)]
        kept = [max(1, round(n / self.zoom)) for n in size]
        return (*frames, *windows, *kept)

    def required_bytes(self, image_shape: tuple[int, ...]) -> int:
        """Return the memory in bytes for an image or a movie: the float32 stack, a frame, one block of work space."""
        band = max(_BAND_BYTES, 4 * prod(_both(self.size)))
        return 4 * prod(self.shape(image_shape)) + 16 * prod(image_shape[-2:]) + 5 * band

    def fit(self, cube: xr.DataArray, channel: tuple[Hashable, ...] = ()) -> LocalSpectra:
        """Compute coordinates of windows and frequencies, and the scale s of an image; a lazy image is read.

        Raises
        ------
        MemoryError
            If the cube does not fit into the available memory; raised before the transform starts.
        ValueError
            If the input is neither an image nor a stack of images, a window does not fit, or a coordinate is not
            evenly spaced.
        """
        frames = _frame_dims(cube)
        shape = self.shape(cube.shape)
        required, available = self.required_bytes(cube.shape), available_bytes()
        if available is not None and required > available:
            rows, columns, *kept = shape[-4:]
            of_frames = f"{prod(shape[:-4])} frames of " if frames else ""
            raise MemoryError(
                f"the sliding FFT of {of_frames}{rows} x {columns} windows with {kept[0]} x {kept[1]} frequencies "
                f"needs {required / 2**30:.1f} GiB and {available / 2**30:.1f} GiB are left: raise step or zoom"
            )
        size, step = _both(self.size), _both(self.step)
        (y, ky), (x, kx) = (
            _axes(cube, len(frames) + i, size[i], step[i], shape[len(frames) + i], shape[len(frames) + 2 + i])
            for i in (0, 1)
        )
        noise = _deviation(cube, frames) * float(np.linalg.norm(self.taper()))
        kept_frames = tuple(_frame_coordinate(cube, name) for name in frames)
        return LocalSpectra(self, y, x, ky, kx, noise if noise > 0 else 1.0, kept_frames)

    def taper(self) -> Float64Array:
        """Return the window function on its grid, (size, size)."""
        from scipy.signal import get_window  # noqa: PLC0415  slow import, needed for this step only

        rows, columns = (get_window(self.window, n) for n in _both(self.size))
        return np.outer(rows, columns)


@dataclass(frozen=True, eq=False)
class LocalSpectra(Fitted):
    """Fitted sliding FFT: coordinates of windows, frequencies and frames, and the scale inside the logarithm."""

    step: SlidingFFT
    y: xr.Variable
    x: xr.Variable
    ky: xr.Variable
    kx: xr.Variable
    scale: float
    frames: tuple[xr.Variable, ...] = ()

    @property
    def new_channel(self) -> tuple[Hashable, ...]:
        """Names of the two frequency dimensions."""
        return (*self.ky.dims, *self.kx.dims)

    def prepare_known(self, spectra: xr.DataArray) -> xr.DataArray:
        """Raise ValueError: an image has no known spectra."""
        raise ValueError(
            "SlidingFFT makes spectra of an image, which has no known spectra: leave out known, or compute the cube "
            "first with mffnb.preprocessing.fit_chain and unmix that"
        )

    def prepare_weights(self, weights: xr.DataArray) -> xr.DataArray:
        """Raise ValueError: there is no exact rule that converts weights of pixels to weights of windows."""
        raise ValueError(
            "SlidingFFT has no rule for weights of the pixels of an image: leave out weights, or compute the cube "
            "first with mffnb.preprocessing.fit_chain and unmix that"
        )

    def transform(self, cube: xr.DataArray) -> xr.DataArray:
        """Return the cube of local diffraction patterns of an image, in float32, computed in bands of windows."""
        axes = (*self.frames, self.y, self.x, self.ky, self.kx)
        names = [name for axis in self.frames for name in axis.dims]
        movie = cube.transpose(*names, *self.y.dims, *self.x.dims)
        stack = np.empty(tuple(axis.size for axis in axes), np.float32)
        for frame in np.ndindex(tuple(axis.size for axis in self.frames)):
            _fill(stack[frame], movie[frame].values, self.step, 1 / self.scale)
        coords = {axis.dims[0]: axis for axis in axes}
        name, units = ("log modulus", "") if self.step.log else ("modulus", cube.attrs.get("units", ""))
        attrs = {"long_name": f"{name} of the local Fourier transform", "channel": list(self.new_channel)}
        attrs |= {"units": units} if units else {}
        kept = {key: value for key, value in cube.attrs.items() if key not in ("units", "long_name")}
        return xr.DataArray(stack, dims=tuple(coords), coords=coords, name=cube.name, attrs=kept | attrs)


def _fill(stack: Array, image: Array, step: SlidingFFT, scale: float) -> None:
    """Write the (log) moduli of all windows of an image into a stack (y, x, ky, kx)."""
    size, stride, taper = _both(step.size), _both(step.step), step.taper()
    if image.dtype.kind == "f" and np.isnan(image).all():
        stack[:] = np.nan
        return
    if step.dc == "mean":  # the global mean is removed first, because it would cost digits in float32
        image = image - np.nanmean(image, dtype=np.float64)
    windows = np.lib.stride_tricks.sliding_window_view(image.astype(np.float32), size)[:: stride[0], :: stride[1]]
    weights, taper = (taper / taper.sum()).astype(np.float32), taper.astype(np.float32)
    rows, negative = _frequencies(stack.shape[2]), stack.shape[3] // 2  # negative frequencies come first
    band = max(1, _BAND_BYTES // (4 * size[0] * size[1]))
    for i in range(stack.shape[0]):
        for start in range(0, stack.shape[1], band):
            part = windows[i, start : start + band]
            if step.dc == "mean":
                part = part - np.einsum("wij,ij->w", part, weights)[:, None, None]
            half = np.abs(scipy.fft.rfft2(part * taper, workers=1))
            target = stack[i, start : start + band]
            # The image is real: frequencies k and -k have the same modulus, so half of them is computed.
            target[..., negative:] = half[:, rows % size[0], : stack.shape[3] - negative]
            target[..., :negative] = half[:, -rows % size[0], negative:0:-1]
            if step.dc != "keep":
                target[:, rows == 0, negative] *= 0  # a product, so that NaN stays NaN
            if step.log:
                target *= scale
                np.log1p(target, out=target)


def _frame_dims(cube: xr.DataArray) -> list[Hashable]:
    """Return the dimensions of a stack of images before the last two, which are positions; none for an image.

    Raises
    ------
    ValueError
        If more than two dimensions are not named as a stack of images, since they may be a spectral image.
    """
    *frames, y, x = cube.dims if cube.ndim >= 2 else ("", *cube.dims, "")
    kinds = {name: cube[name].attrs.get("units") if name in cube.coords else None for name in cube.dims}
    image = all(is_spatial(name, kinds.get(name)) for name in (y, x))
    if cube.ndim < 2 or (frames and not (image and not any(is_spectral(name, kinds[name]) for name in frames))):
        raise ValueError(
            f"SlidingFFT needs an image of two dimensions, got {cube.ndim} {cube.dims}: name those of a movie, such as "
            "DataArray(movie, dims=('time', 'y', 'x')); of a spectral image, pick a channel or sum over channels"
        )
    return list(frames)


def _frame_coordinate(cube: xr.DataArray, name: Hashable) -> xr.Variable:
    """Return the coordinate of the frames; their numbers if there is none."""
    if name in cube.coords:
        return cube[name].variable.to_base_variable()
    return xr.Variable((name,), np.arange(cube.sizes[name]))


def _deviation(cube: xr.DataArray, frames: list[Hashable]) -> float:
    """Return the standard deviation of all values of an image; of a movie, frame by frame."""
    if not frames:
        return float(np.nanstd(cube.values.astype(np.float64)))
    sums = np.zeros(3)
    for frame in np.ndindex(tuple(cube.sizes[name] for name in frames)):
        values = cube[frame].values.astype(np.float64)
        values = values[~np.isnan(values)]
        if values.size:
            mean, before = values.mean(), sums[1] / max(sums[0], 1)
            # Sum of squares about the common mean: within the frame, and between its mean and that of the others.
            between = (mean - before) ** 2 * sums[0] * values.size / (sums[0] + values.size)
            sums += (values.size, values.sum(), values.var() * values.size + between)
    return float(np.sqrt(sums[2] / max(sums[0], 1)))


def _frequencies(kept: int) -> Array:
    """Return the central frequencies in cycles per window, zero at ``kept // 2``."""
    return np.arange(kept) - kept // 2


def _axes(
    image: xr.DataArray, axis: int, size: int, step: int, windows: int, kept: int
) -> tuple[xr.Variable, xr.Variable]:
    """Return the coordinates of window centres and of the kept frequencies."""
    name = image.dims[axis]
    position = image[name].values.astype(np.float64)
    spacing = (position[-1] - position[0]) / (len(position) - 1) if len(position) > 1 else 1.0
    astray = np.abs(position - position[0] - spacing * np.arange(len(position))).max()
    if not (spacing != 0 and astray < 0.1 * abs(spacing)):  # rounded axes may deviate by a tenth of a pixel
        raise ValueError(
            f"the coordinate {name!r} is not evenly spaced: interpolate the image first, image.interp(...)"
        )
    first = position[0] + spacing * (size - 1) / 2
    centres = first + spacing * step * np.arange(windows)
    attrs = dict(image[name].attrs) if name in image.coords else {"units": "px"}
    known = {"units": f"1/{attrs['units']}"} if attrs.get("units") else {}
    frequency = _frequencies(kept) / (size * spacing)
    return xr.Variable((name,), centres, attrs), xr.Variable(
        (f"k{name}",), frequency, {"long_name": f"spatial frequency along {name}", **known}
    )


def _both(number: int | tuple[int, int]) -> tuple[int, int]:
    return number if isinstance(number, tuple) else (number, number)
