"""Choice of the dataset of a file, and of whether it is loaded into memory or stays on disk."""

from __future__ import annotations

import os
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any


def keep_on_disk(requested: bool | None, size: int) -> bool:
    """Return whether data stay on disk: as requested by the user; if None, if they would fill much of the memory."""
    return stays_on_disk(size) if requested is None else requested


def stays_on_disk(size: int, copies: int = 1) -> bool:
    """Return whether ``size`` float64 numbers would fill a quarter of the memory, or several copies half of it.

    Examples
    --------
    >>> stays_on_disk(1000), stays_on_disk(10**15), stays_on_disk(1000, copies=10**12)
    (False, True, True)
    """
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not all operating systems tell the size of the memory
        return False
    return 8 * size * max(2, copies) > memory / 2


def check_numbers(path: Path, name: str, dtype: Any) -> None:
    """Raise TypeError with advice unless the values of a dataset are real numbers."""
    kind = getattr(dtype, "kind", "O")
    if kind == "c":
        raise TypeError(
            f"{path.name}: {name!r} holds complex numbers: load the array by yourself, and pass its absolute value, "
            "abs(array), or array.real and array.imag joined along the channels"
        )
    if kind not in "biuf":
        raise TypeError(f"{path.name}: {name!r} holds {dtype} and no real numbers: choose another one with dataset=")


def choose_dataset(path: Path, shapes: Mapping[str, tuple[int, ...]], requested: str | None) -> str:
    """Return the name of the dataset to read: the requested one, or the only one that can be a spectral image.

    Parameters
    ----------
    path
        Path of the file, for the error message.
    shapes
        Names of the datasets with their shapes.
    requested
        Name of a dataset. None chooses the only dataset with two or more dimensions. Beside two-dimensional pictures
        and tables, it chooses the only one with three or more, if it is also the largest.

    Raises
    ------
    ValueError
        If the name does not exist or several datasets are possible; the message lists names and shapes.

    Examples
    --------
    >>> choose_dataset(Path("a.h5"), {"photo": (9, 9), "stack": (9, 9, 50), "energy": (50,)}, None)
    'stack'
    """
    if requested is not None:
        for name in (requested, requested.strip("/")):
            if name in shapes:
                return name
    fitting = [name for name, shape in shapes.items() if len(shape) >= 2]
    if requested is None and len(fitting) > 1:
        # A smaller dataset with three dimensions may be maps that belong to a table of spectra, so it is not chosen.
        deep = [name for name in fitting if len(shapes[name]) >= 3]
        largest = max(fitting, key=lambda name: prod(shapes[name]))
        fitting = deep if deep == [largest] else fitting
    if requested is None and len(fitting) == 1:
        return fitting[0]
    if not fitting:
        held = ", ".join(f"{name!r} {shape}" for name, shape in shapes.items()) or "nothing"
        raise ValueError(
            f"{path.name} has no array with two or more dimensions, as a spectral image needs; it holds {held}: "
            "pass the array that you mean, reshaped to (y, x, channel)"
        )
    names = ", ".join(f"{name!r} {shapes[name]}" for name in fitting)
    problem = "say which one with dataset=" if requested is None else f"there is no dataset {requested!r}"
    raise ValueError(f"{path.name}: {problem}; it holds {names}")
