"""Number of components k by each criterion, on simulated and measured images.

    python -m benchmarks accuracy.rank [--file no_pure_pixels.npz] [--only NAME ...] [--init 5] [--largest 8] [--seed 0]

A criterion's k: the lowest AIC, BIC and error of held-out entries; the highest dispersion, cophenetic correlation and
silhouette (the largest k if several are equal); the last k before two components are similar (cosine above 0.95); the elbow of the
error; for split halves the last k that is distinct and the last that is kept at all, as in `mffnb.selection.recommendation`;
the number of images above the noise. No setting was chosen by the truth. Truth: for `raman_map` the four substances
and the two fluorophores of the simulation, four without fluorescence; for chondro the groups that its authors named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import xarray as xr

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.scenes import without_pure_pixels
from benchmarks.shared.timing import timed
from mffnb import datasets
from mffnb.datasets.mixed_oxide import PAPER_WINDOW

SIMILAR = 0.95  # cosine
# Data set, true k, size, and what is varied with its values.
SIMULATED = [
    ("tof_sims_2d", 4, (64, 64), "counts", (200.0, 50.0)),
    ("tof_sims_3d", 4, (25, 16, 16), "counts", (60.0, 15.0)),
    ("cits_pnictide", 3, (40, 50, 110), "noise", (0.03, 0.1)),
    ("raman_map", 6, (48, 48), "counts", (20000.0, 5000.0)),
    ("raman_map", 4, (48, 48), "fluorescence", (0.0,)),
    ("eels_map", 4, (48, 64), "counts", (4e5, 1e5)),
    ("xdm_film", 6, (100, 100), "counts", (1e4, 2e3)),
    ("stem_catalyst", 2, (1024, 1024), "counts", (30.0, 10.0)),
]
WORDS = {"counts": "{:g} counts", "noise": "noise {:g}", "fluorescence": "no fluorescence"}
Case = tuple[str, int, Callable[[], xr.DataArray]]


def simulated(name: str, seed: int, **settings: object) -> xr.DataArray:
    cube = getattr(datasets, name)(seed, **settings).cube
    return windows(cube) if name == "stem_catalyst" else cube


def windows(image: xr.DataArray) -> xr.DataArray:
    """Windows of the sliding FFT as pixels, frequencies as channels."""
    stack = PAPER_WINDOW.fit(image).transform(image)
    return stack.stack(frequency=stack.dims[2:]).reset_index("frequency", drop=True)


def no_pure_pixels(path: str, decibel: float, seed: int) -> xr.DataArray:
    X = without_pure_pixels(path, decibel)(seed)[0]
    shape = np.load(path)["abundances"].shape[:2]
    return xr.DataArray(X.reshape(*shape, -1), dims=("y", "x", "band"))


def cases(path: str | None, seed: int) -> Iterator[Case]:
    """Name, true k, and the function that makes the cube."""
    for name, k, shape, varied, values in SIMULATED:
        for value in values:
            label = f"`{name}`, " + WORDS[varied].format(value)
            yield label, k, partial(simulated, name, seed, shape=shape, **{varied: value})
    for decibel in (30, 40) if path else ():
        yield f"no pure pixels, {decibel} dB", 6, partial(no_pure_pixels, path, decibel, seed)
    yield "Samson", 3, lambda: datasets.samson().cube
    yield "chondro", 3, lambda: datasets.chondro().cube


def readings(scan: mf.selection.RankScan) -> dict[str, object]:
    """The k of each criterion."""
    table, ks = scan.table, np.array(scan.ks)

    def last_best(name: str, sign: int) -> int:
        values = sign * table[name].to_numpy()
        return int(ks[np.flatnonzero(values >= np.nanmax(values) - 1e-9)[-1]])

    similar = np.flatnonzero(table["similarity"].to_numpy() > SIMILAR)
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
        "alike": int(ks[max(0, similar[0] - 1)]) if len(similar) else f"> {ks[-1] - 1}",
        "elbow": scan.elbow,
        "split halves": f"{split[0]}, {split[1]}",
        "images": "" if len(images) == 0 else above if above < len(images) else f">= {above}",
        "**recommended**": f"**{advice.k}**" if advice.k is not None else f"{advice.between[0]}-{advice.between[1]}?",
    }


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--file", help="simulation without pure pixels (.npz)")
    options.add_argument("--only", nargs="+", help="data sets whose name contains one of these")
    options.add_argument("--init", type=int, default=5, help="restarts of each k")
    options.add_argument("--largest", type=int, default=8)
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args(arguments)
    largest, init = (3, 2) if chosen.quick else (chosen.largest, chosen.init)
    small = partial(simulated, "cits_pnictide", chosen.seed, shape=(12, 16, 40))
    verdicts: list[str] = []
    for name, true, load in [("small", 3, small)] if chosen.quick else cases(chosen.file, chosen.seed):
        if chosen.only and not any(part in name for part in chosen.only):
            continue
        scan, seconds = timed(
            lambda load=load: mf.selection.scan_rank(load(), range(2, largest + 1), n_init=init, random_state=0)
        )
        found, k = readings(scan), scan.recommend().k
        if not verdicts:
            print_header("data set", "k", *found, "s")
        verdicts.append("open" if k is None else "right" if k == true else "wrong")
        print_row(name, true, *found.values(), f"{seconds:.0f}")
    print("\n{} right, {} wrong, {} left open".format(*(verdicts.count(word) for word in ("right", "wrong", "open"))))
