"""Convert the values of an explorer's controls to an unmixing task, and its states to labelled results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mffnb.estimators.names import mapped
from mffnb.unmixing.auto_volume import evidence
from mffnb.unmixing.component_names import named
from mffnb.unmixing.physics import Physics
from mffnb.unmixing.result import Unmixing
from mffnb.unmixing.solution import Solution
from mffnb.unmixing.task import Task
from mffnb.widgets.session.fixed_regions import first_rows, fixed_numbers, on_rows
from mffnb.widgets.session.held import numbers, stacked
from mffnb.widgets.session.live_data import LiveInput
from mffnb.widgets.session.parameters import OwnTerms, Parameters
from mffnb.widgets.session.solved import Solved


@dataclass(frozen=True, eq=False)
class LiveTask:
    """The parts of an explorer's unmixing task that stay the same while sliders move.

    Attributes
    ----------
    source
        The image and the keywords that the user passed.
    own
        Penalties and constraints that the user passed as objects.
    """

    source: LiveInput
    own: OwnTerms

    def task(self, parameters: Parameters, names: Sequence[int] | None = None) -> Task:
        """Return the unmixing task for these control values.

        Parameters
        ----------
        names
            Number of the component in each row of the solver, to which known abundances are given; None for those of a
            run from the data.
        """
        own = self.own.with_values(parameters.own)
        if fixed := self.fixed(parameters):
            rows = first_rows(parameters.k, self._held(parameters), fixed) if names is None else names
            terms = [*own.abundance_terms, *(one.term for one in parameters.fixed)]
            own = replace(own, abundance_terms=on_rows(terms, rows))
        known = self.source.known if parameters.held is None else stacked(parameters.held)
        physics = Physics(
            parameters.sparsity,
            parameters.smoothness,
            parameters.volume,
            parameters.sum_to_one,
            parameters.gain,
            known,
            own.abundance_terms,
            own.endmember_terms,
        )
        task = self.source.restricted(parameters.area).task
        return replace(task, k=parameters.k, similarity=parameters.similarity, physics=physics)

    def fixed(self, parameters: Parameters) -> tuple[int, ...]:
        """Return the numbers of the components with known abundances, in regions or in terms of the user."""
        return fixed_numbers([*self.own.abundance_terms, *(one.term for one in parameters.fixed)])

    def _held(self, parameters: Parameters) -> tuple[int, ...]:
        return numbers(parameters.held_or(self.source.passed))

    def result(self, solved: Solved) -> Unmixing:
        """Label a state as :func:`mffnb.unmix` labels its result; ``component`` holds the persistent names."""
        state, found = solved.state, solved.found
        record = solved.notes if solved.tier is None else solved.tier.record()
        task = replace(self.task(solved.parameters, solved.names), init="explored")
        notes: dict[str, Any] = {}
        if found is not None:
            notes = evidence(found)
        elif task.automatic:
            notes = {"sum_to_one": state.gain is None, "gain": state.gain is not None}
        if solved.pixels:
            notes["subset_pixels"] = solved.pixels
        solution = Solution(
            state.abundances,
            state.endmembers,
            state.outcome,
            solved.trace[: solved.steps],
            gain=state.gain,
            mapped=mapped(task.similarity, task.transform, state.intercept),
            alternative=None if found is None else found.alternative,
            notes={**notes, **record},
        )
        return _named(task.label(self.source.cube, solved.data.image, solution), solved.names)


def _named(result: Unmixing, names: tuple[int, ...]) -> Unmixing:
    """Return a result whose ``component`` coordinate holds the persistent names of the components.

    Their labels are those of the explorer, which adds them.
    """
    result = named(result, [""] * len(names))
    coordinate, other = {"component": list(names)}, result.alternative
    return replace(
        result,
        endmembers=result.endmembers.assign_coords(coordinate),
        abundances=result.abundances.assign_coords(coordinate),
        alternative=None if other is None else other.assign_coords(coordinate),
    )
