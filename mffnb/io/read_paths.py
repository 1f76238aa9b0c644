"""Read a spectral image from a file, or several from a folder or from files whose names fit a pattern."""

from __future__ import annotations

import glob
import os
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from mffnb.io.files import STORES
from mffnb.io.name_pattern import natural
from mffnb.io.read import read as read_file
from mffnb.io.registry import readers
from mffnb.io.tiff_folder import Picture, read_channels
from mffnb.keywords import checks_keywords

__all__ = ["read"]

_WILD = "*?["


@checks_keywords()
def read(
    path: str | os.PathLike[str],
    *,
    dataset: str | int | None = None,
    channel: str | int | None = None,
    lazy: bool | None = None,
    pattern: str | None = None,
) -> Any:
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
        The file. A folder with files of one suffix, or a pattern such as ``"session/*.h5"``, gives the list of their
        cubes. TIFF files of one picture each become one cube, whose channels their names state.
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
    pattern
        Where the names of single-channel TIFF files state the channel: ``"map_{energy:eV}"``, with a unit, or
        ``"scan_*_{channel}"``, with ``*`` for parts that change otherwise; without the suffix. By default the only
        number that differs between the names, or the text in which they differ.

    Returns
    -------
    xarray.DataArray or list of xarray.DataArray
        The cube, or a list of cubes; ``attrs["source"]`` names the file.

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
    place = Path(path)
    if place.exists() and (not place.is_dir() or place.suffix.lower() in STORES):
        files = None
    elif place.is_dir():
        files = _files_of(place)
    else:
        files = _matching(str(path)) if any(one in str(path) for one in _WILD) else None
    if files is None:
        if pattern is not None:
            raise ValueError(f"{place} is one file, and pattern= finds channels in the names of several: leave it out")
        return read_file(path, dataset=dataset, channel=channel, lazy=lazy)
    if dataset is None and channel is None and all(map(Picture.of, files)):
        return read_channels(files, pattern, lazy)
    if pattern is not None:
        other = next((one.name for one in files if not Picture.of(one)), files[0].name)
        raise ValueError(f"pattern= is for TIFF files of one picture each, and {other} is none: leave it out")
    return [read_file(one, dataset=dataset, channel=channel, lazy=lazy) for one in files]


def _matching(text: str) -> list[Path]:
    """Return the files whose paths fit a glob pattern, in the order of the numbers in their names."""
    found = [Path(one) for one in glob.glob(text, recursive=True)]
    files = [one for one in found if one.is_file() or one.suffix.lower() in STORES]
    if not files:
        raise FileNotFoundError(f"there is no file that fits {text}")
    return sorted(files, key=lambda one: natural(str(one)))


def _files_of(folder: Path) -> list[Path]:
    """Return the files of a folder that a reader can read, all of one suffix, sorted by the numbers in their names.

    Raises
    ------
    ValueError
        If there are none, or several suffixes.
    """
    visible = [one for one in folder.iterdir() if not one.name.startswith(".")]
    stores = [one for one in visible if one.is_dir() and one.suffix.lower() in STORES]
    files = stores + [one for one in visible if one.is_file() and one.suffix.lower() in _suffixes()]
    counts = Counter(one.suffix.lower() for one in files)
    if not files:
        raise ValueError(f"{folder} is a folder without a file that could be read: see mffnb formats")
    if len(counts) > 1:
        held = ", ".join(f"{count} {suffix}" for suffix, count in counts.items())
        raise ValueError(
            f"{folder} is a folder with files of several formats ({held}): say which ones, for example "
            f"mf.read({str(folder / ('*' + next(iter(counts))))!r})"
        )
    return sorted(files, key=lambda one: natural(one.name))


@cache
def _suffixes() -> frozenset[str]:
    """Return the suffixes of all formats."""
    own = {suffix for reader in readers() for suffix in reader.suffixes}
    try:
        from rsciio import IO_PLUGINS  # noqa: PLC0415  an extra
    except ImportError:
        return frozenset(own)
    return frozenset(own | {f".{one.lower()}" for plugin in IO_PLUGINS for one in plugin["file_extensions"]})
