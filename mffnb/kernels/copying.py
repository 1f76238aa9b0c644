"""Copy of a vector inside kernels."""

from __future__ import annotations

from mffnb.kernels.compile import kernel
from mffnb.typing import Array


@kernel()
def copy_entries(source: Array, out: Array) -> None:
    """Copy ``source`` to ``out``, both (entries,).

    The assignment ``out[:] = source`` would compile numba's error message for unequal shapes too: 40 functions.
    """
    for i in range(out.size):
        out[i] = source[i]
