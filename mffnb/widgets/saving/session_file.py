"""File of a session: the cube of an explorer, or where it is, and the state of the explorer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from mffnb.widgets.saving.archive import read_archive, write_archive
from mffnb.widgets.saving.codec import CannotStoreError
from mffnb.widgets.saving.cube_reference import reference, restored

_SUFFIX = ".zip"


def is_session(path: str | os.PathLike[str]) -> bool:
    """Whether a path is named like a session.

    Examples
    --------
    >>> is_session("session.zip"), is_session("map.hspy")
    (True, False)
    """
    return Path(path).suffix.lower() == _SUFFIX


@dataclass(frozen=True, eq=False)
class Saved:
    """A session that was read from a file.

    Attributes
    ----------
    cube
        The cube.
    path
        Path of the file of the cube; None if the cube came from memory.
    state
        State of the explorer, see :meth:`mffnb.widgets.tool.Stage.stored`.
    """

    cube: xr.DataArray
    path: str | None
    state: Mapping[str, Any]

    @property
    def settings(self) -> Mapping[str, Any]:
        """Keywords of the explorer."""
        found: Mapping[str, Any] = self.state["settings"]
        return found

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Saved:
        """Read a session, and its cube.

        Raises
        ------
        FileNotFoundError
            If the session or the file of its cube is missing.
        ValueError
            If the file is no session, is damaged, or if the file of the cube has changed.
        """
        content = read_archive(path)
        cube, source = restored(content["cube"], Path(path))
        return cls(cube, source, content["state"])


def write_session(
    path: str | os.PathLike[str],
    cube: xr.DataArray,
    source: str | None,
    state: Mapping[str, Any],
    include: bool | None,
) -> None:
    """Write a session; see :func:`mffnb.widgets.tools.save.save`."""
    if not is_session(path):
        raise ValueError(f"a session is saved as .zip, and {Path(path).name!r} ends otherwise: name it session.zip")
    try:
        write_archive(path, {"cube": reference(cube, source, include), "state": state})
    except CannotStoreError as error:
        raise TypeError(
            f"a session cannot hold an object of the type {error}: pass arrays and parts of mffnb instead"
        ) from error
