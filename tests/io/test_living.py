"""The living figure as a file: exact data, starts for every k, size, policy, and refusals in one sentence."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.io.export import choose_writer
from mffnb.io.living_data import LivingData, quantised, reductions

CHANNELS = 12


@pytest.fixture(scope="module")
def cube():
    values = np.random.default_rng(3).poisson(3.0, (6, 8, CHANNELS)).astype(np.uint16)
    coords = {"y": np.arange(6) * 2.0, "x": np.arange(8) * 2.0, "mz": np.arange(CHANNELS) + 0.5}
    made = xr.DataArray(values, coords, ("y", "x", "mz"), attrs={"units": "counts"})
    for name in ("y", "x"):
        made[name].attrs["units"] = "nm"
    made.mz.attrs["units"] = "u"
    return made


def content(path):
    """Facts and arrays of a figure."""
    page = path.read_text(encoding="utf-8")
    facts = json.loads(re.search(r'<script type="application/json" id="facts">(.*?)</script>', page)[1])
    packed = re.search(r'<script type="application/octet-stream" id="arrays">(.*?)</script>', page)[1]
    block = zlib.decompress(base64.b64decode(packed))
    arrays = {
        one["name"]: np.frombuffer(block, f"<{np.dtype(one['type']).str[1:]}", one["length"], one["first"])
        for one in facts["arrays"]
    }
    return page, facts, arrays


def test_figure_holds_exact_counts_factors_and_axes(cube, tmp_path):
    result = mf.unmix(cube, 2, random_state=0, sparsity=0.01, tol=1e-5, max_iter=300)
    (path,) = result.export(tmp_path / "Figure.LIVING.html")
    _, facts, arrays = content(path)
    assert arrays["codes"].dtype == np.uint8
    assert facts["step"] == 1
    np.testing.assert_array_equal(arrays["codes"].reshape(cube.shape), cube)
    np.testing.assert_array_equal(arrays["channel"], cube.mz)
    k = len(facts["labels"])
    assert k == 5
    np.testing.assert_allclose(arrays["A"].reshape(k, 6, 8)[:2], result.abundances, rtol=1e-6)
    np.testing.assert_allclose(arrays["E"].reshape(k, CHANNELS)[:2], result.endmembers, rtol=1e-6)
    assert facts["settings"] == {"k": 2, "sparsity": 0.01, "smoothness": 0.0}
    assert (facts["tolerance"], facts["iterations"], facts["outcome"]) == (1e-5, 300, "converged")
    assert (facts["shape"], facts["pixel_size"], facts["channel_label"]) == ([6, 8], [2.0, 2.0, "nm"], "mz (u)")
    assert len(set(facts["colors"])) == k


def test_each_further_start_lowers_the_residual_and_needs_no_random_numbers(cube):
    result = mf.unmix(cube, 2, random_state=0)
    data = LivingData(
        cube.values.astype(float), result.abundances.values, result.endmembers.values, cube.mz.values.astype(float)
    )
    A, E = data.starts(5)
    assert min(A.min(), E.min()) >= 0
    rows = data.cube.reshape(-1, CHANNELS)
    left = [np.linalg.norm(rows - A[:k].T @ E[:k]) for k in range(2, 6)]
    assert all(np.diff(left) < 0)
    for again, first in zip(data.starts(5), (A, E), strict=True):
        np.testing.assert_array_equal(again, first)


def test_policy_allows_the_script_of_the_page_alone(cube, tmp_path):
    (path,) = mf.unmix(cube, 2, random_state=0).export(tmp_path / "figure.living.html")
    page, *_ = content(path)
    script = page.rsplit("<script>", 1)[1].removesuffix("</script></body></html>")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert f"default-src 'none'; script-src 'sha256-{digest}' blob:;" in policy
    assert "unsafe-eval" not in policy
    assert not re.search(r"""(src|href)=["']?https?:""", page)
    assert "</script" not in script


def test_titles_and_names_cannot_become_markup(cube, tmp_path):
    result = mf.unmix(cube, 2, random_state=0)
    name = "</script><script>alert(1)</script>"
    maps, spectra = (
        array.assign_coords(label=("component", [name, "b"])) for array in (result.abundances, result.endmembers)
    )
    (path,) = replace(result, abundances=maps, endmembers=spectra).export(tmp_path / "figure.living.html")
    page, facts, _ = content(path)
    assert facts["labels"][0] == name
    assert name not in page


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"similarity": "kl"}, "similarity='kl'"),
        ({"sum_to_one": True}, "sum_to_one"),
        ({"preprocess": [mf.preprocessing.UnitSum()]}, "preprocessing"),
        ({"weights": "poisson"}, "weights"),
        ({"abundance_terms": [mf.penalties.Ridge(0.1)]}, "Ridge"),
        ({"known": np.ones((1, CHANNELS))}, "known spectra"),
        ({"mask": np.arange(48).reshape(6, 8) > 3}, "4 are masked"),
    ],
)
def test_what_the_solver_of_the_page_does_not_know_is_refused(cube, tmp_path, settings, words):
    result = mf.unmix(cube, 2, random_state=0, **settings)
    path = tmp_path / "figure.living.html"
    path.write_text("before")
    with pytest.raises(ValueError, match="living figure") as refusal:
        result.export(path)
    assert words in str(refusal.value)
    assert ".html" in str(refusal.value)
    assert path.read_text() == "before"


def test_stacks_and_two_channel_axes_are_refused(tmp_path):
    values = np.random.default_rng(0).random((3, 4, 5, 6))
    stack = mf.unmix(xr.DataArray(values, dims=("z", "y", "x", "c")), 2, random_state=0)
    patterns = mf.unmix(xr.DataArray(values, dims=("y", "x", "ky", "kx")), 2, channel=("ky", "kx"), random_state=0)
    for result in (stack, patterns):
        with pytest.raises(ValueError, match="an image or a line of spectra"):
            result.export(tmp_path / "figure.living.html")


def test_line_of_spectra_is_one_row_in_the_bands_of_python(cube, tmp_path):
    (path,) = mf.unmix(cube[0], 2, random_state=0).export(tmp_path / "line.living.html")
    _, facts, _ = content(path)
    assert facts["shape"] == [1, 8]
    assert facts["bands"] == [0, 8]


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e9])
def test_values_that_are_no_counts_are_rounded_to_16_bits(scale):
    values = scale * np.random.default_rng(1).normal(size=(4, 5))
    for array, kind in ((np.abs(values), np.uint16), (values, np.int16)):
        codes, step = quantised(array, 1)
        assert codes.dtype == kind
        assert np.abs(codes * step - array).max() <= step * 0.51
        assert step <= np.abs(array).max() / 2**14
    codes, step = quantised(np.zeros(3), 1)
    assert codes.tolist() == [0, 0, 0]


def test_large_data_are_averaged_until_the_page_is_small_enough(tmp_path, monkeypatch):
    values = np.random.default_rng(2).poisson(1.0, (20, 24, 600)).astype(float)
    result = mf.unmix(xr.DataArray(values, dims=("y", "x", "c")), 2, random_state=0, tol=0.1)
    monkeypatch.setattr("mffnb.io.writers.living._MOST_ENTRIES", 20 * 24 * 300)
    (path,) = result.export(tmp_path / "figure.living.html")
    page, facts, arrays = content(path)
    assert "means over 2 channels" in page
    means = values.reshape(20, 24, 300, 2).mean(axis=-1)
    np.testing.assert_array_equal(arrays["codes"].reshape(20, 24, 300) * facts["step"], means)
    assert facts["step"] == 0.5
    monkeypatch.setattr("mffnb.io.writers.living._LARGEST", 1000)
    with pytest.raises(ValueError, match="crop the cube"):
        result.export(path)


def test_reductions_become_coarser_and_end():
    listed = list(reductions((300, 100), 1535))
    sizes = [300 * 100 * 1535 / (pixels**2 * channels) for pixels, channels in listed]
    assert all(np.diff(sizes) < 0)
    assert listed[0] == (1, 1)


def test_suffix_of_a_report_still_gives_a_report():
    assert choose_writer("figure.html")[0].name == "report"
    assert choose_writer("figure.living.html")[0].name == "living figure"
