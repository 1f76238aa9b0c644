"""Exact least squares for known spectra, next to coordinate descent (HALS) and scipy's `nnls`.

    python -m benchmarks speed.known_endmembers [--pixels 100000] [--repeats 5]

Gaussian bands on 50 channels, apart or overlapping, noise of 5 %. Fractions are drawn from a Dirichlet distribution, or are smooth
maps, where neighbours have the same components. All methods take turns. Those of mffnb start from the Gram matrix; `nnls` needs
the data themselves and solves every hundredth pixel. `hals` sweeps until no abundance is farther than 1e-8 from the exact one; the
number of sweeps is found beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from statistics import median

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.optimize import nnls

from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.timing import taking_turns, timed
from mffnb.kernels import hals, pivoting, simplex

CHANNELS, NNLS_EVERY = 50, 100
# Width of a band in units of the distance between bands; whether maps are smooth.
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
    """Methods that are timed, each called with a start (k, pixels), and the number of HALS sweeps."""
    k, n = len(E), len(X)
    gram, cross = E @ E.T, np.ascontiguousarray(E @ X.T)
    zero, half, free, ones = np.zeros(k), np.full(k, 0.5), np.full(k, np.inf), np.ones(n)
    exact = np.zeros_like(cross)
    pivoting.solve_box(exact, gram, cross, zero, free, ones)
    sweeps = sweeps_to(exact, gram, cross)
    return {
        "non-negative": lambda factor: pivoting.solve_box(factor, gram, cross, zero, free, ones),
        "box": lambda factor: pivoting.solve_box(factor, gram, cross, zero, half, ones),
        "sum to one": lambda factor: simplex.sweep_simplex(factor, gram, cross, ones[:1]),
        "hals": lambda factor: hals.sweep_non_negative(factor, gram, cross, sweeps),
        "nnls": lambda _: [nnls(E.T, x) for x in X[::NNLS_EVERY]],
    }, sweeps


def seconds(run: Callable[[np.ndarray], object], k: int, pixels: int) -> float:
    """Seconds of a run from equal fractions."""
    start = np.full((k, pixels), 1 / k)
    return timed(lambda: run(start))[1]


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--pixels", type=int, default=100_000)
    options.add_argument("--repeats", type=int, default=5)
    chosen = options.parse_args(arguments)
    n, ks = (400, (3,)) if chosen.quick else (chosen.pixels, (3, 6, 12))
    ways = ("non-negative", "box", "sum to one", "hals to 1e-8 (sweeps)", "nnls", "nnls / ours")
    print_header("ms per 100k pixels", "k", *ways)
    for (case, (width, smooth)), k in product(CASES.items(), ks):
        runs, sweeps = ways_to(*mixtures(k, n, width, smooth=smooth))
        turns = taking_turns(
            {name: lambda run=run, k=k: seconds(run, k, n) for name, run in runs.items()}, chosen.repeats + 1
        )
        ms = {name: 1e8 / n * median(times[1:]) for name, times in turns.items()}  # the first run may compile
        ms["nnls"] *= NNLS_EVERY
        cells = [f"{ms[name]:.0f}" for name in ("non-negative", "box", "sum to one")]
        print_row(
            case,
            k,
            *cells,
            f"{ms['hals']:.0f} ({sweeps})",
            f"{ms['nnls']:.0f}",
            f"{ms['nnls'] / ms['non-negative']:.0f}",
        )
