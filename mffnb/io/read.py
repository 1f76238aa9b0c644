"""Spectral images from files, and results to files that appear whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.as_cube import as_cube
from mffnb.cubes.lazy_array import from_npy, rename_dimensions
from mffnb.io.choose import _choose, _lazy
from mffnb.io.hdf5 import _HDF5, _read_hdf5
from mffnb.io.matlab_r import arrays, matlab_objects, r_objects
from mffnb.io.netcdf import _NETCDF, _read_netcdf_variable
from mffnb.io.numpy_files import _read_npz
from mffnb.io.rosettasciio import _read_rosettasciio
from mffnb.io.zarr_reader import _read_zarr

_R = {".rda", ".rdata", ".rds"}


def read(path: str | os.PathLike[str], *, dataset: str | None = None, lazy: bool | None = None) -> xr.DataArray:
    """Read a spectral image.

    ``.npy`` and ``.npz`` (NumPy), ``.nc`` (NetCDF), ``.h5`` or ``.hf5`` (HDF5, calibrated by its dimension scales where
    it has some, as in pyNSID), ``.zarr`` (an optional extra), ``.mat`` (MATLAB) and ``.rda`` (R, an optional extra) are
    read as they are, last axis the channel: transpose what is stored in another order. An ``.npz`` of compressed rows,
    :func:`scipy.sparse.save_npz`, is an image (x, channel) that is never made dense. Everything else, such as
    ``.hspy``, ``.dm4``, ``.bcf`` or ``.spd``, goes through RosettaSciIO, an optional extra, which also knows which axes
    are pixels.

    Parameters
    ----------
    path
        The file.
    dataset
        Which array, where a file holds several: a name (``.npz``, ``.nc``, ``.mat``), a path (``"/measurement/data"``
        in ``.h5`` and ``.zarr``, ``"object/slot/column"`` in ``.rda``) or a number (RosettaSciIO). May be left out
        where only one could be a spectral image.
    lazy
        Leave NetCDF, HDF5, zarr and ``.npy`` data on disk, to be read in bands while unmixing; by default where they
        would fill more than a quarter of the machine's memory as float64.

    Returns
    -------
    xarray.DataArray
        The cube; ``attrs["source"]`` names the file.

    Raises
    ------
    FileNotFoundError, ValueError
        With what to do: the names to choose from, or the extra to install.

    Examples
    --------
    >>> import numpy as np, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "map.npy")
    >>> np.save(path, np.ones((4, 5, 60)))
    >>> dict(read(path).sizes)
    {'y': 4, 'x': 5, 'channel': 60}
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    suffix = path.suffix.lower()
    if suffix == ".npy":
        stored = np.load(path, allow_pickle=False, mmap_mode="r")
        cube = from_npy(path) if _lazy(lazy, stored.size) else as_cube(np.array(stored))
    elif suffix == ".npz":
        cube = _read_npz(path, dataset)
    elif suffix in _NETCDF:
        cube = _read_netcdf_variable(path, dataset, lazy)
    elif suffix == ".mat":
        cube = _read_matlab(path, dataset, lazy)
    elif suffix in _R:
        cube = _read_named(path, r_objects(path), dataset)
    elif suffix in _HDF5:
        cube = _read_hdf5(path, dataset, lazy)
    elif suffix == ".zarr":
        cube = _read_zarr(path, dataset, lazy)
    else:
        cube = _read_rosettasciio(path, dataset)
    return cube.assign_attrs(source=str(path))


def _read_matlab(path: Path, wanted: str | None, lazy: bool | None) -> xr.DataArray:
    try:
        objects = matlab_objects(path)
    except NotImplementedError:  # version 7.3, whose axes come in the opposite order
        cube = _read_hdf5(path, wanted, lazy)
        return rename_dimensions(
            cube.transpose(*reversed(cube.dims)), dict(zip(reversed(cube.dims), cube.dims, strict=True))
        )
    return _read_named(path, objects, wanted)


def _read_named(path: Path, objects: dict[str, Any], wanted: str | None) -> xr.DataArray:
    found = dict(arrays(objects))
    return as_cube(found[_choose(path, {name: array.ndim for name, array in found.items()}, wanted)])
