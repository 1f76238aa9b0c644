"""List of all file formats, with the packages that their readers need."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import pandas as pd

from mffnb.io.reader import Reader
from mffnb.io.registry import readers

__all__ = ["formats"]


def formats() -> pd.DataFrame:
    """List the file formats that :func:`mffnb.read` reads, and whether the packages for them are installed.

    Returns
    -------
    pandas.DataFrame
        One row for each format: ``format``, ``suffixes`` (separated by blanks; empty for a reader that takes files of
        all other suffixes), ``dataset`` (what ``dataset=`` selects), ``lazy`` (whether data can stay on disk),
        ``package`` (empty if none is needed), ``installed``, and ``install``, the command that installs it.

    Examples
    --------
    >>> table = formats()
    >>> table.loc[table["format"] == "NumPy array", "suffixes"].item()
    '.npy'
    """
    rows = [_row(one) for one in sorted(readers(), key=lambda one: (not one.suffixes, one.name.lower()))]
    return pd.DataFrame(rows, columns=["format", "suffixes", "dataset", "lazy", "package", "installed", "install"])


def _row(reader: Reader) -> tuple[str, str, str, bool, str, bool, str]:
    installed = not reader.package or _is_installed(reader.package)
    command = "" if installed else f'pip install "mffnb[{reader.extra}]"'
    return reader.name, " ".join(reader.suffixes), reader.datasets, reader.lazy, reader.package, installed, command


def _is_installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True
