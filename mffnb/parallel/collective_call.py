"""A function call that all MPI engines of a cluster make together, observed and stopped by the client.

Between two iterations the first rank reads the instruction that the client has written to a file, and broadcasts it. So
all ranks stop at the same point, and no signal interrupts a message between them.
"""

from __future__ import annotations

import enum
import pickle
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mffnb.errors import warn
from mffnb.parallel.cluster import Cluster, is_engine_loss
from mffnb.solvers.interrupts import Interrupts, deferred_interrupts
from mffnb.threads import limit_threads

_POLL = 0.01  # time between two checks of the call, in seconds
# time for all ranks to return after one has failed, in seconds; a rank that waits for the failed one never returns
_GRACE = 2.0
_WAS_KILLED = (
    "an engine died while it worked (too little memory, perhaps), and MPI engines die together: "
    "call again, which starts new ones"
)


class Instruction(enum.IntEnum):
    """Instruction of the client to a running collective call."""

    CONTINUE = 0
    STOP = 1
    INTERRUPT = 2


@dataclass
class ClientLink:
    """Connection of an MPI rank to the client that follows a collective call and may stop it.

    Attributes
    ----------
    communicator
        An mpi4py communicator of all ranks.
    path
        File to which the client writes its instruction.
    period
        Time between two states that are sent to the client, in seconds.
    """

    communicator: Any
    path: Path
    period: float
    _shown: float = field(default=-float("inf"), init=False)

    def poll(self) -> tuple[Instruction, bool]:
        """Return the instruction of the client, and whether the next picture is due.

        This is a collective call: all ranks get the same answer.
        """
        seen = None
        if self.communicator.rank == 0:
            now = time.monotonic()
            due = now - self._shown >= self.period
            self._shown = now if due else self._shown
            seen = _read(self.path), due
        answer: tuple[Instruction, bool] = self.communicator.bcast(seen, root=0)
        return answer

    def show(self, picture: Any) -> None:
        """Send a picture (the state of a run) from the first rank to the client, which keeps the newest one."""
        if self.communicator.rank == 0:
            from ipyparallel.datapub import publish_data  # noqa: PLC0415  installed on engines

            publish_data({"picture": picture})


class Call:
    """The client's handle of a running collective call; created by :func:`call`."""

    def __init__(self, engines: Cluster, path: Path, results: list[Any], interrupts: Interrupts) -> None:
        self._engines, self._path, self._results = engines, path, results
        self._interrupts = interrupts
        self._failed_at = float("inf")

    def pictures(self) -> Iterator[Any]:
        """Yield the newest picture of the first rank, or None if there is no new one, until the call has ended.

        The last picture is always yielded.

        Raises
        ------
        KeyboardInterrupt
            If Ctrl-C was pressed in the meantime.
        """
        last, running = None, True
        while running:
            running = self._under_way()
            # The last picture may still be on its way, since pictures and return values take separate channels.
            if not running:
                for result in self._results:
                    result.wait_for_output(_GRACE)
            shown = [result.data for result in self._results]
            # only the first rank sends pictures
            newest = next((data["picture"] for data in shown if "picture" in data), None)
            yield None if newest is last else newest
            last = newest
            self._interrupts.check()
            time.sleep(_POLL if running else 0)

    def send(self, instruction: Instruction) -> None:
        """Send an instruction to the ranks of the call."""
        part = self._path.with_suffix(".part")
        part.write_text(str(instruction.value))
        part.replace(self._path)

    def wait(self) -> None:
        """Wait until the call has ended; raise KeyboardInterrupt if Ctrl-C was pressed."""
        while self._under_way():
            self._interrupts.check()
            time.sleep(_POLL)

    def abort(self) -> None:
        """Kill all engines at once, without waiting for the end of the call."""
        self._engines.abort()

    def interrupted(self) -> bool:
        """Whether Ctrl-C was pressed too late to end the call, which has already returned its answer."""
        return self._interrupts.take()

    def answer(self) -> Any:
        """Wait until the call has ended, and return the value that the function returned on the first rank.

        Raises
        ------
        RuntimeError
            If an engine died.
        Exception
            The error that a rank raised.
        """
        self.wait()
        returned = [result.result() for result in self._results if result.exception() is None]
        for one in returned:
            if isinstance(one, _Failed):
                raise one.error()
        if len(returned) < len(self._results):
            fault = next(result.exception() for result in self._results if result.exception() is not None)
            self._engines.abort()  # kill the engines that are still alive
            raise RuntimeError(_WAS_KILLED) if is_engine_loss(fault) else fault
        first = next(one for one in returned if one.rank == 0)
        for message, category in first.warnings:
            warn(message, category)
        return first.value

    def _under_way(self) -> bool:
        """Whether ranks are still running the call; kill the ranks that wait for a rank that has failed."""
        ready = [result.ready() for result in self._results]
        if all(ready):
            return False
        if any(ready) and any(_has_failed(r) for r, there in zip(self._results, ready, strict=True) if there):
            self._failed_at = min(self._failed_at, time.monotonic())
            if time.monotonic() > self._failed_at + _GRACE:
                self._engines.abort()
        return True


@contextmanager
def call(
    engines: Cluster, function: Callable[..., Any], *arguments: Any, period: float = 0.2, **options: Any
) -> Iterator[Call]:
    """Call ``function(link, *arguments, **options)`` on all MPI engines; the call ends with the ``with`` block.

    Parameters
    ----------
    engines
        Running MPI engines; dead ones are replaced first.
    function
        A function of an importable module. It gets a :class:`ClientLink`, whose ``poll`` it calls regularly.
    period
        Time between two pictures, in seconds.
    """
    with (
        engines.busy,
        tempfile.TemporaryDirectory(prefix="mffnb-", dir=engines.folder) as folder,
        deferred_interrupts() as interrupts,
    ):
        engines.revive()
        interrupts.check()
        path = Path(folder) / "instruction"
        made = Call(engines, path, _send_to_ranks(engines, path, period, function, arguments, options), interrupts)
        try:
            yield made
        finally:
            try:
                if made._under_way():
                    made.send(Instruction.INTERRUPT)
                    made.wait()
            except BaseException:  # Ctrl-C was pressed again: do not wait for the end of the present iteration
                engines.abort()
                raise


def _send_to_ranks(engines: Cluster, *call: Any) -> list[Any]:
    """Send a call to all ranks; if one cannot be reached, kill the others, since they would wait for it for ever."""
    client, results = engines.client, []
    try:
        for engine in sorted(client.ids):
            results.append(client[engine].apply_async(_work, *call))  # noqa: PERF401  keeps those sent before an error
        if len(results) < engines.n:
            raise RuntimeError(_WAS_KILLED)
    except BaseException:
        if results:
            engines.abort()
        raise
    return results


@dataclass(frozen=True)
class _Returned:
    rank: int
    value: Any
    warnings: list[tuple[str, type[Warning]]]


@dataclass(frozen=True)
class _Failed:
    """An error that a rank raised; only its text if the exception cannot be pickled."""

    rank: int
    text: str
    pickled: bytes | None

    @classmethod
    def of(cls, rank: int, error: Exception) -> _Failed:
        text = f"{type(error).__name__}: {error}"
        try:
            pickled = pickle.dumps(error)
            pickle.loads(pickled)
        except Exception:
            return cls(rank, text, None)
        return cls(rank, text, pickled)

    def error(self) -> Exception:
        error: Exception = RuntimeError(self.text) if self.pickled is None else pickle.loads(self.pickled)
        error.add_note(f"raised on engine {self.rank}")
        return error


def _work(
    path: Path, period: float, function: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]
) -> _Returned | _Failed:
    """Run the function of a collective call on one engine; errors are returned, not raised.

    Of errors that are raised on an engine, ipyparallel transports only the text.
    """
    from mpi4py import MPI  # noqa: PLC0415  on an MPI engine

    link = ClientLink(MPI.COMM_WORLD, path, period)
    try:
        with limit_threads(1), warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("default")
            value = function(link, *arguments, **options)
    except Exception as error:
        return _Failed.of(link.communicator.rank, error)
    return _Returned(link.communicator.rank, value, [(str(one.message), one.category) for one in said])


def _read(path: Path) -> Instruction:
    try:
        return Instruction(int(path.read_text()))
    except FileNotFoundError:
        return Instruction.CONTINUE


def _has_failed(result: Any) -> bool:
    return result.exception() is not None or isinstance(result.result(), _Failed)
