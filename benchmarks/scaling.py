"""One image on many ranks: what is measured here, and what is foretold for a cluster.

    python benchmarks/scaling.py                 # one rank and two, one thread each, in turn
    python benchmarks/scaling.py predict         # tables for up to 1024 ranks, from a model with stated constants

65536 pixels x 1535 channels of float32, k = 8, plain NMF; every rank makes its own pixels. Needs the `mpi` extra. Where the
variable `MFFNB_PLANC_DISTRIBUTED` names PLANC's distributed executable (`dense_distnmf`, float64), its HALS and BPP are
run on as many ranks, on random data of that shape.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass
from math import ceil, log2
from pathlib import Path

import numpy as np
from one_thread import VARIABLES, ask_for_one_thread

ask_for_one_thread()

from mffnb.estimators.factorization import MatrixFactorization  # noqa: E402
from mffnb.parallel import best_shape  # noqa: E402

PIXELS, CHANNELS, K = 65536, 1535, 8
WARM, TIMED = 5, 25  # iterations


@dataclass(frozen=True)
class Machine:
    """What a cluster is made of.

    Attributes
    ----------
    latency
        Seconds before the first byte of a message arrives.
    bandwidth
        Bytes that a rank sends in a second.
    memory
        Bytes of X that a rank reads in a second.
    arithmetic
        Multiplications and additions of the two products that a rank makes in a second.
    sweeps
        The same for the half steps.
    """

    latency: float = 2e-6
    bandwidth: float = 1e9
    memory: float = 5e9
    arithmetic: float = 1e10
    sweeps: float = 3e9


def words(pixels: int, channels: int, k: int, shape: tuple[int, int]) -> tuple[float, float]:
    """Numbers that a rank moves in an iteration, on average: for the factors, and for the two Gram matrices."""
    rows, columns = shape
    p = rows * columns
    factors = 2 * ((rows - 1) * channels + (columns - 1) * pixels) * k / p
    return factors, 4 * k**2 * (p - 1) / p


def seconds(pixels: int, channels: int, k: int, shape: tuple[int, int], machine: Machine = Machine(), itemsize: int = 4) -> tuple[float, float]:  # fmt: skip
    """Of an iteration of HALS, four sweeps in each half step: computing, and communicating."""
    rows, columns = shape
    p = rows * columns
    looks = 1 if columns == 1 else 2
    X = pixels * channels / p
    compute = max(looks * itemsize * X / machine.memory, 4 * k * X / machine.arithmetic)
    compute += 4 * 2 * k**2 * (pixels + channels) / p / machine.sweeps
    messages = 2 * (ceil(log2(rows)) + ceil(log2(columns)))  # factors gathered, sums scattered
    messages += 2 * 4 * ceil(log2(p)) if p > 1 else 0  # two Gram matrices and two numbers, summed and handed round
    return compute, messages * machine.latency + 8 * sum(words(pixels, channels, k, shape)) / machine.bandwidth


def foretold(pixels: int = 10**8, channels: int = 1535, most: int = 1024) -> str:
    """Tables of strong and weak scaling."""
    lines = [
        "| k | ranks | grid | strong: s an iteration | communicating, % | efficiency | weak: pixels | s an iteration | efficiency |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for k in (8, 16):
        one = sum(seconds(pixels, channels, k, (1, 1)))
        share = sum(seconds(pixels // most, channels, k, (1, 1)))
        for p in (1, 4, 16, 64, 256, most):
            shape = best_shape(p, pixels, channels)
            compute, talk = seconds(pixels, channels, k, shape)
            fewer = pixels * p // most
            weak = sum(seconds(fewer, channels, k, best_shape(p, fewer, channels)))
            lines.append(
                f"| {k} | {p} | {shape[0]} x {shape[1]} | {compute + talk:.4g} | {100 * talk / (compute + talk):.2g} | "
                f"{one / (p * (compute + talk)):.3f} | {fewer:.3g} | {weak:.4g} | {share / weak:.3f} |"
            )
    return "\n".join(lines)


def on_rank(pixels: int, channels: int, shape: tuple[int, int] | None) -> None:
    """Time the iterations of one run; the first rank prints them."""
    from mpi4py import MPI  # noqa: PLC0415  a rank

    from mffnb.cubes.as_cube import as_cube  # noqa: PLC0415
    from mffnb.cubes.layout import Layout  # noqa: PLC0415
    from mffnb.parallel import Grid, ranks  # noqa: PLC0415

    side = 256
    # A cube of zero strides stands for the shape; each rank then makes the block that it would read.
    cube = as_cube(np.broadcast_to(np.float32(1), (pixels // side, side, channels)))
    matrix = ranks.distributed_matrix(Layout.of(cube), cube, Grid(MPI.COMM_WORLD, shape))
    rng = np.random.default_rng(MPI.COMM_WORLD.rank)
    A, E = rng.dirichlet(np.full(K, 0.3), matrix.block.shape[0]), np.random.default_rng(99).random((K, channels))
    block = (A @ E[:, matrix.column_axis.block]).astype(np.float32)
    block += 0.05 * rng.random(block.shape, dtype=np.float32)
    from mffnb.matrices import Dense  # noqa: PLC0415

    model = MatrixFactorization(K, init="random", random_state=0, max_iter=WARM + TIMED, tol=0)
    model.factorize(matrix.with_block(Dense(block)))
    stamps = np.array([state.seconds for state in model.trace_])
    if MPI.COMM_WORLD.rank == 0:
        print(json.dumps(np.diff(stamps)[WARM:].tolist()))


def started(ranks: int, command: list[str]) -> subprocess.Popen:
    beside = Path(sys.prefix) / "bin" / "mpiexec"
    launcher = str(beside) if beside.exists() else shutil.which("mpiexec") or "mpiexec"
    environment = os.environ | dict.fromkeys(VARIABLES, "1")
    return subprocess.Popen([launcher, "-n", str(ranks), *command], stdout=subprocess.PIPE, text=True, env=environment)


def run(ranks: int, command: list[str]) -> str:
    return said(started(ranks, command))


def said(process: subprocess.Popen) -> str:
    text = process.communicate()[0]
    if process.returncode:
        raise SystemExit(f"{process.args} ended with {process.returncode}")
    return text


def own(rows: int, columns: int, pixels: int, channels: int) -> list[str]:
    sizes = {"--pixels": pixels, "--channels": channels}
    words = [str(word) for pair in sizes.items() for word in pair]
    return [sys.executable, "-m", "mpi4py", __file__, "rank", "--shape", str(rows), str(columns), *words]


def apart(processes: int, pixels: int, channels: int) -> list[float]:
    """As many processes at once, each with its part of the pixels, that do not talk: what the machine allows."""
    running = [started(1, own(1, 1, pixels // processes, channels)) for _ in range(processes)]
    return [time for process in running for time in json.loads(said(process))]


def measured(most: int, repeats: int, pixels: int, channels: int) -> None:
    """Interleaved runs on one rank and on several; of all iterations the median and the fastest."""
    grids = [(1, 1), *((p, 1) for p in range(2, most + 1)), *((1, p) for p in range(2, most + 1))]
    names = {(rows, columns): f"{rows} x {columns}" for rows, columns in grids}
    times: dict[str, list[float]] = {name: [] for name in names.values()}
    counts = {name: rows * columns for (rows, columns), name in names.items()}
    alone = f"{most} processes that do not talk"
    times[alone], counts[alone] = [], most
    for _ in range(repeats):
        for (rows, columns), name in names.items():
            times[name] += json.loads(run(rows * columns, own(rows, columns, pixels, channels)))
        times[alone] += apart(most, pixels, channels)
    print("| grid | ms an iteration, median | fastest | efficiency, medians | fastest |\n|---|---|---|---|---|")
    one, least = statistics.median(times["1 x 1"]), min(times["1 x 1"])
    for name, values in times.items():
        middle, p = statistics.median(values), counts[name]
        print(
            f"| {name} | {1e3 * middle:.1f} | {1e3 * min(values):.1f} | {one / (p * middle):.2f} | "
            f"{least / (p * min(values)):.2f} |"
        )


def planc(most: int, pixels: int, channels: int) -> None:
    """PLANC's HALS and BPP, if it is there."""
    binary = os.environ.get("MFFNB_PLANC_DISTRIBUTED")
    if binary is None:
        print("\nMFFNB_PLANC_DISTRIBUTED does not name PLANC's distributed executable: not compared with.")
        return
    for name, number in (("HALS", 1), ("BPP", 2)):
        options = {"-a": number, "-k": K, "-i": "rand_uniform", "-d": f"{pixels} {channels}", "-p": f"{most} 1", "-t": WARM + TIMED}  # fmt: skip
        text = run(most, [binary, *(str(word) for pair in options.items() for word in pair)])
        taken = [float(number) for number in re.findall(r"completed it\s*=\s*\d+::taken::\s*([-+.\deE]+)", text)]
        print(f"PLANC {name}, {most} x 1: {1e3 * statistics.median(np.diff(taken)[WARM:]):.1f} ms an iteration")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="?", default="measure", choices=["measure", "predict", "rank"])
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--pixels", type=int, default=PIXELS)
    parser.add_argument("--channels", type=int, default=CHANNELS)
    parser.add_argument("--shape", type=int, nargs=2)
    options = parser.parse_args()
    if options.what == "predict":
        print(foretold())
    elif options.what == "rank":
        on_rank(options.pixels, options.channels, None if options.shape is None else tuple(options.shape))
    else:
        measured(options.ranks, options.repeats, options.pixels, options.channels)
        planc(options.ranks, options.pixels, options.channels)


if __name__ == "__main__":
    main()
