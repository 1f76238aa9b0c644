"""Milliseconds per iteration against the number of components, for each type of number that X is stored in.

    python -m benchmarks speed.components [--components 4 8 16 24 32 48] [--side 128]

X is the synthetic time-of-flight image, of which 8 % is nonzero, and the same with one added to every entry. Processor time, one
thread, the best of repeats: a long fit minus a short one, so that the start does not count.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from mffnb.errors import ConvergenceWarning

ONE_THREAD = True
SHORT, LONG = 4, 16


def seconds(X: Any, k: int, iterations: int) -> float:
    """Processor time of a fit of a fixed number of iterations."""
    begin = time.process_time()
    mf.MatrixFactorization(k, max_iter=iterations, tol=0, random_state=0).fit(X)
    return time.process_time() - begin


def per_iteration(X: Any, k: int, repeats: int) -> float:
    """Processor time of one iteration, after a fit that loads the kernels."""
    seconds(X, k, 2)
    runs = [[seconds(X, k, iterations) for _ in range(repeats)] for iterations in (SHORT, LONG)]
    return (min(runs[1]) - min(runs[0])) / (LONG - SHORT)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--components", type=int, nargs="+", default=[4, 8, 16, 24, 32, 48])
    options.add_argument("--side", type=int, default=128)
    options.add_argument("--repeats", type=int, default=3)
    chosen = options.parse_args(arguments)
    ks, side, repeats = ([2], 8, 1) if chosen.quick else (chosen.components, chosen.side, chosen.repeats)
    cube = mf.datasets.tof_sims_2d(seed=0, shape=(side, side)).cube
    counts = np.asarray(cube.values.reshape(side * side, -1)).astype(np.uint8)
    data: dict[str, Any] = {}
    for name, X in (("8 % nonzero", counts), ("all nonzero", counts + np.uint8(1))):
        data |= {f"{kind}, {name}": X.astype(kind) for kind in ("uint8", "uint16", "float32", "float64")}
    data["CSR of float64"] = sparse.csr_array(counts.astype(np.float64))
    print_header("ms per iteration", *(f"k = {k}" for k in ks))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for name, X in data.items():
            print_row(name, *(f"{1e3 * per_iteration(X, k, repeats):.1f}" for k in ks))
