"""Two rows trade places: what was reached becomes settled, and the next step begins ahead of it."""

from __future__ import annotations

from mffnb.kernels.compile import kernel
from mffnb.typing import Array


@kernel()
def run_ahead(settled: Array, ahead: Array, beta: float) -> None:
    """Settle ``ahead``, both (entries,), and move it on by beta times what it moved, down to half at most."""
    for i in range(settled.size):
        reached = ahead[i]
        moved, half = reached + beta * (reached - settled[i]), 0.5 * reached
        ahead[i] = moved if moved > half else half
        settled[i] = reached
