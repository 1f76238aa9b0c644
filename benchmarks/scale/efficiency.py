"""Efficiency of MPI ranks on images of real size: one rank, several ranks, and independent processes, in turn.

    python -m benchmarks scale.efficiency [--problems P1 P3 K1] [--ranks 2] [--repeats 3] [--iterations 60]

Problems are those of `speed.peers`: P1 and P3 by least squares (float32), K1 by Kullback-Leibler divergence. One thread a process.
Every round runs each problem on one rank, on several, and in independent processes. These have a part of the pixels each, run at
the same time, and do not communicate: what the machine allows.

- ms an iteration: median of all iterations after the first five of each round; efficiency is that of one rank over (ranks x own).
  "Fastest" is that of the fastest iterations. Under load it is nearer to that of free cores: all ranks must run at the same time.
- whole call: seconds of `mf.unmix` with its start, on the slowest rank.
- waiting: share of the iterations' time that the slowest and the fastest rank spend in calls of MPI.
- processor: processor time over wall time of the call, lowest of all processes. Ranks that wait use the processor as well, so it is
  1.00 on free cores. A smaller value tells of other work on them.

Every run must end with the objective of one rank to 1e-10.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.problems import PROBLEMS
from benchmarks.shared.processes import benchmark_command, on_ranks, output, start
from mffnb.solvers import State

ONE_THREAD = True
WARM = 5  # iterations that do not count
SAME = 1e-10


class TimedCommunicator:
    """A communicator that adds up the seconds in its collective calls; :class:`mffnb.parallel.Grid` takes it."""

    def __init__(self, communicator: Any):
        self.communicator, self.seconds = communicator, 0.0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.communicator, name)
        if name not in ("Reduce", "Bcast", "Allgatherv", "Reduce_scatter", "allgather", "bcast", "Sendrecv", "Barrier"):
            return found

        def timed(*arguments: Any, **keywords: Any) -> Any:
            begin = time.perf_counter()
            try:
                return found(*arguments, **keywords)
            finally:
                self.seconds += time.perf_counter() - begin

        return timed


def on_rank(path: Path, part: int, parts: int, iterations: int, k: int, similarity: str) -> None:
    """Unmix the image, or one part of its rows, on all ranks; the first rank prints times and the objective."""
    from mpi4py import MPI  # noqa: PLC0415  starts MPI

    world = TimedCommunicator(MPI.COMM_WORLD)
    cube = np.load(path)
    rows = len(cube) // parts
    cube = cube[part * rows : (part + 1) * rows]
    options = {"similarity": similarity, "random_state": 0, "tol": 0}
    mf.unmix(cube[: 4 * MPI.COMM_WORLD.size], k, communicator=world, max_iter=2, **options)  # imports and kernels
    waited = {}

    def note(state: State) -> None:
        if state.whole:
            waited[state.iteration] = world.seconds

    MPI.COMM_WORLD.Barrier()
    begin, used = time.perf_counter(), time.process_time()
    result = mf.unmix(cube, k, communicator=world, max_iter=iterations, callback=note, **options)
    whole = time.perf_counter() - begin
    stamps = np.asarray(result.trace.seconds)
    here = {
        "whole": whole,
        "processor": (time.process_time() - used) / whole,
        "waiting": (waited[iterations] - waited[WARM]) / (stamps[-1] - stamps[WARM]),
    }
    every = MPI.COMM_WORLD.gather(here)
    if MPI.COMM_WORLD.rank == 0:
        own = {"iterations": np.diff(stamps)[WARM:].tolist(), "objective": float(result.trace.objective[-1])}
        print(json.dumps(own | {"ranks": every}))


def run(ways: tuple[int, int], path: Path, *options: object) -> list[dict[str, Any]]:
    """Run (ranks, independent processes) at the same time; what each of the programs printed."""
    ranks, parts = ways
    commands = [
        benchmark_command("scale.efficiency", "--one", path, i, parts, *options, ranks=True) for i in range(parts)
    ]
    running = [start(on_ranks(ranks, command), threads=1) for command in commands]
    return [json.loads(output(process).splitlines()[-1]) for process in running]


def write(name: str, folder: Path, quick: bool) -> tuple[Path, int, str]:
    """Store the image of a problem as float32; its path, its number of components and its similarity."""
    problem = PROBLEMS[name](quick)
    path = folder / f"{name}.npy"
    np.save(path, problem.X.reshape(*problem.shape, -1).astype(np.float32))
    print(f"{name}: {problem.X.shape[0]} x {problem.X.shape[1]}, k = {problem.k}, {problem.similarity}", flush=True)
    return path, problem.k, problem.similarity


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--problems", nargs="+", default=["P1", "P3", "K1"], choices=list(PROBLEMS))
    options.add_argument("--ranks", type=int, default=2)
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--iterations", type=int, default=60)
    options.add_argument("--one", nargs=6, help="used by the benchmark itself: FILE PART PARTS ITERATIONS K SIMILARITY")
    chosen = options.parse_args(arguments)
    if chosen.one:
        path, *numbers, similarity = chosen.one
        on_rank(Path(path), *map(int, numbers), similarity)
        return
    if chosen.quick:
        chosen.problems, chosen.repeats, chosen.iterations = ["P1", "K1"], 1, WARM + 2
    ways = {"1 rank": (1, 1), f"{chosen.ranks} ranks": (chosen.ranks, 1)}
    ways[f"{chosen.ranks} independent processes"] = 1, chosen.ranks
    with tempfile.TemporaryDirectory() as folder:
        images = {name: write(name, Path(folder), chosen.quick) for name in chosen.problems}
        found: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for _ in range(chosen.repeats):
            for name, (path, *model) in images.items():
                for way, counts in ways.items():
                    found.setdefault((name, way), []).extend(run(counts, path, chosen.iterations, *model))
    print()
    print_table(found, chosen.ranks)


def print_table(found: dict[tuple[str, str], list[dict[str, Any]]], ranks: int) -> None:
    """Print a row for each problem and way, and check the objectives."""
    times = "ms an iteration", "efficiency", "of each run", "fastest"
    print_header("problem", "way", *times, "whole call, s", "efficiency", "waiting, %", "processor")
    for (name, way), runs in found.items():
        single = found[name, "1 rank"]
        p = 1 if way == "1 rank" else ranks
        if way == f"{ranks} ranks":
            check_objectives(name, [one["objective"] for one in single + runs])
        one, own = (median(pace(each) for each in group) for group in (single, runs))
        each = [median(map(pace, single)) / (p * pace(each)) for each in runs]
        best = [min(min(each["iterations"]) for each in group) for group in (single, runs)]
        before, whole = (median(slowest(each) for each in group) for group in (single, runs))
        waiting = [100 * rank["waiting"] for each in runs for rank in each["ranks"]]
        processor = min(rank["processor"] for each in runs for rank in each["ranks"])
        print_row(
            name, way, f"{1e3 * own:.2f}", f"{one / (p * own):.2f}", " ".join(f"{value:.2f}" for value in each),
            f"{best[0] / (p * best[1]):.2f}", f"{whole:.2f}", f"{before / (p * whole):.2f}", f"{min(waiting):.0f} to {max(waiting):.0f}", f"{processor:.2f}",
        )  # fmt: skip


def pace(run: dict[str, Any]) -> float:
    return median(run["iterations"])


def slowest(run: dict[str, Any]) -> float:
    return max(rank["whole"] for rank in run["ranks"])


def check_objectives(name: str, values: list[float]) -> None:
    if max(values) - min(values) > SAME * max(values):
        raise SystemExit(f"{name}: the objectives differ by {max(values) / min(values) - 1:.1e}")
