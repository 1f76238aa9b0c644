"""Total variation on a graph: its value and its proximal operator (dual accelerated projected gradient).

For a row x and undirected edges e = (i, j) with weights c_e, the proximal operator solves

    minimise over f   sum_e c_e |f_i - f_j| + |f - x|^2 / 2

The dual variable is a flow p_e in [-c_e, c_e] along each edge, and f is x minus the net outflow of p at each entry. The
duality gap ``sum_e (c_e |f_i - f_j| - p_e (f_i - f_j))`` bounds the distance of f from the minimum.

Source: Chambolle 2004, J. Math. Imaging Vis. 20:89 (dual); Beck & Teboulle 2009, IEEE TIP 18:2419 (acceleration);
O'Donoghue & Candes 2015, Found. Comput. Math. 15:715 (restart).
"""

from __future__ import annotations

import numpy as np

from mffnb.kernels.compile import kernel
from mffnb.kernels.copying import copy_entries
from mffnb.typing import Array


@kernel()
def total_variation(row: Array, first: Array, second: Array, weights: Array) -> float:
    """Compute the total variation ``sum_e w_e |f_i - f_j|`` of a row over the edges of a graph."""
    total = 0.0
    for e in range(first.size):
        total += weights[e] * abs(row[first[e]] - row[second[e]])
    return total


@kernel()
def _apply(x: Array, flow: Array, first: Array, second: Array, f: Array) -> None:
    """Write to ``f`` the primal point of a dual flow: x minus the net outflow at each entry."""
    copy_entries(x, f)
    for e in range(first.size):
        f[first[e]] -= flow[e]
        f[second[e]] += flow[e]


@kernel(allocates=True)
def prox_total_variation(
    x: Array, first: Array, second: Array, limits: Array, steepest: float, tolerance: float, most: int, out: Array
) -> int:
    """Write the proximal point of the total variation at x to ``out``; return the number of steps.

    The iteration stops at a duality gap of ``tolerance`` or after ``most`` steps. ``limits`` are the edge weights times
    the step size of the proximal operator. ``steepest`` is twice the largest number of edges at an entry, an upper
    bound of all eigenvalues of the Laplacian.
    """
    edges = first.size
    flow, extrapolated = np.zeros(edges), np.zeros(edges)
    momentum = 1.0
    copy_entries(x, out)
    for step in range(most):
        _apply(x, extrapolated, first, second, out)
        uphill = 0.0
        after = (1.0 + np.sqrt(1.0 + 4.0 * momentum * momentum)) / 2.0
        momentum_factor = (momentum - 1.0) / after
        for e in range(edges):
            new = extrapolated[e] + (out[first[e]] - out[second[e]]) / steepest
            new = min(max(new, -limits[e]), limits[e])
            uphill += (extrapolated[e] - new) * (new - flow[e])
            extrapolated[e] = new + momentum_factor * (new - flow[e])
            flow[e] = new
        momentum = after
        if uphill > 0.0:
            momentum = 1.0
            copy_entries(flow, extrapolated)
        if step % 8 == 7 or step == most - 1:
            _apply(x, flow, first, second, out)
            gap = 0.0
            for e in range(edges):
                change = out[first[e]] - out[second[e]]
                gap += limits[e] * abs(change) - flow[e] * change
            if gap <= tolerance:
                return step + 1
    return most
