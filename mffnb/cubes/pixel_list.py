"""Arrangement of a list of spectra at known positions as a map."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.data_array import coordinate, data_array
from mffnb.typing import Array

_TOLERANCE = 1e-6  # of the range of positions: rounding in text files
_FILLED = 0.5  # least share of a grid that has spectra; with fewer, the positions are scattered


def as_map(spectra: Array, x: Array, y: Array) -> tuple[xr.DataArray, int]:
    """Arrange spectra (pixels, channels) as (y, x, channel), both ascending, and count the missing pixels (NaN).

    Positions that are no grid, or occur twice, give a list (pixel, channel) with the coordinates x and y.

    Examples
    --------
    >>> cube, missing = as_map(np.arange(6.0).reshape(3, 2), np.array([0, 1, 1]), np.array([5, 5, 6]))
    >>> cube.sizes["y"], cube.sizes["x"], missing, cube.values[0, 1]
    (2, 2, 1, array([2., 3.]))
    """
    (columns, of_column), (rows, of_row) = _steps(x), _steps(y)
    flat = of_row * columns.size + of_column
    if np.unique(flat).size < flat.size or flat.size < _FILLED * rows.size * columns.size:
        coords: dict[Any, xr.Variable] = {"x": xr.Variable(("pixel",), x), "y": xr.Variable(("pixel",), y)}
        return data_array(spectra, ("pixel", "channel"), coords), 0
    missing = rows.size * columns.size - flat.size
    values = np.full((rows.size * columns.size, spectra.shape[1]), np.nan if missing else 0, spectra.dtype)
    values[flat] = spectra
    coords = {"y": coordinate("y", rows), "x": coordinate("x", columns)}
    return data_array(values.reshape(rows.size, columns.size, -1), ("y", "x", "channel"), coords), missing


def _steps(positions: Array) -> tuple[Array, Array]:
    """Return the distinct positions, ascending, and the index of each position among them."""
    order = np.argsort(positions, kind="stable")
    gaps = np.diff(positions[order]) > _TOLERANCE * max(float(np.ptp(positions)), 1e-300)
    index = np.empty(positions.size, np.int64)
    index[order] = np.concatenate([[0], np.cumsum(gaps)])
    return positions[order][np.concatenate([[True], gaps])], index
