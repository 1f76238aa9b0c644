"""Slider descriptions of the numeric fields of a part (penalty, constraint, similarity or solver).

The explorer builds its sliders from these descriptions, so a part that a user defines gets sliders without any widget
code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

__all__ = ["knob"]

_KEY = "mffnb.knob"


@dataclass(frozen=True)
class Knob:
    """Slider description of one field of one part; see :func:`knob`.

    Attributes
    ----------
    name
        Name of the field.
    value
        Value of the field, or the default value for a class.
    label, low, high, log, zero, help
        As for :func:`knob`.
    """

    name: str
    value: float
    label: str
    low: float
    high: float
    log: bool = False
    zero: bool = True
    help: str = ""


def knob(
    default: float,
    *,
    label: str = "",
    low: float,
    high: float,
    log: bool = False,
    zero: bool = True,
    help: str = "",  # noqa: A002  the usual name
) -> Any:
    """Define a numeric dataclass field that the explorer shows as a slider.

    Parameters
    ----------
    default
        Default value of the field. An integer restricts the slider to integers.
    label
        Short text beside the slider; the name of the field if empty.
    low, high
        Limits of the slider.
    log
        Whether the scale is logarithmic.
    zero
        Whether the slider has an additional position below ``low`` for the value zero, which removes the part.
    help
        Effect of the field on the result, in one sentence.

    Returns
    -------
    dataclasses.Field
        Right-hand side of the field's definition.

    Raises
    ------
    ValueError
        If the limits do not define a slider.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Ridge:
    ...     weight: float = knob(1e-3, label="ridge", low=1e-4, high=1.0, log=True)
    >>> [(one.name, one.label, one.value) for one in knobs(Ridge(0.1))]
    [('weight', 'ridge', 0.1)]
    """
    if not (low < high and (low > 0 or not log)):
        raise ValueError(f"a knob needs low < high, and low > 0 on a logarithmic scale: got {low!r} and {high!r}")
    description = {"label": label, "low": low, "high": high, "log": log, "zero": zero, "help": help}
    return field(default=default, metadata={_KEY: description})


def knobs(part: object) -> list[Knob]:
    """List the slider descriptions of a part, in the order of its fields.

    Parameters
    ----------
    part
        A part (penalty, constraint, similarity or solver), or its class.
    """
    return list(_described(part)) if is_dataclass(part) else []


def _described(part: Any) -> Iterator[Knob]:
    for one in fields(part):
        if _KEY in one.metadata:
            description = dict(one.metadata[_KEY])
            label = description.pop("label") or one.name.replace("_", " ")
            value: Any = one.default if isinstance(part, type) else getattr(part, one.name)
            yield Knob(one.name, value, label, **description)
