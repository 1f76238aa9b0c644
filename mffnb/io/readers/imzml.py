"""Reader of imzML (mass spectrometry imaging), continuous and processed, through the optional pyimzml package.

All spectra are brought to one m/z axis. It is exact if the file repeats its m/z values from pixel to pixel, as bins of
a time-of-flight instrument do. Peaks of centroided spectra differ between pixels: they are summed in bins of a constant
relative width, 10 ppm unless ``dataset`` states another one, and bins without any peak are left out.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from scipy import sparse

from mffnb.cubes.data_array import coordinate
from mffnb.cubes.sparse_map import SparseMap
from mffnb.io.choose import stays_on_disk
from mffnb.io.reader import Reader
from mffnb.io.signal_table import Signal
from mffnb.io.xml_check import check_xml
from mffnb.typing import Array

__all__ = ["IMZML"]

DEFAULT_PPM = 10.0  # a few times the mass accuracy of common instruments: peaks of one ion fall into one bin
_REPEATED = 2  # pixels per distinct m/z value from which on the values are an axis of the instrument
_DENSE = 0.5  # filled share from which on dense float32 takes less memory than values with column numbers
_MOST_MISSING = 1 << 20
_BLOCK = 1 << 20  # peaks that are sorted and numbered at a time
_WIDTH = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*ppm\s*", re.IGNORECASE)


def read_imzml(path: Path, dataset: str | None, _lazy: bool | None) -> xr.DataArray:
    """Read an imzML file as (y, x, m/z), sparse unless half of the entries are filled; missing pixels are masked."""
    width = _WIDTH.fullmatch(dataset or "")
    if dataset is not None and dataset != "exact" and (not width or float(width[1]) <= 0):
        raise ValueError(
            f"{path.name}: dataset={dataset!r} names no m/z axis: give 'exact', or the width of bins as '10 ppm'"
        )
    spectra = _spectra(path)
    distinct = _distinct(spectra.mz) if spectra.shared is None else np.unique(spectra.shared)
    repeated = spectra.mz.size >= _REPEATED * distinct.size or spectra.shared is not None
    if dataset == "exact" or (dataset is None and repeated):
        mz, of_distinct, axis = distinct, None, "exact"
    else:
        ppm = float(width[1]) if width else DEFAULT_PPM
        mz, of_distinct = _binned(distinct, ppm)
        axis = f"bins of {ppm:g} ppm"
    kind = np.int32 if max(spectra.mz.size, distinct.size) < 2**31 else np.int64  # SciPy makes both of one type
    begins = np.append(0, np.cumsum(spectra.lengths)).astype(kind)
    rows = sparse.csr_array(
        (spectra.intensity, _numbers(spectra.mz, distinct, of_distinct, kind), begins),
        shape=(spectra.absent.size, mz.size),
    )
    rows.sum_duplicates()
    held = SparseMap(rows, spectra.map_shape, spectra.absent)
    dims = (*("z", "y", "x")[-len(spectra.map_shape) :], "mz")
    filled = rows.nnz > _DENSE * (~spectra.absent).sum() * mz.size and not stays_on_disk(held.size)
    coords = {"mz": coordinate("mz", mz, {"units": "m/z", "long_name": "m/z"})} | spectra.coords
    cube = xr.DataArray(xr.Variable(dims, np.asarray(held) if filled else held), coords=coords)
    return cube.assign_attrs(mz_axis=axis, long_name="Intensity", title=path.stem)


@dataclass(frozen=True)
class Spectra:
    """Peaks of all spectra with an intensity other than zero, in the order of the pixels.

    Attributes
    ----------
    mz, intensity
        All peaks, (peaks,).
    lengths
        Number of peaks of each pixel of the map, (pixels,).
    map_shape
        Lengths of the pixel dimensions.
    absent
        True where the map has no spectrum, (pixels,).
    coords
        Coordinates of the pixel dimensions.
    shared
        The m/z values of all spectra, if they are the same ones in the file (continuous mode); else None.
    """

    mz: Array
    intensity: Array
    lengths: Array
    map_shape: tuple[int, ...]
    absent: Array
    coords: dict[str, xr.Variable]
    shared: Array | None


def _spectra(path: Path) -> Spectra:
    """Read all peaks of a file, after a comparison of the addresses in it with the size of the binary file."""
    check_xml(path)
    binary = _binary_file(path)
    with binary.open("rb") as file:
        parser = _parsed(path, file)
        _check_addresses(path, binary, parser)
        _check_identity(path, parser, file)
        positions, map_shape, absent, coords = _placed(path, parser)
        mz, intensity, lengths = _peaks(path, parser, positions, absent.size)
        one_axis = len(set(zip(parser.mzOffsets, parser.mzLengths, strict=True))) == 1
        shared = parser.getspectrum(0)[0] if one_axis else None
    if not mz.size:
        raise ValueError(f"{path.name} holds no intensity other than zero: export it again")
    if not (np.isfinite(mz).all() and mz.min() > 0):
        raise ValueError(f"{path.name} holds m/z values that are not positive numbers: it is damaged, export it again")
    return Spectra(mz, intensity, lengths, map_shape, absent, coords, shared)


def _peaks(path: Path, parser: Any, positions: Array, pixels: int) -> tuple[Array, Array, Array]:
    """Return m/z and intensity of all peaks other than zero, in the order of the pixels, and their count per pixel.

    Both arrays are allocated once: lists of spectra would take the memory twice when they are joined.
    """
    count, lengths = sum(parser.intensityLengths), np.zeros(pixels, np.int64)
    mz, intensity = (np.empty(count, np.dtype(kind)) for kind in (parser.mzPrecision, parser.intensityPrecision))
    end = 0
    for number in np.argsort(positions):
        of_peaks, values = parser.getspectrum(number)
        if of_peaks.size != values.size:
            raise ValueError(
                f"{path.name}: spectrum {number} has {of_peaks.size} m/z values and {values.size} intensities: export "
                "the file again"
            )
        filled = values != 0
        begin, end = end, end + int(np.count_nonzero(filled))
        mz[begin:end], intensity[begin:end] = of_peaks[filled], values[filled]
        lengths[positions[number]] = end - begin
    return mz[:end], intensity[:end], lengths


def _distinct(mz: Array) -> Array:
    """Return the distinct m/z values in order; blocks are sorted one by one, as most values are repeated.

    Examples
    --------
    >>> _distinct(np.array([3.0, 1.0, 3.0]))
    array([1., 3.])
    """
    found, parts, count = mz[:0], [], 0
    for begin in range(0, mz.size, _BLOCK):
        parts.append(np.unique(mz[begin : begin + _BLOCK]))
        count += parts[-1].size
        if count >= max(found.size, 4 * _BLOCK) or begin + _BLOCK >= mz.size:
            found, parts, count = np.unique(np.concatenate([found, *parts])), [], 0
    return found


def _numbers(mz: Array, distinct: Array, of_distinct: Array | None, kind: Any) -> Array:
    """Return the channel of each peak: the position of its m/z among the distinct ones, or the bin of that."""
    numbers = np.empty(mz.size, kind)
    for begin in range(0, mz.size, _BLOCK):
        found = np.searchsorted(distinct, mz[begin : begin + _BLOCK])
        numbers[begin : begin + _BLOCK] = found if of_distinct is None else of_distinct[found]
    return numbers


def imzml_contents(path: Path) -> tuple[Signal, ...]:
    """Return the one image of the file; the length of its m/z axis is known if all spectra share one."""
    check_xml(path)
    with _binary_file(path).open("rb") as file:
        parser = _parsed(path, file)
    _, shape, _, _ = _placed(path, parser)
    shared = len(set(zip(parser.mzOffsets, parser.mzLengths, strict=True))) == 1
    dims = (*("z", "y", "x")[-len(shape) :], "mz")
    kind = {"f": "float32", "d": "float64"}.get(parser.intensityPrecision, "")
    return (Signal(path.stem, (*shape, parser.mzLengths[0] if shared else None), dims, dtype=kind),)


def _parsed(path: Path, file: Any) -> Any:
    """Return the parser of a file, which has read the XML part and no spectrum.

    Raises
    ------
    ValueError
        If the pyimzml package is missing, or the XML part is incomplete.
    """
    try:
        from pyimzml.ImzMLParser import ImzMLParser  # noqa: PLC0415  an extra
    except ImportError:
        raise ValueError(f'reading {path.name} needs the pyimzml package: pip install "mffnb[io]"') from None
    try:
        return ImzMLParser(str(path), parse_lib="ElementTree", ibd_file=file)
    except Exception as error:  # the parser raises exceptions of all types for an incomplete file
        text = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{path.name} is truncated or damaged ({text}): copy it again") from error


def _binary_file(path: Path) -> Path:
    """Return the binary file beside an imzML file, which has the same name and the suffix ``.ibd``."""
    found = [one for one in path.parent.iterdir() if one.stem == path.stem and one.suffix.lower() == ".ibd"]
    if not found:
        raise ValueError(f"{path.name} needs its binary file {path.stem}.ibd in the same folder: copy it there")
    if not found[0].is_file() or found[0].resolve().parent != path.resolve().parent:
        raise ValueError(
            f"{found[0].name} is no file in the folder of {path.name} but a link to another place, and is not read: "
            "copy the file there, if you trust it"
        )
    return found[0]


def _check_addresses(path: Path, binary: Path, parser: Any) -> None:
    """Raise ValueError unless all arrays lie inside the binary file, are not compressed and fit into the memory."""
    groups = parser.metadata.referenceable_param_groups.values()
    if any("zlib compression" in group for group in groups):
        raise ValueError(f"{path.name} holds compressed arrays: export it without compression")
    size, end, count = os.path.getsize(binary), 0, 0
    kinds = (parser.mzPrecision, parser.intensityPrecision)
    if None in kinds or not parser.coordinates:
        raise ValueError(f"{path.name} states no type of its numbers, or no spectrum: it is truncated, copy it again")
    for kind, starts, lengths in zip(
        kinds, (parser.mzOffsets, parser.intensityOffsets), (parser.mzLengths, parser.intensityLengths), strict=True
    ):
        if min(starts) < 0 or min(lengths) < 0:
            raise ValueError(f"{path.name} states negative positions of its arrays: it is damaged, export it again")
        bytes_each = parser.sizeDict[kind]
        end = max(end, *(start + bytes_each * length for start, length in zip(starts, lengths, strict=True)))
        count += sum(lengths)
    if end > size:
        raise ValueError(f"{binary.name} is truncated, {end - size} of its {end} bytes are missing: copy it again")
    if stays_on_disk(count, copies=4):
        raise ValueError(
            f"{path.name} holds {count} numbers, which do not fit into the memory: export fewer pixels, or peaks only"
        )


def _check_identity(path: Path, parser: Any, file: Any) -> None:
    """Raise ValueError if the binary file states another identifier than the imzML file, so that they are no pair."""
    named = parser.metadata.file_description.param_by_name.get("universally unique identifier")
    stated = re.sub(r"[^0-9a-f]", "", str(named or "").lower())
    file.seek(0)
    found = file.read(16).hex()
    if len(stated) == 32 and found != stated:
        raise ValueError(f"{path.name} belongs to another .ibd file than the one beside it (identifiers differ)")


def _placed(path: Path, parser: Any) -> tuple[Array, tuple[int, ...], Array, dict[str, xr.Variable]]:
    """Return the position of each spectrum on the map, its shape, the missing pixels and the coordinates."""
    stated = np.array(parser.coordinates, np.int64)[:, ::-1]  # (z, y, x)
    first = stated.min(axis=0)
    shape = tuple(int(length) for length in stated.max(axis=0) - first + 1)
    if np.prod([float(length) for length in shape]) > len(stated) + _MOST_MISSING:
        raise ValueError(f"{path.name} states a map of {shape} pixels for {len(stated)} spectra: it is damaged")
    positions = np.ravel_multi_index(tuple((stated - first).T), shape)
    if np.unique(positions).size < positions.size:
        raise ValueError(f"{path.name} holds several spectra of one pixel: export each measurement by itself")
    absent = np.ones(int(np.prod(shape)), bool)
    absent[positions] = False
    used = slice(0, 3) if shape[0] > 1 else slice(1, 3)
    coords = {}
    for name, begin, length in list(zip(("z", "y", "x"), first, shape, strict=True))[used]:
        size = parser.imzmldict.get(f"pixel size {name}") or parser.imzmldict.get("pixel size x")
        known = bool(size) and name != "z"
        values = np.arange(begin, begin + length) * (float(size) if known else 1.0)
        coords[name] = coordinate(name, values, {"units": "µm"} if known else {})
    return positions, shape[used], absent, coords


def _binned(distinct: Array, ppm: float) -> tuple[Array, Array]:
    """Return the centres of the bins of a relative width that hold a value, and the bin of each value.

    Examples
    --------
    >>> mz, numbers = _binned(np.array([100.0, 100.0005, 200.0]), 10.0)
    >>> mz.round(2), numbers
    (array([100., 200.]), array([0, 0, 1]))
    """
    step = np.log1p(1e-6 * ppm)
    bins = np.floor(np.log(distinct / distinct[0]) / step).astype(np.int64)
    first = np.append(True, np.diff(bins) > 0)
    return distinct[0] * np.exp((bins[first] + 0.5) * step), np.cumsum(first) - 1


IMZML = Reader(
    "imzML, continuous and processed",
    (".imzml",),
    read_imzml,
    imzml_contents,
    datasets="`exact`, or width of bins: `10 ppm`",
    extra="io",
    package="pyimzml",
)
