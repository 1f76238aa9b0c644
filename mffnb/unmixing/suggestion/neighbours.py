r"""How well neighbours predict a pixel: whether smooth maps are worth a trial, and with which weight.

A score t of a pixel is its abundance of a leading component plus noise of the known variance :math:`\sigma^2`. The mean
of its neighbours, which has not seen this noise, predicts it with the mean square error :math:`e + \sigma^2`. Of all
weighted means of both the best one has the variance :math:`\sigma^2 e / (\sigma^2 + e)`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mffnb.matrices import scaled
from mffnb.matrices.svd import randomized_svd
from mffnb.unmixing.suggestion.noise import Noise
from mffnb.unmixing.suggestion.sample import Sample

_LEAST = 0.25  # noise of the mean of four neighbours
_WORTH = 0.7  # noise of the maps that is left, below which smoothness is worth a trial


@dataclass(frozen=True)
class Neighbours:
    """What smooth maps could gain.

    Attributes
    ----------
    left
        Noise of maps that is left after the best mean with neighbours, relative to that before.
    weight
        Weight of the smoothness penalty that corresponds to it.
    """

    left: float
    weight: float

    @classmethod
    def of(cls, sample: Sample, noise: Noise, k: int, seed: int = 0) -> Neighbours | None:
        """Compare pixels with the mean of their neighbours; None without noise or with too few neighbours."""
        graph = sample.graph
        inner = graph.degree > 0.99
        silent = not (noise.variances > 0).any()
        if silent or inner.sum() < 10 * k or k > min(sample.matrix.shape):
            return None
        columns = np.where(noise.variances > 0, 1 / np.sqrt(np.maximum(noise.variances, np.finfo(float).tiny)), 0.0)
        whitened = scaled(sample.matrix, None, columns)
        left, values, _ = randomized_svd(whitened, k, seed)
        scores = left * values[:, None]  # noise of variance 1 in each
        around = scores - graph.times(scores)  # the Laplacian of a pixel is it minus the mean of its neighbours
        errors = np.mean((scores - around)[:, inner] ** 2, axis=1)
        excess = np.maximum(errors - 1, _LEAST)
        remain = float(np.sqrt(np.mean(excess / (1 + excess))))
        # The data weigh a pixel by 1 / sigma^2, the penalty its neighbours by lambda / sigma^2.
        return cls(remain, float(f"{1 / max(float(np.mean(excess)), 1.0):.1g}"))

    @property
    def worth(self) -> bool:
        """Whether smoothness is worth a trial."""
        return self.left < _WORTH
