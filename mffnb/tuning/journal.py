"""Journal file of a search in JSON Lines format; an interrupted search resumes after the last complete line."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mffnb.tuning.space import Space
from mffnb.tuning.trials import Trial

_FORMAT = "mffnb tuning 1"


@dataclass(frozen=True)
class Journal:
    """The journal file that stores the finished trials of a search; it does nothing if ``path`` is None."""

    path: Path | None

    def begin(self, header: Mapping[str, Any], space: Space) -> list[Trial]:
        """Write the header of a new journal, or check the header of an existing one and return the trials in it.

        An incomplete last line is removed.

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
        documents = [self._document(number, line) for number, line in enumerate(lines)]
        if documents[0].get("format") != _FORMAT:
            raise ValueError(f"{self.path} holds no search: give another path")
        others = [f"{key} {documents[0].get(key)!r}, now {header[key]!r}" for key in header
                  if documents[0].get(key) != header[key]]  # fmt: skip
        if others:
            raise ValueError(
                f"{self.path} holds another search ({'; '.join(others)}): give another path, or delete the file"
            )
        return [_trial(number, document, space) for number, document in enumerate(documents[1:])]

    def add(self, trial: Trial) -> None:
        """Append a finished trial to the journal, and force it to disk before returning."""
        if self.path is not None:
            parts = ("number", "point", "loss", "message", "error", "sparseness", "outcome", "seconds")
            # The settings are stored for human readers; only the point is read back.
            self._write({name: getattr(trial, name) for name in parts} | {"settings": trial.settings})

    def _write(self, document: Mapping[str, Any]) -> None:
        """Append one JSON line and force it to disk."""
        assert self.path is not None
        line = (json.dumps(document, default=_readable) + "\n").encode()
        with self.path.open("ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

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

    def _document(self, number: int, line: bytes) -> dict[str, Any]:
        """Parse a line of the journal; raise ValueError if it is damaged or out of order."""
        try:
            document = json.loads(line)
        except ValueError:
            document = None
        if not isinstance(document, dict) or (number and document.get("number") != number - 1):
            raise ValueError(f"line {number + 1} of {self.path} is damaged: delete it and those below, or the file")
        return document


def _trial(number: int, document: Mapping[str, Any], space: Space) -> Trial:
    """Create a trial from a parsed line of the journal."""
    kept = {name: document[name] for name in ("loss", "message", "error", "sparseness", "outcome", "seconds")}
    return Trial(number, space.settings(document["point"]), point=document["point"], **kept)


def _readable(value: Any) -> Any:
    """Convert NumPy scalars to numbers and other objects to text, for JSON."""
    return value.item() if isinstance(value, np.generic) else repr(value)
