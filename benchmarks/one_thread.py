"""One thread each, unless the caller's environment says otherwise. Libraries read this when they are loaded."""

from __future__ import annotations

import os

# Whatever decides about threads here, or in a library that is compared with, belongs into this list.
VARIABLES = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def ask_for_one_thread() -> None:
    for variable in VARIABLES:
        os.environ.setdefault(variable, "1")
