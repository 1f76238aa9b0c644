r"""The whole objective, cut into the two half problems that solvers see.

.. math:: F(A, E) = \tfrac1n \bigl[ \tfrac12 \lVert sX - A E\rVert^2 + \sum p(A) \bigr] + \sum p(E)

with n pixels and the scale s of the similarity. The half problem of A is n F as a function of A, that of E is F
as a function of E: penalty weights then enter both as they are, whatever the size of the image.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mffnb.constraints import Simplex, UnitBall
from mffnb.errors import UnsupportedCombinationError
from mffnb.penalties import Sparsity
from mffnb.protocols import Half, Matrix, Penalty, Similarity, Term
from mffnb.typing import Float64Array

# Sums of squares below this have lost digits to subnormal numbers, or are about to in the Gram matrices.
_SMALLEST = 1e-290


class Gauge(enum.Enum):
    """What keeps scale from moving between A and E."""

    FREE = "nothing: no penalty minds"
    ENDMEMBERS = "rows of E have norm 1"
    ABUNDANCES = "the rms of every abundance is 1"
    SUM = "the abundances of a pixel sum to 1"


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
    gauge: Gauge = Gauge.FREE

    @property
    def pixels(self) -> int:
        """Number of rows of X, in all processes."""
        return self.matrix.shape[0]

    def abundance_half(self, endmembers: Float64Array) -> Half:
        """What A (k, pixels) has to minimise for given E (k, channels)."""
        data = Half(endmembers @ endmembers.T, self.scale * self.matrix.times(endmembers))
        return _folded(data, self.abundance_terms)

    def endmember_half(self, abundances: Float64Array) -> Half:
        """What E (k, channels) has to minimise for given A (k, pixels)."""
        n = self.pixels
        gram = self.matrix.total(abundances @ abundances.T) / n
        data = Half(gram, (self.scale / n) * self.matrix.transposed_times(abundances))
        return _folded(data, self.endmember_terms)

    def abundance_penalty(self, abundances: Float64Array) -> float:
        """What the penalties of A add to the objective."""
        here = _value(self.abundance_terms, abundances)
        return float(self.matrix.total(np.array(here))) / self.pixels

    def endmember_penalty(self, endmembers: Float64Array) -> float:
        """What the penalties of E add to the objective."""
        return _value(self.endmember_terms, endmembers)

    def fit_at_abundances(self, half: Half, abundances: Float64Array) -> float:
        """F(A, E) without the penalties of E, from the half problem of A at E: no other look at X."""
        return self._zero + float(self.matrix.total(np.array(half.value(abundances)))) / self.pixels

    def fit_at_endmembers(self, half: Half, endmembers: Float64Array) -> float:
        """F(A, E) without the penalties of A, from the half problem of E at A: no other look at X."""
        return self._zero + half.value(endmembers)

    def step(self, of_abundances: float, of_endmembers: float) -> float:
        """Size of the projected gradient from what the two half steps returned, relative to |s X|."""
        squared = float(self.matrix.total(np.array(of_abundances))) / self.pixels + of_endmembers
        return float(np.sqrt(squared))

    def relative_error(self, objective: float, penalty: float) -> float:
        """|X - A E| / |X| from the objective and its penalty part."""
        return float(np.sqrt(max(objective - penalty, 0.0) / self._zero)) if self._zero > 0 else 0.0

    @property
    def _zero(self) -> float:
        """F(0, 0)."""
        return self.scale**2 * self.squared_norm / self.pixels / 2


def state_problem(
    matrix: Matrix,
    similarity: Similarity,
    abundance_terms: Iterable[Term],
    endmember_terms: Iterable[Term],
) -> Problem:
    """Check the parts, fix the scale gauge and state the problem.

    Where abundances sum to one, that fixes the scale. Else where A is penalised, the rows of E live in the unit ball;
    where only E is, the rms of every abundance is at most 1. Otherwise scale would flow to the factor that is not
    penalised and a weight would mean nothing.

    Parameters
    ----------
    matrix
        X, (pixels, channels).
    similarity
        Decides the scale of the data.
    abundance_terms, endmember_terms
        Penalties and constraints of the two factors.

    Raises
    ------
    UnsupportedCombinationError
        If a term is neither a penalty nor a constraint, or if two terms contradict each other.
    """
    abundance_terms, endmember_terms = tuple(abundance_terms), tuple(endmember_terms)
    for term in (*abundance_terms, *endmember_terms):
        if isinstance(term, type) or not isinstance(term, Term):
            raise UnsupportedCombinationError(
                f"{term!r} is not a term: pass an object with a fold(half) method, such as Sparsity(1e-3)"
            )
    gauge = Gauge.FREE
    if any(isinstance(term, Simplex) for term in abundance_terms):
        if any(isinstance(term, Sparsity) for term in abundance_terms):
            raise UnsupportedCombinationError(
                "abundances that sum to one all have the same L1 norm, so sparsity does nothing: drop one of the two"
            )
        gauge = Gauge.SUM
    elif any(isinstance(term, Penalty) for term in abundance_terms):
        endmember_terms += (UnitBall(1.0),)
        gauge = Gauge.ENDMEMBERS
    elif any(isinstance(term, Penalty) for term in endmember_terms):
        abundance_terms += (UnitBall(float(np.sqrt(matrix.shape[0]))),)
        gauge = Gauge.ABUNDANCES
    _check_size(matrix)
    return Problem(
        matrix,
        similarity.scale(matrix),
        abundance_terms,
        endmember_terms,
        matrix.squared_norm,
        gauge,
    )


def _check_size(matrix: Matrix) -> None:
    """Refuse data whose sum of squares float64 cannot hold."""
    squared = matrix.squared_norm
    if squared == 0:
        # All zero, or so small that every square vanished? A positive combination of the channels still tells.
        any_left = np.any(matrix.times(np.linspace(1.0, 2.0, matrix.shape[1])[None]))
        small = bool(matrix.total(np.array(float(any_left))))
    else:
        small = squared < _SMALLEST
    if small or not np.isfinite(squared):
        size = "small" if small else "large"
        raise ValueError(f"the data are too {size} for the sum of their squares: divide them by their maximum first")


def _folded(half: Half, terms: tuple[Term, ...]) -> Half:
    for term in terms:
        half = term.fold(half)
    return half


def _value(terms: tuple[Term, ...], factor: Float64Array) -> float:
    return sum(term.value(factor) for term in terms if isinstance(term, Penalty))
