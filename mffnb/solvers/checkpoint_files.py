"""Two generations of arrays in a folder, each whole or not there, each rank with a file of its own.

A generation is a folder ``iteration-00000042`` with a file ``rank-0000.npz`` of each rank and ``about.json``. It is
filled under another name, and renamed once every rank has said that its part is on the disk.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mffnb.matrices.collective_errors import run_collectively
from mffnb.typing import Array

_NAME, _KEPT = "iteration-", 2
_ABOUT = "about.json"

Arrays = dict[str, Array]
About = dict[str, Any]


@dataclass(frozen=True)
class Generations:
    """The generations in a folder, as all ranks of a communicator see them.

    Parameters
    ----------
    folder
        Where they are; made when the first one is written.
    communicator
        An mpi4py communicator; None where there is one process.
    """

    folder: Path
    communicator: Any = None

    @property
    def rank(self) -> int:
        """The rank of this process."""
        return 0 if self.communicator is None else int(self.communicator.rank)

    def write(self, number: int, arrays: Mapping[str, Array], about: About) -> None:
        """Write a generation, after the older of two that were there is gone.

        Raises
        ------
        OSError
            On all ranks, if one of them cannot write; the newest generation that was whole is still there then.
        """
        part = self.folder / f".{_NAME}{number:08d}.part"
        try:
            self._first(lambda: self._make_room(part))
            run_collectively(
                self.communicator,
                lambda: _write(part / self._file, lambda file: np.savez(file, allow_pickle=False, **arrays)),
            )
            self._first(lambda: self._finish(part, about))
        except BaseException:
            if self.rank == 0:
                shutil.rmtree(part, ignore_errors=True)
            raise

    def newest(self, fits: Callable[[About], None]) -> tuple[Arrays, About, bool] | None:
        """The newest generation of which every rank can read its part; None in a folder without any.

        Parameters
        ----------
        fits
            Raises what is wrong with a generation that belongs to something else.

        Returns
        -------
        arrays, about
            What was written.
        newest
            False if there is a newer one that is damaged.

        Raises
        ------
        ValueError
            If there are some, all of them damaged; and what ``fits`` raises.
        """
        found = self._tell(self._names)
        for age, name in enumerate(found):
            about = self._tell(partial(_about, self.folder / name))
            if about is None:
                continue
            run_collectively(self.communicator, partial(fits, about))
            arrays = _arrays(self.folder / name / self._file)
            readable = [arrays is not None]
            if self.communicator is not None:
                readable = self.communicator.allgather(readable[0])
            if arrays is not None and all(readable):
                return arrays, about, age == 0
        if found:
            raise ValueError(f"what is in {self.folder} is damaged: delete it to begin anew, or name another folder")
        return None

    def about(self) -> About | None:
        """What the newest generation is about; None where there is none that can be read."""
        found = [self._tell(partial(_about, self.folder / name)) for name in self._tell(self._names)]
        return next((about for about in found if about is not None), None)

    @property
    def _file(self) -> str:
        return f"rank-{self.rank:04d}.npz"

    def _names(self) -> list[str]:
        if not self.folder.is_dir():
            return []
        return sorted((one.name for one in self.folder.iterdir() if one.name.startswith(_NAME)), reverse=True)

    def _make_room(self, part: Path) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for old in self.folder.glob(f".{_NAME}*.part"):  # of a process that was killed while it wrote
            shutil.rmtree(old)
        for name in self._names()[_KEPT - 1 :]:
            shutil.rmtree(self.folder / name)
        part.mkdir()

    def _finish(self, part: Path, about: About) -> None:
        _write(part / _ABOUT, lambda file: file.write(json.dumps(about).encode()))
        whole = self.folder / part.name.removeprefix(".").removesuffix(".part")
        if whole.exists():  # of a run that went back to an older generation
            shutil.rmtree(whole)
        part.rename(whole)
        _sync(self.folder)

    def _first(self, work: Callable[[], None]) -> None:
        """Work of the first rank, for which the others wait."""
        run_collectively(self.communicator, work if self.rank == 0 else lambda: None)

    def _tell(self, find: Callable[[], Any]) -> Any:
        """What the first rank finds; file systems of clusters do not show the same to all at once."""
        found = run_collectively(self.communicator, find if self.rank == 0 else lambda: None)
        return found if self.communicator is None else self.communicator.bcast(found, root=0)


def _write(path: Path, write: Callable[[Any], Any]) -> None:
    with path.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())


def _save(arrays: Mapping[str, Array], file: Any) -> None:
    np.savez(file, allow_pickle=False, **arrays)


def _sync(folder: Path) -> None:
    """Have the names in a folder on the disk as well, where the system has a way to ask for it."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _about(folder: Path) -> About | None:
    try:
        about = json.loads((folder / _ABOUT).read_text())
    except (OSError, ValueError):
        return None
    return about if isinstance(about, dict) else None


def _arrays(path: Path) -> Arrays | None:
    """The arrays of one rank; None where a part of the file is missing or another one."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
