"""Components of either sign, orthogonal to each other."""

from __future__ import annotations

from typing import Any

from mffnb.estimators.decomposition import LinearDecomposition


def svd(k: int, *, random_state: Any = 0) -> LinearDecomposition:
    r"""Singular value decomposition: the best approximation of rank k, signs free, components orthogonal.

    .. math:: X \approx A V, \qquad V V^T = 1

    Parameters
    ----------
    k
        Number of components.
    random_state
        Seed where X is too large for the exact decomposition; see
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


def pca(k: int, *, random_state: Any = 0) -> LinearDecomposition:
    r"""Principal components: the directions in which the spectra differ most from their mean m.

    .. math:: X \approx 1 m + A V, \qquad V V^T = 1

    Parameters
    ----------
    k
        Number of components.
    random_state
        Seed where X is too large for the exact decomposition; see
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
