"""Unmix a simulated imzML file on the command line: 256 x 256 pixels, 150 000 m/z bins, about 300 peaks a pixel (Linux).

    python -m benchmarks io.large_imzml [--side 256] [--bins 150000] [--ions 340]

Five spectra with peaks of lognormal size, and smooth maps that sum to one; each pixel draws a number of ions from its
mixture. The file is written by pyimzml in processed mode. `mffnb unmix -k 5` runs in a process of its own; seconds are processor time
and wall time of that process, the peak is its ru_maxrss. The limits are 2 GB and 2 minutes; a dense float64 copy would take 79 GB.
The angle between a spectrum and the true one it is assigned to is the largest of the five, and the map error is the largest mean error.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.optimize import linear_sum_assignment

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.processes import environment

ONE_THREAD = True
K = 5
MEMORY, SECONDS = 2e9, 120.0


def scene(side: int, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Return true maps (k, y, x) that sum to one, and spectra (k, bins) that sum to one."""
    rng = np.random.default_rng(0)
    fields = np.stack([gaussian_filter(rng.standard_normal((side, side)), side / 16, mode="wrap") for _ in range(K)])
    weights = np.exp(4 * fields / fields.std())
    spectra = rng.lognormal(0, 2.5, (K, bins))
    return weights / weights.sum(axis=0), spectra / spectra.sum(axis=1, keepdims=True)


def write(path: Path, maps: np.ndarray, spectra: np.ndarray, ions: int) -> tuple[float, int]:
    """Write the file; return the mean number of peaks of a pixel, and of bins with a peak."""
    from pyimzml.ImzMLWriter import ImzMLWriter  # noqa: PLC0415

    rng = np.random.default_rng(1)
    mz = 100 * np.exp(np.arange(spectra.shape[1]) * (np.log(20) / spectra.shape[1]))
    sums = np.cumsum(spectra, axis=1)
    peaks, used = 0, np.zeros(spectra.shape[1], bool)
    with ImzMLWriter(str(path), mode="processed", mz_dtype=np.float64, intensity_dtype=np.float32) as writer:
        for y in range(maps.shape[1]):
            for x in range(maps.shape[2]):
                counts = rng.multinomial(rng.poisson(ions), maps[:, y, x])
                drawn = [np.searchsorted(one, rng.random(n) * one[-1]) for one, n in zip(sums, counts, strict=True)]
                found, intensity = np.unique(np.concatenate(drawn), return_counts=True)
                writer.addSpectrum(mz[found], intensity.astype(np.float32), (x + 1, y + 1, 1))
                peaks += found.size
                used[found] = True
    return peaks / maps[0].size, int(used.sum())


def scores(path: Path, maps: np.ndarray, spectra: np.ndarray, bins: int) -> tuple[float, float]:
    """Return the largest angle to a true spectrum in rad, and the largest mean absolute error of a map."""
    result = mf.load(path)
    mz = 100 * np.exp(np.arange(bins) * (np.log(20) / bins))
    found = np.zeros((K, bins))
    # The writer stores the m/z values as they are; bins without a peak are left out of the axis.
    found[:, np.searchsorted(mz, result.endmembers["mz"].values * (1 - 1e-9))] = result.endmembers.values
    norms = np.linalg.norm(found, axis=1)[:, None] * np.linalg.norm(spectra, axis=1)
    angles = np.arccos(np.clip(found @ spectra.T / norms, -1, 1))
    rows, columns = linear_sum_assignment(angles)
    shares = result.abundances.values * found.sum(axis=1)[:, None, None]
    shares = (shares / shares.sum(axis=0))[rows]
    return float(angles[rows, columns].max()), float(np.abs(shares - maps[columns]).mean(axis=(1, 2)).max())


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--side", type=int, default=256)
    options.add_argument("--bins", type=int, default=150_000)
    options.add_argument("--ions", type=int, default=340, help="mean number of ions of a pixel")
    options.add_argument("--keep", type=Path, help="folder in which the file is written, and used again")
    chosen = options.parse_args(arguments)
    side, bins = (16, 2000) if chosen.quick else (chosen.side, chosen.bins)
    maps, spectra = scene(side, bins)
    with tempfile.TemporaryDirectory() as folder:
        path = (chosen.keep or Path(folder)) / "large.imzML"
        peaks, used = (0.0, 0) if path.exists() else write(path, maps, spectra, chosen.ions)
        result = Path(folder) / "result.nc"
        command = [sys.executable, "-m", "mffnb", "unmix", str(path), "-k", str(K), "-o", str(result), "-q"]
        begin, before = time.perf_counter(), getrusage(RUSAGE_CHILDREN)
        subprocess.run(command, check=True, env=environment())
        wall, after = time.perf_counter() - begin, getrusage(RUSAGE_CHILDREN)
        processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        peak = 1024 * after.ru_maxrss
        angle, error = scores(result, maps, spectra, bins)
    print_header(
        "pixels",
        "bins",
        "with peaks",
        "peaks a pixel",
        "processor s",
        "wall s",
        "peak, MB",
        "angle, rad",
        "map error",
        "",
    )
    within = peak < MEMORY and processor < SECONDS
    print_row(side**2, bins, used, f"{peaks:.0f}", f"{processor:.1f}", f"{wall:.1f}", f"{peak / 1e6:.0f}", f"{angle:.3f}", f"{error:.3f}", "within" if within else "**beyond**")  # fmt: skip
