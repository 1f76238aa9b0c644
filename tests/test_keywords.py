"""Unknown keywords are refused with the nearest known one, before anything is computed."""

from __future__ import annotations

import numpy as np
import pytest

import mffnb as mf
from mffnb import presets

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
