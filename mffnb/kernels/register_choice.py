"""Selection of the inner loops: LLVM instructions (:mod:`registers`), or plain loops (:mod:`plain_registers`).

Plain loops are used if the instructions cannot be built. The environment variable ``MFFNB_PLAIN_KERNELS=1`` selects
them too, to compare results or to test whether the instructions cause a fault. Results agree up to rounding.
"""

from __future__ import annotations

import logging
import os
from types import ModuleType

from mffnb.kernels import plain_registers
from mffnb.kernels.cache import PLAIN_VARIABLE


def select_registers() -> ModuleType:
    """Return the module whose ``strip_product`` and ``register_descent`` the kernels use."""
    if os.environ.get(PLAIN_VARIABLE, "0") not in ("", "0"):
        return plain_registers
    try:
        from mffnb.kernels import registers  # noqa: PLC0415  the import fails if numba lacks a name

        registers.check()
    except Exception as error:  # numba, llvmlite and LLVM raise errors of many classes
        logging.getLogger(__name__).warning("use plain loops, which are slower: LLVM instructions failed: %s", error)
        return plain_registers
    return registers


_selected = select_registers()
#: Whether plain loops are used; NumPy then takes the place of kernels for which there are none.
PLAIN = _selected is plain_registers
strip_product, register_descent = _selected.strip_product, _selected.register_descent
