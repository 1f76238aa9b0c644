"""Arrays in a file (signals): what a reader tells of each one without loading it, and their numbered table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Signal:
    """An array in a file.

    Attributes
    ----------
    name
        Name that ``dataset=`` of :func:`mffnb.read` accepts beside the number of the signal.
    shape
        Lengths of the dimensions in the order of the file; None for a length that is known only after reading.
    dims
        Names of the dimensions; empty if the file has none.
    units
        Unit of the values; empty if the file has none.
    dtype
        Type of the values; empty if it is not known.
    title
        Second name that ``dataset=`` accepts, such as a label of the instrument; empty if there is none.

    Examples
    --------
    >>> print(Signal("EDX", (16, 16, 2048), ("y", "x", "Energy"), "Counts", "uint8"))
    'EDX' 16 x 16 x 2048 uint8 Counts (y, x, Energy)
    """

    name: str
    shape: tuple[int | None, ...]
    dims: tuple[str, ...] = ()
    units: str = ""
    dtype: str = ""
    title: str = ""

    def __str__(self) -> str:
        """Return the signal as one line of text."""
        return " ".join(part for part in self._cells() if part)

    def _cells(self) -> tuple[str, str, str]:
        """Return the cells of a row of the table: names, shape, and the rest."""
        shape = " x ".join("?" if length is None else str(length) for length in self.shape) or "scalar"
        dims = f"({', '.join(self.dims)})" if self.dims else ""
        rest = " ".join(part for part in (self.dtype, self.units, dims) if part)
        title = "" if self.title == f"{self.name} ({self.units})" else self.title
        return f"{self.name!r} {title}".rstrip(), shape, rest


def signal_table(signals: Sequence[Signal], numbers: Sequence[int] | None = None, most: int = 20) -> str:
    """Return the numbered table of signals: number, name and title, shape, type, unit and dimensions.

    Parameters
    ----------
    signals
        All signals of a file.
    numbers
        Numbers of the signals in the table; by default all.
    most
        Number of rows after which the others are only counted.

    Examples
    --------
    >>> print(signal_table([Signal("photo", (9, 9)), Signal("stack", (9, 9, 50))]))
      0  'photo'  9 x 9
      1  'stack'  9 x 9 x 50
    """
    used = list(range(len(signals)) if numbers is None else numbers)
    shown = used[:most]
    cells = [(str(number), *signals[number]._cells()) for number in shown]
    widths = [max((len(row[column]) for row in cells), default=0) for column in range(3)]
    rows = [
        f"  {number:>{widths[0]}}  {name:<{widths[1]}}  {shape:<{widths[2]}}  {rest}".rstrip()
        for number, name, shape, rest in cells
    ]
    if len(used) > len(shown):
        rows.append(f"  and {len(used) - len(shown)} more, up to number {used[-1]}")
    return "\n".join(rows)


def held(signals: Sequence[Signal], numbers: Sequence[int] | None = None) -> str:
    """Return the end of a message: the table of signals, its rows separated by semicolons; or that there are none."""
    table = signal_table(signals, numbers)
    return "it holds\n" + table.replace("\n", ";\n") if table else "it holds nothing"


def of_array(name: str, array: Any, dims: Sequence[Any] = (), units: Any = "", title: str = "") -> Signal:
    """Return the signal of an array-like object, of which shape and dtype are read."""
    known, fields = units if isinstance(units, str) else "", np.dtype(array.dtype).names
    kind = f"records of {', '.join(fields)}" if fields else str(array.dtype)
    return Signal(name, tuple(map(int, array.shape)), tuple(map(str, dims)), known, kind, title)
