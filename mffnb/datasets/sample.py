"""The return type of data sets: a cube, its true endmembers and abundances where known, and its source."""

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
        Short identifier, for example ``"tof_sims_2d"``.
    cube
        Spectral image with named dimensions, calibrated coordinates and units; the channel is the last
        dimension. An image without a channel where a preprocessing step makes the spectra of it.
    endmembers
        True pure spectra, dimensions ``("component", <channel>)`` with a text coordinate ``component``
        naming each of them, or None where they are unknown.
    abundances
        True maps, dimensions ``("component", <pixel dims>)``, or None.
    citation
        Source of the data, or of the physics of a simulation.
    licence
        Licence of the data.
    extra
        Further data beside the cube, for example a topography or a phase map.

    Examples
    --------
    >>> import mffnb as mf
    >>> sample = mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60))
    >>> sample.cube.dims, sample.endmembers.shape, sample.abundances.shape
    (('y', 'x', 'bias'), (3, 60), (3, 20, 24))
    """

    name: str
    cube: xr.DataArray
    endmembers: xr.DataArray | None = None
    abundances: xr.DataArray | None = None
    citation: str = ""
    licence: str = ""
    extra: Mapping[str, xr.DataArray] = field(default_factory=dict)
