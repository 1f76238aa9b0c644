"""Protocols of the terms that a user adds to a factor: penalties and constraints.

Optional capabilities are declared in :class:`mffnb.protocols.TermTraits`.
"""

from __future__ import annotations

from typing import Protocol, Self, runtime_checkable

from mffnb.protocols.functions import FactorSet, Function, ProximalFunction, SmoothFunction
from mffnb.protocols.graph import PixelGraph
from mffnb.protocols.half import Half
from mffnb.typing import Total


@runtime_checkable
class Term(Protocol):
    """A penalty or a constraint on one factor, which adds itself to the factor's half-step subproblem."""

    def fold(self, half: Half) -> Half:
        """Return the subproblem with this term included; ``half`` is not changed."""


@runtime_checkable
class Penalty(Term, Function, Protocol):
    """A term whose value is added to the objective."""


@runtime_checkable
class SmoothTerm(Penalty, SmoothFunction, Protocol):
    """A penalty with a gradient that is not linear; ``fold`` appends it to ``half.smooth``."""


@runtime_checkable
class Proximal(Penalty, ProximalFunction, Protocol):
    """A penalty with a proximal operator; ``fold`` appends it to ``half.proximal``."""


@runtime_checkable
class Constraint(Term, FactorSet, Protocol):
    """A set that contains the factor; ``fold`` fills the field of ``half`` for this set, or appends to ``proximal``."""


@runtime_checkable
class DistributableTerm(Term, Protocol):
    """A term that changes where the factor is distributed over MPI ranks."""

    def on_rank(self, entries: slice, total: Total) -> Self:
        """Return the term for the entries of this rank; ``total`` sums an array over all ranks."""


@runtime_checkable
class GraphTerm(Term, Protocol):
    """A term with an adjacency graph."""

    @property
    def graph(self) -> PixelGraph | None:
        """Pixel adjacency graph; None for the grid of the map."""
