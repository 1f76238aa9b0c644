"""Files of checkpoints: the two newest generations (saved states) in a folder, with one file for each rank.

A generation is a folder ``iteration-00000042`` with a file ``rank-0000.npz`` of each rank and ``about.json``, which
lists the block of each rank (:mod:`mffnb.solvers.checkpoint_blocks`). It is written under a temporary name, and renamed
after every rank has written its part to the disk, so that it is either complete or absent.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mffnb.matrices.collective_errors import run_collectively
from mffnb.protocols.communicator import SINGLE, Communicator
from mffnb.solvers.checkpoint_blocks import StoredBlock, file_of, joined, read_file, stored_blocks
from mffnb.typing import Array

_NAME, _KEPT = "iteration-", 2
_ABOUT = "about.json"

Arrays = dict[str, Array]
About = dict[str, Any]


@dataclass(frozen=True)
class Generations:
    """Read and write the generations (saved states) in a folder, on all ranks of a communicator together.

    Parameters
    ----------
    folder
        Folder of the generations, created when the first one is written.
    communicator
        Communicator of the ranks that write together.
    """

    folder: Path
    communicator: Communicator = SINGLE

    @property
    def rank(self) -> int:
        """Rank of this process in the communicator."""
        return self.communicator.rank

    def write(self, number: int, arrays: Mapping[str, Array], about: About) -> None:
        """Write generation ``number``, after all older generations except the newest one are deleted.

        Raises
        ------
        OSError
            On all ranks, if one of them cannot write; the newest complete generation is kept then.
        """
        part = self.folder / f".{_NAME}{number:08d}.part"
        try:
            self._on_first(lambda: self._make_room(part))
            run_collectively(
                self.communicator,
                lambda: _write(part / self._file, lambda file: _save(file, arrays)),
            )
            self._on_first(lambda: self._finish(part, about))
        except BaseException:
            if self.rank == 0:
                shutil.rmtree(part, ignore_errors=True)
            raise

    def newest(
        self,
        fits: Callable[[About], None],
        whole: Callable[[Arrays, About], bool] | None = None,
        own: StoredBlock | None = None,
    ) -> tuple[Arrays, About, bool] | None:
        """Read the newest generation of which every rank can read its part; None if the folder has no generation.

        A rank whose block is the one that it stored reads its own file. On another grid of ranks, it joins the parts of
        the files that overlap with its block.

        Parameters
        ----------
        fits
            Function of the description ``about`` that raises an error for a generation of another run.
        whole
            Function of arrays and description that returns False if a part of them is missing, misshapen or not finite;
            the generation then counts as damaged.
        own
            Block of this rank; None to read its own file always.

        Returns
        -------
        arrays, about
            Arrays of this rank's block, and description, as they were written.
        newest
            False if a newer generation exists but is damaged.

        Raises
        ------
        ValueError
            If all generations are damaged; and the errors of ``fits``.
        """
        found = self._from_first(self._names)
        for age, name in enumerate(found):
            about = self._from_first(partial(_about, self.folder / name))
            if about is None:
                continue
            run_collectively(self.communicator, partial(fits, about))
            arrays = self._arrays(self.folder / name, about, own)
            if arrays is not None and whole is not None and not whole(arrays, about):
                arrays = None
            readable = self.communicator.allgather(arrays is not None)
            if arrays is not None and all(readable):
                return arrays, about, age == 0
        if found:
            raise ValueError(f"what is in {self.folder} is damaged: delete it to begin anew, or name another folder")
        return None

    def about(self) -> About | None:
        """Return the description of the newest readable generation; None if there is none."""
        found = [self._from_first(partial(_about, self.folder / name)) for name in self._from_first(self._names)]
        return next((about for about in found if about is not None), None)

    @property
    def _file(self) -> str:
        return file_of(self.rank)

    def _arrays(self, folder: Path, about: About, own: StoredBlock | None) -> Arrays | None:
        """Read the arrays of this rank's block; None if a file is missing or damaged."""
        try:
            if own is None or "blocks" not in about:  # older versions do not describe blocks
                return read_file(folder / self._file)
            blocks = stored_blocks(about)
            if blocks is None:
                return None
            if len(blocks) == self.communicator.size and blocks[self.rank] == own:
                return read_file(folder / self._file)
            return joined(folder, blocks, own)
        except Exception:  # a damaged file raises many errors, and the other ranks wait for this one
            return None

    def _names(self) -> list[str]:
        """Return the folder names of all complete generations, newest first."""
        if not self.folder.is_dir():
            return []
        names = (one.name for one in self.folder.iterdir() if one.name.startswith(_NAME))
        return sorted((name for name in names if name.removeprefix(_NAME).isdecimal()), reverse=True)

    def _make_room(self, part: Path) -> None:
        """Create the folder of a new generation, and delete incomplete generations and all but the newest one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for old in self.folder.glob(f".{_NAME}*.part"):  # incomplete: left by a process that was killed while it wrote
            shutil.rmtree(old)
        for name in self._names()[_KEPT - 1 :]:
            _remove(self.folder / name)
        part.mkdir()

    def _finish(self, part: Path, about: About) -> None:
        """Write the description of a new generation, and rename its folder, which makes it complete."""
        _write(part / _ABOUT, lambda file: file.write(json.dumps(about).encode()))
        whole = self.folder / part.name.removeprefix(".").removesuffix(".part")
        if whole.exists():  # the number exists if a run restarted from an older generation
            _remove(whole)
        part.rename(whole)
        _sync(self.folder)

    def _on_first(self, work: Callable[[], None]) -> None:
        """Call a function on the first rank while the others wait; an error of it is raised on all ranks."""
        run_collectively(self.communicator, work if self.rank == 0 else lambda: None)

    def _from_first(self, find: Callable[[], Any]) -> Any:
        """Return on all ranks the value that ``find`` returns on the first: file systems may differ between nodes."""
        found = run_collectively(self.communicator, find if self.rank == 0 else lambda: None)
        return self.communicator.bcast(found, root=0)


def _remove(path: Path) -> None:
    """Delete a generation, also if a damaged disk has left a file in the place of its folder."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _save(file: Any, arrays: Mapping[str, Array]) -> None:
    """Write arrays of numbers as npz; the keyword ``allow_pickle`` of numpy.savez exists from NumPy 2.2 on only."""
    objects = [name for name, array in arrays.items() if np.asarray(array).dtype.hasobject]
    if objects:
        raise TypeError(f"a checkpoint holds numbers only, but {', '.join(objects)} holds Python objects")
    np.savez(file, **arrays)  # type: ignore[arg-type]


def _write(path: Path, write: Callable[[Any], Any]) -> None:
    with path.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Flush the entries of a folder to the disk, if the operating system supports it."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _about(folder: Path) -> About | None:
    """Read the description of a generation; None if it is missing or damaged."""
    try:
        about = json.loads((folder / _ABOUT).read_text())
    except (OSError, ValueError):
        return None
    return about if isinstance(about, dict) and "format" in about else None
