"""Uncertainty bands in the explorer, without a browser."""

from __future__ import annotations

import time

import numpy as np
import pytest

import mffnb as mf
from mffnb.widgets.live_view.frame import Frame, encode
from tests.conftest import mixture

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")


def opened(cube, **options):
    explorer = mf.explore(cube, **{"k": 3, "tol": 1e-5, "max_iter": 3000, **options})
    explorer.frames = []
    show = explorer.view.show
    explorer.view.show = lambda frame: (explorer.frames.append(frame), show(frame))[1]
    explorer.wait(60)
    return explorer


@pytest.fixture
def explorer(cube):
    made = opened(cube)
    yield made
    made.close()


def test_bands_appear_after_convergence_and_can_be_switched_off(explorer):
    before = explorer.result
    assert all(frame.bands is None for frame in explorer.frames)
    explorer.controls.set(bands=True)
    explorer.wait(120)
    last = explorer.frames[-1]
    assert last.final
    low, high = last.bands
    assert (low <= last.spectra).all()
    assert (last.spectra <= high).all()
    assert (high > low).any()
    assert "20 replicas of the noise (residual)" in last.status["text"]
    np.testing.assert_array_equal(explorer.result.endmembers, before.endmembers)  # no new fit
    explorer.controls.set(bands=False)
    explorer.wait(60)
    assert explorer.frames[-1].bands is None
    assert explorer.frames[-1].status["text"] == ""


def test_bands_agree_with_stability(cube):
    explorer = opened(cube)
    explorer.controls.set(bands=True)
    explorer.wait(120)
    low, high = explorer.frames[-1].bands
    found = mf.selection.stability(cube, explorer.result, n_init=0, n_bootstrap=20, random_state=4)
    # Different random draws, so only approximately equal widths.
    width, wanted = (high - low).mean(axis=1), (found.upper - found.lower).mean("energy").values
    np.testing.assert_allclose(width, wanted, rtol=0.4)
    explorer.close()


def test_moved_slider_cancels_the_replicas(explorer):
    explorer.controls.set(bands=True)
    while explorer.session.last.bands is None:
        time.sleep(0.005)
    explorer.controls.set(k=4)
    explorer.wait(120)
    record = explorer._fit.runner.log[-2]
    assert record.abandoned
    assert explorer.result.abundances.sizes["component"] == 4
    assert explorer.frames[-1].bands[0].shape[0] == 4  # bands of the new result


@pytest.mark.parametrize(
    "options",
    [
        {"similarity": "kl"},
        {"sum_to_one": True},
        pytest.param({"preprocess": [mf.preprocessing.UnitSum()]}, marks=pytest.mark.slow),
        pytest.param({"volume": "auto"}, marks=pytest.mark.slow),
        pytest.param({"weights": "poisson"}, marks=pytest.mark.slow),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore::mffnb.errors.MffnbWarning")
def test_bands_exist_for_every_model(options):
    explorer = opened(mixture((10, 11), channels=12, noise=0.02), tol=1e-3, **options)
    explorer.controls.set(bands=True)
    explorer.wait(120)
    low, high = explorer.frames[-1].bands
    assert np.isfinite(low).all()
    assert np.isfinite(high).all()
    explorer.close()


def test_status_line_explains_missing_bands(cube):
    explorer = opened(cube, preprocess=[mf.preprocessing.Crop({"energy": (404, 430)})])
    explorer.controls.set(bands=True)
    explorer.wait(60)
    last = explorer.frames[-1]
    assert last.final
    assert last.bands is None
    assert "apply these steps first" in last.status["text"]
    explorer.close()


def test_reduced_bands_contain_the_full_bands():
    rng = np.random.default_rng(0)
    spectra = rng.random((2, 1000))
    bands = spectra - rng.random((2, 1000)), spectra + rng.random((2, 1000))
    frame = Frame(np.ones((2, 3, 4)), spectra, np.arange(1000.0)[::-1], "E", ("a", "b"), ("#111111",) * 2, bands=bands)
    header, _, curves = encode(frame, 10, 50)
    m = header["channels"]
    assert header["bands"]
    drawn, low, high = np.split(np.frombuffer(curves, "<f4").reshape(-1, m)[1:], 3)
    assert (low <= drawn).all()
    assert (drawn <= high).all()
    np.testing.assert_allclose(low.min(axis=1), bands[0].min(axis=1), rtol=1e-6)
    np.testing.assert_allclose(high.max(axis=1), bands[1].max(axis=1), rtol=1e-6)


def test_bands_of_wrong_shape_raise_an_error():
    with pytest.raises(ValueError, match="both ends of bands"):
        Frame(
            np.ones((1, 3, 4)), np.ones((1, 5)), np.arange(5.0), "E", ("a",), ("#111111",), bands=(np.ones((1, 4)),) * 2
        )


@pytest.mark.parametrize("options", [{"smoothness": 0.1}, {"sparsity": 1e-2}], ids=str)
def test_bands_of_a_penalised_result_contain_its_bias(cube, options):
    explorer = opened(cube, **options)
    explorer.controls.set(bands=True)
    explorer.wait(120)
    last = explorer.frames[-1]
    low, high = last.bands
    found = mf.selection.stability(cube, explorer.result, n_init=0, n_bootstrap=20, random_state=4)
    noise = (found.replicas.upper - found.replicas.lower).mean("energy").values
    wanted = (found.upper - found.lower).mean("energy").values
    np.testing.assert_allclose((high - low).mean(axis=1), wanted, rtol=0.4)
    assert (wanted > noise).all()
    for said in ("not a confidence interval", "the sparsity penalty chose"):  # the page doubts what Python doubts
        assert (said in last.status["text"]) == (said in found.doubt)
    explorer.close()
