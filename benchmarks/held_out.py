"""How likely counts are that were not shown: least squares, Poisson scaling and Kullback-Leibler on poplar wood.

    python benchmarks/held_out.py [--components 4] [--smoothness 0 1 100] [--share 0.1] [--splits 1] [--crop 256]

Entries of the cube are hidden at random (NaN, which every noise model fits around) and scored by the Poisson
log-likelihood that the model gives them, per hidden count: sum(x log m - m) / sum(x). A zero of the model where a count
is hidden would be infinitely bad, so that every model is mixed with 1 in 1000 of the mean spectrum. Beside them stands
the mean spectrum at the size of each pixel, which knows no substances. A smoothness means less to Kullback-Leibler,
whose data are scaled to sum 1, than to least squares, whose data are scaled to norm 1.
"""

from __future__ import annotations

import argparse
import itertools
import time
import warnings

import numpy as np
import xarray as xr
from scipy.special import xlogy

import mffnb as mf
from mffnb.errors import ConvergenceWarning

METHODS = {
    "least squares": {},
    "least squares, Poisson scaling": {"weights": "poisson"},
    "Kullback-Leibler": {"similarity": "kl"},
}
FLOOR = 1e-3


def mean_spectrum(shown: xr.DataArray) -> xr.DataArray:
    """Counts per pixel; half a count more in each channel, so that none is impossible."""
    return (shown.sum(("y", "x")) + 0.5) / shown.notnull().sum(("y", "x"))


def flat(shown: xr.DataArray) -> xr.DataArray:
    """The mean spectrum at the size of each pixel, judged on the entries that it has."""
    spectrum = mean_spectrum(shown)
    return shown.sum("mz") / spectrum.where(shown.notnull()).sum("mz") * spectrum


def score(counts: xr.DataArray, entries: xr.DataArray, model: xr.DataArray, mean: xr.DataArray) -> float:
    """Poisson log-likelihood per count of some of the entries."""
    x = counts.values[entries.values]
    m = ((1 - FLOOR) * model + FLOOR * mean).values[entries.values]
    return float((xlogy(x, m) - m).sum() / x.sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--components", type=int, nargs="+", default=[4])
    parser.add_argument("--smoothness", type=float, nargs="+", default=[0, 1, 100])
    parser.add_argument("--share", type=float, default=0.1)
    parser.add_argument("--splits", type=int, default=1)
    parser.add_argument("--crop", type=int, default=256, help="pixels along each side")
    parser.add_argument("--tol", type=float, default=1e-3)
    parser.add_argument("--max-iter", type=int, default=500)
    args = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)

    counts = mf.datasets.poplar().cube.astype(float)[: args.crop, : args.crop]
    print("| model | k | smoothness | split | per shown count | per hidden count | iterations | s | ended |")
    print("|---|---|---|---|---|---|---|---|---|")
    for split in range(args.splits):
        hidden = xr.zeros_like(counts, dtype=bool)
        hidden.values = np.random.default_rng(split).random(counts.shape) < args.share
        shown = counts.where(~hidden)
        mean = mean_spectrum(shown)
        of_shown, of_hidden = (score(counts, part, flat(shown), mean) for part in (~hidden, hidden))
        print(f"| mean spectrum | 1 | | {split} | {of_shown:.3f} | {of_hidden:.3f} | | | |", flush=True)
        cases = itertools.product(args.components, args.smoothness, METHODS.items())
        for k, smoothness, (name, options) in cases:
            begin = time.perf_counter()
            settings = {"smoothness": smoothness, "tol": args.tol, "max_iter": args.max_iter} | options
            result = mf.unmix(shown, k, random_state=split, **settings)
            seconds = time.perf_counter() - begin
            of_shown, of_hidden = (score(counts, part, result.reconstruction(), mean) for part in (~hidden, hidden))
            iterations, ended = result.trace.sizes["iteration"] - 1, result.outcome.name.lower()
            print(
                f"| {name} | {k} | {smoothness:g} | {split} | {of_shown:.3f} | {of_hidden:.3f} "
                f"| {iterations} | {seconds:.0f} | {ended} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
