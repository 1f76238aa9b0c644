"""How well a model describes the data: D(X, A E)."""

from __future__ import annotations

from dataclasses import dataclass

from mffnb.protocols import Matrix


@dataclass(frozen=True)
class Frobenius:
    r"""Least squares, :math:`D = \frac{1}{2n} \sum_i \lVert x_i - a_i E \rVert^2` over n pixels.

    The right choice for signals with constant noise. Data are scaled to a mean squared pixel norm of 1 before
    penalties are added, so that a penalty weight means the same for every cube.
    """

    def scale(self, matrix: Matrix) -> float:
        """Return s such that the mean of ``|s x_i|^2`` over pixels is 1."""
        squared_norm = matrix.squared_norm
        return float((matrix.shape[0] / squared_norm) ** 0.5) if squared_norm > 0 else 1.0
