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
        """B, (k, others)."""

    @property
    def weight(self) -> float:
        """Weight w of the term."""

    @property
    def share(self) -> AxisDistribution:
        """Distribution of the entries of F over ranks; B has all other entries of the block."""

    def value(self, factor: Float64Array) -> float:
        """Value at a factor F (k, entries); infinite where the model of an observed count is zero."""

    def gradient(self, factor: Float64Array) -> Float64Array:
        r"""Return :math:`-w \sum_m B_{jm} x_{im} / (F^T B)_{im}`, (k, entries)."""

    def ratios(self, factor: Float64Array) -> Float64Array:
        r"""Numerator of the multiplicative update, :math:`w\, f_{ji} \sum_m B_{jm} x_{im} / (F^T B)_{im}`."""

    def bands(self) -> Iterator[tuple[int, int, Any]] | None:
        """Yield (start, stop, rows of X), one row for each entry of the block; None where rows cannot be read."""


class Loss(Protocol):
    """A general misfit as a function of one factor while the other is fixed."""

    @property
    def name(self) -> str:
        """Name of the similarity, for messages."""

    def value(self, factor: Float64Array) -> float:
        """Misfit at a factor (k, entries); infinite where it is not defined."""

    def value_and_gradient(self, factor: Float64Array) -> tuple[float, Float64Array]:
        """Value and gradient, (k, entries), in one pass over X."""

    def curvature(self, factor: Float64Array) -> Float64Array:
        """Approximate upper bound on the second derivative near a factor: a diagonal, (k, entries)."""
