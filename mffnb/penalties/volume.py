"""Endmembers close around the data."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from mffnb.knobs import knob
from mffnb.penalties.weight import check_weight
from mffnb.protocols.half import Half
from mffnb.typing import Float64Array, Total, local_total

__all__ = ["MinimumVolume"]


@dataclass(frozen=True)
class MinimumVolume:
    r"""Endmembers close around the data: :math:`\frac{\lambda}{2} \log\det (E E^T + \delta I)`.

    For abundances that sum to one, with or without a gain: among all simplices that hold the data the smallest is the
    true one, even where no pixel is pure. Source: Fu et al. 2016, IEEE TSP 64:6254; Leplat et al. 2019, IEEE ICASSP.

    Parameters
    ----------
    weight
        lambda. The noise of the data sets its scale: the mean squared residual of a pixel in one direction.
    delta
        Keeps the logarithm finite where endmembers coincide.
    total
        Sums over all processes that share the channels; a problem puts it there.

    Examples
    --------
    >>> import numpy as np
    >>> round(MinimumVolume(2.0, delta=1.0).value(np.eye(2)), 6)      # log det (2 I)
    1.386294
    """

    weight: float = knob(
        1e-3,
        label="volume",
        low=1e-5,
        high=1.0,
        log=True,
        help="the higher, the closer the endmembers lie around the data",
    )
    delta: float = 0.1
    total: Total = field(default=local_total, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_weight(self.weight)
        if not self.delta > 0:
            raise ValueError(f"delta must be positive, got {self.delta!r}")

    def value(self, factor: Float64Array) -> float:
        """Evaluate the penalty of a factor (k, entries)."""
        return self.weight / 2 * float(np.linalg.slogdet(self._metric(factor))[1])

    def fold(self, half: Half) -> Half:
        """The logarithm is concave: its tangent at the factor as it stands lies above it and is a quadratic."""
        if half.factor is None:
            raise ValueError("a volume is measured at a factor: the half problem has to say where it stands")
        inverse = np.linalg.inv(self._metric(half.factor))
        return replace(half, gram=half.gram + self.weight * (inverse + inverse.T) / 2)

    def _metric(self, factor: Float64Array) -> Float64Array:
        metric: Float64Array = self.total(factor @ factor.T) + self.delta * np.eye(len(factor))
        return metric
