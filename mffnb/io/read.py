"""Read a spectral image from a file of any known format."""

from __future__ import annotations

import os
from pathlib import Path

import xarray as xr

from mffnb.cubes.as_cube import as_cube
from mffnb.io.files import check_file
from mffnb.io.foreign import parsing
from mffnb.io.reader import Reader
from mffnb.io.registry import choose_reader
from mffnb.keywords import checks_keywords

__all__ = ["read"]


@checks_keywords()
def read(
    path: str | os.PathLike[str],
    *,
    dataset: str | int | None = None,
    channel: str | int | None = None,
    lazy: bool | None = None,
) -> xr.DataArray:
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
        Which array, where a file holds several: its number, or its name (``.npz``, ``.nc``, ``.mat``), path
        (``"/measurement/data"`` in ``.h5`` and ``.zarr``, ``"object/slot/column"`` in ``.rda``), title (RosettaSciIO,
        TIFF, JCAMP-DX) or sheet (Excel); :func:`mffnb.io.contents` lists them. May be left out where only one could be
        a spectral image. Of imzML it states the m/z axis (``"exact"``, or the width of bins, ``"10 ppm"``), of a table
        the layout (``"rows"``, ``"columns"``).
    channel
        Which channel of a measurement with named channels (Nanonis): its name, with or without the unit, or number.
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
        With what to do: the numbered table of the arrays to choose from, or the extra to install.

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
    wanted = _wanted(path, reader, dataset, channel)
    with parsing(path, reader):
        cube = as_cube(reader.read(path, None if wanted is None else str(wanted), lazy))
    return cube.assign_attrs(source=str(path))


def _wanted(path: Path, reader: Reader, dataset: str | int | None, channel: str | int | None) -> str | int | None:
    """Return the signal that ``dataset`` or ``channel`` requests.

    Raises
    ------
    ValueError
        If both are given, or the format has none to choose from.
    """
    if dataset is not None and channel is not None:
        raise ValueError(f"dataset={dataset!r} and channel={channel!r} both select an array of {path.name}: give one")
    if channel is not None and not reader.channels:
        advice = "choose an array with dataset=" if reader.datasets else "leave it out"
        raise ValueError(
            f"{path.name} ({reader.name}) has no named channels, but channel={channel!r} is given: {advice}"
        )
    if dataset is not None and not reader.datasets:
        raise ValueError(f"{path.name} holds one array, and dataset={dataset!r} was given: leave it out")
    return channel if dataset is None else dataset
