r"""The whole objective, cut into the two half problems that solvers see.

.. math:: F(A, E) = \tfrac1n \bigl[ \tfrac12 \lVert sX - A E\rVert^2 + \sum p(A) \bigr] + \sum p(E)

with n pixels and the scale s of the similarity. The half problem of A is n F as a function of A, that of E is F
as a function of E: penalty weights then enter both as they are, whatever the size of the image.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mffnb.constraints import UnitBall
from mffnb.errors import UnsupportedCombinationError
from mffnb.protocols import Half, Matrix, Penalty, Similarity, Term
from mffnb.typing import Float64Array


@dataclass(frozen=True, eq=False)
class Problem:
    """Data, scale and terms of one factorization.

    Build it with :func:`state_problem`, which checks the parts and fixes the gauge.
    """

    matrix: Matrix
    scale: float
    abundance_terms: tuple[Term, ...]
    endmember_terms: tuple[Term, ...]
    squared_norm: float

    @property
    def pixels(self) -> int:
        """Number of rows of X."""
        return self.matrix.shape[0]

    def abundance_half(self, endmembers: Float64Array) -> Half:
        """What A (k, pixels) has to minimise for given E (k, channels)."""
        data = Half(endmembers @ endmembers.T, self.scale * self.matrix.cross(endmembers))
        return _folded(data, self.abundance_terms)

    def endmember_half(self, abundances: Float64Array) -> Half:
        """What E (k, channels) has to minimise for given A (k, pixels)."""
        n = self.pixels
        data = Half(abundances @ abundances.T / n, (self.scale / n) * self.matrix.T.cross(abundances))
        return _folded(data, self.endmember_terms)

    def abundance_penalty(self, abundances: Float64Array) -> float:
        """What the penalties of A add to the objective."""
        return _value(self.abundance_terms, abundances) / self.pixels

    def endmember_penalty(self, endmembers: Float64Array) -> float:
        """What the penalties of E add to the objective."""
        return _value(self.endmember_terms, endmembers)

    def fit_at_abundances(self, half: Half, abundances: Float64Array) -> float:
        """F(A, E) without the penalties of E, from the half problem of A at E: no other look at X."""
        return self._zero + half.value(abundances) / self.pixels

    def fit_at_endmembers(self, half: Half, endmembers: Float64Array) -> float:
        """F(A, E) without the penalties of A, from the half problem of E at A: no other look at X."""
        return self._zero + half.value(endmembers)

    def relative_error(self, objective: float, penalty: float) -> float:
        """|X - A E| / |X| from the objective and its penalty part."""
        return float(np.sqrt(max(objective - penalty, 0.0) / self._zero)) if self._zero > 0 else 0.0

    @property
    def gauge_is_free(self) -> bool:
        """Whether scale can move between A and E without changing the objective."""
        return not any(isinstance(term, Penalty) for term in (*self.abundance_terms, *self.endmember_terms))

    @property
    def _zero(self) -> float:
        """F(0, 0)."""
        return self.scale**2 * self.squared_norm / self.pixels / 2


def state_problem(
    matrix: Matrix,
    similarity: Similarity,
    abundance_terms: Iterable[Term],
    endmember_terms: Iterable[Term],
    scale: float | None = None,
) -> Problem:
    """Check the parts, fix the scale gauge and state the problem.

    Where A is penalised, the rows of E live in the unit ball; where only E is, the rms of every abundance is at
    most 1. Otherwise scale would flow to the factor that is not penalised and a weight would mean nothing.

    Parameters
    ----------
    matrix
        X, (pixels, channels).
    similarity
        Decides the scale of the data.
    abundance_terms, endmember_terms
        Penalties and constraints of the two factors.
    scale
        The scale of the data where it is already known: new pixels are judged by that of the fitted ones.

    Raises
    ------
    UnsupportedCombinationError
        If a term is neither a penalty nor a constraint the solvers can take.
    """
    abundance_terms, endmember_terms = tuple(abundance_terms), tuple(endmember_terms)
    for term in (*abundance_terms, *endmember_terms):
        if isinstance(term, type) or not isinstance(term, Term):
            raise UnsupportedCombinationError(
                f"{term!r} is not a term: pass an object with a fold(half) method, such as Sparsity(1e-3)"
            )
    if any(isinstance(term, Penalty) for term in abundance_terms):
        endmember_terms += (UnitBall(1.0),)
    elif any(isinstance(term, Penalty) for term in endmember_terms):
        abundance_terms += (UnitBall(float(np.sqrt(matrix.shape[0]))),)
    return Problem(
        matrix,
        similarity.scale(matrix) if scale is None else scale,
        abundance_terms,
        endmember_terms,
        matrix.squared_norm,
    )


def _folded(half: Half, terms: tuple[Term, ...]) -> Half:
    for term in terms:
        half = term.fold(half)
    return half


def _value(terms: tuple[Term, ...], factor: Float64Array) -> float:
    return sum(term.value(factor) for term in terms if isinstance(term, Penalty))
