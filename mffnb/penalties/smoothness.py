"""Neighbours alike: pixels on a map, channels of a spectrum."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from mffnb.graphs import Graph, grid
from mffnb.knobs import knob
from mffnb.penalties.weight import check_weight
from mffnb.protocols.half import Half
from mffnb.typing import Float64Array

__all__ = ["Smoothness", "SpectralSmoothness"]


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
        check_weight(self.weight)

    def _graph(self, entries: int) -> Graph:
        if self.graph is None:
            raise ValueError("Smoothness needs to know the neighbours: pass graph=mffnb.graphs.grid(map_shape)")
        if self.graph.pixels != entries:
            raise ValueError(
                f"the graph of Smoothness has {self.graph.pixels} pixels and the data have {entries}: "
                "build it with mffnb.graphs.grid(map_shape), and with all pixels in one process where it is no grid"
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
class SpectralSmoothness:
    r"""Neighbouring channels alike: :math:`\frac{\lambda}{2} \sum_j \sum_m w (e_{j,m} - e_{j,m+1})^2`.

    The weight w of a step is 1/2, so that each channel has a degree of 1 and lambda means the same for any number of
    channels. For endmembers with broad lines; narrow ones it would flatten.
    Source: Févotte 2011, IEEE ICASSP, 1980 (smooth activations; here it is the spectra that are smooth).

    Parameters
    ----------
    weight
        lambda; 1e-3 is a sensible start.
    graph
        Which channels are neighbours, where they have several dimensions or gaps: :func:`mffnb.graphs.grid` of their
        shape. None for one after the other.

    Examples
    --------
    >>> import numpy as np
    >>> SpectralSmoothness(0.5).value(np.array([[1.0, 3.0]]))   # one step of 2
    0.5
    """

    offered: ClassVar[dict[str, str]] = {"endmembers": "smooth spectra"}
    weight: float = knob(
        1e-3,
        label="smooth spectra",
        low=1e-4,
        high=1e2,
        log=True,
        help="the higher, the smoother are the spectra",
    )
    graph: Graph | None = None

    def __post_init__(self) -> None:
        check_weight(self.weight)

    def value(self, factor: Float64Array) -> float:
        """Evaluate the penalty of a factor (k, entries)."""
        return self._along(factor.shape[1]).value(factor)

    def fold(self, half: Half) -> Half:
        """Couple the channels; two graphs on one factor are refused."""
        return self._along(half.cross.shape[1]).fold(half)

    def _along(self, channels: int) -> Smoothness:
        return Smoothness(self.weight, grid((channels,)) if self.graph is None else self.graph)
