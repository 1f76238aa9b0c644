"""Look-up of the capabilities that a part declares in ``traits``, with cautious values for parts without."""

from __future__ import annotations

import functools
from typing import Any, overload

from mffnb.protocols.similarity import Similarity
from mffnb.protocols.solver import Solver
from mffnb.protocols.terms import Term
from mffnb.protocols.traits import Distribution, SimilarityTraits, SolverTraits, TermTraits, TransformTraits
from mffnb.protocols.transform import Transform

CAUTIOUS_TERM = TermTraits(
    pixelwise=False,
    uniform=False,
    rowwise=False,
    convex=True,
    distribution=Distribution.WHOLE,
    abundance_label=None,
    endmember_label=None,
)
CAUTIOUS_SIMILARITY = SimilarityTraits(
    label=None, weight_power=None, distributed=False, scale_invariant=False, transform=None
)
CAUTIOUS_SOLVER = SolverTraits(pixelwise=False, extrapolated=False)
CAUTIOUS_TRANSFORM = TransformTraits(fitted=False)

_KINDS: tuple[tuple[Any, Any], ...] = (
    (Term, CAUTIOUS_TERM),
    (Similarity, CAUTIOUS_SIMILARITY),
    (Solver, CAUTIOUS_SOLVER),
    (Transform, CAUTIOUS_TRANSFORM),
)


@overload
def traits_of(part: Term | type[Term]) -> TermTraits: ...
@overload
def traits_of(part: Similarity) -> SimilarityTraits: ...
@overload
def traits_of(part: Solver) -> SolverTraits: ...
@overload
def traits_of(part: Transform) -> TransformTraits: ...
def traits_of(part: Any) -> Any:
    """Return the capabilities that a part declares, or cautious values if it declares none.

    Parameters
    ----------
    part
        A term (or its class), similarity, solver or transform, of the package or of the user.

    Raises
    ------
    TypeError
        If the part is no term, similarity, solver or transform, or declares the traits of a different kind of part.

    Examples
    --------
    >>> class Undeclared:
    ...     def fold(self, half):
    ...         return half
    >>> traits_of(Undeclared()).pixelwise
    False
    """
    cautious = _cautious_traits(part)
    if cautious is None:
        raise TypeError(f"{part!r} is not a term, similarity, solver or transform: see mffnb.protocols")
    declared = part.traits if declares_traits(part) else cautious
    if not isinstance(declared, type(cautious)):
        raise TypeError(f"{_name(part)}.traits must be {type(cautious).__name__}(...), got {declared!r}")
    return declared


def _cautious_traits(part: object) -> Any:
    """Return the cautious values for the kind of a part; None if it is no part."""
    found = _cautious_traits_of_class(part if isinstance(part, type) else type(part))
    return _first_match(part) if found is None else found


@functools.lru_cache(maxsize=512)
def _cautious_traits_of_class(cls: type) -> Any:
    """Return the cautious values for the kind of a class; None if its methods do not tell (they may be attributes)."""
    return _first_match(cls)


def _first_match(part: object) -> Any:
    """Return the cautious values of the first protocol that a part or class follows; None if it follows none."""
    return next((cautious for protocol, cautious in _KINDS if isinstance(part, protocol)), None)


def declares_traits(part: object) -> bool:
    """Return whether a part declares its capabilities in an attribute ``traits``."""
    return hasattr(part, "traits")


def caution(part: object) -> str:
    """Return the note "X declares no traits, so it is treated as coupled: " for such a term, else an empty text."""
    return "" if declares_traits(part) else f"{_name(part)} declares no traits, so it is treated as coupled: "


def _name(part: object) -> str:
    return part.__name__ if isinstance(part, type) else type(part).__name__
