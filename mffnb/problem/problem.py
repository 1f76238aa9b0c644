r"""Objective of the factorization, split into the two half-step subproblems that solvers use.

.. math:: F(A, E) = D(sX, A E) + \tfrac1n \sum p(A) + \sum p(E)

with n pixels, the misfit D per pixel and the scale s of the similarity. The subproblem of A is n F as a function of A,
that of E is F as a function of E. Penalty weights enter both without a factor, whatever the size of the image.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mffnb.constraints import Pinned
from mffnb.errors import UnsupportedCombinationError
from mffnb.problem.compatibility import Gauge
from mffnb.problem.rank_terms import penalty_value
from mffnb.protocols.capabilities import traits_of
from mffnb.protocols.half import Half
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.misfit import InterceptMisfit, Misfit
from mffnb.protocols.part_results import fold_term
from mffnb.protocols.similarity import Similarity
from mffnb.protocols.terms import Term
from mffnb.typing import Float64Array


@dataclass(frozen=True, eq=False)
class Problem:
    """Objective of one factorization: weighted data, scale, penalties and constraints of both factors.

    :func:`mffnb.problem.formulation.state_problem` builds it, checks the parts and fixes the scale normalisation.

    Attributes
    ----------
    misfit
        The misfit D, bound to the weighted and scaled data.
    abundance_terms, endmember_terms
        Penalties and constraints of the two factors.
    gauge
        Scale normalisation between the two factors.
    rows, columns
        Factors by which the rows and the columns of the data were multiplied; None for ones.
    pinned
        Known endmembers in the units of the data; None for none.
    similarity
        Similarity of the misfit, with its parameters estimated from the data.
    channel_weights
        Weights of channels that no scaling of the data replaces, (channels,); None for ones.
    needs_pixel_weights
        Whether the abundances of a pixel depend on its weights: those of its entries, or that of the pixel relative to
        a penalty or to the threshold of a robust loss.
    """

    misfit: Misfit
    abundance_terms: tuple[Term, ...]
    endmember_terms: tuple[Term, ...]
    gauge: Gauge = Gauge.FREE
    rows: Float64Array | None = None
    columns: Float64Array | None = None
    pinned: Pinned | None = None
    similarity: Similarity | None = None
    channel_weights: Float64Array | None = None
    needs_pixel_weights: bool = False

    @property
    def matrix(self) -> Matrix:
        """The data matrix X, multiplied by its weights."""
        return self.misfit.matrix

    @property
    def scale(self) -> float:
        """The scale s by which the misfit multiplies the data X."""
        return self.misfit.scale

    @property
    def pixels(self) -> int:
        """Number of pixels (rows of X) on all MPI ranks."""
        return self.matrix.shape[0]

    @property
    def pixelwise(self) -> bool:
        """Whether the terms of A leave the pixels independent, so that each pixel can be solved alone."""
        return all(traits_of(term).pixelwise for term in self.abundance_terms)

    @property
    def uniform(self) -> bool:
        """Whether the terms of A change the subproblem of every pixel in the same way."""
        return self.pixelwise and all(traits_of(term).uniform for term in self.abundance_terms)

    def with_abundance_terms(self, half: Half) -> Half:
        """Return the half-step subproblem of A with the penalties and constraints of A added."""
        with_terms = _folded(half, self.abundance_terms)
        if half.weights is not None and with_terms.gram is not half.gram:
            raise UnsupportedCombinationError(
                "a term that changes the Gram matrix of the abundances needs pixels that count alike: "
                "drop it, the gain, or the weights of pixels"
            )
        return with_terms

    def with_endmember_terms(self, half: Half) -> Half:
        """Return the half-step subproblem of E with the penalties and constraints of E added."""
        return _folded(half, self.endmember_terms)

    def abundance_penalty(self, abundances: Float64Array) -> float:
        """Return the contribution of the penalties of A to the objective."""
        return penalty_value(self.abundance_terms, abundances, self.matrix) / self.pixels

    def endmember_penalty(self, endmembers: Float64Array) -> float:
        """Return the contribution of the penalties of E to the objective."""
        return penalty_value(self.endmember_terms, endmembers, self.matrix)

    def with_fitted_intercept(self, abundances: Float64Array, endmembers: Float64Array) -> Problem:
        """Return the problem with its intercept fitted to these factors; unchanged if its model has no intercept."""
        if not isinstance(self.misfit, InterceptMisfit):
            return self
        misfit = self.misfit.with_fitted_intercept(abundances, endmembers)
        return self if misfit is self.misfit else replace(self, misfit=misfit)

    def with_intercept(self, intercept: Float64Array) -> Problem:
        """Return the problem with the intercept of its model replaced, (channels,)."""
        if not isinstance(self.misfit, InterceptMisfit):
            raise TypeError(f"{type(self.misfit).__name__} has no intercept")
        return replace(self, misfit=self.misfit.with_intercept(intercept))

    def step(self, of_abundances: float, of_endmembers: float) -> float:
        """Return the size of the projected gradient relative to |s X|, from the squared steps of the two half steps."""
        return float(np.sqrt(self.matrix.total(np.array(of_abundances / self.pixels + of_endmembers))))

    def relative_error(self, fit: float) -> float:
        """Return the relative error sqrt(D / D_0), D_0 of the reference model: |X - A E| / |X| for least squares."""
        zero = self.misfit.zero
        return float(np.sqrt(max(fit, 0.0) / zero)) if zero > 0 else 0.0


def _folded(half: Half, terms: tuple[Term, ...]) -> Half:
    for term in terms:
        half = fold_term(term, half)
    return half
