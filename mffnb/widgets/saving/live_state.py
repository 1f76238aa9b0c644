"""Settings and answers of an explorer as plain values for a session, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from mffnb.solvers import Outcome, State
from mffnb.typing import Array
from mffnb.widgets.session.parameters import Parameters
from mffnb.widgets.session.session import Session
from mffnb.widgets.session.solved import Solved

_TRACED = ("iteration", "objective", "relative_error", "step", "seconds", "whole")


def settings_of(session: Session, parameters: Parameters, max_components: int) -> dict[str, Any]:
    """Return the keywords of :class:`mffnb.Explorer` that the user gave, with the present values of the controls."""
    task, own = session.source.task, session.own
    return {
        "k": max(parameters.k, len(session.passed)),
        "similarity": parameters.similarity,
        "known": session.source.known,
        "weights": task.weights,
        "mask": task.mask,
        "preprocess": tuple(task.preprocess),
        "channel": task.channel,
        "abundance_terms": tuple(own.abundance_terms),
        "endmember_terms": tuple(own.endmember_terms),
        "max_components": max_components,
        "random_state": session.seed,
        "solver": task.solver,
        "max_iter": task.max_iter,
        "tol": task.tol,
    }


def solved_values(solved: Solved) -> dict[str, Any]:
    """Return a state without its image, which is prepared again, and without what only its run needed."""
    state = solved.state
    trace = solved.trace[: solved.steps]
    return {
        "state": replace(state, iterates=None),
        "trace": {name: np.array([getattr(one, name) for one in trace]) for name in _TRACED},
        "outcomes": [one.outcome for one in trace],
        "names": solved.names,
        "parameters": solved.parameters,
        "found": None if solved.found is None else replace(solved.found, trace=()),
        "bands": solved.bands,
        "pixels": solved.pixels,
        "from_data": solved.from_data,
        "notes": solved.notes if solved.tier is None else solved.tier.record(),
    }


def solved_from(values: Mapping[str, Any], session: Session) -> Solved:
    """Return the state that :func:`solved_values` has stored, on the image of a session."""
    parameters: Parameters = values["parameters"]
    state: State = values["state"]
    data = session.prepared_for(parameters)
    if (state.abundances.shape[1], state.endmembers.shape[1]) != data.matrix.shape:
        raise ValueError(f"an answer of the session does not fit its cube of {data.matrix.shape} pixels and channels")
    trace = _trace(values["trace"], values["outcomes"])
    shared = {name: values[name] for name in ("found", "bands", "pixels", "from_data", "notes")}
    return Solved(state, values["names"], parameters, data, trace, len(trace), **shared)


def _trace(columns: Mapping[str, Array], outcomes: list[Outcome]) -> list[State]:
    """Return the states of a trace, without factors."""
    nothing = np.empty((0, 0))
    rows = zip(*(columns[name].tolist() for name in _TRACED), outcomes, strict=True)
    return [
        State(iteration, nothing, nothing, objective, error, step, seconds, outcome, whole)
        for iteration, objective, error, step, seconds, whole, outcome in rows
    ]
