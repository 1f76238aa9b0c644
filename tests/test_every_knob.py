"""Two hundred draws over all of the framework at once: each runs to a finite answer, or says in a sentence why not."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import mffnb as mf
from mffnb import Bounds, MinimumVolume, Orthogonal, Ridge, Sparsity, SpectralSmoothness, preprocessing
from mffnb.constraints import Unimodal
from mffnb.estimators.names import SIMILARITIES, named_similarity
from mffnb.graphs import grid
from mffnb.penalties import GroupSparsity, TotalVariation
from mffnb.protocols import traits_of
from mffnb.similarities import BetaDivergence, Huber

SHAPE, CHANNELS, COMPONENTS = (5, 6), 12, 3
CHOICES = {
    "similarity": [*SIMILARITIES, BetaDivergence(0.5), Huber(3.0)],
    "transform": [None, None, "identity", "rounding", "logistic"],
    "sparsity": [0.0, 0.0, 0.01],
    "smoothness": [0.0, 0.0, 0.1],
    "volume": [0.0, 0.0, 0.0, 1e-3],
    "sum_to_one": [False, False, True],
    "gain": [False, False, False, True],
    "abundance_terms": [[], [], [Ridge(0.1)], [TotalVariation(0.01, grid(SHAPE))], [GroupSparsity(0.01)], [Bounds(0.0, 2.0)],
                        [Orthogonal()]],
    "endmember_terms": [[], [], [Ridge(0.1)], [SpectralSmoothness(0.1)], [Unimodal()], [Bounds(0.0, 5.0)],
                        [MinimumVolume(1e-3)], [Sparsity(0.01)]],
    "weights": [None, None, "pixels", "channels", "entries", "poisson"],
    "preprocess": [(), (), (), (preprocessing.UnitSum(),), (preprocessing.Bin(1, 2),), (preprocessing.Log1p(),)],
    "solver": ["auto", "auto", "auto", "proximal", "hals"],
    "kind": ["dense", "dense", "gaps"],
}  # fmt: skip


def drawn(rng):
    """One setting of every knob, three quarters of them at rest."""
    return {name: choices[rng.integers(len(choices)) if rng.random() < 0.4 else 0] for name, choices in CHOICES.items()}


def image(rng, asked):
    """Data of the kind that the similarity is for, and weights of theirs."""
    truth = rng.dirichlet(np.full(COMPONENTS, 0.5), SHAPE) @ rng.random((COMPONENTS, CHANNELS))
    boolean = traits_of(named_similarity(asked["similarity"])).transform is not None or asked["transform"] == "logistic"
    X = (rng.random(truth.shape) < truth).astype(float) if boolean else rng.poisson(40 * truth) + 1.0
    if asked.pop("kind") == "gaps":
        X[rng.random(X.shape) < 0.05] = np.nan
    shape = {"pixels": SHAPE, "channels": (CHANNELS,), "entries": X.shape}.get(asked["weights"])
    if shape is not None:
        asked["weights"] = rng.uniform(0.5, 2.0, shape)
    return X


def unmixed(X, asked):
    """The answer, or why there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            return mf.unmix(X, COMPONENTS, random_state=0, max_iter=3, tol=0, **asked)
    except (ValueError, TypeError) as error:
        return str(error)


@pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::mffnb.errors.DegenerateWarning")
@pytest.mark.parametrize("allowed", [40, pytest.param(200, marks=pytest.mark.slow)])
def test_combinations_run_and_the_others_say_why_not(allowed):
    rng = np.random.default_rng(2018)
    ran, refused = 0, set()
    while ran < allowed:
        asked = drawn(rng)
        noted = dict(asked)
        X = image(rng, asked)
        kept = X.copy()
        result = unmixed(X, asked)
        if isinstance(result, str):
            assert "\n" not in result, noted
            assert 20 < len(result) < 300, noted
            refused.add(result)
            continue
        ran += 1
        np.testing.assert_array_equal(X, kept)
        for part in (result.endmembers, result.abundances, result.reconstruction(), result.trace.objective):
            assert np.isfinite(part).all(), noted
        objectives = result.trace.objective.values
        assert (np.diff(objectives) <= 1e-11 * max(1.0, abs(objectives[0]))).all(), noted
    assert len(refused) > 5
