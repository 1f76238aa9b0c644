"""How a cube gets to engines: they open its file themselves, and only what is in memory alone is sent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import xarray as xr

from mffnb.cube import as_cube
from mffnb.cube_rows import in_memory_already
from mffnb.io import read
from mffnb.parallel import sharing
from mffnb.parallel.cluster import Cluster

MOST_BYTES = 256 * 2**20
"""Larger cubes are not sent: each engine would have a copy, and wait for it for seconds."""


class Source(Protocol):
    """What travels to an engine."""

    def open(self) -> xr.DataArray:
        """The cube, where this is called."""
        ...


@dataclass(frozen=True)
class Stored:
    """A file that all engines can open."""

    path: str

    def open(self) -> xr.DataArray:
        """The cube; its values stay in the file."""
        return read(self.path, lazy=True)


@dataclass(frozen=True, eq=False)
class Lazy:
    """A cube whose values are read when they are asked for: it is sent without them."""

    cube: xr.DataArray

    def open(self) -> xr.DataArray:
        """The cube."""
        return self.cube


@dataclass(frozen=True)
class Sent:
    """A cube that was sent before."""

    token: str

    def open(self) -> xr.DataArray:
        """The cube."""
        cube = sharing.find(self.token)
        if cube is None:
            raise RuntimeError("the cube did not reach this engine: call again")
        return cube  # type: ignore[no-any-return]


@contextmanager
def source(cube: Any, engines: Cluster) -> Iterator[tuple[xr.DataArray, Source]]:
    """Give a cube as it is here, and its source for engines for the time of the block.

    Raises
    ------
    ValueError
        If the cube is in memory, and too large to be sent.
    """
    if isinstance(cube, (str, os.PathLike)):
        stored = Stored(os.path.abspath(cube))  # an engine may have another working folder
        yield stored.open(), stored
        return
    data = as_cube(cube)
    if not in_memory_already(data):
        yield data, Lazy(data)
        return
    if data.nbytes > MOST_BYTES:
        raise ValueError(
            f"a cube of {data.nbytes / 2**30:.1f} GB in memory is too large to be sent to engines: save it, and pass "
            "the path of the file, of which each engine reads its own part"
        )
    pool, token = engines.executor(), sharing.share(data)
    try:
        engines.revive()
        sharing.deliver(pool, token, data, set())
        yield data, Sent(token)
    finally:
        sharing.withdraw(pool, token)
