"""Choose a data set of a file, and whether it stays on disk."""

from __future__ import annotations

import os
from pathlib import Path


def _lazy(wanted: bool | None, size: int) -> bool:
    """Whether to leave data on disk: as asked, or where there is little room for them."""
    return stays_on_disk(size) if wanted is None else wanted


def stays_on_disk(size: int, copies: int = 1) -> bool:
    """Whether so many numbers as float64 would fill a quarter of the memory; many copies at once, half of it.

    Examples
    --------
    >>> stays_on_disk(1000), stays_on_disk(10**15), stays_on_disk(1000, copies=10**12)
    (False, True, True)
    """
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not on every system
        return False
    return 8 * size * max(2, copies) > memory / 2


def _choose(path: Path, dimensions: dict[str, int], wanted: str | None) -> str:
    """The name asked for, or the only one that can be a spectral image."""
    if wanted is not None:
        for name in (wanted, wanted.strip("/")):
            if name in dimensions:
                return name
    fitting = [name for name, ndim in dimensions.items() if ndim >= 2]
    if wanted is None and len(fitting) > 1:
        # A stack beside pictures and tables: the only one with three or more dimensions is meant.
        deep = [name for name in fitting if dimensions[name] >= 3]
        fitting = deep if len(deep) == 1 else fitting
    if wanted is None and len(fitting) == 1:
        return fitting[0]
    names = ", ".join(repr(name) for name in fitting) or "none with two or more dimensions"
    problem = "say which one with dataset=" if wanted is None else f"there is no dataset {wanted!r}"
    raise ValueError(f"{path.name}: {problem}; it holds {names}")
