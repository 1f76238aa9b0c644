"""Arrays as kernels take them: in C order and read-only, so that kernels are compiled once for each type of number."""

from __future__ import annotations

import numpy as np

from mffnb.typing import Array


def read_only_view(array: Array) -> Array:
    """Return a read-only C-ordered view, so that kernels are compiled only once for each type of number."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view
