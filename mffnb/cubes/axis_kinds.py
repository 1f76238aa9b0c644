"""Decision which axes of a file are pixels and which are channels, if the reader does not state it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_SPATIAL = re.compile(
    r"(scan[ _]?|dim_?|pos(ition)?[ _]?|r_?)?[xyz]([ _](axis|position|dim))?|height|width|depth", re.I
)
_LENGTHS = {"m", "cm", "mm", "µm", "μm", "um", "micron", "nm", "pm", "å", "angstrom"}
_SPECTRAL_UNITS = {"ev", "kev", "1/cm", "cm-1", "cm^-1", "da", "m/z"}
_SPECTRAL_NAME = re.compile(r"channel|wave|lambda|energy|loss|shift|path|retard|radius|m/z|^q|^k", re.IGNORECASE)


def is_spatial(name: Any, units: Any = None) -> bool:
    """Return whether the name of an axis, or its unit if it has no telling name, states a position on the sample.

    Examples
    --------
    >>> is_spatial("x"), is_spatial("Rx"), is_spatial("Wavelength", "nm"), is_spatial(None, "µm"), is_spatial("Qx")
    (True, True, False, True, False)
    >>> is_spatial("channel", "nm")  # wavelengths
    False
    """
    text = name if isinstance(name, str) else ""
    if _SPATIAL.fullmatch(text):
        return True
    return isinstance(units, str) and units.lower() in _LENGTHS and not _SPECTRAL_NAME.search(text)


def is_spectral(name: Any, units: Any = None) -> bool:
    """Return whether the name of an axis, or its unit, states a channel of a spectrum.

    Examples
    --------
    >>> is_spectral("energy"), is_spectral(None, "eV"), is_spectral("frame")
    (True, True, False)
    """
    named = isinstance(name, str) and _SPECTRAL_NAME.search(name) is not None
    return named or (isinstance(units, str) and units.lower() in _SPECTRAL_UNITS)


def with_kinds(axes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return axis dictionaries with ``navigate`` set: as the reader states, else by the names and units of the axes.

    Axes of positions are pixels. If no name states a position, axes of spectra are channels and the others pixels.
    """
    stated = [bool(axis.get("navigate")) for axis in axes]
    spatial = [is_spatial(axis.get("name"), axis.get("units")) for axis in axes]
    others = [not is_spectral(axis.get("name"), axis.get("units")) for axis in axes]
    flags = next((found for found in (stated, spatial, others) if any(found) and not all(found)), spatial)
    return [dict(axis) | {"navigate": flag} for axis, flag in zip(axes, flags, strict=True)]
