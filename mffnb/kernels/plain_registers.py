"""Plain loops that compute what :mod:`mffnb.kernels.registers` writes as LLVM instructions, to rounding.

They are used where the instructions cannot be built, for instance by an untested version of numba, and by the tests
as a reference. They leave vectorization to the compiler, do not prefetch, and are slower.
"""

from __future__ import annotations

from typing import Any

from mffnb.kernels.compile import kernel
from mffnb.typing import Array

#: Entries that :func:`descent` moves at once; two registers of four are enough to hide how long a sum takes.
LANES = 8


def strip(most: int, lanes: int) -> Any:  # noqa: ARG001  the largest count does not matter here
    """Make the small product of :func:`mffnb.kernels.registers.strip`, without its prefetching."""

    @kernel()
    def add(
        count: int,
        left: Array,
        first: int,
        across: int,
        along: int,
        right: Array,
        begin: int,
        pitch: int,
        steps: int,
        out: Array,
        at: int,
        row: int,
        source: Array,  # noqa: ARG001  for prefetching
        ahead: int,  # noqa: ARG001
        every: int,  # noqa: ARG001
    ) -> None:
        numbers, basis, sums = left.reshape(-1), right.reshape(-1), out.reshape(-1)
        for r in range(count):
            for step in range(steps):
                number, shift = numbers[first + r * across + step * along], begin + step * pitch
                for lane in range(lanes):
                    sums[at + r * row + lane] += number * basis[shift + lane]

    return add


def descent(k: int) -> Any:
    """Make the coordinate descent of :func:`mffnb.kernels.registers.descent`."""

    @kernel()
    def descend(
        factor: Array, start: int, cross: Array, at: int, ratios: Array, curvature: Array, sweeps: int
    ) -> float:
        moved = 0.0
        for sweep in range(max(sweeps, 1)):
            for j in range(k):
                for lane in range(LANES):
                    total = cross[j, at + lane] * curvature[1, j]
                    for other in range(k):
                        if other != j:
                            total += ratios[j, other] * factor[other, start + lane]
                    new = total if total > 0.0 else 0.0  # NaN becomes zero
                    if sweep == 0:
                        moved += curvature[0, j] * (new - factor[j, start + lane]) ** 2
                    factor[j, start + lane] = new
        return moved

    return descend
