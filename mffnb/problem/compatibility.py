"""Compatibility of penalties and constraints, and the scale normalisation between A and E that they imply."""

from __future__ import annotations

import enum
from collections.abc import Iterable

import numpy as np

from mffnb.constraints import Bounds, Fixed, Orthogonal, PatternSymmetry, Pinned, Simplex
from mffnb.errors import UnsupportedCombinationError
from mffnb.penalties import GroupSparsity, MinimumVolume, Sparsity, SpectralSmoothness
from mffnb.protocols.terms import Penalty, Term


class Gauge(enum.Enum):
    """Scale normalisation between A and E; the value of each member explains it."""

    FREE = "none: no penalty depends on the scale"
    ENDMEMBERS = "rows of E have norm 1"
    ABUNDANCES = "the rms of every abundance is 1"
    BOUNDS = "the bounds of a factor fix the scale: the result is not rescaled"
    SUM = "the abundances of a pixel sum to 1"
    GAIN = "the abundances of a pixel sum to 1, up to a gain for each pixel"


def as_terms(terms: Iterable[Term]) -> tuple[Term, ...]:
    """Return penalties and constraints as a tuple; refuse a single term outside of a list."""
    if isinstance(terms, Term):
        raise UnsupportedCombinationError(f"terms come in a list, a single one as well: write [{terms!r}]")
    return tuple(terms)


def check_terms(abundance_terms: tuple[Term, ...], endmember_terms: tuple[Term, ...]) -> None:
    """Refuse objects that are no terms, terms on the wrong factor, and two terms of a kind that may occur only once."""
    for term in (*abundance_terms, *endmember_terms):
        if isinstance(term, type) or not isinstance(term, Term):
            raise UnsupportedCombinationError(
                f"{term!r} is not a term: pass an object with a fold(half) method, such as Sparsity(1e-3)"
            )
    for terms, others, owner in (
        (endmember_terms, (Simplex, Fixed, GroupSparsity), "abundance_terms"),
        (abundance_terms, (Pinned, MinimumVolume, SpectralSmoothness, PatternSymmetry), "endmember_terms"),
    ):
        for term in terms:
            if isinstance(term, others):
                raise UnsupportedCombinationError(f"{type(term).__name__} belongs into {owner}: move it there")
    if any(box.bounds_each for box in _bounds(abundance_terms)):
        raise UnsupportedCombinationError("bounds on abundances are two numbers: pass Bounds(lower, upper)")
    for terms, kind in ((abundance_terms, Simplex), (endmember_terms, Pinned)):
        if sum(isinstance(term, kind) for term in terms) > 1:
            raise UnsupportedCombinationError(f"{kind.__name__} can be asked for once: make one of the several")
    _check_fixed(abundance_terms)


def _check_fixed(abundance_terms: tuple[Term, ...]) -> None:
    """Refuse known abundances whose value would depend on the scale of endmembers, or contradict another set."""
    fixed = [term for term in abundance_terms if isinstance(term, Fixed)]
    if not fixed:
        return
    simplex = next((term for term in abundance_terms if isinstance(term, Simplex)), None)
    if any(term.between for term in fixed) and (simplex is None or simplex.gain):
        raise UnsupportedCombinationError(
            "a fixed fraction between 0 and 1 needs abundances that sum to one, since it depends on the scale of "
            "endmembers otherwise: add sum_to_one=True, or fix 0 (absent) or 1 (pure) only"
        )
    if any(isinstance(term, Orthogonal) for term in abundance_terms):
        raise UnsupportedCombinationError("one component per pixel goes with no Fixed: drop Orthogonal or Fixed")
    boxes = _bounds(abundance_terms)
    if boxes and (simplex is not None or any(np.any(np.asarray(box.lower) > 0) for box in boxes)):
        raise UnsupportedCombinationError(
            "Bounds beside Fixed need a lower bound of 0 and no sum to one: drop one of them"
        )


def with_gain(abundance_terms: tuple[Term, ...], endmember_terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """Return the abundance terms for a scale-invariant similarity: with Simplex(gain=True), added if it is missing."""
    if any(isinstance(term, Penalty) for term in endmember_terms):
        raise UnsupportedCombinationError(
            "an angle does not depend on the norm of endmembers, so a penalty would make them shrink: leave it out"
        )
    simplex = next((term for term in abundance_terms if isinstance(term, Simplex)), None)
    if simplex is None:
        abundance_terms = (Simplex(gain=True), *abundance_terms)
        _check_fixed(abundance_terms)  # an added sum to one goes with fewer sets
        return abundance_terms
    if not simplex.gain:
        raise UnsupportedCombinationError(
            "an angle does not depend on the norm of a pixel: use gain=True, not sum_to_one=True"
        )
    return abundance_terms


def gauge_of(abundance_terms: tuple[Term, ...], endmember_terms: tuple[Term, ...]) -> Gauge:
    """Return the scale normalisation that the terms imply; refuse terms that leave the scale undetermined."""
    simplex = next((term for term in abundance_terms if isinstance(term, Simplex)), None)
    pinned = next((term for term in endmember_terms if isinstance(term, Pinned)), None)
    if any(isinstance(term, MinimumVolume) for term in endmember_terms) and simplex is None:
        raise UnsupportedCombinationError(
            "a volume can be made small by scale alone unless abundances sum to one: "
            "add sum_to_one=True, or gain=True if the sum varies"
        )
    if simplex is not None:
        _check_fractions(simplex, pinned, abundance_terms, endmember_terms)
        return Gauge.GAIN if simplex.gain else Gauge.SUM
    if _bounds(abundance_terms) or _bounds(endmember_terms):
        _check_bounded_scale(abundance_terms, endmember_terms)
        return Gauge.BOUNDS
    if any(isinstance(term, Penalty) for term in abundance_terms):
        return Gauge.ENDMEMBERS
    if any(isinstance(term, Penalty) for term in endmember_terms):
        if pinned is not None:
            raise UnsupportedCombinationError(
                "a penalty on endmembers beside pinned ones needs a scale for the others: add sum_to_one=True, "
                "or penalise the abundances"
            )
        return Gauge.ABUNDANCES
    return Gauge.FREE


def _check_fractions(
    simplex: Simplex, pinned: Pinned | None, abundance_terms: tuple[Term, ...], endmember_terms: tuple[Term, ...]
) -> None:
    """Refuse terms that have no effect on abundance fractions, and terms that need a fixed scale beside a gain."""
    if any(isinstance(term, Sparsity) for term in abundance_terms):
        raise UnsupportedCombinationError(
            "abundances that sum to one all have the same L1 norm, so sparsity does nothing: drop one of the two"
        )
    if simplex.gain and pinned is not None and not pinned.whole:
        raise UnsupportedCombinationError(
            "an endmember known in part has no size of its own, which a gain needs: pin it whole, or drop the gain"
        )
    if simplex.gain and _bounds(endmember_terms):
        raise UnsupportedCombinationError(
            "up to a gain endmembers have no size of their own that could be bounded: drop Bounds, or the gain"
        )


def _check_bounded_scale(abundance_terms: tuple[Term, ...], endmember_terms: tuple[Term, ...]) -> None:
    """Refuse a penalty on one factor that would move all scale to the other factor, if that has no upper bound."""
    for terms, others, penalised, other in (
        (abundance_terms, endmember_terms, "abundances", "endmembers"),
        (endmember_terms, abundance_terms, "endmembers", "abundances"),
    ):
        if any(isinstance(term, Penalty) for term in terms) and not any(one.closed for one in _bounds(others)):
            raise UnsupportedCombinationError(
                f"bounds fix the scale, and a penalty on {penalised} moves it to {other} without an upper bound: "
                f"drop one, or add Bounds to the {other}"
            )


def _bounds(terms: tuple[Term, ...]) -> list[Bounds]:
    """Return the box constraints (:class:`mffnb.constraints.Bounds`) among the terms."""
    return [term for term in terms if isinstance(term, Bounds)]
