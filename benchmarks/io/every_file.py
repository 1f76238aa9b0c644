"""Read every file of the data folder and files of all formats that can be written; compare with an independent reader (Linux).

    python -m benchmarks io.every_file > tools/measured_files.md    # the table of docs/formats.md
    python -m benchmarks io.every_file --check                      # exit code 1 if a value differs

Each file is read in a process of its own that has imported the packages already. Seconds are processor time of reading all values; the
memory is what the process held at most beyond one that reads nothing. Values are compared entry by entry with those that the package
of the format (RosettaSciIO, h5py, SciPy, tifffile, rdata, pyimzml, brukeropus) or a few lines of NumPy give, called directly. The
small files of this project hold 1000 y + 100 x + c + 1, so that a transposed or flipped map differs. "on disk": `lazy=True` left the values
on disk, and they were the same.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import mffnb as mf
from benchmarks.shared import independent_readers as direct
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.limited_opening import in_child, preload
from benchmarks.shared.own_files import numbers, write_own
from mffnb.cubes.layout import channel_names
from mffnb.cubes.pixel_rows import is_in_memory
from mffnb.datasets.fetch import data_folder

ONE_THREAD = True
# File, dataset, independent reader and its name. fmt: off
MEASURED: list[tuple[str, str | None, direct.Direct | None, str]] = [
    ("88_ES-LP_G8_selection2_cropped2.hspy", None, direct.by_rosettasciio("hspy"), "RosettaSciIO"),
    ("Example_Continuous.imzML", "exact", direct.by_pyimzml, "pyimzml"),
    ("Example_Processed.imzML", "exact", direct.by_pyimzml, "pyimzml"),
    ("Samson.mat", "Y", direct.by_scipy("Y"), "SciPy"),
    ("Samson.mat", "S_GT", direct.by_scipy("S_GT"), "SciPy"),
    ("bfo_iv_final.hf5", None, None, "h5py"),
    ("chondro.rda", None, direct.by_rdata("chondro", "data", "spc"), "rdata"),
    ("no_pure_pixels.npz", "abundances", direct.by_numpy, "NumPy"),
    ("tofsimsData.rda", "testImage/nz", direct.by_rdata("testImage", "nz"), "rdata"),
    ("files/16x16_12bit_packed_8bit.bcf", None, direct.by_rosettasciio("bruker"), "RosettaSciIO"),
    ("files/Au168mA_nodisplacement.gsf", None, direct.of_gsf, "NumPy"),
    ("files/DEMO_3D.SPC", None, direct.of_spc_3d, "NumPy"),
    ("files/EELS_SI.dm4", None, direct.by_rosettasciio("digitalmicrograph"), "RosettaSciIO"),
    ("files/a_nc3.nc", None, None, "SciPy"),
    ("files/bias_spectroscopy.dat", None, direct.of_point_spectrum, "pandas"),
    ("files/delmic_hyperspectral.h5", None, None, "h5py"),
    ("files/envi_bil.hdr", None, direct.of_envi, "NumPy"),
    ("files/envi_bil.img", None, direct.of_envi, "NumPy"),
    ("files/grid_spectroscopy.3ds", None, direct.of_grid, "NumPy"),
    ("files/gxsm_topography_netcdf3.nc", "FloatField", direct.by_netcdf3("FloatField"), "SciPy"),
    ("files/imagej_stack.tif", None, direct.by_tifffile, "tifffile"),
    ("files/labspec_map.txt", None, direct.of_table, "text"),
    ("files/labspec_series.txt", None, direct.of_table, "text"),
    ("files/m_xyxy.spc", "0", direct.of_spc_own_axes, "NumPy"),
    ("files/map_test.xyz", None, direct.of_table, "text"),
    ("files/map_xy.csv", None, direct.of_table, "text"),
    ("files/nexus_nxdata.h5", None, None, "h5py"),
    ("files/ome.ome.tif", None, direct.by_tifffile, "tifffile"),
    ("files/opus.0000", None, direct.by_brukeropus, "brukeropus"),
    ("files/py4DSTEM_size2x3x4x5.h5", None, None, "h5py"),
    ("files/renishaw_test_linescan.wdf", None, direct.by_rosettasciio("renishaw"), "RosettaSciIO"),
    ("files/renishaw_test_map.wdf", None, direct.by_rosettasciio("renishaw"), "RosettaSciIO"),
    ("files/velox_several_signals.emd", "iDPC", direct.by_rosettasciio("emd", 2), "RosettaSciIO"),
    ("files/witec_table.txt", None, direct.of_witec, "NumPy"),
]
# fmt: on


def same(found: xr.DataArray, expected: np.ndarray) -> bool:
    """Whether shape and all values are the same; text files and scaled integers may differ in the last digits."""
    values = np.asarray(found)
    return values.shape == expected.shape and np.allclose(values, expected, rtol=1e-6, atol=0, equal_nan=True)


def axes(cube: xr.DataArray) -> str:
    """Lengths, ranges and units of the axes; a bar separates pixels from channels."""
    channels = channel_names(cube, None)

    def one(name: Any) -> str:
        text = f"{name} {cube.sizes[name]}".replace("|", "/")
        if name not in cube.coords or cube[name].dtype.kind not in "iuf":
            return text
        ends, unit = np.asarray(cube[name])[[0, -1]], cube[name].attrs.get("units", "")
        return f"{text} ({ends[0]:.4g} to {ends[1]:.4g}{f' {unit}' if unit else ''})"

    pixels = [name for name in cube.dims if name not in channels]
    return " \\| ".join(", ".join(map(one, names)) for names in (pixels, channels))


def measured(path: Path, dataset: str | None, reader: direct.Direct | np.ndarray) -> dict[str, Any]:
    """Read a file in this process, and return the cells of its row, as far as they need the values."""
    cube = mf.read(path, dataset=dataset)
    try:
        on_disk = mf.read(path, dataset=dataset, lazy=True)
        lazy = not is_in_memory(on_disk) and on_disk.identical(cube)
    except Exception as error:
        lazy = f"failed: {error}"
    expected = reader if isinstance(reader, np.ndarray) else reader(path)
    return {"axes": axes(cube), "type": str(cube.dtype), "same": same(cube, expected), "lazy": lazy}


def _quiet() -> None:
    """Send what parsers write to the standard error output nowhere."""
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def row(name: str, path: Path, dataset: str | None, reader: direct.Direct | np.ndarray, by: str, base: int) -> bool:
    """Print the row of a file; return whether its values are those of the independent reader."""
    cells, _, _ = in_child(lambda: measured(path, dataset, reader))
    _, seconds, peak = in_child(lambda: {"sum": float(mf.read(path, dataset=dataset).size)})
    shown = f"`{name}`" + (f", `{dataset}`" if dataset else "")
    if "error" in cells:
        print_row(shown, cells["error"], *[""] * 5)
        return False
    lazy = {True: "yes", False: ""}.get(cells["lazy"], cells["lazy"])
    agrees = "same" if cells["same"] else "**differ**"
    print_row(
        shown,
        cells["axes"],
        cells["type"],
        f"{agrees}, {by}",
        lazy,
        f"{seconds:.2f}",
        f"{max(0, peak - base) / 1e6:.0f}",
    )
    return bool(cells["same"])


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--check", action="store_true", help="exit code 1 if a value differs")
    chosen = options.parse_args(arguments)
    preload()
    _quiet()
    _, _, base = in_child(dict)
    good = []
    print_header("file, `dataset=`", "pixels \\| channels", "type", "values and orientation", "on disk", "s", "MB")
    place = data_folder()
    by_name = {
        "bfo_iv_final.hf5": direct.of_pynsid,
        "files/a_nc3.nc": direct.by_netcdf3("counts"),
        "files/delmic_hyperspectral.h5": direct.of_delmic,
        "files/nexus_nxdata.h5": direct.largest_of_hdf5,
        "files/py4DSTEM_size2x3x4x5.h5": direct.largest_of_hdf5,
    }
    for name, dataset, reader, by in [] if chosen.quick else MEASURED:
        if (place / name).exists():
            good.append(row(name.removeprefix("files/"), place / name, dataset, reader or by_name[name], by, base))
    with tempfile.TemporaryDirectory() as folder:
        paths = write_own(Path(folder))
        _, _, base = in_child(dict)  # the packages that write files take memory as well
        for path in paths:
            if chosen.quick and path.suffix not in (".npy", ".h5"):
                continue
            whole = numbers()
            shaped = {".jdx": whole[0, 0][None], ".unf": whole[:, :, 0], "rows.npz": whole.reshape(24, 20)}
            if path.suffix != ".msa":  # a single spectrum
                expected = shaped.get(path.name, shaped.get(path.suffix, whole))
                good.append(row(f"{path.name} (written here)", path, None, expected, "as written", base))
    if chosen.check and not all(good):
        raise SystemExit(1)
