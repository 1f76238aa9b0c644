"""Measured current-voltage map of conducting domain walls in bismuth ferrite (conductive AFM)."""

from __future__ import annotations

import numpy as np
import xarray as xr

from mffnb.datasets.fetch import fetch
from mffnb.datasets.sample import Sample
from mffnb.io.read import read

__all__ = ["bfo_iv"]

FILE = "bfo_iv_final.hf5"


def bfo_iv() -> Sample:
    """Current-voltage map of BiFeO3 by conductive atomic force microscopy: 50 x 50 pixels, 53 fields.

    The file, pyNSID, holds log J against the square root of the field, the axes in which Schottky and Poole-Frenkel
    emission are straight lines. Currents add where they flow side by side, their logarithms do not, so the cube is J
    itself; the logarithm is taken as the natural one, which makes some 10 kA/m2 of the median. In 47 of 132 500
    entries, all in four pixels, the file has 0 where no current was found: NaN here. The file is downloaded once (1 MB)
    and cached, in the folder ``MFFNB_DATA`` if that environment variable is set.

    Returns
    -------
    Sample
        ``cube`` has dimensions ``("y", "x", "root_field")``, shape (50, 50, 53), current density in A/m2 as
        ``float64``; ``root_field`` from 8592 to 11180 (V/m)^1/2. ``y`` and ``x`` count pixels: the 5 nm that the
        file gives for the whole width are less than the tip. ``endmembers`` and ``abundances`` are None.

    Raises
    ------
    DatasetUnavailableError
        If the file is neither cached nor downloadable.

    Notes
    -----
    Source: sample data of the Python package pycroscopy, licensed MIT, https://github.com/pycroscopy/pycroscopy.

    Examples
    --------
    >>> import mffnb.datasets
    >>> sample = mffnb.datasets.bfo_iv()  # doctest: +SKIP
    >>> dict(sample.cube.sizes)  # doctest: +SKIP
    {'y': 50, 'x': 50, 'root_field': 53}
    """
    stored = read(fetch(FILE)).transpose("y", "x", ...)
    density = np.exp(stored.values)
    density[stored.values == 0] = np.nan
    root_field = stored[stored.dims[-1]].values
    cube = xr.DataArray(
        density,
        dims=("y", "x", "root_field"),
        coords={
            "y": ("y", np.arange(stored.sizes["y"]), {"units": "pixel"}),
            "x": ("x", np.arange(stored.sizes["x"]), {"units": "pixel"}),
            "root_field": (
                "root_field",
                root_field,
                {"units": "(V/m)$^{1/2}$", "long_name": "root of the field"},
            ),
        },
        name="current_density",
        attrs={"units": "A/m$^2$", "long_name": "current density"},
    )
    return Sample(
        name="bfo_iv",
        cube=cube,
        citation="Current-voltage map of BiFeO3 in the sample data of pycroscopy, https://github.com/pycroscopy/pycroscopy",
        licence="MIT",
    )
