"""Description of the content of a file: its signals, and what :func:`mffnb.read` chooses and why."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from mffnb.cubes.layout import channel_names
from mffnb.io.files import check_file
from mffnb.io.foreign import parsing
from mffnb.io.read import read
from mffnb.io.reader import Reader
from mffnb.io.registry import choose_reader, readers
from mffnb.io.signal_table import Signal, signal_table

__all__ = ["FileInfo", "contents", "info"]

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


@dataclass(frozen=True)
class FileInfo:
    """What is in a file, as text.

    Attributes
    ----------
    path
        The file.
    size
        Its size in bytes.
    reader
        Name of the reader.
    why
        Why this reader was selected.
    signals
        The arrays in the file; empty if they cannot be listed.
    chosen
        What :func:`mffnb.read` reads: shape, axes, type and size; or the sentence that refuses to choose.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> import mffnb as mf
    >>> path = os.path.join(tempfile.mkdtemp(), "map.npy")
    >>> np.save(path, np.ones((4, 5, 60)))
    >>> found = mf.io.info(path)
    >>> found.reader, found.signals[0].shape, found.size
    ('NumPy array', (4, 5, 60), 9728)
    """

    path: Path
    size: int
    reader: str
    why: str
    signals: tuple[Signal, ...]
    chosen: tuple[str, ...]

    def __str__(self) -> str:
        """Return the description, one line for each part."""
        lines = [f"{self.path.name}, {_bytes(self.size)}", f"  reader   {self.reader} ({self.why})"]
        lines += ["  signals  " + signal_table(self.signals)[2:].replace("\n", "\n" + 9 * " ")] if self.signals else []
        return "\n".join([*lines, *(f"  {line}" for line in self.chosen)])


def info(path: str | os.PathLike[str]) -> FileInfo:
    """Describe a file: its signals, and shape, axes, type and size of what :func:`mffnb.read` chooses, and why.

    Data that can stay on disk are not read.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it is a folder or no file of its format.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "map.npy")
    >>> np.save(path, np.ones((4, 5, 60)))
    >>> print(info(path))
    map.npy, 9.7 kB
      reader   NumPy array (the only reader of .npy)
      signals  0  'map'  4 x 5 x 60  float64
      reads    4 x 5 x 60 float64, 9.6 kB in memory
      axes     y 4, x 5 | channel 60
    """
    path = Path(path)
    check_file(path)
    reader = choose_reader(path)
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    size = sum(one.stat().st_size for one in files)
    try:
        chosen = _described(read(path, lazy=True if reader.lazy else None))
    except (ValueError, TypeError) as error:
        chosen = (f"refuses  {' '.join(str(error).split())}",)
    try:
        signals = contents(path)
    except (ValueError, TypeError):  # the sentence that refuses the file says why
        signals = ()
    return FileInfo(path, size, reader.name, _reason(path, reader), signals, chosen)


def contents(path: str | os.PathLike[str]) -> tuple[Signal, ...]:
    """List the signals (arrays) in a file without loading them, in the order of their numbers.

    Returns
    -------
    tuple of Signal
        ``name``, ``shape``, ``dims``, ``units`` (of the values), ``dtype`` and ``title`` of each; ``dataset=`` of
        :func:`mffnb.read` accepts its number, name or title. Empty if the reader of the file does not list them.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it is a folder or no file of its format.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "maps.npz")
    >>> np.savez(path, photo=np.ones((4, 5)), stack=np.ones((4, 5, 60)))
    >>> for signal in contents(path):
    ...     print(signal)
    'photo' 4 x 5 float64
    'stack' 4 x 5 x 60 float64
    """
    path = Path(path)
    check_file(path)
    reader = choose_reader(path)
    with parsing(path, reader):
        return reader.contents(path)


def _reason(path: Path, reader: Reader) -> str:
    """Return why a reader was selected for a file."""
    suffix = path.suffix.lower()
    others = [one.name for one in readers() if suffix in one.suffixes and one is not reader]
    if not reader.suffixes:
        return f"no other reader has the suffix {suffix}" if suffix else "the file has no suffix"
    if not others:
        return f"the only reader of {suffix}"
    return f"by the content; other readers of {suffix}: {'; '.join(others)}"


def _described(cube: xr.DataArray) -> tuple[str, ...]:
    """Return shape, type, size and axes of a cube, and what its reader chose."""
    shape = " x ".join(map(str, cube.shape))
    units = f" {cube.attrs['units']}" if isinstance(cube.attrs.get("units"), str) else ""
    lines = [f"reads    {shape} {cube.dtype}{units}, {_bytes(cube.size * cube.dtype.itemsize)} in memory"]
    channels = channel_names(cube, None)
    pixels = [name for name in cube.dims if name not in channels]
    parts = (", ".join(_axis(cube, str(name)) for name in names) for names in (pixels, channels))
    lines.append("axes     " + " | ".join(parts))
    choice = [f"{cube.attrs[key]}" for key in ("dataset", "choice", "mz_axis") if cube.attrs.get(key)]
    return (*lines, f"because  {', '.join(choice)}") if choice else tuple(lines)


def _axis(cube: xr.DataArray, name: str) -> str:
    """Return name, length, range and unit of a dimension."""
    if name not in cube.coords or cube[name].dtype.kind not in "iuf":
        return f"{name} {cube.sizes[name]}"
    ends = np.asarray(cube[name])[[0, -1]]
    unit = cube[name].attrs.get("units")
    return f"{name} {cube.sizes[name]} ({ends[0]:.6g} to {ends[1]:.6g}{f' {unit}' if unit else ''})"


def _bytes(size: float) -> str:
    """Return a number of bytes with a unit.

    Examples
    --------
    >>> _bytes(12), _bytes(2_500_000)
    ('12 bytes', '2.5 MB')
    """
    step = min(len(_UNITS) - 1, max(0, (len(str(int(size))) - 1) // 3))
    return f"{size / 1000**step:.3g} {_UNITS[step]}" if step == 0 else f"{size / 1000**step:.1f} {_UNITS[step]}"
