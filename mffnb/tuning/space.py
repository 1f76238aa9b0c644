"""Where a search looks: ranges in log scale, choices, or an expression of hyperopt."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from hyperopt import hp, pyll, space_eval
from hyperopt.base import Domain

Point = dict[str, Any]


@dataclass(frozen=True, eq=False)
class LogRange:
    """From low to high in log scale, both above zero."""

    low: float
    high: float

    def expression(self, label: str) -> Any:
        """For hyperopt."""
        return hp.loguniform(label, math.log(self.low), math.log(self.high))

    def levels(self, number: int) -> list[float]:
        """So many values, evenly spaced in log scale, the ends among them."""
        return [float(value) for value in np.geomspace(self.low, self.high, max(number, 1))]


@dataclass(frozen=True, eq=False)
class Choices:
    """One of several values; a point holds the number of it."""

    values: tuple[Any, ...]

    def expression(self, label: str) -> Any:
        """For hyperopt."""
        return hp.choice(label, list(self.values))

    def levels(self, number: int) -> list[int]:
        """All of them, however many are asked for."""
        return list(range(len(self.values)))


@dataclass(frozen=True, eq=False)
class Space:
    """Build it with :meth:`of`.

    Attributes
    ----------
    domain
        The space as hyperopt sees it.
    axes
        Ranges and choices by keyword; None where an expression of hyperopt's stands for some of them.
    description
        What it is made of, in text that two processes agree on.
    """

    domain: Domain
    axes: dict[str, LogRange | Choices] | None
    description: str

    @classmethod
    def of(cls, space: Any) -> Space:
        """Read a space as a user writes it.

        Parameters
        ----------
        space
            A dict from keywords of :func:`mffnb.unmix` to ``(low, high)``, searched in log scale, a list or range of
            choices, an expression of hyperopt, or one fixed value; or a hyperopt expression that makes such a dict.

        Raises
        ------
        TypeError, ValueError
            With what to write instead.

        Examples
        --------
        >>> space = Space.of({"sparsity": (1e-3, 1.0), "k": range(2, 5)})
        >>> space.settings({"sparsity": 0.1, "k": 2})
        {'k': 4, 'sparsity': 0.1}
        """
        if not isinstance(space, (Mapping, pyll.Apply)) or (isinstance(space, Mapping) and not space):
            raise TypeError(
                "space is a dict such as {'sparsity': (1e-3, 1.0), 'k': [3, 4]}, or a hyperopt expression, "
                f"got {type(space).__name__}"
            )
        if isinstance(space, pyll.Apply):
            return cls(Domain(_nothing, space, pass_expr_memo_ctrl=False), None, _text(space))
        parts = {str(key): _axis(str(key), value) for key, value in space.items()}
        axes = {key: part for key, part in parts.items() if isinstance(part, (LogRange, Choices))}
        expressions = {key: axes[key].expression(key) if key in axes else part for key, part in parts.items()}
        simple = not any(isinstance(part, (pyll.Apply, Mapping)) for part in parts.values())
        if simple and not axes:
            raise ValueError("space leaves nothing to search: give a range (low, high) or a list of choices")
        description = "; ".join(f"{key}: {_text(part)}" for key, part in parts.items())
        return cls(Domain(_nothing, expressions, pass_expr_memo_ctrl=False), axes if simple else None, description)

    def settings(self, point: Mapping[str, Any]) -> dict[str, Any]:
        """Keywords of :func:`mffnb.unmix` at a point, which holds a number for each label."""
        found = space_eval(self.domain.expr, dict(point))
        if not isinstance(found, Mapping):
            raise TypeError(f"the space has to make a dict of keywords of unmix, and makes {type(found).__name__}")
        plain = {str(key): value.item() if isinstance(value, np.generic) else value for key, value in found.items()}
        return dict(sorted(plain.items()))

    def listed_axes(self, algorithm: str) -> dict[str, LogRange | Choices]:
        """Ranges and choices, for an algorithm that goes through them one by one."""
        if self.axes is None:
            raise ValueError(
                f"algorithm={algorithm!r} needs ranges (low, high) and lists: write the space with these, or use 'tpe'"
            )
        return self.axes


def _axis(key: str, value: Any) -> Any:
    if isinstance(value, tuple):
        numbers = len(value) == 2 and all(isinstance(end, Real) and not isinstance(end, bool) for end in value)
        if not numbers:
            raise ValueError(f"{key}={value!r}: a range is two numbers (low, high); choices are a list [...]")
        if not 0 < value[0] < value[1] < math.inf:
            raise ValueError(
                f"{key}={value!r}: a range is searched in log scale, so it needs 0 < low < high; "
                "for a zero add a choice, or use hyperopt.hp.uniform"
            )
        if key == "k":
            raise ValueError(f"k={value!r} would not be whole: give its values, range({value[0]}, {value[1]} + 1)")
        return LogRange(float(value[0]), float(value[1]))
    if isinstance(value, (list, range, np.ndarray)):
        values = tuple(value.tolist() if isinstance(value, np.ndarray) else value)
        if not values:
            raise ValueError(f"{key} has no choices: give at least one")
        return Choices(values)
    return value


def _text(part: Any) -> str:
    """Without addresses, which differ from process to process."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(part))


def _nothing(_: Any) -> float:
    raise AssertionError("hyperopt only proposes; what it proposes is evaluated elsewhere")
