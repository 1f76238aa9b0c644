"""Pixels as mixtures: of corners of the data, of distributions over the channels, of spectra that are known."""

from __future__ import annotations

from typing import Any

from mffnb.constraints import Simplex
from mffnb.estimators.factorization import MatrixFactorization
from mffnb.estimators.known_endmembers import KnownEndmembers
from mffnb.estimators.plsi import LatentClasses
from mffnb.estimators.simplex_vertices import SimplexCorners
from mffnb.geometry import Archetypal
from mffnb.penalties import MinimumVolume
from mffnb.typing import Array, Seed


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

    See :class:`mffnb.estimators.plsi.LatentClasses`. Source: Hofmann 1999, UAI, 289; Kannan et al. 2018, table 3.

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
