"""Size of the available memory of the machine or the container."""

from __future__ import annotations

import os
from pathlib import Path


def available_bytes() -> int | None:
    """Return the available memory in bytes, of the machine or of the container; None where it is unknown."""
    known = [size for size in (_of_machine(), _of_container()) if size is not None]
    return min(known, default=None)


def _of_machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        pass
    try:  # macOS does not report the free memory, so the total is used
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _of_container() -> int | None:
    folder = Path("/sys/fs/cgroup")
    try:
        limit, used = (int((folder / name).read_text()) for name in ("memory.max", "memory.current"))
        details = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):  # the process is not in a container, or the container has no limit ("max")
        return None
    cached = sum(int(details.get(name, 0)) for name in ("active_file", "inactive_file"))  # caches, released on demand
    return max(limit - used + cached, 0)
