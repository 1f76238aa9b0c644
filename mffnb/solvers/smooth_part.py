"""Differentiable part of a subproblem, for the proximal gradient method."""

from __future__ import annotations

import numpy as np

from mffnb.protocols.half import Half
from mffnb.protocols.part_results import gradient_of
from mffnb.solvers.values_on_ranks import total_value
from mffnb.typing import Float64Array


class SmoothPart:
    """Differentiable part of a half-step subproblem: value, gradient and curvature.

    Values are those of the factor on all MPI ranks; gradients are those of the entries of this rank.
    """

    def __init__(self, half: Half):
        self._half = half
        self.quadratic = half.log is None and half.loss is None and not half.smooth

    def value(self, factor: Float64Array) -> float:
        """Return the value of the differentiable part at a factor."""
        half = self._half
        value = self._quadratic(factor)[0]
        value += 0.0 if half.log is None else half.log.value(factor)
        value += 0.0 if half.loss is None else half.loss.value(factor)
        return float(half.summed(value)) + total_value(half.smooth, factor, half)

    def value_and_gradient(self, factor: Float64Array) -> tuple[float, Float64Array]:
        """Return value and gradient of the differentiable part at a factor."""
        half = self._half
        value, gradient = self._quadratic(factor)
        if half.log is not None:
            value, gradient = value + half.log.value(factor), gradient + half.log.gradient(factor)
        if half.loss is not None:
            loss, of_loss = half.loss.value_and_gradient(factor)
            value, gradient = value + loss, gradient + of_loss
        for term in half.smooth:
            gradient = gradient + gradient_of(term, factor)
        return float(half.summed(value)) + total_value(half.smooth, factor, half), gradient

    def curvature(self, factor: Float64Array) -> Float64Array:
        """Return an upper bound on the second derivative: global if quadratic, otherwise approximate near a factor."""
        half = self._half
        bound = _curvature(half)
        if half.loss is not None:
            bound = bound + _coupled_maximum(half, half.loss.curvature(factor))
        if half.log is not None or half.smooth:
            bound = bound + _estimate(self, factor, half)
        return np.maximum(bound, np.finfo(float).tiny)

    def _quadratic(self, factor: Float64Array) -> tuple[float, Float64Array]:
        half = self._half
        pull = half.gram @ factor
        if half.weights is not None:
            pull *= half.weights
        if half.graph is not None:
            pull += half.coupling * half.graph.times(factor)
        gradient = pull - half.cross
        return float(np.vdot(pull, factor) / 2 - np.vdot(half.cross, factor)), gradient


def _curvature(half: Half) -> Float64Array:
    """Return an upper bound on the second derivative of the quadratic, one for each row, entry or both."""
    scale = np.sqrt(np.where(np.diag(half.gram) > 0, np.diag(half.gram), 1.0))
    if _couples_rows(half):
        of_rows = np.full((1, 1), np.linalg.eigvalsh(half.gram)[-1])
    else:  # rows scaled to unit diagonal have a far smaller condition number
        of_rows = (scale**2 * np.linalg.eigvalsh(half.gram / np.outer(scale, scale))[-1])[:, None]
    curvature = of_rows if half.weights is None else of_rows * half.weights
    if half.graph is not None:  # a Laplacian is bounded by twice its diagonal
        curvature = curvature + 2 * half.coupling * half.graph.degree
    return _coupled_maximum(half, curvature)


def _coupled_maximum(half: Half, curvature: Float64Array) -> Float64Array:
    """Return the maximum curvature over coupled entries: rows, columns, or all of them."""
    if _couples_rows(half):
        curvature = curvature.max(axis=0, keepdims=True)
    if half.proximal or np.isfinite(half.radius):
        curvature = half.largest(curvature.max(axis=1, keepdims=True, initial=0.0))
    return curvature


def _couples_rows(half: Half) -> bool:
    return half.sum_to_one or half.single or bool(half.proximal)


def _estimate(part: SmoothPart, factor: Float64Array, half: Half) -> Float64Array:
    """Estimate the curvature from the change of the gradient over a short step downhill."""
    gradient = part.value_and_gradient(factor)[1]
    size = _norm(gradient, half)
    if not size > 0:
        return np.ones((1, 1))
    step = (1e-3 * _norm(factor, half) or 1e-3) / size * gradient
    there = np.maximum(factor - step, factor / 2)
    moved = _norm(there - factor, half)
    change = _norm(part.value_and_gradient(there)[1] - gradient, half)
    return np.full((1, 1), change / moved if moved > 0 and 0 < change < np.inf else size)


def _norm(entries: Float64Array, half: Half) -> float:
    """Return the Euclidean norm over the entries of all ranks."""
    return float(np.sqrt(half.summed(float(np.vdot(entries, entries)))))
