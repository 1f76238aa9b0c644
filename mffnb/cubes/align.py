"""Alignment of what is given beside a cube (mask, weights, known spectra, a start): by label, else by position.

All code that accepts an array beside a cube calls :func:`align`. The rules are:

1. An axis with a name belongs to the dimension of that name, an axis with coordinates alone to the dimension that has
   these coordinates. Coordinates in another order are reordered, other coordinates are refused.
2. An array without labels is taken by position, if its shape fits one reading only.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.axes import Axis, Beside
from mffnb.cubes.coordinates import matching_order

OTHER = "other"
"""Name of the one dimension that is not of the cube, for example that of several known spectra."""


@dataclass(frozen=True, eq=False)
class Frame:
    """Dimensions of a cube to which other arrays are aligned.

    Attributes
    ----------
    pixel_shape, channel_shape
        Length of each pixel dimension and of each channel dimension, by name.
    coords
        Coordinates of the cube by name.
    """

    pixel_shape: Mapping[Hashable, int]
    channel_shape: Mapping[Hashable, int]
    coords: Mapping[Hashable, xr.Variable]

    @property
    def shape(self) -> dict[Hashable, int]:
        """Length of all dimensions, pixels first."""
        return {**self.pixel_shape, **self.channel_shape}

    def coordinates(self, name: Hashable) -> Any:
        """Return the coordinates along a dimension; None if the cube has none."""
        variable = self.coords.get(name)
        return variable.values if variable is not None and variable.dims == (name,) else None

    def labelled(self, values: xr.Variable) -> xr.DataArray:
        """Return aligned values with the coordinates of the cube."""
        coords = {name: variable for name, variable in self.coords.items() if {*variable.dims} <= {*values.dims}}
        return xr.DataArray(values, coords=coords)

    def pixels(self) -> tuple[Hashable, ...]:
        """Return the names of the pixel dimensions."""
        return tuple(self.pixel_shape)

    def channels(self) -> tuple[Hashable, ...]:
        """Return the names of the channel dimensions."""
        return tuple(self.channel_shape)


def align(
    given: Any,
    frame: Frame,
    what: str,
    readings: Sequence[tuple[Hashable, ...]],
    *,
    more: bool = False,
) -> xr.Variable:
    """Return an array with dimensions of the cube, in the order and at the coordinates of the cube.

    Parameters
    ----------
    given
        Array, DataArray, pandas object, HyperSpy signal or sidpy dataset.
    frame
        Dimensions and coordinates of the cube.
    what
        Name of the array in messages, such as "mask".
    readings
        Dimensions that an array without labels may have, each as a tuple of names.
    more
        Whether one dimension that is not of the cube is allowed; it becomes the first one, with the name ``OTHER``.

    Raises
    ------
    ValueError
        If the labels or the shape do not fit the cube, or fit it in two ways.

    Examples
    --------
    >>> frame = Frame({"y": 2, "x": 3}, {"e": 4}, {})
    >>> align(np.zeros((2, 3)), frame, "mask", [("y", "x"), ("e",)]).dims
    ('y', 'x')
    >>> align(xr.DataArray(np.zeros((3, 2)), dims=("x", "y")), frame, "mask", [("y", "x")]).shape
    (2, 3)
    """
    beside = given if isinstance(given, Beside) else Beside.of(given, what)
    if beside.labelled:
        names = _names(beside, frame, what, readings, more)
        return _in_order(beside, names, frame, what)
    names = _by_position(beside, frame, what, readings, more)
    return xr.Variable(names, beside.values.data)


def labelled_spectra(given: Any, frame: Frame, what: str = "known endmembers") -> xr.DataArray:
    """Return given spectra as a DataArray (OTHER, channel dims) at the coordinates of the cube.

    Raises
    ------
    ValueError
        If the spectra have other dimensions or are sampled at other coordinates than the cube, or if it is an image,
        whose spectra a preprocessing step computes.
    """
    if not frame.channel_shape:
        raise ValueError(
            f"{what} need a cube with spectra, and here a preprocessing step computes them from an image: "
            "apply that step first, step.fit(image, ()).transform(image), and use its result"
        )
    found = align(given, frame, what, [frame.channels()], more=True)
    wrong = [name for name in found.dims if name in frame.pixel_shape]
    missing = [name for name in frame.channel_shape if name not in found.dims]
    if wrong or missing:
        problem = f"vary along {wrong[0]!r}" if wrong else f"have no dimension {missing[0]!r}"
        raise ValueError(
            f"{what} {problem}: they have the dimensions {tuple(map(str, found.dims))}, "
            f"and spectra need {tuple(map(str, frame.channel_shape))}"
        )
    shape = {OTHER: found.sizes.get(OTHER, 1), **frame.channel_shape}
    return frame.labelled(expand(found, shape).astype(np.float64))


def expand(values: xr.Variable, shape: Mapping[Hashable, int]) -> xr.Variable:
    """Return values with all dimensions of ``shape`` in its order, repeated along those that they do not have."""
    ordered = values.transpose(*(name for name in shape if name in values.dims)).data
    index = tuple(slice(None) if name in values.dims else None for name in shape)
    return xr.Variable(tuple(shape), np.broadcast_to(ordered[index], tuple(shape.values())))


def _by_position(
    beside: Beside, frame: Frame, what: str, readings: Sequence[tuple[Hashable, ...]], more: bool
) -> tuple[Hashable, ...]:
    """Return the names of the axes of an array without labels, if its shape fits one reading."""
    shape = beside.values.shape
    found = {}
    for names in readings:
        lengths = tuple(frame.shape[name] for name in names)
        if shape == lengths:
            found[names] = names
        elif more and shape[1:] == lengths:
            found[names] = (OTHER, *names)
    found_names = list(found)
    if len(found) == 1 and len(shape) == 1:
        # A vector may also be meant for one of several pixel dimensions, which only a label can tell.
        also = [(name,) for name in frame.pixel_shape if len(frame.pixel_shape) > 1 and frame.shape[name] == shape[0]]
        found_names += [names for names in also if names not in found]
    if len(found_names) > 1:
        a, b = (", ".join(map(str, names)) for names in found_names[:2])
        raise ValueError(
            f"{what} of shape {shape} fits both ({a}) and ({b}): give it as a DataArray whose dims say which"
        )
    if not found:
        raise ValueError(_misfit(what, shape, frame, readings))
    return found[found_names[0]]


def _misfit(what: str, shape: tuple[int, ...], frame: Frame, readings: Sequence[tuple[Hashable, ...]]) -> str:
    """Return the message for an array whose shape fits no reading."""
    allowed = " or ".join(str({str(name): frame.shape[name] for name in names}) for names in readings)
    advice = ": give one for each, mask=[pixels, channels]" if what == "mask" else ""
    return f"the shape {shape} of {what} does not fit {allowed} of the cube{advice}"


def _names(
    beside: Beside, frame: Frame, what: str, readings: Sequence[tuple[Hashable, ...]], more: bool
) -> tuple[Hashable, ...]:
    """Return the dimension of the cube that each axis of a labelled array belongs to."""
    names: list[Hashable | None] = [axis.name if axis.name in frame.shape else None for axis in beside.axes]
    allowed = {name for names in readings for name in names}
    # Axes with coordinates come first, because they decide what is left for axes without labels.
    for position in sorted(range(len(names)), key=lambda i: beside.axes[i].coordinates is None):
        if names[position] is None and beside.axes[position].name is None:
            free = [name for name in frame.shape if name in allowed and name not in names]
            names[position] = _dimension_of(beside.axes[position], beside.values.shape[position], frame, free, what)
    missing = [position for position, name in enumerate(names) if name is None]
    if len(missing) > 1 or (missing and not more):
        unknown = [beside.axes[position].name for position in missing]
        label = ", ".join("an axis without a name" if name is None else repr(name) for name in unknown)
        raise ValueError(
            f"{what}: {label} is no dimension of the cube, which has {tuple(map(str, frame.shape))}, or has other "
            f"coordinates; give {what} as a DataArray with dims and coordinates of the cube"
        )
    if len({*names}) < len(names):
        raise ValueError(f"two axes of {what} belong to the same dimension of the cube, {names}: rename its dims")
    return tuple(OTHER if name is None else name for name in names)


def _dimension_of(axis: Axis, length: int, frame: Frame, free: Sequence[Hashable], what: str) -> Hashable | None:
    """Return the dimension of an axis without a name: by its coordinates, else the only free one of its length."""
    found = [name for name in free if frame.shape[name] == length]
    if axis.coordinates is not None:
        found = [name for name in found if frame.coordinates(name) is not None]
        found = [name for name in found if matching_order(axis.coordinates, frame.coordinates(name)) is not None]
    if len(found) > 1:
        raise ValueError(
            f"{what} fits the cube in two ways, along {found[0]!r} and along {found[1]!r}: "
            "give it as a DataArray whose dims say which"
        )
    return found[0] if found else None


def _in_order(beside: Beside, names: tuple[Hashable, ...], frame: Frame, what: str) -> xr.Variable:
    """Return the values with the dimensions and at the coordinates of the cube, in the order of its dimensions."""
    variable = xr.Variable(names, beside.values.data)
    for name, axis in zip(names, beside.axes, strict=True):
        if name == OTHER:
            continue
        length = variable.sizes[name]
        if length != frame.shape[name]:
            raise ValueError(
                f"{what} has {length} values along {name!r} and the cube {frame.shape[name]}: "
                "select or interpolate them to the cube first"
            )
        own = frame.coordinates(name)
        if axis.coordinates is None or own is None:
            continue
        order = matching_order(axis.coordinates, own)
        if order is None:
            raise ValueError(_difference(what, name, axis.coordinates, own))
        if not np.array_equal(order, np.arange(length)):
            variable = variable.isel({name: order})
    return variable.transpose(*(name for name in (OTHER, *frame.shape) if name in names))


def _difference(what: str, name: Hashable, given: Any, own: Any) -> str:
    """Return the message for coordinates that differ."""
    at = next((i for i, (a, b) in enumerate(zip(given, own, strict=True)) if a != b), 0)
    return (
        f"{what} and cube have different coordinates along {name!r} ({given[at]} and {own[at]} at position {at}): "
        f"interpolate to the cube first, for example by the method interp({{{name!r}: cube[{name!r}]}}) of a DataArray"
    )
