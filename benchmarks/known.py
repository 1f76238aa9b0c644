"""How long exact least squares takes when the spectra are known, beside other ways to the same answer.

    python benchmarks/known.py [--pixels 100000] [--repeat 5]

Gaussian bands on 50 channels, far apart or overlapping, noise of 5 %; fractions from a Dirichlet distribution, or smooth
maps, where neighbours agree on which components are present. All ways run in turn, from the same Gram matrix; scipy's
`nnls` needs the data themselves and runs on every hundredth pixel. `hals` sweeps until no abundance is farther than 1e-8
from the exact one (found out beforehand).
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.optimize import nnls

from mffnb.kernels import hals, pivoting, simplex

CHANNELS = 50
# Width of a band in distances between bands, and whether maps are smooth.
CASES = {
    "apart, random order": (0.6, False),
    "apart, smooth maps": (0.6, True),
    "overlapping, smooth maps": (1.2, True),
}


def mixtures(k: int, pixels: int, width: float, *, smooth: bool) -> tuple[np.ndarray, np.ndarray]:
    """Endmembers (k, channels) and data (pixels, channels)."""
    rng = np.random.default_rng(k)
    position, centres = np.linspace(0, 1, CHANNELS), (np.arange(k) + 0.5) / k
    endmembers = np.exp(-(((position - centres[:, None]) * k / width) ** 2)) + 0.1
    if smooth:
        side = int(pixels**0.5) + 1
        maps = np.array([gaussian_filter(rng.standard_normal((side, side)), 8) for _ in range(k)])
        maps = np.maximum(maps / maps.std(), 0).reshape(k, -1)[:, :pixels].T + 1e-9
        abundances = maps / maps.sum(axis=1, keepdims=True)
    else:
        abundances = rng.dirichlet(np.full(k, 0.3), pixels)
    return endmembers, abundances @ endmembers + 0.05 * rng.standard_normal((pixels, CHANNELS))


def sweeps_to(exact: np.ndarray, gram: np.ndarray, cross: np.ndarray) -> int:
    """HALS sweeps from equal fractions to within 1e-8 of the exact abundances."""
    factor, sweeps = np.full_like(exact, 1 / len(exact)), 0
    while np.abs(factor - exact).max() > 1e-8:
        hals.sweep_non_negative(factor, gram, cross, 1)
        sweeps += 1
    return sweeps


def ways_to(E: np.ndarray, X: np.ndarray) -> tuple[dict[str, Callable[[np.ndarray], object]], int]:
    """What is timed, each given a start (k, pixels), and the number of HALS sweeps."""
    k, n = len(E), len(X)
    gram, cross = E @ E.T, np.ascontiguousarray(E @ X.T)
    zero, half, free, ones = np.zeros(k), np.full(k, 0.5), np.full(k, np.inf), np.ones(n)
    exact = np.zeros_like(cross)
    pivoting.solve_box(exact, gram, cross, zero, free, ones)
    sweeps = sweeps_to(exact, gram, cross)
    return {
        "non-negative": lambda factor: pivoting.solve_box(factor, gram, cross, zero, free, ones),
        "box": lambda factor: pivoting.solve_box(factor, gram, cross, zero, half, ones),
        "sum to one": lambda factor: simplex.sweep_simplex(factor, gram, cross),
        "hals": lambda factor: hals.sweep_non_negative(factor, gram, cross, sweeps),
        "nnls": lambda _: [nnls(E.T, x) for x in X[::100]],
    }, sweeps


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pixels", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    n = options.pixels
    print("| ms per 100k pixels | k | non-negative | box | sum to one | hals to 1e-8 (sweeps) | nnls | nnls / ours |")
    print("|---|---|---|---|---|---|---|---|")
    for case, (width, smooth) in CASES.items():
        for k in (3, 6, 12):
            ways, sweeps = ways_to(*mixtures(k, n, width, smooth=smooth))
            taken = {name: [] for name in ways}
            for repeat in range(options.repeat + 1):  # interleaved: a busy moment hits all of them
                for name, way in ways.items():
                    start = np.full((k, n), 1 / k)
                    begin = time.perf_counter()
                    way(start)
                    if repeat:  # the first one may compile
                        taken[name].append(time.perf_counter() - begin)
            ms = {name: 1e8 / n * statistics.median(times) for name, times in taken.items()}
            ms["nnls"] *= 100
            print(
                f"| {case} | {k} | {ms['non-negative']:.0f} | {ms['box']:.0f} | "
                f"{ms['sum to one']:.0f} | {ms['hals']:.0f} ({sweeps}) | {ms['nnls']:.0f} | "
                f"{ms['nnls'] / ms['non-negative']:.0f} |"
            )


if __name__ == "__main__":
    main()
