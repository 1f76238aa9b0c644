"""Known abundances in regions of an explorer: a component is absent, pure, or of a known fraction there."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.errors import UnsupportedCombinationError
from mffnb.widgets.session.fixed_regions import FixedRegion, first_rows
from mffnb.widgets.session.parameters import Parameters
from mffnb.widgets.session.solved import numbers_of
from mffnb.widgets.session.wording import change_text

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")

SHAPE = (12, 18)
LEFT, SPOT = np.zeros(SHAPE, dtype=bool), np.zeros(SHAPE, dtype=bool)
LEFT[:, :5], SPOT[3:6, 9:13] = True, True


@pytest.fixture(scope="module")
def image():
    return mf.datasets.tof_sims_2d(seed=0, shape=SHAPE).cube.isel(mz=slice(0, 120))


@pytest.fixture
def explore(image):
    opened = []
    yield lambda **options: opened.append(mf.explore(image, **{"k": 3, **options})) or opened[-1]
    for one in opened:
        one.close()


@pytest.fixture
def explorer(explore):
    one = explore()
    one.wait()
    one.region(mask=LEFT, name="left")
    one.region(mask=SPOT, name="spot")
    return one


def abundance(explorer, number):
    return explorer.result.abundances.sel(component=number).values


def settled(explorer):
    explorer.wait()
    assert explorer.view.failure is None, explorer.view.failure
    return explorer


def test_absent_and_pure_hold_and_undo_takes_them_back(explorer):
    before = abundance(explorer, 1)
    explorer.fix(1, "left")
    settled(explorer)
    assert not abundance(explorer, 1)[LEFT].any()
    assert abundance(explorer, 1)[~LEFT].any()
    explorer.fix(0, "spot", 1)
    settled(explorer)
    assert not abundance(explorer, 1)[SPOT].any()
    assert not abundance(explorer, 2)[SPOT].any()
    shown = explorer.view.encoded["header"]["parameters"]["fixed"]
    assert shown == [
        {"component": 1, "region": "left", "fraction": 0.0},
        {"component": 0, "region": "spot", "fraction": 1.0},
    ]
    explorer.undo()
    settled(explorer)
    assert abundance(explorer, 1)[SPOT].any()
    explorer.undo()
    settled(explorer)
    np.testing.assert_array_equal(abundance(explorer, 1), before)
    assert "fixed" not in explorer.view.encoded["header"]["parameters"]


def test_a_fraction_needs_a_sum_of_one(explore, explorer):
    with pytest.raises(UnsupportedCombinationError, match="needs abundances that sum to one"):
        explorer.fix(1, "left", 0.3)
    summed = explore(sum_to_one=True)
    settled(summed)
    summed.region(mask=LEFT, name="left")
    summed.fix(1, "left", 0.3)
    settled(summed)
    np.testing.assert_array_equal(abundance(summed, 1)[LEFT], 0.3)
    np.testing.assert_allclose(summed.result.abundances.sum("component"), 1, atol=1e-12)


def test_it_is_let_go_and_follows_its_region(explorer):
    explorer.fix(1, "left")
    settled(explorer)
    explorer.region(mask=SPOT, name="left")
    settled(explorer)
    assert abundance(explorer, 1)[LEFT].any()
    assert not abundance(explorer, 1)[SPOT].any()
    explorer.fix(1, "left", on=False)
    settled(explorer)
    assert abundance(explorer, 1)[SPOT].any()
    explorer.fix(1, "left")
    settled(explorer)
    explorer.drop_region(name="left")
    settled(explorer)
    assert abundance(explorer, 1)[SPOT].any()
    assert explorer.result.parameters.get("fixed") is None


@pytest.mark.parametrize("similarity", ["frobenius", "kl"])
def test_the_number_stays_when_k_moves_and_when_another_one_is_held(explore, similarity):
    explorer = explore(k=4, similarity=similarity)
    settled(explorer)
    explorer.region(mask=LEFT, name="left")
    explorer.fix(3, "left")
    settled(explorer)
    assert not abundance(explorer, 3)[LEFT].any()
    for k in (2, 5):
        explorer.apply(k=k)
        settled(explorer)
        assert 3 in numbers_of(explorer.result)
        assert not abundance(explorer, 3)[LEFT].any()
    explorer.hold(3 if k == 2 else next(n for n in numbers_of(explorer.result) if n != 3))
    settled(explorer)
    assert not abundance(explorer, 3)[LEFT].any()
    others = [n for n in numbers_of(explorer.result) if n != 3]
    assert all(abundance(explorer, n)[LEFT].any() for n in others)


def test_code_repeats_what_rerun_shows(explorer, image):
    explorer.hold(2)
    explorer.fix(1, "left")
    explorer.fix(0, "spot", 1)
    settled(explorer)
    text = explorer.code()
    assert "# known abundances: component 1 absent in left; component 0 pure in spot" in text
    assert "mf.Fixed(" in text
    explorer.rerun()
    settled(explorer)
    scope = {"given": image}
    exec(explorer.code().replace("cube = ...", "cube = given"), scope)
    again, shown = scope["result"], explorer.result
    order = [2, *(n for n in numbers_of(shown) if n != 2)]
    np.testing.assert_array_equal(again.abundances.values, shown.abundances.sel(component=order).values)
    np.testing.assert_array_equal(again.endmembers.values, shown.endmembers.sel(component=order).values)
    assert not abundance(explorer, 1)[LEFT].any()


def test_terms_that_were_passed_name_numbers_also_beside_held_components(explore, image):
    explorer = explore(abundance_terms=[mf.Fixed(0, LEFT), mf.Sparsity(1e-3)])
    settled(explorer)
    assert not abundance(explorer, 0)[LEFT].any()
    explorer.hold(2)
    settled(explorer)
    assert not abundance(explorer, 0)[LEFT].any()
    assert abundance(explorer, 2)[LEFT].any()
    explorer.rerun()
    settled(explorer)
    assert not abundance(explorer, 0)[LEFT].any()
    scope = {"given": image}
    exec(explorer.code().replace("cube = ...", "cube = given"), scope)
    shown = explorer.result.abundances.sel(component=[2, 0, 1])
    np.testing.assert_array_equal(scope["result"].abundances.values, shown.values)


def test_it_is_saved_with_the_session(explorer, tmp_path):
    explorer.fix(1, "left")
    settled(explorer)
    explorer.save(tmp_path / "session.zip")
    restored = mf.explore(tmp_path / "session.zip")
    restored.wait()
    try:
        assert restored.controls.parameters == explorer.controls.parameters
        np.testing.assert_array_equal(restored.result.abundances.values, explorer.result.abundances.values)
        restored.rerun()
        settled(restored)
        assert not abundance(restored, 1)[LEFT].any()
    finally:
        restored.close()


def test_refusals(explorer):
    with pytest.raises(KeyError, match="there is no region 'right'"):
        explorer.fix(1, "right")
    with pytest.raises(ValueError, match="there is no component 7"):
        explorer.fix(7, "left")
    with pytest.raises(ValueError, match="between 0"):
        explorer.fix(1, "left", 1.5)
    explorer.fix(0, "spot", 1)
    settled(explorer)
    with pytest.raises(UnsupportedCombinationError, match="no component in 12 pixels"):
        explorer.fix(1, "spot", 1)
    with pytest.raises(ValueError, match="has known abundances in spot"):
        explorer.merge(0, 1)
    with pytest.raises(ValueError, match=r"fix\(0, 'spot', on=False\)"):
        explorer.split(0)


def test_k_does_not_fall_below_the_components_that_stay(explorer, explore):
    explorer.fix(0, "left")
    explorer.fix(2, "spot")
    settled(explorer)
    assert explorer.controls.k.min == 2
    with pytest.raises(ValueError, match="k"):
        explorer.apply(k=1)
    passed = explore(abundance_terms=[mf.Fixed(0, LEFT), mf.Fixed(1, SPOT)])
    settled(passed)
    passed.apply(k=1)
    with pytest.raises(ValueError, match="k = 1 is less than the number of components"):
        passed.wait()


def test_the_history_says_what_is_known():
    mask = xr.DataArray(LEFT, dims=("y", "x"))
    facts = tuple(FixedRegion(1, "left", mask, fraction) for fraction in (0.0, 1.0, 0.25))
    texts = [change_text(Parameters(3), Parameters(3, fixed=(one,))) for one in facts]
    assert texts == [f"component 1 {what} in left" for what in ("absent", "pure", "fixed to 0.25")]
    assert change_text(Parameters(3, fixed=facts[:1]), Parameters(3)) == "no component 1 absent in left"


def test_rows_of_a_run_from_the_data():
    assert first_rows(4, [], [1]) == (0, 1, 2, 3)
    assert first_rows(3, [4], [1], before=[1, 4, 6]) == (4, 1, 6)
    with pytest.raises(ValueError, match="raise k, or release one"):
        first_rows(1, [0], [1])
