"""A state of an explorer's run, with persistent names by which components keep their identity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mffnb.geometry import Geometry
from mffnb.geometry.matching import match, spectral_angles
from mffnb.kernels.tiers.tier import Tier
from mffnb.solvers import Outcome, State
from mffnb.typing import Array
from mffnb.unmixing.component_order import component_order
from mffnb.unmixing.result import Unmixing
from mffnb.widgets.session.bands import Bands
from mffnb.widgets.session.live_data import LiveImage
from mffnb.widgets.session.parameters import AUTO, Parameters
from mffnb.widgets.session.search_answer import SearchAnswer

_CLEARLY = 0.5  # ratio of angles below which components have exchanged their spectra


@dataclass(frozen=True, eq=False)
class Solved:
    """A state of an explorer's run with the persistent names of its components.

    Attributes
    ----------
    state
        Factors in the units of the data, in the order of ``names``.
    names
        Persistent number of each component, (k,), which it keeps for as long as it exists.
    parameters
        The parameters of the run.
    data
        The image that is factored.
    trace
        The state after each whole iteration, without factors; the run appends to this list.
    steps
        Number of elements of the trace up to this state.
    found
        The decisions of the rule for volume="auto", once it has ended; else None.
    bands
        Uncertainty bands of the endmembers, if they are switched on and computed.
    pixels
        Number of pixels in the random subset that determines the endmembers; 0 if all pixels do.
    tier
        The tier of the run, which tells whether kernels are being compiled; None for a run that waited for them.
    unchanged
        Whether a run with newer parameters was stopped before its first state, so that this is still the state before.
    searched
        How many searches for the smallest volume have ended, and the largest possible number; None for other runs.
    from_data
        Whether the run started from the data, as that of :func:`mffnb.unmix` does, and not from an earlier state.
    notes
        What the record of the run holds beside its settings, for a state that was read from a session.
    origin
        The answer of a search that this state shows; None for a state of a run.
    followed
        Text on the frames so far, and their share of all (None if unknown), while a growing file is followed.
    """

    state: State
    names: tuple[int, ...]
    parameters: Parameters
    data: LiveImage
    trace: list[State] = field(default_factory=list)
    steps: int = 0
    found: Geometry | None = None
    bands: Bands | None = None
    pixels: int = 0
    tier: Tier | None = None
    unchanged: bool = False
    searched: tuple[int, int] | None = None
    from_data: bool = False
    notes: Mapping[str, Any] = field(default_factory=dict)
    origin: SearchAnswer | None = None
    followed: tuple[str, float | None] | None = None

    @property
    def weight_for_counts(self) -> float | None:
        """Weight of the volume that volume="auto" has found for counts, with Poisson weights; None for others."""
        if self.parameters.volume != AUTO:
            return None
        if self.found is not None:
            return self.found.weight if self.found.weighting else None
        return self.notes.get("volume_weight") if "weighting" in self.notes else None

    def at_channels_of(self, data: LiveImage) -> Solved:
        """Return this state with spectra at the channels of another image on its grid; itself for the same image."""
        spectra = data.spectra_from(self.data, self.state.endmembers)
        if spectra is self.state.endmembers:
            return self
        return replace(self, state=replace(self.state, endmembers=spectra))

    def has_components(self, names: Sequence[int], data: LiveImage, wanted: Parameters) -> bool:
        """Whether this is a state of the same image with these components, of which the same are held or fixed."""
        same = self.parameters.held == wanted.held and self.parameters.fixed == wanted.fixed
        return self.data is data and self.names == tuple(sorted(names)) and same


def lowest_free(names: list[int]) -> int:
    """Return the smallest number that no component has as its name."""
    return min(set(range(len(names) + 1)) - set(names))


def numbers_of(answer: Unmixing) -> tuple[int, ...]:
    """Return the names in the ``component`` coordinate of a result; 0, 1, ... if it has no such coordinate."""
    names = answer.abundances.coords.get("component")
    if names is None or names.dtype.kind not in "iu" or len(set(names.values.tolist())) < len(answer.abundances):
        return tuple(range(len(answer.abundances)))
    return tuple(int(name) for name in names.values)


def matched_numbers(
    endmembers: Array, before: Array, numbers: Sequence[int], held: Sequence[int] = ()
) -> tuple[int, ...]:
    """Return names for new spectra: each gets the name of the earlier component that it matches.

    Held components come first among the new spectra, and keep their names.
    """
    free = [j for j, number in enumerate(numbers) if number not in held]
    partner = match(endmembers[len(held) :], before[free])
    return _filled([*held, *(numbers[free[p]] if p >= 0 else -1 for p in partner)])


def renamed(rows: Sequence[int], endmembers: Array, before: Solved | None, kept: Sequence[int]) -> tuple[int, ...]:
    """Return names for new spectra, of which those with names in ``kept`` keep them and the others are matched.

    Parameters
    ----------
    rows
        Names of the new spectra, (k,).
    endmembers
        New spectra (k, channels).
    before
        An earlier state, whose names the others get where they match; None to keep all names.
    kept
        Names that must stay with their rows, because known abundances refer to them.
    """
    lead = list(dict.fromkeys(one for one in kept if one in rows))
    if before is None or not set(before.names) - set(lead):
        return tuple(rows)
    order = [*(rows.index(one) for one in lead), *(row for row, name in enumerate(rows) if name not in lead)]
    found = matched_numbers(endmembers[order], before.state.endmembers, before.names, lead)
    return tuple(name for _, name in sorted(zip(order, found, strict=True)))


def names_at_end(
    before: Solved | None, state: State, names: tuple[int, ...], held: Sequence[int] = ()
) -> tuple[int, ...]:
    """Return the names of a state; at the end of a run with another k, those of :func:`exchanged_numbers`."""
    ended = state.whole and state.outcome is not Outcome.RUNNING
    if before is None or not ended or len(before.names) == len(names):
        return names
    return exchanged_numbers(state.endmembers, names, before.state.endmembers, before.names, held)


def exchanged_numbers(
    endmembers: Array, names: tuple[int, ...], before: Array, numbers: Sequence[int], held: Sequence[int] = ()
) -> tuple[int, ...]:
    """Return the names at the end of a run that has started from other components than it had before.

    The run may move a component to the spectrum of one that was removed, or that has moved too. Such a component gets
    the name of the earlier one, if the angles to the earlier spectra are then less than half as large. Arguments are
    those of :func:`matched_numbers`, and the present names.
    """
    found = matched_numbers(endmembers, before, numbers, held)
    moved = [j for j, (name, other) in enumerate(zip(names, found, strict=True)) if name != other]
    angles = spectral_angles(endmembers[moved], before)

    def mean(chosen: Sequence[int]) -> float:
        kept = [angles[i, numbers.index(chosen[j])] for i, j in enumerate(moved) if chosen[j] in numbers]
        return float(np.mean(kept)) if kept else np.pi / 2

    return found if moved and mean(found) < _CLEARLY * mean(names) else names


def _filled(names: list[int]) -> tuple[int, ...]:
    """Return names in which each -1 is replaced by the smallest number that no component has."""
    for j, name in enumerate(names):
        if name < 0:
            names[j] = lowest_free(names)
    return tuple(names)


def solver_order(names: Sequence[int], held: Sequence[int]) -> list[int]:
    """Return the positions of the components in the order of the solver: held ones first, then the others."""
    return [*(names.index(one) for one in held), *(j for j, name in enumerate(names) if name not in held)]


def first_names(
    state: State, data: LiveImage, held: Sequence[int] = (), *, numbers_have_meaning: bool
) -> tuple[int, ...]:
    """Return names for the components of a first state: their positions in the order of :func:`component_order`.

    Held components come first in the state, and keep their names.
    """
    if held:
        return _filled([*held, *[-1] * (len(state.endmembers) - len(held))])
    amounts = data.matrix.total(state.abundances.sum(axis=1))
    order = component_order(amounts, state.endmembers, numbers_have_meaning=numbers_have_meaning)
    return tuple(int(position) for position in np.argsort(order))


def in_order(solved: Solved) -> Solved:
    """Return the state with components sorted by name, so that each keeps its position on the screen."""
    order = np.argsort(solved.names)
    if np.array_equal(order, np.arange(len(order))):
        return solved
    state, found = solved.state, solved.found
    if found is not None and found.alternative is not None:
        found = replace(found, alternative=found.alternative[order])
    state = replace(state, abundances=state.abundances[order], endmembers=state.endmembers[order])
    return replace(solved, state=state, names=tuple(solved.names[j] for j in order), found=found)
