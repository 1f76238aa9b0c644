"""Spectral images as labelled cubes outside, as a matrix of pixels and channels inside, and the way back."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import xarray as xr

from mffnb.typing import Array

_PIXEL_NAMES = ("t", "z", "y", "x")


def as_cube(data: Any) -> xr.DataArray:
    """Turn what users have into a labelled cube; labelled cubes pass unchanged.

    Parameters
    ----------
    data
        An ``xarray.DataArray``; a HyperSpy signal; or anything NumPy reads as an array, whose last axis is then
        the channel.

    Raises
    ------
    TypeError
        If the data are not numbers, with what to do.
    ValueError
        If there are fewer than two dimensions, or no pixel or no channel.

    Examples
    --------
    >>> import numpy as np
    >>> as_cube(np.zeros((4, 5, 60))).dims
    ('y', 'x', 'channel')
    """
    if isinstance(data, xr.Dataset):
        raise TypeError(f"pick one variable of the dataset first: cube[{next(iter(data.data_vars), 'name')!r}]")
    if isinstance(data, xr.DataArray):
        cube = data
    elif hasattr(data, "axes_manager") and hasattr(data, "data"):
        axes = data.axes_manager.as_dictionary()
        cube = from_axes(data.data, [axes[key] for key in sorted(axes)])
    else:
        array = np.asarray(data)
        names = _PIXEL_NAMES[5 - array.ndim :] if 2 <= array.ndim <= 5 else None
        if names is None:
            raise ValueError(f"a spectral image has 2 to 5 dimensions, the last one the channel; got {array.ndim}")
        cube = xr.DataArray(array, dims=(*names, "channel"))
    if cube.ndim < 2:
        raise ValueError(f"a spectral image needs pixel and channel dimensions, got only {cube.dims}")
    if cube.dtype.kind not in "biuf":
        raise TypeError(f"a spectral image holds real numbers, got {cube.dtype}: convert it, abs(cube) say")
    if cube.size == 0:
        raise ValueError(f"the spectral image is empty: its shape is {cube.shape}")
    return cube


def from_axes(array: Array, axes: Sequence[Mapping[str, Any]]) -> xr.DataArray:
    """Label an array by the axis dictionaries of HyperSpy and RosettaSciIO, channels moved last.

    Parameters
    ----------
    array
        The data.
    axes
        One dictionary an axis, with ``size`` and, where known, ``name``, ``scale``, ``offset``, ``units``,
        ``axis`` (the coordinate itself), ``index_in_array`` and ``navigate`` (True for a pixel axis).
    """
    named: list[tuple[str, Array, dict[str, str], bool]] = []
    ordered = sorted(enumerate(axes), key=lambda item: (item[1].get("index_in_array") or 0, item[0]))
    for number, (_, axis) in enumerate(ordered):
        name = axis.get("name")
        if not isinstance(name, str) or name in [other[0] for other in named] or name.startswith("<"):
            name = f"axis_{number}"
        values = axis.get("axis")
        if values is None:
            values = axis.get("offset", 0.0) + axis.get("scale", 1.0) * np.arange(axis["size"])
        units = axis.get("units")
        attrs = {"units": units} if isinstance(units, str) else {}
        named.append((name, np.asarray(values), attrs, bool(axis.get("navigate", False))))
    cube = xr.DataArray(
        array,
        dims=[name for name, *_ in named],
        coords={name: (name, values, attrs) for name, values, attrs, _ in named},
    )
    pixels = [name for name, *_, navigate in named if navigate]
    if len(pixels) in (0, len(named)):
        pixels = [name for name, *_ in named[:-1]]
    return cube.transpose(*pixels, ...)


@dataclass(frozen=True, eq=False)
class Layout:
    """Which dimensions of a cube are pixels and which are channels, with their coordinates.

    Build it with :meth:`of`.
    """

    pixel_shape: dict[Hashable, int]
    channel_shape: dict[Hashable, int]
    coords: dict[Hashable, xr.Variable]
    name: Hashable | None
    attrs: dict[str, Any]

    @classmethod
    def of(cls, cube: xr.DataArray, channel: str | Sequence[str] | None = None) -> Layout:
        """Read the layout off a cube; ``channel`` names its channel dimension(s), the last one if None."""
        if channel is None:
            channels: tuple[Hashable, ...] = (cube.dims[-1],)
        else:
            channels = (channel,) if isinstance(channel, str) else tuple(channel)
        unknown = [name for name in channels if name not in cube.dims]
        if unknown:
            raise ValueError(f"channel={unknown[0]!r} is not a dimension of the cube: it has {cube.dims}")
        pixels = [name for name in cube.dims if name not in channels]
        if not pixels:
            raise ValueError(f"channel={channel!r} leaves no pixel dimension of {cube.dims}")
        return cls(
            pixel_shape={name: cube.sizes[name] for name in pixels},
            channel_shape={name: cube.sizes[name] for name in channels},
            coords={name: coordinate.variable for name, coordinate in cube.coords.items()},
            name=cube.name,
            attrs=dict(cube.attrs),
        )

    @property
    def map_shape(self) -> tuple[int, ...]:
        """Lengths of the pixel dimensions."""
        return tuple(self.pixel_shape.values())

    def matrix(self, cube: xr.DataArray) -> Array:
        """X (pixels, channels): a view where the memory layout allows; integers become float64.

        Raises
        ------
        ValueError
            If an entry is NaN or infinite, with how many and what to do.
        """
        ordered = cube.transpose(*self.pixel_shape, *self.channel_shape)
        X = ordered.values.reshape(prod(self.map_shape), -1)
        if X.dtype.kind != "f" or not X.dtype.isnative or X.dtype.itemsize < 4:
            return X.astype(np.float64)
        bad = X.size - sum(int(np.isfinite(X[i : i + 4096]).sum()) for i in range(0, len(X), 4096))
        if bad:
            raise ValueError(
                f"{bad} of {X.size} values of the cube are NaN or infinite: fill or crop them, "
                "cube.fillna(0) say, before unmixing"
            )
        return X

    def cube(self, X: Array) -> xr.DataArray:
        """The cube of a matrix (pixels, channels), with the coordinates of the original."""
        return self._array(X, {**self.pixel_shape, **self.channel_shape}, name=self.name, attrs=self.attrs)

    def abundances(self, factor: Array) -> xr.DataArray:
        """Maps ("component", pixel dims) from A (k, pixels)."""
        return self._array(factor, {"component": len(factor), **self.pixel_shape}, name="abundance")

    def endmembers(self, factor: Array) -> xr.DataArray:
        """Spectra ("component", channel dims) from E (k, channels), in the units of the cube."""
        attrs = {key: value for key, value in self.attrs.items() if key in ("units", "long_name")}
        return self._array(factor, {"component": len(factor), **self.channel_shape}, name="endmember", attrs=attrs)

    def _array(
        self,
        factor: Array,
        shape: Mapping[Hashable, int],
        name: Hashable | None,
        attrs: Mapping[str, Any] | None = None,
    ) -> xr.DataArray:
        coords: dict[Hashable, Any] = {
            key: variable for key, variable in self.coords.items() if set(variable.dims) <= set(shape)
        }
        if "component" in shape:
            coords["component"] = np.arange(shape["component"])
        values = factor.reshape(tuple(shape.values()))
        return xr.DataArray(values, dims=tuple(shape), coords=coords, name=name, attrs=dict(attrs or {}))
