"""Sources of a cube for engines: engines open its file themselves, and only a cube in memory is sent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

import xarray as xr

from mffnb.cubes.as_cube import as_cube
from mffnb.cubes.pixel_rows import is_in_memory
from mffnb.io.choose import stays_on_disk
from mffnb.io.read import read
from mffnb.parallel import sharing
from mffnb.parallel.cluster import Cluster

MOST_BYTES = 256 * 2**20
"""Larger cubes are not sent: each engine would have a copy, and wait for it for seconds."""


class Source(Protocol):
    """Interface of a source: a cube in the form in which it is sent to an engine."""

    def open(self) -> xr.DataArray:
        """Return the cube, opened in the process that calls this method."""
        ...

    def cube_or_path(self) -> xr.DataArray | str:
        """Return the cube argument of the pipeline on an engine: a path, from which blocks are read, or a cube."""
        ...


@dataclass(frozen=True)
class FileSource:
    """Source for a cube in a file that all engines can open.

    Attributes
    ----------
    path
        Absolute path of the file.
    lazy
        Whether values stay in the file, as for :func:`mffnb.read`.
    """

    path: str
    lazy: bool | None = True

    def open(self) -> xr.DataArray:
        """Open the file and return the cube."""
        return read(self.path, lazy=self.lazy)

    def cube_or_path(self) -> str:
        """Return the path, from which each engine reads its blocks."""
        return self.path


@dataclass(frozen=True, eq=False)
class LazySource:
    """Source for a lazy cube, which is sent without its values; an engine reads the values that it uses."""

    cube: xr.DataArray

    def open(self) -> xr.DataArray:
        """Return the lazy cube."""
        return self.cube

    def cube_or_path(self) -> xr.DataArray:
        """Return the lazy cube, of which each engine reads the values that it uses."""
        return self.cube


@dataclass(frozen=True)
class SentSource:
    """Source for a cube in memory, which was sent to the engines before, under a token."""

    token: str

    def open(self) -> xr.DataArray:
        """Return the cube that is stored in this process under the token."""
        cube = sharing.find(self.token)
        if cube is None:
            raise RuntimeError("the cube did not reach this engine: call again")
        return cube  # type: ignore[no-any-return]

    def cube_or_path(self) -> xr.DataArray:
        """Return the cube that was sent to this engine."""
        return self.open()


def in_file(cube: Any, copies: int) -> tuple[xr.DataArray, Source | None]:
    """Open a cube lazily; return it and its source for engines, which is None for a cube in memory.

    Parameters
    ----------
    cube
        As for :func:`mffnb.unmix`.
    copies
        Number of engines that need the whole cube: values stay in the file if there is no memory for so many copies.
    """
    if isinstance(cube, (str, os.PathLike)):
        path = os.path.abspath(cube)  # an engine may have another working directory
        data = read(path, lazy=True)
        return data, FileSource(path, True if stays_on_disk(data.size, copies) else None)
    data = as_cube(cube)
    return data, None if is_in_memory(data) else LazySource(data)


@contextmanager
def source_for_engines(cube: Any, engines: Cluster) -> Iterator[tuple[xr.DataArray, Source]]:
    """Yield a cube and its source for engines that each read a part of it, for the time of the ``with`` block.

    Raises
    ------
    ValueError
        If the cube is in memory, and too large to be sent.
    """
    data, there = in_file(cube, copies=1)
    if there is not None:
        yield data, replace(there, lazy=True) if isinstance(there, FileSource) else there
        return
    if data.nbytes > MOST_BYTES:
        raise ValueError(
            f"a cube of {data.nbytes / 2**30:.2f} GB in memory is too large to be sent to engines: save it, and pass "
            "the path of the file, of which each engine reads its own part"
        )
    pool, token = engines.executor(), sharing.share(data)
    try:
        engines.revive()
        sharing.deliver(pool, token, data, set())
        yield data, SentSource(token)
    finally:
        sharing.withdraw(pool, token)
