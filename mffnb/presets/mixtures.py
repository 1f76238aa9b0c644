"""Mixture models: minimum volume NMF, pLSI, archetypal analysis and least squares with known endmembers."""

from __future__ import annotations

from typing import Any

from mffnb.constraints import Simplex
from mffnb.estimators.factorization import MatrixFactorization
from mffnb.estimators.known_endmembers import KnownEndmembers
from mffnb.estimators.plsi import LatentClasses
from mffnb.estimators.simplex_vertices import SimplexCorners
from mffnb.geometry import Archetypal
from mffnb.keywords import checks_keywords
from mffnb.penalties import MinimumVolume
from mffnb.typing import Array, Seed

__all__ = ["archetypal", "known_endmembers", "minimum_volume_nmf", "plsi"]


@checks_keywords(MatrixFactorization)
def minimum_volume_nmf(
    k: int, volume: float | str = "auto", gain: bool | None = None, *, random_state: Seed = 0, **options: Any
) -> SimplexCorners | MatrixFactorization:
    r"""Minimum-volume NMF: abundances sum to one, exactly or up to a gain per pixel; endmembers span a small volume.

    .. math:: \min_{a_i \in \Delta,\, E \ge 0} \; \tfrac{1}{2n} \sum_i \lVert s x_i - g_i a_i E \rVert^2
              + \tfrac{\lambda}{2} \log\det(E E^T + \delta I)

    Source: Leplat, Ang & Gillis 2019, ICASSP; for "auto" see :func:`mffnb.geometry.minimum_volume`.

    Parameters
    ----------
    k
        Number of components.
    volume
        lambda, weight of the volume penalty, or "auto" to select model, start values and weight from the data.
    gain
        Whether each pixel has its own gain. None selects it from the data with "auto", and means no with a weight.
    random_state
        Seed of the start values.
    **options
        Further keywords, as for :func:`nmf`; only if ``volume`` is a weight.

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


@checks_keywords(LatentClasses)
def plsi(k: int, *, n_init: int = 1, random_state: Seed = None, **options: Any) -> LatentClasses:
    r"""Probabilistic latent semantic indexing (pLSI): counts as a mixture of k distributions over the channels.

    .. math:: \max \sum_{im} x_{im} \log \sum_z P(z)\, P(i \mid z)\, P(m \mid z)

    See :class:`mffnb.estimators.plsi.LatentClasses`. Source: Hofmann 1999, UAI, 289; Kannan et al. 2018, table 3.

    Parameters
    ----------
    k
        Number of components.
    n_init
        Number of runs; the one of largest likelihood is kept.
    random_state
        Seed of the random start values.
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


@checks_keywords(Archetypal)
def archetypal(k: int, *, random_state: Seed = 0, **options: Any) -> SimplexCorners:
    """Archetypal analysis: endmembers are averages of pixels, pixels are averages of endmembers.

    See :class:`mffnb.geometry.Archetypal` for formula and source. It finds the true spectra of components that have
    nearly pure pixels, and mixtures otherwise.

    Parameters
    ----------
    k
        Number of components.
    random_state
        Seed of the start values.
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


@checks_keywords()
def known_endmembers(
    E: Array, sum_to_one: bool = False, bounds: tuple[Any, Any] | None = None, non_negative: bool = True
) -> KnownEndmembers:
    r"""Compute abundances of known endmembers by exact constrained least squares.

    .. math:: \min_a \tfrac12 \lVert x - a E \rVert^2

    over non-negative abundances, a box, fractions that sum to one, or all real numbers.

    Parameters
    ----------
    E
        Endmembers, (k, channels), in the units of the data.
    sum_to_one
        Whether the abundances of a pixel sum to one.
    bounds
        ``(lower, upper)``, each a number or one number for each endmember; they replace ``non_negative``.
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
