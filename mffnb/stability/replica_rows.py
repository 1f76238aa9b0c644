"""Replicas of large cubes in little memory: signs of residuals in single bits, counts in one or two bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.layout import Layout
from mffnb.matrices import Gathered
from mffnb.matrices.local import CACHE_BYTES, band_limits
from mffnb.protocols.matrix import Matrix
from mffnb.stability.reconstructed_bands import row_bands
from mffnb.stability.replicas import LEAST_FREE, Noise, PoissonCounts, leverage
from mffnb.typing import Array, Float64Array
from mffnb.unmixing.image import Prepared
from mffnb.unmixing.result import Unmixing

# Replicas of smaller cubes are stored as cubes: rows that are computed anew in each pass take a few times as long.
_LARGE_BYTES = 2**28


def is_large(cube: xr.DataArray) -> bool:
    """Return whether a second cube of this size should not be stored."""
    return cube.nbytes > _LARGE_BYTES


def small_replica(
    noise: Noise, cube: xr.DataArray, image: Prepared, answer: Unmixing, generator: np.random.Generator
) -> Matrix | None:
    """Draw a replica as a matrix (used pixels, used channels) that takes little memory; None if there is no such form.

    The values are those of ``noise.draw(cube, answer, generator)``, up to rounding errors.

    Parameters
    ----------
    noise, cube, answer, generator
        As for the method ``draw`` of the noise model.
    image
        The prepared cube, without preprocessing.
    """
    layout, weights = image.layout, image.weights
    if layout.gaps or answer.processed is not None or answer.mapped is not None:
        return None
    if isinstance(noise, PoissonCounts):
        # Counts in another unit are no whole numbers.
        return layout.matrix(noise.draw(cube, answer, generator, smallest=True)) if noise.unit == 1.0 else None
    in_order = cube.dims == (*layout.pixel_shape, *layout.channel_shape)
    plain = weights is None or isinstance(weights, str)  # weights of single entries need the transposed matrix
    if not (in_order and plain and cube.dtype.kind == "f"):
        return None
    return Gathered(FlippedResiduals.draw(cube, layout, answer, generator))


@dataclass(frozen=True, eq=False)
class FlippedResiduals:
    """Rows of a wild-bootstrap replica of a cube, see :class:`SignFlips`; they are computed whenever they are read.

    Attributes
    ----------
    array
        X, (all pixels, all channels), without missing entries among the used ones.
    signs
        One bit for each entry, (all pixels, bytes): 1 where the residual keeps its sign.
    abundances, endmembers
        Factors of the reconstruction, (k, all pixels) with the gain and (k, all channels).
    free
        One minus the leverage of each pixel and of each channel.
    rows, columns
        Indices of the used pixels and channels.
    """

    array: Array
    signs: Array
    abundances: Float64Array
    endmembers: Float64Array
    free: tuple[Float64Array, Float64Array]
    rows: Array
    columns: Array

    @classmethod
    def draw(
        cls, cube: xr.DataArray, layout: Layout, answer: Unmixing, generator: np.random.Generator
    ) -> FlippedResiduals:
        """Draw the signs of all residuals of a cube whose channels are its last dimensions."""
        A, E = (one.values.reshape(len(one), -1).astype(np.float64) for one in (answer.abundances, answer.endmembers))
        X = cube.values.reshape(A.shape[1], E.shape[1])
        signs, first = np.empty((len(X), -(-E.shape[1] // 8)), np.uint8), 0
        for band in row_bands(cube):
            shape = cube[band].shape
            drawn = generator.integers(0, 2, shape, dtype=np.int8).reshape(-1, E.shape[1])
            signs[first : first + len(drawn)] = np.packbits(drawn, axis=1)
            first += len(drawn)
        free = tuple(1 - leverage(factor).values.ravel() for factor in (answer.abundances, answer.endmembers))
        if answer.gain is not None:
            A = A * np.asarray(answer.gain.values, dtype=np.float64).ravel()
        used = (
            np.arange(count) if mask is None else np.flatnonzero(mask)
            for mask, count in ((layout.pixel_mask, A.shape[1]), (layout.channel_mask, E.shape[1]))
        )
        return cls(X, signs, A, E, (free[0], free[1]), *used)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of used pixels and of used channels."""
        return self.rows.size, self.columns.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers: that of the cube."""
        return self.array.dtype

    @property
    def T(self) -> None:
        """None: the replica can be read by rows only."""
        return

    def __len__(self) -> int:
        return self.rows.size

    def __getitem__(self, rows: slice) -> Array:
        """Compute the rows ``start:stop`` of the replica."""
        some = self.rows[rows]
        out = np.empty((some.size, self.columns.size), self.dtype)
        everything = self.columns.size == self.array.shape[1]
        E, free = self.endmembers[:, self.columns], self.free[1][self.columns]
        for start, stop in band_limits(out.shape, CACHE_BYTES):
            here = some[start:stop]
            expected = self.abundances[:, here].T @ E
            values, kept = self.array[here], np.unpackbits(self.signs[here], axis=1, count=self.array.shape[1])
            if not everything:
                values, kept = values[:, self.columns], kept[:, self.columns]
            residual = values - expected
            residual /= np.sqrt(np.clip(self.free[0][here, None] * free, LEAST_FREE, 1.0))
            residual *= 2 * kept.astype(np.int8) - 1
            np.add(residual, expected, out=out[start:stop], casting="same_kind")
        return out
