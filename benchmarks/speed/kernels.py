"""Products of X with a few rows: from how many components BLAS is faster than tiles, and up to which length panels are.

    python -m benchmarks speed.kernels [--rows 16384] [--channels 1535]

Milliseconds, medians of repeats that take turns, one thread. BLAS multiplies float64; the kernels read each type as it is: tiles
from where X is stored, panels after a copy to the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from statistics import median

import numpy as np

from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.timing import seconds_in_turn
from mffnb.kernels import panels, products

ONE_THREAD = True
WAYS = {"tiles": products, "panels": panels}
KINDS = ("float64", "float32", "uint8")


def products_of(counts: np.ndarray, k: int, rng: np.random.Generator) -> dict[tuple[str, str], Callable[[], object]]:
    """What is timed: over the rows of X (factor of pixels) and over its columns, by BLAS and by each kernel."""
    (rows, channels), wide = counts.shape, counts.astype(np.float64)
    basis, factor = rng.random((k, channels)), rng.random((k, rows))
    across, down = np.empty((k, rows)), np.zeros((k, channels))
    runs: dict[tuple[str, str], Callable[[], object]] = {
        ("BLAS", "rows"): lambda: basis @ wide.T,
        ("BLAS", "columns"): lambda: factor @ wide,
    }
    for kind, (way, kernels) in product(KINDS, WAYS.items()):
        X = counts.astype(kind)
        runs[f"{kind} {way}", "rows"] = lambda X=X, kernels=kernels: kernels.times(X, basis, across)
        runs[f"{kind} {way}", "columns"] = lambda X=X, kernels=kernels: kernels.add_times(X, factor, down)
    return runs


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--rows", type=int, default=16384)
    options.add_argument("--channels", type=int, default=1535)
    options.add_argument("--repeats", type=int, default=7)
    chosen = options.parse_args(arguments)
    rng = np.random.default_rng(0)
    shape = (64, 48) if chosen.quick else (chosen.rows, chosen.channels)
    counts = rng.integers(0, 200, shape, dtype=np.uint8)
    names = ["BLAS", *(f"{kind} {way}" for kind in KINDS for way in WAYS)]
    print_header("k", *(f"{name}: rows, columns" for name in names))
    for k in (1, 2) if chosen.quick else (1, 2, 3, 4, 6, 8, 12, 16, 24):
        taken = seconds_in_turn(products_of(counts, k, rng), chosen.repeats)
        ms = {run: f"{1e3 * median(times):.1f}" for run, times in taken.items()}
        print_row(k, *(f"{ms[name, 'rows']}, {ms[name, 'columns']}" for name in names))
