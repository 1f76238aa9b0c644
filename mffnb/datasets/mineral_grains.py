"""Measured STEM-EDX map of mineral grains: few counts, listed elements, no truth."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import xarray as xr

from mffnb.datasets.fetch import fetch
from mffnb.datasets.sample import Sample
from mffnb.errors import DatasetUnavailableError
from mffnb.io.read import read

__all__ = ["mineral_edx"]

FILE = "88_ES-LP_G8_selection2_cropped2.hspy"
ELEMENTS = ("Al", "Ca", "Fe", "Hf", "Lu", "Mg", "Nd", "O", "Si", "Sm", "U")
"""Elements that the authors list in the metadata of the file."""


def mineral_edx() -> Sample:
    """X-ray spectrum image of mineral grains: 80 x 80 pixels, 1917 energies, about 112 counts a pixel.

    Measured in a scanning transmission electron microscope at 200 kV with a silicon drift detector (130 eV wide at Mn
    K alpha) on 29 July 2020; a cut from a larger map. The authors list the elements Al, Ca, Fe, Hf, Lu, Mg, Nd, O, Si,
    Sm and U. O K alpha, at 0.525 keV, lies below the first channel; copper and gallium, which are not listed, show
    their lines. 97 % of the entries are zero. The file is downloaded once (0.7 MB) and cached, in the folder
    ``MFFNB_DATA`` if that environment variable is set.

    Returns
    -------
    Sample
        ``cube`` has dimensions ``("y", "x", "energy")``, shape (80, 80, 1917), counts as ``uint8``; ``y`` and ``x`` in
        nanometre, 9.86 a pixel; ``energy`` in keV from 0.83 to 20.0. ``endmembers`` and ``abundances`` are None.

    Raises
    ------
    DatasetUnavailableError
        If the file is neither cached nor downloadable, or RosettaSciIO (``pip install "mffnb[io]"``) is missing.

    Notes
    -----
    Source: folder generated_datasets of the package espm, licensed MIT, https://github.com/adriente/espm; the method of
    the package: A. Teurtrie et al., Mach. Learn.: Sci. Technol. 5, 045050 (2024).

    Examples
    --------
    >>> import mffnb.datasets
    >>> sample = mffnb.datasets.mineral_edx()  # doctest: +SKIP
    >>> dict(sample.cube.sizes)  # doctest: +SKIP
    {'y': 80, 'x': 80, 'energy': 1917}
    """
    return Sample(
        name="mineral_edx",
        cube=_read_file().copy(),
        citation=(
            "A. Teurtrie et al., espm, https://github.com/adriente/espm: STEM-EDX of mineral grains, "
            "file 88_ES-LP_G8_selection2_cropped2"
        ),
        licence="MIT",
    )


@lru_cache(maxsize=1)
def _read_file() -> xr.DataArray:
    """Read the file once per process; the cube is shared, so the caller must copy it."""
    path = fetch(FILE)
    try:
        stored = read(path)
    except ValueError as error:  # its message names the missing extra
        raise DatasetUnavailableError(str(error)) from error
    pixels = {
        name: (name, 1000 * stored[axis].values, {"units": "nm", "long_name": name})  # µm in the file
        for name, axis in (("y", "height"), ("x", "width"))
    }
    energy = ("energy", stored["Energy"].values, {"units": "keV", "long_name": "X-ray energy"})
    return xr.DataArray(
        np.ascontiguousarray(stored.values),
        dims=("y", "x", "energy"),
        coords={**pixels, "energy": energy},
        name="intensity",
        attrs={"units": "counts", "long_name": "X-rays"},
    )
