"""Maps of a result as TIFF, GSF and pictures, read back with the reader of another program."""

from __future__ import annotations

import gsffile
import numpy as np
import pytest
import tifffile
from matplotlib import image as pictures

from tests.io.test_export import made


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def of_shape(rng, *shape):
    return made(rng.random((2, *shape)).astype(np.float32), rng.random((2, 9)))


@pytest.mark.parametrize("shape", [(7,), (4, 7), (3, 4, 7), (2, 3, 4, 7)])
def test_imagej_hyperstack_has_names_colours_and_pixel_size(rng, tmp_path, shape):
    result = of_shape(rng, *shape)
    (path,) = result.export(tmp_path / "maps.tif")
    maps = result.abundances.values
    with tifffile.TiffFile(path) as file:
        assert file.is_imagej
        series, facts = file.series[0], file.imagej_metadata
        whole = file.asarray(squeeze=False).reshape((1,) * (4 - len(shape)) + (*shape[:-2], 2, *((1, 1, *shape)[-2:])))
        found = np.moveaxis(series.asarray(), series.axes.index("C"), 0)
        tags = file.pages[0].tags
    np.testing.assert_array_equal(found.reshape(maps.shape), maps)
    assert whole.size == maps.size
    assert facts["Labels"][:2] == ["lignin", 'u, "cell": wall']
    assert facts["mode"] == "composite"
    assert facts["LUTs"][0][:, -1].tolist() == [0x2B, 0x83, 0xD6]
    if len(shape) > 1:
        assert facts["unit"] == "um"
        numerator, denominator = tags["XResolution"].value
        assert numerator / denominator == pytest.approx(2.0)
    if len(shape) > 2:
        assert facts["spacing"] == 0.5


def test_hyperstack_is_ordered_as_its_header_says(rng, tmp_path):
    """ImageJ reads planes in the order channel, section, time."""
    result = of_shape(rng, 3, 4, 7)
    (path,) = result.export(tmp_path / "maps.tif")
    with tifffile.TiffFile(path) as file:
        facts = file.imagej_metadata
        planes = file.series[0].asarray().reshape(-1, 4, 7)
    assert (facts["channels"], facts["slices"], facts["images"]) == (2, 3, 6)
    np.testing.assert_array_equal(planes[1], result.abundances.values[1, 0])
    np.testing.assert_array_equal(planes[2], result.abundances.values[0, 1])


def test_ome_tiff_has_names_and_pixel_size(rng, tmp_path):
    result = of_shape(rng, 4, 7)
    (path,) = result.export(tmp_path / "maps.ome.tif")
    with tifffile.TiffFile(path) as file:
        assert file.is_ome
        np.testing.assert_array_equal(file.asarray(), result.abundances.values)
        facts = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Pixels"]
    assert [one["Name"] for one in facts["Channel"]] == result.endmembers.label.values.tolist()
    assert (facts["PhysicalSizeX"], facts["PhysicalSizeXUnit"], facts["SizeX"], facts["SizeY"]) == (0.5, "µm", 7, 4)


def test_maps_without_a_common_unit_have_no_pixel_size(rng, tmp_path):
    result = of_shape(rng, 4, 7)
    result.abundances["y"].attrs.clear()
    (path,) = result.export(tmp_path / "maps.tif")
    with tifffile.TiffFile(path) as file:
        assert "unit" not in file.imagej_metadata


def test_gsf_holds_metres_and_the_name(rng, tmp_path):
    result = of_shape(rng, 4, 7)
    paths = result.export(tmp_path / "maps.gsf")
    assert len(paths) == 2
    for path, values in zip(paths, result.abundances.values, strict=True):
        found, facts = gsffile.read_gsf(path)
        np.testing.assert_array_equal(found, values)
        assert (facts["XReal"], facts["YReal"], facts["XYUnits"]) == (pytest.approx(3.5e-6), pytest.approx(2e-6), "m")
        assert facts["XOffset"] == pytest.approx(1.75e-6)
        assert facts["Title"] in ("lignin", 'µ, "cell": wall')


def test_gsf_refuses_a_stack(rng, tmp_path):
    with pytest.raises(ValueError, match=r"holds one plane, and the maps have 3 dimensions \(z, y, x\)"):
        of_shape(rng, 3, 4, 7).export(tmp_path / "maps.gsf")


@pytest.mark.parametrize("shape", [(7,), (4, 7), (3, 4, 7)])
def test_a_picture_shows_the_colours_of_the_components(rng, tmp_path, shape):
    (path,) = of_shape(rng, *shape).export(tmp_path / "maps.png")
    drawn = np.round(255 * pictures.imread(path)[..., :3]).astype(int).reshape(-1, 3)
    for color in ([0x2B, 0x83, 0xD6], [0xE6, 0x9F, 0x00]):
        assert (np.abs(drawn - color).max(axis=1) <= 3).any()
