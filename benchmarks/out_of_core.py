"""An image larger than memory: how fast it is unmixed from its file, beside a loop that only reads it, and the peak memory.

    python benchmarks/out_of_core.py [--gigabytes 6] [--ranks 1 2] [--folder FOLDER] [--compressed]

Makes a float32 HDF5 file of a seeded mixture in pieces (8 x 64 pixels, all channels), then for each number of ranks, with the
page cache dropped first ("cold": as root; else the file's own pages are given back) and with what is in it ("warm"):

- a bare loop of h5py over the bands that unmixing reads, each rank its own;
- k = 6, least squares: seconds an iteration, and the peak memory of a process.

Needs Linux: the peak is the kernel's VmHWM. Ranks are started with mpiexec.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import h5py
import numpy as np

import mffnb as mf
from mffnb.cubes.layout import Layout
from mffnb.cubes.pixel_rows import CubeRows
from mffnb.parallel.ranks import balanced_cuts, world
from mffnb.solvers import State

K, CHANNELS, COLUMNS, PIECE = 6, 1536, 1024, (8, 64)
COLD, WARM = 2, 2


def write(path: Path, gigabytes: float, compressed: bool) -> None:
    """Rows of the map drawn one by one, so that making the file takes no memory either."""
    rows = max(16, round(gigabytes * 1e9 / (4 * COLUMNS * CHANNELS) / PIECE[0]) * PIECE[0])
    rng = np.random.default_rng(0)
    spectra = rng.gamma(0.5, 1.0, (K, CHANNELS)).astype(np.float32)
    with h5py.File(path, "w") as file:
        options = {"compression": "gzip", "compression_opts": 1, "shuffle": True} if compressed else {}
        data = file.create_dataset("data", (rows, COLUMNS, CHANNELS), "f4", chunks=(*PIECE, CHANNELS), **options)
        for top in range(0, rows, PIECE[0]):
            amounts = rng.dirichlet(np.full(K, 0.5), (PIECE[0], COLUMNS)).astype(np.float32)
            noise = rng.random((PIECE[0], COLUMNS, CHANNELS), dtype=np.float32)
            data[top : top + PIECE[0]] = amounts @ spectra + 0.05 * noise


def drop_pages(path: Path) -> str:
    """Have the next look read the disk."""
    os.sync()
    with contextlib.suppress(OSError):
        Path("/proc/sys/vm/drop_caches").write_text("3")
        return "page cache dropped"
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return "pages of the file given back"


def peak() -> float:
    """The most that this process ever held, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def bare(path: Path) -> dict[str, float]:
    """Read the bands of this rank, and nothing else."""
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
            data, begin = file["data"], time.perf_counter()
            for top, bottom in itertools.pairwise(limits.tolist()):
                data[top:bottom]
            if communicator is not None:
                communicator.Barrier()
            found[how] = time.perf_counter() - begin
    return found


def unmixed(path: Path) -> dict[str, float]:
    """A few iterations on the ranks that there are, some from the disk and some from the page cache."""
    warnings.simplefilter("ignore")
    communicator = world()
    took: dict[str, list[float]] = {"cold": [], "warm": []}
    begin = time.perf_counter()

    def between(state: State) -> None:
        nonlocal begin
        if communicator is not None:
            communicator.Barrier()
        if state.iteration > 1:  # the first one looks at X twice
            took["cold" if state.iteration <= 1 + COLD else "warm"].append(time.perf_counter() - begin)
        if 1 <= state.iteration <= COLD and (communicator is None or communicator.rank == 0):
            drop_pages(path)
        if communicator is not None:
            communicator.Barrier()
        begin = time.perf_counter()

    options = {"init": "random", "random_state": 0, "max_iter": 1 + COLD + WARM, "tol": 0, "callback": between}
    mf.unmix(mf.read(path, lazy=True), K, communicator=communicator, **options)
    highest = peak()
    if communicator is not None:
        highest = max(communicator.allgather(highest))
    return {how: float(np.median(seconds)) for how, seconds in took.items()} | {"peak": highest}


def run(ranks: int, what: str, path: Path) -> dict[str, float]:
    command = [sys.executable, *(["-m", "mpi4py"] if ranks > 1 else []), __file__, "--one", what, str(path)]
    if ranks > 1:
        beside = Path(sys.prefix) / "bin" / "mpiexec"
        command = [str(beside) if beside.exists() else "mpiexec", "-n", str(ranks), *command]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--gigabytes", type=float, default=6.0)
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--folder", type=Path, help="where the file is made, and kept")
    parser.add_argument("--compressed", action="store_true", help="pieces in gzip")
    parser.add_argument("--one", nargs=2, metavar=("WHAT", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        what, path = options.one
        found = (bare if what == "bare" else unmixed)(Path(path))
        communicator = world()
        if communicator is None or communicator.rank == 0:
            print(json.dumps(found))
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(options.folder or folder) / "large.h5"
        if not path.exists():
            write(path, options.gigabytes, options.compressed)
        with h5py.File(path) as file:
            size = file["data"].size * 4
        how = drop_pages(path)
        print(f"{size / 1e9:.2f} GB of float32, {path.stat().st_size / 1e9:.2f} GB on disk, k = {K}, cold: {how}\n")
        print(
            "| ranks | pages | bare loop, s | MB/s | an iteration, s | MB/s | share of loop | peak of a process, MB |"
        )
        print("|---|---|---|---|---|---|---|---|")
        for ranks in options.ranks:
            drop_pages(path)
            loop = run(ranks, "bare", path)
            drop_pages(path)
            ours = run(ranks, "unmix", path)
            for pages in ("cold", "warm"):
                rates = [size / 1e6 / found[pages] for found in (loop, ours)]
                print(
                    f"| {ranks} | {pages} | {loop[pages]:.2f} | {rates[0]:.0f} | {ours[pages]:.2f} | {rates[1]:.0f} "
                    f"| {100 * rates[1] / rates[0]:.0f} % | {ours['peak'] / 1e6:.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
