"""A process that outlives its parent by a moment: it ends what the parent had started and could not stop.

Nothing of the package is imported: the file is run by itself, and reads lines of process numbers, the last of which
counts. When the parent dies, of whatever, its end of the pipe closes.
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
    """Ends processes when this one dies without having said `stand_down`.

    Examples
    --------
    >>> guard = Guard()
    >>> guard.watch([])
    >>> guard.stand_down()
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", __file__],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C in a terminal is not for it
        )

    def watch(self, pids: Iterable[int]) -> None:
        """Name the processes; those named before are forgotten."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(list(pids)) + "\n")
        self._process.stdin.flush()

    def stand_down(self) -> None:
        """Leave all processes alone."""
        with contextlib.suppress(OSError):
            self.watch([])
            assert self._process.stdin is not None
            self._process.stdin.close()
        self._process.wait()


def kill(pid: int) -> None:
    """End a process, and the group that it leads, at once."""
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg") and os.getpgid(pid) == pid:
            os.killpg(pid, _KILL)
        else:
            os.kill(pid, _KILL)


def main() -> None:
    """Read until the parent has gone, then act."""
    pids: list[int] = []
    for line in sys.stdin:
        pids = json.loads(line)
    for pid in pids:
        kill(pid)


if __name__ == "__main__":
    main()
