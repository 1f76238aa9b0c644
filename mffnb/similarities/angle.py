"""Directions of spectra, whatever their length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mffnb.matrices.partial import mean_model
from mffnb.protocols import Similarity
from mffnb.protocols.matrix import Matrix
from mffnb.similarities.banded_misfits import Banded
from mffnb.similarities.distances import Cosine
from mffnb.similarities.least_squares import Frobenius
from mffnb.typing import Float64Array

__all__ = ["SpectralAngle"]


@dataclass(frozen=True)
class SpectralAngle:
    r"""Closeness of the individual spectra: every pixel counts alike, however bright it is.

    .. math:: D = \tfrac1n \sum_i \bigl[ 1 - \cos(x_i, a_i E) \bigr]

    The angle leaves open how long a pixel is, so abundances are fractions up to a gain
    (:class:`mffnb.Simplex` with ``gain=True``, which is added if it is not there): the gain of a pixel is what brings
    a_i E nearest to x_i. The length of all endmembers together is open as well, and a penalty on them is refused.
    Weights of channels and entries count in the product and in both lengths, weights of pixels multiply the summand.
    Sources: Kannan et al. 2018, Adv. Struct. Chem. Imaging 4:6, table 2; Kruse et al. 1993, Remote Sens. Environ.
    44:145 (spectral angle mapper).
    """

    #: What an explorer calls it.
    label: ClassVar[str] = "angles of spectra"
    #: A weight w on the loss is the same as data multiplied by w to this power.
    weight_power: ClassVar[float] = 0.5
    #: Whether it does not see how large a pixel is.
    sizeless: ClassVar[bool] = True

    def misfit(self, matrix: Matrix, gain: Float64Array | None = None, scale: float | None = None) -> Banded:
        """Bind to data; the scale is that of :class:`Frobenius`, though nothing but starts depends on it."""
        scale = Frobenius().misfit(matrix, gain, scale).scale
        pixels = None if gain is None else gain**2
        return Banded(matrix, None, scale, Cosine(), pixels=pixels).with_zero(*mean_model(matrix))


NAMED: dict[str, Similarity] = {"angle": SpectralAngle()}
