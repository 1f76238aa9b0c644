"""Products with a handful of rows, in milliseconds: from how many components on is BLAS faster, up to which length panels?

    OPENBLAS_NUM_THREADS=1 python benchmarks/kernels.py [--rows 16384] [--channels 1535]

Medians of interleaved repeats, one thread. BLAS multiplies float64; kernels read each type as it is, tiles where it lies,
panels after a copy to the cache.
"""

from __future__ import annotations

import argparse
import time
from itertools import product
from statistics import median

import numpy as np

from mffnb.kernels import panels, products


def seconds(run) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=16384)
    parser.add_argument("--channels", type=int, default=1535)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 200, (options.rows, options.channels), dtype=np.uint8)
    kinds = {"float64": counts.astype(np.float64), "float32": counts.astype(np.float32), "uint8": counts}
    wide = kinds["float64"]
    ways = {"tiles": products, "panels": panels}
    names = ["BLAS", *(f"{kind} {way}" for kind in kinds for way in ways)]
    print("| k | " + " | ".join(f"{name}: rows, columns" for name in names) + " |")
    print("|---|" + "---|" * len(names))
    for k in (1, 2, 3, 4, 6, 8, 12, 16, 24):
        basis, factor = rng.random((k, options.channels)), rng.random((k, options.rows))
        across, down = np.empty((k, options.rows)), np.zeros((k, options.channels))
        runs = {"BLAS": (lambda b=basis: b @ wide.T, lambda f=factor: f @ wide)}
        for (kind, X), (way, kernels) in product(kinds.items(), ways.items()):
            runs[f"{kind} {way}"] = (
                lambda X=X, b=basis, out=across, kernels=kernels: kernels.times(X, b, out),
                lambda X=X, f=factor, out=down, kernels=kernels: kernels.add_times(X, f, out),
            )
        for pair in runs.values():  # compiled, and in the cache of code
            for run in pair:
                run()
        taken = {name: ([], []) for name in runs}
        for _ in range(options.repeats):
            for name, pair in runs.items():
                for run, times in zip(pair, taken[name], strict=True):
                    times.append(1e3 * seconds(run))
        cells = (", ".join(f"{median(times):.1f}" for times in pair) for pair in taken.values())
        print(f"| {k} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
