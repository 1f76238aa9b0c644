"""Start values together with the name of the method that a start has chosen by the data."""

from __future__ import annotations

from mffnb.protocols.matrix import Matrix
from mffnb.protocols.solver import Choosing, Chosen, Start


def chosen_by(start: Start, matrix: Matrix, components: int, seed: int) -> Chosen:
    """Compute start values; a start that chooses nothing is itself the method."""
    if isinstance(start, Choosing):
        return start.choose(matrix, components, seed)
    return Chosen(*start.start(matrix, components, seed), repr(start))
