r"""The whole objective, cut into the two half problems that solvers see.

.. math:: F(A, E) = D(sX, A E) + \tfrac1n \sum p(A) + \sum p(E)

with n pixels, the misfit D per pixel and the scale s of the similarity. The half problem of A is n F as a function
of A, that of E is F as a function of E: penalty weights then enter both as they are, whatever the size of the image.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from mffnb.constraints import Bounds, Pinned, Simplex, UnitBall
from mffnb.errors import UnsupportedCombinationError
from mffnb.matrices import scaled
from mffnb.matrices.pixel_gain import perspective_factors
from mffnb.matrices.weighting import Weighting
from mffnb.penalties import Smoothness, SpectralSmoothness
from mffnb.problem.compatibility import Gauge, check_places, gauge_of, listed, with_gain
from mffnb.protocols.half import Half, Penalty, Term
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.misfit import Misfit, Similarity
from mffnb.similarities import through
from mffnb.transforms import Logistic
from mffnb.typing import Float64Array

# Sums of squares below this have lost digits to subnormal numbers, or are about to in the Gram matrices.
_SMALLEST = 1e-290


@dataclass(frozen=True, eq=False)
class Problem:
    """Data, scale and terms of one factorization.

    Build it with :func:`state_problem`, which checks the parts and fixes the gauge.

    Attributes
    ----------
    misfit
        D, bound to the data as they are weighted and scaled.
    abundance_terms, endmember_terms
        Penalties and constraints of the two factors.
    gauge
        How scale is shared between them.
    rows, columns
        What the rows and the columns of the data are multiplied by; None for ones.
    pinned
        Endmembers that are known, in the units of the data; None if none is.
    similarity
        What the misfit was bound from, with whatever it took from the data.
    """

    misfit: Misfit
    abundance_terms: tuple[Term, ...]
    endmember_terms: tuple[Term, ...]
    gauge: Gauge = Gauge.FREE
    rows: Float64Array | None = None
    columns: Float64Array | None = None
    pinned: Pinned | None = None
    similarity: Similarity | None = None

    @property
    def matrix(self) -> Matrix:
        """The data as they are weighted."""
        return self.misfit.matrix

    @property
    def scale(self) -> float:
        """Factor by which they are multiplied."""
        return self.misfit.scale

    @property
    def pixels(self) -> int:
        """Number of rows of X, in all processes."""
        return self.matrix.shape[0]

    @property
    def pixelwise(self) -> bool:
        """Whether the terms of A let every pixel move by itself."""
        return all(getattr(term, "pixelwise", False) for term in self.abundance_terms)

    @property
    def alike(self) -> bool:
        """Whether they do the same to every pixel."""
        return self.pixelwise and all(getattr(term, "alike", False) for term in self.abundance_terms)

    def with_abundance_terms(self, half: Half) -> Half:
        """The half problem of A with its penalties and constraints in it."""
        folded = _folded(half, self.abundance_terms)
        if half.weights is not None and folded.gram is not half.gram:
            raise UnsupportedCombinationError(
                "a term that changes the Gram matrix of the abundances needs pixels that count alike: "
                "drop it, the gain, or the weights of pixels"
            )
        return folded

    def with_endmember_terms(self, half: Half) -> Half:
        """The half problem of E with its penalties and constraints in it."""
        return _folded(half, self.endmember_terms)

    def abundance_penalty(self, abundances: Float64Array) -> float:
        """What the penalties of A add to the objective."""
        return _value(self.abundance_terms, abundances, self.matrix) / self.pixels

    def endmember_penalty(self, endmembers: Float64Array) -> float:
        """What the penalties of E add to the objective."""
        return _value(self.endmember_terms, endmembers, self.matrix)

    def settled(self, abundances: Float64Array, endmembers: Float64Array) -> Problem:
        """The same with what the misfit has of its own, an intercept say, at its best for these factors."""
        settle = getattr(self.misfit, "settled", None)
        misfit = self.misfit if settle is None else settle(abundances, endmembers)
        return self if misfit is self.misfit else replace(self, misfit=misfit)

    def with_intercept(self, intercept: Float64Array) -> Problem:
        """The same with another intercept of the model, (channels,)."""
        return replace(self, misfit=self.misfit.with_offset(intercept))  # type: ignore[attr-defined]

    def step(self, of_abundances: float, of_endmembers: float) -> float:
        """Size of the projected gradient from what the two half steps returned, relative to |s X|."""
        return float(np.sqrt(self.matrix.total(np.array(of_abundances / self.pixels + of_endmembers))))

    def relative_error(self, fit: float) -> float:
        """sqrt(D / D_0), D_0 being that of the model that explains nothing: |X - A E| / |X| for least squares."""
        zero = self.misfit.zero
        return float(np.sqrt(max(fit, 0.0) / zero)) if zero > 0 else 0.0


def state_problem(
    matrix: Matrix,
    similarity: Similarity,
    abundance_terms: Iterable[Term],
    endmember_terms: Iterable[Term],
    weights: Any = None,
    transform: Any = None,
) -> Problem:
    """Check the parts, weigh the data, fix the scale gauge and state the problem.

    Where abundances sum to one, or a factor has bounds, that fixes the scale. Else where A is penalised, the rows of E
    live in the unit ball; where only E is, the rms of every abundance is at most 1. Otherwise scale would flow to the
    factor that is not penalised and a weight would mean nothing.

    Parameters
    ----------
    matrix
        X, (pixels, channels).
    similarity
        Decides the scale of the data.
    abundance_terms, endmember_terms
        Penalties and constraints of the two factors.
    weights
        How much pixels, channels or entries count: see :class:`mffnb.matrices.weighting.Weighting`.
    transform
        A map of :mod:`mffnb.transforms` between model and data; None for that of the similarity, as a rule none.

    Raises
    ------
    UnsupportedCombinationError
        If a term is neither a penalty nor a constraint, or if two terms contradict each other.
    """
    abundance_terms, endmember_terms = listed(abundance_terms), listed(endmember_terms)
    for term in (*abundance_terms, *endmember_terms):
        if isinstance(term, type) or not isinstance(term, Term):
            raise UnsupportedCombinationError(
                f"{term!r} is not a term: pass an object with a fold(half) method, such as Sparsity(1e-3)"
            )
    check_places(abundance_terms, endmember_terms)
    sizeless = getattr(similarity, "sizeless", False)
    if sizeless:
        abundance_terms = with_gain(abundance_terms, endmember_terms)
    gauge = gauge_of(abundance_terms, endmember_terms)
    bent = bends(similarity, transform)
    if bent is not None and sizeless:
        raise UnsupportedCombinationError(
            f"{type(similarity).__name__} looks at whole spectra: leave out the transformation"
        )
    if bent is not None and gauge is Gauge.GAIN:
        raise UnsupportedCombinationError("a logistic model has no gain of pixels: leave out the gain")
    if matrix.shared and (bent is not None or not getattr(similarity, "shared_out", False)):
        name = type(similarity if bent is None else bent).__name__
        raise UnsupportedCombinationError(
            f"{name} needs all data in one process: run it without mpiexec, or use similarity='frobenius' or 'kl'"
        )
    _check_size(matrix)
    weighting = Weighting.of(weights, matrix, similarity)
    matrix, rows, gain = weighting.matrix, weighting.rows, weighting.rows
    if gauge is Gauge.GAIN and not sizeless:
        sizes, gain = perspective_factors(matrix)
        matrix, rows = scaled(matrix, rows=sizes), sizes if rows is None else rows * sizes
    if gauge is Gauge.ENDMEMBERS:
        endmember_terms += (UnitBall(1.0),)
    elif gauge is Gauge.ABUNDANCES:
        abundance_terms += (UnitBall(float(np.sqrt(matrix.shape[0]))),)
    if matrix.shared:
        abundance_terms = tuple(_shared_out(term, matrix, 0) for term in abundance_terms)
        endmember_terms = tuple(_shared_out(term, matrix, 1) for term in endmember_terms)
    settle = getattr(similarity, "settled", None)
    similarity = similarity if settle is None else settle(matrix)
    misfit = similarity.misfit(matrix, gain) if bent is None else through(similarity, bent, matrix, gain)
    of_endmembers = misfit.scale if weighting.columns is None else misfit.scale * weighting.columns
    endmember_terms = tuple(
        term.scaled(of_endmembers) if isinstance(term, Bounds) else term for term in endmember_terms
    )
    return Problem(
        misfit,
        abundance_terms,
        endmember_terms,
        gauge,
        rows,
        weighting.columns,
        next((term for term in endmember_terms if isinstance(term, Pinned)), None),
        similarity,
    )


def for_new_pixels(
    matrix: Matrix,
    similarity: Similarity,
    abundance_terms: Iterable[Term],
    columns: Float64Array | None,
    scale: float,
    transform: Any = None,
    offset: Float64Array | None = None,
) -> Problem:
    """The same problem for other pixels, whose endmembers are given: nothing is left that would fix a gauge.

    Parameters
    ----------
    matrix, similarity, abundance_terms
        As for :func:`state_problem`.
    transform
        As for :func:`state_problem`.
    columns, scale, offset
        Those of the problem that was solved.
    """
    abundance_terms = tuple(abundance_terms)
    sizeless = getattr(similarity, "sizeless", False)
    if sizeless:
        abundance_terms = with_gain(abundance_terms, ())
    matrix = matrix if columns is None else scaled(matrix, columns=columns)
    rows = gain = None
    fractions = any(isinstance(term, Simplex) for term in abundance_terms)
    if any(isinstance(term, Simplex) and term.gain for term in abundance_terms) and not sizeless:
        rows, gain = perspective_factors(matrix)
        matrix = scaled(matrix, rows=rows)
    gauge = Gauge.GAIN if gain is not None or sizeless else Gauge.SUM if fractions else Gauge.FREE
    bent = bends(similarity, transform)
    misfit = similarity.misfit(matrix, gain, scale) if bent is None else through(similarity, bent, matrix, gain, offset)
    return Problem(misfit, abundance_terms, (), gauge, rows, columns, similarity=similarity)


def bends(similarity: Similarity, transform: Any) -> Logistic | None:
    """The map that the factors are fitted through, where it is none that is applied afterwards."""
    transform = getattr(similarity, "transform", None) if transform is None else transform
    return transform if isinstance(transform, Logistic) else None


def _check_size(matrix: Matrix) -> None:
    """Refuse data whose sum of squares float64 cannot hold."""
    squared = matrix.squared_norm
    if np.isnan(squared):
        raise ValueError("the data hold NaN, and missing entries need an array in memory: load the data first")
    if squared == 0:
        # All zero, or so small that every square vanished? A positive combination of the channels still tells.
        any_left = np.any(matrix.times(np.linspace(1.0, 2.0, matrix.shape[1])[None, matrix.own_columns]))
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


def _value(terms: tuple[Term, ...], factor: Float64Array, matrix: Matrix) -> float:
    """What the penalties add; those that sum over processes themselves are complete."""
    whole = sum(term.value(factor) for term in terms if isinstance(term, Penalty) and hasattr(term, "total"))
    parts = [term.value(factor) for term in terms if isinstance(term, Penalty) and not hasattr(term, "total")]
    return whole + (float(matrix.total(np.array(sum(parts)))) if parts else 0.0)


def _shared_out(term: Term, matrix: Matrix, axis: int) -> Term:
    """A term on the entries that are here, of a factor that is shared out over processes."""
    own = (matrix.own, matrix.own_columns)[axis]
    if isinstance(term, Pinned):
        return replace(term, values=term.values[:, own], total=matrix.total)
    if hasattr(term, "total"):
        bound: Any = replace(cast("Any", term), total=matrix.total)
        return cast("Term", bound)
    if isinstance(term, Bounds):
        return term.of(own) if axis == 1 else term
    if isinstance(term, (Smoothness, SpectralSmoothness)) and axis == 1:
        raise UnsupportedCombinationError(
            "smooth endmembers need all channels in one process: run it without mpiexec, or drop that term"
        )
    if isinstance(term, Smoothness) and (term.graph is None or term.graph.pixels != own.stop - own.start):
        raise UnsupportedCombinationError(
            "a graph of your own needs all pixels in one process: run it without mpiexec, or ask for smoothness="
        )
    if getattr(term, "rowwise", False):
        raise UnsupportedCombinationError(
            f"{type(term).__name__}, like every term on whole maps or spectra, needs all "
            f"{('pixels', 'channels')[axis]} in one process: run it without mpiexec"
        )
    if not (isinstance(term, Smoothness) or getattr(term, "pixelwise", False)):
        raise UnsupportedCombinationError(
            f"{type(term).__name__} does not say that it treats each entry by itself (pixelwise = True), so that it "
            "cannot be shared out over processes: run it without mpiexec"
        )
    return term
