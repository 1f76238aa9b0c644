"""An image larger than memory: seconds per iteration from its file, next to a loop that only reads it, and peak memory (Linux).

    python -m benchmarks scale.out_of_core [--gigabytes 6] [--ranks 1 2] [--folder FOLDER] [--compressed]

Makes a float32 HDF5 file of a seeded mixture in chunks (8 x 64 pixels, all channels). Then, for each number of MPI ranks, "cold" (page
cache dropped first: as root all of it, else the pages of the file) and "warm" (with what is in the page cache):

- a bare loop of h5py over the bands that unmixing reads, those of each rank;
- k = 6, least squares: seconds per iteration, and the peak memory of a process (VmHWM), beside the formula of docs/scaling.md: what
  the process takes before, two bands, the abundances of its pixels five times, and 64 MB of freed memory that the C library keeps.
  "With the maps": with the maps of all ranks, which each gathers at the end;
- processor time over wall time of both, summed over the ranks: without waiting for a disk or for other work, the number of threads;
- with one rank, the root mean square of the residual, which is computed in blocks: its seconds and its peak memory.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.processes import benchmark_command, memory_status, on_ranks, output, start
from mffnb.cubes.layout import Layout
from mffnb.cubes.pixel_rows import CubeRows
from mffnb.parallel.ranks import balanced_cuts, world
from mffnb.solvers import State

K, CHANNELS, COLUMNS, CHUNK = 6, 1536, 1024, (8, 64)
COLD, WARM = 2, 2  # iterations
# glibc returns freed arrays of up to 32 MB (the largest M_MMAP_THRESHOLD) once twice as much is free.
FREED = 2 * 2**25


def write(path: Path, gigabytes: float, compressed: bool) -> None:
    """Write the file a few rows of the map at a time, so that this takes little memory."""
    rows = max(16, round(gigabytes * 1e9 / (4 * COLUMNS * CHANNELS) / CHUNK[0]) * CHUNK[0])
    rng = np.random.default_rng(0)
    spectra = rng.gamma(0.5, 1.0, (K, CHANNELS)).astype(np.float32)
    with h5py.File(path, "w") as file:
        options = {"compression": "gzip", "compression_opts": 1, "shuffle": True} if compressed else {}
        data = file.create_dataset("data", (rows, COLUMNS, CHANNELS), "f4", chunks=(*CHUNK, CHANNELS), **options)
        for top in range(0, rows, CHUNK[0]):
            amounts = rng.dirichlet(np.full(K, 0.5), (CHUNK[0], COLUMNS)).astype(np.float32)
            noise = rng.random((CHUNK[0], COLUMNS, CHANNELS), dtype=np.float32)
            data[top : top + CHUNK[0]] = amounts @ spectra + 0.05 * noise


def drop_pages(path: Path) -> str:
    """Make the next pass over the file read the disk."""
    os.sync()
    with contextlib.suppress(OSError):
        Path("/proc/sys/vm/drop_caches").write_text("3")
        return "page cache dropped"
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return "pages of the file given back"


def bare(path: Path) -> dict[str, float]:
    """Seconds to read the bands of this rank, and nothing else."""
    cube = mf.read(path, lazy=True)
    pixels = dict(zip(("y", "x"), cube.shape[:2], strict=True))
    layout = Layout(pixels, {"channel": CHANNELS}, None, None, {}, None, {})
    communicator = world()
    start, stop = 0, cube.shape[0]
    if communicator is not None:
        cuts = balanced_cuts(layout.graph.bands, communicator.size) // COLUMNS
        start, stop = (int(cut) for cut in cuts[communicator.rank : communicator.rank + 2])
        communicator.Barrier()
    section = layout.section(start, stop)
    limits = CubeRows(section, cube[start:stop], start).limits // COLUMNS + start
    found = {}
    with h5py.File(path) as file:
        for how in ("cold", "warm"):
            data, begin, used = file["data"], time.perf_counter(), time.process_time()
            for top, bottom in itertools.pairwise(limits.tolist()):
                data[top:bottom]
            if communicator is not None:
                communicator.Barrier()
            found[how] = time.perf_counter() - begin
            found[f"{how} processors"] = on_all_ranks(time.process_time() - used) / found[how]
    return found


def on_all_ranks(value: float) -> float:
    """Return the sum of a number over the ranks."""
    communicator = world()
    return value if communicator is None else communicator.allreduce(value)


def unmixed(path: Path) -> dict[str, float]:
    """Seconds of iterations on all ranks, some from the disk and some from the page cache, and the peak memory."""
    communicator = world()
    took: dict[str, list[float]] = {"cold": [], "warm": []}
    processors: dict[str, list[float]] = {"cold": [], "warm": []}
    begin, used, highest = time.perf_counter(), time.process_time(), 0

    def between(state: State) -> None:
        nonlocal begin, used, highest
        highest = memory_status("VmHWM")
        if communicator is not None:
            communicator.Barrier()
        if state.iteration > 1:  # the first one reads X twice
            how = "cold" if state.iteration <= 1 + COLD else "warm"
            took[how].append(time.perf_counter() - begin)
            processors[how].append(on_all_ranks(time.process_time() - used) / took[how][-1])
        if 1 <= state.iteration <= COLD and (communicator is None or communicator.rank == 0):
            drop_pages(path)
        if communicator is not None:
            communicator.Barrier()
        begin, used = time.perf_counter(), time.process_time()

    options = {"init": "random", "random_state": 0, "max_iter": 1 + COLD + WARM, "tol": 0}
    rng = np.random.default_rng(0)
    mf.unmix(rng.random((8, 8, 16)), 2, **options)  # imports and kernels
    before = memory_status("VmRSS")
    cube = mf.read(path, lazy=True)
    result = mf.unmix(cube, K, communicator=communicator, callback=between, **options)
    peaks = np.array([highest, memory_status("VmHWM")])
    found = {how: float(np.median(seconds)) for how, seconds in took.items()}
    found |= {f"{how} processors": float(np.median(shares)) for how, shares in processors.items()}
    size = 1
    if communicator is not None:
        peaks, size = np.max(communicator.allgather(peaks), axis=0), communicator.size
    bands, factor = np.diff(CubeRows(Layout.of(cube, None), cube).limits), 8 * K * cube.shape[0] * COLUMNS / size
    formula = before + 2 * int(bands.max()) * CHANNELS * cube.dtype.itemsize + 5 * factor + FREED
    found |= {"peak": int(peaks[1]), "peak of iterations": int(peaks[0]), "formula": formula}
    if communicator is None:
        Path("/proc/self/clear_refs").write_text("5")  # resets the peak
        begin = time.perf_counter()
        float((result.residual() ** 2).mean() ** 0.5)
        found |= {"residual": time.perf_counter() - begin, "residual peak": memory_status("VmHWM")}
    return found


def run(ranks: int, what: str, path: Path, threads: int) -> dict[str, float]:
    """Run one of the two measurements on MPI ranks with this number of threads each."""
    command = benchmark_command("scale.out_of_core", "--one", what, path.resolve(), ranks=ranks > 1)
    printed = output(start(on_ranks(ranks, command) if ranks > 1 else command, threads=threads))
    return json.loads(printed.splitlines()[-1])


def one(what: str, path: Path) -> None:
    """Measure on this rank; the first one prints."""
    found = (bare if what == "bare" else unmixed)(path)
    communicator = world()
    if communicator is None or communicator.rank == 0:
        print(json.dumps(found))


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--gigabytes", type=float, default=6.0)
    options.add_argument("--ranks", type=int, nargs="+", default=[1, 2])
    options.add_argument("--threads", type=int, default=1, help="threads of each rank that unmixes")
    options.add_argument("--folder", type=Path, help="folder in which the file is made and kept")
    options.add_argument("--compressed", action="store_true", help="gzip chunks")
    options.add_argument("--one", nargs=2, metavar=("WHAT", "FILE"), help="used by the benchmark itself")
    chosen = options.parse_args(arguments)
    if chosen.one:
        one(chosen.one[0], Path(chosen.one[1]))
        return
    if chosen.quick:
        chosen.gigabytes, chosen.ranks = 0.05, [1]
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        path = Path(chosen.folder or folder) / "large.h5"
        if not path.exists():
            write(path, chosen.gigabytes, chosen.compressed)
        with h5py.File(path) as file:
            size = file["data"].size * 4
        how = drop_pages(path)
        print(f"{size / 1e9:.2f} GB of float32, {path.stat().st_size / 1e9:.2f} GB on disk, k = {K}, cold: {how}\n")
        times = ("bare loop, s", "MB/s", "an iteration, s", "MB/s", "share of loop")
        print_header("ranks", "pages", *times, "processors used", "peak of a process, MB", "with the maps", "formula")
        for ranks in chosen.ranks:
            drop_pages(path)
            loop = run(ranks, "bare", path, 1)
            drop_pages(path)
            ours = run(ranks, "unmix", path, chosen.threads)
            for pages in ("cold", "warm"):
                seconds = loop[pages], ours[pages]
                rates = [size / 1e6 / taken for taken in seconds]
                cells = [
                    cell for pair in zip(seconds, rates, strict=True) for cell in (f"{pair[0]:.2f}", f"{pair[1]:.0f}")
                ]
                memory = (f"{ours[name] / 1e6:.0f}" for name in ("peak of iterations", "peak", "formula"))
                used = ", ".join(f"{each[f'{pages} processors']:.2f}" for each in (loop, ours))
                print_row(ranks, pages, *cells, f"{100 * rates[1] / rates[0]:.0f} %", used, *memory)
            if "residual" in ours:
                print(f"\nresidual: {ours['residual']:.1f} s, peak {ours['residual peak'] / 1e6:.0f} MB\n")
