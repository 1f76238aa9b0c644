"""Read ``.npz`` archives, dense or compressed rows."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import xarray as xr

from mffnb.cubes.as_cube import as_cube
from mffnb.cubes.sparse_pixels import SparsePixels, is_sparse_file, npy_header
from mffnb.io.choose import _choose


def _read_npz(path: Path, wanted: str | None) -> xr.DataArray:
    dimensions = _dimensions_in(path)
    if wanted is None and is_sparse_file(set(dimensions)):
        pixels = SparsePixels.of(path)
        return as_cube(xr.DataArray(xr.Variable(as_cube(np.empty((1, 1))).dims, pixels)))
    with np.load(path, allow_pickle=False) as archive:
        numeric = {name: ndim for name, ndim in dimensions.items() if ndim is not None}
        return as_cube(archive[_choose(path, numeric, wanted)])


def _dimensions_in(path: Path) -> dict[str, int | None]:
    """Names and numbers of dimensions of the arrays in an ``.npz`` file, from their headers; None for what is text."""
    found: dict[str, int | None] = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as member:
                shape, dtype = npy_header(member)
            found[name.removesuffix(".npy")] = len(shape) if dtype.kind in "biuf" else None
    return found
