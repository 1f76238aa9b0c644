"""Graphs of spectrally similar pixels: nearest neighbours by spectrum, and edge-preserving weights on a grid."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse

from mffnb.graphs.graph import Graph
from mffnb.keywords import checks_keywords
from mffnb.typing import Array, Float64Array

_RANK = 16  # principal components used for distances


@checks_keywords()
def similar(X: Any, neighbours: int = 8, *, rank: int = _RANK) -> Graph:
    """Build the k-nearest-neighbour graph of spectra: edges between similar pixels at any distance on the map.

    W is 1 if one of two pixels is among the nearest neighbours of the other, divided by the mean degree, so that a
    smoothness weight has the same effect as on a grid. Distances are Euclidean, between scores of the leading principal
    components, which contain little noise. Such a graph cannot be partitioned into bands: it needs all pixels in one
    process.

    Source: Cai et al. 2011, IEEE TPAMI 33:1548 (0-1 weights); Kannan et al. 2018, Adv. Struct. Chem. Imaging 4:6, whose
    spatial term has the Laplacian L of such a graph.

    Parameters
    ----------
    X
        Spectra, (pixels, channels), dense or sparse, or a cube with the channels last.
    neighbours
        Number of nearest spectra.
    rank
        Number of principal components.

    Examples
    --------
    >>> from mffnb.graphs import similar
    >>> X = [[1.0, 0.0], [0.0, 5.0], [1.1, 0.0], [0.0, 5.1]]
    >>> graph = similar(X, neighbours=1)
    >>> graph.indices.tolist(), graph.weights.tolist()       # 0 with 2, and 1 with 3
    ([2, 3, 0, 1], [1.0, 1.0, 1.0, 1.0])
    """
    from sklearn.neighbors import NearestNeighbors  # noqa: PLC0415  slow import, rarely needed

    points = _scores(X, rank)
    if not (isinstance(neighbours, (int, np.integer)) and 1 <= neighbours < len(points)):
        raise ValueError(f"neighbours must be a whole number from 1 to {len(points) - 1}, got {neighbours!r}")
    near = NearestNeighbors(n_neighbors=int(neighbours)).fit(points).kneighbors_graph()
    return _graph_from_matrix(near.maximum(near.T))


@checks_keywords()
def combined(first: Graph, second: Graph, share: float = 0.5) -> Graph:
    """Combine two graphs of the same pixels, such as a grid and :func:`similar`, by a weighted sum of their weights.

    Parameters
    ----------
    first, second
        Graphs of the same pixels.
    share
        Weight of the second graph, from 0 to 1.

    Examples
    --------
    >>> from mffnb.graphs import combined, grid
    >>> combined(grid((2,)), grid((2,)), 0.25).weights.tolist()
    [0.5, 0.5]
    """
    if first.pixels != second.pixels:
        raise ValueError(
            f"graphs of {first.pixels} and of {second.pixels} pixels cannot be combined: they must have the same pixels"
        )
    if not 0 <= share <= 1:
        raise ValueError(f"share must be a number from 0 to 1, got {share!r}")
    mixed = (1 - share) * _adjacency_matrix(first) + share * _adjacency_matrix(second)
    return _graph_from_matrix(
        mixed, mean_degree=float((1 - share) * first.degree.mean() + share * second.degree.mean())
    )


@checks_keywords()
def alike(graph: Graph, X: Any, *, rank: int = _RANK) -> Graph:
    r"""Weight a graph by spectral similarity, so that smoothing preserves edges between different spectra.

    Each weight is multiplied by :math:`\exp(-d^2 / 2 \sigma^2)`, where d is the distance between the two spectra and
    :math:`\sigma` the median of the distances over all edges. Weights are then scaled to the previous mean degree. The
    bands of the graph are unchanged, so a grid can still be distributed over processes.

    Source: Cai et al. 2011, IEEE TPAMI 33:1548 (heat kernel); Tomasi & Manduchi 1998, ICCV, 839 (bilateral filter:
    weights by space and by value).

    Parameters
    ----------
    graph
        Pixel adjacency graph, usually from :func:`grid`.
    X, rank
        Spectra and number of principal components, see :func:`similar`.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.graphs import alike, grid
    >>> graph = alike(grid((4,)), [[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.0, 1.1]])
    >>> across, within = graph.weights[[2, 0]]               # from pixel 1 to 2, and from 0 to 1
    >>> bool(across < 1e-9 * within)
    True
    """
    points = _scores(X, rank)
    if len(points) != graph.pixels:
        raise ValueError(f"a graph of {graph.pixels} pixels does not fit {len(points)} spectra")
    owner = np.repeat(np.arange(graph.pixels), np.diff(graph.indptr))
    squared = ((points[owner] - points[graph.indices]) ** 2).sum(axis=1)
    median = float(np.median(squared)) if squared.size else 0.0
    kernel = np.exp(-squared / (2 * median)) if median > 0 else (squared == 0).astype(np.float64)
    weights = graph.weights * kernel
    weights *= graph.weights.sum() / (weights.sum() or 1.0)
    degree: Array = np.bincount(owner, weights, minlength=graph.pixels)
    return replace(graph, weights=weights, degree=degree)


def _scores(X: Any, rank: int) -> Float64Array:
    """Compute the scores of the leading principal components of spectra, (pixels, rank)."""
    from sklearn.decomposition import TruncatedSVD  # noqa: PLC0415  slow import, rarely needed

    spectra: Any = X if sparse.issparse(X) else np.asarray(X)
    if spectra.ndim < 2:
        raise ValueError(f"similar spectra are searched in an array (pixels, channels), got shape {spectra.shape}")
    if not sparse.issparse(spectra):
        spectra = spectra.reshape(-1, spectra.shape[-1])
        if not np.isfinite(spectra).all():
            raise ValueError(
                "spectra with missing values have no distance: fill them, for example with numpy.nan_to_num"
            )
    if spectra.dtype.kind != "f":
        spectra = spectra.astype(np.float32)
    if min(spectra.shape) > rank:
        spectra = TruncatedSVD(rank, random_state=0).fit_transform(spectra)
    return np.asarray(spectra.toarray() if sparse.issparse(spectra) else spectra, dtype=np.float64)


def _adjacency_matrix(graph: Graph) -> Any:
    """Return the weights of a graph as a CSR array."""
    return sparse.csr_array((graph.weights, graph.indices, graph.indptr), shape=(graph.pixels, graph.pixels))


def _graph_from_matrix(matrix: Any, mean_degree: float = 1.0) -> Graph:
    """Build a graph from symmetric weights, scaled to a mean degree, with a single band that is swept sequentially."""
    matrix = sparse.csr_array(matrix)
    matrix.sort_indices()
    degree: Array = np.asarray(matrix.sum(axis=1), dtype=np.float64)
    scale = mean_degree / (degree.mean() or 1.0)
    return Graph(
        indptr=matrix.indptr.astype(np.int64),
        indices=matrix.indices.astype(np.int32),
        weights=matrix.data * scale,
        degree=degree * scale,
        bands=np.array([0, matrix.shape[0]]),
    )
