"""Number of processor cores that this process may use: of the machine, its affinity mask and its control group."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_CONTROL_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUP = Path("/proc/self/cgroup")


@dataclass(frozen=True)
class Cores:
    """Number of cores by three limits.

    Parameters
    ----------
    machine
        Cores of the machine.
    affinity
        Cores on which the scheduler of the operating system may place this process (Slurm and ``taskset`` set them).
    quota
        Processor time per time that the control group allows (containers set it); None without a limit.

    Examples
    --------
    >>> Cores(machine=64, affinity=8, quota=2.5).usable
    2
    """

    machine: int
    affinity: int
    quota: float | None = None

    @property
    def usable(self) -> int:
        """Number of processes or threads that can run at the same time, at least 1."""
        return max(1, min(self.affinity, int(self.quota) if self.quota is not None else self.affinity))

    def __str__(self) -> str:
        quota = "no limit of a control group" if self.quota is None else f"a control group allows {self.quota:g}"
        return f"{self.usable} usable: the machine has {self.machine}, the affinity mask {self.affinity}, {quota}"


def count_cores() -> Cores:
    """Return the numbers of cores of this process."""
    machine = os.cpu_count() or 1
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else machine
    return Cores(machine, affinity, group_quota(_CONTROL_GROUPS, _OWN_GROUP))


def group_quota(root: Path, own: Path) -> float | None:
    """Return the lowest quota of the control group of this process and of all groups above it, in cores.

    Parameters
    ----------
    root
        Folder of the control groups, ``/sys/fs/cgroup``.
    own
        File that names the group of this process in each hierarchy, ``/proc/self/cgroup``.
    """
    quotas = [
        quota
        for base, group in _groups(root, own)
        for folder in (group, *group.parents)
        if (quota := _quota(base / str(folder).lstrip("/"))) is not None
    ]
    return min(quotas, default=None)


def _groups(root: Path, own: Path) -> list[tuple[Path, PurePosixPath]]:
    """Return folder of the hierarchy and path of the group; version 2 has one hierarchy, version 1 one for ``cpu``."""
    try:
        lines = [line.split(":", 2) for line in own.read_text().splitlines()]
    except OSError:
        return []
    found = []
    for _, controllers, group in (line for line in lines if len(line) == 3):
        if not controllers:
            found.append((root, PurePosixPath(group)))
        elif "cpu" in controllers.split(","):
            found += [(root / name, PurePosixPath(group)) for name in ("cpu", controllers)]
    return found


def _quota(folder: Path) -> float | None:
    """Return the quota of one group (time per period), or None if it has none."""
    try:
        if (folder / "cpu.max").exists():
            allowed, period = (folder / "cpu.max").read_text().split()
        else:
            allowed, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        quota = float(allowed) / float(period)
    except (OSError, ValueError, ZeroDivisionError):  # no such file, or "max"
        return None
    return quota if quota > 0 else None  # version 1 writes -1 for no limit
