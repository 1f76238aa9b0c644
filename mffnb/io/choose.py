"""Choice of the signal of a file, and of whether it is loaded into memory or stays on disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

from mffnb.io.signal_table import Signal, held


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


def matching(signals: Sequence[Signal], requested: str) -> list[int]:
    """Return the numbers of the signals that are requested: by name, else by title, else by number.

    Examples
    --------
    >>> matching([Signal("photo", (9, 9)), Signal("stack", (9, 9, 50), title="EDX")], "EDX")
    [1]
    """
    spellings = (requested, requested.strip("/"))
    by_name = [n for n, one in enumerate(signals) if one.name in spellings]
    by_title = [n for n, one in enumerate(signals) if one.title and one.title in spellings]
    by_number = [int(requested)] if requested.isdecimal() and int(requested) < len(signals) else []
    return by_name or by_title or by_number


def choose_signal(
    path: Path,
    signals: Sequence[Signal],
    requested: str | None,
    candidates: Sequence[int],
    *,
    keyword: str = "dataset",
    problem: str = "",
) -> int:
    """Return the number of the signal to read: the requested one, or the only candidate.

    Parameters
    ----------
    path
        Path of the file, for the error message.
    signals
        All signals of the file.
    requested
        Name, title or number of a signal; None for no request.
    candidates
        Numbers of the signals that can be spectral images.
    keyword
        Keyword of :func:`mffnb.read` that chooses, for the message.
    problem
        Why the file does not decide by itself, for the message.

    Raises
    ------
    ValueError
        If the signal does not exist or several are possible; the message is the numbered table of the signals.

    Examples
    --------
    >>> choose_signal(Path("a.h5"), [Signal("first", (9, 9, 50)), Signal("second", (9, 9, 50))], "second", [0, 1])
    1
    """
    fitting = list(candidates) if requested is None else matching(signals, requested)
    if len(fitting) == 1:
        return fitting[0]
    if requested is not None:
        several = f"several have the name {requested!r}: give the number of one"
        problem = several if fitting else f"there is no {keyword} {requested!r}"
        raise ValueError(f"{path.name}: {problem}; {held(signals, fitting or None)}")
    if not fitting:
        raise ValueError(
            f"{path.name} has no array with two or more dimensions of numbers, as a spectral image needs: load the "
            f"array that you mean by yourself, and pass it in the shape (y, x, channel); {held(signals)}"
        )
    advice = f"say which one with {keyword}=, a number or a name"
    raise ValueError(f"{path.name}: {f'{problem}: ' if problem else ''}{advice}; {held(signals, fitting)}")


def choose_dataset(
    path: Path, signals: Sequence[Signal], requested: str | None, among: Sequence[int] | None = None
) -> int:
    """Return the number of the array to read: the requested one, or the only one that can be a spectral image.

    Parameters
    ----------
    path
        Path of the file, for the error message.
    signals
        All arrays of the file.
    requested
        Name or number of an array. None chooses the only array with two or more dimensions. Beside two-dimensional
        pictures and tables, it chooses the only one with three or more, if it is also the largest.
    among
        Numbers of the arrays that can be chosen without a request; by default all.

    Raises
    ------
    ValueError
        If the array does not exist or several are possible; the message is the numbered table of the arrays.

    Examples
    --------
    >>> held = [Signal("photo", (9, 9)), Signal("stack", (9, 9, 50)), Signal("energy", (50,))]
    >>> choose_dataset(Path("a.h5"), held, None)
    1
    """
    considered = range(len(signals)) if among is None else among
    fitting = [number for number in considered if len(signals[number].shape) >= 2]
    if requested is None and len(fitting) > 1:
        # A smaller array with three dimensions may be maps that belong to a table of spectra, so it is not chosen.
        deep = [number for number in fitting if len(signals[number].shape) >= 3]
        largest = max(fitting, key=lambda number: prod(length or 1 for length in signals[number].shape))
        fitting = deep if deep == [largest] else fitting
    return choose_signal(path, signals, requested, fitting)
