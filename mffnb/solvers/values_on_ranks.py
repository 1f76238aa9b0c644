"""Values of the parts of a half-step subproblem, summed over MPI ranks."""

from __future__ import annotations

from collections.abc import Iterable

from mffnb.protocols.capabilities import traits_of
from mffnb.protocols.functions import Function
from mffnb.protocols.half import Half
from mffnb.protocols.part_results import value_of
from mffnb.protocols.terms import Term
from mffnb.protocols.traits import Distribution
from mffnb.typing import Float64Array


def total_value(parts: Iterable[Function], factor: Float64Array, half: Half) -> float:
    """Return the sum of some parts at a factor whose entries may be distributed over ranks, equal on all of them."""
    whole, here, some = 0.0, 0.0, False
    for part in parts:
        if isinstance(part, Term) and traits_of(part).distribution is Distribution.SUMMED:
            whole += value_of(part, factor)
        else:
            here, some = here + value_of(part, factor), True
    return whole + float(half.summed(here)) if some else whole
