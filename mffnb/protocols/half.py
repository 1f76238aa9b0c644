"""The half-step subproblem of one factor while the other factor is fixed."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from mffnb.protocols.functions import FactorSet, Function, ProximalFunction, SmoothFunction
from mffnb.protocols.graph import PixelGraph
from mffnb.protocols.losses import LogTerm, Loss
from mffnb.typing import Array, Float64Array, Total

_DATA_FIELDS = {"gram", "cross", "factor", "total", "minimum"}


@dataclass(frozen=True)
class Half:
    r"""Half-step subproblem: minimise over one factor F (k, entries); quadratic except for the terms in brackets.

    .. math:: \tfrac12 \sum_i u_i f_i^T G f_i - \langle C, F\rangle + \tfrac{w}{2} \operatorname{tr}(F L F^T)
              \;(-\, w' \sum_{im} x_{im} \log (F^T B)_{im} + d(F) + \sum s(F) + \sum p(F))
              \qquad l \le F \le u,\; \lVert f_j\rVert \le r,\; (\sum_j f_{ji} = 1)

    Attributes
    ----------
    gram
        G, (k, k): Gram matrix of the other factor.
    cross
        C, (k, entries): cross product of the data with the other factor.
    radius
        r, bound on the norm of each row; infinite for none.
    graph, coupling
        Graph between entries with Laplacian L, and the weight w of its penalty; None and 0 if entries are independent.
    sum_to_one
        Whether every column of F sums to one.
    single
        Whether every column of F has at most one entry that is not zero.
    weights
        u, weight of each entry in the quadratic term, (entries,); None for ones.
    fixed
        Boolean array, True where F is fixed, (k, entries); None if no entry is fixed.
    lower, upper
        Bounds on the entries of F: numbers, or one for each entry, (entries,).
    log
        Logarithmic part of a Poisson likelihood; None for least squares.
    factor
        F before the half step, (k, entries): the point where a non-quadratic term is replaced by its majorizer.
    loss
        d, a misfit that is neither quadratic nor logarithmic (G and C are then zero); None if there is no such misfit.
    smooth
        s, penalties with a gradient that is not linear.
    proximal
        p, penalties with a proximal operator, and sets with a projection that have no field above.
    total
        Function that adds sums over the entries of each rank to a sum over all ranks; None if one process has all
        entries.
    minimum
        Function that returns the elementwise minimum over all ranks; None if one process has all entries.
    """

    gram: Float64Array
    cross: Float64Array
    radius: float = np.inf
    graph: PixelGraph | None = None
    coupling: float = 0.0
    sum_to_one: bool = False
    single: bool = False
    weights: Float64Array | None = None
    fixed: Array | None = None
    lower: float | Float64Array = 0.0
    upper: float | Float64Array = np.inf
    log: LogTerm | None = None
    factor: Float64Array | None = None
    loss: Loss | None = None
    smooth: tuple[SmoothFunction, ...] = ()
    proximal: tuple[ProximalFunction | FactorSet, ...] = ()
    total: Total | None = None
    minimum: Total | None = None

    @property
    def free(self) -> bool:
        """Whether the subproblem is a non-negative quadratic problem without any other term or constraint."""
        others = [(getattr(self, one.name), one.default) for one in fields(self) if one.name not in _DATA_FIELDS]
        return all(value is default or (np.ndim(value) == 0 and value == default) for value, default in others)

    @property
    def boxed(self) -> bool:
        """Whether entries of the factor have bounds other than non-negativity."""
        each = np.ndim(self.lower) + np.ndim(self.upper) > 0  # arrays of bounds exist on every rank or on none
        return bool(each or self.lower > 0.0 or self.upper < np.inf)

    def summed(self, part: Array | float) -> Float64Array:
        """Return the sum over all ranks of ``part``, a sum over the entries of this rank."""
        here = np.asarray(part, dtype=np.float64)
        return here if self.total is None else self.total(here)

    def largest(self, part: Array | float) -> Float64Array:
        """Return the elementwise maximum over all ranks of ``part``, the maximum over the entries of this rank."""
        here = np.asarray(part, dtype=np.float64)
        return here if self.minimum is None else -self.minimum(-here)

    def value(self, factor: Float64Array) -> float:
        """Return this rank's contribution to the objective of the subproblem at a factor (k, entries)."""
        coupled = self.coupling / 2 * self.graph.roughness(factor) if self.graph is not None else 0.0
        likely = 0.0 if self.log is None else self.log.value(factor)
        likely += 0.0 if self.loss is None else self.loss.value(factor)
        penalties = sum(part.value(factor) for part in (*self.smooth, *self.proximal) if isinstance(part, Function))
        weighted = factor if self.weights is None else factor * self.weights
        quadratic = float(np.vdot(self.gram, weighted @ factor.T) / 2 - np.vdot(self.cross, factor))
        return quadratic + coupled + likely + penalties

    @property
    def unfolded(self) -> str | None:
        """Name of a term or loss that only the proximal-gradient solver supports; None if there is none."""
        if self.loss is not None:
            return self.loss.name
        return next((type(part).__name__ for part in (*self.smooth, *self.proximal)), None)
