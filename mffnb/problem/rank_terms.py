"""Terms on factors whose entries are distributed over MPI ranks."""

from __future__ import annotations

import numpy as np

from mffnb.errors import UnsupportedCombinationError
from mffnb.protocols.capabilities import caution, declares_traits, traits_of
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.part_results import value_of
from mffnb.protocols.terms import DistributableTerm, GraphTerm, Penalty, Term
from mffnb.protocols.traits import Distribution
from mffnb.typing import Float64Array


def penalty_value(terms: tuple[Term, ...], factor: Float64Array, matrix: Matrix) -> float:
    """Return the sum of the penalties of a factor over all MPI ranks, from its entries on this rank."""
    penalties = [term for term in terms if isinstance(term, Penalty)]
    whole = sum(value_of(term, factor, finite=True) for term in penalties if _sums_over_ranks(term))
    parts = [value_of(term, factor, finite=True) for term in penalties if not _sums_over_ranks(term)]
    return whole + (float(matrix.total(np.array(sum(parts)))) if parts else 0.0)


def on_rank(term: Term, matrix: Matrix, axis: int) -> Term:
    """Return the term restricted to the entries of this MPI rank, along rows (axis 0) or columns (axis 1) of X.

    Raises
    ------
    UnsupportedCombinationError
        If the term needs all entries in one process.
    """
    own = (matrix.own, matrix.own_columns)[axis]
    distribution = traits_of(term).distribution
    if distribution is Distribution.WHOLE:
        raise UnsupportedCombinationError(_needs_one_process(term, axis))
    if distribution is Distribution.GRAPH:
        _check_graph(term, own.stop - own.start, axis)
    return term.on_rank(own, matrix.total) if isinstance(term, DistributableTerm) else term


def _sums_over_ranks(term: Term) -> bool:
    return traits_of(term).distribution is Distribution.SUMMED


def _needs_one_process(term: Term, axis: int) -> str:
    name, entries = type(term).__name__, ("pixels", "channels")[axis]
    if declares_traits(term):
        return (
            f"{name}, like every term on whole maps or spectra, needs all {entries} in one process: "
            "run it without mpiexec"
        )
    return (
        f"{caution(term)}it needs all {entries} in one process; "
        "run it without mpiexec, or declare traits = mffnb.protocols.TermTraits(...)"
    )


def _check_graph(term: Term, entries: int, axis: int) -> None:
    if axis == 1:
        raise UnsupportedCombinationError(
            "smooth endmembers need all channels in one process: run it without mpiexec, or drop that term"
        )
    graph = term.graph if isinstance(term, GraphTerm) else None
    if graph is None or graph.pixels != entries:
        raise UnsupportedCombinationError(
            "a graph of your own needs all pixels in one process: run it without mpiexec, or ask for smoothness="
        )
