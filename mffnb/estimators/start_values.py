"""Start values of a factorization: given as matrices, by a method's name, beside known endmembers, or by rule."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from mffnb.constraints import Fixed, Orthogonal
from mffnb.estimators.names import STARTS, check_method, known_name
from mffnb.geometry import Groups
from mffnb.geometry.short_runs import ShortRuns
from mffnb.geometry.starts import RandomStart
from mffnb.matrices.checking import check_proportion
from mffnb.matrices.partial import impute_mean_spectrum
from mffnb.problem.compatibility import Gauge
from mffnb.problem.component_assignment import obeying_order
from mffnb.problem.formulation import state_problem
from mffnb.problem.normalisation import in_data_units, make_likely, to_scaled_gauge
from mffnb.problem.problem import Problem
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.similarity import DataDependent
from mffnb.protocols.solver import Choosing, Start
from mffnb.similarities import Frobenius
from mffnb.similarities.quadratic_misfit import QuadraticMisfit
from mffnb.solvers import Auto, Extrapolated, drive, iterate
from mffnb.solvers.basin_hopping import BasinHopping
from mffnb.solvers.grow_shrink import start_beside_known
from mffnb.solvers.subsampled_start import SubsampledStart
from mffnb.typing import Array, Float64Array, Seed

Init = str | Start | tuple[Array, Array]

_GIVEN = "given"  # description of start values that the user has given

# From this number of pixels on, an iteration on the subset costs at most a sixteenth of one on all pixels.
_MANY_PIXELS = 16 * SubsampledStart.pixels
# From this number of components on, NNDSVD often ends in a local minimum above that of the best of ten random starts.
_MANY_COMPONENTS = 12
# With many components the lowest misfit decides, since minima differ more than in what noise leaves open. From the best
# of the short runs 8 hops end as low as 16, and 16 from NNDSVD often end higher: see `benchmarks/README.md`.
_MANY = BasinHopping(hops=8, begin=ShortRuns(tolerance=0.0))
# Iterations that separate the components of a start before they are numbered. In 40 simulated count images (3 to 6
# smooth maps, peaks at random), with arbitrary numbers for 73 components that are absent in some pixels, 38 ended with
# their number without such iterations, and 64 or 65 with 5, 20, 50 and 150.
_SEPARATION = 20
_FAINT = 1e-3  # smallest entry of such a start for a likelihood, relative to the mean of its row


class StartValues(NamedTuple):
    """Start values of both factors, and the name of the method that computed them.

    Attributes
    ----------
    abundances, endmembers
        A (k, pixels of this rank) and E (k, channels of this rank), as new arrays.
    description
        Name of the method that computed them.
    """

    abundances: Float64Array
    endmembers: Float64Array
    description: str


def start_values(init: Init, matrix: Matrix, problem: Problem, components: int, random_state: Seed) -> StartValues:
    """Compute start values in the scale of the problem and inside all of its sets.

    Parameters
    ----------
    init
        As for :class:`mffnb.MatrixFactorization`.
    matrix
        The data matrix X without weights.
    problem
        Optimisation problem with the weighted data and all terms.
    components
        Number of components k.
    random_state
        Seed of random starts.
    """
    complete = matrix if matrix.complete else impute_mean_spectrum(matrix)
    if isinstance(problem.similarity, DataDependent):
        complete = problem.similarity.start_data(complete)
    start = _in_data_units(init, complete, problem, components, random_state)
    if start.description != _GIVEN:
        start = _obeying(start, complete, problem)
    to_scaled_gauge(start.abundances, start.endmembers, problem, given=start.description == _GIVEN)
    if problem.misfit.barrier:
        make_likely(start.abundances, start.endmembers, problem)
    return start


def _in_data_units(init: Init, matrix: Matrix, problem: Problem, components: int, random_state: Seed) -> StartValues:
    """Compute the start values A and E of the given or chosen start, before they are scaled as the solver needs."""
    if isinstance(init, (tuple, list)):
        return _given(init, matrix, problem, components)
    if isinstance(init, np.ndarray):
        raise ValueError(
            f"init is an array of shape {init.shape}, expected a pair: pass init=(A, E) with shapes (pixels, k) and "
            "(k, channels), or spectra alone as known=E of mffnb.unmix"
        )
    start: Any = init
    if isinstance(start, str):
        by_rule = start == "auto"
        start = _by_rule(matrix, problem, components) if by_rule else STARTS[known_name(start, STARTS, "init")]
    check_method(start, "start", "init")
    seed = int(_legacy_generator(random_state).randint(2**31))
    if problem.pinned is not None:
        abundances, endmembers = start_beside_known(matrix, components, problem.pinned.values)
        return StartValues(abundances, endmembers, "beside known endmembers")
    if isinstance(start, Choosing):
        chosen = start.choose(matrix, components, seed)
        return StartValues(chosen.abundances, chosen.endmembers, f"{start!r} from {chosen.name}")
    abundances, endmembers = start.start(matrix, components, seed)
    return StartValues(abundances, endmembers, repr(start))


def _obeying(start: StartValues, matrix: Matrix, problem: Problem) -> StartValues:
    """Return computed start values with their components numbered such that they obey known abundances best.

    The components of a start such as NNDSVD are mixtures, so they are separated by some iterations of least squares
    before they are numbered.
    """
    A, E, description = start
    if not any(isinstance(term, Fixed) for term in problem.abundance_terms):
        return start
    if problem.pinned is None:
        A, E = _separated(A, E, matrix, least=_FAINT if problem.misfit.barrier else 0.0)
    order = obeying_order(A, E, problem, 0 if problem.pinned is None else len(problem.pinned.values))
    return StartValues(np.ascontiguousarray(A[order]), np.ascontiguousarray(E[order]), description)


def _separated(
    abundances: Float64Array, endmembers: Float64Array, matrix: Matrix, least: float
) -> tuple[Float64Array, Float64Array]:
    """Return factors after some iterations of least squares, at least this share of the mean of their row."""
    free = state_problem(matrix, Frobenius(), (), ())
    A, E = abundances.copy(), endmembers.copy()
    to_scaled_gauge(A, E, free, given=False)
    state = drive(iterate(free, A, E, Extrapolated(Auto()), _SEPARATION, 0.0))[0]
    factors = in_data_units(state.abundances, state.endmembers, free)
    A, E = factors.abundances, factors.endmembers
    if least:  # a likelihood hardly leaves zeros
        rows = matrix.total(A.sum(axis=1)) / matrix.shape[0], matrix.total(E.sum(axis=1)) / matrix.shape[1]
        A, E = np.maximum(A, least * rows[0][:, None]), np.maximum(E, least * rows[1][:, None])
    return A, E


def _given(init: tuple[Array, Array], matrix: Matrix, problem: Problem, components: int) -> StartValues:
    """Check start values (pixels, k) and (k, channels) that the user has given, and return copies of them."""
    if len(init) != 2:
        raise ValueError(f"init=(A, E) is a pair, got {len(init)} parts")
    abundances, endmembers = (np.array(part, dtype=np.float64) for part in init)
    pixels = matrix.own.stop - matrix.own.start
    wanted = ((pixels, components), (components, matrix.shape[1]))
    if (abundances.shape, endmembers.shape) != wanted:
        raise ValueError(
            f"init=(A, E) must have shapes {wanted[0]} and {wanted[1]}, got {abundances.shape} and {endmembers.shape}"
        )
    if not (np.isfinite(abundances).all() and np.isfinite(endmembers).all()):
        raise ValueError("init=(A, E) holds NaN or infinite values: fill them, with numpy.nan_to_num(A) say")
    if min(abundances.min(initial=0.0), endmembers.min()) < 0:
        raise ValueError("init=(A, E) must not be negative: clip it with numpy.maximum(A, 0)")
    check_proportion(abundances, 1.0, "start values of abundances")
    check_proportion(endmembers, 1.0 / problem.scale, "start values of endmembers")
    endmembers = np.ascontiguousarray(endmembers[:, matrix.own_columns])
    if problem.pinned is not None:
        endmembers = problem.pinned.project(endmembers)
    return StartValues(np.ascontiguousarray(abundances.T), endmembers, _GIVEN)


def _by_rule(matrix: Matrix, problem: Problem, components: int) -> Start:
    """Choose the start by rule: short runs from pure pixels, pure channels and NNDSVD, of which the best one goes on.

    If k exceeds the shape of X, start values are random.

    One component per pixel (:class:`mffnb.constraints.Orthogonal`) starts from groups of pixels. For least squares on
    complete, unweighted data, many components start from basin hopping on compressed data, and the start of very many
    pixels is computed on a subset of them.
    """
    if components > min(matrix.shape):
        return RandomStart()
    if any(isinstance(term, Orthogonal) for term in problem.abundance_terms) and not matrix.shared:
        return Groups()
    free = problem.gauge in (Gauge.FREE, Gauge.ENDMEMBERS) and isinstance(problem.misfit, QuadraticMisfit)
    unweighted = problem.matrix is matrix and matrix.complete
    if not (free and unweighted):
        return ShortRuns()
    start: Start = _MANY if components >= _MANY_COMPONENTS else ShortRuns()
    return SubsampledStart(begin=start) if matrix.shape[0] >= _MANY_PIXELS else start


def _legacy_generator(random_state: Seed) -> np.random.RandomState:
    """Return the generator of a seed, as scikit-learn does; it is imported only for seeds that need its checks."""
    if isinstance(random_state, np.random.Generator):
        return np.random.RandomState(random_state.bit_generator)
    if type(random_state) is int:
        return np.random.RandomState(random_state)
    from sklearn.utils import check_random_state  # noqa: PLC0415  slow import

    generator: np.random.RandomState = check_random_state(random_state)
    return generator
