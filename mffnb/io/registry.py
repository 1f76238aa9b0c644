"""Registry of file formats: list of all readers, and choice of the reader for a given file."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from mffnb.io import readers as own
from mffnb.io.reader import Reader
from mffnb.io.short_text import short_text
from mffnb.registry.plugins import READERS, loaded


@cache
def readers() -> tuple[Reader, ...]:
    """Return all readers: those of plug-ins first, so that they can take files of a general format such as HDF5.

    Examples
    --------
    >>> sorted(suffix for reader in readers() for suffix in reader.suffixes if reader.name.startswith("NumPy"))
    ['.npy', '.npz']
    """
    return (*loaded(READERS, _checked).values(), *(one for one in vars(own).values() if isinstance(one, Reader)))


def choose_reader(path: Path) -> Reader:
    """Select the reader of a file by its suffix and, where several readers have this suffix, by the content.

    A file that does not exist is assigned by its suffix alone.

    Raises
    ------
    ValueError
        If no reader of the suffix recognises the content, or the file is too damaged to tell.

    Examples
    --------
    >>> choose_reader(Path("map.NPY")).name
    'NumPy array'
    """
    suffix = path.suffix.lower()
    fitting = [one for one in readers() if suffix in one.suffixes] or [one for one in readers() if not one.suffixes]
    chosen = next((one for one in fitting if _recognises(one, path)), None)
    if chosen is None and path.exists():
        names = " or ".join(one.name for one in fitting)
        raise ValueError(
            f"{path.name} is no file of the format {names}, as {suffix} says: its first bytes differ, so give it the "
            "suffix of its own format, or save it again"
        )
    return chosen or fitting[-1]


def _recognises(reader: Reader, path: Path) -> bool:
    """Return whether the content of a file has the format of a reader."""
    try:
        return reader.sniff(path)
    except OSError:
        raise
    except Exception as error:  # libraries raise exceptions of all types on a damaged file
        raise ValueError(f"{path.name} is damaged ({short_text(error)}): copy it again") from error


def _checked(_name: str, value: Any) -> Reader:
    if not isinstance(value, Reader):
        raise TypeError(f"{value!r} is no mffnb.io.reader.Reader")
    return value
