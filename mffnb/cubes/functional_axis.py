"""Evaluation of the formula of a functional axis, such as ``1240/x``, without executing code of a file."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mffnb.typing import Array

_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: getattr(np, name)
    for name in ("exp", "log", "log10", "sqrt", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh")
} | {"asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "tanh": np.tanh, "abs": np.abs}


def evaluate(expression: str, variables: Mapping[str, Any]) -> Array:
    """Return the values of a formula of numbers, named variables, ``+ - * / **`` and elementary functions.

    Raises
    ------
    ValueError
        If the formula contains anything else.

    Examples
    --------
    >>> evaluate("a / x + b", {"x": np.array([2.0, 4.0]), "a": 8, "b": 1})
    array([5., 3.])
    """
    try:
        tree = ast.parse(expression, mode="eval")
    except SyntaxError:
        raise ValueError(f"the axis formula {expression!r} cannot be evaluated: store the axis as values") from None
    with np.errstate(all="ignore"):
        return np.asarray(_value(tree.body, variables, expression), dtype=np.float64)


def _value(node: ast.AST, variables: Mapping[str, Any], expression: str) -> Any:
    """Return the value of one node of a parsed formula."""
    found: Any = None
    match node:
        case ast.Constant(value=int() | float() as number):
            found = float(number)
        case ast.Name(id=name):
            found = variables.get(name, np.pi if name == "pi" else None)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            found = _OPERATORS[type(op)](*(_value(side, variables, expression) for side in (left, right)))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATORS:
            found = _OPERATORS[type(op)](_value(operand, variables, expression))
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _FUNCTIONS:
            found = _FUNCTIONS[name](_value(argument, variables, expression))
    if found is None:
        raise ValueError(f"the axis formula {expression!r} cannot be evaluated: store the axis as values")
    return found
