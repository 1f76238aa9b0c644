"""ImzML: order of the pixels, m/z axes, missing pixels, and hostile files, without a dense copy."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.cubes.sparse_map import SparseMap
from mffnb.cubes.sparse_pixels import sparse_pixels_of
from mffnb.datasets import fetch
from tests.io.imzml_files import write_imzml

AXIS = np.linspace(100, 200, 41)


def full(missing=()):
    """A map of 2 rows and 3 columns; channel c of the pixel (x, y) is 100 y + 10 x + c, or zero for odd c."""
    return {
        (x, y): (AXIS, np.where(np.arange(41) % 2, 0, 100 * y + 10 * x + np.arange(41)))
        for y in (1, 2)
        for x in (1, 2, 3)
        if (x, y) not in missing
    }


def dense(missing=()):
    values = np.full((2, 3, 41), np.nan)
    for (x, y), (_, intensity) in full(missing).items():
        values[y - 1, x - 1] = intensity
    return values


@pytest.mark.parametrize("shared", [True, False])
def test_pixels_and_channels_are_in_place_and_missing_pixels_are_masked(tmp_path, shared):
    cube = mf.read(write_imzml(tmp_path / "a.imzML", full([(2, 2)]), shared))
    assert cube.dims == ("y", "x", "mz")
    expected = dense([(2, 2)])
    if not shared:  # channels without any peak are left out of a processed file
        expected = expected[..., ::2]
    np.testing.assert_array_equal(cube, expected)
    np.testing.assert_allclose(cube["mz"], AXIS if shared else AXIS[::2])
    np.testing.assert_allclose(cube["x"], [25, 50, 75])
    np.testing.assert_allclose(cube["y"], [50, 100])
    assert cube["x"].attrs["units"] == "µm"
    assert cube.attrs["mz_axis"] == "exact"


def sparse_scene(channels=200_000, peaks=40):
    """Processed spectra of 12 x 9 pixels with few peaks on a long axis, from two random spectra."""
    rng = np.random.default_rng(1)
    axis = 100 * np.exp(1e-5 * np.arange(channels))
    kinds = [np.sort(rng.choice(channels, peaks, replace=False)) for _ in range(2)]
    pixels = {}
    for y in range(1, 10):
        for x in range(1, 13):
            chosen = kinds[int(x > 6)]
            pixels[x, y] = (axis[chosen], rng.poisson(20, peaks) + 1)
    del pixels[3, 3], pixels[12, 9]
    return pixels, axis, kinds


def test_a_sparse_file_is_unmixed_without_a_dense_copy(tmp_path, monkeypatch):
    pixels, _, _ = sparse_scene()
    cube = mf.read(write_imzml(tmp_path / "a.imzML", pixels))
    assert isinstance(sparse_pixels_of(cube), SparseMap)
    monkeypatch.setattr(SparseMap, "__array__", lambda *_, **__: pytest.fail("a dense copy was made"))
    result = mf.unmix(cube, 2, max_iter=100)
    maps = result.abundances.values
    assert np.isnan(maps[:, 2, 2]).all()
    assert np.isnan(maps[:, 8, 11]).all()
    owner = np.nanargmax(np.nan_to_num(maps), axis=0)
    expected = np.repeat([[0] * 6 + [1] * 6], 9, axis=0)
    expected = expected if owner[0, 0] == 0 else 1 - expected
    used = ~np.isnan(maps[0])
    np.testing.assert_array_equal(owner[used], expected[used])


def test_parts_of_a_sparse_map_stay_sparse(tmp_path):
    pixels = sparse_scene()[0]
    cube = mf.read(write_imzml(tmp_path / "a.imzML", pixels))
    part = cube.isel(y=slice(1, 4), x=slice(2, 5), mz=slice(0, 30))
    assert isinstance(sparse_pixels_of(part), SparseMap)
    assert part.shape == (3, 3, 30)
    whole = np.asarray(cube[..., :30])
    np.testing.assert_array_equal(part, whole[1:4, 2:5])
    np.testing.assert_array_equal(cube.isel(mz=7), whole[..., 7])
    np.testing.assert_array_equal(cube[4, 5, :30], whole[4, 5])
    np.testing.assert_array_equal(cube[:, :, [3, 9]], whole[..., [3, 9]])
    assert float(part.sum()) == np.nansum(whole[1:4, 2:5])
    assert "sparse map (9, 12" in repr(cube)


def test_a_dense_copy_of_a_long_axis_is_refused():
    from scipy import sparse

    held = SparseMap(sparse.csr_array((4, 1 << 27)), (2, 2), np.zeros(4, bool))
    with pytest.raises(MemoryError, match="select channels first"):
        xr.DataArray(xr.Variable(("y", "x", "mz"), held)).to_numpy()


def centroids(jitter):
    rng = np.random.default_rng(2)
    masses = np.array([150.0, 150.2, 420.5])
    return {
        (x, y): (np.sort(masses * (1 + jitter * 1e-6 * rng.uniform(-1, 1, 3))), [1, 2, 3])
        for x in range(1, 6)
        for y in range(1, 5)
    }


def test_centroids_are_summed_in_bins_of_constant_relative_width(tmp_path):
    path = write_imzml(tmp_path / "a.imzML", centroids(1))
    cube = mf.read(path, dataset="100 ppm")
    assert cube.attrs["mz_axis"] == "bins of 100 ppm"
    assert float(cube.sum()) == 6 * 20
    picture = cube.sum("mz")
    np.testing.assert_array_equal(picture, np.full((4, 5), 6.0))
    assert 3 <= cube.sizes["mz"] <= 6
    default = mf.read(path)
    assert default.attrs["mz_axis"] == "bins of 10 ppm"
    ratio = np.abs(default["mz"].values[:, None] / [150.0, 150.2, 420.5] - 1).min(axis=1)
    assert ratio.max() < 12e-6
    assert mf.read(path, dataset="exact").sizes["mz"] == 60
    for wrong in ("5", "0 ppm", "fine"):
        with pytest.raises(ValueError, match="give 'exact', or the width of bins"):
            mf.read(path, dataset=wrong)


BOMB = '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>\n'
OUTSIDE = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>\n'


@pytest.mark.parametrize("doctype", [BOMB, OUTSIDE, "<!doctype a>\n"])
def test_document_types_and_entities_are_refused_before_parsing(tmp_path, monkeypatch, doctype):
    from pyimzml import ImzMLParser

    monkeypatch.setattr(ImzMLParser, "ImzMLParser", lambda *_, **__: pytest.fail("the file was parsed"))
    path = write_imzml(tmp_path / "a.imzML", full(), doctype=doctype)
    with pytest.raises(ValueError, match="declares a document type or entities"):
        mf.read(path)
    text = path.read_text()
    path.write_bytes(text.encode("utf-16"))
    with pytest.raises(ValueError, match="does not begin as an XML file"):
        mf.read(path)
    path.write_bytes(b'<?xml version="1.0" encoding="UTF-7"?>' + text.encode())
    with pytest.raises(ValueError, match="encoding 'UTF-7'"):
        mf.read(path)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("suffix", [".imzML", ".ibd"])
def test_truncated_files_are_refused(tmp_path, share, suffix):
    path = write_imzml(tmp_path / "a.imzML", full())
    cut = path.with_suffix(suffix)
    cut.write_bytes(cut.read_bytes()[: int(share * cut.stat().st_size)])
    with pytest.raises(ValueError, match=r"a\.(imzML|ibd) .*(truncated|does not begin)"):
        mf.read(path)


def test_the_binary_file_must_be_the_one_beside_the_file(tmp_path):
    (tmp_path / "folder").mkdir()
    path = write_imzml(tmp_path / "folder" / "a.imzML", full())
    binary = path.with_suffix(".ibd")
    content = binary.read_bytes()
    binary.rename(tmp_path / "a.ibd")
    with pytest.raises(ValueError, match=r"needs its binary file a\.ibd in the same folder"):
        mf.read(path)
    binary.symlink_to(tmp_path / "a.ibd")
    with pytest.raises(ValueError, match="a link to another place"):
        mf.read(path)
    binary.unlink()
    binary.write_bytes(b"?" + content[1:])
    with pytest.raises(ValueError, match="belongs to another"):
        mf.read(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name="position x" value="2"', 'name="position x" value="999999999"', r"a map of \(1, 2, 999999999\)"),
        ('name="position x" value="2"', 'name="position x" value="1"', "several spectra of one pixel"),
        ('length" value="41"', 'length" value="-3"', "negative positions"),
        ('length" value="41"', 'length" value="99999999999"', "truncated"),
        ('name="m/z array" value=""/>', 'name="m/z array" value=""/><cvParam accession="MS:1000574" cvRef="MS" name="zlib compression"/>', "compressed"),
    ],
)  # fmt: skip
def test_impossible_metadata_are_refused(tmp_path, old, new, message):
    path = write_imzml(tmp_path / "a.imzML", full())
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(ValueError, match=message):
        mf.read(path)


@pytest.mark.data("Example_Continuous.imzML", "Example_Continuous.ibd")
@pytest.mark.data("Example_Processed.imzML", "Example_Processed.ibd")
@pytest.mark.parametrize("name", ["Example_Continuous", "Example_Processed"])
def test_measured_spectra_are_those_of_pyimzml(name):
    from pyimzml.ImzMLParser import ImzMLParser

    path = fetch.data_folder() / f"{name}.imzML"
    cube = mf.read(path, dataset="exact")
    assert dict(cube.sizes)["y"] == dict(cube.sizes)["x"] == 3
    with ImzMLParser(str(path)) as parser:
        for number, (x, y, _) in enumerate(parser.coordinates):
            mz, intensity = parser.getspectrum(number)
            found = cube[y - 1, x - 1].values
            np.testing.assert_allclose(cube["mz"].values[found != 0], mz[intensity != 0])
            np.testing.assert_array_equal(found[found != 0], intensity[intensity != 0])


def test_spectra_in_any_order_and_in_several_blocks_are_placed_alike(tmp_path, monkeypatch):
    from mffnb.io.readers import imzml

    pixels = sparse_scene()[0]
    whole = mf.read(write_imzml(tmp_path / "a.imzML", pixels))
    monkeypatch.setattr(imzml, "_BLOCK", 7)
    places = list(pixels)
    np.random.default_rng(3).shuffle(places)
    other = mf.read(write_imzml(tmp_path / "b.imzML", {tuple(place): pixels[tuple(place)] for place in places}))
    np.testing.assert_array_equal(other, whole)
    np.testing.assert_array_equal(other["mz"], whole["mz"])
    rows = sparse_pixels_of(other).rows
    assert rows.indices.dtype == np.int32
    assert rows.dtype == np.float32
    binned = mf.read(tmp_path / "b.imzML", dataset="10000 ppm")
    step = np.log1p(0.01)
    expected = np.unique(np.floor(np.log(whole["mz"].values / whole["mz"].values[0]) / step))
    np.testing.assert_allclose(binned["mz"], whole["mz"].values[0] * np.exp((expected + 0.5) * step))
    np.testing.assert_allclose(binned.sum("mz"), whole.sum("mz"))
