"""Read a spectral image from a file of any known format."""

from __future__ import annotations

import os
from pathlib import Path

import xarray as xr

from mffnb.cubes.as_cube import as_cube
from mffnb.io.companions import check_store
from mffnb.io.expansion import hdf5_expands
from mffnb.io.files import check_file, check_links, is_hdf5
from mffnb.io.registry import choose_reader
from mffnb.io.short_text import short_text
from mffnb.keywords import checks_keywords

__all__ = ["read"]


@checks_keywords()
def read(path: str | os.PathLike[str], *, dataset: str | int | None = None, lazy: bool | None = None) -> xr.DataArray:
    """Read a spectral image. All formats are listed in docs/formats.md.

    ``.npy`` and ``.npz`` (NumPy), ``.nc`` (NetCDF), ``.h5`` or ``.hf5`` (HDF5, calibrated by its dimension scales where
    it has some, as in pyNSID), ``.zarr`` (an optional extra), ``.mat`` (MATLAB) and ``.rda`` (R, an optional extra) are
    read as they are, last axis the channel: transpose data stored in another order. The ``dimension_type`` of pyNSID
    decides instead, where it is stated. An ``.npz`` of compressed rows, :func:`scipy.sparse.save_npz`, is an image (x,
    channel) that is never made dense. Of TIFF stacks, height and width are pixels and planes channels. Nanonis grids,
    imzML (a sparse image), ENVI, Galactic SPC, Bruker OPUS, JCAMP-DX, GSF and tables of text or Excel are read with the
    axes and units that they state; ``attrs["choice"]`` says why a channel was selected. All other formats, such as
    ``.hspy``, ``.dm4``, ``.bcf`` or ``.spd``, and HDF5 files of HyperSpy, Delmic, EMD, NeXus and others, are read
    through RosettaSciIO, an optional extra, which also knows which axes are pixels. Other distributions can register
    readers: see :mod:`mffnb.registry.plugins`.

    Parameters
    ----------
    path
        The file.
    dataset
        Which array, where a file holds several: a name (``.npz``, ``.nc``, ``.mat``), a path (``"/measurement/data"``
        in ``.h5`` and ``.zarr``, ``"object/slot/column"`` in ``.rda``), or a number or title (TIFF, RosettaSciIO), a
        channel (Nanonis), the m/z axis (imzML: ``"exact"``, or the width of bins, ``"10 ppm"``), or the layout of a
        table (``"rows"``, ``"columns"``). :func:`mffnb.io.info` lists the arrays of a file. May be left out where only
        one could be a spectral image.
    lazy
        Leave NetCDF, HDF5, zarr, TIFF, ``.npy`` and most RosettaSciIO data on disk, to be read in bands while unmixing;
        by default where they would fill more than a quarter of the machine's memory as float64.

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
    check_file(path)
    reader = choose_reader(path)
    if dataset is not None and not reader.datasets:
        raise ValueError(f"{path.name} holds one array, and dataset={dataset!r} was given: leave it out")
    try:
        if is_hdf5(path):
            check_links(path)
            hdf5_expands(path)
        elif path.is_dir():
            check_store(path)
        cube = as_cube(reader.read(path, None if dataset is None else str(dataset), lazy))
    except MemoryError as error:
        if str(error).startswith(path.name):
            raise
        raise MemoryError(f"{path.name} needs more memory than there is, or is damaged: {short_text(error)}") from error
    except (FileNotFoundError, PermissionError, Warning):
        raise
    except Exception as error:  # libraries raise exceptions of all types on a damaged file
        if isinstance(error, (ValueError, TypeError)) and path.name in str(error):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{path.name} could not be read as {reader.name}: {short_text(error)}") from error
    return cube.assign_attrs(source=str(path))
