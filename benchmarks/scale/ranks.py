"""One image on several MPI ranks: milliseconds per iteration and efficiency, next to independent processes.

    python -m benchmarks scale.ranks [--ranks 2] [--repeats 3]

65536 pixels x 1535 channels of float32, k = 8, plain NMF; every rank makes its own pixels; one thread a rank, all grids in turn.
Needs the `mpi` extra. "Independent processes" have a part of the pixels each and do not communicate: what the machine allows. If the
variable `MFFNB_PLANC_DISTRIBUTED` names PLANC's distributed executable (`dense_distnmf`, float64), its HALS and BPP run on
as many ranks, on random data of that shape.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from statistics import median

import numpy as np

from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.processes import benchmark_command, on_ranks, output, start
from mffnb import MatrixFactorization
from mffnb.cubes.as_cube import as_cube
from mffnb.cubes.layout import Layout
from mffnb.matrices import Dense
from mffnb.parallel import Grid, ranks

ONE_THREAD = True
PIXELS, CHANNELS, K = 65536, 1535, 8
WARM, TIMED = 5, 25  # iterations


def on_rank(pixels: int, channels: int, shape: tuple[int, int] | None) -> None:
    """Time the iterations of one run; the first rank prints them."""
    from mpi4py import MPI  # noqa: PLC0415  starts MPI

    side = min(256, pixels // 64)
    # A cube of zero strides stands for the shape; each rank then makes the block that it would read.
    cube = as_cube(np.broadcast_to(np.float32(1), (pixels // side, side, channels)))
    matrix = ranks.distributed_matrix(Layout.of(cube), cube, Grid(MPI.COMM_WORLD, shape))
    rng = np.random.default_rng(MPI.COMM_WORLD.rank)
    A, E = rng.dirichlet(np.full(K, 0.3), matrix.block.shape[0]), np.random.default_rng(99).random((K, channels))
    block = (A @ E[:, matrix.column_axis.block]).astype(np.float32)
    block += 0.05 * rng.random(block.shape, dtype=np.float32)
    model = MatrixFactorization(K, init="random", random_state=0, max_iter=WARM + TIMED, tol=0)
    model.factorize(matrix.with_block(Dense(block)))
    stamps = np.array([state.seconds for state in model.trace_])
    if MPI.COMM_WORLD.rank == 0:
        print(json.dumps(np.diff(stamps)[WARM:].tolist()))


def command(rows: int, columns: int, pixels: int, channels: int) -> list[str]:
    sizes = ("--pixels", pixels, "--channels", channels)
    return benchmark_command("scale.ranks", "--grid", rows, columns, *sizes, ranks=True)


def independent(processes: int, pixels: int, channels: int) -> list[float]:
    """Seconds of iterations of processes that run at once, each with its part of the pixels, and do not communicate."""
    alone = on_ranks(1, command(1, 1, pixels // processes, channels))
    running = [start(alone, threads=1) for _ in range(processes)]
    return [time for process in running for time in json.loads(output(process))]


def measured(most: int, repeats: int, pixels: int, channels: int) -> None:
    """Median and fastest of all iterations, on one rank and on several."""
    grids = [(1, 1), *((p, 1) for p in range(2, most + 1)), *((1, p) for p in range(2, most + 1))]
    times: dict[tuple[str, int], list[float]] = {}
    for _ in range(repeats):
        for rows, columns in grids:
            launched = on_ranks(rows * columns, command(rows, columns, pixels, channels))
            taken = json.loads(output(start(launched, threads=1)))
            times.setdefault((f"{rows} x {columns}", rows * columns), []).extend(taken)
        if most > 1:
            key = f"{most} independent processes", most
            times.setdefault(key, []).extend(independent(most, pixels, channels))
    print_header("grid", "ms an iteration, median", "fastest", "efficiency, medians", "fastest")
    one, least = (figure(times["1 x 1", 1]) for figure in (median, min))
    for (name, p), values in times.items():
        middle, fastest = median(values), min(values)
        efficiencies = one / (p * middle), least / (p * fastest)
        print_row(name, f"{1e3 * middle:.1f}", f"{1e3 * fastest:.1f}", *(f"{value:.2f}" for value in efficiencies))


def planc(most: int, pixels: int, channels: int) -> None:
    """Run HALS and BPP of PLANC, if it is there."""
    binary = os.environ.get("MFFNB_PLANC_DISTRIBUTED")
    if binary is None:
        print("\nPLANC is left out: MFFNB_PLANC_DISTRIBUTED does not name its distributed executable.")
        return
    for name, number in (("HALS", 1), ("BPP", 2)):
        data = {"-d": f"{pixels} {channels}", "-p": f"{most} 1", "-t": WARM + TIMED}
        options = {"-a": number, "-k": K, "-i": "rand_uniform"} | data
        words = [str(word) for pair in options.items() for word in pair]
        text = output(start(on_ranks(most, [binary, *words]), threads=1))
        taken = [float(number) for number in re.findall(r"completed it\s*=\s*\d+::taken::\s*([-+.\deE]+)", text)]
        print(f"PLANC {name}, {most} x 1: {1e3 * median(np.diff(taken)[WARM:]):.1f} ms an iteration")


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--ranks", type=int, default=2)
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--pixels", type=int, default=PIXELS)
    options.add_argument("--channels", type=int, default=CHANNELS)
    options.add_argument("--grid", type=int, nargs=2, help="used by the benchmark itself: be a rank of this grid")
    chosen = options.parse_args(arguments)
    if chosen.grid:
        on_rank(chosen.pixels, chosen.channels, tuple(chosen.grid))
        return
    if chosen.quick:
        # Ranks get whole bands of rows, of 1024 pixels each.
        chosen.pixels, chosen.channels, chosen.repeats = 2048 * chosen.ranks, 40, 1
    measured(chosen.ranks, chosen.repeats, chosen.pixels, chosen.channels)
    planc(chosen.ranks, chosen.pixels, chosen.channels)
