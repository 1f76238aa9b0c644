"""Fingerprints that are equal in all processes: text for settings, checksums for arrays."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import xarray as xr

from mffnb.typing import Array

_SLAB = 2**24  # number of array entries that are read at a time for the checksum


def stable_text(part: Any) -> str:
    """Return a text for a setting that is equal in every process: functions by name, arrays by checksum."""
    if isinstance(part, (xr.DataArray, np.ndarray)):
        return fingerprint(part)
    if hasattr(part, "__qualname__"):
        return str(part.__qualname__)
    if isinstance(part, (list, tuple)):
        return f"[{', '.join(map(stable_text, part))}]"
    return repr(part)


def fingerprint(data: Any) -> str:
    """Return shape, dtype and checksum of an array in memory, in a file or in a sparse format.

    Examples
    --------
    >>> import numpy as np
    >>> fingerprint(np.arange(6.0).reshape(2, 3))
    '(2, 3) float64 d5b41a6d58f48d18'
    """
    array = data.data if isinstance(data, xr.DataArray) else np.atleast_1d(data)
    digest = hashlib.blake2b(digest_size=8)
    rows = max(1, _SLAB // max(1, int(np.prod(array.shape[1:]))))
    for start in range(0, array.shape[0], rows):
        digest.update(_dense(array[start : start + rows]))
    return f"{tuple(array.shape)} {array.dtype} {digest.hexdigest()}"


def _dense(part: Any) -> bytes:
    """Return the content of a block as bytes in C order, for the checksum.

    Sparse and dense blocks with the same values have the same bytes.
    """
    values: Array = np.ascontiguousarray(part.todense() if hasattr(part, "todense") else part)
    return repr(values.tolist()).encode() if values.dtype.hasobject else values.tobytes()
