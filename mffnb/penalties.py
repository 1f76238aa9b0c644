"""What makes an answer less welcome: terms that are added to the objective.

A penalty on the abundances counts per pixel (the objective is divided by the number of pixels), a penalty on the
endmembers counts once, so that neither changes its meaning with the size of the image.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mffnb.graphs import Graph
from mffnb.knobs import knob
from mffnb.protocols import Half
from mffnb.typing import Float64Array


def _check_weight(weight: float) -> None:
    if not (isinstance(weight, (int, float, np.number)) and np.isfinite(weight) and weight >= 0):
        raise ValueError(f"a penalty weight must be a finite number >= 0, got {weight!r}")


@dataclass(frozen=True)
class Sparsity:
    r"""Few components per pixel: :math:`\lambda \sum_{ij} f_{ij}` for :math:`f_{ij} \ge 0` (lasso).

    Source: Kannan et al. 2018, Adv. Struct. Chem. Imaging 4:6, table 2.

    Examples
    --------
    >>> import numpy as np
    >>> Sparsity(0.5).value(np.array([[1.0, 2.0], [0.0, 3.0]]))
    3.0
    """

    pixelwise: ClassVar[bool] = True
    weight: float = knob(
        1e-3,
        label="sparsity",
        low=1e-4,
        high=1.0,
        log=True,
        help="lambda 1: the higher, the fewer components share a pixel",
    )

    def __post_init__(self) -> None:
        _check_weight(self.weight)

    def value(self, factor: Float64Array) -> float:
        """Evaluate the penalty of a factor (k, entries)."""
        return self.weight * float(factor.sum())

    def fold(self, half: Half) -> Half:
        """L1 is linear on non-negative factors: it lowers the cross product."""
        return replace(half, cross=half.cross - self.weight)


@dataclass(frozen=True)
class Smoothness:
    r"""Neighbours alike: :math:`\frac{\lambda}{2} \operatorname{tr}(F L F^T)` with the graph Laplacian L = D - W.

    Source: Cai et al. 2011, IEEE TPAMI 33:1548; Kannan et al. 2018, table 2 (whose zero-diagonal L is this W).

    Parameters
    ----------
    weight
        lambda; 1e-3 is a sensible start.
    graph
        Who is whose neighbour, :func:`mffnb.graphs.grid` of the map's shape as a rule.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.graphs import grid
    >>> Smoothness(0.5, grid((2,))).value(np.array([[1.0, 3.0]]))   # one step of 2, neighbours weigh 1/2
    0.5
    """

    weight: float = knob(
        1e-3,
        label="smoothness",
        low=1e-4,
        high=1e2,
        log=True,
        help="lambda 2: the higher, the more alike are neighbours",
    )
    graph: Graph | None = None

    def __post_init__(self) -> None:
        _check_weight(self.weight)

    def _graph(self, entries: int) -> Graph:
        if self.graph is None:
            raise ValueError("Smoothness needs to know the neighbours: pass graph=mffnb.graphs.grid(map_shape)")
        if self.graph.pixels != entries:
            raise ValueError(
                f"the graph of Smoothness has {self.graph.pixels} pixels and the data have {entries}: "
                "build it with mffnb.graphs.grid(map_shape)"
            )
        return self.graph

    def value(self, factor: Float64Array) -> float:
        """Evaluate the penalty of a factor (k, entries)."""
        return self.weight / 2 * self._graph(factor.shape[1]).roughness(factor)

    def fold(self, half: Half) -> Half:
        """Couple the entries; two graphs on one factor are refused."""
        if half.graph is not None:
            raise ValueError("a factor takes one Smoothness term: combine the graphs into one")
        return replace(half, graph=self._graph(half.cross.shape[1]), coupling=self.weight)


@dataclass(frozen=True)
class MinimumVolume:
    r"""Endmembers close around the data: :math:`\frac{\lambda}{2} \log\det (E E^T + \delta I)`.

    For abundances that sum to one, with or without a gain: among all simplices that hold the data the smallest is the
    true one, even where no pixel is pure. Source: Fu et al. 2016, IEEE TSP 64:6254; Leplat et al. 2019, IEEE ICASSP.

    Parameters
    ----------
    weight
        lambda. The noise of the data sets its scale: the mean squared residual of a pixel in one direction.
    delta
        Keeps the logarithm finite where endmembers coincide.

    Examples
    --------
    >>> import numpy as np
    >>> round(MinimumVolume(2.0, delta=1.0).value(np.eye(2)), 6)      # log det (2 I)
    1.386294
    """

    weight: float = knob(
        1e-3,
        label="volume",
        low=1e-5,
        high=1.0,
        log=True,
        help="the higher, the closer the endmembers lie around the data",
    )
    delta: float = 0.1

    def __post_init__(self) -> None:
        _check_weight(self.weight)
        if not self.delta > 0:
            raise ValueError(f"delta must be positive, got {self.delta!r}")

    def value(self, factor: Float64Array) -> float:
        """Evaluate the penalty of a factor (k, entries)."""
        return self.weight / 2 * float(np.linalg.slogdet(self._metric(factor))[1])

    def fold(self, half: Half) -> Half:
        """The logarithm is concave: its tangent at the factor as it stands lies above it and is a quadratic."""
        if half.factor is None:
            raise ValueError("a volume is measured at a factor: the half problem has to say where it stands")
        inverse = np.linalg.inv(self._metric(half.factor))
        return replace(half, gram=half.gram + self.weight * (inverse + inverse.T) / 2)

    def _metric(self, factor: Float64Array) -> Float64Array:
        metric: Float64Array = factor @ factor.T + self.delta * np.eye(len(factor))
        return metric
