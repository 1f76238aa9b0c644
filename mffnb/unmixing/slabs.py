"""Slabs of a growing image: rows or frames that arrive one after the other, and the grid that they fill."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.as_cube import as_cube, is_hyperspy, is_sidpy
from mffnb.cubes.data_array import coordinate, data_array
from mffnb.cubes.layout import Layout, channel_names
from mffnb.typing import Array


class Slabs:
    """The labelled grid of an image that grows along its first dimension.

    Parameters
    ----------
    channel
        Name(s) of the channel dimension(s); None for the last one.
    dim
        Name of the dimension along which the image grows; None for the name of the single scalar coordinate of the
        first slab, or for ``"frame"``. An array without labels gets the names of :func:`mffnb.unmix`.

    Attributes
    ----------
    layout
        Grid of the first slab without masks.
    """

    layout: Layout

    def __init__(self, channel: str | Sequence[Hashable] | None, dim: str | None):
        self._channel, self._dim = channel, dim
        self._coordinates: list[Array | None] = []
        self._attrs: dict[str, Any] = {}
        self.count = 0

    @property
    def dim(self) -> Hashable:
        """Dimension along which the image grows."""
        return next(iter(self.layout.pixel_shape))

    def labelled(self, slab: Any) -> xr.DataArray:
        """Return a slab as a labelled cube whose first dimension is the growing one; :meth:`append` then adds it.

        Raises
        ------
        ValueError
            If its other dimensions, or the coordinates of its channels, differ from those of the first slab.
        """
        cube = self._with_dim(slab)
        if not self.count:
            values = np.broadcast_to(np.float32(0), cube.shape)
            coords = {name: one.variable for name, one in cube.coords.items() if self._dim not in one.dims}
            template = data_array(values, cube.dims, coords, cube.name, dict(cube.attrs))
            self.layout = Layout.of(template, self._channel)
        dims = (*self.layout.pixel_shape, *self.layout.channel_shape)
        return self._checked(cube.transpose(*(name for name in dims if name in cube.dims), ...))

    def append(self, cube: xr.DataArray) -> None:
        """Add a labelled slab to the grid."""
        along = cube.coords.get(self.dim)
        self._coordinates.append(None if along is None else np.asarray(along.values))
        if along is not None:
            self._attrs = dict(along.attrs)
        self.count += cube.sizes[self.dim]

    def whole(self) -> Layout:
        """Return the layout of all slabs so far, with the coordinates of the growing dimension if all slabs had one."""
        layout = replace(self.layout, pixel_shape={**self.layout.pixel_shape, self.dim: self.count})
        if any(one is None for one in self._coordinates):
            return layout
        values = np.concatenate([one for one in self._coordinates if one is not None])
        return replace(layout, coords={**layout.coords, self.dim: coordinate(self.dim, values, self._attrs)})

    def _with_dim(self, slab: Any) -> xr.DataArray:
        """Return a slab as a cube that has the growing dimension, of length 1 if the slab did not have it."""
        slab = as_cube(slab) if is_hyperspy(slab) or is_sidpy(slab) else slab
        if not isinstance(slab, xr.DataArray):
            array = np.asarray(slab)
            cube = as_cube(array[None])
            self._dim = str(cube.dims[0]) if self._dim is None else self._dim
            return cube.rename({cube.dims[0]: self._dim})
        if self._dim is None:
            scalars = [str(name) for name, one in slab.coords.items() if one.ndim == 0]
            self._dim = scalars[0] if len(scalars) == 1 else "frame"
        if self._dim in channel_names(slab, self._channel):
            raise ValueError(f"the image cannot grow along its channels {self._dim!r}: name another dimension, dim=...")
        if self._dim in slab.dims:
            return as_cube(slab.transpose(self._dim, ...))
        return as_cube(slab.expand_dims(self._dim))

    def _checked(self, cube: xr.DataArray) -> xr.DataArray:
        """Return a slab whose sizes and channels are those of the first one; refuse any other."""
        wanted = {**self.layout.pixel_shape, **self.layout.channel_shape}
        found = {name: cube.sizes[name] for name in cube.dims}
        if {**found, self.dim: 0} != {**wanted, self.dim: 0}:
            raise ValueError(
                f"the image grows along {self.dim!r}, all other sizes stay: expected {wanted}, got {found}; begin "
                "another stream for data of another shape"
            )
        for name in self.layout.channel_shape:
            first, here = self.layout.coords.get(name), cube.coords.get(name)
            same = first is None or here is None or np.allclose(first.values, here.values, rtol=1e-9, atol=0)
            if not same:
                raise ValueError(
                    f"the channels {name!r} differ from those of the first part: interpolate it to them, "
                    f"slab.interp({name}=...)"
                )
        return cube
