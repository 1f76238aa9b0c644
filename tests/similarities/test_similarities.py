"""Tests of all similarities, which are found automatically: derivatives, fits, weights and kinds of storage."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

import mffnb as mf
from mffnb import MatrixFactorization, MinimumVolume, Simplex, Smoothness, Sparsity
from mffnb.errors import UnsupportedCombinationError
from mffnb.estimators.names import SIMILARITIES, named_similarity
from mffnb.graphs import grid
from mffnb.matrices import Chunked, Dense, Partial
from mffnb.problem.formulation import state_problem
from mffnb.protocols import EntrywiseSimilarity, traits_of
from mffnb.similarities import BetaDivergence, Frobenius, KullbackLeibler, SpectralAngle
from mffnb.similarities.banded_misfit import BandedMisfit
from mffnb.similarities.measures import Entrywise, LogOdds
from mffnb.transforms import Logistic
from tests.similarities import catalogue
from tools import parts

MAP = (6, 10)
pytestmark = [
    pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::mffnb.errors.DegenerateWarning"),
]
OFFSET = np.linspace(-2, 1, 25)
EVERY = [*map(parts.instance, catalogue.CLASSES), *catalogue.variants()]
WIDER = [BetaDivergence(beta) for beta in (-1.0, 0.0, 0.3, 1.0, 2.0, 2.5, 3.3)]  # derivatives only
ENTRYWISE = [one for one in (*EVERY, *WIDER) if isinstance(one, EntrywiseSimilarity)]
WITH_KERNELS = (Frobenius, KullbackLeibler)  # tests/solvers tests their fits
FITTED = catalogue.named(lambda one: not isinstance(one, WITH_KERNELS))
UNTRANSFORMED = [one for one in FITTED if traits_of(named_similarity(one)).transform is None]
WEIGHTED = [one for one in FITTED if not traits_of(named_similarity(one)).scale_invariant]


def bound(measure, X):
    return BandedMisfit(Dense(X), None, 1.0, measure)


def losses_of_rows(similarity, transformed, data):
    """The losses of rows of a similarity, or those of its combination with the logistic transform."""
    found = catalogue.measures(similarity, data)
    return [Entrywise(one.distance, Logistic(), OFFSET) for one in found] if transformed else found


CASES = [
    *((one, False) for one in (*EVERY, *WIDER) if traits_of(one).transform is None),
    *((one, True) for one in EVERY if isinstance(one, EntrywiseSimilarity)),
    (LogOdds(OFFSET), False),
    (LogOdds(), False),
]


def measures_of(similarity, transformed, data):
    return [similarity] if isinstance(similarity, LogOdds) else losses_of_rows(similarity, transformed, data)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("similarity", "transformed"), CASES, ids=str)
def test_the_slope_is_the_derivative_of_the_value_and_the_curvature_bound_holds_nearby(
    similarity, transformed, weighted, data
):
    rng = np.random.default_rng(0)
    x, y = data[:4], rng.random((4, 25)) + 0.2
    y[0] = x[0] if not transformed else y[0]  # an exact model, where a loss with a threshold is quadratic
    w = rng.random((4, 25)) if weighted else None
    for measure in measures_of(similarity, transformed, data):
        slope, bound, step = measure.slope(x, w, y), measure.curvature_bound(x, w, y), 1e-6
        assert (bound > 0).all(), f"{measure.name}: curvature_bound must be positive, and is {bound.min():.3g}"
        for m in (0, 7, 24):
            aside = np.zeros(25)
            aside[m] = step
            up, down, here = (measure.value(x, w, at) for at in (y + aside, y - aside, y))
            np.testing.assert_allclose(
                slope[:, m], (up - down) / (2 * step), rtol=1e-5, atol=1e-7,
                err_msg=f"{measure.name}: slope is not the derivative of value by the model y (not by x): correct one of them",
            )  # fmt: skip
            assert (here >= -1e-12).all(), f"{measure.name}: value must not be negative; it is zero where y = x"
            far = 0.02 * y[:, m]
            aside = np.where(np.arange(25) == m, far[:, None], 0.0)
            above = here + slope[:, m] * far + 1.1 * bound[:, m] * far**2 / 2
            assert (measure.value(x, w, y + aside) <= above + 1e-9).all(), (
                f"{measure.name}: curvature_bound is below the second derivative near y: raise it"
            )


@pytest.mark.parametrize("similarity", ENTRYWISE, ids=str)
def test_curvature_bounds_the_parabolas_that_lie_above_the_distance(similarity, data):
    """Of a distance with a global bound; others have a bound nearby only, which the test above checks."""
    x = data[:4]
    for measure in catalogue.measures(similarity, data):
        distance = measure.distance
        if distance.curvature is None:
            continue
        models = [x * factor for factor in (0.0, 0.5, 0.999, 1.0, 1.001, 2.0, 10.0, 100.0)]
        for y in models:
            bound = distance.curvature_bound(x, y)
            assert (bound <= distance.curvature * (1 + 1e-12)).all(), (
                f"{distance.name}: curvature_bound reaches {bound.max():.3g}, above curvature = {distance.curvature}: "
                "curvature is the largest value of curvature_bound; raise it, or use None if there is none"
            )
            for other in models:
                step = other - y
                parabola = distance.value(x, y) + distance.slope(x, y) * step + bound * step**2 / 2
                excess = distance.value(x, other) - parabola
                assert (excess <= 1e-12 * (1 + np.abs(parabola))).all(), (
                    f"{distance.name}: the parabola of curvature_bound does not lie above the distance for large steps "
                    f"(it is below by up to {excess.max():.3g}): the second derivative is too small; use "
                    "slope / (y - x) if the distance is concave in the squared residual, else curvature"
                )


@pytest.mark.parametrize("of_rows", [True, False])
@pytest.mark.parametrize(("similarity", "transformed"), CASES, ids=str)
def test_the_gradient_of_a_half_step_subproblem_is_right(similarity, transformed, of_rows, data, start):
    A, E = start[0].T, start[1]
    for measure in measures_of(similarity, transformed, data):
        misfit = bound(measure, data)
        half = misfit.abundance_half(A, E) if of_rows else misfit.endmember_half(A, E)
        factor = A if of_rows else E
        direction = np.random.default_rng(1).normal(size=factor.shape)
        gradient = half.gram @ factor - half.cross if half.loss is None else half.loss.value_and_gradient(factor)[1]

        def at(step, misfit=misfit, factor=factor, direction=direction):
            there = factor + step * direction
            return misfit.distance(there, E) * 60 if of_rows else misfit.distance(A, there)

        slope = (at(1e-5) - at(-1e-5)) / 2e-5
        assert np.vdot(gradient, direction) == pytest.approx(slope, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("similarity", EVERY, ids=str)
def test_the_misfit_is_the_mean_of_the_independent_formula(similarity, data, start):
    A, E = start[0].T, start[1] / 3
    problem = state_problem(Dense(data), similarity, (), ())
    misfit = problem.misfit
    y = A.T @ E
    intercept = getattr(misfit, "intercept", None)
    y = y if traits_of(similarity).transform is None else traits_of(similarity).transform.apply(y + intercept)
    expected = catalogue.independent_loss(problem.similarity, misfit.scale, misfit.scale * data, y, np.ones_like(y))
    np.testing.assert_allclose(
        misfit.at_abundances(misfit.abundance_half(A, E), A, E), expected.mean(), rtol=1e-9,
        err_msg=f"{type(similarity).__name__}: the misfit (value of its Distance) and loss in its test module differ",
    )  # fmt: skip


@pytest.mark.parametrize("similarity", UNTRANSFORMED, ids=str)
@pytest.mark.parametrize("solver", ["auto", pytest.param("proximal", marks=pytest.mark.slow)])
def test_no_iteration_rises_and_the_unit_of_the_data_does_not_matter(similarity, solver, data, start):
    A, E = start
    options = {"similarity": similarity, "solver": solver, "max_iter": 40, "tol": 0}
    model = MatrixFactorization(3, init=start, **options).fit(data)
    objectives = [state.objective for state in model.trace_]
    rise = np.diff(objectives).max()
    assert rise <= 1e-12 * objectives[0], (
        f"the objective rises by {rise:.3g}: curvature (or curvature_bound, if curvature is None) is too small, or "
        "slope is not the derivative of value"
    )
    assert objectives[-1] < 0.9 * objectives[0]
    larger = MatrixFactorization(3, init=(A, 1000 * E), **options).fit(1000 * data)
    unit = larger.components_.sum() / model.components_.sum()
    assert unit == pytest.approx(1000), (
        "data in another unit have another result: misfit must scale the data, and distance(scale) must multiply "
        "thresholds by scale"
    )
    np.testing.assert_allclose(larger.components_ / unit, model.components_, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("similarity", "penalised"),
    [*((similarity, False) for similarity in FITTED), ("huber", True)],
    ids=str,
)
def test_a_map_tiled_by_mirroring_has_the_same_answer(similarity, penalised, data, start):
    """Then a weight means the same for a map of any size."""
    A, E = start
    once, twice = data.reshape(*MAP, -1), A.reshape(*MAP, -1)
    once, twice = (np.concatenate([part, part[:, ::-1]], axis=1) for part in (once, twice))

    def endmembers(X, A, shape):
        terms = [Smoothness(0.01, grid(shape))] if penalised else []
        settled = catalogue.settled(similarity, data)  # an estimate from a tiled map differs a little
        # Pixels at the border have neighbours in the tiled map: the way differs, the end does not.
        run = {"max_iter": 3000, "tol": 1e-7} if penalised else {"max_iter": 15, "tol": 0}
        return MatrixFactorization(3, similarity=settled, abundance_terms=terms, init=(A, E), **run).fit(X).components_

    tiled, digits = endmembers(once.reshape(120, -1), twice.reshape(120, -1), (6, 20)), 1e-3 if penalised else 1e-6
    np.testing.assert_allclose(
        tiled, endmembers(data, A, MAP), rtol=digits, atol=digits / 10,
        err_msg="twice the pixels change the result: misfit must be a mean over pixels, not a sum, and its scale too",
    )  # fmt: skip


@pytest.mark.parametrize("similarity", FITTED, ids=str)
def test_dense_sparse_chunked_float32_and_partial_agree(similarity, data, start):
    X = data.astype(np.float32).astype(float)

    def product(X):
        model = MatrixFactorization(3, similarity=similarity, init=start, max_iter=8, tol=0)
        return model.inverse_transform(model.fit_transform(X))

    expected = product(X)
    for other in (sparse.csr_array(X), Chunked(X, band_bytes=2000), X.astype(np.float32), Partial(X)):
        np.testing.assert_allclose(product(other), expected, rtol=1e-7)


@pytest.mark.parametrize("similarity", WEIGHTED, ids=str)
def test_weights_multiply_the_loss(similarity, data, start):
    """A weight of 2 for a pixel equals a second copy of it, and an entry with weight zero equals a missing one."""
    A, E = start
    boolean = traits_of(named_similarity(similarity)).transform is not None
    # A threshold applies to weighted residuals, so it must be above all of them: estimate it from 100 times the data.
    similarity = catalogue.settled(similarity, 100 * data) if not boolean else similarity
    options = {"similarity": similarity, "max_iter": 3000, "tol": 1e-8}
    if boolean:  # a penalty keeps probabilities from zero and one
        options["abundance_terms"] = [Sparsity(0.1)]
    weights = np.ones((60, 1))
    weights[:20] = 2.0
    weighted = MatrixFactorization(3, weights=weights, init=start, **options).fit(data)
    seen = MatrixFactorization(3, init=(np.vstack([A, A[:20]]), E), **options).fit(np.vstack([data, data[:20]]))
    if not boolean:  # beside a penalty the largest weight is 1, which changes its strength
        products = [m.inverse_transform(m.transform(data)) for m in (weighted, seen)]
        np.testing.assert_allclose(
            *products, rtol=2e-3, atol=1e-4,
            err_msg="a weight of 2 is not a second copy of the pixel: weight_power must be a p with "
            "d(w^p x, w^p y) = w d(x, y), or None",
        )  # fmt: skip
    gone = np.random.default_rng(0).random(data.shape) < 0.1
    missing = MatrixFactorization(3, init=start, **{**options, "max_iter": 20}).fit(np.where(gone, np.nan, data))
    nothing = MatrixFactorization(3, init=start, weights=(~gone).astype(float), **{**options, "max_iter": 20})
    np.testing.assert_allclose(nothing.fit(data).components_, missing.components_, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"similarity": "itakura-saito", "negative": 0.0}, "BetaDivergence\\(0\\) is for data above zero"),
        ({"similarity": BetaDivergence(1.5), "negative": -1.0}, "go down to -1"),
        ({"similarity": "bernoulli", "negative": 2.0}, "between 0 and 1"),
        ({"similarity": "bernoulli", "transform": "identity"}, "use transform='logistic'"),
        ({"similarity": "angle", "transform": "logistic"}, "SpectralAngle looks at whole spectra"),
        ({"similarity": "bernoulli", "abundance_terms": [Simplex(gain=True)]}, "no gain of pixels"),
        ({"similarity": "angle", "abundance_terms": [Simplex()]}, "use gain=True"),
        ({"similarity": "angle", "abundance_terms": [Sparsity()]}, "sparsity does nothing"),
        ({"similarity": "angle", "endmember_terms": [MinimumVolume()]}, "would make them shrink"),
        ({"similarity": "itakura-saito", "weights": "poisson"}, "use only one of them"),
        ({"similarity": "bernoulli", "weights": "poisson"}, "use only one of them"),
        ({"similarity": "huber", "solver": "newton"}, "is for similarity='kl'"),
        ({"similarity": "angle", "solver": "hals"}, "HALS cannot handle SpectralAngle: use solver='auto'"),
        ({"similarity": "wasserstein"}, "is not known: use"),
        ({"transform": "sqrt"}, "transform='sqrt' is not known"),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_is_refused_in_a_sentence(options, message, data):
    X, given = data.copy(), dict(options)
    X[0, 0] = given.pop("negative", X[0, 0])
    with pytest.raises((ValueError, UnsupportedCombinationError), match=message):
        MatrixFactorization(3, random_state=0, **given).fit(X)


def test_lists_of_names_in_the_documentation_name_known_similarities():
    """These lists are examples; docs/solvers.md, which is generated, has all names."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    row = next(line for line in readme.splitlines() if "outliers (hot pixels)" in line)
    places = {"README.md": row.replace('transform="logistic"', "")}
    for one in (mf.unmix, MatrixFactorization):
        text = one.__doc__.split("    similarity\n")[1]
        places[one.__name__] = text[: text.index(":mod:`mffnb.similarities`")]
    for place, text in places.items():
        listed = set(re.findall(r'"([a-z-]+)"', text))
        assert listed
        assert listed <= set(SIMILARITIES), (
            f"{place} names {listed - set(SIMILARITIES)}, which no similarity has: correct it"
        )


def test_names_stand_for_objects():
    assert SIMILARITIES["angle"] == SpectralAngle()
    assert SIMILARITIES["itakura-saito"] == BetaDivergence(0.0)
