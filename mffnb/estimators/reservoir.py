"""Uniform random sample of the rows of a stream, in constant memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from mffnb.typing import Array, Float64Array

_BYTES = 16 * 2**20  # largest size of a sample; a fit of it needs a small multiple
_MOST_ROWS, _FEWEST_ROWS = 2**14, 256


class Reservoir:
    """Uniform random sample of all rows that were added, of at most ``capacity`` rows (reservoir sampling).

    The number of rows is chosen at the first call: what fits into 16 MB, but 256 to 16384 rows.

    Source: Vitter 1985, ACM Trans. Math. Software 11:37, algorithm R.

    Parameters
    ----------
    seed
        Seed of the random choice.

    Attributes
    ----------
    rows
        The sample, (at most ``capacity``, channels), an array or a sparse array in compressed rows; None at first.
    abundances
        Abundances that were added with these rows, (rows of the sample, k).
    seen
        Number of rows that were added.

    Examples
    --------
    >>> sample = Reservoir(seed=0)
    >>> for _ in range(3):
    ...     sample.add(np.ones((10000, 20)), np.zeros((10000, 2)))
    >>> sample.rows.shape, sample.abundances.shape, sample.seen
    ((16384, 20), (16384, 2), 30000)
    """

    def __init__(self, seed: int):
        self.rows: Any = None
        self.abundances: Float64Array = np.empty((0, 0))
        self.seen, self.capacity = 0, 0
        self._generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(6,)))

    @property
    def complete(self) -> bool:
        """Whether the sample holds all rows that were added."""
        return self.seen <= self.capacity

    def add(self, rows: Any, abundances: Float64Array) -> None:
        """Add rows of the stream with their abundances.

        Parameters
        ----------
        rows
            (rows, channels): an array, or a sparse array in compressed rows.
        abundances
            (rows, k).
        """
        count = rows.shape[0]
        if self.rows is None:
            self.rows, self.abundances = rows[:0], abundances[:0]
            self.capacity = int(np.clip(_BYTES // max(_row_bytes(rows), 1), _FEWEST_ROWS, _MOST_ROWS))
        kept = self.rows.shape[0]
        fresh = min(max(self.capacity - kept, 0), count)
        # A later row t (from 1) replaces a random one of the first t positions, if that is one of the sample.
        numbers = self.seen + np.arange(fresh, count) + 1
        position = self._generator.integers(0, numbers)
        enters = position < self.capacity
        # Index of the row, in the old sample followed by the new rows, that each position holds in the end.
        source = np.arange(kept + fresh)
        source[position[enters]] = kept + np.arange(fresh, count)[enters]
        self.seen += count
        self.abundances = np.concatenate([self.abundances, abundances])[source]
        self._take(rows, source, kept)

    def _take(self, rows: Any, source: Array, kept: int) -> None:
        """Replace the sample by the given rows of the old sample followed by ``rows``."""
        if sparse.issparse(rows) or sparse.issparse(self.rows):
            both = sparse.vstack([sparse.csr_array(self.rows), sparse.csr_array(rows)], format="csr")
            self.rows = both[source]
            return
        kind = np.result_type(self.rows, rows)
        if len(source) > kept or kind != self.rows.dtype:
            larger = np.empty((len(source), rows.shape[1]), kind)
            larger[:kept] = self.rows
            self.rows = larger
        new = np.flatnonzero(source >= kept)
        self.rows[new] = rows[source[new] - kept]


def _row_bytes(rows: Any) -> int:
    """Return the mean number of bytes of a row."""
    held = rows.data.nbytes + rows.indices.nbytes if sparse.issparse(rows) else rows.nbytes
    return int(held // max(rows.shape[0], 1))
