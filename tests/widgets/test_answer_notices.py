"""What an explorer says about its answer: counts fitted by least squares, spikes, one material in two components."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.widgets.answer_notices import answer_notices
from mffnb.widgets.session.progress import outcome_text

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")


@pytest.fixture
def opened():
    made = []

    def explore(*arguments, **options):
        made.append(mf.explore(*arguments, **{"tol": 1e-4, **options}))
        made[-1].wait(60)
        return made[-1]

    yield explore
    for one in made:
        one.close()


def scene(seed=0, shape=(12, 16), channels=30, k=2):
    rng = np.random.default_rng(seed)
    centres = np.linspace(0.2, 0.8, k)
    spectra = np.exp(-(((np.linspace(0, 1, channels) - centres[:, None]) / 0.15) ** 2)) + 0.05
    across = np.linspace(0, np.pi, shape[1])
    maps = np.stack([0.3 + 0.7 * np.sin(across + i) ** 2 for i in range(k)], axis=-1) * np.ones((shape[0], 1, 1))
    return rng, maps @ spectra


def press(explorer, word):
    notice = next(one for one in explorer.view.notices if word in one["text"])
    content = {"type": "call", "tool": notice["tool"], "arguments": notice["arguments"]}
    explorer.view._receive(explorer.view, content, [])
    explorer.wait(60)


def test_counts_fitted_by_least_squares_are_cured_by_poisson(opened):
    rng, mean = scene()
    explorer = opened(rng.poisson(20 * mean).astype(float), k=2)
    assert any(text.startswith("These are counts") for text in explorer.notices)
    press(explorer, "counts")
    assert explorer.settings.similarity == "kl"
    assert not any("counts" in text for text in explorer.notices)


def test_counts_that_auto_has_weighted_are_not_named_and_the_control_says_where_the_noise_model_is_from(opened):
    rng, mean = scene()
    explorer = opened(rng.poisson(20 * mean).astype(float), k=2, volume="auto")
    assert explorer.session.last.weight_for_counts is not None
    assert "Poisson weights" in outcome_text(explorer.session.last)
    assert explorer.result.parameters["weights"] == "poisson"
    assert not any("counts" in text for text in explorer.notices)
    assert explorer.controls.similarity.label == "from the data"
    explorer.controls.auto.value = False
    assert explorer.controls.similarity.label == "least squares"


def test_the_noise_control_names_poisson_weights_that_were_given(opened):
    rng, mean = scene()
    explorer = opened(rng.poisson(20 * mean).astype(float), k=2, weights="poisson")
    assert explorer.controls.similarity.label == "least squares, Poisson weights"
    explorer.controls.auto.value = True
    assert explorer.controls.similarity.label == "least squares, Poisson weights"


@pytest.mark.parametrize("kind", ["floats", "steps of a gain of ten", "rounded"])
def test_other_data_are_not_called_counts(opened, kind):
    rng, mean = scene()
    cubes = {
        "floats": 20 * mean + 0.1 * rng.random(mean.shape),
        "steps of a gain of ten": 10.0 * rng.poisson(20 * mean),
        "rounded": np.rint(1000 * mean + rng.normal(0, 3, mean.shape)),
    }
    explorer = opened(cubes[kind], k=2)
    assert not any("counts" in text for text in explorer.notices)


def test_a_cosmic_ray_is_named_and_its_channel_left_out(opened):
    rng, mean = scene()
    values = mean + 0.01 * rng.random(mean.shape)
    values[3, 4, 11] = 300.0
    axis = {"energy": 400.0 + np.arange(30)}
    explorer = opened(xr.DataArray(values, dims=("y", "x", "energy"), coords=axis), k=3)
    (text,) = [text for text in explorer.notices if "spike" in text]
    assert "energy = 411" in text
    assert "a few pixels" in text
    press(explorer, "spike")
    assert bool(explorer.result.endmembers.sel(energy=411).isnull().all())
    assert not any("spike" in text for text in explorer.notices)


def test_a_line_of_one_channel_that_has_a_map_is_no_spike(opened):
    rng, mean = scene()
    values = mean + 0.01 * rng.random(mean.shape)
    values[2:8, 3:9, 11] += 10.0
    explorer = opened(values, k=3)
    assert not any("spike" in text for text in explorer.notices)


def with_factors(explorer, endmembers, abundances):
    """The state of an explorer with other factors."""
    solved = explorer.session.last
    return replace(solved, state=replace(solved.state, endmembers=endmembers, abundances=abundances))


def test_nearly_equal_spectra_are_named_and_merged(opened):
    rng, mean = scene(k=3)
    explorer = opened(mean + 0.01 * rng.random(mean.shape), k=3)
    state = explorer.session.last.state
    assert not any("twice" in text for text in explorer.notices)
    E = state.endmembers.copy()
    E[2] = 2 * E[0] * (1 + 0.01 * rng.standard_normal(E.shape[1]))
    labels = ["lignin", "b", "wall"]
    (notice,) = [one for one in answer_notices(with_factors(explorer, E, state.abundances), labels) if "tool" in one]
    assert notice["text"].startswith("lignin and wall have nearly equal spectra")
    assert (notice["tool"], notice["arguments"]) == ("merge", {"component": 0, "other": 2})


def test_a_ratio_that_is_no_image_is_named_as_in_the_result(opened):
    rng, mean = scene(k=3)
    explorer = opened(mean + 0.01 * rng.random(mean.shape), k=3)
    state = explorer.session.last.state
    E = state.endmembers / np.linalg.norm(state.endmembers, axis=1, keepdims=True)
    E[1] = E[0] + 0.2 * E[1]
    phase = (np.arange(state.abundances.shape[1]) < state.abundances.shape[1] // 2).astype(float)
    grain = rng.random(phase.size)
    A = np.stack([phase * grain, phase * (1 - grain), 1 - phase])
    (notice,) = answer_notices(with_factors(explorer, E, A), ["a", "b", "c"])
    assert notice["text"].startswith("a and b share the same pixels, and their ratio is no image")
    A[0], A[1] = phase, 0.02 * phase * grain
    assert not list(answer_notices(with_factors(explorer, E, A), ["a", "b", "c"]))
