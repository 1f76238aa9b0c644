"""Measured files, read by mffnb and directly by the package of their format: axes, units and sums agree."""

from __future__ import annotations

import importlib
import warnings

import h5py
import numpy as np
import pytest
from scipy.io import loadmat, netcdf_file

from mffnb.cli import main
from mffnb.cubes.layout import channel_names
from mffnb.datasets import fetch
from mffnb.errors import FileWarning
from mffnb.io.read import read

# file, dataset: sizes, channels, first and last coordinate of the first channel, its unit, sum of the values
# fmt: off
READ = [
    ("EELS_SI.dm4", None, {"y": 2, "x": 2, "Energy loss": 2048}, ["Energy loss"], (300.0, 2347.0), "eV", 7169069.071),
    ("delmic_hyperspectral.h5", None, {"Y": 4, "X": 4, "Wavelength": 512}, ["Wavelength"],
     (376.31634521484375, 820.8825073242189), "nm", 2481887),
    ("py4DSTEM_size2x3x4x5.h5", None, {"Rx": 2, "Ry": 3, "Qx": 4, "Qy": 5}, ["Qx", "Qy"],
     (0.0, 0.13275469984826138), "1 / Å", 28255.876),
    ("16x16_12bit_packed_8bit.bcf", None, {"height": 16, "width": 16, "Energy": 2048}, ["Energy"],
     (-0.47095867, 19.99290033), "keV", 20194),
    ("renishaw_test_map.wdf", None, {"Y": 3, "X": 3, "Wavelength": 47}, ["Wavelength"],
     (346.7727966308594, 350.67730712890625), "nm", 665.057),
    ("renishaw_test_linescan.wdf", None, {"Abs. Distance": 5, "Wavelength": 40}, ["Wavelength"],
     (361.3132019042969, 364.6417541503906), "nm", 118.8761),
    ("nexus_nxdata.h5", None, {"y": 4, "x": 6, "energy": 20}, ["energy"], (100.0, 290.0), "eV", 845040),
    ("a_nc3.nc", None, {"y": 4, "x": 6, "energy": 20}, ["energy"], (100.0, 290.0), "eV", 845040),
    ("ome.ome.tif", None, {"y": 4, "x": 6, "channel": 20}, ["channel"], (100.0, 290.0), "nm", 845040),
    ("imagej_stack.tif", None, {"y": 68, "x": 68, "z": 2}, ["z"], (0.0, 2.5), "µm", 30845660),
    ("bias_spectroscopy.dat", None, {"x": 1, "bias": 1024}, ["bias"], (-0.2, 0.2), "V", None),
    ("velox_several_signals.emd", "iDPC", {"y": 2, "x": 2}, ["x"], None, "pm", None),
    ("gxsm_topography_netcdf3.nc", "FloatField", {"dimy": 820, "dimx": 820}, ["dimx"],
     (250.0992431640625, -250.0992431640625), None, -8974128236.94),
    ("88_ES-LP_G8_selection2_cropped2.hspy", None, {"height": 80, "width": 80, "Energy": 1917}, ["Energy"],
     (0.83151949728, 20.00048308176), "keV", 716887),
    ("bfo_iv_final.hf5", None, {"x": 50, "y": 50, r"$\sqrt E$": 53}, [r"$\sqrt E$"],
     (8591.792595262063, 11180.339887498949), "$(V/m)^{0.5}$", 1231054.46877),
    ("Samson.mat", "Y", {"x": 156, "channel": 9025}, ["channel"], None, None, None),
    ("Samson.mat", "S_GT", {"y": 95, "x": 95, "channel": 3}, ["channel"], None, None, None),
    ("chondro.rda", None, {"x": 875, "channel": 300}, ["channel"], None, None, 150275144.772),
    ("tofsimsData.rda", "testImage/nz", {"x": 65536, "channel": 200}, ["channel"], None, None, None),
    ("no_pure_pixels.npz", "abundances", {"y": 105, "x": 96, "channel": 6}, ["channel"], None, None, 10080.00003),
]
# fmt: on
REFUSED = {
    "gxsm_topography_netcdf3.nc": "is a picture of 820 x 820 pixels without a spectral axis",
    "m_xyxy.spc": "different axes",
    "velox_several_signals.emd": "say which one",
    "Samson.mat": "say which one",
    "tofsimsData.rda": "say which one",
    "Example_Processed.ibd": "name the .imzML file",
}  # fmt: skip


# Files whose values the test file of their reader compares.
ELSEWHERE = (
    "grid_spectroscopy.3ds",
    "bias_spectroscopy.dat",
    "witec_table.txt",
    "labspec_map.txt",
    "labspec_series.txt",
    "map_xy.csv",
    "map_test.xyz",
    "DEMO_3D.SPC",
    "envi_bil.img",
    "envi_bil.hdr",
    "Au168mA_nodisplacement.gsf",
    "opus.0000",
    "Example_Continuous.imzML",
    "Example_Processed.imzML",
)
IN_ROOT = ("88_ES", "bfo", "Samson", "chondro", "tofsims", "no_pure", "Example")


def relative(name):
    """The path of a file below the data folder."""
    return name if name.startswith(IN_ROOT) else f"files/{name}"


def in_folder(*names):
    return pytest.mark.data(*map(relative, names))


def located(name):
    return fetch.data_folder() / relative(name)


def test_every_file_of_the_data_folder_is_in_the_matrix():
    known = {row[0] for row in READ} | {*REFUSED} | {*ELSEWHERE} | {"README.md", "SHA256SUMS", "Example_Continuous.ibd"}
    folder = fetch.data_folder()
    found = {path.name for part in (folder, folder / "files") for path in part.glob("*") if path.is_file()}
    assert found <= known or not found & known


@pytest.mark.parametrize(
    ("name", "dataset", "sizes", "channels", "ends", "unit", "total"),
    [pytest.param(*row, marks=in_folder(row[0]), id=f"{row[0]}-{row[1]}") for row in READ],
)
def test_axes_are_those_of_the_instrument(name, dataset, sizes, channels, ends, unit, total):
    cube = read(located(name), dataset=dataset)
    assert dict(cube.sizes) == sizes
    assert list(channel_names(cube, None)) == channels
    coordinate = cube[channels[0]]
    if ends is not None:
        np.testing.assert_allclose(coordinate[[0, -1]], ends)
    assert unit is None or coordinate.attrs["units"] == unit
    assert total is None or float(cube.sum(dtype=np.float64)) == pytest.approx(total, rel=1e-6)
    if sizes.get("y") == 4 and sizes.get("x") == 6:
        y, x, c = np.meshgrid(*(np.arange(length) for length in sizes.values()), indexing="ij")
        np.testing.assert_array_equal(cube, 1000 * y + 100 * x + c + 1)
        np.testing.assert_allclose(cube["x"][1] - cube["x"][0], 0.5)


def directly(name):
    """The values of a file as the package of its format reads them, with the channel last."""
    path = located(name)
    suffix = path.suffix.lower()
    if suffix in (".h5", ".hf5", ".hspy"):
        with h5py.File(path) as file:
            found = {}
            file.visititems(lambda key, item: found.update({key: item}) if getattr(item, "ndim", 0) > 2 else None)
            spectra = [
                item for item in found.values() if not name.startswith("delmic") or item.shape[:3] == (512, 1, 1)
            ]
            values = max(spectra, key=lambda item: item.size)[()]
        # Delmic stores (wavelength, time, z, y, x).
        return np.moveaxis(values[:, 0, 0], 0, 2) if name.startswith("delmic") else values
    if suffix == ".tif":
        tifffile = pytest.importorskip("tifffile", reason="the io extra is not installed")
        return np.moveaxis(tifffile.imread(path), 0, 2)
    if suffix == ".nc":
        with netcdf_file(path, mmap=False) as file:
            return max((one.data for one in file.variables.values()), key=np.size).copy()
    if suffix == ".npz":
        return np.load(path)["abundances"]
    module = {".dm4": "digitalmicrograph", ".bcf": "bruker", ".wdf": "renishaw"}[suffix]
    signals = importlib.import_module(f"rsciio.{module}").file_reader(str(path))
    arrays = [signal["data"] for signal in signals if signal["data"].dtype.names is None]
    values = max(arrays, key=np.size)
    return np.moveaxis(values, 0, 2) if suffix == ".dm4" else values


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(row[0], marks=in_folder(row[0]), id=row[0])
        for row in READ
        if not row[0].endswith((".mat", ".rda", ".emd")) and row[0] not in ELSEWHERE
    ],
)
@pytest.mark.parametrize("lazy", [False, True])
def test_values_are_those_of_the_package_of_the_format(name, lazy):
    dataset = "FloatField" if name.startswith("gxsm") else None
    cube = read(located(name), dataset=dataset, lazy=lazy)
    np.testing.assert_array_equal(cube, np.squeeze(directly(name)) if dataset else directly(name))


@in_folder("Samson.mat")
def test_arrays_of_matlab_files_are_those_of_scipy():
    stored = loadmat(located("Samson.mat"))
    for dataset in ("Y", "S_GT"):
        np.testing.assert_array_equal(read(located("Samson.mat"), dataset=dataset), stored[dataset])


@pytest.mark.parametrize(
    ("name", "words"), [pytest.param(*item, marks=in_folder(item[0]), id=item[0]) for item in REFUSED.items()]
)
def test_formats_without_a_reader_are_refused(capsys, name, words):
    assert main(["unmix", str(located(name)), "-q"]) == 2
    text = capsys.readouterr().err
    assert name in text
    assert words in text
    assert len(text.splitlines()) == 1


@in_folder("16x16_12bit_packed_8bit.bcf")
@pytest.mark.parametrize("share", [0.3, 0.5, 0.8])
def test_a_truncated_file_is_refused_or_reported(tmp_path, share):
    whole = (fetch.data_folder() / "files" / "16x16_12bit_packed_8bit.bcf").read_bytes()
    (tmp_path / "cut.bcf").write_bytes(whole[: int(share * len(whole))])
    warnings.simplefilter("error", FileWarning)  # pytest restores the filters
    with pytest.raises(FileWarning, match=r"cut\.bcf is truncated: \d+ of 135448 bytes"):
        read(tmp_path / "cut.bcf")
