"""The same call of `unmix`, made by MPI engines: each reads its own pixels, this process watches."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from mffnb.matrices.checking import drawn_seed
from mffnb.parallel.cluster import Cluster
from mffnb.parallel.collective_call import Call, Watch, Word, call
from mffnb.parallel.preview_maps import Glimpses
from mffnb.parallel.sources import Source, Stored, shared
from mffnb.solvers import Outcome
from mffnb.solvers.progress import Callback, bar, both


def unmix(solve: Callable[..., Any], keywords: dict[str, Any]) -> Any:
    """Let all engines call ``solve`` together; return the result of the first one, with the cube as it is here.

    Ctrl-C asks the engines for what they have so far; a second one ends them.

    Parameters
    ----------
    solve
        :func:`mffnb.unmix`, for which there is no floor below this one.
    keywords
        Its arguments by name.
    """
    keywords = {name: value for name, value in keywords.items() if name != "communicator"} | {"gather": True}
    if isinstance(keywords["checkpoint"], (str, os.PathLike)):
        keywords["checkpoint"] = os.path.abspath(keywords["checkpoint"])  # an engine may have another working folder
    if keywords["random_state"] is not None:
        keywords["random_state"] = drawn_seed(keywords["random_state"])  # a generator stays here
    if hasattr(keywords["init"], "cube"):
        keywords["init"] = replace(keywords["init"], cube=None)  # an earlier result, whose cube need not travel
    engines: Cluster = keywords.pop("cluster")
    callback: Callback | None = keywords.pop("callback")
    progress, total = keywords.pop("progress"), keywords["n_init"] * keywords["max_iter"]
    engines.check_runs()
    with (
        shared(keywords.pop("cube"), engines) as (cube, there),
        bar(progress, total) as show,
        call(engines, _on_rank, solve, there, callback is not None, keywords) as running,
    ):
        interrupted = _tell(running, both(show, callback))
        result = running.answer()
        if interrupted or running.interrupted():  # in its last state perhaps
            result = replace(result, outcome=Outcome.INTERRUPTED)
    return replace(result, cube=cube)


def _tell(running: Call, callback: Callback | None) -> bool:
    """Hand on what the ranks show until they have ended, and the user's word to them; return whether it was Ctrl-C."""
    try:
        _hand_on(running.pictures(), running, callback)
        return False
    except KeyboardInterrupt:
        running.say(Word.INTERRUPT)
        try:
            running.wait()
        except KeyboardInterrupt:
            running.abort()
            raise
        return True


def _hand_on(pictures: Iterable[Any], running: Call, callback: Callback | None) -> None:
    for state in pictures:
        answer = None if callback is None or state is None else callback(state)
        if isinstance(answer, bool) and answer:
            running.say(Word.STOP)


def _on_rank(watch: Watch, solve: Callable[..., Any], there: Source, maps: bool, keywords: dict[str, Any]) -> Any:
    """The call of one rank; only the first one has to return what it found."""
    cube = there.path if isinstance(there, Stored) else there.open()
    result = solve(cube, **keywords, communicator=watch.communicator, callback=Glimpses(watch, maps))
    return replace(result, cube=None) if watch.communicator.rank == 0 else None
