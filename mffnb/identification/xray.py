"""Energies of characteristic X-ray lines, from eXSpy."""

from __future__ import annotations

import math

from mffnb.identification.peak_table import PeakTable

__all__ = ["xray_lines"]

_ACCURACY = 0.02  # usual error of the energy calibration of a detector in keV


def xray_lines(scale: float = 1.0) -> PeakTable:
    """Return the energies of the characteristic X-ray lines of all elements, in keV, from the package eXSpy.

    Parameters
    ----------
    scale
        Factor of all energies: 1000 for eV.

    Raises
    ------
    ImportError
        If eXSpy is not installed.

    Examples
    --------
    >>> import mffnb as mf
    >>> lines = mf.identification.xray_lines()  # doctest: +SKIP
    >>> mf.identification.identify(spectra, 6.40, table=lines)  # doctest: +SKIP
    """
    try:
        from exspy import material  # noqa: PLC0415  optional, and imports HyperSpy
    except ImportError as error:
        raise ImportError(
            "X-ray lines come from the package exspy, which is not installed: pip install exspy, "
            "or pass table= a CSV file with the columns position, assignment, note"
        ) from error
    found = []
    for element, entry in material.elements.as_dictionary().items():
        lines = entry.get("Atomic_properties", {}).get("Xray_lines", {})
        found += [(line["energy (keV)"], f"{element} {name}", line["weight"]) for name, line in lines.items()]
    return PeakTable(
        "X-ray lines",
        [scale * energy for energy, _, _ in found],
        tuple(text for _, text, _ in found),
        tuple(f"relative intensity {weight:.3g}" for _, _, weight in found),
        scale * _ACCURACY,
        [-math.log10(weight) if weight > 0 else 3.0 for _, _, weight in found],
    )
