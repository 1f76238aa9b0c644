"""The cube of a saved session: stored with it, or named by path and SHA-256 of its file."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import xarray as xr

from mffnb.io.read import read

SMALL = 2**26
"""Largest cube in bytes that a session stores where nothing else is requested."""
_BLOCK = 2**20


def reference(cube: xr.DataArray, path: str | None, include: bool | None) -> dict[str, Any]:
    """Return what a session stores of a cube.

    Parameters
    ----------
    cube
        The cube.
    path
        Path of its file; None for a cube from memory.
    include
        Whether the cube is stored; None for a small one only.

    Raises
    ------
    ValueError
        If the cube is neither stored nor in a file.
    """
    if include or (include is None and cube.nbytes <= SMALL):
        return {"cube": cube, "path": path}
    if path is None:
        raise ValueError(
            f"the cube of {cube.nbytes / 1e6:.0f} MB came from memory: save it with include=True, or open the explorer "
            "with the path of its file"
        )
    return {"path": path, "sha256": digest(path)}


def restored(stored: dict[str, Any], session: Path) -> tuple[xr.DataArray, str | None]:
    """Return the cube of a session and the path of its file, if it is in one.

    A file that is no longer at its place is sought beside the session.

    Raises
    ------
    FileNotFoundError
        If the file of the cube is missing.
    ValueError
        If the file has changed since the session was saved.
    """
    path = stored["path"]
    if "cube" in stored:
        return stored["cube"], path
    beside = session.resolve().parent / Path(path).name
    found = next((one for one in (Path(path), beside) if one.exists()), None)
    if found is None:
        raise FileNotFoundError(
            f"the cube of {session.name} is missing: put {Path(path).name} back to {path} or beside it"
        )
    if digest(found) != stored["sha256"]:
        raise ValueError(
            f"{found} has changed since {session.name} was saved, so its answers belong to other data: restore that "
            "file, or start a new explorer"
        )
    return read(found), os.path.abspath(found)


def digest(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file, or of all files in a folder with their names.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "a.bin"
    >>> _ = file.write_bytes(b"abc")
    >>> digest(file)[:8]
    'ba7816bf'
    """
    path, found = Path(path), hashlib.sha256()
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    for one in files:
        if path.is_dir():
            found.update(str(one.relative_to(path)).encode())
        with one.open("rb") as file:
            while block := file.read(_BLOCK):
                found.update(block)
    return found.hexdigest()
