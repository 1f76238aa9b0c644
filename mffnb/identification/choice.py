"""Choice of the table of peaks that fits a channel axis, by its name and unit."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from mffnb.identification.ions import ion_masses
from mffnb.identification.peak_table import PeakTable, read_peak_table
from mffnb.identification.xray import xray_lines

__all__ = ["choose_table"]

_FOLDER = Path(__file__).parent / "tables"
_MASS_UNITS = {"u", "da", "amu", "m/z", "th"}
_WAVENUMBER_UNITS = {"1/cm", "cm-1", "cm^-1", "cm**-1", "cm⁻¹", "$cm^{-1}$", "cm^{-1}"}
_RAMAN_ACCURACY = 5.0  # shift of a band by strain and composition in 1/cm
_EDGE_ACCURACY = 3.0  # chemical shift of an edge and error of the calibration in eV
_EDGE_DELAY = 10.0  # usual distance of the maximum from the onset in eV


def choose_table(table: str | os.PathLike[str] | PeakTable | None, name: str, units: str) -> PeakTable:
    """Return a table of peaks: the given one, or the one that fits the name and the unit of the channel axis.

    Parameters
    ----------
    table
        ``"ions"``, ``"raman"``, ``"eels"``, ``"xray"``, the path of a CSV file, a table, or None to choose.
    name, units
        Name (with long name) and unit of the channel.

    Raises
    ------
    ValueError
        If no table fits, or several do.

    Examples
    --------
    >>> choose_table(None, "mz mass-to-charge ratio", "u").name
    'ions'
    >>> choose_table(None, "Raman shift", "1/cm").name
    'Raman bands'
    """
    if isinstance(table, PeakTable):
        return table
    known = table if isinstance(table, str) and table in ("ions", "raman", "eels", "xray") else None
    if table is not None and known is None:
        if Path(table).suffix.lower() != ".csv":
            raise ValueError(
                f"table={str(table)!r} is not known: use 'ions', 'raman', 'eels', 'xray', or the path of a CSV file"
            )
        return read_peak_table(table)
    kind = known or _kind(name.lower(), units.strip())
    if kind == "ions":
        return ion_masses()
    if kind == "raman":
        return replace(read_peak_table(_FOLDER / "raman_bands.csv", _RAMAN_ACCURACY), name="Raman bands")
    if kind == "eels":
        edges = read_peak_table(_FOLDER / "eels_edges.csv", _EDGE_ACCURACY)
        return _in_units(replace(edges, name="EELS edges", delay=_EDGE_DELAY), units)
    return xray_lines(1000.0 if units.strip().lower() == "ev" else 1.0)


def _in_units(edges: PeakTable, units: str) -> PeakTable:
    """Return edges, which are in eV, in the unit of the channel."""
    if units.strip().lower() != "kev":
        return edges
    positions = [0.001 * float(position) for position in edges.positions]
    return replace(edges, positions=positions, accuracy=0.001 * edges.accuracy, delay=0.001 * edges.delay)


def _kind(name: str, units: str) -> str:
    """Return the kind of spectrum that has such an axis."""
    unit = units.lower()
    shown = f"the channel {name!r} in {units!r}" if units else f"the channel {name!r} without a unit"
    if unit in _MASS_UNITS or "m/z" in name or "mass-to-charge" in name:
        return "ions"
    if unit in _WAVENUMBER_UNITS:
        if "raman" in name or "shift" in name:
            return "raman"
        raise ValueError(f"{shown} may be Raman or infrared: pass table='raman', or a CSV file of your own")
    if "loss" in name or "eels" in name:
        return "eels"
    if unit == "kev" or any(word in name for word in ("x-ray", "xray", "edx", "eds")):
        return "xray"
    if unit == "ev":
        raise ValueError(f"{shown} may be an energy loss or an X-ray energy: pass table='eels' or table='xray'")
    raise ValueError(
        f"no table fits {shown}: pass table= the path of a CSV file with the columns position, assignment, note"
    )
