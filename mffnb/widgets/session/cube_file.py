"""The file that holds a cube of an explorer, so that its code can read it."""

from __future__ import annotations

import os

import xarray as xr

from mffnb.io.read import read

__all__ = ["file_of"]

LARGEST = 2**26
"""Size in bytes of the largest cube that is read again for the comparison: it takes seconds at most."""


def file_of(cube: xr.DataArray) -> str | None:
    """Return the path of the file from which :func:`mffnb.read` gives exactly this cube; None if there is none.

    The attribute ``source`` names the file. A cube that was cropped, scaled or masked after reading still has the
    attribute, so the file is read again and compared: values, coordinates and attributes.

    Examples
    --------
    >>> import numpy as np, os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "map.npy")
    >>> np.save(path, np.ones((4, 5, 60)))
    >>> cube = read(path)
    >>> file_of(cube) == path, file_of(cube[1:])
    (True, None)
    """
    source = cube.attrs.get("source")
    if not isinstance(source, str) or not os.path.exists(source) or cube.nbytes > LARGEST:
        return None
    try:
        same = read(source).identical(cube)
    except Exception:  # a file that has changed may no longer be readable: then the code does not name it
        return None
    return os.path.abspath(source) if same else None
