"""What is suspicious in an answer itself: counts fitted by least squares, a spike, one material in two components."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mffnb.estimators.names import named_similarity
from mffnb.plots.labels import channel_coordinate
from mffnb.similarities import Frobenius
from mffnb.typing import Array
from mffnb.unmixing.splits import find_splits
from mffnb.widgets.session.solved import Solved

_POISSON = (0.5, 2.0)  # variance over mean of the residual of counts; a detector whose steps are no counts has its gain
_SPIKE = 0.9  # share of the squared spectrum in one channel
_FEW = 3  # pixels of a cosmic ray
_NOISE = 0.1  # correlation between neighbouring pixels of a map, below which it has no structure


def answer_notices(solved: Solved, labels: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Return what is suspicious in an answer, one sentence each, with the action that cures it.

    Parameters
    ----------
    solved
        A state of a run that has ended.
    labels
        Names of its components.
    """
    yield from _counts(solved)
    yield from _spikes(solved, labels)
    yield from _pairs(solved, labels)


def _counts(solved: Solved) -> Iterator[dict[str, Any]]:
    """Counts with the variance of counts, fitted by least squares."""
    data, error = solved.data, solved.state.relative_error
    least_squares = named_similarity(solved.parameters.similarity) == Frobenius()
    weighted = data.image.weights is not None or solved.weight_for_counts is not None
    plain = least_squares and not weighted and data.matrix.complete
    if not plain or error is None or not data.holds_counts or not data.total:
        return
    ratio = float(error) ** 2 * data.matrix.squared_norm / data.total
    if _POISSON[0] <= ratio <= _POISSON[1]:
        yield {
            "text": f"These are counts (variance of the residual {ratio:.2g} times the mean), which a Poisson fit "
            "weights better than least squares.",
            "action": "Use Poisson",
            "tool": "apply",
            "arguments": {"similarity": "kl"},
        }


def _spikes(solved: Solved, labels: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Components that are one channel, in a few pixels or without structure in their map."""
    state, layout = solved.state, solved.data.layout
    if len(layout.channel_shape) != 1 or state.endmembers.shape[1] < 3:
        return
    squares = state.endmembers**2
    total = squares.sum(axis=1)
    channel = channel_coordinate(layout.endmembers(state.endmembers[:1]))
    used = np.flatnonzero(np.isfinite(layout.endmembers(state.endmembers[:1]).values).ravel())
    name = next(iter(layout.channel_shape))
    for row in np.flatnonzero((total > 0) & (squares.max(axis=1) > _SPIKE * total)).tolist():
        where = _odd_map(layout.map(state.abundances[row], "map").values)
        if not where:
            continue
        at = float(channel[used[int(squares[row].argmax())]])
        share = squares[row].max() / total[row]
        yield {
            "text": f"{labels[row]} is a spike: {share:.0%} of it is the channel {name} = {at:g}, and its map is "
            f"{where}: a hot channel or a cosmic ray.",
            "action": "Leave the channel out",
            "tool": "leave_out_channels",
            "arguments": {"between": [at, at]},
        }


def _odd_map(values: Array) -> str:
    """Return why a map is no map of a material; empty if it may be one."""
    seen = np.nan_to_num(values)
    squares = np.sort((seen**2).ravel())[::-1]
    if squares[:_FEW].sum() > 0.5 * squares.sum():
        return "a few pixels"
    if values.ndim < 2 or min(values.shape[-2:]) < 4:
        return ""
    centred = seen - seen.mean()
    size = float((centred**2).mean())
    below = float((centred[..., 1:, :] * centred[..., :-1, :]).mean())
    beside = float((centred[..., 1:] * centred[..., :-1]).mean())
    return "like noise" if size > 0 and max(below, beside) < _NOISE * size else ""


def _pairs(solved: Solved, labels: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Return pairs of components that look like one material, by the rule of ``result.splits``."""
    state, parameters = solved.state, solved.parameters
    held = {one.number for one in parameters.held_or(())}
    layout = solved.data.layout
    for one in find_splits(layout.endmembers(state.endmembers), layout.abundances(state.abundances)):
        component, other = solved.names[one.first], solved.names[one.second]
        if {component, other} <= held:
            continue
        text = f"{labels[one.first]} and {labels[one.second]} {one.why}: one material may be shown twice."
        if parameters.volume == "auto":
            fewer = len(state.endmembers) - 1
            yield {"text": text, "action": f"k = {fewer}", "tool": "apply", "arguments": {"k": fewer}}
        else:
            arguments = {"component": component, "other": other}
            yield {"text": text, "action": "Merge them", "tool": "merge", "arguments": arguments}
