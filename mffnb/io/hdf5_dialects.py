"""Recognition of HDF5 dialects by the content of the file: those that RosettaSciIO reads, and NeXus."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mffnb.io.files import is_hdf5

_DELMIC = ("SVIData", "PhysicalData", "ImageData/Image")
NEXUS = "NeXus"
"""Name of the one dialect that mffnb reads by itself, see :mod:`mffnb.io.readers.nexus`."""
_TOFWERK = ("FullSpectra", "TimingData", "AcquisitionLog")


def dialect(path: Path) -> str | None:
    """Return the RosettaSciIO plug-in for an HDF5 file, or ``NEXUS``; None for plain HDF5, pyNSID and other formats."""
    if not is_hdf5(path):
        return None
    import h5py  # noqa: PLC0415  slow import, needed for HDF5 only

    try:
        with h5py.File(path, "r") as stored:
            return next((name for name, test in _TESTS.items() if test(stored)), None)
    except OSError:  # a truncated file; its reader says so
        return None


def _groups(stored: Any) -> list[Any]:
    """Return the groups at the root of a file."""
    names = [name for name in stored if stored.get(name, getclass=True, getlink=True).__name__ == "HardLink"]
    return [stored[name] for name in names if hasattr(stored[name], "keys")]


def _is_hyperspy(stored: Any) -> bool:
    return str(stored.attrs.get("file_format", "")).lower() == "hyperspy" or "Experiments" in stored


def _is_delmic(stored: Any) -> bool:
    return any(all(part in group for part in _DELMIC) for group in _groups(stored))


def _is_tofwerk(stored: Any) -> bool:
    return all(part in stored for part in _TOFWERK) and "TofDAQ Version" in stored.attrs


def _is_emd(stored: Any) -> bool:
    berkeley = any("emd_group_type" in item.attrs for item in (stored, *_groups(stored)))
    return berkeley or ("version_major" in stored.attrs) or ("Version" in stored and "Data" in stored)


def _is_usid(stored: Any) -> bool:
    return _any(stored, lambda item: "Position_Indices" in item.attrs and "Spectroscopic_Indices" in item.attrs)


def _is_arina(stored: Any) -> bool:
    if "entry/data" not in stored or "entry/instrument/detector" not in stored:
        return False
    return any(name.startswith("data_0") for name in stored["entry/data"])


def _is_nexus(stored: Any) -> bool:
    return _any(stored, lambda item: nexus_signal(item) is not None)


def nexus_signal(item: Any) -> str | None:
    """Return the name of the data in an NXdata group; None for other items.

    The attribute ``signal`` of the group names them, or in older files the attribute ``signal=1`` of a dataset.
    """
    if text(item.attrs.get("NX_class")) != "NXdata" or not hasattr(item, "keys"):
        return None
    name = text(item.attrs.get("signal"))
    if name in item:
        return name
    marked = [key for key in item if hasattr(item[key], "shape") and text(item[key].attrs.get("signal")) == "1"]
    return marked[0] if len(marked) == 1 else None


def text(value: Any) -> str:
    """Return an attribute of an HDF5 file as text; empty text if there is none."""
    if isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size == 1 else ""
    return value.decode(errors="replace") if isinstance(value, bytes) else "" if value is None else str(value)


def _any(stored: Any, test: Callable[[Any], bool]) -> bool:
    """Return whether a group or dataset of the file passes a test."""
    return stored.visititems(lambda _, item: True if test(item) else None) is True


_TESTS: dict[str, Callable[[Any], bool]] = {
    "HSPY": _is_hyperspy,
    "Tofwerk": _is_tofwerk,
    "Delmic": _is_delmic,
    "EMD": _is_emd,
    "USID": _is_usid,
    "Arina": _is_arina,
    NEXUS: _is_nexus,
}
