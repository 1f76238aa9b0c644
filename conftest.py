"""Plugins and environment for tests, doctests and notebooks alike."""

from __future__ import annotations

import os

pytest_plugins = ["tests.slowest", "tests.order", "tests.real_data"]

# Two test processes on two cores: more threads would compete for them. Set before NumPy starts its own.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
# All runs wait for compiled kernels, so that results do not depend on the cache. Tests of NumPy steps unset it.
os.environ.setdefault("MFFNB_COMPILE", "wait")
