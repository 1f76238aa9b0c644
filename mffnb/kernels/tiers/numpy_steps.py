"""NumPy steps for least squares: products with X, coordinate descent, extrapolation, compression, graph Laplacian.

Each function has the arguments and the result of the kernel of the same name in :mod:`mffnb.kernels`, up to rounding.
Work is done in pieces that stay in the second-level cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mffnb.typing import Array, Float64Array

_PIECE_BYTES = 2**20  # size of a piece of X that is converted to float64 at once
_ENTRIES = 4096  # number of entries of a factor that are swept together
_MIN_CURVATURE = 1e-290  # smaller diagonal elements of a Gram matrix count as zero, as in the kernels


def times(block: Array, basis: Float64Array) -> Float64Array:
    """Compute ``basis block^T``, (k, rows), for a dense block of rows (rows, columns)."""
    if block.dtype == np.float64:
        return np.asarray(basis @ block.T)
    out = np.empty((len(basis), block.shape[0]))
    for rows, piece in _pieces(block):
        out[:, rows] = basis @ piece.T
    return out


def add_times(block: Array, factor: Float64Array, out: Float64Array) -> None:
    """Add ``factor block``, (k, columns), to ``out``, for a factor (k, rows)."""
    if block.dtype == np.float64:
        out += factor @ block
        return
    for rows, piece in _pieces(block):
        out += factor[:, rows] @ piece


def sparse_times(block: Any, basis: Float64Array) -> Float64Array:
    """Compute ``basis block^T``, (k, rows), for a block in compressed rows (indptr, indices, data, columns)."""
    return np.ascontiguousarray((_as_scipy(block) @ np.ascontiguousarray(basis.T)).T)


def add_sparse_times(block: Any, factor: Float64Array, out: Float64Array) -> None:
    """Add ``factor block``, (k, columns), to ``out``, for a block in compressed rows."""
    out += (_as_scipy(block).T @ np.ascontiguousarray(factor.T)).T


def sweep_non_negative(factor: Float64Array, gram: Float64Array, cross: Float64Array, sweeps: int) -> float:
    """Sweep coordinate descent (HALS) over a non-negative factor; return the squared step of the first sweep."""
    moved = 0.0
    for entries, part, pull in _parts(factor, cross):
        for sweep in range(sweeps):
            for j in range(len(factor)):
                curvature = gram[j, j]
                if curvature > _MIN_CURVATURE:
                    new = np.maximum(part[j] + (pull[j] - gram[j] @ part) / curvature, 0.0)
                    if sweep == 0:
                        step = new - part[j]
                        moved += curvature * float(step @ step)
                    part[j] = new
                else:  # the data do not determine this component; a penalty is minimal at zero
                    part[j, pull[j] < 0] = 0.0
        factor[:, entries] = part
    return moved


def sweep_box(
    factor: Float64Array, gram: Float64Array, cross: Float64Array, lower: Array, upper: Array, sweeps: int
) -> float:
    """Sweep coordinate descent over rows with bounds ``lower <= f <= upper``, each of shape (entries,)."""
    moved = 0.0
    for sweep in range(sweeps):
        for j in range(len(factor)):
            curvature = gram[j, j]
            rhs = cross[j] - gram[j] @ factor + curvature * factor[j]
            new = rhs / curvature if curvature > 0 else np.where(rhs >= 0, factor[j], 0.0)
            new = np.minimum(np.maximum(new, lower), upper)
            if sweep == 0:
                moved += curvature * float(np.sum((new - factor[j]) ** 2))
            factor[j] = new
    return moved


def sweep_ball(factor: Float64Array, gram: Float64Array, cross: Float64Array, radius: float, sweeps: int) -> float:
    """Sweep coordinate descent over non-negative rows with ``|f_j| <= radius``."""
    moved = 0.0
    for sweep in range(sweeps):
        for j in range(len(factor)):
            curvature, old = gram[j, j], factor[j].copy()
            if curvature > 0:
                factor[j] = np.maximum(old + (cross[j] - gram[j] @ factor) / curvature, 0.0)
            else:
                factor[j, cross[j] < 0] = 0.0
            norm = float(np.linalg.norm(factor[j]))
            if norm > radius:
                factor[j] *= radius / norm
            if sweep == 0:
                moved += curvature * float(np.sum((factor[j] - old) ** 2))
    return moved


def extrapolate(reached: Float64Array, before: Float64Array, start: int, stop: int, beta: float) -> None:
    """Overwrite the columns ``start:stop`` of ``before`` by the extrapolated iterate, at least half of ``reached``."""
    now, out = reached[:, start:stop], before[:, start:stop]
    out[:] = np.maximum(now + beta * (now - out), 0.5 * now)


def count_nonzeros(X: Array, filled: Array) -> tuple[float, float, float]:
    """Count the nonzero entries of each row, and test whether X holds counts that fit one or two bytes."""
    broken = above_byte = above_two_bytes = 0.0
    for rows, piece in _pieces(X, X.dtype):
        filled[rows] = np.count_nonzero(piece, axis=1)
        if X.dtype.kind != "u":
            wide = piece.astype(np.float64, copy=False)
            broken += float(np.sum(np.abs(wide) - np.floor(wide)))
        if X.dtype.itemsize > 1:
            above_byte += float(np.count_nonzero(piece > 255))
        if X.dtype.itemsize > 2:
            above_two_bytes += float(np.count_nonzero(piece > 65535))
    return broken, above_byte, above_two_bytes


def compress_rows(X: Array, indptr: Array, indices: Array, data: Array) -> None:
    """Write the nonzero entries of X into compressed sparse rows that begin at ``indptr``."""
    for rows, piece in _pieces(X, X.dtype):
        flat = np.flatnonzero(piece)
        here = slice(indptr[rows.start], indptr[rows.stop])
        indices[here] = flat % X.shape[1]
        data[here] = piece.ravel()[flat]


def transpose_rows(indptr: Array, indices: Array, data: Array, begins: Array, rows: Array, values: Array) -> None:
    """Convert compressed sparse rows (CSR) to compressed sparse columns (CSC)."""
    order = np.argsort(indices, kind="stable")  # a stable sort keeps the rows of each column in order
    rows[: begins[-1]] = np.repeat(np.arange(indptr.size - 1), np.diff(indptr))[order]
    values[: begins[-1]] = data[order]


def laplacian_times(factor: Float64Array, indptr: Array, indices: Array, weights: Float64Array) -> Float64Array:
    """Multiply each row of ``factor`` by the graph Laplacian: ``sum w (f_i - f_i')`` over the neighbours of i."""
    entries = indptr.size - 1
    adjacency = _csr((weights, indices, indptr), (entries, factor.shape[1]))
    degree = np.asarray(adjacency.sum(axis=1)).ravel()
    return np.ascontiguousarray(degree * factor[:, :entries] - (adjacency @ np.ascontiguousarray(factor.T)).T)


def roughness(factor: Float64Array, indptr: Array, indices: Array, weights: Float64Array) -> float:
    """Compute ``sum_j sum_edges w (f_ji - f_ji')^2``, the quadratic form of the graph Laplacian."""
    here = np.repeat(np.arange(indptr.size - 1), np.diff(indptr))
    return sum(float(weights @ (row[here] - row[indices]) ** 2) for row in factor) / 2


def impute(band: Array, weights: Array, model: Float64Array) -> None:
    """Overwrite ``model`` by ``w x + (1 - w) model`` where the data x are not NaN."""
    step = weights * (band - model)
    np.add(model, step, out=model, where=~np.isnan(band))


def squared_residual(band: Array, weights: Array, model: Float64Array) -> float:
    """Compute ``sum w (x - model)^2`` over the entries x of ``band`` that are not NaN."""
    return float(np.sum(weights * (band - model) ** 2, where=~np.isnan(band)))


def _pieces(block: Array, kind: Any = np.float64) -> Iterator[tuple[slice, Array]]:
    """Yield (rows, numbers of these rows in the given type) of pieces of a block that stay in the cache."""
    step = max(1, _PIECE_BYTES // (8 * max(1, block.shape[1])))
    for start in range(0, block.shape[0], step):
        stop = min(start + step, block.shape[0])
        yield slice(start, stop), block[start:stop].astype(kind, copy=False)


def _parts(factor: Float64Array, cross: Float64Array) -> Iterator[tuple[slice, Float64Array, Float64Array]]:
    """Yield (entries, copy of the factor, cross product) of ranges of entries that stay in the cache."""
    for start in range(0, factor.shape[1], _ENTRIES):
        entries = slice(start, start + _ENTRIES)
        yield entries, np.ascontiguousarray(factor[:, entries]).copy(), cross[:, entries]


def _as_scipy(block: Any) -> Any:
    """Return a block of compressed rows as a SciPy array; ``indptr`` holds offsets into all of ``data``."""
    here = slice(block.indptr[0], block.indptr[-1])
    parts = block.data[here].astype(np.float64), block.indices[here], block.indptr - block.indptr[0]
    return _csr(parts, (block.indptr.size - 1, block.columns))


def _csr(parts: tuple[Array, Array, Array], shape: tuple[int, int]) -> Any:
    """Return compressed rows (data, indices, indptr) as a SciPy array, with indices of the type that SciPy needs."""
    from scipy import sparse  # noqa: PLC0415  slow import, not needed for dense data

    data, indices, indptr = parts
    kind = np.int32 if max(indptr[-1], *shape) < 2**31 else np.int64
    return sparse.csr_array((data, indices.astype(kind, copy=False), indptr.astype(kind, copy=False)), shape=shape)
