"""Milliseconds per iteration of ours: as problems grow, under constraints, with threads. Parts of `speed.py`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from one_thread import VARIABLES
from peers import ours
from problems import Problem, mixture

import mffnb as mf
from mffnb.graphs import grid

ITERATIONS = 10


def pace(stamps: np.ndarray | list[float]) -> float:
    """Seconds per iteration, from those at the start and at the end of each."""
    return float(np.median(np.diff(stamps)))


def interleaved(runs: dict, repeats: int) -> dict:
    """Median seconds per iteration of methods that take turns."""
    for method in runs.values():
        method.stamps(2)
    paces = {name: [] for name in runs}
    for _ in range(repeats):
        for name, method in runs.items():
            paces[name].append(pace(method.stamps(ITERATIONS)))
    return {name: median(values) for name, values in paces.items()}


def constrained(problem: Problem, repeats: int) -> None:
    terms = {
        "plain": [],
        "sparsity and smoothness": [mf.Sparsity(1e-3), mf.Smoothness(1e-3, grid(problem.shape))],
        "sum to one": [mf.Simplex()],
    }
    print("| | ms per iteration | of plain |\n|---|---|---|")
    for form in problem.forms:
        X = problem.form(form)
        runs = {name: ours(X, problem.k, abundance_terms=those) for name, those in terms.items()}
        taken = interleaved(runs, repeats)
        for name, seconds in taken.items():
            print(
                f"| {problem.name} {form}, {name} | {1e3 * seconds:.3g} | {seconds / taken['plain']:.2f} |", flush=True
            )
    print()


def cost(problems: list[Problem], repeats: int) -> None:
    """Processor time, the run that took least: on a busy machine it means more than what the clock shows."""
    print("| one thread, processor time | ms per iteration | ms per X.sum() | reads of X | reads at 12.5 GB/s |")
    print("|---|---|---|---|---|")
    for problem in problems:
        X, runs = problem.X, []
        for _ in range(repeats):
            once, stamps = processor_time(X.sum), []
            model = mf.MatrixFactorization(problem.k, tol=0.0, max_iter=ITERATIONS, random_state=0)
            model.fit_transform(X, callback=lambda _, stamps=stamps: stamps.append(time.thread_time()))
            runs.append((pace(stamps), min(once, processor_time(X.sum))))
        each, once = (min(column) for column in zip(*runs, strict=True))
        reads = each / once, each / (X.nbytes / 12.5e9)
        print(f"| {problem.name} | {1e3 * each:.3g} | {1e3 * once:.3g} | {reads[0]:.2f} | {reads[1]:.2f} |", flush=True)
    print()


def processor_time(run: Callable[[], object]) -> float:
    begin = time.thread_time()
    run()
    return time.thread_time() - begin


def growth(repeats: int, *, small: bool) -> None:
    """One of pixels, channels and k at a time; 16384 pixels, 64 channels and k = 4 otherwise."""
    unit = 2**8 if small else 2**14
    sizes = [(unit * 4**i, 64, 4) for i in range(4)]
    sizes += [(unit, 64 * 4**i, 4) for i in range(4)]
    sizes += [(unit, 64, 2**i) for i in range(1, 6)]
    print("| pixels | channels | k | ms per iteration | ns per entry of X |\n|---|---|---|---|---|")
    for pixels, channels, k in sizes:
        run = ours(mixture(pixels, channels, k), k)
        seconds = interleaved({"": run}, repeats)[""]
        nanoseconds = 1e9 * seconds / (pixels * channels)
        print(f"| {pixels} | {channels} | {k} | {1e3 * seconds:.3g} | {nanoseconds:.2f} |", flush=True)
    print()


def threads(problem: Problem, counts: list[int], repeats: int) -> None:
    """Beside threads: processes that have nothing in common but the machine, each with its part of the pixels."""
    ways = [(1, count) for count in counts] + [(count, 1) for count in counts if count > 1]
    paces = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "X.npy"
        np.save(file, problem.X)
        for _ in range(repeats):
            for way in ways:
                paces[way].append(at_once(file, problem.k, *way))
    print(
        "| processes x threads of each | ms per iteration | times faster: medians | in each repeat |\n|---|---|---|---|"
    )
    first = np.array(paces[ways[0]])
    for way in ways:
        taken = np.array(paces[way])
        each = ", ".join(f"{ratio:.2f}" for ratio in first / taken)
        faster = median(first) / median(taken)
        print(
            f"| {problem.name}, {way[0]} x {way[1]} | {1e3 * median(taken):.3g} | {faster:.2f} | {each} |", flush=True
        )
    print()


def at_once(file: Path, k: int, processes: int, threads: int) -> float:
    """Seconds per iteration of the slowest; new processes, since libraries read once how many threads they may use."""
    environment = os.environ | dict.fromkeys(VARIABLES, str(threads))
    command = [sys.executable, __file__, str(file), str(k), str(processes)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment}
    running = [subprocess.Popen([*command, str(part)], **pipes) for part in range(processes)]
    for one in running:
        one.stdout.readline()  # it is warm
    for one in running:
        one.stdin.write("\n")
        one.stdin.flush()
    return max(float(one.communicate()[0]) for one in running)


def main() -> None:
    """In a process of its own: print the seconds per iteration on a part of the X of a file, once told to go."""
    warnings.simplefilter("ignore")
    file, (k, parts, part) = sys.argv[1], map(int, sys.argv[2:])
    run = ours(np.array(np.array_split(np.load(file, mmap_mode="r"), parts)[part]), k)
    run.stamps(ITERATIONS)
    print("warm", flush=True)
    sys.stdin.readline()
    print(pace(run.stamps(4 * ITERATIONS)))


if __name__ == "__main__":
    main()
