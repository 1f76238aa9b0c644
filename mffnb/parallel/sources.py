"""How a cube gets to engines: they open its file themselves, and only what is in memory alone is sent."""

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
    """What travels to an engine."""

    def open(self) -> xr.DataArray:
        """The cube, where this is called."""
        ...


@dataclass(frozen=True)
class Stored:
    """A file that all engines can open.

    Attributes
    ----------
    path
        Where it is, from the root.
    lazy
        Whether its values stay in the file, as for :func:`mffnb.read`.
    """

    path: str
    lazy: bool | None = True

    def open(self) -> xr.DataArray:
        """The cube."""
        return read(self.path, lazy=self.lazy)


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


def in_file(cube: Any, copies: int) -> tuple[xr.DataArray, Source | None]:
    """A cube as it is here, its values in its file, and its source for engines; None for one in memory.

    Parameters
    ----------
    cube
        As for :func:`mffnb.unmix`.
    copies
        How many engines want all of it: the values stay in the file where there is no room for so many.
    """
    if isinstance(cube, (str, os.PathLike)):
        path = os.path.abspath(cube)  # an engine may have another working folder
        data = read(path, lazy=True)
        return data, Stored(path, True if stays_on_disk(data.size, copies) else None)
    data = as_cube(cube)
    return data, None if is_in_memory(data) else Lazy(data)


@contextmanager
def shared(cube: Any, engines: Cluster) -> Iterator[tuple[xr.DataArray, Source]]:
    """Give a cube as it is here, and its source for engines that each read a part, for the time of the block.

    Raises
    ------
    ValueError
        If the cube is in memory, and too large to be sent.
    """
    data, there = in_file(cube, copies=1)
    if there is not None:
        yield data, replace(there, lazy=True) if isinstance(there, Stored) else there
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
        yield data, Sent(token)
    finally:
        sharing.withdraw(pool, token)
