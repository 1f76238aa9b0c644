"""Bands of uncertainty behind the curves of an explorer: replica after replica, until something moves."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
import xarray as xr

from mffnb.errors import UnsupportedCombinationError
from mffnb.solvers import State
from mffnb.stability import RunStatistics, efficiency_warning, noise_of, reach_of
from mffnb.threads import half_of_the_threads
from mffnb.typing import Float64Array
from mffnb.unmixing.result import Unmixing
from mffnb.widgets.session.live_data import Data, Source

LEVEL, REPLICAS = 0.9, 20
_LEAST = 9  # so many replicas show a band of 90 %
_LOOK = 0.01  # seconds between two looks at whether newer parameters have come

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Bands:
    """Bands of the endmembers, as far as they are known.

    Attributes
    ----------
    text
        How far that is, for the status line.
    lower, upper
        Their ends in physical units, ("component", channel dims); None before there are enough replicas.
    """

    text: str
    lower: xr.DataArray | None = None
    upper: xr.DataArray | None = None


def gathered(
    answer: Unmixing,
    source: Source,
    switches: tuple[bool, ...],
    seed: int,
    run: Callable[[Data], Iterator[State]],
    labelled: Callable[[State, Data], Unmixing],
) -> Iterator[Bands]:
    """Fit replicas of the noise and yield what they show so far, every few milliseconds; may be left at any yield.

    Parameters
    ----------
    answer
        Whose bands they are; it holds its cube.
    source, switches
        Where the image came from, and which steps of preprocessing are on.
    seed
        Of all replicas.
    run
        Goes on from the answer on other data.
    labelled
        Makes a result of a state.
    """
    cube = source.cube
    try:
        noise = yield from _aside(lambda: noise_of(cube, answer), Bands("bands: a look at the noise"))
        reach = yield from _aside(lambda: reach_of(cube, answer, noise), Bands("bands: a look at what is left open"))
    except UnsupportedCombinationError as error:
        yield Bands(f"no bands: {error}")
        return

    def replica(number: int) -> Data:
        generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
        data = replace(source, cube=noise.draw(cube, answer, generator)).prepared(switches)
        _ = data.looked_at  # which takes a while, too
        return data

    runs, bands = RunStatistics(answer), Bands(f"bands: replica 1 of {REPLICAS}")
    for number in range(REPLICAS):
        data = yield from _aside(partial(replica, number), bands)
        last: list[State] = []
        with half_of_the_threads():  # a frame must also be drawn
            for state in run(data):
                last[:] = [state]
                yield bands
        runs.add(labelled(last[0], data))
        ends = reach.around(*runs.band(LEVEL)) if len(runs) >= _LEAST else (None, None)
        done = f"bands: replica {number + 2} of {REPLICAS}"
        if number == REPLICAS - 1:
            done = f"bands: {100 * LEVEL:g} % over {len(runs)} replicas of the noise ({noise.name})"
            doubt = efficiency_warning(answer, noise)
            done += f"; {doubt}" if doubt else ""
        bands = Bands(done, *ends)
        yield bands


def _aside(work: Callable[[], T], meanwhile: Bands) -> Generator[Bands, None, T]:
    """Work that cannot be left half-way, on a thread of its own: whoever waits is free to go."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="mffnb-replica")
    try:
        future = pool.submit(work)
        while not future.done():
            wait([future], _LOOK)
            yield meanwhile
        return future.result()
    finally:
        pool.shutdown(wait=False)


def ends_of(bands: Bands | None, seen: Any) -> tuple[Float64Array, Float64Array] | None:
    """Lower and upper ends (k, shown channels), if there are any."""
    if bands is None or bands.lower is None or bands.upper is None:
        return None
    low, high = (end.values.reshape(len(end), -1)[:, seen] for end in (bands.lower, bands.upper))
    return low, high
