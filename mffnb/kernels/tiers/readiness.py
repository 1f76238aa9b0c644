"""Marker files in the kernel cache: which kernels, by the settings of the runs that need them, are compiled."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import llvmlite.binding
import numba

from mffnb.kernels.cache import MARKER_PREFIX, cache_folder


@dataclass(frozen=True)
class Group:
    """The kernels that a run needs, described by the settings that select them.

    Parameters
    ----------
    text
        The settings as JSON: similarity, kinds of terms, number of components, type of numbers, storage.

    Examples
    --------
    >>> Group.of({"k": 4, "dtype": "uint16"}).settings
    {'dtype': 'uint16', 'k': 4}
    """

    text: str

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """Create the group of a run with these settings, which are plain values."""
        return cls(json.dumps(dict(settings), sort_keys=True))

    @property
    def settings(self) -> dict[str, Any]:
        """The settings as a dictionary."""
        found: dict[str, Any] = json.loads(self.text)
        return found

    @property
    def without_storage(self) -> Self:
        """The group of the kernels that convert the data, before the storage of the matrix is chosen."""
        return self.of({name: value for name, value in self.settings.items() if name != "storage"})

    def marker(self, folder: Path) -> Path:
        """Return the path of the marker file of this group, for the processor of this machine."""
        digest = hashlib.sha256(self._content.encode()).hexdigest()
        return folder / f"{MARKER_PREFIX}{digest[:24]}"

    @property
    def _content(self) -> str:
        """Content of the marker file, by which a file that was not written to its end is recognised."""
        return f"{self.text}\n{_processor()}\n"


#: The group that stands for all kernels, which the command ``mffnb warmup`` compiles.
EVERYTHING = Group.of({"kernels": "all"})


def is_ready(group: Group) -> bool:
    """Return whether the kernels of a group are in the cache, or need no compiling."""
    folder = cache_folder()
    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        return True
    return folder is not None and any(_is_marked(one, folder) for one in (group, EVERYTHING))


def mark_ready(group: Group) -> None:
    """Write the markers of a group after its kernels were stored in the cache.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    folder = cache_folder()
    if folder is None:
        return
    for one in dict.fromkeys((group, group.without_storage)):
        path = one.marker(folder)
        part = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
        try:
            part.write_text(one._content)
            part.replace(path)  # a reader sees the whole file or none
        finally:
            part.unlink(missing_ok=True)


def _is_marked(group: Group, folder: Path) -> bool:
    try:
        return group.marker(folder).read_text() == group._content
    except (OSError, UnicodeDecodeError):
        return False


@functools.cache
def _processor() -> str:
    """Return the type of the processor, for which machine code is compiled."""
    named = os.environ.get("NUMBA_CPU_NAME") or llvmlite.binding.get_host_cpu_name()
    return f"{named} {os.environ.get('NUMBA_CPU_FEATURES', '')}"
