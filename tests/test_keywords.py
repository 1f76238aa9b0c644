"""Unknown keywords are refused with the nearest known one, before anything is computed."""

from __future__ import annotations

from dataclasses import is_dataclass, replace

import numpy as np
import pytest

import mffnb as mf
from mffnb import constraints, penalties, presets, similarities, solvers

CUBE = np.random.default_rng(0).random((4, 5, 9))
SPACE = {"sparsity": (1e-3, 1.0)}


@pytest.mark.parametrize(
    ("call", "nearest"),
    [
        (lambda: mf.unmix(CUBE, 2, sparsty=1), "sparsity"),
        (lambda: mf.explore(CUBE, smothness=1), "smoothness"),
        (lambda: mf.explore(CUBE, max_itr=1), "max_iter"),
        (lambda: mf.selection.scan_rank(CUBE, [2], n_int=1), "n_init"),
        (lambda: mf.RankExplorer(CUBE, [2], splts=1), "splits"),
        (lambda: mf.selection.stability(CUBE, 2, n_boot=1), "n_bootstrap"),
        (lambda: mf.selection.stability(CUBE, 2, sparsty=1), "sparsity"),
        (lambda: mf.tuning.tune(CUBE, SPACE, k=2, max_eval=1), "max_evals"),
        (lambda: mf.tuning.tune(CUBE, SPACE, k=2, smothness=1), "smoothness"),
        (lambda: mf.tuning.tune(CUBE, {"sparsty": (1e-3, 1.0)}, k=2), "sparsity"),
        (lambda: mf.TuningMonitor(CUBE, SPACE, k=2, max_eval=1), "max_evals"),
        (lambda: mf.load("a.nc", pth=1), "path"),
        (lambda: mf.read("a.nc", datset=1), "dataset"),
    ],
)
def test_the_nearest_keyword_is_suggested(call, nearest):
    with pytest.raises(TypeError, match=rf"has no keyword '\w+': did you mean '{nearest}'\?"):
        call()


@pytest.mark.parametrize("name", presets.__all__)
def test_presets_suggest_the_nearest_keyword(name):
    wrong, right = ("sum_to_on", "sum_to_one") if name == "known_endmembers" else ("randomstate", "random_state")
    with pytest.raises(TypeError, match=rf"{name} has no keyword '{wrong}': did you mean '{right}'\?"):
        getattr(presets, name)(2, **{wrong: 1})


def test_all_keywords_are_listed_if_none_is_near():
    with pytest.raises(TypeError, match="unmix has no keyword 'qqq': use cube, k, similarity, sparsity"):
        mf.unmix(CUBE, 2, qqq=1)


@pytest.mark.parametrize(
    ("call", "nearest"),
    [
        (lambda: mf.Bounds(lowr=0), "lower"),
        (lambda: mf.MatrixFactorization(n_component=3), "n_components"),
        (lambda: mf.preprocessing.Bin(spce=2), "space"),
        (lambda: mf.Checkpoint("a", evry=3), "every"),
        (lambda: mf.tuning.TargetSparsity(targt=0.1), "target"),
        (lambda: mf.Logistic(intercpt=True), "intercept"),
        (lambda: mf.datasets.tof_sims_2d(sead=0), "seed"),
        (lambda: mf.graphs.grid((3, 4), msk=None), "mask"),
        (lambda: replace(mf.Bounds(0, 1), uper=2), "upper"),
    ],
)
def test_parts_and_functions_suggest_the_nearest_keyword(call, nearest):
    with pytest.raises(TypeError, match=rf"has no keyword '\w+': did you mean '{nearest}'\?"):
        call()


def public_classes():
    """Parts that users construct: the public dataclasses of the packages of parts, and those of mffnb itself."""
    packages = (mf, mf.preprocessing, mf.geometry, solvers, constraints, penalties, similarities)
    found = [getattr(package, name) for package in packages for name in package.__all__]
    results = (mf.JointUnmixing, mf.Unmixing)
    return {one.__name__: one for one in found if isinstance(one, type) and is_dataclass(one) and one not in results}


@pytest.mark.parametrize("name", sorted(public_classes()))
def test_each_public_part_refuses_an_unknown_keyword_by_its_name(name):
    with pytest.raises(TypeError, match=rf"{name} has no keyword 'qqq': (use |it has none)"):
        public_classes()[name](qqq=1)


def test_other_errors_of_a_constructor_are_not_changed():
    with pytest.raises(TypeError, match="takes from 1 to 3 positional arguments"):
        mf.Bounds(1, 2, 3, 4)


def test_rng_is_another_name_of_random_state(cube):
    one, other = (mf.unmix(cube, 2, init="random", **{name: 3}) for name in ("rng", "random_state"))
    np.testing.assert_array_equal(one.endmembers, other.endmembers)
    assert one.parameters["random_state"] == 3
    assert mf.MatrixFactorization(2, rng=5).get_params()["random_state"] == 5
    with pytest.raises(TypeError, match="unmix got both rng and random_state"):
        mf.unmix(cube, 2, rng=0, random_state=0)
