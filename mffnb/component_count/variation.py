r"""Find spectral directions that are variations of other ones: tilt, shift, and non-linear mixing.

Data of the form X = A E + noise have as many directions as materials. Other data have more:

- **Tilt.** If the spectrum e of a material is multiplied by 1 + t c, with a number t of the pixel and a linear ramp c
  along the channels, its signal has the directions e and c e. So some spectrum u of the signal space U exists for which
  c u is in U, too. With B the (R, channels) signal in units of its noise, the matrix [B; B C] then has fewer than 2 R
  singular values above the noise. The number that is missing is the number of directions that are tilts.
- **Shift.** The same with the derivative along the channels in place of the ramp, both smoothed.
- **Non-linear mixing.** Of R coordinates of a pixel, divided by its intensity, some are quadratic functions of the
  others (bilinear mixing: the product of two fractions). What is left of them is noise.

A component that is a material of its own passes all three: its spectrum is no tilt of others, and its map no function
of the other maps. Where the signal is weak or spectra are broad, [B; B C] has small singular values for any smooth
multiplier in place of the ramp; then a small one for the ramp proves nothing. A curve never proves a product: the map
of a phase at an interface can be a function of the maps of its neighbours, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from scipy import linalg
from scipy.ndimage import gaussian_filter1d

from mffnb.geometry.model_choice import residual_variances
from mffnb.matrices import Scaled
from mffnb.matrices.svd import randomized_svd
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Float64Array

_WIDTH = 1.5  # standard deviation, in channels, of the filter that takes derivatives
_CHANNELS = 4  # fewest channels for each row of [B; B C]
# Degree of the polynomials of few coordinates: relative to the intensity, products are quotients of polynomials.
_DEGREES = {1: 4, 2: 3}
_POWER = 4.0  # smallest signal, in units of noise, of a spectrum that is tilted or shifted
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
    plain
        The same for other smooth multipliers (their median), which no known effect has.
    curve
        Element d: largest variance, in units of that of noise, which the quadratic functions of d + 1 coordinates leave
        of the other ones; about 1 if these are functions of the first d + 1.
    straight
        Element d: the same for linear functions.
    """

    tilt: Float64Array
    shift: Float64Array
    plain: Float64Array
    curve: Float64Array
    straight: Float64Array

    @classmethod
    def none(cls) -> Variations:
        """Return empty criteria, for data that do not allow them."""
        return cls(*(np.empty(0) for _ in range(5)))

    @classmethod
    def of(
        cls, matrix: Matrix, images: Float64Array, *, ordered: bool, smooth: Float64Array | None = None
    ) -> Variations:
        """Test the directions of the signal.

        Parameters
        ----------
        matrix
            Data matrix X, (pixels, channels), complete.
        images
            Orthonormal images (R, pixels) that span the signal.
        ordered
            Whether the channels are one axis (energy, wavelength), along which spectra can tilt and shift.
        smooth
            Images (some, pixels) of norm 1 that are about as smooth as the signal, in which noise that neighbours share
            is larger than in a single pixel; None if neighbours share none.
        """
        number, (pixels, channels) = len(images), matrix.shape
        if number < 2 or pixels <= 2 * number or channels < _CHANNELS * number:
            return cls.none()
        raw = matrix.transposed_times(images)
        variances = residual_variances(matrix, images, raw) * pixels / (pixels - number)
        floor = 1e-12 * max(float(np.max(variances)), float(np.max(raw**2)) / pixels)
        floor = max(floor, float(np.finfo(np.float64).tiny))
        factors = np.where(variances > floor, 1 / np.sqrt(np.maximum(variances, floor)), 0.0)
        B = raw * factors
        curves = _curvature(Scaled(matrix, columns=factors), B)
        if not ordered or np.count_nonzero(factors) < 2:
            return cls(np.empty(0), np.empty(0), np.empty(0), *curves)
        if smooth is not None:
            rest = smooth - (smooth @ images.T) @ images
            rest = rest / np.maximum(np.linalg.norm(rest, axis=1, keepdims=True), 1e-6)
            power = np.mean((matrix.transposed_times(rest) * factors) ** 2)
            B = B / np.sqrt(max(float(power) * channels / np.count_nonzero(factors), 1.0))
        ramp, *others = (_multiplied(B, multiplier) for multiplier in _multipliers(channels))
        return cls(ramp, _shift(B, factors), np.median(others, axis=0), *curves)


def signal_images(matrix: Matrix, columns: Float64Array, number: int, seed: int) -> Float64Array:
    """Return the leading left singular vectors (number, pixels) of X, with whitened channels."""
    return randomized_svd(Scaled(matrix, columns=columns), number, seed)[0]


def _stacked(B: Float64Array, changed: Float64Array) -> Float64Array:
    """Return the smallest half of the singular values of [B; changed], relative to that of noise.

    Combinations of B that vanish when they are changed (a flat spectrum has no derivative) do not count: infinite.
    """
    left, values, _ = linalg.svd(np.vstack([B, changed]), full_matrices=False)
    noise, number = np.sqrt(B.shape[1]), len(B)
    rounding = 1e-12 * values[0] / noise
    values, left = values[::-1][:number] / noise, left[:, ::-1][:, :number]
    power = np.linalg.norm(left[number:].T @ changed, axis=1) / noise
    least = np.maximum(np.minimum(_POWER, 2 * values), rounding)
    return np.sort(np.where(power > least, values, np.inf))


def _multipliers(channels: int) -> list[Float64Array]:
    """Return the ramp, and smooth multipliers that are no ramp, each with mean 0 and mean square 1."""
    x = np.linspace(-1, 1, channels)
    some = [x, 3 * x**2 - 1, 5 * x**3 - 3 * x, np.cos(2 * np.pi * x), np.sin(2 * np.pi * x)]
    return [(one - one.mean()) / (one - one.mean()).std() for one in some]


def _multiplied(B: Float64Array, multiplier: Float64Array) -> Float64Array:
    return _stacked(B, B * multiplier)


def _shift(B: Float64Array, factors: Float64Array) -> Float64Array:
    plain = B * np.where(factors > 0, 1 / np.where(factors > 0, factors, 1.0), 0.0)
    impulse = np.zeros(8 * int(np.ceil(_WIDTH)) + 1)
    impulse[len(impulse) // 2] = 1.0
    parts = []
    for order in (0, 1):
        gain = float(np.linalg.norm(gaussian_filter1d(impulse, _WIDTH, order=order)))
        parts.append(gaussian_filter1d(plain, _WIDTH, axis=1, order=order, mode="nearest") * factors / gain)
    edge = int(np.ceil(4 * _WIDTH))  # what lies beyond the first and the last channel is not known
    inside = slice(edge, -edge) if B.shape[1] - 2 * edge >= 2 * len(B) else slice(None)
    return _stacked(*(part[:, inside] for part in parts))


def _curvature(whitened: Scaled, B: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Return ``curve`` and ``straight`` of :class:`Variations`."""
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
    curve, straight = np.empty(number - 2), np.empty(number - 2)
    for d in range(1, number - 1):
        first, target = Z[:, :d], Z[:, d:] * weight[:, None]
        powers = combinations_with_replacement(range(d + 1), _DEGREES.get(d, 2))
        with_one = np.column_stack([np.ones(len(Z)), first / np.abs(first).max(initial=1e-300)])
        basis = np.column_stack([np.prod(with_one[:, list(some)], axis=1) for some in powers]) * weight[:, None]
        basis = linalg.qr(basis, mode="economic", check_finite=False)[0]
        straight[d - 1] = np.max(np.mean(target**2, axis=0))
        left = target - basis @ (basis.T @ target)
        curve[d - 1] = np.max(np.sum(left**2, axis=0)) / (len(Z) - basis.shape[1])
    return curve, straight
