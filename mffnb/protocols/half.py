"""The half-step subproblem of one factor, and the protocols of the terms that are added to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Protocol, runtime_checkable

import numpy as np

from mffnb.protocols.graph import PixelGraph
from mffnb.protocols.matrix import AxisDistribution
from mffnb.typing import Array, Float64Array, Total


class LogTerm(Protocol):
    r"""The part of a likelihood that no quadratic describes: :math:`-w \sum_{im} x_{im} \log (F^T B)_{im}`.

    B, (k, others), is the factor that is held. What the data are multiplied by is part of w.
    """

    @property
    def basis(self) -> Float64Array:
        """B, (k, others)."""

    @property
    def weight(self) -> float:
        """W."""

    @property
    def share(self) -> AxisDistribution:
        """Whose entries of F are whose; B is that of all others in the block."""

    def value(self, factor: Float64Array) -> float:
        """The term at a factor F (k, entries); infinite where an observed count is given no chance."""

    def gradient(self, factor: Float64Array) -> Float64Array:
        r"""Return :math:`-w \sum_m B_{jm} x_{im} / (F^T B)_{im}`, (k, entries)."""

    def ratios(self, factor: Float64Array) -> Float64Array:
        r"""Return :math:`w\, f_{ji} \sum_m B_{jm} x_{im} / (F^T B)_{im}`, (k, entries): what draws F upwards."""

    def bands(self) -> Iterator[tuple[int, int, Any]] | None:
        """Yield (start, stop, rows of X), a row for each entry of the block; None where those cannot be read."""


class Loss(Protocol):
    """A misfit that is neither a quadratic nor a logarithm, as a function of one factor; the other one is held."""

    @property
    def name(self) -> str:
        """What users call it."""

    def value(self, factor: Float64Array) -> float:
        """The misfit at a factor (k, entries); infinite where it is not defined."""

    def look(self, factor: Float64Array) -> tuple[float, Float64Array]:
        """Value and gradient, (k, entries), in one look at X."""

    def curvature(self, factor: Float64Array) -> Float64Array:
        """A diagonal that lies above the second derivative near a factor, or nearly so, (k, entries)."""


@dataclass(frozen=True)
class Half:
    r"""What one factor F (k, entries) sees while the other one is held.

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
        r, bound on the norm of each row; infinite where there is none.
    graph, coupling
        Graph with Laplacian L between entries and its weight w; None and 0 where entries are independent.
    sum_to_one
        Whether every column of F sums to one.
    single
        Whether at most one entry of every column of F is not zero.
    weights
        u, how much each entry counts, (entries,); None where all count 1.
    fixed
        True where F stays as it is, (k, entries); None where all of it may move.
    lower, upper
        Bounds on the entries of F, each a number or one for each entry, (entries,).
    log
        What a likelihood adds to the quadratic; None for least squares.
    factor
        F as it stands, (k, entries): where a term that is no quadratic is touched by the one it folds in.
    loss
        d, a misfit that is nothing of the above (G and C are zero then); None else.
    smooth
        s, penalties with a gradient that is not linear.
    proximal
        p, what is left: penalties that know their proximal point, and sets that know their nearest point.
    total
        Sums over all processes what was summed over the entries here; None where all entries are here.
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
    smooth: tuple[SmoothTerm, ...] = ()
    proximal: tuple[Proximal | Constraint, ...] = ()
    total: Total | None = None

    @property
    def free(self) -> bool:
        """Whether this is a quadratic whose entries are not negative, and nothing else."""
        mine = {"gram", "cross", "factor", "total"}
        others = [(getattr(self, part.name), part.default) for part in fields(self) if part.name not in mine]
        return all(value is default or (np.ndim(value) == 0 and value == default) for value, default in others)

    @property
    def boxed(self) -> bool:
        """Whether entries have other bounds than zero, or bounds of their own."""
        each = np.ndim(self.lower) + np.ndim(self.upper) > 0  # which those in other processes have as well
        return bool(each or self.lower > 0.0 or self.upper < np.inf)

    def summed(self, part: Array | float) -> Float64Array:
        """Sum over all entries, from the sum over those that are here."""
        here = np.asarray(part, dtype=np.float64)
        return here if self.total is None else self.total(here)

    def value(self, factor: Float64Array) -> float:
        """The half problem at a factor (k, entries); what the entries here, and their counts, add to it."""
        coupled = self.coupling / 2 * self.graph.roughness(factor) if self.graph is not None else 0.0
        likely = 0.0 if self.log is None else self.log.value(factor)
        likely += 0.0 if self.loss is None else self.loss.value(factor)
        penalties = sum(part.value(factor) for part in (*self.smooth, *self.proximal) if isinstance(part, Penalty))
        weighted = factor if self.weights is None else factor * self.weights
        quadratic = float(np.vdot(self.gram, weighted @ factor.T) / 2 - np.vdot(self.cross, factor))
        return quadratic + coupled + likely + penalties

    @property
    def unfolded(self) -> str | None:
        """The name of a part that is no quadratic, no logarithm and none of the sets above; None if there is none."""
        if self.loss is not None:
            return self.loss.name
        return next((type(part).__name__ for part in (*self.smooth, *self.proximal)), None)


@runtime_checkable
class Term(Protocol):
    """A penalty or a constraint on one factor: it folds itself into the factor's half problem.

    One whose class says ``pixelwise = True`` leaves entries independent of each other, so that the half problem may be
    given to it in pieces, as the data are read, or shared out over processes; with ``alike = True`` as well it does the
    same to each of them, whatever the data and the factor are there. One that binds them needs a field ``total`` to be
    shared out: what sums over all processes is put there, and its value is that of the whole factor. One that appends
    itself to ``half.proximal`` and whose class says ``rowwise = True`` leaves rows independent of each other and
    non-negative, and is a cone, grows in proportion to each row, or depends on its norm alone: a solver that moves one
    row at a time can then take it exactly. A set that is not convex says ``convex = False``. One whose class has
    ``offered = {"abundances": label}``, or "endmembers", can be added in the explorer; a field ``graph`` that is
    None becomes the neighbours on the map.
    """

    def fold(self, half: Half) -> Half:
        """The half problem with this term in it; ``half`` itself is left alone."""


@runtime_checkable
class Penalty(Term, Protocol):
    """A term with a value that is added to the objective."""

    def value(self, factor: Float64Array) -> float:
        """The penalty of a factor of shape (k, entries)."""


@runtime_checkable
class SmoothTerm(Penalty, Protocol):
    """A penalty with a gradient that no quadratic has: it appends itself to ``half.smooth``."""

    def gradient(self, factor: Float64Array) -> Float64Array:
        """The gradient at a factor, (k, entries)."""


@runtime_checkable
class Proximal(Penalty, Protocol):
    """A penalty without a gradient, or one better taken whole: it appends itself to ``half.proximal``."""

    def prox(self, factor: Float64Array, step: float) -> Float64Array:
        """The G, (k, entries), that minimises ``step * value(G) + |G - factor|^2 / 2``."""


@runtime_checkable
class Constraint(Term, Protocol):
    """A set that a factor must lie in. One that a half problem has no field for appends itself to ``half.proximal``."""

    def project(self, factor: Float64Array) -> Float64Array:
        """The nearest point of the set."""
