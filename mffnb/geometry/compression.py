"""X as a few scores a pixel: geometry is done in that many dimensions, whatever the number of channels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mffnb.initialization import randomized_svd
from mffnb.protocols import Matrix
from mffnb.typing import Array, Float64Array


@dataclass(frozen=True, eq=False)
class Compressed:
    """``X ~ left^T right``: the leading part of a singular value decomposition.

    Attributes
    ----------
    left
        Scores (rank, pixels): singular values times left singular vectors.
    right
        Orthonormal directions (rank, channels).
    """

    left: Float64Array
    right: Float64Array

    def subset(self, pixels: Array) -> Compressed:
        """The same directions, some of the pixels."""
        return Compressed(np.ascontiguousarray(self.left[:, pixels]), self.right)


def compress(matrix: Matrix, rank: int, seed: int) -> Compressed:
    """Keep ``rank`` singular triplets, fewer where X has fewer."""
    left, values, right = randomized_svd(matrix, min(rank, *matrix.shape), seed)
    return Compressed(values[:, None] * left, right)


@dataclass(frozen=True, eq=False)
class Scaled:
    """``diag(rows) X diag(columns)``, never formed.

    Attributes
    ----------
    matrix
        X, (pixels, channels).
    rows, columns
        Factors of pixels and of channels.
    """

    matrix: Matrix
    rows: Float64Array
    columns: Float64Array

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        return self.matrix.shape

    @property
    def own(self) -> slice:
        """The rows that are here."""
        return self.matrix.own

    def times(self, basis: Float64Array) -> Float64Array:
        """``basis`` times the transpose of the scaled matrix, (k, rows)."""
        product: Float64Array = self.matrix.times(basis * self.columns) * self.rows
        return product

    def transposed_times(self, factor: Float64Array) -> Float64Array:
        """``factor`` times the scaled matrix, (k, columns)."""
        product: Float64Array = self.matrix.transposed_times(factor * self.rows) * self.columns
        return product

    def total(self, part: Float64Array) -> Float64Array:
        """Sum over all rows."""
        return self.matrix.total(part)

    @property
    def squared_norm(self) -> float:
        """Sum of squares, exact up to the trust one has in :func:`squared_row_norms`."""
        return float(squared_row_norms(self).sum())


def squared_row_norms(matrix: Matrix, rank: int = 30) -> Float64Array:
    """``|x_i|^2`` of every pixel, (pixels,): exact where the matrix can tell, else what its leading directions hold.

    What the directions miss is noise, shared out evenly.
    """
    exact: Callable[[], Float64Array] | None = getattr(matrix, "squared_row_norms", None)
    if exact is not None:
        return exact()
    if isinstance(matrix, Scaled) and np.all(matrix.columns == 1):
        scaled: Float64Array = matrix.rows**2 * squared_row_norms(matrix.matrix)
        return scaled
    left = compress(matrix, rank, 0).left
    held: Float64Array = np.einsum("ri,ri->i", left, left)
    if isinstance(matrix, Scaled):
        return held
    return np.where(held > 0, held + max(matrix.squared_norm - held.sum(), 0.0) / max(1, np.count_nonzero(held)), 0.0)


def one_process(matrix: Matrix) -> None:
    """Refuse rows that are shared out over processes."""
    if matrix.own != slice(0, matrix.shape[0]):
        raise ValueError("geometry needs all pixels in one process: run it without mpiexec, or give init= a start")


def check_components(matrix: Matrix, components: int) -> None:
    """Refuse a number of endmembers that the data cannot hold."""
    pixels, channels = matrix.shape
    if components < 1:
        raise ValueError(f"at least one endmember is needed, got {components}")
    if components > channels:
        raise ValueError(f"{components} endmembers cannot be told apart in {channels} channels: ask for {channels}")
    if components > pixels:
        raise ValueError(f"{components} endmembers cannot be told apart in {pixels} pixels: ask for {pixels} at most")
