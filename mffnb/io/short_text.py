"""Short text of an exception of another library, for a message of one sentence."""

from __future__ import annotations

from textwrap import shorten

_LONGEST = 240  # characters; some parsers repeat the content of the file


def short_text(error: BaseException) -> str:
    r"""Return the message of an exception in one line and without control characters, or else its type.

    Examples
    --------
    >>> short_text(ValueError("no number:\n  'a'")), short_text(KeyError())
    ("no number: 'a'", 'KeyError')
    >>> len(short_text(ValueError(1000 * "a ")))
    239
    """
    printable = "".join(letter if letter.isprintable() else " " for letter in str(error)[: 10 * _LONGEST])
    text = shorten(printable, _LONGEST, placeholder="")
    return text or printable.strip()[:_LONGEST] or type(error).__name__
