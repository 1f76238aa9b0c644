"""Two arrays trade places: what was reached becomes settled, and the next step begins ahead of it."""

from __future__ import annotations

from mffnb.kernels.compile import kernel
from mffnb.typing import Array


@kernel()
def run_ahead(settled: Array, ahead: Array, beta: float) -> None:
    """Settle ``ahead``, both (k, entries), and move it on by beta times what it moved, down to half at most."""
    for j in range(settled.shape[0]):
        for i in range(settled.shape[1]):
            reached = ahead[j, i]
            ahead[j, i] = max(0.5 * reached, reached + beta * (reached - settled[j, i]))
            settled[j, i] = reached
