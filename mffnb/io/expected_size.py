"""Size that a file states of itself, to report how much of a truncated file is missing."""

from __future__ import annotations

import struct
from pathlib import Path

from mffnb.errors import FileWarning, warn

_WDF_SIGNATURE = b"WDF1"
_WDF_BLOCK = 16  # bytes of the head of a block: name, number, and size with the head
_SFS_SIGNATURE = b"AAMVHFSS"
_SFS_HEADER = 0x118


def warn_if_short(path: Path) -> None:
    """Warn of a Bruker file (SFS container) or a Renishaw file (WDF) that is shorter than it states.

    Raises
    ------
    ValueError
        If a Renishaw file is damaged, so that its blocks could be read for ever.
    """
    if not path.is_file():
        return
    with path.open("rb") as file:
        head = file.read(0x14C)
    if head.startswith(_WDF_SIGNATURE):
        _warn(path, _end_of_blocks(path))
    elif head.startswith(_SFS_SIGNATURE) and len(head) == 0x14C:
        chunk, count = struct.unpack_from("<I", head, 0x128)[0], struct.unpack_from("<I", head, 0x148)[0]
        _warn(path, _SFS_HEADER + chunk * count)


def _end_of_blocks(path: Path) -> int:
    """Return the end of the last block of a Renishaw file, by the sizes that the blocks state."""
    position, size = 0, path.stat().st_size
    with path.open("rb") as file:
        while position + _WDF_BLOCK <= size:
            file.seek(position)
            length = struct.unpack("<4sIQ", file.read(_WDF_BLOCK))[2]
            if length < _WDF_BLOCK:
                raise ValueError(
                    f"{path.name} is damaged, a block at byte {position} has the size {length}: copy it again"
                )
            position += length
    return position


def _warn(path: Path, expected: int) -> None:
    """Warn of a file that is shorter than expected."""
    found = path.stat().st_size
    if found < expected:
        warn(
            f"{path.name} is truncated: {expected - found} of {expected} bytes "
            f"({100 * (expected - found) / expected:.0f} %) are missing, so copy it again",
            FileWarning,
        )
