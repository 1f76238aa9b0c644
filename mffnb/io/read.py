"""Reading of a spectral image from a file of any known format."""

from __future__ import annotations

import os
from pathlib import Path

import xarray as xr

from mffnb.cubes.as_cube import as_cube
from mffnb.io.registry import choose_reader

__all__ = ["read"]


def read(path: str | os.PathLike[str], *, dataset: str | None = None, lazy: bool | None = None) -> xr.DataArray:
    """Read a spectral image from a file as a labelled cube.

    ``.npy`` and ``.npz`` (NumPy), ``.nc`` (NetCDF), ``.h5`` or ``.hf5`` (HDF5, calibrated by its dimension scales where
    it has some, as in pyNSID), ``.zarr`` (an optional extra), ``.mat`` (MATLAB) and ``.rda`` (R, an optional extra) are
    read with the axes in the stored order, and the last axis is the channel: transpose data stored in another order. An
    ``.npz`` of compressed rows, :func:`scipy.sparse.save_npz`, is an image (x, channel) that is never made dense. All
    other formats, such as ``.hspy``, ``.dm4``, ``.bcf`` or ``.spd``, are read through RosettaSciIO, an optional extra,
    which also determines which axes are pixels. Other distributions can register readers: see
    :mod:`mffnb.registry.plugins`.

    Parameters
    ----------
    path
        Path of the file.
    dataset
        Which array to read if a file holds several: a name (``.npz``, ``.nc``, ``.mat``), a path
        (``"/measurement/data"`` in ``.h5`` and ``.zarr``, ``"object/slot/column"`` in ``.rda``) or a number
        (RosettaSciIO). It may be left out if only one array can be a spectral image.
    lazy
        Whether NetCDF, HDF5, zarr and ``.npy`` data stay on disk, to be read in bands during unmixing. By default they
        do if they would fill more than a quarter of the machine's memory as float64.

    Returns
    -------
    xarray.DataArray
        The cube; ``attrs["source"]`` names the file.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file does not exist or cannot be read. The message says what to do, for example which names exist or
        which extra to install.

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
    cube = choose_reader(path).read(path, dataset, lazy)
    return as_cube(cube).assign_attrs(source=str(path))
