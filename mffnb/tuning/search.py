"""The search for settings as one call."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from mffnb.tuning.search_loop import SettingsSearch
from mffnb.tuning.trials import Trial
from mffnb.tuning.tuning import Tuning


def tune(
    cube: Any,
    space: Any,
    objective: Any = None,
    *,
    algorithm: str = "tpe",
    max_evals: int = 60,
    executor: Any = None,
    window: int = 4,
    path: str | os.PathLike[str] | None = None,
    seed: int = 0,
    patience: int | None = None,
    callback: Callable[[Trial], object] | None = None,
    stop: Callable[[], bool] | threading.Event | None = None,
    progress: bool = False,
    **options: Any,
) -> Tuning:
    """Search for the settings of :func:`mffnb.unmix` that make an objective small.

    Trials are the same bit for bit one after the other, on threads, on engines and after a resume: trial i is proposed
    from the results of trials 0 to i - ``window``, whatever else has ended by then.

    Parameters
    ----------
    cube
        Spectral image, or the path of one, which each worker then reads for itself; it is sent to a worker once.
    space
        A dict from keywords of ``unmix`` to ``(low, high)``, searched in log scale, or a list of choices, or a hyperopt
        expression; 1e-3 upwards is the advice for weights.
    objective
        One of :mod:`mffnb.tuning.objectives`, or your own function of an :class:`mffnb.Unmixing` that returns a number;
        the error of held-out entries if None.
    algorithm
        ``"tpe"`` (Bayesian), ``"random"``, ``"anneal"``, ``"grid"`` or ``"line"``.
    max_evals
        Number of trials, those in the file at ``path`` included.
    executor
        Any executor of ``concurrent.futures``, or a :func:`mffnb.parallel.cluster`; one trial after the other if None.
    window
        Most trials at a time. It decides what a trial may know, so it is part of what makes trials the same.
    path
        A file of JSON lines; a search that was killed goes on from there.
    seed
        Of the search and of all fits.
    patience
        End the search once so many trials brought nothing better.
    callback
        Called with each finished :class:`Trial`, in the order of their numbers; returning True ends the search.
    stop
        Asked again and again; True ends the search after the trials that have begun. An event serves as well.
    progress
        Show a progress bar.
    options
        Keywords of ``unmix`` that are not searched, k among them.

    Returns
    -------
    Tuning
        A trial that fails, or whose loss is not finite, is in it with its message.

    Raises
    ------
    TypeError, ValueError
        With what to do, if a parameter cannot be used or the file belongs to another search.

    Source: Bergstra et al. 2011, NIPS (TPE); order and range of the search: Kannan et al. 2018, Adv. Struct. Chem.
    Imaging 4:6.

    Examples
    --------
    >>> import mffnb as mf
    >>> cube = mf.datasets.tof_sims_2d(seed=0, shape=(8, 12)).cube
    >>> def roughness(result):
    ...     return float(result.abundances.diff("x").std())
    >>> found = mf.tuning.tune(cube, {"smoothness": (1e-3, 1.0), "k": [2, 3]}, roughness, max_evals=4)
    >>> len(found.trials), found.ended.name
    (4, 'FINISHED')
    """
    work = SettingsSearch(
        cube, space, objective, algorithm=algorithm, max_evals=max_evals, executor=executor, window=window, path=path,
        seed=seed, patience=patience, stop=stop, options=options,
    )  # fmt: skip
    with _progress(progress, max_evals) as show:

        def observe(trial: Trial) -> bool:
            show([trial])
            return callback is not None and callback(trial) is True

        states = work.states(observe)
        found = next(states)
        show(found.trials)
        for state in states:
            found = state
    return found


@contextmanager
def _progress(wanted: bool, total: int) -> Iterator[Callable[[Sequence[Trial]], object]]:
    if not wanted:
        yield id
        return
    from tqdm.auto import tqdm  # noqa: PLC0415  pulls in ipywidgets in a notebook

    best = np.inf
    with tqdm(total=total, unit="trial", desc="tune") as bar:

        def show(trials: Sequence[Trial]) -> None:
            nonlocal best
            best = min([best, *(trial.loss for trial in trials if trial.loss is not None)])
            bar.set_postfix(best=f"{best:.4g}", refresh=False)
            bar.update(len(trials))

        yield show
