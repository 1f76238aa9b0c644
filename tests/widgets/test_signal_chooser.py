"""The chooser of the signals in a file: list, preview, code and button, without a page."""

from __future__ import annotations

import base64
import gc
import io
import re
import weakref

import h5py
import numpy as np
import pytest
import xarray as xr
from matplotlib.image import imread
from scipy import sparse

import mffnb as mf
from mffnb.cubes.sparse_map import SparseMap
from mffnb.cubes.totals import total_image
from mffnb.widgets.signal_preview import Preview

STACK = np.arange(60.0).reshape(3, 4, 5)


@pytest.fixture
def path(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["first"], file["second"], file["axis"] = STACK, 2 * STACK[:, :2], np.arange(5.0)
    return tmp_path / "a.h5"


def png(chooser):
    """The preview as an array."""
    found = re.search(r'src="data:image/png;base64,([^"]+)"', chooser.picture.value)
    return imread(io.BytesIO(base64.b64decode(found[1])))


def test_signals_are_listed_with_shapes_and_a_preview(path):
    chooser = mf.open(path)
    assert [" ".join(label.split()) for label, _ in chooser.list.options] == [
        "0 'axis' 5 float64",
        "1 'first' 3 x 4 x 5 float64",
        "2 'second' 3 x 2 x 5 float64",
    ]
    chooser.select("first")
    assert "Total image: sum of 5 channels. 3 x 4 x 5 float64 (y, x | channel)" in chooser.picture.value
    first = png(chooser)
    chooser.select("second")
    assert "3 x 2 x 5 float64" in chooser.picture.value
    assert first.ndim == png(chooser).ndim == 3
    assert not np.array_equal(first, png(chooser))


def test_the_code_and_the_button_read_the_selected_signal(path):
    chooser = mf.open(path)
    assert chooser.selected == 1  # the largest one
    chooser.select("second")
    assert chooser.code == f"cube = mf.read({str(path)!r}, dataset='second')"
    assert "dataset=&#x27;second&#x27;" in chooser.line.value
    variables = {"mf": mf}
    exec(chooser.code, variables)
    assert chooser.cube is None
    chooser.button.click()
    xr.testing.assert_identical(chooser.cube, variables["cube"])
    np.testing.assert_array_equal(chooser.cube, 2 * STACK[:, :2])
    assert "3 x 2 x 5 values are read" in chooser.status.value
    with pytest.raises(ValueError, match=r"a\.h5 has no signal 'third' in the list"):
        chooser.select("third")


def test_a_signal_that_cannot_be_read_shows_the_sentence_that_refuses_it(path):
    chooser = mf.open(path)
    chooser.select("axis")
    assert "<img" not in chooser.picture.value
    assert "a.h5" in chooser.picture.value
    assert chooser.button.disabled
    chooser.select("first")
    assert not chooser.button.disabled
    path.unlink()
    chooser.button.click()
    assert 'role="alert">there is no file' in chooser.status.value


def test_the_choice_of_read_comes_first_where_there_is_one(tmp_path):
    np.savez(tmp_path / "a.npz", photo=STACK[..., 0], stack=STACK)
    chooser = mf.open(tmp_path / "a.npz")
    assert chooser.list.options[0] == ("what mf.read chooses", None)
    assert chooser.selected is None
    assert chooser.code == f"cube = mf.read({str(tmp_path / 'a.npz')!r})"
    assert chooser.read().shape == (3, 4, 5)
    np.save(tmp_path / "<b>.npy", STACK)
    alone = mf.open(tmp_path / "<b>.npy", lazy=True)
    assert len(alone.list.options) == 1
    assert alone.code.endswith("lazy=True)")
    assert "&lt;b&gt;" in alone.children[0].value
    assert repr(alone).splitlines()[1] == "  0  '<b>'  3 x 4 x 5  float64"


def test_a_chooser_is_not_kept_in_memory(path):
    gone = weakref.ref(mf.open(path))
    gc.collect()
    assert gone() is None


def test_a_star_import_keeps_the_built_in_open():
    assert "open" not in mf.__all__
    assert "open" in dir(mf)


def test_totals_count_every_value_once():
    cube = xr.DataArray(STACK.copy(), dims=("y", "x", "e"), attrs={"units": "counts"})
    cube[0, 0, 0], cube[1, 1] = np.nan, np.nan
    image, step = total_image(cube)
    expected = np.where(np.isnan(cube).all("e"), np.nan, np.nansum(cube, axis=2))
    np.testing.assert_array_equal(image, expected)
    assert (step, image.attrs["units"]) == (1, "counts")
    part, step = total_image(cube.assign_coords(y=[5.0, 6.0, 7.0]), most=30)
    assert step == 2
    np.testing.assert_array_equal(part, expected[[0, 0, 2]])
    np.testing.assert_array_equal(part["y"], [5, 6, 7])
    assert part.attrs == image.attrs
    absent = np.zeros(12, bool)
    absent[5] = True
    rows = STACK.reshape(12, 5) * ~absent[:, None]
    held = SparseMap(sparse.csr_array(rows), (3, 4), absent)
    sparse_image, _ = total_image(xr.DataArray(xr.Variable(("y", "x", "e"), held)))
    np.testing.assert_array_equal(sparse_image, np.where(absent, np.nan, rows.sum(1)).reshape(3, 4))
    np.testing.assert_array_equal(total_image(xr.DataArray(STACK.astype(np.uint8), dims=cube.dims))[0], STACK.sum(2))


def test_a_large_file_is_previewed_without_reading_all_of_it(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:  # 80 GB of zeros that take no room
        for name in ("first", "second"):
            file.create_dataset(name, (1000, 1000, 10_000), np.float32, chunks=(1, 1000, 1000))
    chooser = mf.open(tmp_path / "a.h5")
    assert "sum of 10000 channels, of every 150th row" in chooser.picture.value
    assert chooser.selected == 0
    assert chooser.lazy is None


@pytest.mark.parametrize(
    ("shape", "dims", "words"),
    [
        ((3, 4, 5), ("y", "x", "e"), "Total image: sum of 5 channels. 3 x 4 x 5 float64 (y, x | e)"),
        ((2, 3, 4, 5), ("z", "y", "x", "e"), "Total image, middle section: sum of 5 channels"),
        ((7, 5), ("x", "energy"), "Total of each pixel: sum of 5 channels"),
        ((1, 5), ("x", "energy"), "Spectrum. 1 x 5"),
        ((64, 70), ("x", "channel"), "All values, a spectrum in each row. 64 x 70 float64 (x | channel)"),
        ((6, 5), ("y", "x"), "Picture without a spectral axis. 6 x 5 float64 (y, x)"),
    ],
)
def test_the_preview_says_what_it_shows(shape, dims, words):
    preview = Preview.of(xr.DataArray(np.arange(np.prod(shape), dtype=float).reshape(shape), dims=dims))
    assert preview.caption.startswith(words)
    assert preview.png.startswith(b"\x89PNG")
