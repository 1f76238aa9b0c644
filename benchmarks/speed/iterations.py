"""Milliseconds per iteration: against a read of X, against the size, under constraints, and with threads.

    python -m benchmarks speed.iterations cost [--problems P1 P2 P3 P4 P5 P6]
    python -m benchmarks speed.iterations growth
    python -m benchmarks speed.iterations constrained
    python -m benchmarks speed.iterations threads [--threads 1 2] [--problems P3]

`cost` measures processor time and takes the fastest run, which on a busy machine says more than wall time. `growth` varies
one of pixels, channels and k, from 16384 pixels, 64 channels and k = 4. `constrained` and `threads` take turns and print medians
of wall time; next to threads, `threads` runs independent processes with a part of the pixels each: what the machine allows.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.convergence import Stepwise
from benchmarks.shared.problems import PROBLEMS, Problem, mixture
from benchmarks.shared.processes import benchmark_command, start
from benchmarks.shared.timing import pace, taking_turns, timed
from benchmarks.shared.watched_methods import ours
from mffnb.graphs import grid

ONE_THREAD = True
ITERATIONS = 10
PROBLEMS_OF = {"cost": [name for name in PROBLEMS if name[0] == "P"], "constrained": ["P1"], "threads": ["P3"]}


def interleaved(runs: dict[str, Stepwise], repeats: int) -> dict[str, float]:
    """Median seconds per iteration of methods that take turns."""
    for method in runs.values():
        method.stamps(2)
    turns = {name: lambda method=method: pace(method.stamps(ITERATIONS)) for name, method in runs.items()}
    return {name: median(paces) for name, paces in taking_turns(turns, repeats).items()}


def constrained(problem: Problem, repeats: int) -> None:
    terms = {
        "plain": [],
        "sparsity and smoothness": [mf.Sparsity(1e-3), mf.Smoothness(1e-3, grid(problem.shape))],
        "sum to one": [mf.Simplex()],
    }
    print_header("", "ms per iteration", "of plain")
    for form in problem.forms:
        X = problem.form(form)
        taken = interleaved({name: ours(X, problem.k, abundance_terms=some) for name, some in terms.items()}, repeats)
        for name, seconds in taken.items():
            ratio = seconds / taken["plain"]
            print_row(f"{problem.name} {form}, {name}", f"{1e3 * seconds:.3g}", f"{ratio:.2f}")


def cost(problems: Sequence[Problem], repeats: int) -> None:
    print_header("one thread, processor time", "ms per iteration", "ms per X.sum()", "reads of X", "reads at 12.5 GB/s")
    for problem in problems:
        X, runs = problem.X, []
        for _ in range(repeats):
            before, stamps = timed(X.sum, time.thread_time)[1], []
            model = mf.MatrixFactorization(problem.k, tol=0.0, max_iter=ITERATIONS, random_state=0)
            model.fit_transform(X, callback=lambda _, stamps=stamps: stamps.append(time.thread_time()))
            runs.append((pace(stamps), min(before, timed(X.sum, time.thread_time)[1])))
        each, once = (min(column) for column in zip(*runs, strict=True))
        reads = each / once, each / (X.nbytes / 12.5e9)
        print_row(problem.name, f"{1e3 * each:.3g}", f"{1e3 * once:.3g}", *(f"{count:.2f}" for count in reads))


def growth(repeats: int, *, quick: bool) -> None:
    unit = 2**8 if quick else 2**14
    sizes = [(unit * 4**i, 64, 4) for i in range(4)]
    sizes += [(unit, 64 * 4**i, 4) for i in range(4)]
    sizes += [(unit, 64, 2**i) for i in range(1, 6)]
    print_header("pixels", "channels", "k", "ms per iteration", "ns per entry of X")
    for pixels, channels, k in sizes:
        seconds = interleaved({"": ours(mixture(pixels, channels, k), k)}, repeats)[""]
        print_row(pixels, channels, k, f"{1e3 * seconds:.3g}", f"{1e9 * seconds / (pixels * channels):.2f}")


def threads(problem: Problem, counts: Sequence[int], repeats: int) -> None:
    """Compare one process with several threads to independent processes with one thread each."""
    ways = [(1, count) for count in counts] + [(count, 1) for count in counts if count > 1]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "X.npy"
        np.save(file, problem.X)
        paces = taking_turns({way: lambda way=way: slowest(file, problem.k, *way) for way in ways}, repeats)
    print_header("processes x threads of each", "ms per iteration", "times faster: medians", "in each repeat")
    first = np.array(paces[ways[0]])
    for way in ways:
        taken = np.array(paces[way])
        each = ", ".join(f"{ratio:.2f}" for ratio in first / taken)
        faster = median(first) / median(taken)
        print_row(f"{problem.name}, {way[0]} x {way[1]}", f"{1e3 * median(taken):.3g}", f"{faster:.2f}", each)


def slowest(file: Path, k: int, processes: int, thread_count: int) -> float:
    """Seconds per iteration of the slowest of several processes, which are new: libraries set their threads once."""
    command = benchmark_command("speed.iterations", "worker", "--worker", file, k, processes)
    running = [start([*command, str(part)], thread_count) for part in range(processes)]
    for one in running:
        one.stdout.readline()  # its kernels are compiled
    for one in running:
        one.stdin.write("\n")
        one.stdin.flush()
    return max(float(one.communicate()[0]) for one in running)


def worker(file: str, k: int, parts: int, part: int) -> None:
    """Print the seconds per iteration on a part of the pixels of a file, after a line on the standard input."""
    run = ours(np.array(np.array_split(np.load(file, mmap_mode="r"), parts)[part]), k)
    run.stamps(ITERATIONS)
    print("warm", flush=True)
    sys.stdin.readline()
    print(pace(run.stamps(4 * ITERATIONS)))


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("what", choices=["cost", "growth", "constrained", "threads", "worker"])
    options.add_argument("--problems", nargs="+", choices=PROBLEMS_OF["cost"])
    options.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    options.add_argument("--repeats", type=int, default=5)
    options.add_argument("--worker", nargs=4, metavar=("FILE", "K", "PARTS", "PART"), help="used by `threads`")
    chosen = options.parse_args(arguments)
    if chosen.what == "worker":
        worker(chosen.worker[0], *map(int, chosen.worker[1:]))
    elif chosen.what == "growth":
        growth(chosen.repeats, quick=chosen.quick)
    else:
        names = chosen.problems or (["P4"] if chosen.quick else PROBLEMS_OF[chosen.what])
        problems = [PROBLEMS[name](chosen.quick) for name in names]
        if chosen.what == "cost":
            cost(problems, chosen.repeats)
        for problem in problems if chosen.what == "constrained" else ():
            constrained(problem, chosen.repeats)
        for problem in problems if chosen.what == "threads" else ():
            threads(problem, chosen.threads, chosen.repeats)
