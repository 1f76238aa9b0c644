"""Size that a file states of itself, to report how much of a truncated file is missing."""

from __future__ import annotations

import struct
from pathlib import Path

from mffnb.errors import FileWarning, warn

_SFS_SIGNATURE = b"AAMVHFSS"
_SFS_HEADER = 0x118


def warn_if_short(path: Path) -> None:
    """Warn of a Bruker file (SFS container) that is shorter than the number of chunks in its header."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        head = file.read(0x14C)
    if len(head) < 0x14C or not head.startswith(_SFS_SIGNATURE):
        return
    chunk, count = struct.unpack_from("<I", head, 0x128)[0], struct.unpack_from("<I", head, 0x148)[0]
    expected, found = _SFS_HEADER + chunk * count, path.stat().st_size
    if found < expected:
        warn(
            f"{path.name} is truncated: {expected - found} of {expected} bytes "
            f"({100 * (expected - found) / expected:.0f} %) are missing, so copy it again",
            FileWarning,
        )
