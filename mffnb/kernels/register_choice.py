"""Choose the inner loops: LLVM instructions of :mod:`registers`, or :mod:`plain_registers` where these cannot be built.

The variable ``MFFNB_PLAIN_KERNELS=1`` chooses the plain loops too, to compare results or to find out whether the
instructions cause a fault. Results agree to rounding.
"""

from __future__ import annotations

import logging
import os
from types import ModuleType

from mffnb.kernels import plain_registers
from mffnb.kernels.cache import PLAIN_VARIABLE


def chosen() -> ModuleType:
    """Return the module whose ``strip`` and ``descent`` are used."""
    if os.environ.get(PLAIN_VARIABLE, "0") not in ("", "0"):
        return plain_registers
    try:
        from mffnb.kernels import registers  # noqa: PLC0415  an untested numba may lack what it imports

        registers.build()
    except Exception as error:  # numba, llvmlite and LLVM raise errors of many classes
        logging.getLogger(__name__).warning("use plain loops, which are slower: LLVM instructions failed: %s", error)
        return plain_registers
    return registers


_chosen = chosen()
strip, descent = _chosen.strip, _chosen.descent
