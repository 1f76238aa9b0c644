"""Journal file of a search in JSON Lines format; an interrupted search resumes after the last usable trial.

A trial is used only if all trials before it are there, because proposals depend on earlier results. Damaged lines and
the trials after a gap are skipped with a warning and computed again; their lines stay in the file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import numpy as np

from mffnb.errors import CheckpointWarning, warn
from mffnb.tuning.space import Space
from mffnb.tuning.trials import Trial

_FORMAT = "mffnb tuning 1"


@dataclass(frozen=True)
class Journal:
    """The journal file that stores the finished trials of a search; it does nothing if ``path`` is None."""

    path: Path | None

    def begin(self, header: Mapping[str, Any], space: Space) -> list[Trial]:
        """Write the header of a new journal, or check the header of an existing one and return the trials in it.

        An incomplete last line is removed. Damaged lines are skipped with a warning that tells their number.

        Raises
        ------
        ValueError
            If the file belongs to another search or is not a journal.
        """
        if self.path is None:
            return []
        header = json.loads(json.dumps({"format": _FORMAT, **header}))
        lines = self._whole_lines()
        if not lines:
            self._write(header)
            return []
        there = _document(lines[0])
        if there is None or there.get("format") != _FORMAT:
            raise ValueError(f"{self.path} holds no search: give another path")
        others = [f"{key} {there.get(key)!r}, now {header[key]!r}" for key in header if there.get(key) != header[key]]
        if others:
            raise ValueError(
                f"{self.path} holds another search ({'; '.join(others)}): give another path, or delete the file"
            )
        return self._trials(lines[1:], space)

    def add(self, trial: Trial) -> None:
        """Append a finished trial to the journal, and force it to disk before returning."""
        if self.path is not None:
            parts = ("number", "point", "loss", "message", "error", "sparseness", "outcome", "seconds")
            # The settings are stored for human readers; only the point is read back.
            line = {name: getattr(trial, name) for name in parts} | {"settings": trial.settings}
            self._write(line | ({"parts": list(trial.parts)} if trial.parts else {}))

    def _write(self, document: Mapping[str, Any]) -> None:
        """Append one JSON line and force it to disk."""
        assert self.path is not None
        line = (json.dumps(document, default=_readable) + "\n").encode()
        try:
            with self.path.open("ab") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            advice = "the trials in it are kept: make room there, and call tune again with the same path"
            raise OSError(error.errno, f"could not write to {self.path} ({error.strerror}); {advice}") from error

    def _whole_lines(self) -> Sequence[bytes]:
        """Return the complete lines of the file; an incomplete last line is removed from the file."""
        assert self.path is not None
        if not self.path.exists():
            return []
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            torn = content[whole:]
            if whole == 0 and not torn.startswith(b'{"format'[: len(torn)]):
                raise ValueError(f"{self.path} holds no search: give another path")
            with self.path.open("r+b") as file:
                file.truncate(whole)
        return content[:whole].splitlines()

    def _trials(self, lines: Sequence[bytes], space: Space) -> list[Trial]:
        """Return the trials 0, 1, ... up to the first gap; warn about damaged lines and about trials after the gap."""
        found: dict[int, Trial] = {}
        damaged = 0
        for line in lines:
            trial = _trial(_document(line), space)
            if trial is None:
                damaged += 1
            else:
                found.setdefault(trial.number, trial)  # a repeated line holds the same trial
        usable = [found[number] for number in takewhile(found.__contains__, count())]
        if damaged or len(found) > len(usable):
            warn(
                f"{self.path}: skipped {damaged} damaged lines and {len(found) - len(usable)} trials after a gap: the "
                f"search continues from {len(usable)} trials and computes the others again",
                CheckpointWarning,
            )
        return usable


def _document(line: bytes) -> dict[str, Any] | None:
    """Parse a line of the journal; None if it is damaged."""
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _trial(document: Mapping[str, Any] | None, space: Space) -> Trial | None:
    """Create a trial from a parsed line of the journal; None if a part is missing or has the wrong type."""
    if document is None or not isinstance(document.get("point"), dict):
        return None
    kinds: dict[str, Any] = {
        "number": int, "loss": (int, float, type(None)), "message": str, "error": (int, float, type(None)),
        "sparseness": (int, float, type(None)), "outcome": str, "seconds": (int, float),
    }  # fmt: skip
    if not all(name in document and isinstance(document[name], kind) for name, kind in kinds.items()):
        return None
    try:
        settings = space.settings(document["point"])
    except (ValueError, TypeError, KeyError, IndexError):
        return None
    parts = document.get("parts", [])  # only some objectives have parts
    if not (isinstance(parts, list) and all(isinstance(one, (int, float)) for one in parts)):
        return None
    named = {name: document[name] for name in kinds}
    return Trial(settings=settings, point=document["point"], parts=tuple(map(float, parts)), **named)


def _readable(value: Any) -> Any:
    """Convert NumPy scalars to numbers and other objects to text, for JSON."""
    return value.item() if isinstance(value, np.generic) else repr(value)
