"""Minima that starts of many components end in, relative to the best of ten random starts, on simulated scenes.

    python -m benchmarks accuracy.starts [--components 12 16 24 32] [--seeds 11 12] [--scenes counts peaks]

Each run goes on until its objective has settled. "Above": its minimum over the lowest of the ten random starts, minus one; negative
values are lower than all ten. Iterations and processor seconds (start included, one thread) are those to 1e-4 above the own
minimum. Scenes have fewer, as many, or more materials than components; their seeds are not those on which
`mffnb/solvers/basin_hopping.py` was chosen.

- tof-sims: 48 x 48 pixels, 1535 masses, 4 materials, few counts;
- counts: Poisson counts of mixtures of 20 random spectra, 4096 pixels, 300 channels;
- peaks: smooth maps of 16 spectra with 5 peaks each, Gaussian noise, 4096 pixels, 200 channels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

import numpy as np
from scipy.ndimage import gaussian_filter
from threadpoolctl import threadpool_limits

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.convergence import Curve, squared_residual
from benchmarks.shared.watched_methods import ours

ONE_THREAD = True
STARTS = ("nndsvd", "auto")
TOLERANCE = 1e-4


def tof_sims(seed: int, side: int) -> np.ndarray:
    X = mf.datasets.tof_sims_2d(seed=seed, shape=(side * 3 // 4, side * 3 // 4)).cube.values
    return X.reshape(-1, X.shape[-1]).astype(np.float64)


def counts(seed: int, side: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    E = rng.gamma(0.3, 1.0, (20, 300))
    return rng.poisson(200 * rng.dirichlet(np.full(20, 0.2), side**2) @ (E / E.sum(axis=1, keepdims=True))).astype(
        float
    )


def peaks(seed: int, side: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    channels, E = np.arange(200), np.zeros((16, 200))
    for spectrum in E:
        for _ in range(5):
            width = rng.uniform(2, 8)
            spectrum[:] += rng.gamma(1.0) * np.exp(-(((channels - rng.uniform(0, 200)) / width) ** 2) / 2)
    A = np.array([gaussian_filter(rng.standard_normal((side, side)), 4) for _ in E]).reshape(16, -1)
    A = np.exp(3 * A / A.std())
    X = (A / A.sum(axis=0)).T @ E
    return np.maximum(X + 0.05 * X.mean() * rng.standard_normal(X.shape), 0.0)


SCENES: dict[str, Callable[[int, int], np.ndarray]] = {"tof-sims": tof_sims, "counts": counts, "peaks": peaks}


def run(X: np.ndarray, k: int, init: str, seed: int, patience: float) -> Curve:
    return ours(X, k, init=init, random_state=seed).curve(squared_residual(X), TOLERANCE, patience)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--components", type=int, nargs="+", default=[12, 16, 24, 32])
    options.add_argument("--seeds", type=int, nargs="+", default=[11, 12])
    options.add_argument("--scenes", nargs="+", default=list(SCENES), choices=list(SCENES))
    options.add_argument("--restarts", type=int, default=10)
    options.add_argument("--patience", type=float, default=60.0, help="processor seconds after which a run is stopped")
    chosen = options.parse_args(arguments)
    ks, side, restarts = ([12], 16, 2) if chosen.quick else (chosen.components, 64, chosen.restarts)
    names = [f"{start}: {what}" for start in STARTS for what in ("above", "iterations", "seconds")]
    print_header("scene", "seed", "k", "median random start above", *names)
    above: dict[str, list[float]] = {start: [] for start in STARTS}
    with threadpool_limits(1):
        for name, seed, k in ((n, s, k) for n in chosen.scenes for s in chosen.seeds for k in ks):
            X = SCENES[name](seed, side)
            ours(X, k).stamps(2)  # compiles
            ends = [float(run(X, k, "random", s, chosen.patience).objective.min()) for s in range(restarts)]
            cells = []
            for start in STARTS:
                curve = run(X, k, start, 0, chosen.patience)
                lowest = float(curve.objective.min())
                number = curve.iterations_to(lowest * (1 + TOLERANCE))
                above[start].append(lowest / min(ends) - 1)
                cells += [f"{above[start][-1]:.1e}", number, f"{curve.seconds[number]:.2f}"]
            print_row(name, seed, k, f"{median(ends) / min(ends) - 1:.1e}", *cells)
    print()
    print_header("start", "above: median", "worst", "within 2e-4")
    for start, values in above.items():
        within = sum(value <= 2e-4 for value in values)
        print_row(start, f"{median(values):.1e}", f"{max(values):.1e}", f"{within} of {len(values)}")
