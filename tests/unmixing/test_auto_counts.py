"""The rule for volume="auto" on counts: which data are counts, the weights and the volume it chooses, and its record."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.errors import UnsupportedCombinationError
from mffnb.preprocessing import UnitSum
from mffnb.selection import match, spectral_angles
from mffnb.solvers import Outcome
from mffnb.stability.refit import Refit

K = 3


def _spectra(*, peaks: bool) -> np.ndarray:
    """Broad bands that overlap, or peaks with zeros between them."""
    position, rng = np.linspace(0, 1, 60), np.random.default_rng(5)
    if peaks:
        E = np.zeros((K, 60))
        for one, place in enumerate(np.split(rng.permutation(60)[:18], K)):
            E[one, place] = 0.3 + rng.random(6)
        return E
    centres = np.array([0.2, 0.5, 0.8])
    return 0.3 + np.exp(-(((position - centres[:, None]) / 0.25) ** 2))


def _counts(level: float, *, peaks: bool = False, seed: int = 0) -> xr.DataArray:
    rng = np.random.default_rng(seed)
    X = rng.dirichlet(np.full(K, 0.8), 900) @ _spectra(peaks=peaks)
    return xr.DataArray(
        rng.poisson(X * level / X.sum(axis=1).mean()).astype(float).reshape(30, 30, 60), dims=("y", "x", "channel")
    )


def _auto(cube: Any, seed: int = 0, **settings: Any) -> mf.Unmixing:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of another answer that fits as well
        return mf.unmix(cube, K, volume="auto", random_state=seed, **settings)


def _angle(truth: Any, E: Any) -> float:
    E = np.asarray(E)
    return float(np.diagonal(spectral_angles(truth, E[match(truth, E)])).mean())


BANDS = _counts(150.0)


def test_few_counts_are_fitted_with_poisson_weights_and_a_volume() -> None:
    found = _auto(BANDS)
    assert found.parameters["weights"] == "poisson"
    assert found.parameters["volume"] == "auto"
    assert found.parameters["volume_weight"] > 0
    assert "Poisson weights, because variance grows like the mean" in found.parameters["weighting"]
    equal = _auto(BANDS, weights="equal")
    assert "weighting" not in equal.parameters
    assert _angle(_spectra(peaks=False), found.endmembers) < 0.7 * _angle(_spectra(peaks=False), equal.endmembers)


def test_the_answer_is_that_of_an_ordinary_fit_with_the_settings_of_the_record() -> None:
    found = _auto(BANDS)
    noted = found.parameters
    fractions = {name: noted[name] for name in ("sum_to_one", "gain")}
    same = mf.unmix(BANDS, K, weights="poisson", volume=noted["volume_weight"], random_state=1, **fractions)
    assert _angle(found.endmembers.values, same.endmembers.values) < 5e-3
    task = Refit.of(found, {}).task
    assert (task.weights, task.physics.volume) == ("poisson", noted["volume_weight"])
    assert Refit.of(_auto(BANDS, weights="equal"), {"volume": "auto"}).task.weights == "equal"


def test_every_seed_finds_the_same_answer() -> None:
    first = _auto(BANDS).endmembers.values
    assert max(_angle(first, _auto(BANDS, seed).endmembers.values) for seed in (1, 2)) < 2e-3


def test_spectra_with_many_zeros_get_no_volume() -> None:
    cube = _counts(100.0, peaks=True)
    found = _auto(cube)
    assert found.parameters["volume_weight"] == 0
    assert found.parameters["weighting"].endswith("so no volume is needed")
    assert "volume" not in found.freedom.chosen_by
    plain = mf.unmix(cube, K, weights="poisson", random_state=0)
    assert _angle(plain.endmembers.values, found.endmembers.values) < 5e-3


@pytest.mark.parametrize("change", ["white noise", "difference"])
def test_other_data_have_the_answer_of_equal_weights_to_the_last_bit(change: str) -> None:
    rng = np.random.default_rng(0)
    cube = BANDS + 3 * rng.standard_normal(BANDS.shape) if change == "white noise" else BANDS - BANDS.mean() / 50
    found, equal = _auto(cube), _auto(cube, weights="equal")
    assert found.parameters["weights"] is None
    np.testing.assert_array_equal(found.endmembers, equal.endmembers)
    np.testing.assert_array_equal(found.abundances, equal.abundances)


def test_counts_with_a_factor_are_counts() -> None:
    found = _auto(0.37 * BANDS)
    assert "0.3" in found.parameters["weighting"]
    assert _angle(_auto(BANDS).endmembers.values, found.endmembers.values) < 5e-3


def test_masked_pixels_and_channels_take_no_part() -> None:
    pixels, channels = np.ones((30, 30), bool), np.ones(60, bool)
    pixels[:3], channels[:4] = False, False
    found = _auto(BANDS, mask=[pixels, channels])
    assert found.parameters["weights"] == "poisson"
    assert bool(found.endmembers[:, :4].isnull().all())
    assert _angle(_spectra(peaks=False)[:, 4:], found.endmembers.values[:, 4:]) < 0.12


def test_a_step_that_scales_pixels_leaves_the_answer_in_the_units_of_the_data() -> None:
    found = _auto(BANDS, preprocess=[UnitSum()])
    model = found.reconstruction()
    assert abs(float(model.sum() / BANDS.sum()) - 1) < 0.02


@pytest.mark.parametrize("peaks", [False, True])
def test_sums_of_one_and_gains_that_are_requested_are_kept(peaks: bool) -> None:
    cube = _counts(150.0, peaks=peaks)
    whole, scaled = _auto(cube, sum_to_one=True), _auto(cube, gain=True)
    assert whole.gain is None
    assert scaled.gain is not None
    for one in (whole, scaled):
        np.testing.assert_allclose(one.abundances.sum("component"), 1, atol=1e-9)
        assert one.parameters["weights"] == "poisson"


def test_a_single_component_needs_no_volume() -> None:
    rng = np.random.default_rng(0)
    found = mf.unmix(rng.poisson(np.full((12, 12, 20), 5.0)).astype(float), 1, volume="auto", random_state=0)
    assert found.endmembers.shape == (1, 20)


def test_what_the_rule_cannot_use_is_refused_in_one_sentence() -> None:
    gaps = BANDS.copy()
    gaps[0, 0, 3] = np.nan
    with pytest.raises(UnsupportedCombinationError, match="takes no missing entries"):
        _auto(gaps)
    with pytest.raises(UnsupportedCombinationError, match="takes no known endmembers"):
        _auto(BANDS, known=_spectra(peaks=False)[:1])
    with pytest.raises(UnsupportedCombinationError, match="weights='poisson' or weights='equal'"):
        _auto(BANDS, weights=np.ones(60))
    with pytest.raises(UnsupportedCombinationError, match="leave out weights and similarity"):
        _auto(BANDS, similarity="kl")
    with pytest.raises(ValueError, match="some values are negative: clip them first"):
        _auto(BANDS - 1, weights="poisson")


def test_a_callback_may_end_the_search_and_the_fit() -> None:
    for last in (0, 12):
        seen: list[int] = []

        def stop(state: Any, last: int = last, seen: list[int] = seen) -> bool:
            seen.append(state.iteration)
            assert state.abundances.shape == (K, 900)
            return state.iteration >= last

        found = _auto(BANDS, callback=stop)
        assert found.outcome is Outcome.STOPPED
        assert seen == sorted(set(seen))
        assert seen[-1] == last


def test_equal_weights_are_no_weights() -> None:
    plain, equal = mf.unmix(BANDS, K, random_state=0), mf.unmix(BANDS, K, weights="equal", random_state=0)
    np.testing.assert_array_equal(plain.endmembers, equal.endmembers)
