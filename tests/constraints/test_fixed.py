"""Abundances that are known in some pixels keep their values, and all others are the best ones beside them."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, nnls

import mffnb as mf
from mffnb.constraints.fixed import known_entries
from mffnb.constraints.fixed_patterns import nearest_fixed_fractions, patterns
from mffnb.errors import UnsupportedCombinationError
from mffnb.matrices import in_memory
from mffnb.problem.component_assignment import obeying_order
from mffnb.problem.formulation import state_problem
from mffnb.protocols.half import Half
from mffnb.selection import spectral_angles
from mffnb.solvers import Hals, ProximalGradient

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")

SHAPE = (12, 20)
ABSENT, PURE, PART = (np.zeros(SHAPE, dtype=bool) for _ in range(3))
ABSENT[:, :6], PURE[2:5, 12:16], PART[8:11, 10:14] = True, True, True


@pytest.fixture(scope="module")
def sample():
    return mf.datasets.tof_sims_2d(seed=0, shape=SHAPE)


@pytest.fixture(scope="module")
def cube(sample):
    return sample.cube.isel(mz=slice(0, 120))


def known(fractions=False):
    terms = [mf.Fixed(1, ABSENT), mf.Fixed(0, PURE, fraction=1)]
    return [*terms, mf.Fixed(2, PART, fraction=0.3)] if fractions else terms


SETTINGS = [
    {},
    {"sparsity": 1e-3},
    {"smoothness": 1e-3},
    {"sparsity": 1e-3, "smoothness": 1e-3},
    {"sum_to_one": True},
    {"sum_to_one": True, "smoothness": 1e-3},
    {"sum_to_one": True, "volume": 1e-3},
    {"gain": True},
    {"gain": True, "volume": 1e-3},
    {"weights": "poisson"},
    {"weights": "poisson", "sparsity": 1e-3},
    {"endmember_terms": [mf.Sparsity(1e-3)]},
    {"endmember_terms": [mf.Sparsity(1e-3)], "weights": "poisson"},
    {"endmember_terms": [mf.SpectralSmoothness(1e-3)]},
    {"similarity": "kl"},
    {"similarity": "kl", "sparsity": 1e-3},
    {"similarity": "kl", "smoothness": 1e-3},
    {"similarity": "kl", "sum_to_one": True},
    {"similarity": "kl", "endmember_terms": [mf.Sparsity(1e-3)]},
    {"similarity": "huber"},
    {"similarity": "angle"},
    {"solver": "hals"},
    {"solver": "hals", "sum_to_one": True},
    {"solver": "proximal", "sum_to_one": True},
    {"solver": "multiplicative", "similarity": "kl", "sum_to_one": True},
    {"n_init": 2},
    {"init": "random"},
    {"preprocess": [mf.preprocessing.UnitSum()]},
    {"preprocess": [mf.preprocessing.UnitSum()], "sum_to_one": True},
]


@pytest.mark.parametrize("options", SETTINGS, ids=str)
def test_fixed_abundances_are_exact_and_the_objective_never_rises(cube, options):
    fractions = bool(options.get("sum_to_one"))
    result = mf.unmix(cube, 4, abundance_terms=known(fractions), max_iter=10, random_state=0, **options)
    A = result.abundances.values
    assert not A[1][ABSENT].any()
    assert not A[1:, PURE].any()
    assert (A[0][PURE] > 0).all()
    if fractions:
        np.testing.assert_array_equal(A[2][PART], 0.3)
    if fractions or result.gain is not None:
        np.testing.assert_allclose(A.sum(axis=0), 1, atol=1e-12)
        np.testing.assert_allclose(A[0][PURE], 1, atol=1e-12)
    objective = result.trace.objective.values
    assert objective[-1] < objective[0]
    assert (np.diff(objective) <= 1e-11 * max(1, abs(objective[0]))).all()
    assert A[1][~ABSENT & ~PURE].any()
    assert result.endmembers.values.any(axis=1).all()


def test_known_endmembers_give_least_squares_over_the_components_that_are_left(cube, sample):
    """An independent solution: non-negative least squares without the spectra that are absent."""
    E = sample.endmembers.isel(mz=slice(0, 120)).values
    result = mf.unmix(cube, 4, known=E, abundance_terms=known(), tol=1e-10, max_iter=3000, random_state=0)
    A, X = result.abundances.values.reshape(4, -1), cube.values.reshape(-1, 120)
    for pixel in range(0, X.shape[0], 3):
        left = [j for j in range(4) if not (j == 1 and ABSENT.flat[pixel]) and not (j > 0 and PURE.flat[pixel])]
        best = np.zeros(4)
        best[left] = nnls(E[left].T, X[pixel])[0]
        np.testing.assert_allclose(A[:, pixel], best, atol=1e-6)


def test_known_endmembers_give_the_best_fractions_beside_a_fixed_one(cube, sample):
    """An independent solution: scipy's SLSQP over the free fractions."""
    E = sample.endmembers.isel(mz=slice(0, 120)).values
    fixed = mf.Fixed(2, PART, fraction=0.3)
    options = {"sum_to_one": True, "tol": 1e-10, "max_iter": 3000, "random_state": 0}
    result = mf.unmix(cube, 4, known=E, abundance_terms=[fixed], **options)
    A = result.abundances.values.reshape(4, -1)
    X, others = cube.values.reshape(-1, 120), [0, 1, 3]
    scale = np.abs(X).max() ** 2
    for pixel in np.flatnonzero(PART):
        rest = X[pixel] - 0.3 * E[2]

        def misfit(a, rest=rest):
            return float(((rest - a @ E[others]) ** 2).sum() / scale)

        total = {"type": "eq", "fun": lambda a: a.sum() - 0.7}
        found = minimize(misfit, np.full(3, 0.7 / 3), bounds=[(0, 1)] * 3, constraints=[total], method="SLSQP",
                         options={"ftol": 1e-14, "maxiter": 500})  # fmt: skip
        assert misfit(A[others, pixel]) <= misfit(found.x) + 1e-9
        np.testing.assert_allclose(A[others, pixel], found.x, atol=2e-3)


def test_gaps_and_a_mask_keep_the_values_in_their_pixels(cube):
    gaps = cube.where(np.random.default_rng(0).random(cube.shape) > 0.1)
    used = np.ones(SHAPE, dtype=bool)
    used[::3] = False
    result = mf.unmix(gaps, 4, mask=used, abundance_terms=known(), max_iter=20, random_state=0)
    A = result.abundances.values
    assert not A[1][ABSENT & used].any()
    assert not A[1:, PURE & used].any()
    assert A[1][~ABSENT & ~PURE & used].any()
    assert np.isnan(A[:, ~used]).all()


def test_labels_align_the_pixels(cube):
    maps = xr.DataArray(ABSENT, dims=("y", "x"), coords={name: cube[name] for name in ("y", "x")})
    plain = mf.unmix(cube, 3, abundance_terms=[mf.Fixed(1, ABSENT)], max_iter=5, random_state=0)
    for same in (maps.transpose("x", "y"), maps[::-1, ::-1], maps.astype(int), xr.DataArray(ABSENT[0], dims="x")):
        result = mf.unmix(cube, 3, abundance_terms=[mf.Fixed(1, same)], max_iter=5, random_state=0)
        np.testing.assert_array_equal(result.abundances.values, plain.abundances.values)
    shifted = maps.assign_coords(x=maps.x + 1.0)
    with pytest.raises(ValueError, match="where of Fixed and cube have different coordinates along 'x'"):
        mf.unmix(cube, 3, abundance_terms=[mf.Fixed(1, shifted)])
    with pytest.raises(ValueError, match=r"shape .* of where of Fixed does not fit"):
        mf.unmix(cube, 3, abundance_terms=[mf.Fixed(1, ABSENT.T)])
    with pytest.raises(ValueError, match="varies along 'mz'"):
        mf.unmix(cube, 3, abundance_terms=[mf.Fixed(1, cube > 0)])


def test_one_map_of_fractions_says_where_they_are_known(cube):
    values = np.where(PART, 0.3, np.where(ABSENT, 0.0, np.nan))
    one = mf.unmix(cube, 3, abundance_terms=[mf.Fixed(1, fraction=values)], sum_to_one=True, max_iter=9, random_state=0)
    two = [mf.Fixed(1, ABSENT), mf.Fixed(1, PART, fraction=0.3)]
    other = mf.unmix(cube, 3, abundance_terms=two, sum_to_one=True, max_iter=9, random_state=0)
    np.testing.assert_array_equal(one.abundances.values, other.abundances.values)
    np.testing.assert_array_equal(one.abundances[1].values[PART], 0.3)


def test_a_name_of_a_known_spectrum_names_its_component(cube, sample):
    spectra = sample.endmembers.isel(mz=slice(0, 120))[[2, 0]]
    name = str(spectra.component.values[1])
    result = mf.unmix(cube, 3, known=spectra, abundance_terms=[mf.Fixed(name, ABSENT)], max_iter=5, random_state=0)
    assert not result.abundances[1].values[ABSENT].any()
    assert result.abundances[0].values[ABSENT].any()
    with pytest.raises(ValueError, match=f"no component 'other'.*{name}"):
        mf.unmix(cube, 3, known=spectra, abundance_terms=[mf.Fixed("other", ABSENT)])


@pytest.mark.parametrize("first", [0, 1])
def test_the_components_of_a_start_are_numbered_as_they_obey_best(first):
    """Whatever the number in the constraint, it goes to the component that is absent in these pixels."""
    rng = np.random.default_rng(0)
    A, E = rng.dirichlet(np.ones(4), 60).T, rng.random((4, 9))
    for wanted, number in itertools.product(range(first, 4), range(first, 4)):
        start, region = A.copy(), rng.random(60) < 0.3
        start[wanted, region] *= 0.01
        problem = state_problem(in_memory(A.T @ E), mf.similarities.Frobenius(), [mf.Fixed(number, region)], [])
        order = obeying_order(start, E, problem, first)
        assert order[number] == wanted
        assert sorted(order) == list(range(4))
        assert order[:first].tolist() == list(range(first))


def test_knowing_where_components_are_absent_finds_them_better_and_under_their_numbers():
    sample = mf.datasets.tof_sims_2d(seed=3, shape=(32, 48))
    share = (sample.abundances / sample.abundances.sum("component")).values
    terms = [mf.Fixed(number, share[number] < 0.02) for number in range(4)]
    free, known = (
        spectral_angles(
            sample.endmembers.values,
            mf.unmix(sample.cube, 4, abundance_terms=given, max_iter=100, random_state=0).endmembers.values,
        )
        for given in ((), terms)
    )
    assert (np.argmin(known, axis=1) == np.arange(4)).all()
    assert np.diag(known).sum() < 0.8 * free.min(axis=1).sum()


def test_components_keep_their_numbers(cube):
    """Without a constraint, components are in falling order of their share; a constraint names them by number."""
    result = mf.unmix(
        cube, 3, abundance_terms=[mf.Fixed(0, np.ones(SHAPE, bool) & (np.arange(20) > 1))], random_state=0
    )
    assert not result.abundances[0, :, 2:].values.any()
    assert result.abundances[0, :, :2].values.any()


def test_the_record_repeats_the_constraint(cube, tmp_path):
    result = mf.unmix(cube, 4, abundance_terms=known(True), sum_to_one=True, max_iter=3, random_state=0)
    result.save(tmp_path / "run.nc")
    loaded = mf.load(tmp_path / "run.nc")
    assert loaded.parameters["terms"] == result.parameters["terms"]
    terms = []
    for one in loaded.parameters["fixed"]:
        fraction = np.full(ABSENT.size, np.nan)
        for first, stop, value in one["runs"]:
            fraction[int(first) : int(stop)] = value
        terms.append(mf.Fixed(one["component"], fraction=fraction.reshape(SHAPE)))
    again = mf.unmix(cube, 4, abundance_terms=terms, sum_to_one=True, max_iter=3, random_state=0)
    np.testing.assert_array_equal(again.abundances.values, loaded.abundances.values)
    assert "fixed" not in mf.unmix(cube, 3, max_iter=1, random_state=0).parameters


@pytest.mark.parametrize(
    ("terms", "options", "message"),
    [
        ([mf.Fixed(0, PART, 0.3)], {}, "needs abundances that sum to one"),
        ([mf.Fixed(0, PART, 0.3)], {"gain": True}, "needs abundances that sum to one"),
        ([mf.Fixed(0, PART, 0.3)], {"similarity": "angle"}, "needs abundances that sum to one"),
        ([mf.Fixed(0, ABSENT)], {"volume": "auto"}, "takes no terms of your own"),
        ([mf.Fixed(0, ABSENT)], {"solver": "pivoting"}, "block pivoting cannot handle values that stay"),
        ([mf.Fixed(0, ABSENT), mf.Orthogonal()], {}, "drop Orthogonal or Fixed"),
        ([mf.Fixed(0, ABSENT), mf.Bounds(0.1, 1.0)], {}, "Bounds beside Fixed"),
        ([mf.Fixed(j, ABSENT) for j in range(3)], {}, "no component in 72 pixels"),
        ([mf.Fixed(0, PART, 1), mf.Fixed(1, PART, 1)], {}, "no component in 12 pixels"),
        ([mf.Fixed(0, PART, 0.3), mf.Fixed(0, PART, 0.4)], {"sum_to_one": True}, "different values in 12 pixels"),
        ([mf.Fixed(0, PART, 0.7), mf.Fixed(1, PART, 0.4)], {"sum_to_one": True}, "a sum above 1 in 12 pixels"),
        ([mf.Fixed(j, PART, 0.3) for j in range(3)], {"sum_to_one": True}, "their sum is not 1 in 12 pixels"),
        ([mf.Fixed(3, ABSENT)], {}, "names component 3, and there are 3"),
        ([mf.Fixed(0)], {}, "Fixed needs its pixels"),
    ],
)
def test_what_cannot_be_right_is_refused_in_one_sentence(cube, terms, options, message):
    with pytest.raises((ValueError, UnsupportedCombinationError), match=message) as error:
        mf.unmix(cube, 3, abundance_terms=terms, max_iter=2, random_state=0, **options)
    assert "\n" not in str(error.value)


def test_it_belongs_to_abundances_of_the_fitted_pixels(cube):
    X = cube.values.reshape(-1, 120)
    with pytest.raises(UnsupportedCombinationError, match="belongs into abundance_terms"):
        mf.MatrixFactorization(3, endmember_terms=[mf.Fixed(0, ABSENT.ravel())]).fit(X)
    model = mf.MatrixFactorization(3, abundance_terms=[mf.Fixed(0, ABSENT.ravel())], max_iter=5).fit(X)
    with pytest.raises(UnsupportedCombinationError, match="use the result of fit_transform"):
        model.transform(X)
    with pytest.raises(ValueError, match="there are 240 pixels: give one each"):
        mf.MatrixFactorization(3, abundance_terms=[mf.Fixed(0, ABSENT)]).fit(X)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, ABSENT), "component is a number >= 0"),
        ((True, ABSENT), "component is a number >= 0"),
        ((1.5, ABSENT), "component is a number >= 0"),
        ((0, ABSENT, 1.2), "between 0 .absent. and 1 .pure., got 1.2"),
        ((0, ABSENT, -0.1), "between 0 .absent. and 1 .pure., got -0.1"),
        ((0, ABSENT, "pure"), "fraction is a number between 0 and 1"),
        ((0, np.array([0.5, 2.0])), "where is True for the pixels"),
    ],
)
def test_arguments_are_checked_at_once(arguments, message):
    with pytest.raises(ValueError, match=message):
        mf.Fixed(*arguments)


@st.composite
def problems(draw):
    """A subproblem with some entries of a factor fixed: to zero, or to fractions that leave room in each column."""
    k, n = draw(st.integers(2, 5)), draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    basis = rng.random((k, 7))
    fixed = rng.random((k, n)) < draw(st.floats(0, 0.9))
    fixed[rng.integers(k, size=n), np.arange(n)] = False  # one entry of each column stays free
    values = np.where(fixed, rng.random((k, n)) * draw(st.sampled_from([0.0, 1.0])) / k, 0.0)
    weights = draw(st.sampled_from([None, rng.uniform(0.5, 2.0, n)]))
    cross = rng.normal(size=(k, n))
    return Half(basis @ basis.T, cross, fixed=fixed, weights=weights), values, rng.dirichlet(np.ones(k), n).T


@given(problems(), st.booleans(), st.sampled_from([Hals(), ProximalGradient()]))
@settings(max_examples=60, deadline=None)
def test_a_half_step_keeps_fixed_entries_and_never_raises_the_objective(problem, fractions, solver):
    half, values, start = problem
    half = replace(half, sum_to_one=fractions, factor=start)
    start = np.where(half.fixed, values, start)
    if fractions:
        start = nearest_fixed_fractions(start, half.fixed, values)
    factor = start.copy()
    for _ in range(3):
        before = half.value(factor)
        solver.update(factor, half)
        assert half.value(factor) <= before + 1e-10 * (1 + abs(before))
        np.testing.assert_array_equal(factor[half.fixed], values[half.fixed])
        assert (factor >= 0).all()
        if fractions:
            np.testing.assert_allclose(factor.sum(axis=0), 1, atol=1e-12)


@given(problems())
@settings(max_examples=60, deadline=None)
def test_the_projection_on_fixed_fractions_is_the_nearest_point(problem):
    half, values, other = problem
    point = half.cross
    nearest = nearest_fixed_fractions(point, half.fixed, values)
    np.testing.assert_allclose(nearest.sum(axis=0), 1, atol=1e-12)
    allowed = nearest_fixed_fractions(other, half.fixed, values)
    # the angle at the nearest point of a convex set is not acute
    assert np.all(((point - nearest) * (allowed - nearest)).sum(axis=0) <= 1e-9)


@given(problems())
@settings(max_examples=40, deadline=None)
def test_patterns_cover_all_free_entries_once(problem):
    half, _, _ = problem
    count = np.zeros(half.cross.shape, dtype=int)
    for one in patterns(half.fixed):
        count[one.block] += 1
    np.testing.assert_array_equal(count, ~half.fixed)


def test_without_the_constraint_there_are_no_known_entries():
    assert known_entries([mf.Sparsity(1.0)], (2, 3)) is None
