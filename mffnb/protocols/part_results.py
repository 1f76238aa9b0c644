"""Calls of the methods of a part (penalty, constraint, distance or solver) with a check of what they return.

Only parts from outside of this package are checked. Terms get copies of arrays, or read-only views where a copy would
take longer than the term itself, so they cannot change anything else. An error names the class, the method, what it
returned and what was expected.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from mffnb.protocols.distance import Distance
from mffnb.protocols.functions import FactorSet, Function, ProximalFunction, SmoothFunction
from mffnb.protocols.half import Half
from mffnb.protocols.solver import Solver
from mffnb.protocols.terms import Term
from mffnb.typing import Float64Array

_PACKAGE = __name__.partition(".")[0]


def fold_term(term: Term, half: Half) -> Half:
    """Return the half-step subproblem with a term added.

    Raises
    ------
    ValueError
        If ``fold`` does not return a half-step subproblem with arrays of the same shapes and valid values.
    """
    if is_own(term):
        return term.fold(half)
    factor = None if half.factor is None else _locked(half.factor)
    passed = replace(half, gram=half.gram.copy(), cross=_locked(half.cross), factor=factor)
    found: Any = _unless_changed(term, "fold", lambda: term.fold(passed))
    if not isinstance(found, Half):
        raise ValueError(_message(term, "fold", found, "a Half: use dataclasses.replace(half, gram=...)"))
    for name, shape in (("gram", half.gram.shape), ("cross", half.cross.shape)):
        _check_array(term, f"fold in the field {name}", getattr(found, name), shape)
    _check_fields(term, found, half.cross.shape)
    # The same array shows that the Gram matrix did not change, see Problem.with_abundance_terms.
    gram = half.gram if np.array_equal(found.gram, half.gram) else np.ascontiguousarray(found.gram)
    cross = half.cross if found.cross is passed.cross else np.require(found.cross, requirements=["C", "W"])
    return replace(found, gram=gram, cross=cross, factor=half.factor)


def value_of(term: Function, factor: Float64Array, *, finite: bool = False) -> float:
    """Return the value of a penalty at a factor (k, entries).

    Raises
    ------
    ValueError
        If the value is no real number, is NaN, or is infinite where ``finite`` is True. Values at trial factors may be
        infinite: these factors are rejected.
    """
    if is_own(term):
        return term.value(factor)
    value: Any = _unless_changed(term, "value", lambda: term.value(_locked(factor)))
    expected = f"a {'finite ' if finite else ''}real number"
    if np.ndim(value) != 0 or not np.isrealobj(value) or np.asarray(value).dtype.kind not in "iuf":
        raise ValueError(_message(term, "value", value, expected))
    number = float(value)
    if (finite and not np.isfinite(number)) or (np.isnan(number) and np.isfinite(factor).all()):
        raise ValueError(_message(term, "value", value, expected))
    return number


def gradient_of(term: SmoothFunction, factor: Float64Array) -> Float64Array:
    """Return the gradient of a penalty, of the shape of the factor; raise ValueError if it is not valid."""
    if is_own(term):
        return term.gradient(factor)
    return _checked(term, "gradient", term.gradient(factor.copy()), factor)


def project(term: FactorSet, factor: Float64Array) -> Float64Array:
    """Return the nearest point of a set, of the shape of the factor; raise ValueError if it is not valid."""
    if is_own(term):
        return term.project(factor)
    return _checked(term, "project", term.project(factor.copy()), factor)


def proximal_point(term: ProximalFunction, factor: Float64Array, step: float) -> Float64Array:
    """Return the proximal point of a penalty, of the shape of the factor; raise ValueError if it is not valid."""
    if is_own(term):
        return term.prox(factor, step)
    return _checked(term, "prox", term.prox(factor.copy(), step), factor)


def losses_of(
    distance: Distance, method: Callable[[Float64Array, Float64Array], Float64Array], x: Float64Array, y: Float64Array
) -> Float64Array:
    """Return what a method of a distance returns for data x and model y, (rows, channels); NaN is an error."""
    if is_own(distance):
        return method(x, y)
    found: Any = method(x.copy(), y.copy())
    _check_array(distance, method.__name__, found, x.shape, finite=False)
    if np.isnan(found).any() and np.isfinite(y).all():
        raise ValueError(_message(distance, method.__name__, found, "numbers without NaN"))
    return np.asarray(found)


def update_factor(solver: Solver, factor: Float64Array, half: Half) -> float:
    """Update a factor in place and return the squared step; raise ValueError if the factor or the step is invalid."""
    moved: Any = solver.update(factor, half)
    if is_own(solver):
        return float(moved)
    if not (_is_number(moved) and moved >= 0):
        raise ValueError(_message(solver, "update", moved, "the squared step, a number >= 0"))
    if not np.isfinite(factor).all():
        raise ValueError(_message(solver, "update", factor, "a factor of finite numbers"))
    return float(moved)


def is_own(part: object) -> bool:
    """Return whether the class of a part belongs to this package, whose tests cover its results."""
    return type(part).__module__.partition(".")[0] == _PACKAGE


def _locked(array: Float64Array) -> Float64Array:
    """Return a read-only view, which costs less than a copy."""
    view = array.view()
    view.flags.writeable = False
    return view


def _unless_changed(term: object, method: str, call: Callable[[], Any]) -> Any:
    """Return the result of a method; raise ValueError with advice if it writes into a read-only array."""
    try:
        return call()
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise ValueError(
            f"{type(term).__name__}.{method} writes into an array that it is given: make a new one, for example by "
            "copy()"
        ) from error


def _checked(term: object, method: str, found: Any, factor: Float64Array) -> Float64Array:
    _check_array(term, method, found, factor.shape, finite=bool(np.isfinite(factor).all()))
    return np.ascontiguousarray(found)


def _check_array(term: object, method: str, found: Any, shape: tuple[int, ...], *, finite: bool = True) -> None:
    """Refuse a result that is no float64 array of this shape, or has NaN or infinite values."""
    valid = isinstance(found, np.ndarray) and found.dtype == np.float64 and found.shape == shape
    if not valid or (finite and not np.isfinite(found).all()):
        raise ValueError(_message(term, method, found, f"a finite float64 array of shape {shape}"))


def _check_fields(term: object, half: Half, shape: tuple[int, ...]) -> None:
    """Refuse a half-step subproblem in which another field than Gram matrix and cross product is not valid."""
    entries = shape[1:]
    limits = [np.asarray(side) for side in (half.lower, half.upper)]
    for name, valid, expected in (
        ("gram", np.diag(half.gram).min(initial=0.0) >= 0, "a matrix without negative diagonal entries"),
        ("radius", _is_number(half.radius) and half.radius > 0, "a number > 0"),
        ("coupling", _is_number(half.coupling) and 0 <= half.coupling < np.inf, "a finite number >= 0"),
        ("lower", _is_bound(limits[0], entries), f"a number, or float64 numbers of shape {entries}"),
        ("upper", _is_bound(limits[1], entries), f"a number, or float64 numbers of shape {entries}"),
        ("weights", half.weights is None or _is_bound(half.weights, entries), f"float64 numbers of shape {entries}"),
        ("fixed", _is_mask(half.fixed, shape), f"None, or a Boolean array of shape {shape}"),
        ("smooth", _are(half.smooth, SmoothFunction), "a tuple of objects with value(factor) and gradient(factor)"),
        (
            "proximal",
            _are(half.proximal, ProximalFunction | FactorSet),
            "a tuple of objects with prox(factor, step), or with project(factor)",
        ),
    ):
        if not valid:
            raise ValueError(_message(term, f"fold in the field {name}", getattr(half, name), expected))


def _is_number(value: Any) -> bool:
    return np.ndim(value) == 0 and np.asarray(value).dtype.kind in "iuf"


def _is_bound(value: Any, entries: tuple[int, ...]) -> bool:
    array = np.asarray(value)
    return array.dtype.kind in "iuf" and array.shape in ((), entries) and not np.isnan(array).any()


def _is_mask(value: Any, shape: tuple[int, ...]) -> bool:
    return value is None or (isinstance(value, np.ndarray) and value.dtype == bool and value.shape == shape)


def _are(parts: Any, kind: Any) -> bool:
    return isinstance(parts, tuple) and all(isinstance(part, kind) for part in parts)


def _message(term: object, method: str, found: Any, expected: str) -> str:
    """Return the sentence that says what a method returned, and what was expected."""
    if isinstance(found, np.ndarray) and found.ndim:
        what = f"{found.dtype} of shape {found.shape}"
        if found.dtype.kind == "f" and not np.isfinite(found).all():
            what += f" with {np.count_nonzero(~np.isfinite(found))} NaN or infinite values"
        elif found.dtype.kind == "f":
            what += f" with values from {found.min(initial=np.inf):.3g} to {found.max(initial=-np.inf):.3g}"
    else:
        what = repr(found) if len(repr(found)) <= 60 else f"an object of type {type(found).__name__}"
    return f"{type(term).__name__}.{method} returned {what}, expected {expected}: correct this method"
