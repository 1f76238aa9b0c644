"""Geometric unmixing: endmembers as vertices of the simplex or cone of the pixels."""

from __future__ import annotations

import numpy as np
from sklearn.utils.validation import check_is_fitted

from mffnb.estimators.base import LinearModel
from mffnb.estimators.missing_data import observed_part
from mffnb.geometry import Geometry, minimum_volume
from mffnb.geometry.abundances import fully_constrained, non_negative
from mffnb.matrices.checking import check_size, drawn_seed
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.solver import Start
from mffnb.typing import Array, Float64Array, Seed


class SimplexCorners(LinearModel):
    r"""Find the vertices of the simplex or cone that contains the pixels (endmembers), and the abundances.

    .. math:: x_i \approx g_i\, a_i E, \qquad a_i \ge 0, \quad \textstyle\sum_j a_{ij} = 1

    Without ``finder``, :func:`mffnb.geometry.minimum_volume` is used and decides from the data whether pixels have a
    gain g. Otherwise the finder computes E, and abundances are non-negative least-squares amounts without
    normalisation. Pixels and channels without data (NaN) are left out; other spectra must be complete.

    Parameters
    ----------
    n_components
        Number of endmembers k.
    finder
        Method of :mod:`mffnb.geometry`, such as ``VCA()``, or None.
    gain
        Whether each pixel has its own gain; None decides from the data. Only without a finder.
    random_state
        Seed; the same seed gives the same result.

    Attributes
    ----------
    components_ : ndarray of shape (k, channels)
        Endmembers in the units of the data.
    gain_ : ndarray of shape (pixels,), or None
        Gain of each fitted pixel; None if the model has no gain.
    geometry_ : mffnb.geometry.Geometry, or None
        Decisions of :func:`mffnb.geometry.minimum_volume` with reasons, and an alternative solution of equal fit; None
        with a finder.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> fractions, spectra = rng.dirichlet([1, 1, 1], 400), rng.random((3, 20))
    >>> model = SimplexCorners(3)
    >>> A = model.fit_transform(fractions @ spectra)
    >>> bool(np.allclose(A @ model.components_, fractions @ spectra, atol=1e-3))
    True
    """

    def __init__(
        self,
        n_components: int = 2,
        *,
        finder: Start | None = None,
        gain: bool | None = None,
        random_state: Seed = 0,
    ):
        self.n_components = n_components
        self.finder = finder
        self.gain = gain
        self.random_state = random_state

    def fit_transform(self, X: Array | Matrix, y: None = None) -> Float64Array:
        """Find the endmembers of X (pixels, channels) and return the abundances (pixels, k).

        Raises
        ------
        ValueError
            If k is larger than the number of channels, if there are too few pixels, or if the data are zero.
        """
        part = observed_part(self, X, reset=True)
        matrix = part.matrix
        check_size(matrix)
        k = self.n_components
        if not (isinstance(k, (int, np.integer)) and k >= 1):
            raise ValueError(f"n_components must be a whole number >= 1, got {k!r}")
        seed = drawn_seed(self.random_state)
        self.geometry_: Geometry | None = None
        self.gain_: Float64Array | None = None
        if self.finder is None:
            found = self.geometry_ = minimum_volume(matrix, int(k), seed, self.gain)
            A, E = found.abundances, found.endmembers
            self.gain_ = None if found.gain is None else part.unobserved.insert_pixels(found.gain)
        elif self.gain is not None:
            raise ValueError("gain goes with the smallest volume only: leave out gain, or finder")
        else:
            A, E = self.finder.start(matrix, int(k), seed)
        self.components_ = part.unobserved.insert_channels(E)
        self._n_features_out = int(k)
        return part.unobserved.insert_pixels(np.ascontiguousarray(A.T))

    def transform(self, X: Array | Matrix) -> Float64Array:
        """Return abundances (pixels, k) of X (pixels, channels) for the fitted endmembers."""
        check_is_fitted(self)
        part = observed_part(self, X, reset=False, fitted=self.components_)
        matrix, components = part.matrix, np.ascontiguousarray(self.components_[:, part.channels])
        if self.geometry_ is not None and self.gain_ is None:
            return part.unobserved.insert_pixels(np.ascontiguousarray(fully_constrained(matrix, components).T))
        amounts = non_negative(matrix, components)
        if self.gain_ is not None:
            total = amounts.sum(axis=0)
            amounts = np.where(total > 0, amounts / np.where(total > 0, total, 1.0), 1.0 / len(amounts))
        return part.unobserved.insert_pixels(np.ascontiguousarray(amounts.T))
