"""Minimum-volume (log-determinant) penalty on the endmembers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

import numpy as np

from mffnb.knobs import knob
from mffnb.penalties.weight import check_weight
from mffnb.protocols.half import Half
from mffnb.protocols.traits import Distribution, TermTraits
from mffnb.typing import Float64Array, Total, local_total

__all__ = ["MinimumVolume"]


@dataclass(frozen=True)
class MinimumVolume:
    r"""Minimum volume: :math:`\frac{\lambda}{2} \log\det (E E^T + \delta I)`.

    This penalty suits abundances that sum to one, with or without a gain per pixel. The smallest simplex that contains
    the data has the true endmembers as vertices, even if no pixel is pure. Source: Fu et al. 2016, IEEE TSP 64:6254;
    Leplat et al. 2019, IEEE ICASSP.

    Parameters
    ----------
    weight
        lambda. Its scale is the noise level: the mean squared residual of a pixel in one direction.
    delta
        Regularisation delta, which keeps the logarithm finite if endmembers coincide.
    total
        Function that sums an array over all ranks that share the channels; set by :meth:`on_rank`.

    Examples
    --------
    >>> import numpy as np
    >>> round(MinimumVolume(2.0, delta=1.0).value(np.eye(2)), 6)      # log det (2 I)
    1.386294
    """

    traits: ClassVar[TermTraits] = TermTraits(
        pixelwise=False,
        uniform=False,
        rowwise=False,
        convex=False,
        distribution=Distribution.SUMMED,
        abundance_label=None,
        endmember_label=None,
    )
    weight: float = knob(
        1e-3,
        label="volume",
        low=1e-5,
        high=1.0,
        log=True,
        help="the higher, the closer the endmembers are to the data",
    )
    delta: float = 0.1
    total: Total = field(default=local_total, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_weight(self.weight)
        if not self.delta > 0:
            raise ValueError(f"delta must be positive, got {self.delta!r}")

    def value(self, factor: Float64Array) -> float:
        """Return the value of the penalty for a factor (k, entries)."""
        return self.weight / 2 * float(np.linalg.slogdet(self._metric(factor))[1])

    def fold(self, half: Half) -> Half:
        """Return the half-step subproblem with a quadratic majorizer (tangent of the logarithm) in its Gram matrix."""
        if half.factor is None:
            raise ValueError("MinimumVolume is majorized at the current factor: set Half.factor")
        inverse = np.linalg.inv(self._metric(half.factor))
        return replace(half, gram=half.gram + self.weight * (inverse + inverse.T) / 2)

    def on_rank(self, entries: slice, total: Total) -> Self:
        """Return this penalty for the channels that this rank owns."""
        return replace(self, total=total)

    def _metric(self, factor: Float64Array) -> Float64Array:
        metric: Float64Array = self.total(factor @ factor.T) + self.delta * np.eye(len(factor))
        return metric
