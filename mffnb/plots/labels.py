"""Labels of axes and components, with units, and the colours of components."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr

from mffnb.plots.palette import component_colors
from mffnb.typing import Array

__all__ = ["as_image", "axis_label", "channel_coordinate", "channel_label", "pixel_size"]

MIDDLE: Mapping[Hashable, int] = MappingProxyType({})  # no section is chosen, so the middle one is shown
MAXIMUM = -1
"""Index of a section that stands for the maximum over all of them."""
_LARGEST = 1e150  # larger coordinates overflow in the transforms of matplotlib


def axis_label(array: xr.DataArray, name: Any) -> str:
    """Return the label of a dimension with its units, for example ``"energy (eV)"``.

    Examples
    --------
    >>> import xarray as xr
    >>> import mffnb as mf
    >>> energy = xr.DataArray([1.0, 2.0], dims="energy", attrs={"units": "eV"})
    >>> mf.plots.axis_label(xr.DataArray([5.0, 6.0], dims="energy", coords={"energy": energy}), "energy")
    'energy (eV)'
    """
    if name not in array.coords:
        return str(name)
    attrs = array[name].attrs
    return with_units(str(attrs.get("long_name", name)), attrs.get("units"))


def with_units(text: str, units: object) -> str:
    """Return a label with its unit in brackets, if it has one that is not the label itself, as of m/z."""
    return f"{text} ({units})" if units and units != text else text


def channel_coordinate(spectra: xr.DataArray) -> Array:
    """Return the channel coordinate of spectra, or channel numbers if there is none that can serve as an axis.

    Examples
    --------
    >>> import xarray as xr
    >>> import mffnb as mf
    >>> spectra = xr.DataArray([[5.0, 6.0]], dims=("component", "energy"), coords={"energy": [280.0, 281.0]})
    >>> mf.plots.channel_coordinate(spectra), mf.plots.channel_coordinate(spectra.drop_vars("energy"))
    (array([280., 281.]), array([0., 1.]))
    """
    name = spectra.dims[-1]
    if spectra.ndim == 2 and name in spectra.coords and _is_axis(spectra[name].values):
        return np.asarray(spectra[name].values, dtype=np.float64)
    return np.arange(prod(spectra.shape[1:]), dtype=np.float64)


def _is_axis(coordinate: Array) -> bool:
    """Whether a coordinate can be drawn as an axis: finite numbers that only rise or only fall."""
    if coordinate.dtype.kind not in "iuf" or not (np.abs(coordinate.astype(np.float64)) < _LARGEST).all():
        return False
    steps = np.diff(coordinate.astype(np.float64))
    return bool((steps > 0).all() or (steps < 0).all())


def pixel_coordinate(plane: xr.DataArray, name: Any) -> Array | None:
    """Return the coordinate of a pixel dimension; None if there is none that can serve as an axis."""
    if name not in plane.coords or plane[name].ndim != 1 or not _is_axis(plane[name].values):
        return None
    return np.asarray(plane[name].values, dtype=np.float64)


def pixel_label(plane: xr.DataArray, name: Any) -> str:
    """Return the axis label that belongs to :func:`pixel_coordinate`."""
    if name in plane.coords and pixel_coordinate(plane, name) is None:
        return f"{name}, by pixel number"
    return axis_label(plane, name)


def identity(array: xr.DataArray) -> tuple[list[str], list[str]]:
    """Return labels and colours of components, which depend on their names but not on their order and number.

    Labels and colours are in the coordinates ``label`` and ``color``, if they exist; else they belong to the coordinate
    ``component``.
    """
    names = array["component"].values if "component" in array.coords else np.arange(len(array))
    if names.dtype.kind not in "iu":
        return [str(name) for name in names], component_colors(len(names))
    palette = component_colors(int(names.max(initial=0)) + 1)
    labels = _texts(array, "label") or [f"component {name}" for name in names]
    return labels, _texts(array, "color") or [palette[name] for name in names]


def _texts(array: xr.DataArray, name: str) -> list[str] | None:
    """Return a coordinate of the components as text; None if there is none."""
    given = array.coords.get(name)
    return None if given is None or given.dims != ("component",) else [str(text) for text in given.values]


def as_image(image: xr.DataArray, section: Mapping[Hashable, int] = MIDDLE) -> xr.DataArray:
    """Reduce a map to two dimensions: a line scan becomes one row, a stack a section, the middle one if not given.

    Where the index of the section is :data:`MAXIMUM`, the maximum over the dimension is taken instead.

    Examples
    --------
    >>> import mffnb as mf
    >>> stack = mf.datasets.tof_sims_3d(seed=0, shape=(20, 8, 8)).abundances[0]
    >>> mf.plots.as_image(stack).shape, mf.plots.as_image(stack, {"z": 0}).dims
    ((8, 8), ('y', 'x'))
    """
    if image.ndim == 1:
        return image.expand_dims({"": 1})
    chosen = {name: section.get(name, image.sizes[name] // 2) for name in image.dims[:-2]}
    plane = image.isel({name: index for name, index in chosen.items() if index != MAXIMUM})
    projected = [name for name, index in chosen.items() if index == MAXIMUM]
    return plane.max(projected) if projected else plane


def channel_label(spectra: xr.DataArray) -> str:
    """Return the axis label that belongs to :func:`channel_coordinate`.

    Examples
    --------
    >>> import xarray as xr
    >>> import mffnb as mf
    >>> mf.plots.channel_label(xr.DataArray([[5.0, 6.0]], dims=("component", "energy"), coords={"energy": ["a", "b"]}))
    'energy, by channel number'
    """
    if spectra.ndim > 2:
        return "channel, row by row"
    name = spectra.dims[-1]
    if name in spectra.coords and not _is_axis(spectra[name].values):
        return f"{name}, by channel number"
    return axis_label(spectra, name)


def pixel_size(image: xr.DataArray) -> tuple[float, float, str] | None:
    """Return height, width and unit of a pixel; None unless both axes are evenly spaced in the same unit.

    Examples
    --------
    >>> import mffnb as mf
    >>> height, width, unit = mf.plots.pixel_size(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).abundances[0])
    >>> height == width, unit
    (True, 'µm')
    """
    plane = as_image(image)
    sizes, units = [], set()
    for name in plane.dims:
        coordinate = pixel_coordinate(plane, name)
        if coordinate is None or coordinate.size < 2 or not plane[name].attrs.get("units"):
            return None
        steps = np.diff(coordinate)
        if not np.allclose(steps, steps[0], rtol=1e-3, atol=0) or steps[0] == 0:
            return None
        sizes.append(abs(float(steps[0])))
        units.add(str(plane[name].attrs["units"]))
    return (sizes[0], sizes[1], units.pop()) if len(units) == 1 else None
