"""Warnings of an explorer's run for the page: one line each, with the action that cures it where there is one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mffnb.errors import ConvergenceWarning, collected_warnings
from mffnb.estimators.names import mapped
from mffnb.estimators.result_warnings import warn_if_certain, warn_if_poor
from mffnb.protocols.transform import Transform
from mffnb.unmixing.auto_volume import warn_if_ambiguous
from mffnb.widgets.answer_notices import answer_notices
from mffnb.widgets.session.parameters import Parameters
from mffnb.widgets.session.solved import Solved

Notice = dict[str, Any]
"""``text``, and if there is an action: its label ``action``, the ``tool`` that it calls and the ``arguments``."""


def notices_of(
    solved: Solved,
    transform: str | Transform | None,
    raised: Sequence[tuple[str, type[Warning]]] = (),
    labels: Sequence[str] | None = None,
) -> list[Notice]:
    """Return the warnings that :func:`mffnb.unmix` would issue for a state, after those that its run has raised.

    What is suspicious in the state itself follows.

    Parameters
    ----------
    solved
        A state of a run that has ended.
    transform
        Transformation of the model.
    raised
        Message and category of the warnings of the run.
    labels
        Names of the components; by default their numbers.
    """
    state = solved.state
    with collected_warnings() as found:
        if solved.found is not None:
            warn_if_ambiguous(solved.found.disagreement)
        used = np.count_nonzero(state.abundances, axis=1)
        warn_if_poor(used, state.endmembers, state.outcome, solved.data.negative_share)
        model = mapped(solved.parameters.similarity, transform, state.intercept)
        warn_if_certain(state.abundances.T, state.endmembers, model)
    dead = int(np.count_nonzero((used == 0) | ~state.endmembers.any(axis=1)))
    unique = dict.fromkeys([*raised, *found])
    names = [f"component {number}" for number in solved.names] if labels is None else labels
    warned = [{"text": text, **_action(category, solved.parameters, dead)} for text, category in unique]
    return [*warned, *answer_notices(solved, names)]


def without_actions(notices: Sequence[Notice]) -> list[Notice]:
    """Return the texts of warnings alone, for a view that starts no run."""
    return [{"text": notice["text"]} for notice in notices]


def failure_notices(parameters: Parameters, *, earlier: bool) -> list[Notice]:
    """Return the way out after a run has failed.

    Parameters
    ----------
    parameters
        Settings of the run that failed.
    earlier
        Whether there is an earlier answer.
    """
    return list(_ways_out(parameters, earlier))


def _ways_out(parameters: Parameters, earlier: bool) -> Iterator[Notice]:
    if earlier:
        yield {
            "text": "These settings do not suit the data.",
            "action": "Return to the settings of the picture",
            "tool": "back",
            "arguments": {},
        }
    elif parameters.similarity != "frobenius":
        yield {
            "text": "Least squares takes data of any sign.",
            "action": "Use least squares",
            "tool": "apply",
            "arguments": {"similarity": "frobenius"},
        }


def _action(category: type[Warning], parameters: Parameters, dead: int) -> dict[str, Any]:
    """Return the action that cures a warning; nothing if the user has to decide."""
    if issubclass(category, ConvergenceWarning):
        return {"action": "Go on", "tool": "apply", "arguments": {}}
    if 0 < dead < parameters.k and parameters.volume != "auto":
        if parameters.sparsity or parameters.smoothness:
            return {"action": "No penalties", "tool": "apply", "arguments": {"sparsity": 0.0, "smoothness": 0.0}}
        return {"action": f"k = {parameters.k - dead}", "tool": "apply", "arguments": {"k": parameters.k - dead}}
    return {}
