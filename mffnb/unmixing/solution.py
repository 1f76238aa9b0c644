"""The factors that a run has found, before they are labelled with coordinates and units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mffnb.estimators.fitting import Fitted
from mffnb.parallel.placement import Placement
from mffnb.solvers import Outcome, State
from mffnb.transforms import Mapped
from mffnb.typing import Array, Float64Array

if TYPE_CHECKING:
    from mffnb.estimators.factorization import MatrixFactorization  # scikit-learn is slow to import


@dataclass(frozen=True, eq=False)
class Solution:
    """The factors of a run in the units of the image that was factored, with the outcome and the trace of the run.

    Attributes
    ----------
    abundances, endmembers
        A (k, pixels of this process) and E (k, channels).
    outcome
        How the run ended.
    trace
        The state after each whole iteration, without factors.
    used
        Number of pixels in which each component is present, on all processes, (k,); None if not counted.
    gain
        One scale factor for each pixel of this process, or None.
    mapped
        The transformation f in X ~ f(A E), or None.
    alternative
        Endmembers of another solution that fits the data as well, or None.
    disagreement
        Mean spectral angle (rad) to that solution; 0 if there is none.
    negative_share
        Sum of squares of negative values of the data, relative to that of all values.
    notes
        Entries for ``result.parameters`` that are known only after the run, such as the start that was used.
    """

    abundances: Float64Array
    endmembers: Float64Array
    outcome: Outcome
    trace: Sequence[State]
    used: Array | None = None
    gain: Float64Array | None = None
    mapped: Mapped | None = None
    alternative: Float64Array | None = None
    disagreement: float = 0.0
    negative_share: float = 0.0
    notes: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, fitted: Fitted, **others: Any) -> Solution:
        """Create a solution from the end of a factorization."""
        return cls(
            fitted.factors.abundances,
            fitted.endmembers,
            fitted.outcome,
            fitted.trace,
            gain=fitted.factors.gain,
            mapped=fitted.mapped,
            negative_share=fitted.negative_share,
            **others,
        )

    @classmethod
    def of_model(cls, model: MatrixFactorization, abundances: Float64Array, **others: Any) -> Solution:
        """Create a solution from a fitted model and its abundances A (pixels, k)."""
        return cls(
            abundances.T,
            model.components_,
            model.outcome_,
            model.trace_,
            gain=model.gain_,
            mapped=model.mapped_,
            negative_share=model.negative_share_,
            **others,
        )

    def reordered(self, order: Array) -> Solution:
        """Return the same solution with its components in another order."""
        return replace(
            self,
            abundances=self.abundances[order],
            endmembers=self.endmembers[order],
            used=None if self.used is None else self.used[order],
            alternative=None if self.alternative is None else self.alternative[order],
        )

    def with_notes(self, notes: Mapping[str, Any]) -> Solution:
        """Return the same solution with further entries for ``result.parameters``."""
        return replace(self, notes={**self.notes, **notes}) if notes else self

    def gather(self, placement: Placement) -> Solution:
        """Return the same solution with the abundances and gains of all pixels."""
        return replace(
            self,
            abundances=placement.gather(self.abundances.T).T,
            gain=None if self.gain is None else placement.gather(self.gain),
        )
