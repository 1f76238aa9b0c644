"""Scale normalisation of the factors A and E: of start values, and of the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mffnb.constraints import Bounds, Fixed, Orthogonal, Pinned, Simplex
from mffnb.constraints.fixed import known_entries
from mffnb.constraints.fixed_patterns import nearest_fixed_fractions
from mffnb.constraints.simplex import nearest_fractions
from mffnb.problem.compatibility import Gauge
from mffnb.problem.problem import Problem
from mffnb.protocols.misfit import GainMisfit
from mffnb.protocols.part_results import project
from mffnb.protocols.terms import Constraint, Term
from mffnb.typing import Float64Array

_POSITIVE = 1e-100  # lower bound of positive factor entries: products of two such numbers are still positive
# limits of the alternating projections of abundances onto their sets and onto a sum of one
_ITERATIONS, _SUM_TOLERANCE = 200, 1e-12
_SMALL = 1e-2  # start value in place of a zero, relative to the mean of the factor


@dataclass(frozen=True, eq=False)
class UnscaledFactors:
    """Factors of a run in the units of the data: x_i ~ gain_i a_i E.

    Attributes
    ----------
    abundances, endmembers
        A (k, pixels of this rank) and E (k, channels of this rank).
    gain
        Gain of each pixel; None if the model has no gain.
    size
        Factors that convert the endmembers of the scaled problem to those of the result, (k,).
    """

    abundances: Float64Array
    endmembers: Float64Array
    gain: Float64Array | None
    size: Float64Array


def to_scaled_gauge(
    abundances: Float64Array, endmembers: Float64Array, problem: Problem, *, given: bool = True
) -> None:
    """Scale start values in place from data units to the scale normalisation of the problem.

    Start values that the user has given keep their scale where it obeys bounds; that of computed ones depends on the
    units of the data. The abundances are (k, pixels of this rank), the endmembers (k, channels of this rank). The
    product A E changes only by the scale of the data, and by a factor for each pixel where abundances must sum to 1.
    """
    if problem.columns is not None:
        endmembers *= problem.columns
    fractions = problem.gauge in (Gauge.SUM, Gauge.GAIN)
    norm = _norms(abundances, endmembers, problem, given=given)
    endmembers /= norm[:, None]
    abundances *= norm[:, None] * problem.scale
    if fractions:
        total = abundances.sum(axis=0)
        abundances[:, total <= 0] = 1.0
        abundances /= np.where(total > 0, total, len(abundances))
    _into_sets(abundances, problem.abundance_terms, 0)
    if fractions:
        _into_sums(abundances, problem.abundance_terms)
    _into_sets(endmembers, problem.endmember_terms, 0 if problem.pinned is None else len(problem.pinned.values))


def make_likely(abundances: Float64Array, endmembers: Float64Array, problem: Problem) -> None:
    """Replace zeros of start values in place by small numbers, if the zeros make the likelihood of the counts zero.

    Raises
    ------
    ValueError
        If the likelihood is zero because of known endmembers.
    """
    if _is_likely(abundances, endmembers, problem):
        return
    free = np.ones(endmembers.shape, bool)
    if problem.pinned is not None:
        free[: len(problem.pinned.known)] = ~problem.pinned.known
    for factor, movable in ((abundances, True), (endmembers, free)):
        entries = float(problem.matrix.total(np.array(float(factor.size))))
        mean = float(problem.matrix.total(np.array(factor.sum()))) / entries
        factor[(factor <= 0) & movable] = _SMALL * (mean or 1.0)
    if problem.gauge in (Gauge.SUM, Gauge.GAIN):
        abundances /= abundances.sum(axis=0)
    _into_sets(abundances, problem.abundance_terms, 0)
    if problem.gauge in (Gauge.SUM, Gauge.GAIN) and any(isinstance(t, Fixed) for t in problem.abundance_terms):
        _into_sums(abundances, problem.abundance_terms)
    _into_sets(endmembers, problem.endmember_terms, 0 if problem.pinned is None else len(problem.pinned.values))
    if not _is_likely(abundances, endmembers, problem):
        raise ValueError(
            "there are counts where all endmembers are known to be zero, which a likelihood cannot explain: "
            "raise k, mask those channels, or use similarity='frobenius'"
        )


def _is_likely(abundances: Float64Array, endmembers: Float64Array, problem: Problem) -> bool:
    faint = min(abundances.min(initial=1.0), endmembers.min(initial=1.0)) < _POSITIVE
    if not problem.matrix.total(np.array(float(faint))):
        return True
    half = problem.misfit.abundance_half(abundances, endmembers)
    return bool(np.isfinite(problem.misfit.at_abundances(half, abundances, endmembers)))


def _into_sets(factor: Float64Array, terms: tuple[Term, ...], known: int) -> None:
    """Project the unknown rows of a factor onto its constraint sets; a later projection could raise the objective."""
    for term in terms:
        if isinstance(term, Constraint) and not isinstance(term, Pinned | Simplex):
            factor[known:] = project(term, factor)[known:]


def _into_sums(abundances: Float64Array, terms: tuple[Term, ...]) -> None:
    """Project abundance fractions alternately onto their other sets and onto a sum of 1."""
    known = known_entries(terms, abundances.shape)
    alone = any(isinstance(term, Orthogonal) for term in terms)
    boxes = [term for term in terms if isinstance(term, Bounds)]
    lower, upper = max([0.0, *(box.lower for box in boxes)]), min([np.inf, *(box.upper for box in boxes)])
    for _ in range(_ITERATIONS):
        total = abundances.sum(axis=0)
        if np.abs(total - 1.0).max(initial=0.0) <= _SUM_TOLERANCE:
            return
        if known is not None:
            abundances[:] = nearest_fixed_fractions(abundances, *known)
        else:
            abundances[:] = abundances / _or_one(total) if alone else nearest_fractions(abundances, lower, upper)
        _into_sets(abundances, terms, 0)


def in_data_units(abundances: Float64Array, endmembers: Float64Array, problem: Problem) -> UnscaledFactors:
    """Return copies of the scaled factors A and E in the units of the data, with the scale normalisation of results.

    The abundances of the mean pixel sum to 1. Where nothing else fixes the scale, the endmembers have equal norms.
    Factors with bounds are not rescaled. Known endmembers are returned as they were given, and the others are scaled to
    the mean norm of the known ones. With a gain, the endmembers have the same maximum, the abundances of each pixel sum
    to 1 and the mean gain is 1.
    """
    size = _sizes(abundances, endmembers, problem)
    spectra = endmembers * size[:, None]
    if problem.columns is not None:
        spectra /= problem.columns
    if problem.gauge is not Gauge.GAIN:
        if problem.pinned is not None:
            known = problem.pinned.known
            spectra[: len(known)][known] = problem.pinned.values[known]
        amounts = abundances / (size * problem.scale)[:, None]
        for term in problem.abundance_terms:
            if isinstance(term, Fixed):  # removes rounding errors of fixed fractions
                amounts = term.project(amounts)
        return UnscaledFactors(amounts, spectra, None, size)
    size = size / _or_one(-problem.matrix.minimum(-spectra.max(axis=1, initial=0.0)))
    amounts = abundances / size[:, None]
    total = amounts.sum(axis=0)
    gain = _gain(abundances, endmembers, problem) * total / problem.scale
    gain[problem.matrix.row_squares == 0] = 0.0
    mean = float(problem.matrix.total(np.array(gain.sum()))) / problem.pixels or 1.0
    size = size * mean
    spectra = endmembers * size[:, None] / (1.0 if problem.columns is None else problem.columns)
    return UnscaledFactors(amounts / total, spectra, gain / mean, size)


def _gain(abundances: Float64Array, endmembers: Float64Array, problem: Problem) -> Float64Array:
    """Return the gain of each pixel in the units of the data."""
    rows = 1.0 if problem.rows is None else problem.rows
    if problem.misfit.gain is not None:
        return problem.misfit.gain / rows
    if not isinstance(problem.misfit, GainMisfit):
        raise TypeError(f"{type(problem.misfit).__name__} has no gain: implement mffnb.protocols.GainMisfit")
    return np.asarray(problem.misfit.pixel_gains(abundances, endmembers) / rows)


def _norms(abundances: Float64Array, endmembers: Float64Array, problem: Problem, *, given: bool) -> Float64Array:
    """Return the norms, (k,), by which the endmembers of start values are divided."""
    if problem.gauge is Gauge.GAIN:
        return _perspective_norms(abundances, endmembers, problem)
    if problem.gauge is Gauge.SUM and _are_fractions(abundances, problem):
        return np.full(len(endmembers), 1 / problem.scale)
    if problem.gauge is Gauge.ABUNDANCES:
        rms = np.sqrt(problem.matrix.total((abundances**2).sum(axis=1)) / problem.pixels)
        return np.asarray(1 / (problem.scale * np.where(rms > 0, rms, 1.0)))
    if problem.gauge is Gauge.BOUNDS:
        return _norms_in_bounds(abundances, endmembers, problem, given=given)
    norm: Float64Array = _or_one(_lengths(endmembers, problem))
    if problem.pinned is not None:
        fractions = problem.gauge is Gauge.SUM
        norm[: len(problem.pinned.values)] = 1 / problem.scale if fractions else _known_norms(problem)
    return norm


def _norms_in_bounds(
    abundances: Float64Array, endmembers: Float64Array, problem: Problem, *, given: bool
) -> Float64Array:
    """Return divisors of the endmembers for bounded factors: 1 / scale if given start values obey their bounds.

    Otherwise the maxima of the factors are scaled to their upper bounds, or the endmembers to norm 1 without any.
    """
    norm = np.full(len(endmembers), 1 / problem.scale) if given else _or_one(_lengths(endmembers, problem))
    boxes = [
        [term for term in terms if isinstance(term, Bounds)]
        for terms in (problem.abundance_terms, problem.endmember_terms)
    ]
    least = problem.matrix.minimum
    obeyed = all(
        np.array_equal(box.project(factor), factor)
        for within, factor in zip(boxes, (abundances, endmembers * problem.scale), strict=True)
        for box in within
    )
    obeyed = bool(least(np.array(float(obeyed and given))))
    for box in [] if obeyed else boxes[1]:
        if least(np.array(float(box.closed))):
            norm = _or_one(-least(-(endmembers / box.upper).max(axis=1, initial=0.0)))
    for box in [] if obeyed else boxes[0]:
        if box.closed:
            norm = box.upper / (problem.scale * _or_one(-least(-abundances.max(axis=1, initial=0.0))))
    if problem.pinned is not None:
        norm[: len(problem.pinned.values)] = 1 / problem.scale
    return norm


def _perspective_norms(abundances: Float64Array, endmembers: Float64Array, problem: Problem) -> Float64Array:
    """Return divisors of the endmembers for which the abundances without gain sum to 1, by least squares."""
    if problem.misfit.gain is None or problem.rows is None:  # the gain of a pixel is not known before the run
        return np.asarray(_or_one(problem.matrix.total(endmembers.sum(axis=1))))
    fractions = abundances * (problem.scale * problem.rows / problem.misfit.gain)
    total = problem.matrix.total
    ones = total(fractions.sum(axis=1))
    norm = np.linalg.lstsq(total(fractions @ fractions.T), ones, rcond=None)[0]
    if norm.min() > 1e-3 * norm.max():
        return np.asarray(norm)
    # The least-squares divisors are not all positive. Under the perspective scaling all endmembers have the same sum,
    # up to noise.
    sums = _or_one(total(endmembers.sum(axis=1)))
    return np.asarray(sums / (problem.scale * np.sqrt(problem.matrix.shape[1])))


def _sizes(abundances: Float64Array, endmembers: Float64Array, problem: Problem) -> Float64Array:
    """Return the factors, (k,), that convert the endmembers of the scaled problem to those of the result."""
    if problem.gauge is Gauge.GAIN:
        return np.ones(len(endmembers))
    if problem.gauge in (Gauge.SUM, Gauge.BOUNDS):
        return np.full(len(endmembers), 1 / problem.scale)
    if problem.pinned is not None:
        known = _known_norms(problem)
        size = known.mean() / _or_one(_lengths(endmembers, problem))
        size[: len(known)] = known
        return np.asarray(size)
    free = problem.gauge is Gauge.FREE
    norm = _or_one(_lengths(endmembers, problem)) if free else np.ones(len(endmembers))
    gauge = float(_or_one(norm @ problem.matrix.total(abundances.sum(axis=1)) / problem.pixels))
    return np.asarray(gauge / problem.scale / norm)


def _known_norms(problem: Problem) -> Float64Array:
    """Return the norms of the known channels of known endmembers, in the units of the weighted data."""
    assert problem.pinned is not None
    known = np.nan_to_num(problem.pinned.values)
    return _lengths(known if problem.columns is None else known * problem.columns, problem)


def _lengths(spectra: Float64Array, problem: Problem) -> Float64Array:
    """Return the norms of spectra over the channels of all MPI ranks."""
    return np.asarray(np.sqrt(problem.matrix.total((spectra**2).sum(axis=1))))


def _are_fractions(abundances: Float64Array, problem: Problem) -> bool:
    """Whether the abundances of all pixels, on all MPI ranks, sum to one."""
    off = np.count_nonzero(~np.isclose(abundances.sum(axis=0), 1.0))
    return not problem.matrix.total(np.array(float(off)))


def _or_one(norm: Any) -> Float64Array:
    """Return norms with 1 in place of zeros and of numbers whose inverse overflows."""
    return np.where(norm >= np.finfo(float).tiny, norm, 1.0)
