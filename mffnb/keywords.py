"""Check of the keywords of a call: an unknown name is refused with the nearest known one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import wraps
from typing import Any, TypeVar

Call = TypeVar("Call", bound=Callable[..., Any])
Class = TypeVar("Class", bound=type)
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
            others = f"use {', '.join(names)}" if names else "it has none"
            advice = f"did you mean {nearest[0]!r}?" if nearest else others
            raise TypeError(f"{call} has no keyword {name!r}: {advice}")


def checks_keywords(*passed_to: Callable[..., Any], also: Iterable[str] = ()) -> Callable[[Call], Call]:
    """Return a decorator that calls :func:`check_keywords` before a function or the constructor of a class.

    Where there is a keyword ``random_state``, ``rng`` (the name in NumPy and SciPy) is accepted in its place.

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
        has_seed = "random_state" in known and "rng" not in known

        @wraps(function)
        def checked(*arguments: Any, **keywords: Any) -> Any:
            if has_seed and "rng" in keywords:
                if "random_state" in keywords:
                    raise TypeError(f"{label} got both rng and random_state, which are one setting: give one of them")
                keywords["random_state"] = keywords.pop("rng")
            check_keywords(label, keywords, known)
            return function(*arguments, **keywords)

        return checked  # type: ignore[return-value]

    return decorate


def advises_keywords(cls: Class) -> Class:
    """Make the constructor of a class refuse an unknown keyword with the nearest known one; a class decorator.

    Valid calls take no additional time: keywords are compared only after Python has refused the call.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @advises_keywords
    ... @dataclass
    ... class Limits:
    ...     lower: float = 0.0
    >>> Limits(lowr=1.0)
    Traceback (most recent call last):
    TypeError: Limits has no keyword 'lowr': did you mean 'lower'?
    """
    construct = vars(cls).get("__init__")
    if construct is None or hasattr(construct, "__wrapped__") or getattr(cls, "_is_protocol", False):
        return cls

    @wraps(construct)
    def advised(self: Any, *arguments: Any, **keywords: Any) -> None:
        try:
            construct(self, *arguments, **keywords)
        except TypeError:
            parameters = inspect.signature(construct).parameters.values()
            if not any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters):
                check_keywords(cls.__name__, keywords, keywords_of(construct))
            raise

    cls.__init__ = advised  # type: ignore[misc]
    return cls


def advise_all(names: Mapping[str, Any], public: Iterable[str]) -> None:
    """Apply :func:`advises_keywords` to the public classes of a package, given its names and their objects."""
    for name in public:
        if isinstance(names[name], type):
            advises_keywords(names[name])


def keywords_of(function: Callable[..., Any]) -> list[str]:
    """Return the names by which the parameters of a function can be passed."""
    parameters = inspect.signature(function).parameters
    return [name for name, one in parameters.items() if one.kind in _NAMED and name != "self"]
