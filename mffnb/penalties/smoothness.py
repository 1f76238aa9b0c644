"""Graph-Laplacian smoothness of maps and of spectra."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mffnb.graphs import Graph, grid
from mffnb.knobs import knob
from mffnb.penalties.weight import check_weight
from mffnb.protocols.half import Half
from mffnb.protocols.traits import Distribution, TermTraits
from mffnb.typing import Float64Array

__all__ = ["Smoothness", "SpectralSmoothness"]


@dataclass(frozen=True)
class Smoothness:
    r"""Smoothness penalty: :math:`\frac{\lambda}{2} \operatorname{tr}(F L F^T)` with the graph Laplacian L = D - W.

    Source: Cai et al. 2011, IEEE TPAMI 33:1548; Kannan et al. 2018, table 2 (their L has a zero diagonal and is W
    here).

    Parameters
    ----------
    weight
        lambda; 1e-3 is a reasonable first value.
    graph
        Pixel adjacency graph, usually :func:`mffnb.graphs.grid` of the map's shape. :func:`mffnb.unmix` supplies that
        of the image.
    along
        Pixel dimension(s) of the image along which neighbours are coupled, in :func:`mffnb.unmix`: a name, several
        names, or relative weights by name. ``along="time"`` makes a movie smooth in time and leaves each frame as
        sharp as it is; ``{"time": 1, "y": 0.1, "x": 0.1}`` couples neighbours in a frame ten times less. None for all
        dimensions alike. Uneven coordinates divide the weight of a step by its length relative to the median step. No
        pixel is coupled across a masked or missing one.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.graphs import grid
    >>> Smoothness(0.5, grid((2,))).value(np.array([[1.0, 3.0]]))   # one difference of 2, edge weight 1/2
    0.5
    >>> Smoothness(1e-2, along="time").relative_weights              # a term of mf.unmix(movie, k, abundance_terms=)
    {'time': 1.0}
    """

    traits: ClassVar[TermTraits] = TermTraits(
        pixelwise=False,
        uniform=False,
        rowwise=False,
        convex=True,
        distribution=Distribution.GRAPH,
        abundance_label=None,
        endmember_label=None,
    )
    weight: float = knob(
        1e-3,
        label="smoothness",
        low=1e-4,
        high=1e2,
        log=True,
        help="lambda 2: the higher, the more similar are neighbouring pixels",
    )
    graph: Graph | None = None
    along: str | Sequence[str] | Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        check_weight(self.weight)
        weights = self.relative_weights
        if weights is not None and not (weights and all(np.isfinite(w) and w > 0 for w in weights.values())):
            raise ValueError(f"along names pixel dimensions, or gives each a weight above 0, got {self.along!r}")

    @property
    def relative_weights(self) -> dict[str, float] | None:
        """Relative weight of each dimension in ``along``; None for all dimensions alike."""
        if self.along is None:
            return None
        if isinstance(self.along, Mapping):
            return {name: float(weight) for name, weight in self.along.items()}
        return dict.fromkeys([self.along] if isinstance(self.along, str) else self.along, 1.0)

    def _graph(self, entries: int) -> Graph:
        if self.graph is None and self.along is not None:
            raise ValueError(
                f"along={self.along!r} names dimensions of an image: pass the term to mf.unmix(image, k, "
                "abundance_terms=[...]), or pass graph=mffnb.graphs.grid(map_shape, weights=[...])"
            )
        if self.graph is None:
            raise ValueError("Smoothness needs the pixel adjacency graph: pass graph=mffnb.graphs.grid(map_shape)")
        if self.graph.pixels != entries:
            raise ValueError(
                f"the graph of Smoothness has {self.graph.pixels} pixels and the data have {entries}: "
                "build it with mffnb.graphs.grid(map_shape), and with all pixels in one process where it is no grid"
            )
        return self.graph

    def value(self, factor: Float64Array) -> float:
        """Return the value of the penalty for a factor (k, entries)."""
        return self.weight / 2 * self._graph(factor.shape[1]).roughness(factor)

    def fold(self, half: Half) -> Half:
        """Return the half-step subproblem with graph and weight; raise ValueError if it already has a graph."""
        if half.graph is not None:
            raise ValueError(
                "a factor takes one Smoothness term: combine the graphs into one, or give one term weights by "
                "dimension, along={'time': 1, 'y': 0.1, 'x': 0.1}"
            )
        return replace(half, graph=self._graph(half.cross.shape[1]), coupling=self.weight)


@dataclass(frozen=True)
class SpectralSmoothness:
    r"""Smooth spectra: :math:`\frac{\lambda}{2} \sum_j \sum_m w (e_{j,m} - e_{j,m+1})^2`.

    The edge weight w is 1/2, so each channel has a degree of 1 and lambda has the same meaning for any number of
    channels. The penalty suits endmembers with broad lines; it flattens narrow ones.
    Source: Févotte 2011, IEEE ICASSP, 1980 (smooth activations; here the spectra are smooth).

    Parameters
    ----------
    weight
        lambda; 1e-3 is a reasonable first value.
    graph
        Channel adjacency graph for channels with several dimensions or gaps: :func:`mffnb.graphs.grid` of their shape.
        None for a chain of channels.

    Examples
    --------
    >>> import numpy as np
    >>> SpectralSmoothness(0.5).value(np.array([[1.0, 3.0]]))   # one difference of 2
    0.5
    """

    traits: ClassVar[TermTraits] = TermTraits(
        pixelwise=False,
        uniform=False,
        rowwise=False,
        convex=True,
        distribution=Distribution.GRAPH,
        abundance_label=None,
        endmember_label="smooth spectra",
    )
    weight: float = knob(
        1e-3,
        label="smooth spectra",
        low=1e-4,
        high=1e2,
        log=True,
        help="the higher, the smoother the spectra",
    )
    graph: Graph | None = None

    def __post_init__(self) -> None:
        check_weight(self.weight)

    def value(self, factor: Float64Array) -> float:
        """Return the value of the penalty for a factor (k, entries)."""
        return self._as_smoothness(factor.shape[1]).value(factor)

    def fold(self, half: Half) -> Half:
        """Return the half-step subproblem with graph and weight; raise ValueError if it already has a graph."""
        return self._as_smoothness(half.cross.shape[1]).fold(half)

    def _as_smoothness(self, channels: int) -> Smoothness:
        return Smoothness(self.weight, grid((channels,)) if self.graph is None else self.graph)
