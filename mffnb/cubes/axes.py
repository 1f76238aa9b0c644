"""Axes of arrays of any container: names and coordinates, where the container has any."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from mffnb.cubes.as_cube import axes_of_hyperspy, axes_of_sidpy, is_hyperspy, is_sidpy
from mffnb.typing import Array

_DEFAULT_NAME = re.compile(r"dim_\d+|axis_\d+")


@dataclass(frozen=True, eq=False)
class Axis:
    """One axis of an array: its name and its coordinates; None where the container has none."""

    name: Any = None
    coordinates: Array | None = None

    @property
    def labelled(self) -> bool:
        """Whether the axis has a name or coordinates."""
        return self.name is not None or self.coordinates is not None


@dataclass(frozen=True, eq=False)
class Beside:
    """An array that is given beside a cube, with what its container says about its axes.

    Attributes
    ----------
    values
        The values; a DataArray of a lazy cube stays lazy until :func:`mffnb.cubes.align.align` orders its axes.
    axes
        One :class:`Axis` for each dimension of the values.
    from_hyperspy
        Whether the container is a HyperSpy signal, whose masks are True where data are left out.
    """

    values: xr.Variable
    axes: tuple[Axis, ...]
    from_hyperspy: bool = False

    @property
    def labelled(self) -> bool:
        """Whether any axis has a name or coordinates."""
        return any(axis.labelled for axis in self.axes)

    @classmethod
    def of(cls, given: Any, what: str) -> Beside:
        """Read values and axes of an array, DataArray, pandas object, HyperSpy signal or sidpy dataset.

        Raises
        ------
        TypeError
            If ``given`` is a dataset of several variables, or not made of numbers.
        ValueError
            If ``given`` is a nested list whose rows have different lengths.
        """
        if isinstance(given, xr.Dataset):
            raise TypeError(f"{what} is a dataset of several variables: pick one, {what}[name]")
        if isinstance(given, xr.DataArray):
            axes = tuple(_of_dimension(given, name) for name in given.dims)
            return cls(_plain(given.variable.data, what), axes)
        if isinstance(given, pd.DataFrame):
            return cls(_plain(given.to_numpy(), what), (_of_index(given.index), _of_index(given.columns)))
        if isinstance(given, pd.Series):
            return cls(_plain(given.to_numpy(), what), (_of_index(given.index),))
        if is_hyperspy(given):
            return cls(_plain(given.data, what), _calibrated(axes_of_hyperspy(given)), from_hyperspy=True)
        if is_sidpy(given):
            return cls(_plain(np.asarray(given), what), _calibrated(axes_of_sidpy(given)))
        values = _plain(given if hasattr(given, "ndim") else _from_lists(given, what), what)
        return cls(values, (Axis(),) * values.ndim)


def _from_lists(given: Any, what: str) -> Any:
    """Convert nested lists to an array; refuse rows of different lengths."""
    try:
        return np.asarray(given)
    except ValueError:
        raise ValueError(f"{what} is a nested list whose rows have different lengths: give it as an array") from None


def _plain(values: Any, what: str) -> xr.Variable:
    """Return values as a variable without labels; masked entries become NaN."""
    if np.ma.isMaskedArray(values):
        values = np.ma.filled(values.astype(np.float64), np.nan)
    if not hasattr(values, "dtype") or values.dtype.kind not in "biuf":
        values = np.asarray(values)
        if values.dtype.kind not in "biuf":
            raise TypeError(f"{what} holds real numbers or booleans, got {values.dtype}: convert it first")
    return xr.Variable([f"axis_{number}" for number in range(values.ndim)], values)


def _of_dimension(array: xr.DataArray, name: Any) -> Axis:
    """Return the axis of a dimension; the default names of xarray are no names."""
    default = isinstance(name, str) and _DEFAULT_NAME.fullmatch(name) is not None and name not in array.coords
    return Axis(None if default else name, array.coords[name].values if name in array.coords else None)


def _of_index(index: pd.Index) -> Axis:
    """Return the axis of a pandas index; the default index 0, 1, 2, ... without a name has no coordinates."""
    counted = isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1
    return Axis(index.name, None if counted else index.to_numpy())


def _calibrated(axes: list[dict[str, Any]]) -> tuple[Axis, ...]:
    """Return axes of HyperSpy or sidpy; an axis without a name that counts 0, 1, 2, ... has no labels."""
    found = []
    for axis in axes:
        name, values = axis.get("name"), np.asarray(axis["axis"])
        known = isinstance(name, str) and name and not name.startswith("<") and not _DEFAULT_NAME.fullmatch(name)
        counted = np.array_equal(values, np.arange(values.size))
        found.append(Axis(name if known else None, None if counted and not known else values))
    return tuple(found)
