"""Data and start factors of a living figure: averaged over channels and pixels, quantised, with starts for every k."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mffnb.typing import Array, Float64Array

MORE = 3
"""Number of components that a figure can show beyond those of the result."""
_POWER_STEPS = 30
_ROUNDING = 1e-9  # of a mean of counts, relative to the largest value
_SMALL_CHANNELS, _SMALL_SIDE, _FEWEST = 256, 128, 32


@dataclass(frozen=True, eq=False)
class LivingData:
    """Data, channel axis and factors of a figure.

    Attributes
    ----------
    cube
        Data, (height, width, channels).
    abundances, endmembers
        Factors of the result, (k, height, width) and (k, channels).
    channel
        Coordinate of the channels, (channels,).
    """

    cube: Float64Array
    abundances: Float64Array
    endmembers: Float64Array
    channel: Float64Array

    def averaged(self, pixels: int, channels: int) -> LivingData:
        """Return means over blocks of ``pixels`` x ``pixels`` pixels and of ``channels`` channels.

        Blocks at the far ends may be smaller. A mean of spectra that obey X = A E obeys it too, up to the variation
        within a block.

        Examples
        --------
        >>> data = LivingData(np.arange(6.0).reshape(1, 2, 3), np.ones((1, 1, 2)), np.ones((1, 3)), np.arange(3.0))
        >>> data.averaged(2, 2).cube.tolist()
        [[[2.0, 3.5]]]
        """
        cube, maps = self.cube, self.abundances
        for axis in (0, 1):
            cube, maps = _means(cube, axis, pixels), _means(maps, axis + 1, pixels)
        return LivingData(
            _means(cube, 2, channels), maps, _means(self.endmembers, 1, channels), _means(self.channel, 0, channels)
        )

    def starts(self, k: int) -> tuple[Array, Array]:
        """Return A (k, pixels) and E (k, channels), float32: the factors, followed by components of their residual.

        Each of the latter is the non-negative rank-one term that power iteration with clipping at zero finds in the
        residual of all earlier ones. It begins at the root mean square of the positive residual, so that the result
        does not depend on random numbers.
        """
        rows = self.cube.reshape(-1, self.cube.shape[2])
        A, E = self.abundances.reshape(len(self.abundances), -1), self.endmembers
        residual = rows - A.T @ E
        while len(E) < k:
            amounts, spectrum = _rank_one(residual)
            residual -= np.outer(amounts, spectrum)
            A, E = np.vstack([A, amounts]), np.vstack([E, spectrum])
        return A.astype(np.float32), E.astype(np.float32)


def reductions(shape: tuple[int, int], channels: int) -> Iterator[tuple[int, int]]:
    """Yield block sizes (pixels, channels), each coarser than the one before; channels are averaged first.

    Examples
    --------
    >>> list(reductions((128, 128), 512))[:4]
    [(1, 1), (1, 2), (1, 4), (1, 8)]
    """
    pixels, block = 1, 1
    while True:
        yield pixels, block
        if channels / block > _SMALL_CHANNELS:
            block *= 2
        elif max(shape) / pixels > _SMALL_SIDE:
            pixels *= 2
        elif channels / block > _FEWEST:
            block *= 2
        elif max(shape) / pixels > _FEWEST:
            pixels *= 2
        else:
            return


def quantised(values: Float64Array, block: int) -> tuple[Array, float]:
    """Return codes of values and the step s, such that a value is s times its code.

    Counts are exact, also as means of ``block`` entries; other values are rounded to 16 bits of the largest one.

    Examples
    --------
    >>> quantised(np.array([0.0, 1.5, 3.0]), 2)
    (array([0, 3, 6], dtype=uint8), 0.5)
    """
    counts, largest = np.rint(values * block), float(np.abs(values).max(initial=0.0))
    whole = np.abs(counts - values * block).max(initial=0.0) <= _ROUNDING * largest * block
    if whole and counts.min(initial=0.0) >= 0 and counts.max(initial=0.0) < 2**16:
        return counts.astype(np.uint8 if counts.max(initial=0.0) < 2**8 else np.uint16), 1.0 / block
    kind = np.int16 if values.min() < 0 else np.uint16
    step = largest / np.iinfo(kind).max
    return np.rint(values / step).astype(kind), step


def _means(array: Float64Array, axis: int, block: int) -> Float64Array:
    """Return means over blocks along an axis; the last block may be smaller."""
    if block == 1:
        return array
    first = np.arange(0, array.shape[axis], block)
    sizes = np.diff(np.append(first, array.shape[axis]))
    sums = np.add.reduceat(array, first, axis=axis)
    return np.asarray(sums / sizes.reshape([-1 if i == axis else 1 for i in range(array.ndim)]))


def _rank_one(residual: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Return amounts (pixels,) and a spectrum of norm one (channels,), both >= 0, that reduce the residual."""
    spectrum = np.sqrt(np.mean(np.maximum(residual, 0.0) ** 2, axis=0))
    amounts = np.zeros(len(residual))
    for _ in range(_POWER_STEPS):
        norm = np.linalg.norm(spectrum)
        if not norm > 0:
            break  # the factors leave nothing above zero
        spectrum = spectrum / norm
        amounts = np.maximum(residual @ spectrum, 0.0)
        spectrum = np.maximum(amounts @ residual, 0.0)
    norm = np.linalg.norm(spectrum)
    return amounts, spectrum / norm if norm > 0 else spectrum
