"""Model of strong and weak scaling on a cluster of up to 1024 MPI ranks, from stated constants; nothing is measured.

    python -m benchmarks scale.prediction

An iteration of HALS with four sweeps in each half step, on 10^8 pixels x 1535 channels of float32. `scale.ranks` measures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log2

from benchmarks.shared.command import parser, print_header, print_row
from mffnb.parallel import best_shape

ITEMSIZE = 4  # bytes of an entry of X


@dataclass(frozen=True)
class Machine:
    """Constants of a cluster.

    Attributes
    ----------
    latency
        Seconds until the first byte of a message arrives.
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
    """Mean count of numbers that a rank sends in an iteration: of the factors, and of the two Gram matrices."""
    rows, columns = shape
    p = rows * columns
    factors = 2 * ((rows - 1) * channels + (columns - 1) * pixels) * k / p
    return factors, 4 * k**2 * (p - 1) / p


def seconds(
    pixels: int, channels: int, k: int, shape: tuple[int, int], machine: Machine = Machine()
) -> tuple[float, float]:
    """Seconds of an iteration: computation and communication."""
    rows, columns = shape
    p = rows * columns
    passes = 1 if columns == 1 else 2  # over X: with several columns A is complete after all blocks of a row
    X = pixels * channels / p
    compute = max(passes * ITEMSIZE * X / machine.memory, 4 * k * X / machine.arithmetic)
    compute += 4 * 2 * k**2 * (pixels + channels) / p / machine.sweeps
    messages = 2 * (ceil(log2(rows)) + ceil(log2(columns)))  # all-gather of factors, reduce-scatter of sums
    messages += 2 * 4 * ceil(log2(p)) if p > 1 else 0  # all-reduce of two Gram matrices and two numbers
    return compute, messages * machine.latency + 8 * sum(words(pixels, channels, k, shape)) / machine.bandwidth


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--pixels", type=int, default=10**8)
    options.add_argument("--channels", type=int, default=1535)
    options.add_argument("--ranks", type=int, default=1024, help="largest number of ranks")
    chosen = options.parse_args(arguments)
    pixels, channels, most = chosen.pixels, chosen.channels, chosen.ranks
    strong = ("strong: s an iteration", "communicating, %", "efficiency")
    print_header("k", "ranks", "grid", *strong, "weak: pixels", "s an iteration", "efficiency")
    for k in (8, 16):
        one = sum(seconds(pixels, channels, k, (1, 1)))
        share = sum(seconds(pixels // most, channels, k, (1, 1)))
        for p in [count for count in (1, 4, 16, 64, 256) if count < most] + [most]:
            shape = best_shape(p, pixels, channels)
            compute, talk = seconds(pixels, channels, k, shape)
            total, fewer = compute + talk, pixels * p // most
            alone = sum(seconds(fewer, channels, k, best_shape(p, fewer, channels)))
            cells = (f"{total:.4g}", f"{100 * talk / total:.2g}", f"{one / (p * total):.3f}", f"{fewer:.3g}")
            print_row(k, p, f"{shape[0]} x {shape[1]}", *cells, f"{alone:.4g}", f"{share / alone:.3f}")
