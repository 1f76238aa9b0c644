"""Protocols of the terms that a user adds to a factor: penalties and constraints.

Optional capabilities are declared in :class:`mffnb.protocols.TermTraits`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, Self, runtime_checkable

from mffnb.protocols.functions import FactorSet, Function, ProximalFunction, SmoothFunction
from mffnb.protocols.graph import PixelGraph
from mffnb.protocols.half import Half
from mffnb.typing import Array, Total


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
    """A differentiable penalty that is not quadratic; ``fold`` appends it to ``half.smooth``."""


@runtime_checkable
class Proximal(Penalty, ProximalFunction, Protocol):
    """A penalty with a proximal operator; ``fold`` appends it to ``half.proximal``."""


@runtime_checkable
class Constraint(Term, FactorSet, Protocol):
    """A set to which the factor is restricted; ``fold`` sets the field of ``half`` for it, or extends ``proximal``."""


@runtime_checkable
class DistributableTerm(Term, Protocol):
    """A term that must be adapted to the entries of each rank if the factor is distributed over MPI ranks."""

    def on_rank(self, entries: slice, total: Total) -> Self:
        """Return the term for the entries of this rank; ``total`` sums an array over all ranks."""


@runtime_checkable
class GraphTerm(Term, Protocol):
    """A term with an adjacency graph between pixels."""

    @property
    def graph(self) -> PixelGraph | None:
        """Pixel adjacency graph; None for nearest neighbours on the grid of the map."""


@runtime_checkable
class ChannelTerm(Term, Protocol):
    """A term on endmembers that depends on the positions of the channels, such as the symmetry of a pattern."""

    def on_channels(self, axes: Sequence[Any], used: Array | None) -> Self:
        """Return the term for a cube: positions along each channel dimension, and which channels are used.

        A dimension without coordinates is given by its length.
        """
