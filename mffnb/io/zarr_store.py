"""Results as zarr stores: atomic writing by one process or by all ranks, and reading."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import xarray as xr

from mffnb.matrices.collective_errors import run_collectively
from mffnb.protocols.communicator import SINGLE, Communicator

_MOST_CHECKED = 10_000
_MARKS = ("zarr.json", ".zgroup", ".zarray")


def is_store(path: str | os.PathLike[str]) -> bool:
    """Return whether a path is a zarr store.

    Examples
    --------
    >>> is_store("nowhere.zarr")
    False
    """
    return any((Path(path) / mark).is_file() for mark in _MARKS)


def arrays_in(stored: Any) -> dict[str, Any]:
    """Return all arrays of an open store by their paths; the path of a store of one array is empty."""
    import zarr  # noqa: PLC0415  an extra

    if isinstance(stored, zarr.Array):
        return {"": stored}
    return {name: item for name, item in stored.members(max_depth=None) if isinstance(item, zarr.Array)}


def check_blosc(path: Path, arrays: Mapping[str, Any]) -> None:
    """Raise ValueError if a chunk that Blosc has compressed is shorter than it states.

    Blosc decompresses such a chunk without an error, to numbers that are not those of the store. Of arrays with more
    than ``_MOST_CHECKED`` chunks, only the first ones are checked.

    Parameters
    ----------
    path
        Folder of the store; a store in a single file has checksums.
    arrays
        Arrays of the store by their paths.
    """
    for name, array in arrays.items():
        packed = any("blosc" in type(one).__name__.lower() for one in array.compressors)
        if not path.is_dir() or not packed or array.shards:
            continue
        files = (one for one in (path / name).rglob("*") if one.name[0] != "." and one.suffix != ".json")
        for chunk in islice((one for one in files if one.is_file()), _MOST_CHECKED):
            with chunk.open("rb") as file:
                head = file.read(16)
            size = chunk.stat().st_size
            if len(head) < 16 or int.from_bytes(head[12:], "little") > size:
                raise ValueError(
                    f"{path.name} is truncated, its chunk {name}/{chunk.name} has {size} bytes: copy it again"
                )


def write_zarr(dataset: xr.Dataset, path: str | os.PathLike[str], encoding: Any = None) -> None:
    """Write a dataset as a zarr store; after an error an older store is unchanged."""
    with store_to_fill(path) as part:
        fill(dataset, part, encoding)


def read_zarr(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read a zarr store into memory, with units kept as text."""
    need_zarr()
    with xr.open_dataset(path, engine="zarr", consolidated=False, chunks=None, decode_timedelta=False) as stored:
        return stored.load()


def fill(dataset: xr.Dataset, part: Path, encoding: Any = None) -> None:
    """Write a dataset into the temporary store of :func:`store_to_fill`."""
    # Zarr format 2: format 3 does not specify text yet, and coordinates may be text.
    dataset.to_zarr(part, mode="w", consolidated=False, zarr_format=2, encoding=encoding)


@contextmanager
def store_to_fill(path: str | os.PathLike[str], communicator: Communicator = SINGLE) -> Iterator[Path]:
    """Yield a temporary store in the same folder; at the end of the block it replaces ``path`` for all ranks.

    Raises
    ------
    OSError
        On all ranks, if the store cannot be written or ``path`` exists and is no zarr store.
    """
    need_zarr()
    path, first = Path(path).resolve(), communicator.rank == 0
    made: Any = run_collectively(communicator, lambda: _temporary_store(path) if first else None)
    part: Path = communicator.bcast(made, root=0)
    try:
        yield part
        run_collectively(communicator, lambda: _replace_store(part, path) if first else None)
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise OSError(error.errno, f"could not write {path}, any older one is as it was: {error}") from error
    finally:
        if first:
            shutil.rmtree(part, ignore_errors=True)


def need_zarr() -> None:
    """Raise an error that says how to install the zarr package, if it is missing."""
    try:
        import zarr  # noqa: F401, PLC0415  an extra
    except ImportError:
        raise ValueError('.zarr needs the zarr package: pip install "mffnb[io]"') from None


def _temporary_store(path: Path) -> Path:
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent}: make it first")
    if path.exists() and not is_store(path):
        raise FileExistsError(f"{path} is no zarr store that could be replaced: give another name")
    part = Path(tempfile.mkdtemp(prefix=f".{path.stem}-", suffix=".zarr", dir=path.parent))
    part.chmod(0o755)
    return part


def _replace_store(part: Path, path: Path) -> None:
    if not path.exists():
        part.rename(path)
        return
    older = part.with_name(f"{part.name}-older")
    path.rename(older)
    try:
        part.rename(path)
    except OSError:
        older.rename(path)
        raise
    shutil.rmtree(older, ignore_errors=True)
