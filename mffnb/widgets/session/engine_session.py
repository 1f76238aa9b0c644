"""Session of an explorer on MPI engines: the client keeps component names, preview maps and the last state."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from math import prod
from typing import Any, cast

import xarray as xr

from mffnb.cubes.layout import Layout
from mffnb.errors import UnsupportedCombinationError
from mffnb.parallel import Cluster, sharing
from mffnb.parallel.collective_call import Instruction, call
from mffnb.parallel.preview_maps import coarse
from mffnb.parallel.sources import source_for_engines
from mffnb.protocols.matrix import Matrix
from mffnb.unmixing.image import Prepared, matrix_weights
from mffnb.unmixing.result import Unmixing
from mffnb.widgets.session import engine_side
from mffnb.widgets.session.engine_side import EarlierAnswer, EngineAnswer, ImageDescription
from mffnb.widgets.session.held import Held
from mffnb.widgets.session.live_data import LiveImage, LiveInput, common_task
from mffnb.widgets.session.live_task import LiveTask
from mffnb.widgets.session.parameters import AUTO, OwnTerms, Parameters
from mffnb.widgets.session.restarts import Restarts
from mffnb.widgets.session.solved import Solved

_PATIENCE = 2.0  # longest time in seconds that closing waits for a running call


@dataclass(frozen=True)
class RemoteMatrix:
    """Stand-in for a matrix whose entries are on engines: its shape and completeness.

    Attributes
    ----------
    shape, complete
        As for :class:`mffnb.protocols.matrix.Matrix`.
    """

    shape: tuple[int, int]
    complete: bool


class EngineSession:
    """Session of an explorer with the pixels on MPI engines; same interface as the ``Session`` of one process.

    See :class:`mffnb.widgets.session.session.Session`. While the engines work, the maps of a state are averaged over
    blocks of pixels; the last state has all pixels.

    Parameters
    ----------
    cube
        Path of a file, of which each engine reads its own part, or a cube that is small enough to be sent.
    channel
        Channel dimension(s), the last one if None.
    engines
        A running :func:`mffnb.parallel.cluster` with ``mpi=True``.
    options
        Further keywords, as for the session of one process.
    """

    automatic = False  # the rule for volume="auto" needs all pixels in one process

    def __init__(self, cube: Any, channel: Any, engines: Cluster, **options: Any) -> None:
        if not (isinstance(engines, Cluster) and engines.mpi):  # an executor has no ranks
            raise ValueError("an explorer needs engines that share the pixels: mffnb.parallel.cluster(n, mpi=True)")
        if options.pop("preprocess", ()):
            raise UnsupportedCombinationError(
                "preprocessing steps are switched in one process: save the processed cube, and pass its path"
            )
        if options.pop("start", None) is not None:
            raise UnsupportedCombinationError("engines begin with the data: leave out start, or the cluster")
        engines.check_runs()
        self._engines, self._cube, self._options = engines, cube, options
        self._token = f"session-{uuid.uuid4().hex}"
        self._last: Solved | None = None
        self._answer: Solved | None = None
        self._restarts, self._stop_wanted = Restarts(), threading.Event()
        here, described = self._begin(channel)
        kept: dict[str, Any] = {name: options[name] for name in ("solver", "max_iter", "tol") if name in options}
        self.own = OwnTerms(tuple(options.get("abundance_terms", ())), tuple(options.get("endmember_terms", ())))
        mask, known, weights = options.get("mask"), options.get("known"), options.get("weights")
        task = common_task(
            kept, channel=channel, mask=mask, known=known, weights=weights, random_state=options.get("seed", 0)
        )
        self.source = LiveInput(here, task)
        self._task = LiveTask(self.source, self.own)
        layout, small = described.layout, coarse(described.layout)
        self.passed: tuple[Held, ...] = self.source.passed
        self._whole = self._image(layout, described, matrix_weights(weights, layout))
        fits = small.map_shape == layout.map_shape
        self._small = self._whole if fits else self._image(small, described, self._whole.image.weights)

    @property
    def last(self) -> Solved | None:
        """The newest state of a run; None before the first run."""
        return self._last

    @property
    def data(self) -> LiveImage:
        """The image with its layout, without its values."""
        return self._whole

    @property
    def matrix(self) -> Matrix:
        """Shape and completeness of X, (pixels, channels)."""
        return self._whole.matrix

    @property
    def layout(self) -> Layout:
        """Which dimensions of the image are pixels and which are channels."""
        return self._whole.layout

    def start_afresh(self) -> None:
        """Let the next run start from the data instead of the last state."""
        self._restarts.request()

    def stop(self) -> None:
        """End the present run, or the next one if none is running, with its state so far."""
        self._stop_wanted.set()

    def cancel_stop(self) -> None:
        """Cancel an earlier :meth:`stop`, so that the next run is not ended."""
        self._stop_wanted.clear()

    def solve(self, parameters: Parameters) -> Iterator[Solved | None]:
        """Run the solver on the engines and yield the states that they send, or None while there is no new one.

        Abandoning the iteration at any yield stops the engines. All states are of this run: an earlier state has other
        parameters.
        """
        if parameters.volume == AUTO:
            raise UnsupportedCombinationError("volume='auto' looks at all pixels: open an explorer without engines")
        answer = yield from self._run(parameters)
        if answer == "lost":  # new engines, in place of dead ones, have no session: create it again from the last state
            self._begin(self.source.task.channel)
            answer = yield from self._run(parameters)
        if isinstance(answer, EngineAnswer):
            state, trace = answer.state, answer.trace
            self._last = self._answer = Solved(state, answer.names, parameters, self._whole, trace, len(trace))
            yield self._last

    def result(self, solved: Solved) -> Unmixing:
        """Label a state as :func:`mffnb.unmix` labels its result; ``component`` holds the persistent names."""
        return self._task.result(solved)

    def __del__(self) -> None:
        with suppress(Exception):  # the engines may have been stopped, or the interpreter is ending
            self.close(patience=0.0)

    def close(self, patience: float = _PATIENCE) -> None:
        """Delete the image on the engines, if they are alive; wait ``patience`` seconds for a running call."""
        if not self._engines.busy.acquire(timeout=patience):
            return  # leave a run that does not end; newer images on the engines will replace this one
        try:
            if self._engines.client is not None and len(self._engines.client.ids) == self._engines.n:
                self._engines.client[:].apply_async(sharing.forget, self._token)
        finally:
            self._engines.busy.release()

    def _begin(self, channel: Any) -> tuple[xr.DataArray, ImageDescription]:
        """Open the image on the engines, and let them continue from the last state."""
        last = self._answer
        before = None if last is None else EarlierAnswer(last.state, last.names, last.parameters)
        with (
            source_for_engines(self._cube, self._engines) as (here, there),
            call(self._engines, engine_side.begin, self._token, there, channel, before, self._options) as running,
        ):
            return here, running.answer()

    def _run(self, parameters: Parameters) -> Generator[Solved | None, None, EngineAnswer | str | None]:
        requests, afresh = self._restarts.requested, self._restarts.wanted
        with call(self._engines, engine_side.solve, self._token, parameters, afresh, period=0.1) as made:
            try:
                for picture in made.pictures():
                    if self._stop_wanted.is_set():
                        made.send(Instruction.STOP)
                    if picture is None:
                        yield None  # the caller can abandon the run here
                    else:
                        self._restarts.fulfil(requests)  # the engines have restarted from the data if so requested
                        self._last = self._seen(picture, parameters)
                        yield self._last
            except GeneratorExit:
                made.send(Instruction.INTERRUPT)
                raise
            answer = cast("EngineAnswer | str | None", made.answer())
            if isinstance(answer, EngineAnswer):
                self._restarts.fulfil(requests)
            return answer

    def _seen(self, picture: EngineAnswer, parameters: Parameters) -> Solved:
        mask = self._small.layout.pixel_mask
        maps = picture.state.abundances
        state = replace(picture.state, abundances=maps if mask is None else maps[:, mask.ravel()])
        return Solved(state, picture.names, parameters, self._small, [state], 1)

    def _image(self, layout: Layout, described: ImageDescription, weights: Any) -> LiveImage:
        pixels = layout.map_shape if layout.pixel_mask is None else (int(layout.pixel_mask.sum()),)
        matrix = RemoteMatrix((prod(pixels), described.shape[1]), described.complete)
        return LiveImage(Prepared(self.source.cube, layout, weights=weights), cast("Matrix", matrix))
