"""Uncertainty bands behind the spectra of an explorer: fit replicas of the noise until a slider moves."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
import xarray as xr

from mffnb.errors import UnsupportedCombinationError
from mffnb.solvers import State
from mffnb.stability import RunStatistics, bias_of, efficiency_warning, noise_of, reach_of
from mffnb.threads import half_of_the_threads
from mffnb.typing import Float64Array
from mffnb.unmixing.result import Unmixing
from mffnb.widgets.session.live_data import LiveImage, LiveInput

LEVEL, REPLICAS = 0.9, 20
_LEAST = 9  # smallest number of replicas for a band of 90 %
_POLL = 0.01  # seconds between two checks for newer parameters

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Bands:
    """Uncertainty bands of the endmembers, from the replicas that are fitted so far.

    Attributes
    ----------
    text
        Progress of the replicas, for the status line.
    lower, upper
        Ends of the bands in physical units, ("component", channel dims); None before there are enough replicas.
    share
        Share of the replicas that are fitted.
    """

    text: str
    lower: xr.DataArray | None = None
    upper: xr.DataArray | None = None
    share: float = 0.0


def refit_replicas(
    answer: Unmixing,
    source: LiveInput,
    switches: tuple[bool, ...],
    seed: int,
    run: Callable[[LiveImage], Iterator[State]],
    labelled: Callable[[State, LiveImage], Unmixing],
    run_weaker: Callable[[LiveImage], Iterator[State]] | None = None,
) -> Iterator[Bands]:
    """Fit replicas of the noise; yield the bands so far every few milliseconds. The caller may stop at any yield.

    Parameters
    ----------
    answer
        The result whose bands are computed, with its cube; its held components come first.
    source, switches
        Cube and keywords of the explorer, and which steps of preprocessing are on.
    seed
        Seed of all replicas.
    run
        Function that fits a replica with a warm start from the result.
    labelled
        Function that converts a state to a labelled result.
    run_weaker
        Function that fits the data with weaker penalties and a warm start from the result; None if there are none.
    """
    cube = source.cube
    try:
        noise = yield from _aside(lambda: noise_of(cube, answer), Bands("bands: estimating the noise"))
        reach = yield from _aside(lambda: reach_of(cube, answer, noise), Bands("bands: estimating the ambiguity"))
    except UnsupportedCombinationError as error:
        yield Bands(f"no bands: {error}")
        return

    def replica(number: int) -> LiveImage:
        generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
        data = source.with_cube(noise.draw(cube, answer, generator)).prepare(switches)
        _ = data.solver_matrix  # computed on the background thread, since it takes a while
        return data

    weaker = None
    if run_weaker is not None:
        meanwhile = Bands("bands: fit with weaker penalties")
        data = yield from _aside(lambda: source.prepare(switches), meanwhile)
        weaker = labelled((yield from _last_state(run_weaker(data), meanwhile)), data)
    runs, bands = RunStatistics(answer), Bands(f"bands: replica 1 of {REPLICAS}")
    for number in range(REPLICAS):
        data = yield from _aside(partial(replica, number), bands)
        runs.add(labelled((yield from _last_state(run(data), bands)), data))
        ends: list[Any] = [None, None]
        doubts = [efficiency_warning(answer, noise)]
        if len(runs) >= _LEAST:
            bias = yield from _aside(partial(bias_of, answer, runs, weaker, cube), bands)
            widened = reach.widen(*runs.band(LEVEL))
            if bias is not None:
                widened = bias.widen(*widened)
                doubts.append(bias.doubt)
            ends = [end.sortby("component") for end in widened]
        done = f"bands: replica {number + 2} of {REPLICAS}"
        if number == REPLICAS - 1:
            done = f"bands: {100 * LEVEL:g} % over {len(runs)} replicas of the noise ({noise.name})"
            done = "; ".join(filter(None, [done, *doubts]))
        bands = Bands(done, ends[0], ends[1], (number + 1) / REPLICAS)
        yield bands


def _last_state(states: Iterator[State], meanwhile: Bands) -> Generator[Bands, None, State]:
    """Run a fit to its end and return the last state, so that the caller can abandon it after each iteration."""
    last: list[State] = []
    with half_of_the_threads():  # leave half of the threads free, so that the browser view can still be updated
        for state in states:
            last[:] = [state]
            yield meanwhile
    return last[0]


def _aside(work: Callable[[], T], meanwhile: Bands) -> Generator[Bands, None, T]:
    """Run work that cannot be interrupted on a separate thread, so that the caller can abandon it."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="mffnb-replica")
    try:
        future = pool.submit(work)
        while not future.done():
            wait([future], _POLL)
            yield meanwhile
        return future.result()
    finally:
        pool.shutdown(wait=False)


def ends_of(bands: Bands | None, seen: Any) -> tuple[Float64Array, Float64Array] | None:
    """Return the lower and upper ends of the bands for the channels that are shown, (k, channels), or None."""
    if bands is None or bands.lower is None or bands.upper is None:
        return None
    low, high = (end.values.reshape(len(end), -1)[:, seen] for end in (bands.lower, bands.upper))
    return low, high
