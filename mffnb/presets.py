"""The named methods of the field, each an estimator on a plain matrix X (pixels, channels).

All of them offer ``A = model.fit_transform(X)``, ``E = model.components_``, ``model.transform(X_new)`` and
``model.inverse_transform(A)``. Source: Kannan et al. 2018, Adv. Struct. Chem. Imaging 4:6, table 3.
"""

from __future__ import annotations

from typing import Any

from mffnb.bounded import BoundedFactorization
from mffnb.constraints import Orthogonal, Simplex
from mffnb.corners import SimplexCorners
from mffnb.decomposition import LinearDecomposition
from mffnb.geometry import Archetypal, Groups
from mffnb.graphs import Graph
from mffnb.known import KnownEndmembers
from mffnb.latent import LatentClasses
from mffnb.model import MatrixFactorization
from mffnb.penalties import MinimumVolume, Smoothness, Sparsity
from mffnb.typing import Array, Seed

__all__ = [
    "archetypal",
    "bounded_nmf",
    "known_endmembers",
    "minimum_volume_nmf",
    "nmf",
    "orthogonal_nmf",
    "pca",
    "plsi",
    "sparse_nmf",
    "spatial_nmf",
    "svd",
]


def svd(k: int, *, random_state: Any = 0) -> LinearDecomposition:
    r"""Singular value decomposition: the best approximation of rank k, signs free, components orthogonal.

    .. math:: X \approx A V, \qquad V V^T = 1

    Parameters
    ----------
    k
        Number of components.
    random_state
        Seed where X is too large for the exact decomposition; see :class:`mffnb.decomposition.LinearDecomposition`.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb import presets
    >>> X = np.outer([1.0, 2.0, 3.0], [1.0, 0.0, 2.0])
    >>> model = presets.svd(1)
    >>> A = model.fit_transform(X)
    >>> bool(np.allclose(A @ model.components_, X))
    True
    """
    return LinearDecomposition(k, centre=False, random_state=random_state)


def pca(k: int, *, random_state: Any = 0) -> LinearDecomposition:
    r"""Principal components: the directions in which the spectra differ most from their mean m.

    .. math:: X \approx 1 m + A V, \qquad V V^T = 1

    Parameters
    ----------
    k
        Number of components.
    random_state
        Seed where X is too large for the exact decomposition; see :class:`mffnb.decomposition.LinearDecomposition`.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb import presets
    >>> X = np.array([[3.0, 1.0], [5.0, 1.0], [4.0, 2.0], [4.0, 0.0]]) * [2.0, 1.0]
    >>> model = presets.pca(1).fit(X)
    >>> model.mean_, model.explained_variance_ratio_.round(6)
    (array([8., 1.]), array([0.8]))
    """
    return LinearDecomposition(k, centre=True, random_state=random_state)


def nmf(k: int, **options: Any) -> MatrixFactorization:
    r"""Non-negative matrix factorization: nothing negative, and nothing else.

    .. math:: \min_{A, E \ge 0} \lVert X - A E \rVert^2

    It fits, but its answer is not unique: many other spectra explain the same data as well.

    Parameters
    ----------
    k
        Number of components.
    **options
        Of :class:`mffnb.MatrixFactorization`: ``similarity``, ``init``, ``solver``, ``max_iter``, ``tol``,
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


def sparse_nmf(k: int, sparsity: float = 1e-3, **options: Any) -> MatrixFactorization:
    r"""Non-negative matrix factorization with few components per pixel.

    .. math:: \min_{A, E \ge 0} \; \tfrac{1}{2n} \lVert s X - A E \rVert^2 + \tfrac{\lambda}{n} \sum_{ij} a_{ij}, \qquad
              \lVert e_j \rVert \le 1

    Parameters
    ----------
    k
        Number of components.
    sparsity
        lambda, relative to scaled data: 1e-3 is a sensible start for any image.
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


def spatial_nmf(
    k: int, sparsity: float = 1e-3, smoothness: float = 1e-3, graph: Graph | None = None, **options: Any
) -> MatrixFactorization:
    r"""Non-negative matrix factorization with few components per pixel and neighbours alike.

    .. math:: \min_{A, E \ge 0} \; \tfrac{1}{n} \bigl[ \tfrac12 \lVert s X - A E \rVert^2 + \lambda_1 \sum_{ij} a_{ij}
              + \tfrac{\lambda_2}{2} \operatorname{tr}(A^T L A) \bigr], \qquad \lVert e_j \rVert \le 1

    Source: Kannan et al. 2018, equation 6.

    Parameters
    ----------
    k
        Number of components.
    sparsity, smoothness
        lambda_1 and lambda_2, relative to scaled data: 1e-3 is a sensible start for any image.
    graph
        Who is whose neighbour, ``mffnb.graphs.grid(map_shape)`` as a rule.
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


def minimum_volume_nmf(
    k: int, volume: float | str = "auto", gain: bool | None = None, *, random_state: Seed = 0, **options: Any
) -> SimplexCorners | MatrixFactorization:
    r"""Fractions that sum to one, exactly or up to a gain per pixel, of endmembers that span little volume.

    .. math:: \min_{a_i \in \Delta,\, E \ge 0} \; \tfrac{1}{2n} \sum_i \lVert s x_i - g_i a_i E \rVert^2
              + \tfrac{\lambda}{2} \log\det(E E^T + \delta I)

    Source: Leplat, Ang & Gillis 2019, ICASSP; for "auto" see :func:`mffnb.geometry.minimum_volume`.

    Parameters
    ----------
    k
        Number of components.
    volume
        lambda, or "auto" to have model, start and weight found from the data alone.
    gain
        Whether each pixel has a gain of its own. None lets the data decide with "auto", and means no with a weight.
    random_state
        Seed.
    **options
        With a weight, as for :func:`nmf`.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb import presets
    >>> from mffnb.selection import spectral_angles
    >>> rng = np.random.default_rng(0)
    >>> fractions, spectra = rng.dirichlet([1, 1, 1], 900), rng.random((3, 30))
    >>> fractions = fractions[fractions.max(axis=1) < 0.8]  # no pure pixel
    >>> found = presets.minimum_volume_nmf(3).fit(fractions @ spectra)
    >>> bool(spectral_angles(spectra, found.components_).min(axis=1).max() < 0.02)
    True
    """
    if not isinstance(volume, str):
        return MatrixFactorization(
            k,
            abundance_terms=(Simplex(gain=bool(gain)),),
            endmember_terms=(MinimumVolume(volume),),
            random_state=random_state,
            **options,
        )
    if volume != "auto":
        raise ValueError(f"volume={volume!r} is not known: use 'auto', or a weight >= 0")
    if options:
        raise TypeError(f"volume='auto' takes no {sorted(options)[0]}: leave it out, or give volume a weight")
    return SimplexCorners(k, gain=gain, random_state=random_state)


def plsi(k: int, *, n_init: int = 1, random_state: Seed = None, **options: Any) -> LatentClasses:
    r"""Probabilistic latent semantic indexing: counts as a mixture of k distributions over the channels.

    .. math:: \max \sum_{im} x_{im} \log \sum_z P(z)\, P(i \mid z)\, P(m \mid z)

    See :class:`mffnb.latent.LatentClasses`. Source: Hofmann 1999, UAI, 289; Kannan et al. 2018, table 3.

    Parameters
    ----------
    k
        Number of components.
    n_init
        Runs, of which the most likely is kept.
    random_state
        Seed.
    **options
        ``max_iter`` and ``tol``.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb import presets
    >>> X = np.random.default_rng(0).poisson(5.0, (20, 6))
    >>> model = presets.plsi(2, random_state=0).fit(X)
    >>> model.components_.sum(axis=1).round(9), model.class_probability_.sum().round(9)
    (array([1., 1.]), np.float64(1.0))
    """
    return LatentClasses(k, n_init=n_init, random_state=random_state, **options)


def bounded_nmf(
    k: int, lower: float = 0.0, upper: float = 1.0, *, random_state: Seed = None, **options: Any
) -> BoundedFactorization:
    r"""Non-negative matrix factorization whose product never leaves its bounds; NaN are entries to be predicted.

    .. math:: \min_{A, E \ge 0} \sum_{(i, m)\ \text{known}} (x_{im} - a_i e_m)^2, \qquad l \le A E \le u

    See :class:`mffnb.bounded.BoundedFactorization`. Source: Kannan, Ishteva & Park 2014, Knowledge and Information
    Systems 39:491.

    Parameters
    ----------
    k
        Number of components.
    lower, upper
        l and u, in the units of the data.
    random_state
        Seed.
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


def orthogonal_nmf(k: int, *, tries: int = 10, **options: Any) -> MatrixFactorization:
    r"""Non-negative matrix factorization with one component per pixel: maps that do not overlap.

    .. math:: \min_{A, E \ge 0} \lVert X - A E \rVert^2, \qquad A^T A \text{ diagonal}

    A grouping of the pixels, like k-means, but for how much of its component each of them holds.
    Source: Pompili, Gillis, Absil & Glineur 2014, Neurocomputing 141:15.

    Parameters
    ----------
    k
        Number of components.
    tries
        Groupings to start from, of which the best is taken: see :class:`mffnb.geometry.Groups`.
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


def archetypal(k: int, *, random_state: Seed = 0, **options: Any) -> SimplexCorners:
    """Archetypal analysis: endmembers are averages of pixels, pixels are averages of endmembers.

    See :class:`mffnb.geometry.Archetypal` for formula and source. It finds the true spectra where there are nearly pure
    pixels of each, and mixtures where there are not.

    Parameters
    ----------
    k
        Number of components.
    random_state
        Seed.
    **options
        Fields of :class:`mffnb.geometry.Archetypal`.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb import presets
    >>> rng = np.random.default_rng(0)
    >>> X = rng.dirichlet([0.3, 0.3], 200) @ np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    >>> model = presets.archetypal(2, restarts=5)
    >>> A = model.fit_transform(X)
    >>> A.shape, model.components_.shape, bool((A >= 0).all())
    ((200, 2), (2, 3), True)
    """
    return SimplexCorners(k, finder=Archetypal(**options), random_state=random_state)


def known_endmembers(
    E: Array, sum_to_one: bool = False, bounds: tuple[Any, Any] | None = None, non_negative: bool = True
) -> KnownEndmembers:
    r"""Abundances of given spectra by constrained least squares, exactly.

    .. math:: \min_a \tfrac12 \lVert x - a E \rVert^2

    over non-negative abundances, over a box, over fractions that sum to one, or over all.

    Parameters
    ----------
    E
        Endmembers, (k, channels), in the units of the data.
    sum_to_one
        Whether the abundances of a pixel sum to one.
    bounds
        ``(lower, upper)``, each a number or one for each endmember; they take the place of ``non_negative``.
    non_negative
        Whether abundances are at least zero.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb import presets
    >>> E = np.array([[1.0, 0.0, 1.0], [0.0, 2.0, 1.0]])
    >>> x = np.array([[2.0, -1.0, 2.0]])
    >>> presets.known_endmembers(E).fit_transform(x).round(3).tolist()
    [[2.0, 0.0]]
    >>> presets.known_endmembers(E, sum_to_one=True).fit_transform(x).round(3).tolist()
    [[1.0, 0.0]]
    >>> presets.known_endmembers(E, non_negative=False).fit_transform(x).round(3).tolist()
    [[2.222, -0.444]]
    """
    return KnownEndmembers(E, sum_to_one=sum_to_one, bounds=bounds, non_negative=non_negative)
