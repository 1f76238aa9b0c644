"""Where an iteration begins: ahead of what was reached, in the direction in which it moved."""

from __future__ import annotations

from mffnb.kernels.compile import kernel
from mffnb.typing import Array


@kernel()
def run_ahead(reached: Array, before: Array, start: int, stop: int, beta: float) -> None:
    """Put columns of ``before`` ahead of ``reached``, both (k, entries), by beta times what moved, to half at least."""
    for j in range(reached.shape[0]):
        now, out = reached[j][start:stop], before[j][start:stop]
        for i in range(now.size):
            moved, half = now[i] + beta * (now[i] - out[i]), 0.5 * now[i]
            out[i] = moved if moved > half else half
