"""Orthogonal components of either sign: singular value decomposition and principal components."""

from __future__ import annotations

from typing import Any

from mffnb.estimators.decomposition import LinearDecomposition
from mffnb.keywords import checks_keywords

__all__ = ["pca", "svd"]


@checks_keywords()
def svd(k: int, *, random_state: Any = 0) -> LinearDecomposition:
    r"""Singular value decomposition (SVD): the best approximation of rank k, with orthogonal components.

    .. math:: X \approx A V, \qquad V V^T = 1

    Parameters
    ----------
    k
        Number of components.
    random_state
        Seed of the randomized decomposition, which is used if X is large; see
        :class:`mffnb.estimators.decomposition.LinearDecomposition`.

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


@checks_keywords()
def pca(k: int, *, random_state: Any = 0) -> LinearDecomposition:
    r"""Principal component analysis (PCA): orthogonal directions of largest variance about the mean spectrum m.

    .. math:: X \approx 1 m + A V, \qquad V V^T = 1

    Parameters
    ----------
    k
        Number of components.
    random_state
        Seed of the randomized decomposition, which is used if X is large; see
        :class:`mffnb.estimators.decomposition.LinearDecomposition`.

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
