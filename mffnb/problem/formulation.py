"""State the optimisation problem: check terms, weight the data, fix the scale normalisation, bind the similarity."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from mffnb.constraints import Bounds, Fixed, PatternSymmetry, Pinned, Simplex, UnitBall
from mffnb.errors import UnsupportedCombinationError
from mffnb.matrices import scaled
from mffnb.matrices.checking import check_proportion, check_size
from mffnb.matrices.pixel_gain import perspective_factors
from mffnb.matrices.weighting import Weighting, with_channel_weights
from mffnb.problem.compatibility import Gauge, as_terms, check_terms, gauge_of, with_gain
from mffnb.problem.problem import Problem
from mffnb.problem.rank_terms import on_rank
from mffnb.protocols.capabilities import caution, traits_of
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.misfit import Misfit
from mffnb.protocols.part_results import is_own
from mffnb.protocols.similarity import DataDependent, Similarity
from mffnb.protocols.terms import Penalty, Term
from mffnb.protocols.transform import FittedTransform, Transform
from mffnb.similarities.transformed_misfit import transformed_misfit
from mffnb.typing import Float64Array


def state_problem(
    matrix: Matrix,
    similarity: Similarity,
    abundance_terms: Iterable[Term],
    endmember_terms: Iterable[Term],
    weights: Any = None,
    transform: Transform | None = None,
) -> Problem:
    """Check the terms, weight the data, fix the scale normalisation and return the optimisation problem.

    A sum-to-one constraint or bounds fix the scale between A and E. Otherwise, where A is penalised, the rows of E lie
    in the unit ball; where only E is penalised, the rms of every abundance is at most 1. Without this, scale would move
    to the factor without a penalty and a weight would have no effect.

    Parameters
    ----------
    matrix
        Data matrix X, (pixels, channels).
    similarity
        Loss; it determines the scale of the data.
    abundance_terms, endmember_terms
        Penalties and constraints of the two factors.
    weights
        Weights of pixels, channels or entries: see :class:`mffnb.matrices.weighting.Weighting`.
    transform
        f of :mod:`mffnb.transforms`; None for the default of the similarity, usually the identity.

    Raises
    ------
    UnsupportedCombinationError
        If a term is neither a penalty nor a constraint, or if two parts are incompatible.
    """
    abundance_terms, endmember_terms = as_terms(abundance_terms), as_terms(endmember_terms)
    check_terms(abundance_terms, endmember_terms)
    scale_invariant = traits_of(similarity).scale_invariant
    if scale_invariant:
        abundance_terms = with_gain(abundance_terms, endmember_terms)
    gauge, fitted = gauge_of(abundance_terms, endmember_terms), fitted_transform(similarity, transform)
    _check_transform(similarity, fitted, gauge)
    _check_distributed(matrix, similarity)
    check_size(matrix)
    weighting = Weighting.of(weights, matrix, similarity)
    matrix, rows, gain = weighting.matrix, weighting.rows, weighting.rows
    if gauge is Gauge.GAIN and not scale_invariant:
        sizes, gain = perspective_factors(matrix)
        matrix, rows = scaled(matrix, rows=sizes), sizes if rows is None else rows * sizes
    if gauge is Gauge.ENDMEMBERS:
        endmember_terms += (UnitBall(1.0),)
    elif gauge is Gauge.ABUNDANCES:
        abundance_terms += (UnitBall(float(np.sqrt(matrix.shape[0]))),)
    if matrix.shared:
        abundance_terms = tuple(on_rank(term, matrix, 0) for term in abundance_terms)
        endmember_terms = tuple(on_rank(term, matrix, 1) for term in endmember_terms)
    similarity = similarity.estimated_from(matrix) if isinstance(similarity, DataDependent) else similarity
    misfit = _bound(similarity, fitted, matrix, gain)
    pinned = next((term for term in endmember_terms if isinstance(term, Pinned)), None)
    _check_sizes(abundance_terms, endmember_terms, misfit.scale, fractions=gauge is Gauge.SUM)
    endmember_terms = _in_scaled_units(endmember_terms, misfit.scale, weighting.columns)
    # A weight of a pixel multiplies its misfit, which matters beside a penalty and where the loss has a threshold.
    relative = gauge is Gauge.ABUNDANCES or isinstance(similarity, DataDependent)
    relative = relative or any(isinstance(term, Penalty) for term in abundance_terms)
    return Problem(
        misfit, abundance_terms, endmember_terms, gauge, rows, weighting.columns, pinned, similarity,
        weighting.channels, weighting.of_entries or (weighting.of_pixels and relative),
    )  # fmt: skip


def for_new_pixels(
    matrix: Matrix,
    similarity: Similarity,
    abundance_terms: Iterable[Term],
    columns: Float64Array | None,
    scale: float,
    transform: Transform | None = None,
    offset: Float64Array | None = None,
    channel_weights: Float64Array | None = None,
    weights: Any = None,
) -> Problem:
    """Return the problem of new pixels for fixed endmembers, which needs no scale normalisation.

    Parameters
    ----------
    matrix, similarity, abundance_terms
        As for :func:`state_problem`.
    transform
        As for :func:`state_problem`.
    columns, scale, offset
        Column factors, scale and intercept of the solved problem.
    channel_weights
        Weights of channels of the solved problem that are applied entry by entry.
    weights
        All weights of the solved problem, if these pixels are the solved ones; ``columns`` and ``channel_weights`` are
        then not used.
    """
    abundance_terms = tuple(abundance_terms)
    if any(isinstance(term, Fixed) for term in abundance_terms):
        raise UnsupportedCombinationError(
            "Fixed holds abundances of the fitted pixels and says nothing of new ones: use the result of fit_transform"
        )
    scale_invariant = traits_of(similarity).scale_invariant
    if scale_invariant:
        abundance_terms = with_gain(abundance_terms, ())
    rows = gain = None
    if weights is not None:
        weighting = Weighting.of(weights, matrix, similarity)
        matrix, rows, gain = weighting.matrix, weighting.rows, weighting.rows
    else:
        matrix = matrix if channel_weights is None else with_channel_weights(matrix, channel_weights)
        matrix = matrix if columns is None else scaled(matrix, columns=columns)
    simplexes = [term for term in abundance_terms if isinstance(term, Simplex)]
    if any(term.gain for term in simplexes) and not scale_invariant:
        rows, gain = perspective_factors(matrix)
        matrix = scaled(matrix, rows=rows)
    gained = any(term.gain for term in simplexes) or scale_invariant
    gauge = Gauge.GAIN if gained else Gauge.SUM if simplexes else Gauge.FREE
    misfit = _bound(similarity, fitted_transform(similarity, transform), matrix, gain, scale, offset)
    return Problem(misfit, abundance_terms, (), gauge, rows, columns, similarity=similarity)


def fitted_transform(similarity: Similarity, transform: Transform | None) -> FittedTransform | None:
    """Return the transform through which the factors are fitted; None if it is applied to the reconstruction only."""
    transform = traits_of(similarity).transform if transform is None else transform
    if transform is None or not traits_of(transform).fitted:
        return None
    if not isinstance(transform, FittedTransform):
        raise TypeError(f"{type(transform).__name__} declares fitted=True: implement mffnb.protocols.FittedTransform")
    return transform


def _bound(
    similarity: Similarity,
    fitted: FittedTransform | None,
    matrix: Matrix,
    gain: Float64Array | None,
    scale: float | None = None,
    offset: Float64Array | None = None,
) -> Misfit:
    """Bind the similarity to the data and return the misfit, through the fitted transform if there is one."""
    if fitted is None:
        return _checked_misfit(similarity, similarity.misfit(matrix, gain, scale))
    return transformed_misfit(similarity, fitted, matrix, gain, offset)


def _checked_misfit(similarity: Similarity, misfit: Any) -> Misfit:
    """Refuse a result of a user's similarity that is no misfit, or has a scale that is no positive number."""
    if is_own(similarity):
        return misfit  # type: ignore[no-any-return]
    if not isinstance(misfit, Misfit):
        found = repr(misfit) if misfit is None else f"an object of type {type(misfit).__name__}"
        raise ValueError(f"{type(similarity).__name__}.misfit returned {found}, expected a mffnb.protocols.Misfit")
    if not (np.ndim(misfit.scale) == 0 and 0 < misfit.scale < np.inf):
        raise ValueError(
            f"{type(similarity).__name__}.misfit returned the scale {misfit.scale!r}, expected a finite number > 0"
        )
    return misfit


def _check_sizes(
    abundance_terms: tuple[Term, ...], endmember_terms: tuple[Term, ...], scale: float, *, fractions: bool
) -> None:
    """Refuse known endmembers, bounds and radii whose size is out of all proportion to the scaled data."""
    for terms, unit in ((abundance_terms, 1.0), (endmember_terms, 1.0 / scale)):
        for term in terms:
            if isinstance(term, Pinned):
                check_proportion(term.values, unit, "known endmembers", fractions=fractions)
            elif isinstance(term, Bounds):
                check_proportion(term.lower, unit, "lower bounds")
                check_proportion(term.upper, unit, "upper bounds")
            elif isinstance(term, UnitBall):
                check_proportion(term.radius, 1.0, "radii")


def _in_scaled_units(terms: tuple[Term, ...], scale: float, columns: Float64Array | None) -> tuple[Term, ...]:
    """Return the terms, with bounds and symmetry of endmembers converted to the units of the scaled data."""
    factor = scale if columns is None else scale * columns
    return tuple(term.scaled(factor) if isinstance(term, Bounds | PatternSymmetry) else term for term in terms)


def _check_transform(similarity: Similarity, fitted: FittedTransform | None, gauge: Gauge) -> None:
    """Refuse a fitted transform together with a similarity of whole spectra, or with a gain."""
    if fitted is None:
        return
    if traits_of(similarity).scale_invariant:
        raise UnsupportedCombinationError(
            f"{type(similarity).__name__} looks at whole spectra: leave out the transformation"
        )
    if gauge is Gauge.GAIN:
        name = type(fitted).__name__.lower()
        raise UnsupportedCombinationError(f"a {name} model has no gain of pixels: leave out the gain")


def _check_distributed(matrix: Matrix, similarity: Similarity) -> None:
    """Refuse data distributed over MPI ranks if the similarity needs them, or whole spectra, in one process."""
    if not matrix.shared:
        return
    name = type(similarity).__name__
    if not traits_of(similarity).distributed:
        raise UnsupportedCombinationError(
            f"{caution(similarity)}{name} needs all data in one process: "
            "run it without mpiexec, or use similarity='frobenius' or 'kl'"
        )
    if traits_of(similarity).scale_invariant and matrix.column_axis.block != slice(0, matrix.shape[1]):
        raise UnsupportedCombinationError(
            f"{name} needs all channels of a pixel on one rank: pass communicator=mffnb.parallel.Grid(comm, (p, 1)) "
            "for p ranks"
        )
