"""Description of a file format: its suffixes, a test of the content, and the function that reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mffnb.io.signal_table import Signal


def accept(_path: Path) -> bool:
    """Accept every file, for formats that the suffix alone identifies."""
    return True


def not_listed(_path: Path) -> tuple[Signal, ...]:
    """Return no signals, for readers of other distributions that do not list what is in a file."""
    return ()


def starts_with(signature: bytes) -> Callable[[Path], bool]:
    """Return a function that tests whether the first bytes of a file are ``signature``.

    Examples
    --------
    >>> starts_with(b"PK")(Path(__file__))
    False
    """

    def test(path: Path) -> bool:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(len(signature)) == signature

    return test


@dataclass(frozen=True)
class Reader:
    """A file format that :func:`mffnb.read` can read.

    Attributes
    ----------
    name
        Name of the format.
    suffixes
        Suffixes of its files, in lower case with the dot. A reader without suffixes is used for all suffixes that no
        other reader has.
    read
        Function that reads a file: ``read(path, dataset, lazy)`` with the arguments of :func:`mffnb.read`. Returns a
        DataArray, or anything else that :func:`mffnb.cubes.as_cube.as_cube` accepts, such as an array (..., channel).
    contents
        Function that lists the signals of a file without loading them, in the order of their numbers.
    sniff
        Function that tests whether the content of a file has this format. It decides between readers of the same
        suffix.
    datasets
        What the argument ``dataset`` selects in a file of this format; empty if a file holds one array.
    channels
        Whether the signals are channels of one measurement, so that ``channel=`` of :func:`mffnb.read` selects one.
    lazy
        Whether the reader supports data that stay on disk.
    extra
        Extra of this package to install, if the reader needs one: ``pip install "mffnb[extra]"``.
    package
        Name of the distribution of that extra which the reader imports; empty if it needs none.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Callable[[Path, str | None, bool | None], Any]
    contents: Callable[[Path], tuple[Signal, ...]] = not_listed
    sniff: Callable[[Path], bool] = accept
    datasets: str = ""
    channels: bool = False
    lazy: bool = False
    extra: str | None = None
    package: str = ""
