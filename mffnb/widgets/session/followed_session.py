"""Session of an explorer on a file that grows: states of a stream until it ends, then runs on all frames."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np

from mffnb.cubes.layout import Layout
from mffnb.errors import UnsupportedCombinationError
from mffnb.io.growing_file import GrowingFile
from mffnb.protocols.matrix import Matrix
from mffnb.solvers import Outcome, State
from mffnb.threads import half_of_the_threads
from mffnb.typing import Array, Float64Array
from mffnb.unmixing.following import Following, follow
from mffnb.unmixing.image import Prepared
from mffnb.unmixing.result import Unmixing
from mffnb.unmixing.stream import Stream
from mffnb.widgets.session.engine_session import RemoteMatrix
from mffnb.widgets.session.live_data import LiveImage, LiveInput
from mffnb.widgets.session.live_task import LiveTask
from mffnb.widgets.session.parameters import Parameters
from mffnb.widgets.session.session import Session
from mffnb.widgets.session.solved import Solved, in_order, matched_numbers

_OF_THE_FILE = ("dataset", "frames", "patience", "interval")
_PERIOD, _SHARE = 0.05, 4  # seconds between two states at least, and the ratio of this time to that of making one


@dataclass(frozen=True)
class FollowedFile:
    """A growing HDF5 file that an explorer follows.

    Attributes
    ----------
    path
        Path of the file.
    options
        ``dataset``, ``frames``, ``patience`` and ``interval`` of :func:`mffnb.follow`, where they are given.
    """

    path: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, path: Any, options: Mapping[str, Any]) -> tuple[FollowedFile, dict[str, Any]]:
        """Return the file, and the options of the explorer without those of the file."""
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"follow=True needs the path of a growing HDF5 file, got {type(path).__name__}")
        if "k" not in options:
            raise TypeError("follow=True needs k, because the data are not there yet: mf.explore(path, k, follow=True)")
        given = {name: options[name] for name in _OF_THE_FILE if name in options}
        return cls(os.path.abspath(path), given), {name: options[name] for name in options if name not in given}

    def opened(self) -> GrowingFile:
        """Return the open file."""
        return GrowingFile(self.path, self.options.get("dataset"))


class FollowedSession(Session):
    """Session of an explorer on a growing file.

    While it follows, each run is a stream over all frames from the first one, and its states have the frames so far.
    The end of the file, or :meth:`stop`, ends this: the session reads the frames so far, continues from the endmembers
    of the stream, and is an ordinary one from then on. :meth:`follow_again` goes on with the frames that came after.

    Parameters
    ----------
    file
        The file.
    channel, options
        As for :class:`Session`; options that need all frames are refused.

    Attributes
    ----------
    following
        Whether the file is still followed.
    """

    def __init__(self, file: FollowedFile, channel: Any = None, **options: Any) -> None:
        given = {"channel": channel, **{name: options.get(name) for name in ("mask", "weights", "known", "start")}}
        given["preprocess"] = options.get("preprocess") or None
        for name, value in given.items():
            if value is not None:
                raise UnsupportedCombinationError(f"{name} cannot be used while a file is followed: leave {name} out")
        self._file, self.following = file, True
        self._again, self._changing = 0, threading.Lock()
        self._ended: tuple[Following, Parameters] | None = None
        with file.opened() as growing:
            grid = growing.grid()
        super().__init__(grid, None, **options)
        self._grid = self.data.layout

    @property
    def complete(self) -> bool:
        """Whether all frames of the measurement were followed, so that no other one will come."""
        return not self.following and self._ended is not None and _is_complete(self._ended[0])

    @property
    def note(self) -> str:
        """Sentence on the frames that an answer has while others may come; empty for a complete measurement."""
        if self.following or self._ended is None or self.complete:
            return ""
        (done, total), ended = self._ended[0].frames, str(self._ended[0]).startswith("ended")
        frames = f"the first {done} frames" if total is None else f"{done} of {total} frames"
        return (
            f"This is the answer for {frames}: "
            f"{'no new frame came for a while' if ended else 'following was stopped'}. Follow again continues with the "
            "next frame."
        )

    @property
    def stopping(self) -> bool:
        """Whether :meth:`stop` was called, and the run has not ended yet."""
        return self._stopping.wanted

    def follow_again(self, parameters: Parameters) -> None:
        """Let the next run follow the file again, from the first frame that was not followed.

        With other settings than before, the run begins with the first frame of the file.

        Raises
        ------
        ValueError
            If all frames were followed.
        UnsupportedCombinationError
            For settings that need all frames.
        """
        if self._ended is not None and _is_complete(self._ended[0]):
            raise ValueError(f"{self._ended[0]}: there is no other frame to follow")
        _check_needs_no_frames(parameters, "set it to its default, then follow again")
        with self._changing:
            self._again += 1
            self.following = True
        self._restored = self._edited = None

    def solve(self, parameters: Parameters) -> Iterator[Solved | None]:
        """Follow the file to its end, then run the solver on all frames; see :meth:`Session.solve`.

        Raises
        ------
        UnsupportedCombinationError
            For settings that need all frames, while the file is followed.
        ValueError
            If no frame arrives, or the file cannot be followed any more.
        """
        if self.following:
            yield from self._followed(parameters)
        yield from super().solve(parameters)

    def result(self, solved: Solved) -> Unmixing:
        """Label a state; that of a file that is followed has no cube."""
        if solved.followed is None:
            return super().result(solved)
        source = LiveInput(solved.data.image.cube, self.source.task)
        return replace(LiveTask(source, self.own).result(solved), cube=None)

    def _followed(self, parameters: Parameters) -> Iterator[Solved | None]:
        """Yield states of a stream from the first frame on, until the file ends or :meth:`stop` is called."""
        scan, requests, again = self._stream(parameters), self._restarts.requested, self._again
        before, names = self._last, None
        fresh, due = scan.live.seen > 0, 0.0
        with half_of_the_threads():
            for live in scan.polls():
                if self._stopping.wanted:
                    break
                fresh = fresh or live is not None
                begun = time.monotonic()
                if not (fresh and scan.live.seen) or (live is not None and begun < due):
                    yield None
                    continue
                names = names or _names(scan.live, before, parameters.k)
                self._last, fresh = self._state(scan, parameters, names), False
                self._restarts.fulfil(requests)
                due = begun + max(_PERIOD, _SHARE * (time.monotonic() - begun))
                yield self._last
        self._load(scan, parameters, names or _names(scan.live, before, parameters.k), again)

    def _stream(self, parameters: Parameters) -> Following:
        """Return the stream that has ended, for its settings; else one from the first frame on."""
        _check_needs_no_frames(parameters, "the file is still followed, so switch it off until the file has ended")
        ended, self._ended = self._ended, None  # a run that is abandoned may have pushed a part of a frame
        if ended is not None and ended[1] == parameters and not self._restarts.wanted:
            return ended[0]
        own, task = self.own.with_values(parameters.own), self.source.task
        return follow(
            self._file.path, parameters.k, **self._file.options, sparsity=parameters.sparsity,
            volume=parameters.volume, sum_to_one=parameters.sum_to_one, gain=parameters.gain, solver=task.solver,
            max_iter=task.max_iter, tol=task.tol, random_state=self.seed, abundance_terms=own.abundance_terms,
            endmember_terms=own.endmember_terms,
        )  # fmt: skip

    def _state(self, scan: Following, parameters: Parameters, names: tuple[int, ...]) -> Solved:
        """Return the maps and endmembers so far; pixels that are not measured yet are masked."""
        (done, total), (A, E, gain) = scan.frames, _factors(scan.live)
        share = None if total is None else done / total
        shape = dict(self._grid.pixel_shape)
        dim = next(iter(shape))
        # A stack shows a section: it has the frames so far, so that its middle one is measured.
        shape[dim] = total if total is not None and len(shape) <= 2 else done
        coords = {name: one for name, one in self._grid.coords.items() if dim not in one.dims}
        layout = replace(self._grid, pixel_shape=shape, coords=coords)
        found, channels = ~np.isnan(A[0]), ~np.isnan(E[0])
        pixels = np.zeros(layout.map_shape, bool)
        pixels.ravel()[: len(found)] = found
        layout = replace(layout, pixel_mask=_mask(pixels), channel_mask=_mask(channels, layout))
        matrix = cast("Matrix", RemoteMatrix((int(found.sum()), int(channels.sum())), complete=True))
        data = LiveImage(Prepared(layout.template, layout), matrix)
        state = _running(A[:, found], E[:, channels], None if gain is None else gain[found])
        return in_order(Solved(state, names, parameters, data, followed=(str(scan), share)))

    def _load(self, scan: Following, parameters: Parameters, names: tuple[int, ...], again: int) -> None:
        """Read the frames so far, and let the next run continue from the stream."""
        done, _ = scan.frames
        if not scan.live.seen:
            name = os.path.basename(self._file.path)
            raise ValueError(f"no frame with data has arrived in {name}: check its writer, then click restart")
        with self._file.opened() as growing:
            source = LiveInput(growing.cube(done), self.source.task)
        data, (A, E, gain) = source.prepare(()), _factors(scan.live)
        pixels, channels = data.layout.pixel_mask, data.layout.channel_mask
        used = slice(None) if pixels is None else pixels.ravel()
        E = np.nan_to_num(E if channels is None else E[:, channels.ravel()])
        state = _running(np.nan_to_num(A[:, used]), E, None if gain is None else np.nan_to_num(gain[used]))
        self.source, self._task, self._data = source, LiveTask(source, self.own), data
        self._prepared = {((), None, ()): data}
        self._last, self._ended = in_order(Solved(state, names, parameters, data)), (scan, parameters)
        with self._changing:
            self._stopping.cancel()
            self.following = self._again != again  # the user may have requested to follow while the frames were read


def _is_complete(scan: Following) -> bool:
    """Return whether a stream has all frames of a measurement."""
    done, total = scan.frames
    return done == total


def _check_needs_no_frames(parameters: Parameters, advice: str) -> None:
    """Refuse settings that a stream cannot have."""
    needing = {
        "smoothness": parameters.smoothness,
        "the noise model": parameters.similarity != "frobenius",
        "volume 'auto'": isinstance(parameters.volume, str),
        "bands": parameters.bands,
        "a held component": parameters.held,
        "a known abundance": parameters.fixed,
        "a choice of pixels or channels": parameters.area,
    }
    for name, wanted in needing.items():
        if wanted:
            raise UnsupportedCombinationError(f"{name} needs all frames: {advice}")


def _names(live: Stream, before: Solved | None, k: int) -> tuple[int, ...]:
    """Return the numbers of the components of a stream: those of the earlier ones that they match."""
    if before is None or not live.seen:
        return tuple(range(k))
    spectra = np.nan_to_num(
        before.data.layout.endmembers(before.state.endmembers).values.reshape(len(before.names), -1)
    )
    return matched_numbers(np.nan_to_num(_factors(live)[1]), spectra, before.names)


def _factors(live: Stream) -> tuple[Float64Array, Float64Array, Float64Array | None]:
    """Return A (k, all pixels so far), E (k, all channels) and gains of a stream, NaN where there are no data."""
    E, A, gain = live.endmembers.values, live.abundances.values, live.gain
    return A.reshape(len(A), -1), E.reshape(len(E), -1), None if gain is None else gain.values.ravel()


def _mask(used: Array, layout: Layout | None = None) -> Array | None:
    """Return a mask of pixels, or of the channels of a layout; None if all are used."""
    if used.all():
        return None
    return used if layout is None else used.reshape(tuple(layout.channel_shape.values()))


def _running(A: Float64Array, E: Float64Array, gain: Float64Array | None) -> State:
    """Return factors as a state whose objective is not known."""
    return State(0, A, E, np.nan, np.nan, np.nan, np.nan, Outcome.RUNNING, gain=gain)
