"""Hyperparameter search for the settings of :func:`mffnb.unmix`, in one call."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from mffnb.keywords import checks_keywords
from mffnb.tuning.search_loop import SettingsSearch
from mffnb.tuning.trials import Trial
from mffnb.tuning.tuning import Tuning
from mffnb.unmixing.unmix import unmix


@checks_keywords(unmix)
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
    """Search for the settings of :func:`mffnb.unmix` that minimise an objective (hyperparameter search).

    Trials are identical to the last bit in one thread, on threads, on engines and after a resume: trial i is proposed
    from the results of trials 0 to i - ``window`` only, even if later trials have already finished.

    Parameters
    ----------
    cube
        Spectral image, sent to each worker once, or a path, which each worker reads; or a list of images or paths,
        which each trial fits jointly, see :func:`mffnb.unmix`. ``channel``, ``channels`` and ``image_weights`` of a
        list cannot be searched.
    space
        A dict from keywords of ``unmix`` to ``(low, high)``, searched in log scale, or a list of choices, or a hyperopt
        expression. For penalty weights start at 1e-3.
    objective
        One of :mod:`mffnb.tuning.objectives`, or a function that takes an :class:`mffnb.Unmixing` (of a list, a
        :class:`mffnb.JointUnmixing`) and returns a number;
        None selects the error of maps (:class:`MapError`) if smoothness, alone or with sparsity, is searched, and the
        error of held-out entries otherwise.
    algorithm
        ``"tpe"`` (Bayesian), ``"random"``, ``"anneal"``, ``"grid"`` or ``"line"``.
    max_evals
        Number of trials, including those in the file at ``path``.
    executor
        ``concurrent.futures`` executor, ``dask.distributed.Client`` or :func:`mffnb.parallel.cluster`; None
        runs one trial after the other.
    window
        Largest number of concurrent trials. The trials depend on it, because it determines which results a proposal
        uses.
    path
        Journal file in JSON Lines format; a search that was interrupted resumes from it.
    seed
        Seed of the search and of all fits.
    patience
        End the search after this many trials without improvement.
    callback
        Called with each finished :class:`Trial`, in the order of their numbers; if it returns True, the search ends.
    stop
        Function or event that is polled; if it is true, the search ends after the running trials.
    progress
        Show a progress bar.
    options
        Fixed keywords of ``unmix``, for example k.

    Returns
    -------
    Tuning
        All trials; a trial that failed, or whose loss is not finite, has a message instead of a loss.

    Raises
    ------
    TypeError, ValueError
        If a parameter is invalid or the file belongs to another search; the message says what to change.

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
    work.warn_if_picture()
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
    """Yield a function that adds finished trials to a progress bar; without ``wanted`` there is no bar."""
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
