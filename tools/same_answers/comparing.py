"""Compare two recordings, number by number."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from .records import Record, Scalar

TOLERANCE = 1e-12

#: Differences that are intended: pattern of "call/item" (fnmatch) -> reason, one sentence.
EXPECTED: dict[str, str] = {
    "chain_*/auto.*": "volume='auto' orders components by their share of the signal, as every other run does",
    "unmix_refusals/poisson twice": "the sentence was reworded",
}


class Level(IntEnum):
    """How far two values agree."""

    BITWISE = 0
    CLOSE = 1
    DIFFERENT = 2


WORDS = {Level.BITWISE: "bitwise equal", Level.CLOSE: f"equal to {TOLERANCE:g}", Level.DIFFERENT: "DIFFERENT"}


@dataclass(frozen=True)
class Finding:
    """The comparison of one item: its level, its relative difference, and what is to be said about it."""

    item: str
    level: Level
    size: float = 0.0
    note: str = ""


def relative_difference(before: Any, after: Any) -> float:
    """Largest difference of two arrays relative to their largest finite modulus; NaN equals NaN, inf equals inf."""
    before, after = np.asarray(before), np.asarray(after)
    if before.shape != after.shape:
        return np.inf
    if before.dtype.kind not in "iufbc" or after.dtype.kind not in "iufbc":
        return 0.0 if np.array_equal(before, after) else np.inf
    a, b = (np.asarray(one, dtype=np.complex128 if one.dtype.kind == "c" else np.float64) for one in (before, after))
    finite = np.isfinite(a)
    if not np.array_equal(finite, np.isfinite(b)) or not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return np.inf
    a, b = a[finite], b[finite]
    largest = max(np.abs(a).max(initial=0.0), np.abs(b).max(initial=0.0))
    return float(np.abs(a - b).max(initial=0.0) / largest) if largest > 0 else 0.0


def compare_arrays(item: str, before: Any, after: Any) -> Finding:
    """Compare type, shape and values."""
    if before.dtype != after.dtype or before.shape != after.shape:
        was, is_ = (f"{one.dtype} {one.shape}" for one in (before, after))
        return Finding(item, Level.DIFFERENT, np.inf, f"{was} became {is_}")
    if before.tobytes() == after.tobytes():
        return Finding(item, Level.BITWISE)
    size = relative_difference(before, after)
    return Finding(item, Level.CLOSE if size <= TOLERANCE else Level.DIFFERENT, size)


def compare_scalars(item: str, before: Scalar, after: Scalar) -> Finding:
    """Compare numbers as arrays of one entry, everything else for equality."""
    numbers = all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in (before, after))
    if numbers and isinstance(before, float) == isinstance(after, float):
        return compare_arrays(item, np.array(before), np.array(after))
    if type(before) is type(after) and before == after:
        return Finding(item, Level.BITWISE)
    return Finding(item, Level.DIFFERENT, np.inf, f"{before!r} became {after!r}")


def compare_records(before: Record, after: Record) -> list[Finding]:
    """Compare every item of a call; items that only ``after`` has are noted and count as equal."""
    if before.error or after.error:
        was, is_ = (_told(one.error) for one in (before, after))
        same = before.error == after.error
        return [Finding("error", Level.BITWISE if same else Level.DIFFERENT, 0.0 if same else np.inf,
                        "" if same else f"{was} became {is_}")]  # fmt: skip
    orders = component_orders(before, after)
    found = [_array_finding(name, before, after, orders) for name in before.arrays]
    found += [
        compare_scalars(name, value, after.scalars[name]) if name in after.scalars else _missing(name)
        for name, value in before.scalars.items()
    ]
    for name, dims in before.dims.items():
        if name in after.dims and after.dims[name] != dims:
            found.append(Finding(f"{name}.dims", Level.DIFFERENT, np.inf, f"{dims} became {after.dims[name]}"))
    if before.warnings != after.warnings:
        found.append(Finding("warnings", Level.DIFFERENT, np.inf, f"{before.warnings} became {after.warnings}"))
    found += [Finding(name, Level.BITWISE, 0.0, "new") for name in after.arrays if name not in before.arrays]
    found += [Finding(name, Level.BITWISE, 0.0, "new") for name in after.scalars if name not in before.scalars]
    for name, text in before.words.items():
        if after.words.get(name) != text:
            found.append(Finding(name, Level.BITWISE, 0.0, f"words: {text!r} became {after.words.get(name)!r}"))
    return found


def component_orders(before: Record, after: Record) -> dict[str, Any]:
    """For every result whose components come in another order: the index in ``after`` of each one of ``before``."""
    orders: dict[str, Any] = {}
    for name, dims in before.dims.items():
        prefix, _, last = name.rpartition(".")
        if last != "endmembers" or dims[0] != "component" or name not in after.arrays:
            continue
        old, new = before.arrays[name], after.arrays[name]
        if old.shape != new.shape or old.tobytes() == new.tobytes():
            continue
        old, new = (np.nan_to_num(one.reshape(len(one), -1)) for one in (old, new))
        order = linear_sum_assignment(np.linalg.norm(old[:, None] - new[None], axis=2))[1]
        if not np.array_equal(order, np.arange(len(old))):
            orders[prefix] = order
    return orders


def _array_finding(name: str, before: Record, after: Record, orders: Mapping[str, Any]) -> Finding:
    if name not in after.arrays:
        return _missing(name)
    old, new = before.arrays[name], after.arrays[name]
    finding = compare_arrays(name, old, new)
    order, dims = orders.get(name.rpartition(".")[0]), before.dims.get(name, [])
    if finding.level is not Level.DIFFERENT or order is None or "component" not in dims or old.shape != new.shape:
        return finding
    again = compare_arrays(name, old, np.take(new, order, axis=dims.index("component")))
    note = f"with components in the order {order.tolist()}: {WORDS[again.level]}, {again.size:.1e}"
    return Finding(name, Level.DIFFERENT, finding.size, note)


def _missing(name: str) -> Finding:
    return Finding(name, Level.DIFFERENT, np.inf, "missing after")


def _told(error: Mapping[str, str] | None) -> str:
    return "a result" if error is None else f"{error['type']}: {error['message']}"


def calls_in(folder: Path) -> list[str]:
    """Names of the recorded calls."""
    return sorted(path.stem for path in folder.glob("*.json") if path.stem != "environment")


def compare_folders(before: Path, after: Path) -> Iterator[tuple[str, list[Finding]]]:
    """Compare all calls of ``before``; a call that ``after`` lacks is a difference."""
    there = set(calls_in(after))
    for call in calls_in(before):
        if call in there:
            yield call, compare_records(Record.read(before, call), Record.read(after, call))
        else:
            yield call, [Finding("call", Level.DIFFERENT, np.inf, "missing after")]


def reason_for(call: str, item: str, expected: Mapping[str, str]) -> str | None:
    """Why a difference is intended, or None."""
    return next((why for pattern, why in expected.items() if fnmatch(f"{call}/{item}", pattern)), None)


def report(before: Path, after: Path, expected: Mapping[str, str] = EXPECTED) -> int:
    """Print a line for each call and each difference; return 1 if one has no reason, or if nothing was compared."""
    counts, unexplained, used = dict.fromkeys(Level, 0), 0, set()
    for line in _environments(before, after):
        _say(line)
    for call, findings in compare_folders(before, after):
        level = max((one.level for one in findings), default=Level.BITWISE)
        size = max((one.size for one in findings), default=0.0)
        counts[level] += 1
        _say(f"{call:40} {WORDS[level]:16} {size:9.1e}  {len(findings)} items")
        for one in findings:
            why = reason_for(call, one.item, expected) if one.level is Level.DIFFERENT else None
            used |= {pattern for pattern in expected if why and fnmatch(f"{call}/{one.item}", pattern)}
            unexplained += one.level is Level.DIFFERENT and why is None
            if one.level is Level.DIFFERENT or (one.note and one.note != "new"):
                text = "; ".join(part for part in (one.note, f"expected: {why}" if why else "") if part)
                _say(f"    {one.item}: {one.size:.1e} {text}")
    for call in sorted(set(calls_in(after)) - set(calls_in(before))):
        _say(f"{call:40} only after")
    for pattern in sorted(set(expected) - used):
        _say(f"EXPECTED {pattern!r} matches no difference: remove it")
    total = sum(counts.values())
    parts = ", ".join(f"{number} {WORDS[level]}" for level, number in counts.items())
    _say(f"{total} calls: {parts}; {unexplained} unexplained differences")
    return int(unexplained > 0 or total == 0)


def _environments(before: Path, after: Path) -> Iterator[str]:
    """Versions and settings in which the two recordings differ: numbers may differ for that reason alone."""
    files = [folder / "environment.json" for folder in (before, after)]
    if not all(file.exists() for file in files):
        return
    old, new = (json.loads(file.read_text(encoding="utf-8")) for file in files)
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield f"{name}: {old.get(name)} before, {new.get(name)} after"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
