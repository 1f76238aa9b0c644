"""Read results from files: of one image, or of several images that were unmixed jointly."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import xarray as xr

from mffnb.estimators.names import TRANSFORMS
from mffnb.io.files import check_file
from mffnb.io.netcdf_store import groups_of, read_netcdf
from mffnb.io.zarr_store import is_store, read_zarr
from mffnb.keywords import checks_keywords
from mffnb.preprocessing import Chain
from mffnb.solvers import Outcome
from mffnb.transforms import Mapped
from mffnb.unmixing.freedom import Freedom
from mffnb.unmixing.joint import JOINT_FORMAT, JointUnmixing
from mffnb.unmixing.result import ARRAYS, FACTORS, FORMAT, ProcessedFactors, Unmixing
from mffnb.unmixing.stored_coordinates import decode

__all__ = ["load"]


@checks_keywords()
def load(path: str | os.PathLike[str]) -> Any:
    """Read a result written by :meth:`Unmixing.save` or :meth:`JointUnmixing.save`.

    Raises
    ------
    ValueError
        If the file does not hold a result.

    Returns
    -------
    Unmixing or JointUnmixing
        As it was saved, without the data.

    Examples
    --------
    >>> import mffnb as mf, numpy as np, os, tempfile
    >>> result = mf.unmix(np.random.default_rng(0).random((4, 5, 20)), 2, random_state=0)
    >>> path = os.path.join(tempfile.mkdtemp(), "run.nc")
    >>> result.save(path)
    >>> mf.load(path).endmembers.equals(result.endmembers)
    True
    """
    if os.path.isdir(path) and not is_store(path):
        raise ValueError(f"{path} is a folder: name the file in it")
    if not os.path.isdir(path):
        check_file(Path(path))
    kind = "zarr store" if os.path.isdir(path) else "NetCDF file"
    try:
        stored = read_zarr(path) if os.path.isdir(path) else read_netcdf(path)
    except Exception as error:  # the HDF5 libraries raise many types of exceptions on a damaged file
        raise ValueError(f"{path} is no {kind} that can be read, or it is cut short: {error}") from error
    if stored.attrs.get("format") == JOINT_FORMAT:
        names = json.loads(stored.attrs["names"])
        groups = ("shared", *(groups_of(len(names)) if len(names) > 1 else ()))
        shared, *parts = (_unmixing_of(read_netcdf(path, group), path) for group in groups)
        return JointUnmixing(shared, tuple(parts) or (shared,), tuple(names), stored.attrs["channels"])
    return _unmixing_of(stored, path)


def _unmixing_of(stored: xr.Dataset, path: str | os.PathLike[str]) -> Unmixing:
    """Return the result that a dataset of :meth:`Unmixing.to_dataset` holds.

    Raises
    ------
    ValueError
        If the dataset is no result, or is incomplete.
    """
    if stored.attrs.get("format") != FORMAT:
        raise ValueError(f"{path} was not written by Unmixing.save: read data with mffnb.read instead")
    missing = {"endmembers", "abundances", "iteration"} - set(stored.variables)
    if missing:
        raise ValueError(f"{path} is incomplete, it lacks {', '.join(sorted(missing))}: save the result again")
    prefix = "trace_"
    trace = {
        str(name).removeprefix(prefix): value.variable
        for name, value in stored.data_vars.items()
        if str(name).startswith(prefix)
    }
    names = json.loads(stored.attrs.get("names", "{}"))
    arrays = {
        name: decode(
            stored[name].rename({a: b for a, b in names.items() if a in (*stored[name].dims, *stored[name].coords)})
        )
        for name in (*ARRAYS, "intercept", *(f"processed_{name}" for name in FACTORS), *Freedom.STORED)
        if name in stored.data_vars
    }
    processed = None
    if "preprocessing" in stored.attrs:
        factors = {name: arrays[f"processed_{name}"] for name in FACTORS if f"processed_{name}" in arrays}
        processed = ProcessedFactors(Chain.from_dataset(stored), **factors)
    parameters = json.loads(stored.attrs["parameters"])
    transform = TRANSFORMS.get(parameters.get("transform"))
    return Unmixing(
        endmembers=arrays["endmembers"].rename("endmember"),
        abundances=arrays["abundances"].rename("abundance"),
        outcome=Outcome[stored.attrs["outcome"]],
        trace=xr.Dataset(trace, coords={"iteration": stored["iteration"].variable}),
        parameters=parameters,
        gain=arrays.get("gain"),
        alternative=arrays.get("alternative"),
        processed=processed,
        mapped=None if transform is None else Mapped(transform, arrays.get("intercept")),
        stored_freedom=Freedom.from_arrays(arrays),
    )
