"""The order in which the components of an unmixing result are numbered."""

from __future__ import annotations

from typing import Any

import numpy as np

from mffnb.typing import Array


def component_order(amounts: Array, endmembers: Array, *, numbers_have_meaning: bool = False) -> Any:
    r"""Return the order of the components by decreasing share of the signal, unless their numbers have a meaning.

    The share of component j is :math:`\sum_i a_{ij} \, \lVert e_j \rVert`, which does not depend on how scale is
    divided between A and E. Numbers have a meaning after a given start, with known endmembers, and with terms written
    by the user: these refer to a component by its number.

    Parameters
    ----------
    amounts
        Sums of the abundances over all pixels, (k,).
    endmembers
        Endmembers E, (k, channels).
    numbers_have_meaning
        Whether to keep the present order of the components.

    Returns
    -------
    ndarray of int, (k,)
        Indices of the components in their new order; equal shares keep their order.

    Examples
    --------
    >>> import numpy as np
    >>> component_order(np.array([1.0, 1.0, 3.0]), np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 0.0]])).tolist()
    [2, 1, 0]
    """
    if numbers_have_meaning:
        return np.arange(len(endmembers))
    return np.argsort(-amounts * np.linalg.norm(endmembers, axis=1), kind="stable")
