"""Read a spectral image from one file of any known format."""

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


@checks_keywords()
def read(
    path: str | os.PathLike[str],
    *,
    dataset: str | int | None = None,
    channel: str | int | None = None,
    lazy: bool | None = None,
) -> xr.DataArray:
    """Read one file as a cube; :func:`mffnb.read` explains the arguments, and reads folders too.

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
