"""Protocols of similarities: the misfit of X and A E, and one step of a factor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from mffnb.typing import Float64Array

if TYPE_CHECKING:
    pass
from mffnb.protocols.half import Half
from mffnb.protocols.matrix import Matrix


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


@runtime_checkable
class Similarity(Protocol):
    """How the distance between data and model is measured, and the scale on which lambda is defined.

    One may also say: ``weight_power``, with which data multiplied by a weight to this power are the same as a weight on
    the loss; ``label``, its name in an explorer; ``sizeless``, whether it does not see how large a pixel is;
    ``transform``, the map it wants; ``distance(scale)``, that of single entries, for other maps; ``settled(matrix)``,
    itself with what it takes from the data; ``to_start_from(matrix)``, the data that a start is looked for in.
    """

    def misfit(self, matrix: Matrix, gain: Float64Array | None = None, scale: float | None = None) -> Misfit:
        """Bind the measure to data; ``scale`` overrides the one that the data ask for."""
