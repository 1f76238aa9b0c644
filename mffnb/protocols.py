"""Every protocol of the framework on one page; read this first.

    X ~ A E        X: pixels x channels    A: abundances, pixels x k    E: endmembers, k x channels

Kannan et al. 2018 (Adv. Struct. Chem. Imaging 4:6) write X transposed: their U is our E transposed and their V
our A transposed. Inside the package both factors are stored "component first", A as (k, pixels) and E as
(k, channels), so that one half step serves both: E is to X^T what A is to X.

A solver never sees X. It sees a :class:`Half`, the quadratic that one factor has to minimise while the other one
is held, and parts (penalties, constraints) that have been folded into it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from mffnb.typing import Float64Array

if TYPE_CHECKING:
    from mffnb.graphs import Graph


@runtime_checkable
class Matrix(Protocol):
    """Where X lives and how it is read. Rows are pixels, columns are channels.

    Rows may be shared out over processes: factors over pixels then hold only the rows that are here, factors over
    channels are the same everywhere, and whatever sums over pixels goes through :meth:`total`.
    """

    @property
    def shape(self) -> tuple[int, int]:
        """Rows in all processes, columns."""

    @property
    def own(self) -> slice:
        """Which rows are here."""

    def times(self, basis: Float64Array) -> Float64Array:
        """Return ``basis X^T``: for a basis (k, columns) the cross product (k, own rows), float64."""

    def transposed_times(self, factor: Float64Array) -> Float64Array:
        """Return ``factor X``: for a factor (k, own rows) the cross product (k, columns), summed over all rows."""

    def total(self, part: Float64Array) -> Float64Array:
        """Sum over all rows, from the sum over the rows that are here."""

    @property
    def squared_norm(self) -> float:
        """Sum of the squares of all entries, accumulated in float64."""


@dataclass(frozen=True)
class Half:
    r"""What one factor F (k, entries) sees while the other one is held.

    .. math:: \tfrac12 \langle F, G F\rangle - \langle C, F\rangle + \tfrac{w}{2} \operatorname{tr}(F L F^T)
              \qquad F \ge 0,\; \lVert f_j\rVert \le r,\; (\sum_j f_{ji} = 1)

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
    """

    gram: Float64Array
    cross: Float64Array
    radius: float = np.inf
    graph: Graph | None = None
    coupling: float = 0.0
    sum_to_one: bool = False

    def value(self, factor: Float64Array) -> float:
        """The quadratic at a factor (k, entries)."""
        coupled = self.coupling / 2 * self.graph.roughness(factor) if self.graph is not None else 0.0
        return float(np.vdot(self.gram, factor @ factor.T) / 2 - np.vdot(self.cross, factor)) + coupled


@runtime_checkable
class Term(Protocol):
    """A penalty or a constraint on one factor: it folds itself into the factor's half problem."""

    def fold(self, half: Half) -> Half:
        """The half problem with this term in it; ``half`` itself is left alone."""


@runtime_checkable
class Penalty(Term, Protocol):
    """A term with a value that is added to the objective."""

    def value(self, factor: Float64Array) -> float:
        """The penalty of a factor of shape (k, entries)."""


@runtime_checkable
class Constraint(Term, Protocol):
    """A set that a factor must lie in."""

    def project(self, factor: Float64Array) -> Float64Array:
        """The nearest point of the set."""


class Similarity(Protocol):
    """How the distance between data and model is measured, and the scale on which lambda is defined."""

    def scale(self, matrix: Matrix) -> float:
        """Factor by which the data are multiplied before a penalty weight means anything."""


class Start(Protocol):
    """A first guess of both factors."""

    def start(self, matrix: Matrix, components: int, seed: int) -> tuple[Float64Array, Float64Array]:
        """Non-negative A (k, pixels) and E (k, channels)."""


class Solver(Protocol):
    """Moves one factor towards the minimum of its half problem; the same code serves A and E."""

    def update(self, factor: Float64Array, half: Half) -> float:
        """Change ``factor`` in place, never raising the half objective; return the squared size of the step."""
