"""Extrapolation (momentum) of a factor beyond its last iterate."""

from __future__ import annotations

from mffnb.kernels.compile import kernel
from mffnb.typing import Array


@kernel()
def extrapolate(reached: Array, before: Array, start: int, stop: int, beta: float) -> None:
    """Overwrite ``before`` by the extrapolated iterate ``reached + beta (reached - before)``.

    ``reached`` is the current and ``before`` the previous iterate, both (k, entries); the columns ``start:stop`` are
    updated. Entries are limited to at least half of ``reached``, so that they stay positive.
    """
    for j in range(reached.shape[0]):
        now, out = reached[j][start:stop], before[j][start:stop]
        for i in range(now.size):
            moved, half = now[i] + beta * (now[i] - out[i]), 0.5 * now[i]
            out[i] = moved if moved > half else half
