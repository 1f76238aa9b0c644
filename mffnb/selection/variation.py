r"""Find spectral directions that are variations of other ones: tilt, shift, and non-linear mixing.

Data of the form X = A E + noise have as many directions as materials. Other data have more:

- **Tilt.** If the spectrum e of a material is multiplied by 1 + t c, with a number t of the pixel and a linear ramp c
  along the channels, its signal has the directions e and c e. So some spectrum u of the signal space U exists for which
  c u is in U, too. With B the (R, channels) signal in units of its noise, the matrix [B; B C] then has fewer than 2 R
  singular values above the noise. The number that is missing is the number of directions that are tilts.
- **Shift.** The same with the derivative along the channels in place of the ramp.
- **Non-linear mixing.** Of R coordinates of a pixel, divided by its intensity, some are quadratic functions of the
  others (bilinear mixing: the product of two fractions). What is left of them is noise.

A component that is a material of its own passes all three: its spectrum is no tilt of others, and its map no function
of the other maps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg
from scipy.ndimage import gaussian_filter1d

from mffnb.geometry.model_choice import residual_variances
from mffnb.matrices import Scaled
from mffnb.matrices.svd import randomized_svd
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Float64Array

_WIDTH = 2.0  # standard deviation, in channels, of the filter that takes derivatives
_CHANNELS = 4  # fewest channels for each row of [B; B C]
_DIM = 0.1  # pixels below this fraction of the mean intensity have no reliable fractions
_PIXELS = 16384  # largest number of pixels whose coordinates are compared


@dataclass(frozen=True, eq=False)
class Variations:
    """How far the directions of the signal are variations of each other.

    Attributes
    ----------
    tilt, shift
        Smallest singular values of [B; B C], ascending, in multiples of that of noise alone: about 1 or below for a
        direction that is a tilt (a shift) of another.
    curve
        Element d: largest variance, in units of that of noise, which the quadratic functions of d + 1 coordinates leave
        of the other ones; about 1 if these are functions of the first d + 1.
    weakest
        Element d: smallest variance of those other coordinates before.
    """

    tilt: Float64Array
    shift: Float64Array
    curve: Float64Array
    weakest: Float64Array

    @classmethod
    def none(cls) -> Variations:
        """Return empty criteria, for data that do not allow them."""
        return cls(*(np.empty(0) for _ in range(4)))

    @classmethod
    def of(cls, matrix: Matrix, images: Float64Array, *, ordered: bool) -> Variations:
        """Test the directions of the signal.

        Parameters
        ----------
        matrix
            Data matrix X, (pixels, channels), complete.
        images
            Orthonormal images (R, pixels) that span the signal.
        ordered
            Whether the channels are one axis (energy, wavelength), along which spectra can tilt and shift.
        """
        number, (pixels, channels) = len(images), matrix.shape
        if number < 2 or pixels <= 2 * number or channels < _CHANNELS * number:
            return cls.none()
        raw = matrix.transposed_times(images)
        variances = residual_variances(matrix, images, raw) * pixels / (pixels - number)
        floor = 1e-12 * max(float(np.max(variances)), float(np.max(raw**2)) / pixels)
        factors = np.where(variances > floor, 1 / np.sqrt(np.maximum(variances, floor)), 0.0)
        B = raw * factors
        empty = np.empty(0)
        tilt, shift = (_tilt(B), _shift(B, factors)) if ordered and np.count_nonzero(factors) > 1 else (empty, empty)
        curve, weakest = _curvature(Scaled(matrix, columns=factors), B)
        return cls(tilt, shift, curve, weakest)


def signal_images(matrix: Matrix, columns: Float64Array, number: int, seed: int) -> Float64Array:
    """Return the leading left singular vectors (number, pixels) of X, with whitened channels."""
    return randomized_svd(Scaled(matrix, columns=columns), number, seed)[0]


def _stacked(B: Float64Array, changed: Float64Array) -> Float64Array:
    """Return the smallest half of the singular values of [B; changed], relative to that of noise."""
    values = linalg.svdvals(np.vstack([B, changed]))[::-1]
    return np.asarray(values[: len(B)] / np.sqrt(B.shape[1]))


def _tilt(B: Float64Array) -> Float64Array:
    ramp = np.linspace(-1, 1, B.shape[1])
    return _stacked(B, B * ramp / np.sqrt(np.mean(ramp**2)))


def _shift(B: Float64Array, factors: Float64Array) -> Float64Array:
    impulse = np.zeros(8 * int(np.ceil(_WIDTH)) + 1)
    impulse[len(impulse) // 2] = 1.0
    gain = float(np.linalg.norm(gaussian_filter1d(impulse, _WIDTH, order=1)))
    plain = B * np.where(factors > 0, 1 / np.where(factors > 0, factors, 1.0), 0.0)
    return _stacked(B, gaussian_filter1d(plain, _WIDTH, axis=1, order=1, mode="nearest") * factors / gain)


def _curvature(whitened: Scaled, B: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Return ``curve`` and ``weakest`` of :class:`Variations`."""
    number = len(B)
    right = linalg.svd(B, full_matrices=False)[2]
    Y = whitened.times(right).T[:: max(1, whitened.shape[0] // _PIXELS)]
    mean = Y.mean(axis=0)
    mean = mean / max(float(np.linalg.norm(mean)), np.finfo(np.float64).tiny)
    intensity = Y @ mean
    bright = intensity > _DIM * max(float(intensity.mean()), np.finfo(np.float64).tiny)
    if number < 3 or np.count_nonzero(bright) < 10 * number**2:
        return np.empty(0), np.empty(0)
    weight = intensity[bright] / intensity[bright].mean()
    across = linalg.null_space(mean[None])
    Z = (Y[bright] @ across) / weight[:, None]  # relative to the intensity, so that a gain does not matter
    Z = Z - np.average(Z, axis=0, weights=weight**2)
    Z = Z @ linalg.svd(Z * weight[:, None], full_matrices=False)[2].T
    curve, weakest = np.empty(number - 2), np.empty(number - 2)
    for d in range(1, number - 1):
        first, target = Z[:, :d], Z[:, d:] * weight[:, None]
        pairs = [first[:, i] * first[:, j] for i in range(d) for j in range(i + 1)]
        basis = np.column_stack([np.ones(len(Z)), first, *pairs]) * weight[:, None]
        basis = linalg.qr(basis, mode="economic", check_finite=False)[0]
        left = target - basis @ (basis.T @ target)
        curve[d - 1] = np.max(np.sum(left**2, axis=0)) / (len(Z) - basis.shape[1])
        weakest[d - 1] = np.min(np.mean(target**2, axis=0))
    return curve, weakest
