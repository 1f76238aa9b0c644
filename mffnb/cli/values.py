"""Types of command-line values: numbers within limits and paths, refused with a sentence by argparse."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path


def whole(lowest: int, highest: float = math.inf) -> Callable[[str], int]:
    """Return a type of whole numbers between two limits.

    Examples
    --------
    >>> whole(1)("4")
    4
    """

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = lowest - 1
        if not lowest <= value <= highest:
            limit = f">= {lowest}" if math.isinf(highest) else f"between {lowest} and {highest}"
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number {limit}")
        return value

    return parse


def amount(text: str) -> float:
    """Return a finite number >= 0.

    Examples
    --------
    >>> amount("1e-3")
    0.001
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (value >= 0 and math.isfinite(value)):
        raise argparse.ArgumentTypeError(f"{text!r} is no number >= 0")
    return value


def positive(text: str) -> float:
    """Return a finite number > 0.

    Examples
    --------
    >>> positive("0.03")
    0.03
    """
    try:
        value = amount(text)
    except argparse.ArgumentTypeError:
        value = 0.0
    if not value:
        raise argparse.ArgumentTypeError(f"{text!r} is no number > 0")
    return value


def path(text: str) -> Path:
    """Return a path; an empty text, such as an unset variable of a shell, would name the working directory."""
    if not text or "\0" in text:
        raise argparse.ArgumentTypeError(f"{text!r} is no path")
    return Path(text)


def auto_or(number: Callable[[str], float]) -> Callable[[str], float | str]:
    """Return a type of numbers that also takes the word auto.

    Examples
    --------
    >>> auto_or(amount)("auto"), auto_or(amount)("1e-3")
    ('auto', 0.001)
    """
    return lambda text: text if text == "auto" else number(text)
