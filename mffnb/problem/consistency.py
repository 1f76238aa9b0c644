"""Check that the parts of a user agree with themselves: that ``value`` is the function whose slope a half step uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mffnb.errors import DegenerateWarning, warn
from mffnb.problem.problem import Problem
from mffnb.protocols.half import Half
from mffnb.protocols.part_results import fold_term, gradient_of, is_own, proximal_point, value_of
from mffnb.protocols.terms import Penalty, Proximal
from mffnb.typing import Float64Array

_STEP = 1e-5  # relative step of the difference quotient
_DIFFERS = 0.01  # relative difference of the two slopes that counts as a contradiction
_ROUNDING = 1e-9  # of the value, which the difference quotient of this step cannot resolve
_STALLED = 3  # states in a row without any change: the iteration from the accepted factors raised the objective
_UNSETTLED = 1e-6  # a larger projected gradient is no rounding error


def warn_if_contradictory(problem: Problem, abundances: Float64Array, endmembers: Float64Array) -> None:
    """Warn of a user's penalty whose ``value`` has another slope than the subproblem that its ``fold`` returns."""
    for terms, factor in ((problem.abundance_terms, abundances), (problem.endmember_terms, endmembers)):
        for term in terms:
            if not is_own(term) and isinstance(term, Penalty) and factor.size:
                value_of(term, factor, finite=True)  # an invalid value is refused with its own message
                _compare(term, factor)


def warn_if_stalled(problem: Problem, objective: Sequence[float], step: Sequence[float]) -> None:
    """Warn of a user's part if its iterations raised the objective, which those of consistent parts cannot.

    Parameters
    ----------
    problem
        Problem that was solved.
    objective, step
        Objective and projected gradient after each iteration; a rejected iteration repeats both.
    """
    own = (problem.similarity, *problem.abundance_terms, *problem.endmember_terms)
    users = sorted({type(part).__name__ for part in own if part is not None and not is_own(part)})
    if not users or not len(step) or not step[-1] > _UNSETTLED:
        return
    values, steps = np.asarray(objective), np.asarray(step)
    with np.errstate(invalid="ignore"):  # steps are infinite before the first iteration, and after a part diverged
        same = (np.diff(values) == 0) & (np.diff(steps) == 0)
        rose = bool(np.any(np.diff(values) > _ROUNDING * np.abs(values[:-1])))
    stalled = len(same) >= _STALLED and bool(same[-_STALLED:].all())
    if stalled or rose:
        warn(
            f"iterations raised the objective, which they cannot if all parts are consistent: check that the value of "
            f"{', '.join(users)} is the function that fold, gradient, prox or project of this part minimises",
            DegenerateWarning,
        )


def _compare(term: Penalty, factor: Float64Array) -> None:
    """Warn if the slope of the value differs from that of the subproblem, or a proximal point has a higher value."""
    size = float(np.abs(factor).mean()) or 1.0
    random = np.random.default_rng(0)
    point = factor + size * random.uniform(0.05, 0.1, factor.shape)  # inside the allowed set, away from kinks at zero
    move = _STEP * size * random.uniform(0.5, 1.0, factor.shape)
    half = fold_term(term, Half(np.eye(len(point)), np.zeros_like(point), factor=point))
    for part in half.proximal:
        if isinstance(part, Proximal):
            _check_proximal_point(part, point, size)
    there = [value_of(term, point + sign * move) for sign in (1.0, -1.0)]
    found, expected = there[0] - there[1], _folded_slope(half, point, 2 * move)
    if expected is None or not np.isfinite(there).all():
        return
    resolved = _ROUNDING * _STEP * max(np.abs(there)) + 1e-300
    if abs(found - expected) > _DIFFERS * max(abs(found), abs(expected)) + resolved:
        name = type(term).__name__
        warn(
            f"{name} contradicts itself: its value changes by {found:.3g} where fold or gradient says {expected:.3g}; "
            f"correct {name}.value, or these methods, since the result is no minimum of either",
            DegenerateWarning,
        )


def _check_proximal_point(part: Proximal, point: Float64Array, step: float) -> None:
    """Warn if the proximal point has a higher value of p(F) + |F - point|^2 / (2 step) than the point itself."""
    nearest = proximal_point(part, point, step)
    before, after = value_of(part, point), value_of(part, nearest) + float(((nearest - point) ** 2).sum()) / (2 * step)
    if after > before + _DIFFERS * abs(before):
        name = type(part).__name__
        warn(
            f"{name} contradicts itself: {name}.prox returns a point of the value {after:.3g}, where the point itself "
            f"has {before:.3g}; correct {name}.value or {name}.prox",
            DegenerateWarning,
        )


def _folded_slope(half: Half, point: Float64Array, move: Float64Array) -> float | None:
    """Return the change of the folded terms along a move, to first order; None if they have no slope to compare."""
    if not replace(half, graph=None, coupling=0.0, smooth=()).free:  # a set or a proximal operator
        return None
    slope = (half.gram - np.eye(len(point))) @ point - half.cross
    if half.graph is not None:
        slope = slope + half.coupling * half.graph.times(point)
    for part in half.smooth:
        slope = slope + gradient_of(part, point)
    return float(np.vdot(slope, move))
