"""Protocols of the parts of a misfit that are not quadratic, as functions of one factor while the other is fixed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from mffnb.protocols.axis_distribution import AxisDistribution
from mffnb.typing import Float64Array


class LogTerm(Protocol):
    r"""Logarithmic part of a Poisson likelihood: :math:`-w \sum_{im} x_{im} \log (F^T B)_{im}`.

    B, (k, others), is the fixed factor. The weight w includes the scale of the data.
    """

    @property
    def basis(self) -> Float64Array:
        """The fixed factor B, (k, others)."""

    @property
    def weight(self) -> float:
        """Weight w of the term."""

    @property
    def share(self) -> AxisDistribution:
        """Distribution of the entries of F over ranks; B contains all other entries of this rank's block."""

    def value(self, factor: Float64Array) -> float:
        """Return the value at a factor F (k, entries); infinite if a positive count has a model of zero."""

    def gradient(self, factor: Float64Array) -> Float64Array:
        r"""Return the gradient, :math:`-w \sum_m B_{jm} x_{im} / (F^T B)_{im}`, (k, entries)."""

    def ratios(self, factor: Float64Array) -> Float64Array:
        r"""Return the multiplicative update's numerator, :math:`w\, f_{ji} \sum_m B_{jm} x_{im} / (F^T B)_{im}`."""

    def bands(self) -> Iterator[tuple[int, int, Any]] | None:
        """Yield (start, stop, rows of X), one row for each entry of the block; return None if rows cannot be read."""

    def transposed_bands(self) -> Iterator[tuple[slice, Any]]:
        """Yield (other entries, rows), one row for each entry of the block, for the columns of an X read by rows."""


class Loss(Protocol):
    """A general misfit as a function of one factor while the other is fixed."""

    @property
    def name(self) -> str:
        """Name of the similarity, for messages."""

    def value(self, factor: Float64Array) -> float:
        """Return the misfit at a factor (k, entries); infinite where it is not defined."""

    def value_and_gradient(self, factor: Float64Array) -> tuple[float, Float64Array]:
        """Return value and gradient, (k, entries), of the misfit in one pass over X."""

    def curvature(self, factor: Float64Array) -> Float64Array:
        """Return an approximate upper bound on the second derivative near a factor: a diagonal, (k, entries)."""
