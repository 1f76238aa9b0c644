"""Reader of R data files, through the optional rdata package."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from mffnb.io.nested_arrays import choose_array, listed_arrays
from mffnb.io.reader import Reader
from mffnb.io.signal_table import Signal

__all__ = ["RDATA"]


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
    constructors = {
        **rdata.conversion.DEFAULT_CLASS_MAP,
        "MassImage": _slots,
        "MassSpectra": _slots,
        "hyperSpec": _slots,
        "data.frame": _columns,
    }
    return dict(rdata.conversion.convert(rdata.parser.parse_file(path), constructor_dict=constructors))


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
