"""Reader of MATLAB files of all versions."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import xarray as xr

from mffnb.cubes.lazy_array import rename_dimensions
from mffnb.io.files import is_hdf5
from mffnb.io.matlab_check import check_matlab
from mffnb.io.nested_arrays import choose_array
from mffnb.io.reader import Reader
from mffnb.io.readers.hdf5 import hdf5_contents, read_hdf5
from mffnb.io.signal_table import Signal

__all__ = ["MATLAB"]

_NUMBERS = re.compile(r"double|single|logical|u?int(8|16|32|64)")  # classes of MATLAB


def read_matlab(path: Path, dataset: str | None, lazy: bool | None) -> xr.DataArray:
    """Read an array of a ``.mat`` file, which is an HDF5 file in version 7.3."""
    if is_hdf5(path):  # version 7.3, which stores the axes in the opposite order
        cube = read_hdf5(path, dataset, lazy)
        return rename_dimensions(
            cube.transpose(*reversed(cube.dims)), dict(zip(reversed(cube.dims), cube.dims, strict=True))
        )
    check_matlab(path)
    return choose_array(path, matlab_objects(path), dataset)


def matlab_contents(path: Path) -> tuple[Signal, ...]:
    """Return the arrays of numbers in a ``.mat`` file, with the shapes and classes of MATLAB."""
    from scipy import io  # noqa: PLC0415  a tenth of a second that other formats need not pay

    try:
        held = io.whosmat(path)
    except NotImplementedError:
        return tuple(replace(one, shape=one.shape[::-1]) for one in hdf5_contents(path))
    return tuple(Signal(name, shape, dtype=kind) for name, shape, kind in held if _NUMBERS.fullmatch(kind))


def matlab_objects(path: Path) -> dict[str, Any]:
    """Return the variables of a ``.mat`` file up to version 7.2; later versions raise NotImplementedError."""
    from scipy import io  # noqa: PLC0415  a tenth of a second that other formats need not pay

    return {name: value for name, value in io.loadmat(path).items() if not name.startswith("__")}


MATLAB = Reader("MATLAB", (".mat",), read_matlab, matlab_contents, datasets="number or name", lazy=True)
