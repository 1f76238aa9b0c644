"""Reader of Bruker OPUS spectra, whose suffix is a number, through the optional brukeropus package."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.data_array import coordinate, data_array
from mffnb.io.choose import choose_signal
from mffnb.io.reader import Reader, starts_with
from mffnb.io.signal_table import Signal, of_array

__all__ = ["OPUS"]

# Spectra by preference: results (absorbance, transmittance, reflectance, Kubelka-Munk, Raman) before single channels.
_PREFERRED = ("a", "t", "r", "km", "ra", "e", "logr", "atr", "pas", "sm")


def read_opus(path: Path, dataset: str | None, _lazy: bool | None) -> xr.DataArray:
    """Read the spectra of one kind in an OPUS file as a line (x, wavenumber): absorbance first, if it is there."""
    held = _spectra(path)
    listed = _listed(held)
    preferred = [n for key in _PREFERRED for n, one in enumerate(listed) if one.name == key]
    name = listed[choose_signal(path, listed, dataset, [*preferred, *range(len(listed))][:1])].name
    data = held[name]
    coords: dict[Any, xr.Variable] = {"wavenumber": coordinate("wavenumber", np.asarray(data.x), {"units": "1/cm"})}
    reason = "requested" if dataset else "the result that the instrument computed"
    attrs = {"long_name": data.label, "dataset": name, "choice": reason}
    return data_array(np.atleast_2d(np.asarray(data.y)), ("x", "wavenumber"), coords, attrs=attrs)


def opus_contents(path: Path) -> tuple[Signal, ...]:
    """Return the spectra of all kinds in the file, by their keys."""
    return _listed(_spectra(path))


def _listed(held: Mapping[str, Any]) -> tuple[Signal, ...]:
    return tuple(
        of_array(key, np.atleast_2d(data.y), ("x", "wavenumber"), title=data.label) for key, data in held.items()
    )


def _spectra(path: Path) -> dict[str, Any]:
    """Return the spectra of a file by their keys.

    Raises
    ------
    ValueError
        If the brukeropus package is missing, or the file is truncated or damaged.
    """
    try:
        import brukeropus  # noqa: PLC0415  an extra
    except ImportError:
        raise ValueError(f'reading {path.name} needs the brukeropus package: pip install "mffnb[io]"') from None
    try:
        file = brukeropus.read_opus(str(path))
        # The parser leaves out what it cannot read, so that a truncated file only lacks some of its spectra.
        missing = max((block.start + block.size for block in file.directory.blocks), default=0) - path.stat().st_size
        held = {str(key): vars(file)[key] for key in file.all_data_keys}
    except Exception as error:  # the parser raises exceptions of all types for a damaged file
        text = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{path.name} is truncated or damaged ({text}): copy it again") from error
    if missing > 0 or not held:
        raise ValueError(f"{path.name} is truncated, {max(missing, 0)} of its bytes are missing: copy it again")
    return held


OPUS = Reader(
    "Bruker OPUS spectrum (any suffix)",
    (),
    read_opus,
    opus_contents,
    sniff=starts_with(b"\x0a\x0a\xfe\xfe"),
    datasets="number, key or label",
    extra="io",
    package="brukeropus",
)
