"""Anisotropic total variation of abundance maps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mffnb.graphs import Graph
from mffnb.kernels import variation
from mffnb.knobs import knob
from mffnb.penalties.weight import check_weight
from mffnb.protocols.half import Half
from mffnb.protocols.traits import Distribution, TermTraits
from mffnb.typing import Array, Float64Array

__all__ = ["TotalVariation"]

_GAP = 1e-8  # duality gap at which the proximal operator stops, relative to the sum of squares of the row
_STEPS = 1000  # maximum number of iterations of the proximal operator for each row


@dataclass(frozen=True)
class TotalVariation:
    r"""Anisotropic total variation: :math:`\lambda \sum_{i \sim i'} w_{ii'} \lvert f_i - f_{i'} \rvert`.

    Maps become piecewise constant with sharp borders. :class:`Smoothness` blurs a border, because many small
    differences cost less than one large one; here the cost is the height of the step times its length. Borders along
    the axes of the grid cost least (anisotropic). On a grid of d dimensions the edge weight is 1 / 2d.

    Source: Rudin, Osher & Fatemi 1992, Physica D 60:259; Iordache, Bioucas-Dias & Plaza 2012, IEEE TGRS 50:4484
    (abundance maps).

    Parameters
    ----------
    weight
        lambda; 1e-3 is a reasonable first value.
    graph
        Pixel adjacency graph, usually :func:`mffnb.graphs.grid` of the map's shape and its mask.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.graphs import grid
    >>> part = TotalVariation(1.0, grid((4,)))
    >>> part.value(np.array([[0.0, 0.0, 1.0, 1.0]]))          # one step of 1, edge weight 1/2
    0.5
    >>> part.prox(np.array([[0.0, 0.2, 1.0, 1.0]]), 0.4).round(3).tolist()
    [[0.2, 0.2, 0.9, 0.9]]
    """

    traits: ClassVar[TermTraits] = TermTraits(
        pixelwise=False,
        uniform=False,
        rowwise=True,
        convex=True,
        distribution=Distribution.WHOLE,
        abundance_label="total variation",
        endmember_label=None,
    )
    weight: float = knob(
        1e-3,
        label="total variation",
        low=1e-4,
        high=1.0,
        log=True,
        help="the higher, the fewer and shorter the borders in a map",
    )
    graph: Graph | None = None

    def __post_init__(self) -> None:
        check_weight(self.weight)

    def value(self, factor: Float64Array) -> float:
        """Return the value of the penalty for a factor (k, entries)."""
        first, second, weights, _ = self._edges(factor.shape[1])
        return self.weight * sum(float(variation.total_variation(row, first, second, weights)) for row in factor)

    def prox(self, factor: Float64Array, step: float) -> Float64Array:
        """Return the non-negative proximal point: the unconstrained proximal point of each row, clipped at zero.

        The minimiser of a sum of ``|f_i - f_i'|`` is determined level set by level set. Bounds on f therefore clip it
        and change nothing else (Hochbaum 2001, J. ACM 48:686).
        """
        first, second, weights, steepest = self._edges(factor.shape[1])
        point = np.empty(factor.shape)
        for x, row in zip(np.ascontiguousarray(factor, dtype=np.float64), point, strict=True):
            gap = _GAP * float(x @ x)
            variation.prox_total_variation(x, first, second, step * self.weight * weights, steepest, gap, _STEPS, row)
        return np.maximum(point, 0.0)

    def fold(self, half: Half) -> Half:
        """Return the half-step subproblem with this penalty appended to its terms with a proximal operator."""
        self._edges(half.cross.shape[1])
        return replace(half, proximal=(*half.proximal, self))

    def _edges(self, entries: int) -> tuple[Array, Array, Float64Array, float]:
        """Return both end pixels and the weight of each edge, and an upper bound on the Laplacian's eigenvalues."""
        if self.graph is None:
            raise ValueError("TotalVariation needs the pixel adjacency graph: pass graph=mffnb.graphs.grid(map_shape)")
        if self.graph.pixels != entries:
            raise ValueError(
                f"the graph of TotalVariation has {self.graph.pixels} pixels and the data have {entries}: "
                "build it with mffnb.graphs.grid(map_shape), with all pixels in one process"
            )
        counts = np.diff(self.graph.indptr)
        owner = np.repeat(np.arange(entries), counts)
        once = owner < self.graph.indices
        ends = owner[once], self.graph.indices[once].astype(np.int64)
        return *ends, self.graph.weights[once], 2.0 * float(counts.max(initial=1))
