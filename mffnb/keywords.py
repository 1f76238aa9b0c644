"""Check of the keywords of a call: an unknown name is refused with the nearest known one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import wraps
from typing import Any, TypeVar

Call = TypeVar("Call", bound=Callable[..., Any])
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def check_keywords(call: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse keywords that are not known.

    Raises
    ------
    TypeError
        If a name is unknown; the message holds the nearest known name, or all of them if none is near.

    Examples
    --------
    >>> check_keywords("unmix", ["sparsty"], ["sparsity", "smoothness"])
    Traceback (most recent call last):
    TypeError: unmix has no keyword 'sparsty': did you mean 'sparsity'?
    """
    names = list(known)
    for name in given:
        if name not in names:
            nearest = get_close_matches(name, names, 1)
            advice = f"did you mean {nearest[0]!r}?" if nearest else f"use {', '.join(names)}"
            raise TypeError(f"{call} has no keyword {name!r}: {advice}")


def checks_keywords(*passed_to: Callable[..., Any], also: Iterable[str] = ()) -> Callable[[Call], Call]:
    """Return a decorator that calls :func:`check_keywords` before a function or the constructor of a class.

    Parameters
    ----------
    passed_to
        Functions or classes to which the function passes its other keywords.
    also
        More names that the function accepts.
    """

    def decorate(function: Call) -> Call:
        calls: tuple[Callable[..., Any], ...] = (function, *passed_to)
        known = [name for one in calls for name in keywords_of(one)]
        known = list(dict.fromkeys([*known, *also]))
        label = function.__qualname__.removesuffix(".__init__")

        @wraps(function)
        def checked(*arguments: Any, **keywords: Any) -> Any:
            check_keywords(label, keywords, known)
            return function(*arguments, **keywords)

        return checked  # type: ignore[return-value]

    return decorate


def keywords_of(function: Callable[..., Any]) -> list[str]:
    """Return the names by which the parameters of a function can be passed."""
    parameters = inspect.signature(function).parameters
    return [name for name, one in parameters.items() if one.kind in _NAMED and name != "self"]
