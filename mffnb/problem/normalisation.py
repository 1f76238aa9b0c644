"""How scale is shared between A and E: while a problem is solved, and in what the user gets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mffnb.constraints import Bounds, Orthogonal, Pinned, Simplex
from mffnb.constraints.simplex import nearest_fractions
from mffnb.problem.compatibility import Gauge
from mffnb.problem.problem import Problem
from mffnb.protocols.half import Constraint, Term
from mffnb.typing import Float64Array

_POSITIVE = 1e-100  # or the product of two might be zero
_TURNS, _SUMMED = 200, 1e-12  # between sets, and how near a sum has to come to 1
_TRIFLE = 1e-2  # of the mean of a factor: enough to start from


@dataclass(frozen=True, eq=False)
class Answer:
    """What a run found, in the units of the data: x_i ~ gain_i a_i E.

    Attributes
    ----------
    abundances, endmembers
        A (k, own pixels) and E (k, own channels).
    gain
        One factor for each pixel; None where there is none.
    size
        What the endmembers of the scaled problem were multiplied by, (k,).
    """

    abundances: Float64Array
    endmembers: Float64Array
    gain: Float64Array | None
    size: Float64Array


def to_scaled_gauge(abundances: Float64Array, endmembers: Float64Array, problem: Problem) -> None:
    """Bring a start (k, own pixels), (k, own channels) in data units, in place, to the scaled data and its gauge.

    The product A E stays as it is, but for the scale of the data and for pixels that have to be brought to a sum of 1.
    """
    if problem.columns is not None:
        endmembers *= problem.columns
    fractions = problem.gauge in (Gauge.SUM, Gauge.GAIN)
    norm = _norms(abundances, endmembers, problem)
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
    """Bring up the zeros of a start, in place, where it gives an observed count no chance.

    Raises
    ------
    ValueError
        If what is known of the endmembers leaves it none.
    """
    if _is_likely(abundances, endmembers, problem):
        return
    free = np.ones(endmembers.shape, bool)
    if problem.pinned is not None:
        free[: len(problem.pinned.known)] = ~problem.pinned.known
    for factor, movable in ((abundances, True), (endmembers, free)):
        entries = float(problem.matrix.total(np.array(float(factor.size))))
        mean = float(problem.matrix.total(np.array(factor.sum()))) / entries
        factor[(factor <= 0) & movable] = _TRIFLE * (mean or 1.0)
    if problem.gauge in (Gauge.SUM, Gauge.GAIN):
        abundances /= abundances.sum(axis=0)
    _into_sets(abundances, problem.abundance_terms, 0)
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
    """Bring a factor but for its known rows into the sets it has to lie in: a jump there could raise the objective."""
    for term in terms:
        if isinstance(term, Constraint) and not isinstance(term, Pinned | Simplex):
            factor[known:] = term.project(factor)[known:]


def _into_sums(abundances: Float64Array, terms: tuple[Term, ...]) -> None:
    """Bring fractions that were brought into other sets to a sum of 1 within those, by turns."""
    alone = any(isinstance(term, Orthogonal) for term in terms)
    boxes = [term for term in terms if isinstance(term, Bounds)]
    lower, upper = max([0.0, *(box.lower for box in boxes)]), min([np.inf, *(box.upper for box in boxes)])
    for _ in range(_TURNS):
        total = abundances.sum(axis=0)
        if np.abs(total - 1.0).max(initial=0.0) <= _SUMMED:
            return
        abundances[:] = abundances / _or_one(total) if alone else nearest_fractions(abundances, lower, upper)
        _into_sets(abundances, terms, 0)


def in_data_units(abundances: Float64Array, endmembers: Float64Array, problem: Problem) -> Answer:
    """Copies of the scaled A and E in the units of the data, in the scale that users get.

    The abundances of the mean pixel sum to 1, and where nothing else fixes how scale is shared the endmembers have
    equal norms; factors with bounds are handed out as they are. Known endmembers are handed back as they were given,
    and the others with the mean of their norms. Up to a gain, the endmembers have one maximum, the abundances of each
    pixel sum to 1 and the mean gain is 1.
    """
    size = _sizes(abundances, endmembers, problem)
    spectra = endmembers * size[:, None]
    if problem.columns is not None:
        spectra /= problem.columns
    if problem.gauge is not Gauge.GAIN:
        if problem.pinned is not None:
            known = problem.pinned.known
            spectra[: len(known)][known] = problem.pinned.values[known]
        return Answer(abundances / (size * problem.scale)[:, None], spectra, None, size)
    size = size / _or_one(-problem.matrix.minimum(-spectra.max(axis=1, initial=0.0)))
    amounts = abundances / size[:, None]
    total = amounts.sum(axis=0)
    gain = _gain(abundances, endmembers, problem) * total / problem.scale
    gain[problem.matrix.row_squares == 0] = 0.0
    mean = float(problem.matrix.total(np.array(gain.sum()))) / problem.pixels or 1.0
    size = size * mean
    spectra = endmembers * size[:, None] / (1.0 if problem.columns is None else problem.columns)
    return Answer(amounts / total, spectra, gain / mean, size)


def _gain(abundances: Float64Array, endmembers: Float64Array, problem: Problem) -> Float64Array:
    """What the model of each pixel is multiplied by."""
    rows = 1.0 if problem.rows is None else problem.rows
    if problem.misfit.gain is not None:
        return problem.misfit.gain / rows
    return np.asarray(problem.misfit.sizes(abundances, endmembers) / rows)  # type: ignore[attr-defined]


def _norms(abundances: Float64Array, endmembers: Float64Array, problem: Problem) -> Float64Array:
    """What the endmembers of a start are divided by."""
    if problem.gauge is Gauge.GAIN:
        return _perspective_norms(abundances, endmembers, problem)
    if problem.gauge is Gauge.SUM and _are_fractions(abundances, problem):
        return np.full(len(endmembers), 1 / problem.scale)
    if problem.gauge is Gauge.ABUNDANCES:
        rms = np.sqrt(problem.matrix.total((abundances**2).sum(axis=1)) / problem.pixels)
        return np.asarray(1 / (problem.scale * np.where(rms > 0, rms, 1.0)))
    if problem.gauge is Gauge.BOUNDS:
        return _norms_in_bounds(abundances, endmembers, problem)
    norm: Float64Array = _or_one(_lengths(endmembers, problem))
    if problem.pinned is not None:
        fractions = problem.gauge is Gauge.SUM
        norm[: len(problem.pinned.values)] = 1 / problem.scale if fractions else _known_norms(problem)
    return norm


def _norms_in_bounds(abundances: Float64Array, endmembers: Float64Array, problem: Problem) -> Float64Array:
    """Norms that leave a start that obeys its bounds alone, and bring the largest values of another one to them."""
    norm = np.full(len(endmembers), 1 / problem.scale)
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
    obeyed = bool(least(np.array(float(obeyed))))
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
    """Norms that bring the abundances of all pixels to a sum of 1, once their gain is taken out, as near as can be."""
    if problem.misfit.gain is None or problem.rows is None:  # a pixel has the size that it happens to have
        return np.asarray(_or_one(endmembers.sum(axis=1)))
    fractions = abundances * (problem.scale * problem.rows / problem.misfit.gain)
    total = problem.matrix.total
    ones = total(fractions.sum(axis=1))
    norm = np.linalg.lstsq(total(fractions @ fractions.T), ones, rcond=None)[0]
    if norm.min() > 1e-3 * norm.max():
        return np.asarray(norm)
    # The perspective of the gain gives all endmembers one sum, but for the noise.
    sums = _or_one(total(endmembers.sum(axis=1)))
    return np.asarray(sums / (problem.scale * np.sqrt(problem.matrix.shape[1])))


def _sizes(abundances: Float64Array, endmembers: Float64Array, problem: Problem) -> Float64Array:
    """What the endmembers of the scaled problem have to be multiplied by."""
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
    gauge = float(norm @ problem.matrix.total(abundances.sum(axis=1))) / problem.pixels or 1.0
    return np.asarray(gauge / problem.scale / norm)


def _known_norms(problem: Problem) -> Float64Array:
    """Norms of the known parts of pinned endmembers, in the units of the weighted data."""
    assert problem.pinned is not None
    known = np.nan_to_num(problem.pinned.values)
    return _lengths(known if problem.columns is None else known * problem.columns, problem)


def _lengths(spectra: Float64Array, problem: Problem) -> Float64Array:
    """Norms of spectra, of which own channels are here."""
    return np.asarray(np.sqrt(problem.matrix.total((spectra**2).sum(axis=1))))


def _are_fractions(abundances: Float64Array, problem: Problem) -> bool:
    """Whether the abundances of all pixels sum to one."""
    off = np.count_nonzero(~np.isclose(abundances.sum(axis=0), 1.0))
    return not problem.matrix.total(np.array(float(off)))


def _or_one(norm: Float64Array) -> Float64Array:
    return np.where(norm >= np.finfo(float).tiny, norm, 1.0)
