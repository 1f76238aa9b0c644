"""Number of components k with a quick bracket: images and directions above the noise, without a fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mffnb.geometry.coherence import independent_images
from mffnb.matrices import scaled
from mffnb.matrices.svd import randomized_svd
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Float64Array
from mffnb.unmixing.suggestion.noise import Noise
from mffnb.unmixing.suggestion.sample import Sample

_MOST = 12  # largest k
_SURE, _NONE = 2.0, 1.2  # ratio to the noise: above the first an image, below the second noise, as in a rank scan
_SHARED = 0.3  # correlation of the noise of neighbours from which singular values cannot be counted
_CLEAR = 1.5  # singular values relative to noise that decide between images that are uncertain
_EDGE = 1.05  # singular values of noise exceed their limit by a few percent in finite samples


@dataclass(frozen=True, eq=False)
class Bracket:
    """A number of components and how far it is certain.

    Attributes
    ----------
    k
        The most likely number.
    between
        Smallest and largest number that remain possible.
    images, directions
        Numbers of images and of singular vectors above the noise; None if one could not be counted.
    reason
        One sentence.
    ratios
        Autocorrelation of the leading images relative to that of noise, see
        :func:`mffnb.selection.independent_images`.
    above_noise
        Leading singular values relative to the largest one of noise.
    """

    k: int
    between: tuple[int, int]
    images: int | None
    directions: int | None
    reason: str
    ratios: Float64Array
    above_noise: Float64Array

    @property
    def sure(self) -> bool:
        """Whether one number is possible only."""
        return self.between[0] == self.between[1]


def bracket(sample: Sample, noise: Noise, seed: int = 0) -> Bracket:
    """Count components that stand above the noise, as smooth images and as singular vectors."""
    matrix = sample.matrix
    ratios = independent_images(matrix, sample.graph, min(_MOST + 2, *matrix.shape), seed)
    directions, values = _directions(matrix, noise, seed)
    above, perhaps = int((ratios > _SURE).sum()), int((ratios > _NONE).sum())
    most = min(_MOST, *matrix.shape)
    counted = directions if directions is not None and directions < len(values) else None
    if perhaps <= 1:
        if counted is None:
            k, limits = _gap(values), (1, most)
            reason = f"nothing limits k clearly, {k} is where the singular values drop most"
        else:
            k = min(max(counted, 1), most)
            limits = k, k
            reason = f"{counted} singular vectors stand above the noise, and neighbouring pixels are not similar"
        return Bracket(k, limits, None, counted, reason, ratios, values)
    if perhaps == len(ratios):
        k = _gap(ratios)
        reason = (
            f"all {perhaps} images that were computed stand above the noise (spectra that vary, non-linear mixing or "
            f"noise shared by neighbours), {k} is where they drop most"
        )
        return Bracket(k, (min(2, most), most), None, counted, reason, ratios, values)
    low = max(above, 1)
    if above == perhaps:
        return Bracket(low, (low, low), above, counted, f"{above} images stand above the noise", ratios, values)
    clear = int((values > _CLEAR).sum()) if counted is not None else low
    k = min(max(clear, low), perhaps)
    reason = f"{above} to {perhaps} images stand above the noise"
    return Bracket(k, (low, perhaps), None, counted, reason, ratios, values)


def _directions(matrix: Matrix, noise: Noise, seed: int) -> tuple[int | None, Float64Array]:
    r"""Count singular values above those of noise, :math:`\sqrt n + \sqrt m` for n pixels and m channels.

    Source: Marchenko & Pastur 1967. Rows and columns are scaled to noise of one size first.
    """
    columns = np.where(noise.variances > 0, 1 / np.sqrt(np.maximum(noise.variances, np.finfo(float).tiny)), 0.0)
    edge = _EDGE * (np.sqrt(matrix.shape[0]) + np.sqrt(max(1.0, float(np.count_nonzero(columns)))))
    values = randomized_svd(scaled(matrix, None, columns) if columns.any() else matrix, _MOST + 2, seed)[1] / edge
    if not columns.any() or max(noise.along_channels, noise.along_pixels) > _SHARED:
        return None, values
    return int((values > 1).sum()), values


def _gap(values: Float64Array) -> int:
    """Return after which of the leading values the largest relative drop lies, 2 at least if there are so many."""
    positive = values[values > 1e-9 * max(float(values.max(initial=0.0)), 0.0)][: _MOST + 1]
    if len(positive) < 3:
        return max(1, len(positive))
    drops: Float64Array = np.log(positive[1:-1]) - np.log(positive[2:])
    return int(drops.argmax()) + 2
