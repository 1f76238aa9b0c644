"""Values of measured files as the package of their format, or a few lines of NumPy, read them: pixels first, channel last."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Direct = Callable[[Path], np.ndarray]


def by_rosettasciio(module: str, number: int | None = None) -> Direct:
    """Reader of one signal, or of the largest one, with its navigation axes first."""

    def read(path: Path) -> np.ndarray:
        logging.getLogger("rsciio").setLevel(logging.ERROR)  # its warnings would stand in the table
        signals = import_module(f"rsciio.{module}").file_reader(str(path))
        numeric = [one for one in signals if one["data"].dtype.names is None]
        found = signals[number] if number is not None else max(numeric, key=lambda one: one["data"].size)
        axes = sorted(found["axes"], key=lambda one: one.get("index_in_array") or 0)
        order = sorted(range(found["data"].ndim), key=lambda n: (not axes[n]["navigate"], n))
        values = found["data"]
        if module == "digitalmicrograph":  # its post-processing makes the first axis the channel
            return np.moveaxis(values, 0, -1)
        return values.transpose(order) if all("navigate" in one for one in axes) else values

    return read


def by_h5py(name: str, order: tuple[int, ...] | None = None) -> Direct:
    """Reader of a dataset of an HDF5 file, without axes of length one, in another order of the axes."""

    def read(path: Path) -> np.ndarray:
        with import_module("h5py").File(path) as file:
            values = file[name][()]
        return values if order is None else np.squeeze(values).transpose(order)

    return read


def by_netcdf3(name: str) -> Direct:
    def read(path: Path) -> np.ndarray:
        with import_module("scipy.io").netcdf_file(path, mmap=False) as file:
            return np.squeeze(file.variables[name].data.copy())

    return read


def by_tifffile(path: Path) -> np.ndarray:
    return np.moveaxis(import_module("tifffile").imread(path), 0, 2)


def by_scipy(name: str) -> Direct:
    return lambda path: import_module("scipy.io").loadmat(path)[name]


def by_numpy(path: Path) -> np.ndarray:
    stored = np.load(path)
    return stored["abundances"] if "abundances" in getattr(stored, "files", ()) else stored


def by_rdata(*names: str) -> Direct:
    """Reader of a slot of an R object: the objects are parsed, and slots are found by name."""

    def read(path: Path) -> np.ndarray:
        rdata = import_module("rdata")
        slots = {
            "MassImage": lambda _, found: found,
            "MassSpectra": lambda _, found: found,
            "hyperSpec": lambda _, found: found,
        }
        kinds = rdata.conversion.DEFAULT_CLASS_MAP | slots | {"data.frame": lambda value, _: value}
        found = rdata.conversion.convert(rdata.parser.parse_file(path), constructor_dict=kinds)
        for name in names:
            found = found[name]
        return np.asarray(found)

    return read


def by_pyimzml(path: Path) -> np.ndarray:
    """Dense array (y, x, m/z) of the m/z values with a peak other than zero, or of all in continuous mode."""
    with import_module("pyimzml.ImzMLParser").ImzMLParser(str(path)) as parser:
        spectra = [parser.getspectrum(n) for n in range(len(parser.coordinates))]
        places = np.array(parser.coordinates)
        whole = len(set(parser.mzOffsets)) == 1
    axis = spectra[0][0] if whole else np.unique(np.concatenate([mz[values != 0] for mz, values in spectra]))
    cube = np.zeros((*(places.max(axis=0)[1::-1]), axis.size), np.float32)
    for (x, y, _), (mz, values) in zip(places, spectra, strict=True):
        cube[y - 1, x - 1, np.searchsorted(axis, mz[values != 0])] = values[values != 0]
    return cube


def by_brukeropus(path: Path) -> np.ndarray:
    return np.atleast_2d(import_module("brukeropus").read_opus(str(path)).a.y)


def of_envi(path: Path) -> np.ndarray:
    """The file of this project: bil, float32, 4 lines of 20 bands of 6 samples."""
    return np.fromfile(path.with_suffix(".img"), "<f4").reshape(4, 20, 6).transpose(0, 2, 1)


def of_grid(path: Path) -> np.ndarray:
    """First channel of a Nanonis grid of 32 x 32 points with 20 parameters and 16 channels of 256 values; NaN if not measured."""
    content = path.read_bytes()
    begin = content.index(b":HEADER_END:") + len(b":HEADER_END:\r\n")
    values = np.frombuffer(content, ">f4", offset=begin)
    points = np.full((1024, 20 + 16 * 256), np.nan, np.float32)
    points.ravel()[: values.size] = values
    return points[:, 20:276].reshape(32, 32, 256)


def of_point_spectrum(path: Path) -> np.ndarray:
    text = path.read_text(encoding="latin-1").partition("[DATA]")[2].strip()
    return pd.read_csv(io.StringIO(text), sep="\t")["Input 3 (A)"].to_numpy()[None]


def of_gsf(path: Path) -> np.ndarray:
    content = path.read_bytes()
    size = {key: int(re.search(rb"%sRes\s*=\s*(\d+)" % key.encode(), content)[1]) for key in "XY"}
    return np.frombuffer(content[-4 * size["X"] * size["Y"] :], "<f4").reshape(size["Y"], size["X"])


def of_spc_3d(path: Path) -> np.ndarray:
    """32 spectra of 171 points of the older format: a header of 32 bytes with the exponent, then numbers of two halves each."""
    content, spectra = path.read_bytes(), []
    for begin in range(224, 224 + 32 * (32 + 4 * 171), 32 + 4 * 171):
        high = np.frombuffer(content, "<i2", 2 * 171, begin + 32)[::2].astype(float)
        low = np.frombuffer(content, "<u2", 2 * 171, begin + 32)[1::2]
        spectra.append((65536 * high + low) * 2.0 ** (int(np.frombuffer(content, "i1", 1, begin + 1)[0]) - 32))
    return np.array(spectra)


def of_spc_own_axes(path: Path) -> np.ndarray:
    """First of the spectra with axes of their own, of 16 bits: the header with exponent and points, x, then y."""
    content = path.read_bytes()
    points, exponent = int(np.frombuffer(content, "<i4", 1, 512 + 16)[0]), int(np.frombuffer(content, "i1", 1, 513)[0])
    return np.frombuffer(content, "<i2", points, 512 + 32 + 4 * points)[None] * 2.0 ** (exponent - 16)


def of_table(path: Path) -> np.ndarray:
    """A wide table sorted by y, then x, without its labels; (rows, channels) if it has one label."""
    separator = "," if path.suffix == ".csv" else "\t"
    lines = [
        line for line in path.read_text(encoding="latin-1").split("\n") if not line.startswith("#") and line.strip()
    ]
    values = np.array([[float(cell) for cell in line.split(separator) if cell.strip()] for line in lines[1:]])
    labels = values.shape[1] - sum(
        bool(cell.strip()) and cell.strip()[0].isdigit() for cell in lines[0].split(separator)
    )
    if labels == 1:
        return values[:, 1:]
    # The csv file and the .xyz file state x first, LabSpec y first.
    x, y = (0, 1) if path.suffix in (".csv", ".xyz") else (1, 0)
    ordered = values[np.lexsort((values[:, x], values[:, y]))]
    return ordered[:, 2:].reshape(np.unique(values[:, y]).size, np.unique(values[:, x]).size, -1)


def of_witec(path: Path) -> np.ndarray:
    """Columns are spectra of 4 rows with 6 pixels each."""
    return np.loadtxt(path, skiprows=1)[:, 1:].T.reshape(4, 6, -1)


def largest_of_hdf5(path: Path) -> np.ndarray:
    """The array with most dimensions."""
    found: list[Any] = []
    with import_module("h5py").File(path) as file:
        file.visititems(lambda _, item: found.append(item) if getattr(item, "ndim", 0) > 2 else None)
        return max(found, key=lambda item: (item.ndim, item.size))[()]


def of_delmic(path: Path) -> np.ndarray:
    """Delmic stores (wavelength, time, z, y, x)."""
    found: list[Any] = []
    with import_module("h5py").File(path) as file:
        file.visititems(lambda _, item: found.append(item) if getattr(item, "shape", ())[:3] == (512, 1, 1) else None)
        return np.moveaxis(found[0][()][:, 0, 0], 0, 2)


def of_pynsid(path: Path) -> np.ndarray:
    """The dataset in the order of its dimensions: the spatial ones come first in the file."""
    return largest_of_hdf5(path)
