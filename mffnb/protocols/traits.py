"""Capabilities that a part (term, similarity, solver or transform) declares in its attribute ``traits``.

A class of the package sets ``traits`` to one of the four classes below, as a class attribute or as a property::

    traits: ClassVar[TermTraits] = TermTraits(pixelwise=True, uniform=True, ...)

No field has a default value: a part that omits one cannot be imported, and Python names the missing field. A part
without ``traits`` gets cautious values, see :func:`mffnb.protocols.traits_of`. Capabilities that need a method are
protocols instead: :class:`mffnb.protocols.Proximal`, :class:`mffnb.protocols.Constraint`,
:class:`mffnb.protocols.DistributableTerm`, :class:`mffnb.protocols.EntrywiseSimilarity`,
:class:`mffnb.protocols.DataDependent`, :class:`mffnb.protocols.CoordinateDescent` and
:class:`mffnb.protocols.FittedTransform`. ``docs/solvers.md`` lists what each part declares.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from mffnb.protocols.transform import Transform


class Distribution(enum.Enum):
    """How a term acts on a factor whose entries are distributed over MPI ranks; each value is its explanation."""

    ENTRYWISE = "each rank applies it to its own entries"
    SUMMED = "each rank applies it to its own entries and sums over all ranks; the value is that of the whole factor"
    GRAPH = "ranks exchange the pixels at their borders; all channels must be in one process"
    WHOLE = "all entries must be in one process"


@dataclass(frozen=True)
class TermTraits:
    """Capabilities of a penalty or a constraint.

    Attributes
    ----------
    pixelwise
        The entries (columns) of the factor stay independent. Then the half-step subproblem can be solved in blocks of
        pixels while the data are read.
    uniform
        The term changes the subproblem of every entry in the same way, independently of the data and the factor.
        Then compiled kernels can fold it in once for all pixels.
    rowwise
        The term acts on each row by itself, keeps it non-negative, and is a cone, positively homogeneous, or a function
        of the row's norm. Then HALS applies the proximal or nearest point of a single row exactly.
    convex
        The set or the penalty is convex on non-negative factors.
    distribution
        How the term acts on a factor that is distributed over MPI ranks.
    abundance_label, endmember_label
        Label of the term in the explorer's list for abundances or endmembers; None if the explorer does not list it.
    """

    pixelwise: bool
    uniform: bool
    rowwise: bool
    convex: bool
    distribution: Distribution
    abundance_label: str | None
    endmember_label: str | None


@dataclass(frozen=True)
class SimilarityTraits:
    """What a similarity supports (weights as scaling, MPI ranks, fractions up to a gain), its label and its transform.

    Attributes
    ----------
    label
        Label in the explorer's list of similarities; None for the class name.
    weight_power
        Power p such that a weight w of the loss is equivalent to data multiplied by w^p. None if no power is
        equivalent; weights are then applied entry by entry.
    distributed
        The data may be distributed over MPI ranks.
    scale_invariant
        The similarity does not depend on the norm of a pixel. Then abundances are fractions up to a gain per pixel.
    transform
        Transform that is used if the user names none; None for the identity.
    """

    label: str | None
    weight_power: float | None
    distributed: bool
    scale_invariant: bool
    transform: Transform | None


@dataclass(frozen=True)
class SolverTraits:
    """What a solver can do, declared as data: :class:`mffnb.protocols.Solver` returns it as ``traits``.

    Attributes
    ----------
    pixelwise
        A half-step subproblem with independent entries may be passed in blocks of pixels.
    extrapolated
        Iterations start from extrapolated factors, see :class:`mffnb.solvers.Extrapolated`.
    """

    pixelwise: bool
    extrapolated: bool


@dataclass(frozen=True)
class TransformTraits:
    """Capabilities of a transform f in X ~ f(A E).

    Attributes
    ----------
    fitted
        The factors are fitted through f, which is then a :class:`mffnb.protocols.FittedTransform`. Otherwise f is
        applied to the reconstruction only.
    """

    fitted: bool
