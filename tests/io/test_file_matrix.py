"""Measured files, read by mffnb and directly by the package of their format: axes, units and sums agree."""

from __future__ import annotations

import warnings

import h5py
import numpy as np
import pytest

from mffnb.cli import main
from mffnb.cubes.layout import channel_names
from mffnb.datasets import fetch
from mffnb.errors import FileWarning
from mffnb.io.read import read

# file, dataset: sizes, channels, first and last coordinate of the first channel, unit, sum
READ = [
    ("EELS_SI.dm4", None, {"y": 2, "x": 2, "Energy loss": 2048}, ["Energy loss"], (300.0, 2347.0), "eV"),
    ("delmic_hyperspectral.h5", None, {"Y": 4, "X": 4, "Wavelength": 512}, ["Wavelength"], None, None),
    ("py4DSTEM_size2x3x4x5.h5", None, {"Rx": 2, "Ry": 3, "Qx": 4, "Qy": 5}, ["Qx", "Qy"], None, "1 / Å"),
    ("16x16_12bit_packed_8bit.bcf", None, {"height": 16, "width": 16, "Energy": 2048}, ["Energy"], None, "keV"),
    ("renishaw_test_map.wdf", None, {"Y": 3, "X": 3, "Wavelength": 47}, ["Wavelength"], None, "nm"),
    ("renishaw_test_linescan.wdf", None, {"Abs. Distance": 5, "Wavelength": 40}, ["Wavelength"], None, "nm"),
    ("nexus_nxdata.h5", None, {"y": 4, "x": 6, "energy": 20}, ["energy"], (100.0, 290.0), "eV"),
    ("a_nc3.nc", None, {"y": 4, "x": 6, "energy": 20}, ["energy"], (100.0, 290.0), None),
    ("ome.ome.tif", None, {"y": 4, "x": 6, "channel": 20}, ["channel"], (100.0, 290.0), "nm"),
    ("imagej_stack.tif", None, {"y": 68, "x": 68, "z": 2}, ["z"], (0.0, 2.5), "µm"),
    ("velox_several_signals.emd", "iDPC", {"y": 2, "x": 2}, ["x"], None, "pm"),
]
REFUSED = {
    "DEMO_3D.SPC": "Galactic SPC", "m_xyxy.spc": "Galactic SPC", "envi_bil.img": "ENVI", "envi_bil.hdr": "ENVI",
    "witec_table.txt": "table of text", "labspec_map.txt": "table of text", "labspec_series.txt": "table of text",
    "map_xy.csv": "table of text", "map_test.xyz": "table of text", "bias_spectroscopy.dat": "table of text",
    "opus.0000": "no reader", "Au168mA_nodisplacement.gsf": "no reader", "grid_spectroscopy.3ds": "no reader",
    "velox_several_signals.emd": "say which one",
}  # fmt: skip


def in_folder(*names):
    return pytest.mark.data(*(f"files/{name}" for name in names))


@pytest.mark.parametrize(
    ("name", "dataset", "sizes", "channels", "ends", "unit"),
    [pytest.param(*row, marks=in_folder(row[0]), id=row[0]) for row in READ],
)
def test_axes_are_those_of_the_instrument(name, dataset, sizes, channels, ends, unit):
    cube = read(fetch.data_folder() / "files" / name, dataset=dataset)
    assert dict(cube.sizes) == sizes
    assert list(channel_names(cube, None)) == channels
    coordinate = cube[channels[0]]
    if ends is not None:
        np.testing.assert_allclose(coordinate[[0, -1]], ends)
    assert unit is None or coordinate.attrs["units"] == unit
    if sizes.get("y") == 4 and sizes.get("x") == 6:
        y, x, c = np.meshgrid(*(np.arange(length) for length in sizes.values()), indexing="ij")
        np.testing.assert_array_equal(cube, 1000 * y + 100 * x + c + 1)
        np.testing.assert_allclose(cube["x"][1] - cube["x"][0], 0.5)


@in_folder("py4DSTEM_size2x3x4x5.h5", "imagej_stack.tif", "EELS_SI.dm4")
def test_values_are_those_of_the_package_of_the_format():
    tifffile = pytest.importorskip("tifffile", reason="the io extra is not installed")
    from rsciio.digitalmicrograph import file_reader

    folder = fetch.data_folder() / "files"
    with h5py.File(folder / "py4DSTEM_size2x3x4x5.h5") as file:
        values = file["datacube_root/datacube/data"][()]
    np.testing.assert_array_equal(read(folder / "py4DSTEM_size2x3x4x5.h5"), values)
    planes = tifffile.imread(folder / "imagej_stack.tif")
    np.testing.assert_array_equal(read(folder / "imagej_stack.tif"), np.moveaxis(planes, 0, 2))
    energies = file_reader(str(folder / "EELS_SI.dm4"))[0]["data"]
    np.testing.assert_array_equal(read(folder / "EELS_SI.dm4"), np.moveaxis(energies, 0, 2))


@pytest.mark.parametrize(
    ("name", "words"), [pytest.param(*item, marks=in_folder(item[0]), id=item[0]) for item in REFUSED.items()]
)
def test_formats_without_a_reader_are_refused(capsys, name, words):
    assert main(["unmix", str(fetch.data_folder() / "files" / name), "-q"]) == 2
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
