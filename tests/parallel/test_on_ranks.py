"""The same answer on any grid of ranks. Run by itself this is one rank; tests/parallel/test_grid.py starts several.

mpiexec -n 4 python -m mpi4py -m pytest -n 0 tests/parallel/test_on_ranks.py
"""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest

import mffnb as mf
from mffnb.estimators.factorization import MatrixFactorization
from mffnb.matrices import Chunked, Distributed, DistributedAxis, replicate_columns
from mffnb.parallel import Grid
from mffnb.unmixing.auto_on_ranks import find_volume_on_ranks
from mffnb.unmixing.physics import Physics

MPI = pytest.importorskip("mpi4py.MPI", reason="no MPI library", exc_type=RuntimeError)
WORLD = MPI.COMM_WORLD
GRIDS = {1: [(1, 1)], 2: [(2, 1), (1, 2)], 3: [(1, 3)], 4: [(2, 2)]}[WORLD.size]
pytestmark = [
    pytest.mark.filterwarnings("ignore::mffnb.errors.MffnbWarning"),  # the number of iterations is fixed on purpose
    pytest.mark.parametrize("grid", [Grid(WORLD, shape) for shape in GRIDS], ids=lambda grid: "x".join(map(str, grid.shape))),
]  # fmt: skip

# Four bands of one row; some pixels and a channel are masked, so that nothing can be shared out evenly.
RNG = np.random.default_rng(0)
CUBE = RNG.dirichlet(np.full(3, 0.5), (4, 520)) @ RNG.random((3, 11)) + 0.02 * RNG.random((4, 520, 11))
CHANCES = CUBE / CUBE.max()
ANSWERS = CHANCES > 0.3
SOME_ANSWERS = np.where(np.arange(11) % 5 == np.arange(4)[:, None, None], np.nan, ANSWERS)
COUNTS = RNG.poisson(4 * CUBE).astype(float)
HOLES = np.where(RNG.random(CUBE.shape) < 0.05, np.nan, CUBE)
MASK = [RNG.random((4, 520)) < 0.9, np.arange(11) != 4]
OF_PIXELS, OF_CHANNELS = RNG.uniform(0.3, 2, (4, 520)), RNG.uniform(0.3, 2, 11)
KNOWN = CUBE[0, :1]
PARTLY = np.where(np.arange(11) == 7, np.nan, KNOWN)
FEW = {
    "plain": {},
    "sparse and smooth": {"sparsity": 1e-2, "smoothness": 0.1},
    "minimum volume with gain": {"gain": True, "volume": 1e-3, "smoothness": 0.1},
    "weights and gaps": {"cube": HOLES, "weights": [OF_PIXELS, OF_CHANNELS], "smoothness": 0.1},
    "known": {"known": PARTLY, "sparsity": 1e-2},
    "counts": {"cube": COUNTS, "similarity": "kl", "smoothness": 0.1},
    "huber": {"similarity": "huber"},
    "bernoulli": {"cube": ANSWERS, "similarity": "bernoulli", "abundance_terms": [mf.Ridge(0.01)]},
    "proximal": {"solver": "proximal", "sparsity": 1e-2, "smoothness": 0.1},
    "few components": {"abundance_terms": [mf.GroupSparsity(0.02)]},
    "newton": {"cube": COUNTS, "similarity": "kl", "solver": "newton"},
}
MORE = {
    "speckle": {"cube": CUBE + 0.01, "similarity": "itakura-saito", "smoothness": 0.1},
    "speckle with gain and gaps": {"cube": HOLES + 0.01, "similarity": "itakura-saito", "gain": True},
    "beta of one half": {"cube": COUNTS, "similarity": mf.similarities.BetaDivergence(0.5), "weights": OF_PIXELS},
    "huber, weighted": {"cube": HOLES, "similarity": "huber", "weights": [OF_PIXELS, OF_CHANNELS], "sparsity": 1e-2},
    "weights without a power": {"cube": CUBE + 0.01, "similarity": "itakura-saito", "weights": [OF_PIXELS, OF_CHANNELS]},
    "logistic": {"similarity": "frobenius", "transform": "logistic", "cube": CHANCES, "abundance_terms": [mf.Ridge(0.01)]},
    "bernoulli, gaps": {"cube": SOME_ANSWERS, "similarity": "bernoulli", "abundance_terms": [mf.Ridge(0.01)], "mask": MASK},
    "proximal fractions": {"solver": "proximal", "sum_to_one": True, "abundance_terms": [mf.Bounds(0, 0.8)]},
    "proximal in a ball": {"solver": "proximal", "sparsity": 1e-2, "known": KNOWN},
    "proximal counts": {"solver": "proximal", "cube": COUNTS, "similarity": "kl"},
    "few components, known": {"abundance_terms": [mf.GroupSparsity(0.02)], "known": KNOWN},
    "no extrapolation": {"solver": "hals", "init": "random", "mask": MASK},
    "pivoting": {"solver": "pivoting"},
    "many components": {"k": 14, "init": "random"},
    "one channel": {"cube": CUBE[..., :1], "k": 1},
    "fractions": {"sum_to_one": True},
    "smooth fractions": {"sum_to_one": True, "smoothness": 0.1, "volume": 1e-3},
    "weights of entries": {"weights": CUBE**2 + 0.1},
    "poisson weights": {"weights": "poisson", "mask": MASK},
    "weights and gain": {"weights": OF_PIXELS, "gain": True},
    "penalty on endmembers": {"endmember_terms": [mf.Sparsity(1e-2)]},
    "ridge": {"abundance_terms": [mf.Ridge(1e-2)]},
    "bounds": {"abundance_terms": [mf.Bounds(0, 1)], "endmember_terms": [mf.Bounds(np.zeros(11), np.linspace(0.5, 1, 11))]},
    "smooth in a ball": {"max_iter": 3, "smoothness": 0.1, "abundance_terms": [mf.UnitBall(15.0)]},
    "fixed": {"abundance_terms": [mf.Fixed(1, OF_PIXELS < 0.8)], "mask": MASK, "sparsity": 1e-2},
    "fixed fractions": {"abundance_terms": [mf.Fixed(1, OF_PIXELS < 0.8, 0.3)], "mask": MASK, "sum_to_one": True},
    "fixed counts": {"cube": COUNTS, "similarity": "kl", "abundance_terms": [mf.Fixed(1, OF_PIXELS < 0.8)]},
    "one component": {"abundance_terms": [mf.Orthogonal()], "init": "nndsvd"},
    "multiplicative": {"cube": COUNTS, "similarity": "kl", "solver": "multiplicative", "mask": MASK},
    "counts, endmembers in a ball": {"max_iter": 6, "cube": COUNTS, "similarity": "kl", "sparsity": 1e-2, "known": KNOWN},
    "counts, abundances in a ball": {"cube": COUNTS, "similarity": "kl", "endmember_terms": [mf.Sparsity(1e-2)]},
    "counts, fractions": {"cube": COUNTS, "similarity": "kl", "gain": True},
    "counts, gaps": {"cube": np.where(np.isnan(HOLES), np.nan, COUNTS), "similarity": "kl"},
}  # fmt: skip
LOOSE = {"proximal counts": 1e-6}  # its backtracking compares likelihoods, which rounding changes by 1e-13
CASES = FEW if WORLD.size > 2 else FEW | MORE


def solved(options, **more):
    options = {"cube": CUBE, "k": 3, "random_state": 0, "max_iter": 12, "tol": 1e-30, **options}
    return mf.unmix(options.pop("cube"), options.pop("k"), **options, **more)


@cache
def alone(case):
    return solved(CASES[case])


@pytest.mark.parametrize("case", CASES)
def test_factors_are_the_serial_ones(grid, case):
    shared = solved(CASES[case], communicator=grid)
    if WORLD.rank > 0:
        return
    for name in ("endmembers", "abundances", "gain"):
        got, expected = getattr(shared, name), getattr(alone(case), name)
        assert (got is None) == (expected is None)
        if got is not None:
            np.testing.assert_allclose(got, expected, rtol=0, atol=LOOSE.get(case, 1e-10) * float(abs(expected).max()))
    assert float(shared.trace.objective[-1]) == pytest.approx(float(alone(case).trace.objective[-1]), rel=1e-10)


@pytest.mark.parametrize("cube", [CUBE, HOLES], ids=["complete", "gaps"])
def test_angles_are_the_serial_ones_if_each_rank_has_whole_spectra(grid, cube):
    options = {"cube": cube, "similarity": "angle", "mask": MASK, "weights": OF_PIXELS, "smoothness": 0.01}
    if grid.shape[1] > 1:
        with pytest.raises(mf.errors.UnsupportedCombinationError, match=r"all channels .*mffnb\.parallel\.Grid"):
            solved(options, communicator=grid)
        grid = Grid(WORLD, (WORLD.size, 1))
    shared, one = solved(options, communicator=grid), solved(options)
    for name in ("endmembers", "abundances", "gain"):
        got, expected = getattr(shared, name), getattr(one, name)
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-6 * float(abs(expected).max()))
    assert float(shared.trace.objective[-1]) == pytest.approx(float(one.trace.objective[-1]), rel=1e-10)


SUMS = RNG.dirichlet(np.ones(3), (4, 520)) @ RNG.random((3, 11)) + 0.005 * RNG.standard_normal(CUBE.shape)
GAINS = (SUMS * OF_PIXELS[..., None])[:2]
BACK = np.abs(SUMS) * np.linspace(1, 2, 11)
OF_RULE = {
    "sum to one": {"cube": SUMS, "mask": MASK},
    "gain": {"cube": GAINS},
    "noise of counts, equal weights": {"cube": RNG.poisson(200 * BACK), "weights": "equal", "sum_to_one": True},
}


@cache
def rule_alone(case):
    return solved({**OF_RULE[case], "volume": "auto"})


@pytest.mark.parametrize("case", OF_RULE)
def test_the_rule_for_a_volume_decides_as_in_one_process(grid, case):
    shared = solved({**OF_RULE[case], "volume": "auto"}, communicator=grid)
    if WORLD.rank > 0:
        return
    one = rule_alone(case)
    for name in ("model", "gain", "sum_to_one"):
        assert shared.parameters[name] == one.parameters[name]
    for name in ("rho", "threshold", "volume_weight", "disagreement"):
        assert shared.parameters[name] == pytest.approx(one.parameters[name], rel=1e-5)
    for name in ("endmembers", "abundances", "gain", "alternative"):
        got, expected = getattr(shared, name), getattr(one, name)
        assert (got is None) == (expected is None)
        if got is not None:
            np.testing.assert_allclose(got, expected, rtol=0, atol=1e-6 * float(abs(expected).max()))
    assert len(shared.trace.objective) == len(one.trace.objective)
    # With gains the objective is a small difference from the sum of squares, which is the number of pixels.
    rounding = 0.0 if one.gain is None else 1e-12 * one.gain.size
    assert float(shared.trace.objective[-1]) == pytest.approx(float(one.trace.objective[-1]), rel=1e-10, abs=rounding)


def test_every_rank_gets_the_rule_and_its_own_rows(grid):
    whole, own = (
        solved({"cube": GAINS, "volume": "auto"}, communicator=grid, gather=gather) for gather in (True, False)
    )
    for name in ("endmembers", "abundances", "gain"):
        np.testing.assert_array_equal(WORLD.bcast(getattr(whole, name).values), getattr(whole, name))
    assert WORLD.bcast(whole.parameters["rho"]) == whole.parameters["rho"]
    if own.block is not None:
        rows = slice(own.block.start, own.block.stop)
        np.testing.assert_array_equal(own.abundances, whole.abundances[:, rows])


def test_a_callback_sees_the_rule_on_every_rank_and_ends_it(grid):
    seen = []

    def stop(state):
        seen.append((state.endmembers.copy(), state.abundances.shape, state.gain.shape))
        return WORLD.rank == WORLD.size - 1 and len(seen) == 3

    result = solved({"cube": GAINS, "volume": "auto"}, communicator=grid, callback=stop)
    assert result.outcome.name == "STOPPED"
    assert len(seen) == 3
    np.testing.assert_array_equal(WORLD.bcast(seen[-1][0]), seen[-1][0])
    assert WORLD.allreduce(seen[-1][2][0]) == GAINS[..., 0].size
    assert seen[-1][1] == (3, *seen[-1][2])


def test_an_interrupt_on_one_rank_ends_the_rule_on_all(grid):
    def interrupt(state):
        if WORLD.rank == WORLD.size - 1 and state.iteration == 4:
            raise KeyboardInterrupt

    result = solved({"cube": GAINS, "volume": "auto"}, communicator=grid, callback=interrupt)
    assert result.outcome.name == "INTERRUPTED"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"cube": CUBE * 0}, "zero everywhere"),
        ({"k": 12}, "12 endmembers cannot be distinguished"),
        ({"cube": HOLES}, "no missing entries"),
        ({"known": KNOWN}, "no known endmembers"),
        ({"cube": COUNTS}, "counts in one process only"),
        ({"weights": "poisson"}, "counts in one process only"),
    ],
)
def test_the_rule_refuses_data_on_all_ranks(grid, options, reason):
    with pytest.raises((ValueError, mf.errors.UnsupportedCombinationError), match=reason):
        solved({**options, "volume": "auto"}, communicator=grid)


def test_a_rank_that_cannot_read_ends_the_rule_on_all_ranks(grid):
    with pytest.raises(OSError, match="damaged"):
        find_volume_on_ranks(failing_matrix(grid), 2, 0, Physics(), None)


IMAGES = [CUBE[:, :200], CUBE[:3, 200:350], CUBE[:, 350:]]


@pytest.mark.parametrize(
    "options",
    [
        {"sparsity": 1e-2, "smoothness": 0.1},
        {"gain": True, "volume": 1e-3},
        {"similarity": "huber"},
        {"volume": "auto", "sum_to_one": True},
    ],
    ids=["sparse and smooth", "minimum volume with gain", "huber", "rule for a volume"],
)
def test_joint_unmixing_is_the_serial_one(grid, options):
    shared, one = (solved({"cube": IMAGES, **options}, communicator=where) for where in (grid, None))
    close = 1e-6 if options.get("volume") == "auto" else 1e-10
    np.testing.assert_allclose(shared.endmembers, one.endmembers, rtol=0, atol=close)
    for i in range(len(IMAGES)):
        assert shared[i].abundances.shape == one[i].abundances.shape
        np.testing.assert_allclose(shared[i].abundances, one[i].abundances, rtol=0, atol=close)


def test_every_rank_and_every_run_gets_the_same_bits(grid):
    first, again = (solved({"sparsity": 1e-2}, communicator=grid) for _ in range(2))
    for name in ("endmembers", "abundances"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
        np.testing.assert_array_equal(WORLD.bcast(getattr(first, name).values), getattr(first, name))


class Counting:
    """A communicator that counts the numbers which this rank cannot but send or receive."""

    def __init__(self, inner, words):
        self._inner, self.words = inner, words
        self.rank, self.size = inner.rank, inner.size

    def Split(self, colour, key):
        return Counting(self._inner.Split(colour, key), self.words)

    def Allgatherv(self, sent, received):
        self.words["factors"] += received[0].size - sent.size
        self._inner.Allgatherv(sent, received)

    def Reduce_scatter(self, sent, received, counts):
        self.words["factors"] += sent.size - received.size
        self._inner.Reduce_scatter(sent, received, counts)

    def Reduce(self, here, everywhere, root):
        self._count(everywhere, root)
        self._inner.Reduce(here, everywhere, root=root)

    def Bcast(self, everywhere, root):
        self._count(everywhere, root)
        self._inner.Bcast(everywhere, root=root)

    def _count(self, array, root):
        if self.rank != root:
            self.words["sums" if array.ndim == 2 else "scalars"] += array.size

    def __getattr__(self, name):
        return getattr(self._inner, name)


def test_an_iteration_moves_what_the_formula_says(grid):
    k, words = 3, []
    for iterations in (4, 9):
        counted = {"factors": 0, "sums": 0, "scalars": 0}
        solved({"init": "random", "max_iter": iterations}, communicator=Grid(Counting(WORLD, counted), grid.shape))
        words.append(WORLD.allreduce(np.array(list(counted.values()), dtype=float)) / WORLD.size)
    factors, sums, scalars = (words[1] - words[0]) / 5
    (rows, columns), p, m, n = grid.shape, WORLD.size, CUBE[..., 0].size, CUBE.shape[-1]
    assert factors == pytest.approx(2 * ((rows - 1) * n * k / p + (columns - 1) * m * k / p))
    assert sums == pytest.approx(4 * k**2 * (p - 1) / p)
    assert scalars == pytest.approx(2 * 2 * (p - 1) / p)  # the objective, and the size of the step


class Fails:
    """Rows of which the last rank cannot read some."""

    shape = (100, 6)

    def __init__(self, last):
        self.last, self.asked = last, 0

    def __getitem__(self, rows):
        self.asked += 1
        if self.last and self.asked > 20:
            raise OSError("a chunk is damaged")
        return 1.0 + np.add.outer(np.arange(rows.start, rows.stop) % 7, np.arange(6) % 5)


def failing_matrix(grid):
    """A distributed matrix whose last rank fails to read."""
    rows, columns = grid.shape
    i, j = grid.place
    cuts = np.linspace(0, 100, columns + 1).astype(int) + 100 * i
    row_axis = DistributedAxis(100 * rows, cuts, grid.row, j)
    column_axis = DistributedAxis(6 * columns, np.linspace(0, 6, rows + 1).astype(int) + 6 * j, grid.column, i)
    block = Chunked(Fails(WORLD.rank == WORLD.size - 1), np.array([0, 50, 100]))
    return Distributed(block, row_axis, column_axis, WORLD)


@pytest.mark.parametrize("similarity", ["frobenius", "kl"])
def test_a_rank_that_cannot_read_makes_all_of_them_stop(grid, similarity):
    model = MatrixFactorization(2, similarity=similarity, init="random", tol=0, max_iter=30, random_state=0)
    with pytest.raises(OSError, match="damaged"):
        model.factorize(failing_matrix(grid))


def test_a_callback_ends_the_run_on_all_ranks(grid):
    result = solved({}, communicator=grid, callback=lambda state: WORLD.rank == WORLD.size - 1 and state.iteration == 2)
    assert result.outcome.name == "STOPPED"
    assert int(result.trace.iteration[-1]) == 2


REFUSED = [
    ({"endmember_terms": [mf.SpectralSmoothness(0.1)]}, "smooth endmembers need all channels"),
    ({"abundance_terms": [mf.Smoothness(0.1, mf.graphs.grid((4, 520)))]}, "graph of your own needs all pixels"),
    ({"abundance_terms": [mf.TotalVariation(0.1)]}, "TotalVariation, like every term on whole maps"),
] * (WORLD.size > 1)  # one rank takes them


@pytest.mark.parametrize(("options", "reason"), REFUSED)
def test_what_is_not_shared_out_says_so(grid, options, reason):
    with pytest.raises((ValueError, mf.errors.UnsupportedCombinationError), match=reason):
        solved(options, communicator=grid)


def test_a_factor_of_the_columns_is_put_together(grid):
    cuts = [7 * i // WORLD.size for i in range(WORLD.size + 1)]
    matrix = SimpleNamespace(
        shared=WORLD.size > 1,
        shape=(0, 7),
        own_columns=slice(cuts[WORLD.rank], cuts[WORLD.rank + 1]),
        total=WORLD.allreduce,
    )
    whole = np.arange(14.0).reshape(2, 7)
    np.testing.assert_array_equal(replicate_columns(matrix, whole[:, matrix.own_columns]), whole)
