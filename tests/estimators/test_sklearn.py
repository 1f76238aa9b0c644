"""The estimator among scikit-learn's and HyperSpy's tools, and under scikit-learn's own tests of its NMF."""

from __future__ import annotations

import importlib.util
import inspect
import pickle
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
import sklearn.decomposition
from scipy import sparse
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin, clone
from sklearn.cluster import KMeans
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import mffnb
from mffnb import MatrixFactorization, Ridge, Simplex, Smoothness, Sparsity, Unimodal, presets
from mffnb.errors import ConvergenceWarning
from mffnb.estimators.names import STARTS
from mffnb.estimators.simplex_vertices import SimplexCorners
from mffnb.geometry import VCA
from mffnb.graphs import grid
from mffnb.matrices import Dense
from mffnb.matrices.checking import as_matrix
from mffnb.similarities import BetaDivergence

MODELS = [
    MatrixFactorization(),
    MatrixFactorization(2, init="random"),
    MatrixFactorization(2, abundance_terms=(Sparsity(1e-3),)),
    MatrixFactorization(2, abundance_terms=(Simplex(),)),
    SimplexCorners(),
    SimplexCorners(finder=VCA()),
    presets.plsi(2),
    presets.bounded_nmf(2, 0.0, 5.0),
    presets.orthogonal_nmf(2),
    MatrixFactorization(2, abundance_terms=(Ridge(1e-3),), endmember_terms=(Unimodal(),)),
]


# Some checks fit data without structure, or one pixel, or stop after one iteration, and look for errors only.
@pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning", "ignore::mffnb.errors.DegenerateWarning")
@parametrize_with_checks(MODELS[:1])
def test_contract(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning", "ignore::mffnb.errors.DegenerateWarning")
@parametrize_with_checks(MODELS[1:])
def test_contract_of_other_parts_and_estimators(estimator, check):
    check(estimator)


# --- with scikit-learn's tools ---------------------------------------------------------------------------------------


def test_pipeline_equals_its_steps(X):
    pipeline = make_pipeline(MaxAbsScaler(), MatrixFactorization(3, random_state=0))
    A = pipeline.fit_transform(X)
    scaler, model = MaxAbsScaler(), MatrixFactorization(3, random_state=0)
    np.testing.assert_array_equal(A, model.fit_transform(scaler.fit_transform(X)))
    np.testing.assert_allclose(pipeline.inverse_transform(A), A @ model.components_ * scaler.scale_)
    assert list(pipeline.get_feature_names_out()) == [f"matrixfactorization{j}" for j in range(3)]


def test_abundances_feed_a_clustering(X):
    pipeline = make_pipeline(MatrixFactorization(3, random_state=0), KMeans(3, n_init=2, random_state=0))
    assert set(pipeline.fit_predict(X)) == {0, 1, 2}


def test_grid_search_finds_the_weight_with_a_scorer(X):
    def score(model, X, y=None):
        return -np.linalg.norm(X - model.inverse_transform(model.transform(X)))

    terms = [(), (Sparsity(1e-3),), (Sparsity(10.0),)]
    pipeline = make_pipeline(MatrixFactorization(3, random_state=0))
    with pytest.warns(mffnb.errors.DegenerateWarning):
        search = GridSearchCV(pipeline, {"matrixfactorization__abundance_terms": terms}, scoring=score, cv=3).fit(X)
    assert search.best_params_["matrixfactorization__abundance_terms"] != (Sparsity(10.0),)
    assert search.cv_results_["mean_test_score"].argmin() == 2


def test_clone_keeps_the_parts_and_forgets_the_fit(X):
    model = MatrixFactorization(
        2, abundance_terms=[Sparsity(0.01), Smoothness(0.01, grid((6, 10)))], init="random", random_state=3
    )
    A = model.fit_transform(X)
    copy = clone(model)
    assert not hasattr(copy, "components_")
    np.testing.assert_array_equal(copy.fit_transform(X), A)


def test_clone_of_a_given_start(X, start):
    model = MatrixFactorization(3, init=start)
    np.testing.assert_array_equal(clone(model).fit_transform(X), model.fit_transform(X))


def test_pandas_output_keeps_the_index(X):
    frame = pd.DataFrame(X, index=[f"pixel {i}" for i in range(len(X))], columns=[f"{e} eV" for e in range(X.shape[1])])
    model = MatrixFactorization(3, random_state=0).set_output(transform="pandas")
    A = model.fit_transform(frame)
    assert list(A.columns) == list(model.get_feature_names_out())
    assert A.index.equals(frame.index)
    assert list(model.feature_names_in_) == list(frame.columns)
    assert model.transform(frame).index.equals(frame.index)
    np.testing.assert_allclose(model.inverse_transform(A), A.to_numpy() @ model.components_)
    with pytest.raises(ValueError, match="feature names"):
        model.transform(frame.rename(columns={"0 eV": "zero"}))


@pytest.mark.parametrize("terms", [(), (Sparsity(0.01),), (Simplex(),)])
def test_fitted_model_survives_a_file(X, tmp_path, terms):
    joblib = pytest.importorskip("joblib")
    model = MatrixFactorization(3, abundance_terms=terms, random_state=0).fit(X)
    joblib.dump(model, tmp_path / "model.joblib")
    for copy in (pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "model.joblib")):
        np.testing.assert_array_equal(copy.transform(X), model.transform(X))
        assert copy.get_params().keys() == model.get_params().keys()
        assert copy.outcome_ is model.outcome_


@pytest.mark.parametrize("terms", [(), (Sparsity(0.01),), (Simplex(),)])
def test_transform_agrees_with_fit_transform(X, terms):
    model = MatrixFactorization(3, abundance_terms=terms, random_state=0, tol=1e-7, max_iter=5000)
    np.testing.assert_allclose(model.fit_transform(X), model.transform(X), atol=1e-4)


def test_own_warning_points_at_the_caller(X):
    with pytest.warns(ConvergenceWarning, match="raise max_iter") as caught:
        MatrixFactorization(3, max_iter=1).fit_transform(X)
    assert caught[0].filename == __file__


def test_channels_must_be_those_of_the_fit(X):
    model = MatrixFactorization(2, random_state=0).fit(X)
    with pytest.raises(ValueError, match="20 features"):
        model.transform(X[:, 1:])
    with pytest.raises(ValueError, match="20"):
        model.transform(Dense(np.ascontiguousarray(X[:, 1:])))


# --- with HyperSpy ---------------------------------------------------------------------------------------------------


def hyperspy_signal(cube):
    hs = pytest.importorskip("hyperspy.api")
    return hs.signals.Signal1D(cube.values.copy())


def test_hyperspy_decomposition_holds_our_factors(cube, X):
    signal = hyperspy_signal(cube)
    signal.decomposition(algorithm=MatrixFactorization(3, random_state=0), print_info=False)
    ours = MatrixFactorization(3, random_state=0)
    results = signal.learning_results
    np.testing.assert_allclose(results.loadings, ours.fit_transform(X))
    np.testing.assert_allclose(results.factors, ours.components_.T)
    model = signal.get_decomposition_model().data
    np.testing.assert_allclose(model.reshape(X.shape), results.loadings @ ours.components_)
    assert signal.get_decomposition_loadings().data.shape == (3, 6, 10)


def test_hyperspy_decomposition_under_a_mask(cube, X):
    signal = hyperspy_signal(cube)
    left_out = np.zeros((6, 10), dtype=bool)
    left_out[0] = True
    mask = type(signal)(left_out).transpose(signal_axes=0)
    signal.decomposition(algorithm=MatrixFactorization(3, random_state=0), navigation_mask=mask, print_info=False)
    ours = MatrixFactorization(3, random_state=0)
    A = ours.fit_transform(X[~left_out.ravel()])
    np.testing.assert_allclose(signal.learning_results.loadings[~left_out.ravel()], A)
    np.testing.assert_allclose(signal.learning_results.factors, ours.components_.T)


def test_hyperspy_signal_is_unmixed_like_its_array(cube):
    signal = hyperspy_signal(cube)
    of_signal = mffnb.unmix(signal, 3, random_state=0)
    of_array = mffnb.unmix(cube.values, 3, random_state=0)
    np.testing.assert_array_equal(of_signal.abundances.values, of_array.abundances.values)
    np.testing.assert_array_equal(of_signal.endmembers.values, of_array.endmembers.values)


# --- scikit-learn's own tests of NMF ---------------------------------------------------------------------------------
# They are read from the installed version and run on a class with the constructor of NMF around our estimator.

OURS = {
    "test_initialize_nn_output",
    "test_nmf_fit_nn_output",
    "test_nmf_fit_close",
    "test_nmf_transform",
    "test_nmf_transform_custom_init",
    "test_nmf_inverse_transform",
    "test_n_components_greater_n_features",
    "test_nmf_sparse_input",
    "test_nmf_sparse_transform",
    "test_nmf_float32_float64_consistency",
    "test_feature_names_out",
    "test_nmf_n_components_auto",
    "test_nmf_smoke",
    "test_nmf_true_reconstruction",
    "test_beta_divergence",
    "test_nmf_regularization",
    "test_nmf_underflow",
}
_FUNCTION = "the function non_negative_factorization has no counterpart: the estimator is the interface"
_MINIBATCH = "MiniBatchNMF has no counterpart"
NOT_OURS = {
    "test_convergence_warning": "the words and the class of the warning are our own",
    "test_parameter_checking": "its words; and negative data are fitted, NNDSVD takes any k, by design",
    "test_initialize_close": "a bound for NNDSVD with its zeros kept; ours are filled, and nndsvda misses it as well",
    "test_initialize_variants": "NNDSVD has one way to fill zeros",
    "test_minibatch_nmf_transform": _MINIBATCH,
    "test_mbnmf_inverse_transform": _MINIBATCH,
    "test_non_negative_factorization_consistency": _FUNCTION,
    "test_non_negative_factorization_checking": _FUNCTION,
    "test_special_sparse_dot": "an internal of their multiplicative solver",
    "test_nmf_multiplicative_update_sparse": _FUNCTION,
    "test_nmf_negative_beta_loss": _FUNCTION + ", and the words of the error are our own",
    "test_minibatch_nmf_negative_beta_loss": _MINIBATCH,
    "test_nmf_decreasing": _FUNCTION,
    "test_nmf_dtype_match": "factors are float64 whatever the data are, by design",
    "test_nmf_custom_init_dtype_error": "a start of another type is converted, by design",
    "test_nmf_minibatchnmf_equivalence": _MINIBATCH,
    "test_minibatch_nmf_partial_fit": _MINIBATCH,
    "test_minibatch_nmf_verbose": _MINIBATCH,
    "test_nmf_non_negative_factorization_n_components_auto": _FUNCTION,
    "test_nmf_n_components_auto_no_h_update": _FUNCTION,
    "test_nmf_w_h_not_used_warning": _FUNCTION,
    "test_nmf_custom_init_shape_error": "the words of the error are our own",
}


class NMF(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Our estimator behind the constructor of scikit-learn's NMF."""

    def __init__(
        self,
        n_components="auto",
        *,
        init=None,
        solver="cd",
        beta_loss="frobenius",
        tol=1e-4,
        max_iter=200,
        random_state=None,
        alpha_W=0.0,
        alpha_H="same",
        l1_ratio=0.0,
    ):
        self.n_components = n_components
        self.init = init
        self.solver = solver
        self.beta_loss = beta_loss
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state
        self.alpha_W = alpha_W
        self.alpha_H = alpha_H
        self.l1_ratio = l1_ratio

    def fit(self, X, y=None, **given):
        self.fit_transform(X, **given)
        return self

    def fit_transform(self, X, y=None, W=None, H=None):
        custom = self.init == "custom" and W is not None
        automatic = H.shape[0] if custom else X.shape[1]
        self._n_components = automatic if self.n_components == "auto" else self.n_components
        named = "auto" if self.init is None else _START[self.init]
        self.model_ = MatrixFactorization(
            self._n_components,
            similarity=_similarity(self.beta_loss),
            abundance_terms=self._terms(self.alpha_W),
            endmember_terms=self._terms(self.alpha_W if self.alpha_H == "same" else self.alpha_H),
            init=(W, H) if custom else named,
            max_iter=self.max_iter,
            tol=self.tol,
            random_state=self.random_state,
        )
        A = self.model_.fit_transform(X)
        self.components_ = self.model_.components_
        self._n_features_out = len(self.components_)
        dense = X.toarray() if sparse.issparse(X) else X
        self.reconstruction_err_ = np.linalg.norm(dense - A @ self.components_)
        return A

    def _terms(self, alpha):
        """Their weights mean something else, in the units of the data; what a penalty does is the same."""
        shares = (Sparsity(alpha * self.l1_ratio), Ridge(alpha * (1 - self.l1_ratio)))
        return tuple(term for term in shares if term.weight > 0)

    def transform(self, X):
        return self.model_.transform(X)

    def inverse_transform(self, X):
        return self.model_.inverse_transform(X)


_START = {"nndsvd": "nndsvd", "nndsvda": "nndsvd", "nndsvdar": "nndsvd", "random": "random", "custom": "auto"}


def _similarity(beta):
    return beta if isinstance(beta, str) else BetaDivergence(float(beta))


def _beta_divergence(X, W, H, beta):
    """The sum over all entries, by our similarity; theirs leaves out zeros at beta = 0, but for a constant."""
    dense = X.toarray() if sparse.issparse(X) else X
    zeros = (dense == 0) & (beta == 0)
    matrix = as_matrix(
        MatrixFactorization(), np.where(zeros, np.nan, dense) if zeros.any() else X, reset=True, missing=True
    )
    misfit = BetaDivergence(beta).misfit(matrix, scale=1.0)
    A, E = np.ascontiguousarray(W.T), np.ascontiguousarray(H)
    return len(dense) * misfit.at_abundances(misfit.abundance_half(A, E), A, E) - zeros.sum()


def _initialize_nmf(X, n_components, init=None, random_state=None):
    A, E = STARTS[_START[init]].start(Dense(X), n_components, random_state or 0)
    return A.T, E


def _loaded():
    spec = importlib.util.find_spec("sklearn.decomposition.tests.test_nmf")
    module = importlib.util.module_from_spec(spec)
    with patch.object(sklearn.decomposition, "NMF", NMF):
        spec.loader.exec_module(module)
    module.nmf = SimpleNamespace(_initialize_nmf=_initialize_nmf, _beta_divergence=_beta_divergence)
    return module


def _concerns_us(names, values):
    """Whether one set of arguments asks for what both promise: no other class or solver."""
    values = dict(zip(names, values, strict=True)) if len(names) > 1 else {names[0]: values}
    return not (values.get("solver") in ("mu", {"solver": "mu"}) or values.get("Estimator", NMF) is not NMF)


def _for_us(test):
    """The test with the sets of arguments that concern us."""
    marks = []
    for mark in getattr(test, "pytestmark", []):
        if mark.name == "parametrize":
            names, values = mark.args
            names = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
            kept = [value for value in values if _concerns_us(names, value)]
            marks.append(pytest.mark.parametrize(mark.args[0], kept, **mark.kwargs).mark)
        else:
            marks.append(mark)
    # Their iteration numbers and tolerances are for another solver.
    ignored = ("ConvergenceWarning", "DegenerateWarning")  # nor are their weights for scaled data
    test.pytestmark = [*marks, *(pytest.mark.filterwarnings(f"ignore::mffnb.errors.{one}").mark for one in ignored)]
    return test


THEIRS = {name: test for name, test in inspect.getmembers(_loaded(), inspect.isfunction) if name.startswith("test_")}
globals().update({name: _for_us(test) for name, test in THEIRS.items() if name in OURS})


def test_every_test_of_nmf_is_run_or_explained():
    new = sorted(THEIRS.keys() - OURS - NOT_OURS.keys())
    assert not new, f"scikit-learn {sklearn.__version__} has new tests of NMF, to be run or explained: {new}"
    assert not OURS & NOT_OURS.keys()


def test_most_tests_of_nmf_are_where_they_were():
    # A test or two may be renamed from one version to the next; many at once mean that nothing is run any more.
    assert len(OURS - THEIRS.keys()) <= 2
