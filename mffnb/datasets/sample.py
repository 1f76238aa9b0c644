"""What every data set returns: a cube, and the truth where it is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import xarray as xr

__all__ = ["Sample"]


@dataclass(frozen=True)
class Sample:
    """A spectral image with its provenance and, if known, the pure spectra and maps it was made of.

    Parameters
    ----------
    name
        Short identifier, ``"tof_sims_2d"`` say.
    cube
        Spectral image with named dimensions, calibrated coordinates and units; the channel is the last
        dimension. An image without a channel where a preprocessing step makes the spectra of it.
    endmembers
        True pure spectra, dimensions ``("component", <channel>)`` with a text coordinate ``component``
        naming each of them, or None where nobody knows.
    abundances
        True maps, dimensions ``("component", <pixel dims>)``, or None.
    citation
        Where the data, or the physics behind a simulation, come from.
    licence
        Under which terms the data may be used.
    extra
        What was measured, or is known, beside the cube: a topography, a phase map.
    """

    name: str
    cube: xr.DataArray
    endmembers: xr.DataArray | None = None
    abundances: xr.DataArray | None = None
    citation: str = ""
    licence: str = ""
    extra: Mapping[str, xr.DataArray] = field(default_factory=dict)
