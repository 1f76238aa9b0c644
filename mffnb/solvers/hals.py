"""Hierarchical alternating least squares, and its counterpart under a sum, as a half step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from scipy import optimize

from mffnb.errors import UnsupportedCombinationError
from mffnb.kernels import hals, simplex
from mffnb.protocols import Solver
from mffnb.protocols.graph import PixelGraph
from mffnb.protocols.half import Constraint, Half, Penalty, Proximal
from mffnb.typing import Array, Float64Array

__all__ = ["Hals"]

_ALIKE = np.ones(1)


@dataclass(frozen=True)
class Hals:
    """Each row of the factor in turn goes to its exact minimiser: no step size, never a rise.

    Smooth rows in a ball take a sweep with the multiplier of the ball in it, which never rises either.
    Where the entries of a pixel have to sum to one, a single row cannot move; there each pixel's small quadratic
    programme is solved exactly instead.

    Source: Cichocki & Phan 2009, IEICE Trans. Fundamentals E92-A:708; several inner sweeps per look at the data
    after Gillis & Glineur 2012, Neural Computation 24:1085.

    Parameters
    ----------
    sweeps
        Inner sweeps for each cross product; the product costs far more than a sweep.
    """

    pixelwise: ClassVar[bool] = True
    sweeps: int = 4

    def refuses(self, half: Half) -> str | None:
        """What this solver cannot keep at once."""
        bounded, smooth, fixed = np.isfinite(half.radius), half.graph is not None, half.fixed is not None
        for asked, reason in (
            (
                half.unfolded is not None and _row_part(half) is None,
                f"HALS cannot handle {half.unfolded}: use solver='auto' or 'proximal'",
            ),
            (
                half.log is not None,
                "HALS is for least squares: use solver='auto', 'newton' or 'multiplicative' with similarity='kl'",
            ),
            (
                bounded and half.sum_to_one,
                "HALS cannot keep a factor in a ball and summing to one at once: use solver='auto', or "
                "drop UnitBall, or the penalty on the other factor that calls for it",
            ),
            (
                fixed and (smooth or half.sum_to_one),
                "HALS cannot hold values of a factor that is smooth or sums to one: pin endmembers, not abundances",
            ),
            (
                half.single and (bounded or half.boxed or smooth or fixed),
                "HALS cannot keep one component per pixel in a ball or a box, smooth or fixed in part, at once: "
                "drop Orthogonal, or the term that asks for the other",
            ),
            (
                half.boxed and (bounded or half.sum_to_one),
                "HALS cannot keep a factor in a box and in a ball, or summing to one, at once: "
                "use solver='auto', or drop Bounds",
            ),
        ):
            if asked:
                return reason
        return None

    def free_sweeps(self, half: Half) -> int:
        """Those that are all that is done to entries which do not know of each other."""
        return self.sweeps if half.free else 0

    def update(self, factor: Float64Array, half: Half) -> float:
        """Sweep ``factor`` (k, entries) in place; return the squared step of the first sweep."""
        reason = self.refuses(half)
        if reason is not None:
            raise UnsupportedCombinationError(reason)
        part = _row_part(half)
        if part is not None:
            return _rows_of_part(factor, half, part)
        if half.single:
            return _one_of_each(factor, half)
        if half.fixed is not None:
            moved = [_rows_in_part(factor, half, half.fixed) for _ in range(self.sweeps)]
            return moved[0]
        if half.graph is not None:
            sweep = _simplex_on_graph if half.sum_to_one else _rows_on_graph
            moved = [sweep(factor, half, half.graph) for _ in range(self.sweeps)]
            return moved[0]
        if half.sum_to_one:
            return float(simplex.sweep_simplex(factor, half.gram, half.cross, _weights(half)))
        return _rows(factor, half, self.sweeps)


def _rows(factor: Float64Array, half: Half, sweeps: int) -> float:
    """Sweep rows whose entries do not know of each other, but for a bound on their norm."""
    if half.weights is not None and np.isfinite(half.radius):
        moved = [_rows_in_ball(factor, half, half.weights) for _ in range(sweeps)]
        return moved[0]
    if half.weights is not None:  # with F sqrt(u) in place of F every entry counts alike
        root = np.sqrt(half.weights)
        scaled = factor * root
        alike = replace(half, cross=half.cross / root, weights=None)
        if half.boxed:
            alike = replace(alike, lower=half.lower * root, upper=np.multiply(half.upper, root))
        step = _rows(scaled, alike, sweeps)
        factor[:] = scaled / root
        if half.boxed:
            np.clip(factor, half.lower, half.upper, out=factor)  # of the rounding
        return step
    if half.boxed:
        lower, upper = (np.array(np.broadcast_to(side, factor.shape[1]), float) for side in (half.lower, half.upper))
        return float(hals.sweep_box(factor, half.gram, half.cross, lower, upper, sweeps))
    if not np.isfinite(half.radius):
        return float(hals.sweep_non_negative(factor, half.gram, half.cross, sweeps))
    if half.total is None:
        return float(hals.sweep_ball(factor, half.gram, half.cross, half.radius, sweeps))
    moved = [_rows_in_shared_ball(factor, half) for _ in range(sweeps)]
    return moved[0]


def _rows_in_shared_ball(factor: Float64Array, half: Half) -> float:
    """One sweep of rows whose norms are sums over processes."""
    old, pull = np.empty(factor.shape[1]), np.empty(factor.shape[1])
    cross, moved = np.ascontiguousarray(half.cross), 0.0
    for j in range(len(factor)):
        squares = hals.minimise_row(factor, half.gram, cross, j, old, pull)
        moved += hals.project_row_on_ball(factor, half.gram, j, old, float(half.summed(squares)), half.radius)
    return moved


def _one_of_each(factor: Float64Array, half: Half) -> float:
    """Move every column to its minimiser among those with one entry that is not zero."""
    curvature = np.diag(half.gram)[:, None]
    weights = np.ones(factor.shape[1]) if half.weights is None else half.weights
    if half.sum_to_one:
        height, worth = np.ones_like(factor), half.cross - weights * curvature / 2
    else:
        height = np.divide(
            np.maximum(half.cross, 0.0), weights * curvature, out=np.zeros_like(factor), where=weights * curvature > 0
        )
        worth = half.cross * height
    kept = np.arange(len(factor))[:, None] == np.argmax(worth, axis=0)
    new = np.where(kept, height, 0.0)
    moved = float(np.sum(weights * curvature * (new - factor) ** 2))
    factor[:] = new
    return moved


def _row_part(half: Half) -> Proximal | Constraint | None:
    """What HALS can take beside the quadratic: a single part, row by row, where nothing else binds entries or rows.

    Rows may be fixed, but not in part.
    """
    if len(half.proximal) != 1 or not getattr(half.proximal[0], "rowwise", False):
        return None
    in_part = half.fixed is not None and bool((half.fixed.any(axis=1) != half.fixed.all(axis=1)).any())
    others = half.graph is not None or half.weights is not None or in_part
    others = others or half.sum_to_one or half.single or half.boxed or half.loss is not None or bool(half.smooth)
    return None if others else half.proximal[0]


def _rows_of_part(factor: Float64Array, half: Half, part: Proximal | Constraint) -> float:
    """One sweep, row by row: all entries of a row have one curvature, so that its minimiser is a proximal point.

    A ball only shortens it, the part being a cone, growing in proportion, or radial (Yu 2013, NIPS, theorem 4).
    """
    moved = 0.0
    for j in range(len(factor)):
        if half.fixed is not None and half.fixed[j].all():
            continue
        curvature, old = half.gram[j, j], factor[j].copy()
        if curvature > 0:
            point = old + (half.cross[j] - half.gram[j] @ factor) / curvature
            new = _point(part, point, 1 / curvature)
        else:  # the data say nothing
            point, new = old, np.zeros_like(old) if isinstance(part, Penalty) else _point(part, old, 1.0)
        norm = float(np.linalg.norm(new))
        if norm > half.radius:
            new *= half.radius / norm
        if isinstance(part, Penalty) and np.linalg.norm(old) <= half.radius:  # found to some digits only?
            fall = curvature / 2 * (np.sum((old - point) ** 2) - np.sum((new - point) ** 2))
            if fall + part.value(old[None]) < part.value(new[None]):
                continue
        moved += curvature * float(np.sum((new - old) ** 2))
        factor[j] = new
    return moved


def _point(part: Proximal | Constraint, row: Float64Array, step: float) -> Float64Array:
    """The proximal, or nearest, point of a single row."""
    point = part.prox(row[None], step) if isinstance(part, Proximal) else part.project(row[None])
    return np.asarray(point[0])


def _rows_in_ball(factor: Float64Array, half: Half, weights: Float64Array) -> float:
    """One sweep, row by row, of entries that do not count alike: the multiplier of the ball adds to their curvature."""
    moved = 0.0
    for j in range(len(factor)):
        curvature = half.gram[j, j] * weights
        pull = np.maximum(half.cross[j] - weights * (half.gram[j] @ factor) + curvature * factor[j], 0.0)
        if not half.gram[j, j] > 0:
            factor[j, half.cross[j] < 0] = 0.0
            continue
        new = pull / curvature
        if _norm(new, half) > half.radius:

            def excess(added: float, pull: Array = pull, curvature: Array = curvature) -> float:
                return _norm(pull / (curvature + added), half) - half.radius

            new = pull / (curvature + optimize.brentq(excess, 0.0, _norm(pull, half) / half.radius, rtol=1e-15))
            new *= min(1.0, half.radius / _norm(new, half))
        moved += float(np.sum(curvature * (new - factor[j]) ** 2))
        factor[j] = new
    return moved


def _rows_in_part(factor: Float64Array, half: Half, fixed: Array) -> float:
    """One sweep, row by row, of what is not fixed; such a row has its scale from what is fixed."""
    moved = 0.0
    held = half.summed(np.asarray(fixed.any(axis=1))) > 0
    for j in range(len(factor)):
        curvature = half.gram[j, j]
        if curvature <= 0:
            continue
        pull = half.cross[j] - half.gram[j] @ factor + curvature * factor[j]
        new = np.where(fixed[j], factor[j], np.clip(pull / curvature, half.lower, half.upper))
        if np.isfinite(half.radius) and not held[j]:
            new *= min(1.0, half.radius / max(_norm(new, half), np.finfo(float).tiny))
        moved += curvature * float(np.sum((new - factor[j]) ** 2))
        factor[j] = new
    return moved


def _rows_on_graph(factor: Float64Array, half: Half, graph: PixelGraph) -> float:
    """One sweep, row by row: even bands, a look at the neighbours, odd bands; then again, until it is in the ball."""
    entries = factor.shape[1]
    pull = np.empty(entries)
    row = np.empty(entries + graph.ghosts)
    weights = _weights(half)
    cross = half.cross if half.weights is None else half.cross / weights
    sides = [np.atleast_1d(np.asarray(side, dtype=np.float64)) for side in (half.lower, half.upper)]
    moved = 0.0
    for j in range(len(factor)):
        hals.row_right_hand_side(half.gram, cross, factor, j, pull)
        if half.weights is not None:
            pull *= weights

        def swept(added: float, j: int = j, pull: Array = pull) -> float:
            """Sweep the row as it stands in the factor, with something added to the curvature."""
            step = 0.0
            row[:entries] = factor[j]
            for colour in (0, 1):
                graph.exchange(row)
                step += hals.sweep_colour(
                    row, pull, half.gram[j, j], weights, half.coupling, added, *sides, *_edges(graph, colour)
                )
            return step

        step = swept(0.0)
        if np.isfinite(half.radius) and _norm(row[:entries], half) > half.radius:
            _into_ball(row[:entries], half, swept)
            step = float((half.gram[j, j] + half.coupling) * np.sum((row[:entries] - factor[j]) ** 2))
        moved += step
        factor[j] = row[:entries]
    return moved


def _into_ball(row: Float64Array, half: Half, swept: Callable[[float], float]) -> None:
    """Sweep a row that left the ball again, with a multiplier such that it ends in the ball.

    A sweep lowers q(f) + added |f|^2 / 2. From a row in the ball to one on its surface it thus lowers q, the half
    problem, too; and where it changes nothing the row and the multiplier are optimal together.
    """

    def excess(added: float) -> float:
        swept(added)
        return _norm(row, half) - half.radius

    most = 1.0
    while excess(most) > 0:
        most *= 4.0
    excess(optimize.brentq(excess, 0.0, most, xtol=1e-14 * most, rtol=1e-13))
    row *= min(1.0, half.radius / _norm(row, half))


def _simplex_on_graph(factor: Float64Array, half: Half, graph: PixelGraph) -> float:
    """One sweep, pixel by pixel: even bands, a look at the neighbours, odd bands."""
    columns = np.empty((len(factor), graph.pixels + graph.ghosts))
    columns[:, : graph.pixels] = factor
    moved = 0.0
    for colour in (0, 1):
        graph.exchange(columns)
        moved += simplex.sweep_simplex_colour(
            columns, half.gram, half.cross, _weights(half), half.coupling, *_edges(graph, colour)
        )
    factor[:] = columns[:, : graph.pixels]
    return moved


def _norm(row: Float64Array, half: Half) -> float:
    """Over all entries, of which some are here."""
    return float(np.sqrt(half.summed(row @ row)))


def _weights(half: Half) -> Float64Array:
    """One weight for each entry, or a single one for all."""
    return _ALIKE if half.weights is None else half.weights


def _edges(graph: PixelGraph, colour: int) -> tuple[Any, ...]:
    first = (colour - graph.first_band) % 2
    return graph.indptr, graph.indices, graph.weights, graph.degree, graph.bands, first


NAMED: dict[str, Solver] = {"hals": Hals()}
