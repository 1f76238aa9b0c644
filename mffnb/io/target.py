"""Check of the file name that a result is saved to."""

from __future__ import annotations

import os
from pathlib import Path

_SUFFIXES = ("", ".nc", ".nc4", ".netcdf", ".zarr")


def check_target(path: str | os.PathLike[str]) -> None:
    """Raise ValueError if the suffix of a file says another format than a result is written in.

    Examples
    --------
    >>> check_target("run.nc")
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _SUFFIXES:
        raise ValueError(
            f"a result is saved as .nc (NetCDF-4) or .zarr, and {Path(path).name!r} ends in {suffix!r}: name it so; "
            "for other formats, write result.abundances or result.endmembers with a package for that format"
        )
