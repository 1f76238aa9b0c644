"""Maps between the model and the data: chances of Boolean data, and whole numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

import mffnb as mf
from mffnb import MatrixFactorization, Smoothness, Sparsity
from mffnb.errors import DegenerateWarning
from mffnb.geometry.starts import NNDSVD
from mffnb.graphs import grid
from mffnb.similarities import NAMED
from mffnb.transforms import Identity, Logistic, Mapped, Rounding
from tools.solver_table import PARTS, refusal

pytestmark = [
    pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::mffnb.errors.DegenerateWarning"),
]
LOGISTIC = [part for part in PARTS if part.transform == "logistic"]
OF_BOOLEAN = [name for name in NAMED if refusal(LOGISTIC, name, "auto") is None]


@pytest.fixture(scope="module")
def boolean():
    """Three phases of a map, each of which switches some channels on; rare false positives."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:20, :20] / 19
    maps = np.stack([rows > 0.55, (rows <= 0.55) & (columns < 0.5), (rows <= 0.55) & (columns >= 0.4)]).reshape(3, -1)
    odds = -2.5 + maps.T @ (rng.choice([0.0, 2.0, 4.5], (3, 30), p=[0.5, 0.25, 0.25]))
    chance = special.expit(odds)
    return (rng.random(chance.shape) < chance).astype(float), chance


def unlikely(X, chance):
    chance = np.clip(chance, 1e-3, 1 - 1e-3)
    return -(special.xlogy(X, chance) + special.xlog1py(1 - X, -chance)).mean()


def test_a_logistic_model_foretells_boolean_entries_better_than_the_identity(boolean):
    X, chance = boolean
    hidden = np.random.default_rng(1).random(X.shape) < 0.1
    shown = np.where(hidden, np.nan, X)
    found = {}
    for similarity in ("frobenius", "bernoulli"):
        terms = [Sparsity(0.1), Smoothness(0.1, grid((20, 20)))]
        model = MatrixFactorization(3, similarity=similarity, abundance_terms=terms, random_state=0, max_iter=200)
        foretold = model.inverse_transform(model.fit_transform(shown))
        assert foretold.min() >= 0
        found[similarity] = unlikely(X[hidden], foretold[hidden])
    assert found["bernoulli"] < found["frobenius"] - 0.01
    assert found["bernoulli"] < 1.1 * unlikely(X[hidden], chance[hidden])


@pytest.mark.parametrize("similarity", OF_BOOLEAN)
def test_no_iteration_rises_whatever_measures_the_chances(boolean, similarity):
    model = MatrixFactorization(
        3,
        similarity=similarity,
        transform="logistic",
        abundance_terms=[Sparsity(1e-2)],
        random_state=0,
        max_iter=25,
        tol=0,
    ).fit(boolean[0])
    objectives = [state.objective for state in model.trace_]
    assert (np.diff(objectives) <= 1e-12 * objectives[0]).all()
    assert objectives[-1] < 0.95 * objectives[0]
    assert model.relative_error_ < 1
    assert model.scale_ == 1
    A = model.transform(boolean[0][:5])
    assert np.isfinite(model.inverse_transform(A)).all()


@pytest.mark.slow
def test_the_intercept_is_at_its_best(boolean):
    model = MatrixFactorization(2, similarity="bernoulli", init="nndsvd", random_state=0, max_iter=60, tol=0)
    A = model.fit_transform(boolean[0])
    chance = model.inverse_transform(A)
    # The derivative by an intercept: as many are foretold as there are.
    np.testing.assert_allclose(chance.sum(axis=0), boolean[0].sum(axis=0), atol=0.5)
    without = MatrixFactorization(2, transform=Logistic(intercept=False), similarity="bernoulli", random_state=0)
    assert without.fit(boolean[0]).intercept_ is None
    assert without.inverse_transform(np.zeros((1, 2))).tolist() == [[0.5] * 30]
    assert without.objective_ > model.objective_


def test_derivatives_are_those_of_the_map():
    z = np.linspace(-4, 4, 9)
    one = Logistic()
    first, second = one.derivatives(one.apply(z))
    np.testing.assert_allclose(first, (one.apply(z + 1e-5) - one.apply(z - 1e-5)) / 2e-5, rtol=1e-6)
    np.testing.assert_allclose(second, (one.apply(z + 1e-4) + one.apply(z - 1e-4) - 2 * one.apply(z)) / 1e-8, atol=1e-6)


def test_rounding_is_applied_to_what_is_reconstructed():
    X = np.random.default_rng(0).integers(0, 9, (6, 7, 12))
    plain, rounded = (mf.unmix(X, 3, transform=one, random_state=0) for one in (None, "rounding"))
    np.testing.assert_array_equal(rounded.endmembers, plain.endmembers)
    np.testing.assert_array_equal(rounded.reconstruction(), np.rint(plain.reconstruction()))
    model = MatrixFactorization(3, transform=Rounding(), random_state=0)
    A = model.fit_transform(X.reshape(42, 12))
    np.testing.assert_array_equal(model.inverse_transform(A), np.rint(A @ model.components_))
    assert mf.unmix(X, 3, transform=Identity(), random_state=0).mapped is None


def test_a_result_keeps_its_map(boolean, tmp_path):
    cube = boolean[0].reshape(20, 20, 30)
    mask = np.arange(30) != 4
    result = mf.unmix(cube, 3, similarity="bernoulli", sparsity=1e-2, mask=mask, random_state=0, max_iter=30)
    assert result.parameters["transform"] == "logistic"
    assert result.mapped.intercept.dims == ("channel",)
    chance = result.reconstruction()
    assert float(chance.min()) > 0
    assert float(chance.max()) <= 1
    assert unlikely(cube[..., mask], chance.values[..., mask]) < unlikely(cube, cube.mean())
    result.save(tmp_path / "run.nc")
    again = mf.load(tmp_path / "run.nc")
    np.testing.assert_array_equal(again.reconstruction(), chance)
    np.testing.assert_array_equal(again.mapped.intercept, result.mapped.intercept)


def test_a_run_goes_on_from_a_checkpoint_with_its_intercept(boolean, tmp_path):
    cube = boolean[0].reshape(20, 20, 30)
    options = {"similarity": "bernoulli", "sparsity": 0.1, "random_state": 0, "tol": 0}
    whole = mf.unmix(cube, 3, max_iter=8, **options)
    for iterations in (4, 8):
        parts = mf.unmix(cube, 3, max_iter=iterations, checkpoint=tmp_path, **options)
    np.testing.assert_array_equal(parts.endmembers, whole.endmembers)
    np.testing.assert_array_equal(parts.mapped.intercept, whole.mapped.intercept)


@pytest.mark.parametrize("similarity", ["angle", "bernoulli"])
def test_the_explorer_shows_what_unmix_gives(boolean, similarity):
    cube = boolean[1 if similarity == "angle" else 0].reshape(20, 20, 30)[::3, ::3]
    with_widgets = mf.explore(cube, k=2, similarity=similarity, random_state=0, max_iter=20)
    with_widgets.wait()
    shown = with_widgets.result.reconstruction()
    with_widgets.close()
    expected = mf.unmix(cube, 2, similarity=similarity, random_state=0, max_iter=20).reconstruction()
    np.testing.assert_allclose(shown, expected, rtol=1e-8)


def test_a_map_of_ones_own_is_applied_and_not_guessed(tmp_path):
    class Root:
        def apply(self, model):
            return np.sqrt(model)

    cube = np.random.default_rng(0).random((4, 5, 9))
    result = mf.unmix(cube, 2, transform=Root(), random_state=0)
    plain = mf.unmix(cube, 2, random_state=0)
    np.testing.assert_allclose(result.reconstruction(), np.sqrt(plain.reconstruction()))
    result.save(tmp_path / "run.nc")
    with pytest.raises(ValueError, match="a transformation of your own"):
        mf.load(tmp_path / "run.nc").reconstruction()
    with pytest.raises(ValueError, match="transform=3 is not known"):
        mf.unmix(cube, 2, transform=3)


def test_parameters_of_the_estimator_hold_the_map():
    model = MatrixFactorization(2, transform="rounding")
    assert model.get_params()["transform"] == "rounding"
    assert model.set_params(transform=None).get_params()["transform"] is None
    assert callable(model.transform)
    assert Mapped(Logistic()).name == "logistic"
    assert Mapped(Logistic(intercept=False)).name == "Logistic(intercept=False)"


def separable():
    """Three classes, each with channels of its own."""
    return np.repeat(np.eye(3), 10, axis=1)[np.random.default_rng(0).integers(0, 3, 60)]


@pytest.mark.parametrize("similarity", ["bernoulli", "frobenius"])
def test_chances_that_became_certain_are_told_of(similarity):
    X = separable()
    options = {"similarity": similarity, "transform": "logistic", "init": NNDSVD(), "random_state": 0}
    with pytest.warns(DegenerateWarning, match=r"grow without end.*add abundance_terms=\[mffnb.Ridge") as caught:
        MatrixFactorization(3, **options).fit_transform(X)
    assert caught[0].filename == __file__
    with pytest.warns(DegenerateWarning, match="without end") as caught:
        mf.unmix(X.reshape(6, 10, 30), 3, **options)
    assert caught[0].filename == __file__


def test_a_ridge_keeps_chances_from_becoming_certain():
    X = separable()
    model = MatrixFactorization(3, similarity="bernoulli", abundance_terms=[mf.Ridge(0.01)], random_state=0)
    chance = model.inverse_transform(model.fit_transform(X))
    assert np.abs(chance - X).max() < 0.1
    assert np.abs(chance - X).min() > 1e-3
