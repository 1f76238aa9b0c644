"""Rotational ambiguity of endmembers, and statistical efficiency of least squares on counts."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

import mffnb as mf
from mffnb.stability import Reach, efficiency_warning, noise_of, reach_of
from mffnb.stability.efficiency import efficiency
from tests.conftest import mixture

OPEN = 0.2  # multiple of the second endmember that can be subtracted from the first until an entry is zero


def two(shape=(12, 15), *, share=OPEN, size=1.0, noise=0.01):
    """Data, abundances and endmembers of two components; the first spectrum contains ``share`` of the second."""
    A = np.random.default_rng(0).dirichlet(np.full(2, 0.4), shape)
    A = np.where(A < 0.05, 0.0, A) / np.where(A < 0.05, 0.0, A).sum(axis=-1, keepdims=True)
    second = np.array([0, 0, 0, 0.5, 0.8, 1.0, 0.7, 0.4])
    E = size * np.array([np.array([1.0, 0.8, 0.4, 0, 0, 0, 0, 0]) + share * second, second])
    return A @ E + size * noise * np.random.default_rng(1).standard_normal((*shape, 8)), A.reshape(-1, 2), E


def reached(*scene, **settings):
    X, A, E = scene
    answer = mf.unmix(X, 2, init=(A, E), tol=1e-6, max_iter=3000, random_state=0, **settings)
    return answer, reach_of(answer.cube, answer, noise_of(answer.cube, answer))


def test_reach_is_found_from_both_ends_of_the_range():
    X, A, E = two()
    answer, reach = reached(X, A, E)
    low, high = answer.endmembers.values - reach.below.values, answer.endmembers.values + reach.above.values
    for taken in (0.0, 0.5 * OPEN, OPEN):  # equivalent solutions without negative entries
        spectrum = E[0] - taken * E[1]
        spectrum *= np.linalg.norm(answer.endmembers.values[0]) / np.linalg.norm(spectrum)
        assert (low[0] - 0.02 <= spectrum).all()
        assert (spectrum <= high[0] + 0.02).all()
    open_channels = (reach.below + reach.above).values[0, 3:].max()
    assert 0.5 * OPEN < open_channels < 2 * OPEN


def test_unique_factorization_has_no_reach():
    _, reach = reached(*two(share=0.0))
    assert float((reach.below + reach.above).max()) < 0.05


@given(size=st.sampled_from([1e-6, 1.0, 1e5]))
def test_reach_scales_with_the_data(size):
    _, one = reached(*two((5, 6)))
    _, other = reached(*two((5, 6), size=size))
    np.testing.assert_allclose(other.above, size * one.above, rtol=1e-3, atol=2e-3 * size)
    np.testing.assert_allclose(other.below, size * one.below, rtol=1e-3, atol=2e-3 * size)


@pytest.mark.parametrize(
    "settings",
    [{"volume": 1e-3, "gain": True}, {"sparsity": 1e-3}, {"preprocess": [mf.preprocessing.UnitSum()]}],
    ids=str,
)
def test_penalties_remove_the_reach(settings):
    _, reach = reached(*two(), **settings)
    assert float(abs(reach.below).max()) == float(abs(reach.above).max()) == 0


def test_reach_keeps_the_sum_to_one():
    answer, reach = reached(*two(), sum_to_one=True)
    assert float((reach.below + reach.above)[0].max()) > 0.2 * OPEN
    assert answer.parameters["sum_to_one"]


def test_missing_entries_and_known_endmembers_have_no_reach(cube):
    mask = np.ones(cube.shape[:2], dtype=bool)
    mask[0, :4] = False
    cube = cube.copy(deep=True)
    cube[3, 3, 5] = np.nan
    known = mf.unmix(mixture(), 3, random_state=0).endmembers[:1]
    answer = mf.unmix(cube, 3, mask=mask, known=known, random_state=0)
    reach = reach_of(cube, answer, noise_of(cube, answer))
    assert np.isfinite(reach.above).all()
    assert float(reach.above[0].max()) == float(reach.below[0].max()) == 0
    assert reach.above.dims == answer.endmembers.dims


@given(seed=st.integers(0, 2**20))
def test_reach_widens_a_band_but_not_below_zero(seed):
    rng = np.random.default_rng(seed)
    lower, below, above = (xr.DataArray(rng.exponential(size=(2, 5)), dims=("component", "energy")) for _ in range(3))
    low, high = Reach(below, above).widen(lower, lower + 1)
    assert (low >= 0).all()
    assert (low <= lower).all()
    np.testing.assert_allclose(high, lower + 1 + above)


@pytest.mark.filterwarnings("ignore:one material may be shown twice:mffnb.errors.DegenerateWarning")
def test_least_squares_on_few_counts_gives_a_warning():
    cube = mf.datasets.tof_sims_2d(seed=0, shape=(12, 16)).cube
    with pytest.warns(mf.errors.NoiseWarning, match="use similarity='kl'") as caught:
        found = mf.selection.stability(cube, 3, 0, 9, random_state=0)
    assert [one.filename for one in caught if one.category is mf.errors.NoiseWarning] == [__file__]
    figure = found.plot()
    assert isinstance(figure, Figure)
    assert found.doubt in figure.get_suptitle()
    for settings in ({"similarity": "kl"}, {"weights": "poisson"}):
        answer = mf.unmix(cube, 3, tol=1e-2, random_state=0, **settings)
        assert efficiency_warning(answer, noise_of(cube, answer, "poisson")) == ""


@pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")
def test_least_squares_is_efficient_for_constant_noise():
    cube = mixture()
    answer = mf.unmix(cube, 3, random_state=0)
    assert efficiency_warning(answer, noise_of(cube, answer)) == ""
    even = mf.unmix(np.random.default_rng(0).poisson(np.full((6, 7, 8), 50)), 1, random_state=0)
    assert efficiency(even) > 0.95
