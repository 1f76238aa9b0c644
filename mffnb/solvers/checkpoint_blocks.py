"""Blocks of a checkpoint: which pixels and channels each rank stored, and how another grid of ranks reads them.

A rank stores a block of columns of A (its pixels) and a block of columns of E (its channels). The description of a
generation lists these blocks. A run on another grid joins the parts of the files that overlap with its own block.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mffnb.typing import Array

# Arrays that are distributed over the ranks, along pixels and along channels. Every rank stores all others completely.
_DISTRIBUTED = (("abundances", "ahead_abundances"), ("endmembers", "ahead_endmembers"))


@dataclass(frozen=True)
class StoredBlock:
    """Pixels and channels whose factors one rank owns and stores.

    Attributes
    ----------
    pixels, channels
        First index, and index after the last one, along each axis of X.

    Examples
    --------
    >>> StoredBlock.of(slice(0, 6), slice(2, 4))
    StoredBlock(pixels=(0, 6), channels=(2, 4))
    """

    pixels: tuple[int, int]
    channels: tuple[int, int]

    @classmethod
    def of(cls, pixels: slice, channels: slice) -> StoredBlock:
        """Return the block of the given ranges of pixels and channels."""
        return cls((int(pixels.start), int(pixels.stop)), (int(channels.start), int(channels.stop)))

    @property
    def numbers(self) -> list[int]:
        """The four limits as a list, for the description of a generation."""
        return [*self.pixels, *self.channels]

    @property
    def shape(self) -> tuple[int, int]:
        """Number of pixels and number of channels."""
        return self.pixels[1] - self.pixels[0], self.channels[1] - self.channels[0]


def stored_blocks(about: Mapping[str, Any]) -> list[StoredBlock] | None:
    """Return the blocks of all ranks that wrote a generation, in the order of the ranks; None if they are damaged.

    Blocks are valid if they cover pixels and channels from 0 without gap or overlap.

    Examples
    --------
    >>> [block.pixels for block in stored_blocks({"blocks": [[0, 6, 0, 4], [6, 12, 4, 8]]})]
    [(0, 6), (6, 12)]
    >>> stored_blocks({"blocks": [[0, 6, 0, 4], [7, 12, 4, 8]]}) is None  # pixel 6 is missing
    True
    """
    given = about.get("blocks")
    if not isinstance(given, list) or not given:
        return None
    whole = (isinstance(one, list) and len(one) == 4 and all(type(number) is int for number in one) for one in given)
    if not all(whole):
        return None
    blocks = [StoredBlock((one[0], one[1]), (one[2], one[3])) for one in given]
    return blocks if all(_without_gap([_range(block, axis) for block in blocks]) for axis in (0, 1)) else None


def joined(folder: Path, blocks: list[StoredBlock], own: StoredBlock) -> dict[str, Array]:
    """Read the arrays of one rank from the files of another grid of ranks.

    Parameters
    ----------
    folder
        Folder of the generation.
    blocks
        Blocks of the ranks that wrote it.
    own
        Block of this rank now.

    Returns
    -------
    arrays
        Distributed arrays with the columns of the own block, and all others as the first rank stored them.

    Raises
    ------
    ValueError
        If an array does not have the size of its block, or if ranks stored different iterations.
    Exception
        Any error of a file that is missing or damaged.
    """
    inside = names_in(folder / file_of(0))
    distributed = {name for names in _DISTRIBUTED for name in names}
    arrays = read_file(folder / file_of(0), [name for name in inside if name not in distributed])
    for axis, names in enumerate(_DISTRIBUTED):
        present = [name for name in names if name in inside]
        parts: dict[str, list[Array]] = {name: [] for name in present}
        for rank, columns in _overlaps(blocks, own, axis):
            stored = read_file(folder / file_of(rank), ["trace", *present])
            if stored["trace"][-1, 0] != arrays["trace"][-1, 0]:
                raise ValueError(f"the files of ranks 0 and {rank} are of different iterations")
            for name in present:
                if stored[name].ndim != 2 or stored[name].shape[1] != blocks[rank].shape[axis]:
                    raise ValueError(f"{name} of rank {rank} does not have the size of its block")
                parts[name].append(stored[name][:, columns])
        arrays |= {name: np.concatenate(parts[name], axis=1) for name in present}
    return arrays


def file_of(rank: int) -> str:
    """Return the name of the file of one rank in the folder of a generation."""
    return f"rank-{rank:04d}.npz"


def names_in(path: Path) -> list[str]:
    """Return the names of the arrays in the file of one rank."""
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        return list(archive.files)


def read_file(path: Path, names: Sequence[str] | None = None) -> dict[str, Array]:
    """Read arrays of the file of one rank, all of them or those with the given names."""
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        return {name: archive[name] for name in (archive.files if names is None else names)}


def _overlaps(blocks: list[StoredBlock], own: StoredBlock, axis: int) -> Iterator[tuple[int, slice]]:
    """Yield the ranks whose blocks overlap with the own one, in the order of the axis, and the columns of their files.

    A rank without pixels or channels gets an empty part of the first file, for the number of components.
    """
    start, stop = _range(own, axis)
    if start >= stop:
        yield 0, slice(0, 0)
        return
    for rank in sorted(range(len(blocks)), key=lambda rank: _range(blocks[rank], axis)):
        first, end = _range(blocks[rank], axis)
        if max(start, first) < min(stop, end):
            yield rank, slice(max(start, first) - first, min(stop, end) - first)


def _range(block: StoredBlock, axis: int) -> tuple[int, int]:
    return (block.pixels, block.channels)[axis]


def _without_gap(ranges: list[tuple[int, int]]) -> bool:
    """Whether ranges cover all numbers from 0 to the largest limit exactly once."""
    if any(start > stop for start, stop in ranges):
        return False
    filled = sorted((start, stop) for start, stop in ranges if start < stop)
    return bool(filled) and filled[0][0] == 0 and all(one[1] == other[0] for one, other in itertools.pairwise(filled))
