"""Numbers of the components of a start for which they obey known abundances best."""

from __future__ import annotations

import numpy as np
import scipy

from mffnb.constraints.fixed import known_entries
from mffnb.problem.problem import Problem
from mffnb.typing import Array, Float64Array

_PREFERENCE = 1e-9  # cost of another number than before, for components that no known abundance tells apart


def obeying_order(abundances: Float64Array, endmembers: Float64Array, problem: Problem, first: int) -> Array:
    r"""Return the order of the components of a start in which they violate known abundances least, (k,).

    The share of component c in pixel i is :math:`p_{ci} = a_{ci} \lVert e_c\rVert / \sum_l a_{li} \lVert e_l\rVert`.
    The cost of the number j for component c is the sum of :math:`(p_{ci} - v_{ji})^2` over the pixels in which the
    abundance of component j has the known value v. The order is the assignment with the smallest total cost.

    Parameters
    ----------
    abundances, endmembers
        Start values A (k, pixels of this rank) and E (k, channels of this rank).
    problem
        Problem whose :class:`mffnb.Fixed` are obeyed.
    first
        Number of known endmembers; these components come first and keep their numbers.
    """
    k, total = len(abundances), problem.matrix.total
    known = known_entries(problem.abundance_terms, abundances.shape)
    if known is None:
        return np.arange(k)
    fixed, values = known
    share = abundances * np.sqrt(total((endmembers**2).sum(axis=1)))[:, None]
    whole = share.sum(axis=0)
    share = share / np.where(whole > 0, whole, 1.0)
    cost = np.array([((share[:, none] - values[j, none]) ** 2).sum(axis=1) for j, none in enumerate(fixed)])
    cost = total(cost)[first:, first:]
    _, order = scipy.optimize.linear_sum_assignment(cost + _PREFERENCE * (1 - np.eye(k - first)))
    return np.concatenate([np.arange(first), first + order])
