"""Tuning monitor of several images: trials of tune, shown as one mosaic."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.errors import UnsupportedCombinationError
from mffnb.tuning import BIC, tune

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")

SPACE = {"sparsity": [1e-3, 1e-2]}
OPTIONS = {"k": 2, "algorithm": "grid", "max_evals": 2}
SPECTRA = np.random.default_rng(7).random((2, 12))


def image(name, shape, seed, brightness=1.0):
    values = np.random.default_rng(seed).dirichlet([0.4] * 2, shape) @ SPECTRA
    return xr.DataArray(brightness * values, dims=(*("y", "x")[2 - len(shape) :], "energy"), name=name)


IMAGES = [image("a", (6, 7), 1), image("b", (9,), 2, brightness=3.0), image("c", (5, 8), 3)]


@pytest.fixture(scope="module")
def given():
    return {"mask": [None, np.arange(9) > 1, None], "image_weights": [1.0, 2.0, 1.0], **OPTIONS}


@pytest.fixture(scope="module")
def monitor(given):
    opened = mf.TuningMonitor(IMAGES, SPACE, BIC(), **given)
    opened.wait(120)
    yield opened
    opened.close()


def test_the_trials_are_those_of_tune_and_the_result_is_that_of_unmix(monitor, given):
    assert monitor.trials == tune(IMAGES, SPACE, BIC(), **given).trials
    monitor.choose(1)
    monitor.wait(60)
    found = monitor.result
    keywords = {name: given[name] for name in ("mask", "image_weights")}
    expected = mf.unmix(IMAGES, 2, sparsity=1e-2, random_state=0, **keywords)
    assert isinstance(found, mf.JointUnmixing)
    assert found.names == ("a", "b", "c")
    assert found.endmembers.sel(component=[0, 1]).shape == expected.endmembers.shape
    order = [0, 1] if np.allclose(found.endmembers[0], expected.endmembers[0]) else [1, 0]
    np.testing.assert_array_equal(found.endmembers.values[order], expected.endmembers.values)
    for mine, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(mine.abundances.values[order], other.abundances.values)
        assert mine.abundances.dims == other.abundances.dims
        np.testing.assert_allclose(mine.reconstruction(), other.reconstruction())


def test_the_view_shows_all_images_and_its_tools_know_them(monitor):
    header = monitor.view.encoded["header"]
    assert [one["name"] for one in header["images"]] == ["a", "b", "c"]
    found = monitor.probe(image="c", y=2, x=3)
    np.testing.assert_allclose(found["measured"], IMAGES[2][2, 3])
    np.testing.assert_allclose(found["model"], monitor.result["c"].reconstruction().isel(y=2, x=3), rtol=1e-6)
    masked = monitor.residual_map()
    assert int(masked.notnull().sum()) == 42 + 7 + 40


def test_code_and_explorer_belong_to_the_list(monitor):
    code = monitor.code()
    assert "images = ...  # the images that were passed to mf.TuningMonitor: a, b, c" in code
    assert "joint = mf.unmix(" in code
    assert "image_weights=[1.0, 2.0, 1.0]" in code
    masks = [None, np.arange(9) > 1, None]
    names = {"images": IMAGES, "mask": masks}
    exec("\n".join(line for line in code.splitlines() if "= ..." not in line), names)
    assert names["joint"].endmembers.shape == (2, 12)
    opened = monitor.explore()
    opened.wait(60)
    assert isinstance(opened.result, mf.JointUnmixing)
    np.testing.assert_allclose(opened.result.shared.reconstruction(), monitor.result.shared.reconstruction(), atol=2e-3)


def test_a_list_of_one_image_is_shown_as_this_image():
    opened = mf.TuningMonitor(IMAGES[:1], SPACE, BIC(), mask=[np.ones((6, 7), bool)], **OPTIONS)
    opened.wait(60)
    assert opened.result.abundances.dims == ("component", "y", "x")
    assert opened.trials == tune(IMAGES[0], SPACE, BIC(), mask=np.ones((6, 7), bool), **OPTIONS).trials
    opened.close()


def test_what_a_mosaic_cannot_show_is_refused():
    with pytest.raises(UnsupportedCombinationError, match="the monitor shows spectra that all images share"):
        mf.TuningMonitor(IMAGES, {"tie": [0.1, 0.2]}, mf.tuning.Repeatability(2), **OPTIONS)
    with pytest.raises(ValueError, match="a stack of 3 pixel dimensions"):
        mf.TuningMonitor([IMAGES[0].expand_dims(z=2), IMAGES[2]], SPACE, BIC(), **OPTIONS)


def test_a_trial_with_absent_components_does_not_open_an_explorer_that_lacks_them():
    opened = mf.TuningMonitor(IMAGES, {"sparse_images": [1e-2]}, BIC(), k=2, algorithm="grid", max_evals=1)
    opened.wait(60)
    with pytest.raises(UnsupportedCombinationError, match=r"fits without sparse_images=0.01"):
        opened.explore()
    assert opened.explorer is None
    opened.close()
