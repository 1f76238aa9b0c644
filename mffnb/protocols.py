"""Every protocol of the framework on one page; read this first.

    X ~ A E        X: pixels x channels    A: abundances, pixels x k    E: endmembers, k x channels

Kannan et al. 2018 (Adv. Struct. Chem. Imaging 4:6) write X transposed: their U is our E transposed and their V
our A transposed. Inside the package both factors are stored "component first", A as (k, pixels) and E as
(k, channels), so that one half step serves both: E is to X^T what A is to X.

A solver never sees X. It sees a :class:`Half`, the quadratic that one factor has to minimise while the other one
is held, and parts (penalties, constraints) that have been folded into it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from mffnb.typing import Array, Float64Array, Total

if TYPE_CHECKING:
    from mffnb.graphs import Graph


class Move(Protocol):
    """What happens to a block of rows between the two products that an iteration needs."""

    def __call__(self, rows: slice, cross: Float64Array) -> Float64Array:
        """From ``basis X^T`` for these rows, (k, rows), the factor (k, rows) that they contribute with."""


@dataclass(frozen=True, eq=False)
class Descent:
    r"""Coordinate descent over columns f of a factor that do not know of each other, in numbers.

    .. math:: \tfrac12 f^T G f - (s c + b)^T f, \qquad f \ge 0

    with c what ``basis X^T`` has for the column.

    Attributes
    ----------
    factor
        F (k, own rows), changed in place.
    gram, scale, shift
        G (k, k), s and b (k,).
    sweeps
        How often each component is brought to its minimum in turn.
    """

    factor: Float64Array
    gram: Float64Array
    scale: float
    shift: Float64Array
    sweeps: int


class KnownMove(Move, Protocol):
    """A move that kernels may make themselves, where they can, while a few rows of X are in the cache."""

    def begin(self, rows: slice) -> None:
        """Bring the factor of these rows to where the move begins; kernels need to be told, a call does so itself."""

    @property
    def descent(self) -> Descent | None:
        """All that the move does; None where it does something else."""

    def made(self, rows: slice, moved: float, square: Float64Array) -> None:
        """Take note of what was done: the squared step of the first sweep, and ``F F^T`` of these rows."""


class Share(Protocol):
    """Whose entries along one side of X are whose, where processes share X.

    A process has a block of X, and of either factor its own entries: a part of those of the block. Processes whose
    blocks have the same rows share out the abundances of these rows; the same for columns.
    """

    @property
    def own(self) -> slice:
        """The entries whose factor is here."""

    @property
    def block(self) -> slice:
        """The entries of the block."""

    @property
    def alone(self) -> bool:
        """Whether these are the same: no other process has entries of the block."""

    def gathered(self, factor: Float64Array) -> Float64Array:
        """From a factor (..., own entries) that of all entries of the block."""

    def summed(self, part: Float64Array) -> Float64Array:
        """Sum (..., entries of the block) over the processes that share them; own entries of it."""

    def least(self, part: Float64Array) -> Float64Array:
        """The same with the least in place of the sum."""


class Products(Protocol):
    """Something with rows and columns that can be multiplied from both sides.

    It may be shared out over processes: factors then hold only the entries that are here, over pixels and over
    channels, and whatever sums over either goes through :meth:`total`.
    """

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns in all processes."""

    @property
    def shared(self) -> bool:
        """Whether there are other processes."""

    @property
    def own(self) -> slice:
        """The rows whose factor is here."""

    @property
    def own_columns(self) -> slice:
        """The columns whose factor is here."""

    def times(self, basis: Float64Array) -> Float64Array:
        """Return ``basis X^T``: for a basis (k, own columns) the cross product (k, own rows), float64."""

    def transposed_times(self, factor: Float64Array) -> Float64Array:
        """Return ``factor X``: for a factor (k, own rows) the cross product (k, own columns), float64."""

    def total(self, part: Float64Array) -> Float64Array:
        """Sum over all rows, or columns, from the sum over those that are here."""

    @property
    def squared_norm(self) -> float:
        """Sum of the squares of all entries, accumulated in float64."""


@runtime_checkable
class Matrix(Products, Protocol):
    """Where X lives and how it is read. Rows are pixels, columns are channels."""

    @property
    def block(self) -> Matrix:
        """What is in this process, as a matrix of its own: X itself where there are no others."""

    def with_block(self, block: Matrix) -> Matrix:
        """Something else that is shared out in the same way."""

    @property
    def over_rows(self) -> Share:
        """Whose rows are whose."""

    @property
    def over_columns(self) -> Share:
        """Whose columns are whose."""

    def least(self, part: Float64Array) -> Float64Array:
        """The least over all processes."""

    def bands(self) -> Iterator[tuple[int, int, Any]]:
        """Yield (start, stop, rows) over the rows of the block: float64 arrays, or CSR where X is sparse."""

    @property
    def row_squares(self) -> Float64Array:
        """Sum of squares of each row, (own rows,)."""

    @property
    def complete(self) -> bool:
        """Whether every entry counts in full; if not, the matrix is a :class:`mffnb.matrices.Gappy` one."""

    @property
    def transposed(self) -> Matrix | None:
        """X^T, read as cheaply; None where rows alone can be read."""

    def through(self, basis: Float64Array, move: Move) -> Float64Array:
        """Return ``factor X`` for the factor that ``move`` makes of ``basis X^T``, block by block, in one look at X."""


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
    def share(self) -> Share:
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
    graph: Graph | None = None
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


class Step(Protocol):
    """Moves a factor, or some of its columns, by the half problem there."""

    def begin(self, entries: slice) -> None:
        """Bring these columns to where the step begins: once, before their half problem is looked at."""

    def __call__(self, factor: Float64Array, half: Half) -> float:
        """Change ``factor`` in place; the squared size of the step."""

    def descent(self, half: Half) -> tuple[Half, int]:
        """How many sweeps of coordinate descent are all that is done, and the half problem with all terms in it.

        For one of no data, (k, 1), that differs from the others by its cross product only. 0 where more is done.
        """


class Misfit(Protocol):
    """D(X, A E) of given data, divided by the number of pixels, as the two factors see it."""

    @property
    def matrix(self) -> Matrix:
        """The data that are described, weights and row factors in them."""

    @property
    def gain(self) -> Float64Array | None:
        """g, (own pixels,), in the model x_i ~ g_i a_i E; None where it is 1."""

    @property
    def scale(self) -> float:
        """Factor by which the data are multiplied before a penalty weight means anything."""

    @property
    def zero(self) -> float:
        """D of the model that explains nothing, against which errors are relative."""

    @property
    def barrier(self) -> bool:
        """Whether D is infinite where the model is zero and the data are not."""

    @property
    def touching(self) -> bool:
        """Whether half problems lie above the true ones and touch them at the factors as they stand."""

    def abundance_half(self, abundances: Float64Array, endmembers: Float64Array) -> Half:
        """D times the number of pixels as a function of A, at A, but for a constant."""

    def endmember_half(self, abundances: Float64Array, endmembers: Float64Array) -> Half:
        """D as a function of E, at E, but for a constant."""

    def in_one_look(self, abundances: Float64Array, endmembers: Float64Array, step: Step) -> tuple[float, Half] | None:
        """Both half problems in one look at X: ``step`` moves A, block by block of pixels, by its half problem there.

        What the steps returned, summed, and the half problem of E; None where one look is not enough.
        """

    def at_abundances(self, half: Half, abundances: Float64Array, endmembers: Float64Array) -> float:
        """D(A, E), given the half problem of A for this E."""

    def at_endmembers(self, half: Half, abundances: Float64Array, endmembers: Float64Array) -> float:
        """D(A, E), given the half problem of E for this A."""


class Similarity(Protocol):
    """How the distance between data and model is measured, and the scale on which lambda is defined.

    One may also say: ``weight_power``, with which data multiplied by a weight to this power are the same as a weight on
    the loss; ``label``, its name in an explorer; ``sizeless``, whether it does not see how large a pixel is;
    ``transform``, the map it wants; ``distance(scale)``, that of single entries, for other maps; ``settled(matrix)``,
    itself with what it takes from the data; ``to_start_from(matrix)``, the data that a start is looked for in.
    """

    def misfit(self, matrix: Matrix, gain: Float64Array | None = None, scale: float | None = None) -> Misfit:
        """Bind the measure to data; ``scale`` overrides the one that the data ask for."""


class Start(Protocol):
    """A first guess of both factors."""

    def start(self, matrix: Matrix, components: int, seed: int) -> tuple[Float64Array, Float64Array]:
        """Non-negative A (k, pixels) and E (k, channels)."""


class Solver(Protocol):
    """Moves one factor towards the minimum of its half problem; the same code serves A and E.

    One whose class says ``pixelwise = True`` may be given a half problem in pieces, unless a graph or a radius binds
    entries to each other. One with a method ``free_sweeps(half)`` tells how many sweeps of coordinate descent are all
    that it does to a half problem; 0 where it does something else.
    """

    def refuses(self, half: Half) -> str | None:
        """Why this solver cannot take such a half problem, in one sentence that says what to do; None if it can."""

    def update(self, factor: Float64Array, half: Half) -> float:
        """Change ``factor`` in place, never raising the half objective; return the squared size of the step."""
