"""Spectral angle: cosine similarity of single spectra."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mffnb.matrices.partial import mean_model
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.similarity import Similarity
from mffnb.protocols.traits import SimilarityTraits
from mffnb.similarities.banded_misfit import BandedMisfit
from mffnb.similarities.least_squares import Frobenius
from mffnb.similarities.measures import Cosine
from mffnb.typing import Float64Array

__all__ = ["SpectralAngle"]


@dataclass(frozen=True)
class SpectralAngle:
    r"""Cosine distance of single spectra: every pixel has the same weight, whatever its intensity.

    .. math:: D = \tfrac1n \sum_i \bigl[ 1 - \cos(x_i, a_i E) \bigr]

    The angle does not depend on the norm of a pixel, so abundances are fractions up to a gain (:class:`mffnb.Simplex`
    with ``gain=True``, which is added if it is missing). The gain of pixel i is the factor for which its model a_i E is
    nearest to x_i. The common scale of the endmembers is undetermined too, so penalties on endmembers are refused.
    Weights of channels and entries apply to the inner product and to both norms; weights of pixels multiply the
    summand. Sources: Kannan et al. 2018, Adv. Struct. Chem. Imaging 4:6, table 2; Kruse et al. 1993, Remote Sens.
    Environ. 44:145 (spectral angle mapper).

    Examples
    --------
    >>> import mffnb as mf
    >>> scene = mf.datasets.raman_map(seed=0, shape=(8, 8))
    >>> result = mf.unmix(scene.cube, 2, similarity="angle", random_state=0)
    >>> bool((abs(result.abundances.sum("component") - 1) < 1e-9).all()), result.gain.dims
    (True, ('y', 'x'))
    """

    traits: ClassVar[SimilarityTraits] = SimilarityTraits(
        label="angles of spectra", weight_power=0.5, distributed=True, scale_invariant=True, transform=None
    )

    def misfit(self, matrix: Matrix, gain: Float64Array | None = None, scale: float | None = None) -> BandedMisfit:
        """Return the misfit of given data, scaled as for :class:`Frobenius`; only start values depend on the scale."""
        scale = Frobenius().misfit(matrix, gain, scale).scale
        pixels = None if gain is None else gain**2
        return BandedMisfit(matrix, None, scale, Cosine(), pixels=pixels).with_reference(*mean_model(matrix))


NAMED: dict[str, Similarity] = {"angle": SpectralAngle()}
