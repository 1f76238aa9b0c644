"""Reader of R data files, through the optional rdata package."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from mffnb.io.expansion import can_expand, check_stream
from mffnb.io.nested_arrays import choose_array, listed_arrays
from mffnb.io.reader import Reader
from mffnb.io.signal_table import Signal

__all__ = ["RDATA"]

_PACKED: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
_COPIES = 3  # copies of the content that the parser makes


def read_r(path: Path, dataset: str | None, _lazy: bool | None) -> xr.DataArray:
    """Read an array of an R data file."""
    return choose_array(path, r_objects(path), dataset)


def r_contents(path: Path) -> tuple[Signal, ...]:
    """Return the arrays of an R data file, which has to be read for it."""
    return listed_arrays(r_objects(path))


def r_objects(path: Path) -> dict[str, Any]:
    """Return the objects of an R data file; S4 objects of known classes and data frames become dictionaries.

    Returns
    -------
    dict
        Values of the objects by name. An object of class ``MassImage`` or ``hyperSpec`` becomes a dictionary of its
        slots, a data frame a dictionary of its columns (which may be matrices).

    Raises
    ------
    ValueError
        If the ``rdata`` package is not installed.
    """
    try:
        import rdata  # noqa: PLC0415  an optional dependency
    except ImportError:
        raise ValueError(f'reading {path.name} needs the rdata package: pip install "mffnb[io]"') from None
    _check_packed(path)
    constructors = {
        **rdata.conversion.DEFAULT_CLASS_MAP,
        "MassImage": _slots,
        "MassSpectra": _slots,
        "hyperSpec": _slots,
        "data.frame": _columns,
    }
    return dict(rdata.conversion.convert(rdata.parser.parse_file(path), constructor_dict=constructors))


def _check_packed(path: Path) -> None:
    """Raise ValueError if the compressed content of a file expands beyond the limits."""
    with path.open("rb") as file:
        start = file.read(6)
    opener = next((opener for magic, opener in _PACKED.items() if start.startswith(magic)), None)
    if opener is not None and (opener is not gzip.open or can_expand(path.stat().st_size, _COPIES)):
        with opener(path, "rb") as unpacked:
            check_stream(path, unpacked, "save fewer objects, if you trust it", _COPIES)


def _slots(_value: Any, attributes: Mapping[str, Any]) -> dict[str, Any]:
    return dict(attributes)


def _columns(value: Any, _attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): column for name, column in value.items()} if isinstance(value, dict) else {}


RDATA = Reader(
    "R data",
    (".rda", ".rdata", ".rds"),
    read_r,
    r_contents,
    datasets="number or object/slot/column",
    extra="io",
    package="rdata",
)
