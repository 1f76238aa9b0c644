"""Channels in the names of files: values or names that a pattern finds, or the part in which the names differ."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

_FIELD = re.compile(r"\{(\w+)(?::([^{}]*))?\}")
_NUMBER = re.compile(r"(\d+(?:[.,]\d+)?)")
_UNIT = re.compile(r"[\s_]?(eV|keV|nm|um|µm|m/z|amu|Da|deg|K|s|ms|V|mV|Hz|kHz|MHz|GHz)(?![^\W_])")


@dataclass(frozen=True)
class NamedChannels:
    """Channels that the names of files state.

    Attributes
    ----------
    positions
        Positions of the files in the list, in the order of the channels.
    dim
        Name of the channel dimension.
    values
        Numbers of all channels, or their names.
    units
        Unit of the numbers; empty if it is not known.
    """

    positions: tuple[int, ...]
    dim: str
    values: tuple[float, ...] | tuple[str, ...]
    units: str


def named_channels(names: Sequence[str], pattern: str | None = None) -> NamedChannels:
    """Return the channels in names of files.

    Parameters
    ----------
    names
        Names without suffixes.
    pattern
        Name with one field ``{dimension}`` or ``{dimension:unit}`` in the place of the channel and ``*`` for other
        parts that change, for example ``"map_{energy:eV}_*"``; names that do not fit are left out. None finds the only
        number that differs between the names, with a unit behind it, or else the text between the beginning and the end
        that all names share.

    Raises
    ------
    ValueError
        If no name fits, two names state the same channel, or several numbers differ and there is no pattern.

    Examples
    --------
    >>> named_channels(["scan_285.5eV", "scan_284.0eV"])
    NamedChannels(positions=(1, 0), dim='energy', values=(284.0, 285.5), units='eV')
    >>> named_channels(["map_Fe_K", "map_Cu_K"]).values
    ('Cu', 'Fe')
    >>> named_channels(["a_1_700", "b_1_650"], "*_{wavelength:nm}").values
    (650.0, 700.0)
    """
    if pattern is not None:
        texts, dim, units = _by_pattern(names, pattern)
    else:
        texts, dim, units = _by_difference(names)
    positions = [position for position, text in enumerate(texts) if text is not None]
    found = [text for text in texts if text is not None]
    repeated = next((text for number, text in enumerate(found) if text in found[:number]), None)
    if repeated is not None:
        raise ValueError(
            f"two files state the channel {repeated!r}, such as {names[positions[found.index(repeated)]]!r}: say which "
            "part of the name is the channel, pattern='..._{channel}_*'"
        )
    if all(_NUMBER.fullmatch(text.lstrip("+-")) for text in found):
        numbers = [float(text.replace(",", ".")) for text in found]
        order = sorted(range(len(found)), key=numbers.__getitem__)
        return NamedChannels(tuple(positions[n] for n in order), dim, tuple(numbers[n] for n in order), units)
    order = sorted(range(len(found)), key=lambda number: natural(found[number]))
    return NamedChannels(tuple(positions[n] for n in order), dim, tuple(found[n] for n in order), "")


def natural(text: str) -> list[tuple[float, str]]:
    """Return the key that sorts texts by the numbers in them.

    Examples
    --------
    >>> sorted(["map10", "map9"], key=natural)
    ['map9', 'map10']
    """
    return [(float(part.replace(",", ".")), "") if _NUMBER.fullmatch(part) else (-1.0, part)
            for part in _NUMBER.split(text.casefold())]  # fmt: skip


def _by_pattern(names: Sequence[str], pattern: str) -> tuple[list[str | None], str, str]:
    """Return the text of each name in the field of a pattern (None if it does not fit), dimension and unit."""
    fields = list(_FIELD.finditer(pattern))
    if len(fields) != 1:
        raise ValueError(
            f"pattern={pattern!r} has {len(fields)} fields in braces: give one, such as 'map_{{energy:eV}}' or "
            "'map_{channel}'"
        )
    field = fields[0]
    before, after = (_as_regex(part) for part in (pattern[: field.start()], pattern[field.end() :]))
    units = field.group(2) or ""
    number = r"[-+]?\d+(?:[.,]\d+)?" if units else ".+?"
    whole = re.compile(f"{before}({number}){after}")
    texts = [found.group(1) if (found := whole.fullmatch(name)) else None for name in names]
    if not any(texts):
        raise ValueError(
            f"no name of a file fits pattern={pattern!r}: they are such as {names[0]!r}, without the suffix"
        )
    return texts, field.group(1), units


def _as_regex(text: str) -> str:
    return ".*?".join(map(re.escape, text.split("*")))


def _by_difference(names: Sequence[str]) -> tuple[list[str | None], str, str]:
    """Return the part of each name that differs from the others, dimension and unit."""
    if len(names) == 1:
        return [names[0]], "channel", ""
    parts = [_NUMBER.split(name) for name in names]
    if len({tuple(one[::2]) for one in parts}) == 1:
        changing = [n for n in range(1, len(parts[0]), 2) if len({one[n] for one in parts}) > 1]
        if len(changing) > 1:
            raise ValueError(
                f"{len(changing)} numbers differ between the names of the files, such as {names[0]!r} and "
                f"{names[-1]!r}: say which one is the channel, pattern='..._{{channel}}_*'"
            )
        if changing:
            unit = _UNIT.match(parts[0][changing[0] + 1])
            units = unit.group(1).replace("um", "µm") if unit else ""
            dim = {"eV": "energy", "keV": "energy", "nm": "wavelength", "µm": "wavelength"}.get(units, "channel")
            return [one[changing[0]] for one in parts], dim, units
    start = _shared(names)
    end = _shared([name[start:][::-1] for name in names])
    rest = [name[start : len(name) - end] for name in names]
    return list(rest if all(rest) else names), "channel", ""


def _shared(names: Sequence[str]) -> int:
    """Return the length of the beginning that all names share, up to and with its last separator: no word is cut."""
    same = list(takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False)))
    return max((number + 1 for number, letters in enumerate(same) if letters[0] in " _-"), default=0)
