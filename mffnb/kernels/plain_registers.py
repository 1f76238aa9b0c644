"""Plain loops that replace the LLVM instructions of :mod:`mffnb.kernels.registers`; results agree up to rounding.

They are used if the instructions cannot be built, for instance with an untested version of numba, and they are the
reference in the tests. The compiler vectorizes them; they do not prefetch and are slower.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mffnb.kernels.compile import kernel
from mffnb.typing import Array

#: Entries that :func:`register_descent` updates at once: two registers of four hide the latency of an addition.
LANES = 8


def strip_product(heights: Sequence[int], lanes: int) -> Any:
    """Return the small matrix product of :func:`mffnb.kernels.registers.strip_product`, without prefetching."""

    @kernel(name=f"add_strip_{max(heights)}_{lanes}")
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
        fetch: int,  # noqa: ARG001
        stride: int,  # noqa: ARG001
    ) -> None:
        numbers, basis, sums = left.reshape(-1), right.reshape(-1), out.reshape(-1)
        for r in range(count):
            for step in range(steps):
                number, shift = numbers[first + r * across + step * along], begin + step * pitch
                for lane in range(lanes):
                    sums[at + r * row + lane] += number * basis[shift + lane]

    return add


def register_descent(k: int) -> Any:
    """Return the coordinate descent of :func:`mffnb.kernels.registers.register_descent`."""

    @kernel(name=f"descend_{k}")
    def descend(
        factor: Array, start: int, cross: Array, at: int, ratios: Array, curvature: Array, sweeps: int
    ) -> float:
        moved = 0.0
        for sweep in range(sweeps):
            for j in range(k):
                for lane in range(LANES):
                    total = cross[j, at + lane] * curvature[1, j]
                    for other in range(k):
                        if other != j:
                            total += ratios[j, other] * factor[other, start + lane]
                    new = total if total > 0.0 else 0.0  # NaN becomes zero too
                    if sweep == 0:
                        moved += curvature[0, j] * (new - factor[j, start + lane]) ** 2
                    factor[j, start + lane] = new
        return moved

    return descend
