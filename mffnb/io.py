"""Spectral images from files, and results to files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from mffnb.containers import arrays, matlab_objects, r_objects
from mffnb.cube import as_cube, from_axes
from mffnb.sparse_pixels import SparsePixels, is_sparse_file, npy_header
from mffnb.stored import from_hdf5, from_npy, from_zarr, renamed
from mffnb.typing import Array

_NETCDF = {".nc", ".nc4", ".netcdf"}
_R = {".rda", ".rdata", ".rds"}
_HDF5 = {".h5", ".hdf5", ".hdf", ".hf5"}


def read(path: str | os.PathLike[str], *, dataset: str | None = None, lazy: bool | None = None) -> xr.DataArray:
    """Read a spectral image.

    ``.npy`` and ``.npz`` (NumPy), ``.nc`` (NetCDF), ``.h5`` or ``.hf5`` (HDF5, calibrated by its dimension scales where
    it has some, as in pyNSID), ``.zarr`` (an optional extra), ``.mat`` (MATLAB) and ``.rda`` (R, an optional extra) are
    read as they are, last axis the channel: transpose what is stored in another order. An ``.npz`` of compressed rows,
    :func:`scipy.sparse.save_npz`, is an image (x, channel) that is never made dense. Everything else, such as
    ``.hspy``, ``.dm4``, ``.bcf`` or ``.spd``, goes through RosettaSciIO, an optional extra, which also knows which axes
    are pixels.

    Parameters
    ----------
    path
        The file.
    dataset
        Which array, where a file holds several: a name (``.npz``, ``.nc``, ``.mat``), a path (``"/measurement/data"``
        in ``.h5`` and ``.zarr``, ``"object/slot/column"`` in ``.rda``) or a number (RosettaSciIO). May be left out
        where only one could be a spectral image.
    lazy
        Leave NetCDF, HDF5, zarr and ``.npy`` data on disk, to be read in bands while unmixing; by default where they
        would fill more than a quarter of the machine's memory as float64.

    Returns
    -------
    xarray.DataArray
        The cube; ``attrs["source"]`` names the file.

    Raises
    ------
    FileNotFoundError, ValueError
        With what to do: the names to choose from, or the extra to install.

    Examples
    --------
    >>> import numpy as np, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "map.npy")
    >>> np.save(path, np.ones((4, 5, 60)))
    >>> dict(read(path).sizes)
    {'y': 4, 'x': 5, 'channel': 60}
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    suffix = path.suffix.lower()
    if suffix == ".npy":
        stored = np.load(path, allow_pickle=False, mmap_mode="r")
        cube = from_npy(path) if _lazy(lazy, stored.size) else as_cube(np.array(stored))
    elif suffix == ".npz":
        cube = _read_npz(path, dataset)
    elif suffix in _NETCDF:
        cube = _read_netcdf_variable(path, dataset, lazy)
    elif suffix == ".mat":
        cube = _read_matlab(path, dataset, lazy)
    elif suffix in _R:
        cube = _read_named(path, r_objects(path), dataset)
    elif suffix in _HDF5:
        cube = _read_hdf5(path, dataset, lazy)
    elif suffix == ".zarr":
        cube = _read_zarr(path, dataset, lazy)
    else:
        cube = _read_rosettasciio(path, dataset)
    return cube.assign_attrs(source=str(path))


def write_netcdf(dataset: xr.Dataset, path: str | os.PathLike[str]) -> None:
    """Write a NetCDF-4 file through h5netcdf; a fault on the way leaves any older file as it was."""
    # In memory first: HDF5 that meets a full disk keeps the file half open, and takes the process down later.
    content = bytes(dataset.to_netcdf(engine="h5netcdf"))
    try:
        write_atomically(path, lambda part: part.write_bytes(content))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise OSError(error.errno, f"could not write {path}, any older file is as it was: {error}") from error


def read_netcdf(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read a NetCDF-4 file into memory, units left as text."""
    with _open_netcdf(Path(path)) as stored:
        return stored.load()


def write_atomically(path: str | os.PathLike[str], write: Callable[[Path], Any]) -> None:
    """Let ``write`` fill a neighbouring file, then move it into place.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "note.txt"
    >>> write_atomically(target, lambda part: part.write_text("whole"))
    >>> target.read_text()
    'whole'
    """
    path = Path(path).resolve()  # through links, to what they point at
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent}: make it first")
    if path.exists() and not path.is_file():
        raise OSError(f"{path} is not a file that could be replaced: give another name")
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    part = Path(name)
    try:
        write(part)
        mask = os.umask(0)
        os.umask(mask)
        # mkstemp's files are private; a result is an ordinary file, or what the older one was.
        part.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~mask)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _read_npz(path: Path, wanted: str | None) -> xr.DataArray:
    dimensions = _dimensions_in(path)
    if wanted is None and is_sparse_file(set(dimensions)):
        pixels = SparsePixels.of(path)
        return as_cube(xr.DataArray(xr.Variable(as_cube(np.empty((1, 1))).dims, pixels)))
    with np.load(path, allow_pickle=False) as archive:
        numeric = {name: ndim for name, ndim in dimensions.items() if ndim is not None}
        return as_cube(archive[_choose(path, numeric, wanted)])


def _dimensions_in(path: Path) -> dict[str, int | None]:
    """Names and numbers of dimensions of the arrays in an ``.npz`` file, from their headers; None for what is text."""
    found: dict[str, int | None] = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as member:
                shape, dtype = npy_header(member)
            found[name.removesuffix(".npy")] = len(shape) if dtype.kind in "biuf" else None
    return found


def _opened(path: Path, **options: Any) -> xr.Dataset:
    # Units such as "s" are labels of an axis here; xarray would turn the axis into time spans. Dates stay dates.
    return xr.open_dataset(path, decode_timedelta=False, cache=False, **options)


def _open_netcdf(path: Path) -> xr.Dataset:
    return _opened(path, engine="h5netcdf", phony_dims="access")


def _read_netcdf_variable(path: Path, wanted: str | None, lazy: bool | None) -> xr.DataArray:
    stored = _open_netcdf(path)
    cube = stored[_choose(path, {str(key): stored[key].ndim for key in stored.data_vars}, wanted)]
    if _lazy(lazy, cube.size):
        return as_cube(cube)  # the file stays open as long as the cube lives
    with stored:
        return as_cube(cube.load())


def _lazy(wanted: bool | None, size: int) -> bool:
    """Whether to leave data on disk: as asked, or where there is little room for them."""
    return stays_on_disk(size) if wanted is None else wanted


def stays_on_disk(size: int, copies: int = 1) -> bool:
    """Whether so many numbers as float64 would fill a quarter of the memory; many copies at once, half of it.

    Examples
    --------
    >>> stays_on_disk(1000), stays_on_disk(10**15), stays_on_disk(1000, copies=10**12)
    (False, True, True)
    """
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not on every system
        return False
    return 8 * size * max(2, copies) > memory / 2


def _choose(path: Path, dimensions: dict[str, int], wanted: str | None) -> str:
    """The name asked for, or the only one that can be a spectral image."""
    if wanted is not None:
        for name in (wanted, wanted.strip("/")):
            if name in dimensions:
                return name
    fitting = [name for name, ndim in dimensions.items() if ndim >= 2]
    if wanted is None and len(fitting) > 1:
        # A stack beside pictures and tables: the only one with three or more dimensions is meant.
        deep = [name for name in fitting if dimensions[name] >= 3]
        fitting = deep if len(deep) == 1 else fitting
    if wanted is None and len(fitting) == 1:
        return fitting[0]
    names = ", ".join(repr(name) for name in fitting) or "none with two or more dimensions"
    problem = "say which one with dataset=" if wanted is None else f"there is no dataset {wanted!r}"
    raise ValueError(f"{path.name}: {problem}; it holds {names}")


def _read_matlab(path: Path, wanted: str | None, lazy: bool | None) -> xr.DataArray:
    try:
        objects = matlab_objects(path)
    except NotImplementedError:  # version 7.3, whose axes come in the opposite order
        cube = _read_hdf5(path, wanted, lazy)
        return renamed(cube.transpose(*reversed(cube.dims)), dict(zip(reversed(cube.dims), cube.dims, strict=True)))
    return _read_named(path, objects, wanted)


def _read_named(path: Path, objects: dict[str, Any], wanted: str | None) -> xr.DataArray:
    found = dict(arrays(objects))
    return as_cube(found[_choose(path, {name: array.ndim for name, array in found.items()}, wanted)])


def _read_hdf5(path: Path, wanted: str | None, lazy: bool | None) -> xr.DataArray:
    import h5py  # noqa: PLC0415  a second of import that other formats need not pay

    with h5py.File(path, "r") as stored:
        dimensions: dict[str, int] = {}

        def visit(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset) and item.dtype.kind in "biuf":
                dimensions[name] = item.ndim

        stored.visititems(visit)
        name = _choose(path, dimensions, wanted)
        item = stored[name]
        scales = [_scale(dimension) for dimension in item.dims]
        array = None if _lazy(lazy, item.size) else item[()]
    if array is not None:
        return _calibrate(as_cube(array), scales)
    return _calibrate(from_hdf5(path, name), scales)


def _read_zarr(path: Path, wanted: str | None, lazy: bool | None) -> xr.DataArray:
    try:
        import zarr  # noqa: PLC0415  an extra
    except ImportError:
        raise ValueError('reading .zarr needs the zarr package: pip install "mffnb[io]"') from None
    stored = zarr.open(path, mode="r")
    if isinstance(stored, zarr.Array):
        found = {"": stored}
    else:
        members = stored.members(max_depth=None)
        found = {name: item for name, item in members if isinstance(item, zarr.Array) and item.dtype.kind in "biuf"}
    name = _choose(path, {name: array.ndim for name, array in found.items()}, wanted)
    array, group = found[name], name.rpartition("/")[0]
    names: Any = getattr(array.metadata, "dimension_names", None) or array.attrs.get("_ARRAY_DIMENSIONS")
    if names is None or not all(names) or not name:
        cube = from_zarr(path, name)
    else:  # as xarray wrote it, coordinates and all
        options = {"engine": "zarr", "group": group or None, "consolidated": False, "chunks": None}
        cube = as_cube(_opened(path, **options)[name.rpartition("/")[2]])
    return cube if _lazy(lazy, cube.size) else cube.load()


def _scale(dimension: Any) -> tuple[str, Array, dict[str, str]] | None:
    """Name, values and units of an HDF5 dimension that has a scale with numbers in it."""
    if not len(dimension):
        return None
    scale = dimension[0]
    if scale.ndim != 1 or scale.dtype.kind not in "biuf":
        return None
    units = scale.attrs.get("units")
    text = units.decode() if isinstance(units, bytes) else units
    return scale.name.rpartition("/")[2], scale[()], {"units": text} if isinstance(text, str) else {}


def _calibrate(cube: xr.DataArray, scales: list[tuple[str, Array, dict[str, str]] | None]) -> xr.DataArray:
    """Name and calibrate the dimensions that have scales; all of them or, where two names are alike, none."""
    named = {str(plain): scale for plain, scale in zip(cube.dims, scales, strict=True) if scale is not None}
    names = {plain: scale[0] for plain, scale in named.items()}
    if len({*names.values(), *(set(cube.dims) - set(names))}) < cube.ndim:
        return cube
    coordinates = {name: (name, values, attrs) for name, values, attrs in named.values()}
    return as_cube(renamed(cube, names).assign_coords(coordinates))


def _read_rosettasciio(path: Path, wanted: str | None) -> xr.DataArray:
    try:
        from rsciio import IO_PLUGINS  # noqa: PLC0415  an extra
    except ImportError:
        raise ValueError(f'reading {path.suffix or "this"} files needs RosettaSciIO: pip install "mffnb[io]"') from None
    import importlib  # noqa: PLC0415

    suffix = path.suffix.lower().lstrip(".")
    plugins = [plugin for plugin in IO_PLUGINS if suffix in plugin["file_extensions"]]
    if not plugins:
        raise ValueError(f"{path.name}: no reader for {path.suffix!r} files; save it as .npy, .nc, .h5 or .hspy")
    failures = []
    for plugin in plugins:
        try:
            signals = importlib.import_module(plugin["api"]).file_reader(str(path))
        except Exception as error:  # readers raise what they like; the next one may do
            failures.append(f"{plugin['name']}: {error}")
            continue
        names = {str(number): np.ndim(signal["data"]) for number, signal in enumerate(signals)}
        signal = signals[int(_choose(path, names, wanted))]
        return as_cube(from_axes(np.asarray(signal["data"]), signal["axes"]))
    raise ValueError(f"{path.name} could not be read; " + "; ".join(failures))
