"""Search space of a hyperparameter search: ranges in log scale, choices, or a hyperopt expression."""

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
    """A range of values from low to high in log scale, both > 0."""

    low: float
    high: float

    def __str__(self) -> str:
        """Return the range as text for journal headers; it must not change, so that old files stay readable."""
        return f"Range(low={self.low!r}, high={self.high!r})"

    def expression(self, label: str) -> Any:
        """Return the range as a hyperopt expression."""
        return hp.loguniform(label, math.log(self.low), math.log(self.high))

    def levels(self, number: int) -> list[float]:
        """Return ``number`` values from low to high, evenly spaced in log scale, both ends included."""
        return [float(value) for value in np.geomspace(self.low, self.high, max(number, 1))]


@dataclass(frozen=True, eq=False)
class Choices:
    """A list of values to choose from; a search point stores the index of the value."""

    values: tuple[Any, ...]

    def expression(self, label: str) -> Any:
        """Return the choices as a hyperopt expression."""
        return hp.choice(label, list(self.values))

    def levels(self, number: int) -> list[int]:
        """Return the indices of all values; ``number`` is ignored."""
        return list(range(len(self.values)))


@dataclass(frozen=True, eq=False)
class Space:
    """Parsed search space; create it with :meth:`of`.

    Attributes
    ----------
    domain
        The search space in the form that hyperopt uses.
    axes
        Ranges and choices by keyword; None if the space contains hyperopt expressions.
    description
        Text of the space that is equal in every process, for the header of the journal file.
    """

    domain: Domain
    axes: dict[str, LogRange | Choices] | None
    description: str

    @classmethod
    def of(cls, space: Any) -> Space:
        """Parse a space in the notation of the user.

        Parameters
        ----------
        space
            A dict from keywords of :func:`mffnb.unmix` to ``(low, high)``, searched in log scale, a list or range of
            choices, a hyperopt expression, or one fixed value; or a hyperopt expression that evaluates to such a dict.

        Raises
        ------
        TypeError, ValueError
            If the space is invalid; the message shows a valid form.

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
        """Return the keywords of :func:`mffnb.unmix` for a point, which is a dict of a number for each label."""
        found = space_eval(self.domain.expr, dict(point))
        if not isinstance(found, Mapping):
            raise TypeError(f"the space must evaluate to a dict of keywords of unmix, got {type(found).__name__}")
        plain = {str(key): value.item() if isinstance(value, np.generic) else value for key, value in found.items()}
        return dict(sorted(plain.items()))

    def listed_axes(self, algorithm: str) -> dict[str, LogRange | Choices]:
        """Return ranges and choices by keyword, for grid and line search; refuse hyperopt expressions."""
        if self.axes is None:
            raise ValueError(
                f"algorithm={algorithm!r} needs ranges (low, high) and lists: write the space with these, or use 'tpe'"
            )
        return self.axes


def _axis(key: str, value: Any) -> Any:
    """Parse the user's notation for one keyword: return a range, choices, or the fixed value itself."""
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
            raise ValueError(f"k={value!r}: k is an integer, so list its values: range({value[0]}, {value[1]} + 1)")
        return LogRange(float(value[0]), float(value[1]))
    if isinstance(value, (list, range, np.ndarray)):
        values = tuple(value.tolist() if isinstance(value, np.ndarray) else value)
        if not values:
            raise ValueError(f"{key} has no choices: give at least one")
        return Choices(values)
    return value


def _text(part: Any) -> str:
    """Return a text for a part of the space without memory addresses, which differ from process to process."""
    return re.sub(r" at 0x[0-9a-f]+", "", str(part))


def _nothing(_: Any) -> float:
    """Do nothing: hyperopt requires an objective, but this package never calls it."""
    raise AssertionError("hyperopt only proposes points; mffnb evaluates them")
