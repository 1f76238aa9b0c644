"""HyperSpy's decomposition of a lazy signal in a file larger than the memory that the process may use (Linux).

python -m benchmarks scale.lazy_signal [--side 512] [--channels 2048] [--limit 1000]

A map of counts (float32, which HyperSpy requires; chunks of 32 x 32 pixels, lzf) is written to a `.hspy` file. `signal.decomposition(algorithm=...)` then runs in a
process of its own, whose data (RLIMIT_DATA: heap and private mappings) may grow by `--limit` MB after imports and a tiny
decomposition. `MatrixFactorization` and `known_endmembers` stream; scikit-learn's `NMF` has no `partial_fit`, so HyperSpy
loads the signal for it. The peak is VmHWM of the kernel; the angle (rad) is the largest one to the endmembers of the simulation.
"""

from __future__ import annotations

import json
import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.processes import benchmark_command, memory_status, output, start
from mffnb.geometry.matching import match, spectral_angles

ONE_THREAD = True
K, MB, CHUNK = 4, 1e6, 32
WAYS = ("MatrixFactorization", "known_endmembers", "NMF")


def spectra(channels: int) -> np.ndarray:
    """Mean counts of the endmembers, (k, channels)."""
    centres = np.linspace(0.15, 0.85, K)[:, None] * channels
    return 12 * np.exp(-0.5 * ((np.arange(channels) - centres) / (0.07 * channels)) ** 2) + 0.5


def write(path: Path, side: int, channels: int) -> None:
    """Write a file that HyperSpy opens, row of chunks by row of chunks."""
    import hyperspy.api as hs  # noqa: PLC0415

    rng, E = np.random.default_rng(0), spectra(channels)
    hs.signals.Signal1D(np.zeros((side, side, 1), np.float32)).save(path, overwrite=True)
    with h5py.File(path, "r+") as file:
        group = file["Experiments/__unnamed__"]
        del group["data"]
        data = group.create_dataset(
            "data", (side, side, channels), np.float32, chunks=(CHUNK, CHUNK, channels), compression="lzf"
        )
        group["axis-2"].attrs["size"] = channels
        for row in range(0, side, CHUNK):
            for column in range(0, side, CHUNK):
                A = rng.dirichlet(np.full(K, 0.5), CHUNK * CHUNK)
                data[row : row + CHUNK, column : column + CHUNK] = rng.poisson(A @ E).reshape(CHUNK, CHUNK, channels)


def algorithm(way: str, channels: int) -> Any:
    if way == "known_endmembers":
        return mf.presets.known_endmembers(spectra(channels))
    if way == "NMF":
        from sklearn.decomposition import NMF  # noqa: PLC0415

        return NMF(K, random_state=0)
    return mf.MatrixFactorization(K, abundance_terms=[mf.Sparsity(1e-3)], random_state=0)


def measure(path: Path, way: str, limit: float) -> None:
    """Run in a fresh process: print peak, seconds and angle as JSON."""
    import hyperspy.api as hs  # noqa: PLC0415

    hs.preferences.General.show_progressbar = False

    def decompose(signal: Any) -> Any:
        signal.decomposition(algorithm=algorithm(way, signal.data.shape[-1]), output_dimension=K, print_info=False)
        return signal.learning_results

    whole = hs.load(path, lazy=True)
    decompose(whole.inav[:4, :4].deepcopy())
    data = memory_status("VmData")
    resource.setrlimit(resource.RLIMIT_DATA, (int(data + limit * MB),) * 2)
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before, begin = memory_status("VmRSS"), time.process_time()
    try:
        found = decompose(whole)
    except MemoryError:
        print(json.dumps({"peak": None}))
        return
    E = spectra(whole.data.shape[-1])
    factors = np.asarray(found.factors).T
    angle = np.diag(spectral_angles(E, factors[match(E, factors)])).max()
    print(
        json.dumps(
            {"peak": memory_status("VmHWM") - before, "seconds": time.process_time() - begin, "angle": float(angle)}
        )
    )


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--side", type=int, default=512, help="pixels of the map in each direction, a multiple of 32")
    options.add_argument("--channels", type=int, default=2048)
    options.add_argument("--limit", type=float, default=1000.0, help="MB by which the data of the process may grow")
    options.add_argument("--measure", nargs=2, metavar=("FILE", "WAY"), help="used by the benchmark itself")
    chosen = options.parse_args(arguments)
    if chosen.measure:
        measure(Path(chosen.measure[0]), chosen.measure[1], chosen.limit)
        return
    side, channels = (64, 64) if chosen.quick else (chosen.side, chosen.channels)
    size = 4 * side**2 * channels
    print_header(
        f"{side} x {side} x {channels} float32, {size / MB:.0f} MB, limit {chosen.limit:.0f} MB", "peak beyond start, MB",
        "processor seconds", "largest angle",
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "map.hspy"
        write(path, side, channels)
        for way in WAYS:
            given = ("--limit", chosen.limit, "--measure", path, way)
            got = json.loads(output(start(benchmark_command("scale.lazy_signal", *given))).splitlines()[-1])
            if got["peak"] is None:
                print_row(way, "out of memory", "", "")
            else:
                print_row(way, f"{got['peak'] / MB:.0f}", f"{got['seconds']:.1f}", f"{got['angle']:.4f}")
