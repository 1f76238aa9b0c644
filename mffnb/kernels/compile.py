"""How kernels are compiled: once for each machine where a cache can be written, else once for each process."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from typing import Any

from numba import njit


def kernel(fastmath: bool | set[str] = False) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function on its first call, free of the interpreter lock.

    A division by zero is infinite, as in NumPy: to look for it would keep loops out of vector registers.

    Machine code is kept beside the source, or in the user's cache folder (``NUMBA_CACHE_DIR`` names another one). Where
    neither can be written, in a locked-down installation say, numba would refuse to go on; here it compiles without.

    Parameters
    ----------
    fastmath
        Which liberties the compiler may take with floating-point numbers; see :func:`numba.jit`.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        try:
            return njit(cache=True, nogil=True, error_model="numpy", fastmath=fastmath)(function)
        except RuntimeError as error:  # "cannot cache function ...: no locator available"
            if "cannot cache" not in str(error):
                raise
            _say_that_nothing_is_kept()
            return njit(nogil=True, error_model="numpy", fastmath=fastmath)(function)

    return compiled


@cache  # once is enough for all kernels
def _say_that_nothing_is_kept() -> None:
    logging.getLogger(__name__).warning(
        "no folder for compiled code can be written, so every process compiles for some seconds: "
        "set NUMBA_CACHE_DIR to a folder of yours"
    )
