"""Non-negative matrix factorization: plain, sparse, spatially smooth, orthogonal, and with a bounded product."""

from __future__ import annotations

from typing import Any

from mffnb.constraints import Orthogonal
from mffnb.estimators.bounded import BoundedFactorization
from mffnb.estimators.factorization import MatrixFactorization
from mffnb.geometry import Groups
from mffnb.graphs import Graph
from mffnb.keywords import checks_keywords
from mffnb.penalties import Smoothness, Sparsity
from mffnb.typing import Seed

__all__ = ["bounded_nmf", "nmf", "orthogonal_nmf", "sparse_nmf", "spatial_nmf"]


@checks_keywords(MatrixFactorization)
def nmf(k: int, **options: Any) -> MatrixFactorization:
    r"""Non-negative matrix factorization (NMF) without penalties.

    .. math:: \min_{A, E \ge 0} \lVert X - A E \rVert^2

    The solution is not unique: many other spectra explain the same data equally well.

    Parameters
    ----------
    k
        Number of components.
    **options
        Keywords of :class:`mffnb.MatrixFactorization`: ``similarity``, ``init``, ``solver``, ``max_iter``, ``tol``,
        ``random_state``.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb import presets
    >>> X = np.array([[1, 0, 2], [0, 1, 1], [1, 1, 3], [2, 1, 5.0]])
    >>> model = presets.nmf(2, tol=1e-8, max_iter=2000)
    >>> A = model.fit_transform(X)
    >>> bool(np.allclose(A @ model.components_, X, atol=1e-5)), bool((A >= 0).all())
    (True, True)
    """
    return MatrixFactorization(k, **options)


@checks_keywords(MatrixFactorization)
def sparse_nmf(k: int, sparsity: float = 1e-3, **options: Any) -> MatrixFactorization:
    r"""Sparse non-negative matrix factorization: L1 penalty on the abundances, few components per pixel.

    .. math:: \min_{A, E \ge 0} \; \tfrac{1}{2n} \lVert s X - A E \rVert^2 + \tfrac{\lambda}{n} \sum_{ij} a_{ij}, \qquad
              \lVert e_j \rVert \le 1

    Parameters
    ----------
    k
        Number of components.
    sparsity
        lambda, weight of the L1 penalty, relative to scaled data: 1e-3 is a sensible start for any image.
    **options
        As for :func:`nmf`.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb import presets
    >>> X = np.random.default_rng(0).random((50, 8))
    >>> few, many = (presets.sparse_nmf(3, weight, random_state=0).fit_transform(X) for weight in (0.1, 0.0))
    >>> bool((few == 0).sum() > (many == 0).sum())
    True
    """
    return MatrixFactorization(k, abundance_terms=(Sparsity(sparsity),), **options)


@checks_keywords(MatrixFactorization)
def spatial_nmf(
    k: int, sparsity: float = 1e-3, smoothness: float = 1e-3, graph: Graph | None = None, **options: Any
) -> MatrixFactorization:
    r"""Spatially regularised sparse NMF: L1 penalty and graph Laplacian smoothness of the abundances.

    .. math:: \min_{A, E \ge 0} \; \tfrac{1}{n} \bigl[ \tfrac12 \lVert s X - A E \rVert^2 + \lambda_1 \sum_{ij} a_{ij}
              + \tfrac{\lambda_2}{2} \operatorname{tr}(A^T L A) \bigr], \qquad \lVert e_j \rVert \le 1

    Source: Kannan et al. 2018, equation 6.

    Parameters
    ----------
    k
        Number of components.
    sparsity, smoothness
        Weights lambda_1 and lambda_2, relative to scaled data: 1e-3 is a sensible start for any image.
    graph
        Pixel adjacency graph, usually ``mffnb.graphs.grid(map_shape)``.
    **options
        As for :func:`nmf`.

    Raises
    ------
    ValueError
        If no graph is given.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb import graphs, presets
    >>> X = np.random.default_rng(0).random((6 * 8, 5))
    >>> grid = graphs.grid((6, 8))
    >>> calm, free = (presets.spatial_nmf(2, 0.0, weight, grid, random_state=0).fit_transform(X) for weight in (1, 0))
    >>> grid.roughness(calm.T) < grid.roughness(free.T)
    True
    """
    if graph is None:
        raise ValueError("spatial_nmf needs to know the neighbours: pass graph=mffnb.graphs.grid(map_shape)")
    return MatrixFactorization(k, abundance_terms=(Sparsity(sparsity), Smoothness(smoothness, graph)), **options)


@checks_keywords(BoundedFactorization)
def bounded_nmf(
    k: int, lower: float = 0.0, upper: float = 1.0, *, random_state: Seed = None, **options: Any
) -> BoundedFactorization:
    r"""Bounded matrix factorization: the product A E stays within bounds; missing entries (NaN) are predicted.

    .. math:: \min_{A, E \ge 0} \sum_{(i, m)\ \text{known}} (x_{im} - a_i e_m)^2, \qquad l \le A E \le u

    See :class:`mffnb.estimators.bounded.BoundedFactorization`. Source: Kannan, Ishteva & Park 2014,
    Knowledge and Information Systems 39:491.

    Parameters
    ----------
    k
        Number of components.
    lower, upper
        l and u, in the units of the data.
    random_state
        Seed of the start values.
    **options
        ``max_iter``, ``tol`` and ``non_negative``.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb import presets
    >>> X = np.array([[5.0, 1.0, np.nan], [1.0, 5.0, 3.0], [5.0, np.nan, 3.0], [5.0, 1.0, 3.0]])
    >>> model = presets.bounded_nmf(2, 1, 5, random_state=0)
    >>> product = model.inverse_transform(model.fit_transform(X))
    >>> bool(product.min() >= 1 and product.max() <= 5)
    True
    """
    return BoundedFactorization(k, lower=lower, upper=upper, random_state=random_state, **options)


@checks_keywords(MatrixFactorization)
def orthogonal_nmf(k: int, *, tries: int = 10, **options: Any) -> MatrixFactorization:
    r"""Orthogonal NMF: one component per pixel, abundance maps that do not overlap.

    .. math:: \min_{A, E \ge 0} \lVert X - A E \rVert^2, \qquad A^T A \text{ diagonal}

    It clusters the pixels like k-means, with an abundance for each pixel.
    Source: Pompili, Gillis, Absil & Glineur 2014, Neurocomputing 141:15.

    Parameters
    ----------
    k
        Number of components.
    tries
        Number of initial clusterings, of which the best is used: see :class:`mffnb.geometry.Groups`.
    **options
        As for :func:`nmf`.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb import presets
    >>> X = np.array([[1.0, 0.0, 1.0], [2.0, 0.0, 2.0], [0.0, 3.0, 0.1]])
    >>> A = presets.orthogonal_nmf(2, random_state=0).fit_transform(X)
    >>> (A > 0).sum(axis=1), (A.T @ A)[0, 1]
    (array([1, 1, 1]), np.float64(0.0))
    """
    return MatrixFactorization(k, abundance_terms=(Orthogonal(),), **{"init": Groups(tries), **options})
