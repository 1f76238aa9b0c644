"""Reader of Thermo OMNIC spectra (``.spa``) and groups of spectra (``.spg``) through spectrochempy-omnic."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.data_array import coordinate, data_array
from mffnb.io.choose import choose_signal
from mffnb.io.reader import Reader, starts_with
from mffnb.io.reader_log import collected_log
from mffnb.io.signal_table import Signal

__all__ = ["OMNIC"]

_FIRST_KEY, _KEY_LENGTH = 304, 16  # bytes of the table of keys, which says where the parts of the file are
_HEADER = 2  # key of the header of a spectrum
_AXES = {"wavenumbers": "wavenumber", "wavelengths": "wavelength", "raman shift": "raman_shift"}
_UNITS = {"cm^-1": "1/cm", "um": "µm", "percent": "%", "absorbance": ""}


def read_omnic(path: Path, dataset: str | None, _lazy: bool | None) -> xr.DataArray:
    """Read the spectra of an OMNIC file as a line (x, channel); ``dataset`` selects one by its number or title."""
    held = _parsed(path)
    values, times = np.asarray(held.data), np.asarray(held.y, np.float64)
    if dataset is not None:
        number = choose_signal(path, _listed(held), dataset, range(len(values)))
        values, times = values[number : number + 1], times[number : number + 1]
    name = _AXES.get(held.x_title, "channel")
    units = _unit(held.x_units)
    coords: dict[Any, xr.Variable] = {name: coordinate(name, np.asarray(held.x), {"units": units} if units else {})}
    attrs = {"long_name": held.title.capitalize(), "title": held.name or path.stem}
    attrs |= {"units": _unit(held.units)} if _unit(held.units) else {}
    cube = data_array(values, ("x", name), coords, attrs=attrs)
    if len({*times}) == 1:
        return cube
    return cube.assign_coords(
        time=("x", times - times[0], {"units": "s", "long_name": "time after the first spectrum"})
    )


def omnic_contents(path: Path) -> tuple[Signal, ...]:
    """Return the spectra of the file, which are read together."""
    return _listed(_parsed(path))


def _listed(held: Any) -> tuple[Signal, ...]:
    name, units = _AXES.get(held.x_title, "channel"), _unit(held.units)
    return tuple(
        Signal(" ".join(title.split()), (held.data.shape[1],), (name,), units, str(held.data.dtype))
        for title in held.y_labels[1]
    )


def _unit(text: str | None) -> str:
    return _UNITS.get(text or "", text or "")


def _parsed(path: Path) -> Any:
    """Return the object of the package that holds the spectra.

    Raises
    ------
    ValueError
        If the package is missing, or the file is truncated or damaged.
    """
    try:
        from spectrochempy_omnic import OMNICReader  # noqa: PLC0415  an extra
    except ImportError:
        raise ValueError(
            f'reading {path.name} needs the spectrochempy-omnic package: pip install "mffnb[io]"'
        ) from None
    _check_lengths(path)
    try:
        with collected_log("spectrochempy-omnic"):
            held = OMNICReader(path)
        sizes = len(held.x), held.data.shape[1]
    except Exception as error:  # the parser raises exceptions of all types for a damaged file
        text = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{path.name} is truncated or damaged ({text}): copy it again") from error
    if sizes[0] != sizes[1]:
        raise ValueError(f"{path.name} states {sizes[0]} points and holds {sizes[1]}: it is damaged, copy it again")
    return held


def _check_lengths(path: Path) -> None:
    """Refuse a file whose headers state more points than it holds, for which the package would fill the memory."""
    content = path.read_bytes()
    for place in range(_FIRST_KEY, len(content) - _KEY_LENGTH, _KEY_LENGTH):
        key = content[place]
        if key in (0, 1):
            return
        (begin,) = struct.unpack_from("<I", content, place + 2)
        if key == _HEADER and begin + 8 <= len(content):
            (points,) = struct.unpack_from("<I", content, begin + 4)
            if not 0 < 4 * points <= len(content):
                raise ValueError(
                    f"{path.name} states {points} points, more than it holds: it is damaged, copy it again"
                )


OMNIC = Reader(
    "Thermo OMNIC spectrum or group",
    (".spa", ".spg"),
    read_omnic,
    omnic_contents,
    sniff=starts_with(b"Spectral Data File"),
    datasets="number or title",
    extra="io",
    package="spectrochempy-omnic",
)
