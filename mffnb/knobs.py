"""Knobs: the fields of a part that someone turns while watching the answer, described where the part is.

An explorer builds its sliders from these descriptions alone, so that a part of your own gets one without a line of
widget code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

__all__ = ["knob"]

_KEY = "mffnb.knob"


@dataclass(frozen=True)
class Knob:
    """One knob of one part; see :func:`knob`.

    Attributes
    ----------
    name
        Of the field.
    value
        Of the part, or the default where a class was asked.
    label, low, high, log, zero, help
        As they were given.
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
    help: str = "",  # noqa: A002  the word that fits
) -> Any:
    """Give a number among the fields of a dataclass a slider.

    Parameters
    ----------
    default
        Of the field. A whole number asks for whole numbers only.
    label
        Text beside the slider, a word or two; that of the field's name if empty.
    low, high
        Ends of the slider.
    log
        Whether it moves over powers of ten.
    zero
        Whether a zero stands before ``low``. It leaves the part out, as a weight of zero does.
    help
        What it does, in a sentence.

    Returns
    -------
    dataclasses.Field
        For the right side of a field's definition.

    Raises
    ------
    ValueError
        If no slider has such ends.

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
    """List the knobs of a part, in the order of its fields; a field without a description has none.

    Parameters
    ----------
    part
        An object, or its class.
    """
    return list(_described(part)) if is_dataclass(part) else []


def _described(part: Any) -> Iterator[Knob]:
    for one in fields(part):
        if _KEY in one.metadata:
            description = dict(one.metadata[_KEY])
            label = description.pop("label") or one.name.replace("_", " ")
            value: Any = one.default if isinstance(part, type) else getattr(part, one.name)
            yield Knob(one.name, value, label, **description)
