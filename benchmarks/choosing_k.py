"""What each criterion says about k, on simulated and on measured images.

    python benchmarks/choosing_k.py [--file no_pure_pixels.npz] [--only NAME ...] [--init 5] [--largest 8] [--seed 0]

A criterion's k: the lowest AIC, BIC and error of held-out entries; the highest dispersion, cophenetic correlation and
silhouette (the largest k where several share it); the last k before two components are alike (cosine above 0.95); the
elbow of the error; for split halves both readings, distinct and blurred, of `mffnb.selection.recommendation`; how many
images stand above noise. No setting was chosen by looking at the truth. Truth: for `raman_map` the four substances and
the two fluorophores that the simulation adds, four where there is no fluorescence; for chondro the groups that its
authors named.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
import xarray as xr

import mffnb as mf
from mffnb import datasets
from mffnb.datasets.mixed_oxide import PAPER_WINDOW

ALIKE = 0.95


def of(sample):
    return sample.cube


def patterns(sample):
    """Windows of the sliding FFT as pixels, frequencies as channels."""
    stack = PAPER_WINDOW.fit(sample.cube).transform(sample.cube)
    return stack.stack(frequency=stack.dims[2:]).reset_index("frequency", drop=True)


def without_pure_pixels(path, decibel, seed):
    content = np.load(path)
    X = content["abundances"].astype(np.float64) @ content["endmembers"].astype(np.float64)
    noise = np.sqrt(np.mean(X**2) / 10 ** (decibel / 10))
    return xr.DataArray(X + noise * np.random.default_rng(seed).standard_normal(X.shape), dims=("y", "x", "band"))


def scenes(path, seed):
    """Name, true k, and how to make the cube."""
    for counts in (200.0, 50.0):
        yield (
            f"`tof_sims_2d`, {counts:g} counts",
            4,
            lambda c=counts: of(datasets.tof_sims_2d(seed, shape=(64, 64), counts=c)),
        )
    for counts in (60.0, 15.0):
        yield (
            f"`tof_sims_3d`, {counts:g} counts",
            4,
            lambda c=counts: of(datasets.tof_sims_3d(seed, shape=(25, 16, 16), counts=c)),
        )
    for noise in (0.03, 0.1):
        yield (
            f"`cits_pnictide`, noise {noise:g}",
            3,
            lambda n=noise: of(datasets.cits_pnictide(seed, shape=(40, 50, 110), noise=n)),
        )
    for counts in (20000.0, 5000.0):
        yield (
            f"`raman_map`, {counts:g} counts",
            6,
            lambda c=counts: of(datasets.raman_map(seed, shape=(48, 48), counts=c)),
        )
    yield "`raman_map`, no fluorescence", 4, lambda: of(datasets.raman_map(seed, shape=(48, 48), fluorescence=0.0))
    for counts in (4e5, 1e5):
        yield (
            f"`eels_map`, {counts:g} counts",
            4,
            lambda c=counts: of(datasets.eels_map(seed, shape=(48, 64), counts=c)),
        )
    for counts in (1e4, 2e3):
        yield (
            f"`xdm_film`, {counts:g} counts",
            6,
            lambda c=counts: of(datasets.xdm_film(seed, shape=(100, 100), counts=c)),
        )
    for counts in (30.0, 10.0):
        yield (
            f"`stem_catalyst`, {counts:g} counts",
            2,
            lambda c=counts: patterns(datasets.stem_catalyst(seed, shape=(1024, 1024), counts=c)),
        )
    for decibel in (30, 40) if path else ():
        yield f"no pure pixels, {decibel} dB", 6, lambda d=decibel: without_pure_pixels(path, d, seed)
    yield "Samson", 3, lambda: of(datasets.samson())
    yield "chondro", 3, lambda: of(datasets.chondro())


def readings(scan):
    """What each criterion says."""
    table, ks = scan.table, np.array(scan.ks)

    def last_best(name, sign):
        values = sign * table[name].to_numpy()
        return int(ks[np.flatnonzero(values >= np.nanmax(values) - 1e-9)[-1]])

    alike = np.flatnonzero(table["similarity"].to_numpy() > ALIKE)
    advice = scan.recommend()
    blur = np.median(scan.evidence.angles / scan.evidence.within, axis=1)
    split = [
        int(ks[max(0, bad[0] - 1)]) if len(bad := np.flatnonzero(~(blur < most))) else int(ks[-1])
        for most in (0.1, 0.5)
    ]
    images = scan.evidence.images.values
    above = int((images > 2).sum())
    return {
        "AIC": last_best("aic", -1),
        "BIC": last_best("bic", -1),
        "held out": last_best("held_out", -1),
        "dispersion": last_best("dispersion", 1),
        "cophenetic": last_best("cophenetic", 1),
        "silhouette": last_best("silhouette", 1),
        "alike": int(ks[max(0, alike[0] - 1)]) if len(alike) else f"> {ks[-1] - 1}",
        "elbow": scan.elbow,
        "split halves": f"{split[0]}, {split[1]}",
        "images": "" if len(images) == 0 else above if above < len(images) else f">= {above}",
        "**recommended**": f"**{advice.k}**" if advice.k is not None else f"{advice.between[0]}-{advice.between[1]}?",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", help="simulation without pure pixels (.npz)")
    parser.add_argument("--only", nargs="+", help="data sets whose name contains one of these")
    parser.add_argument("--init", type=int, default=5)
    parser.add_argument("--largest", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    right = wrong = open_ = 0
    for name, true, load in scenes(options.file, options.seed):
        if options.only and not any(part in name for part in options.only):
            continue
        begin = time.perf_counter()
        scan = mf.selection.scan_rank(load(), range(2, options.largest + 1), n_init=options.init, random_state=0)
        found = readings(scan)
        if right + wrong + open_ == 0:
            print(f"| data set | k | {' | '.join(found)} | s |")
            print("|---" * (len(found) + 3) + "|")
        k = scan.recommend().k
        right, wrong, open_ = right + (k == true), wrong + (k not in (None, true)), open_ + (k is None)
        print(
            f"| {name} | {true} | {' | '.join(map(str, found.values()))} | {time.perf_counter() - begin:.0f} |",
            flush=True,
        )
    print(f"\n{right} right, {wrong} wrong, {open_} left open")


if __name__ == "__main__":
    main()
