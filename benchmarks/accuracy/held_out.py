"""Poisson likelihood of hidden counts under least squares, Poisson scaling and Kullback-Leibler, on poplar wood.

    python -m benchmarks accuracy.held_out [--components 4] [--smoothness 0 1 100] [--share 0.1] [--splits 1] [--crop 256]

Random entries of the cube are hidden (NaN; all three noise models skip them) and scored by the Poisson log-likelihood of the model,
per hidden count: sum(x log m - m) / sum(x). A model that is zero where a count is hidden would score minus infinity, so one part
in 1000 of the mean spectrum is mixed into every model. The reference is the mean spectrum, scaled to each pixel. The same smoothness
means less for Kullback-Leibler, whose data are scaled to sum 1, than for least squares, whose data are scaled to norm 1.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import xarray as xr
from scipy.special import xlogy

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.timing import timed

METHODS = {
    "least squares": {},
    "least squares, Poisson scaling": {"weights": "poisson"},
    "Kullback-Leibler": {"similarity": "kl"},
}
FLOOR = 1e-3


def mean_spectrum(shown: xr.DataArray) -> xr.DataArray:
    """Counts per pixel, plus half a count in each channel so that no count is impossible."""
    return (shown.sum(("y", "x")) + 0.5) / shown.notnull().sum(("y", "x"))


def flat(shown: xr.DataArray) -> xr.DataArray:
    """The mean spectrum, scaled to the shown counts of each pixel."""
    spectrum = mean_spectrum(shown)
    return shown.sum("mz") / spectrum.where(shown.notnull()).sum("mz") * spectrum


def score(counts: xr.DataArray, entries: xr.DataArray, model: xr.DataArray, mean: xr.DataArray) -> float:
    """Poisson log-likelihood of the selected entries, per count."""
    x = counts.values[entries.values]
    m = ((1 - FLOOR) * model + FLOOR * mean).values[entries.values]
    return float((xlogy(x, m) - m).sum() / x.sum())


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--components", type=int, nargs="+", default=[4])
    options.add_argument("--smoothness", type=float, nargs="+", default=[0, 1, 100])
    options.add_argument("--share", type=float, default=0.1, help="share of hidden entries")
    options.add_argument("--splits", type=int, default=1)
    options.add_argument("--crop", type=int, default=256, help="pixels along each side")
    options.add_argument("--tol", type=float, default=1e-3)
    options.add_argument("--max-iter", type=int, default=500)
    chosen = options.parse_args(arguments)
    if chosen.quick:
        counts, chosen.smoothness = mf.datasets.tof_sims_2d(seed=0, shape=(12, 12)).cube.astype(float), [0.0]
    else:
        counts = mf.datasets.poplar().cube.astype(float)[: chosen.crop, : chosen.crop]
    print_header("model", "k", "smoothness", "split", "per shown count", "per hidden count", "iterations", "s", "ended")
    for split in range(chosen.splits):
        hidden = xr.zeros_like(counts, dtype=bool)
        hidden.values = np.random.default_rng(split).random(counts.shape) < chosen.share
        shown = counts.where(~hidden)
        mean = mean_spectrum(shown)

        def scores(model: xr.DataArray, hidden: xr.DataArray = hidden, mean: xr.DataArray = mean) -> list[str]:
            return [f"{score(counts, entries, model, mean):.3f}" for entries in (~hidden, hidden)]

        print_row("mean spectrum", 1, "", split, *scores(flat(shown)), "", "", "")
        for k, smoothness, (name, noise) in itertools.product(chosen.components, chosen.smoothness, METHODS.items()):
            settings = {"smoothness": smoothness, "tol": chosen.tol, "max_iter": chosen.max_iter} | noise
            result, seconds = timed(
                lambda k=k, settings=settings, shown=shown, split=split: mf.unmix(
                    shown, k, random_state=split, **settings
                )
            )
            run = result.trace.sizes["iteration"] - 1, f"{seconds:.0f}", result.outcome.name.lower()
            print_row(name, k, f"{smoothness:g}", split, *scores(result.reconstruction()), *run)
