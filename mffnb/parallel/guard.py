"""Watchdog process: kill the engines when the process that started them has died.

This file is run as a script and imports nothing of the package. It reads lines of process ids; the last line is valid.
When the parent process dies, its end of the pipe closes.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable

_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


class Guard:
    """Start a watchdog process that kills engines if this process dies before it has called `stop_watchdog`.

    Examples
    --------
    >>> guard = Guard()
    >>> guard.watch([])
    >>> guard.stop_watchdog()
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", __file__],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C in a terminal must not reach the watchdog
        )

    def watch(self, pids: Iterable[int]) -> None:
        """Set the process ids that the watchdog kills, in place of earlier ones."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(list(pids)) + "\n")
        self._process.stdin.flush()

    def stop_watchdog(self) -> None:
        """End the watchdog without killing any process."""
        with contextlib.suppress(OSError):
            self.watch([])
            assert self._process.stdin is not None
            self._process.stdin.close()
        self._process.wait()


def kill(pid: int) -> None:
    """Kill a process, and the process group that it leads."""
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg") and os.getpgid(pid) == pid:
            os.killpg(pid, _KILL)
        else:
            os.kill(pid, _KILL)


def main() -> None:
    """Read process ids until the parent process has died, then kill these processes."""
    pids: list[int] = []
    for line in sys.stdin:
        pids = json.loads(line)
    for pid in pids:
        kill(pid)


if __name__ == "__main__":
    main()
