"""How well the noise and the start of the search determine an answer: bands, maps of deviation, a score."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.as_cube import as_cube
from mffnb.errors import NoiseWarning, warn
from mffnb.io.read import read
from mffnb.matrices.checking import drawn_seed
from mffnb.stability.ambiguity import Reach, reach_of
from mffnb.stability.efficiency import doubt_about
from mffnb.stability.refit import Recipe, check_names, without_data
from mffnb.stability.replicas import Noise, noise_of
from mffnb.stability.spread import Runs, Spread
from mffnb.typing import Seed
from mffnb.unmixing.result import Unmixing
from mffnb.unmixing.unmix import unmix


@dataclass(frozen=True, eq=False)
class Stability:
    """How far an answer moves.

    Attributes
    ----------
    answer
        What it is about; components are its components.
    replicas
        Over replicas of the noise, each fitted warm from the answer; None without any. Its band holds what noise alone
        does.
    restarts
        Over fresh starts on the same data; None without any.
    noise
        How replicas were drawn: ``"poisson"`` or ``"residual"``.
    level
        Of the bands, 0.9 for 90 %.
    reach
        How far endmembers may be from the answer for what the data leave open; None without replicas.
    doubt
        Why bands are not to be trusted, with what to do; empty where nothing speaks against them.
    parameters
        Numbers of runs and the seed.
    """

    answer: Unmixing
    replicas: Spread | None
    restarts: Spread | None
    noise: str
    level: float
    reach: Reach | None = None
    doubt: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def lower(self) -> xr.DataArray:
        """Lower end of the endmembers' band, of noise and what data leave open, ("component", channel dims)."""
        return self._band[0]

    @property
    def upper(self) -> xr.DataArray:
        """Upper end of that band."""
        return self._band[1]

    @property
    def deviation(self) -> xr.DataArray:
        """Standard deviation of the abundances over replicas, ("component", pixel dims)."""
        return self._replicas.deviation

    @property
    def score(self) -> xr.DataArray:
        """The lower one of a component's scores over restarts and over replicas, 0 to 1, ("component",)."""
        scores = [part.score for part in (self.restarts, self.replicas) if part is not None]
        return scores[0].copy(data=np.minimum.reduce([one.values for one in scores]))

    def plot(self, **options: Any) -> Any:
        """Draw endmembers with their bands beside the maps of deviation; see :func:`mffnb.plots.stability`."""
        from mffnb import plots  # noqa: PLC0415  the floor above; matplotlib only when asked for

        return plots.stability(self, **options)

    @property
    def _band(self) -> tuple[xr.DataArray, xr.DataArray]:
        noise = self._replicas
        return (noise.lower, noise.upper) if self.reach is None else self.reach.around(noise.lower, noise.upper)

    @property
    def _replicas(self) -> Spread:
        if self.replicas is None:
            raise ValueError("no replica was drawn: ask for some, n_bootstrap=20 say")
        return self.replicas


def stability(
    cube: Any,
    model: int | Unmixing,
    n_init: int = 10,
    n_bootstrap: int = 20,
    *,
    level: float = 0.9,
    replicas: str = "auto",
    executor: Any = None,
    random_state: Seed = None,
    progress: bool = False,
    **settings: Any,
) -> Stability:
    r"""Find out how well the start of the search, and the noise of the data, determine an answer.

    Restarts look for the answer again, from random starts. Replicas are data as they might have been measured instead
    (:func:`mffnb.stability.noise_of` says how they are drawn), each fitted from the answer on. Components of every run
    are matched with those of the answer (:func:`mffnb.selection.match`) and, where scale is a convention, brought to
    their size. The band of noise is :math:`\hat e \pm q`, with q the quantile of :math:`|e^* - \hat e|` over
    replicas: it says where this method would find the endmember if the sample were measured once more. What data and
    signs leave open, because endmembers can be mixed into each other without a contradiction beyond noise, is added to
    that (:func:`mffnb.stability.reach_of`). What the model gets wrong otherwise is in neither.

    Parameters
    ----------
    cube
        Spectral image, as for :func:`mffnb.unmix`; not modified. Replicas are made in memory. To
        processes a path is sent as such, data are copied.
    model
        An answer of :func:`mffnb.unmix` for this cube, whose settings are used again, or k.
    n_init
        Number of restarts, 0 for none.
    n_bootstrap
        Number of replicas, 0 for none; level / (1 - level) at least, 9 for 90 %.
    level
        Of the bands, between 0 and 1.
    replicas
        ``"auto"`` (Poisson for counts, residuals with random signs for all else), ``"poisson"`` or ``"residual"``.
    executor
        A ``concurrent.futures`` executor, or anything with its ``submit``; in turn and here if None. The answer does
        not depend on it.
    random_state
        Seed, from which each run has one of its own.
    progress
        Show a progress bar.
    settings
        Keywords of :func:`mffnb.unmix`: all of them with a k; with an answer those that it does not hold (known
        endmembers, weights, terms and parts of your own).

    Returns
    -------
    Stability

    Raises
    ------
    TypeError, ValueError
        With what to do, for a setting that cannot be used.

    Examples
    --------
    >>> import mffnb as mf
    >>> cube = mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube
    >>> found = mf.selection.stability(cube, 3, n_init=2, n_bootstrap=9, similarity="kl", random_state=0)
    >>> found.noise, found.deviation.dims
    ('poisson', ('component', 'y', 'x'))
    >>> bool((found.lower <= found.answer.endmembers).all() and (found.answer.endmembers <= found.upper).all())
    True
    """
    _check(n_init, n_bootstrap, level)
    check_names(settings)
    data = read(cube) if isinstance(cube, (str, os.PathLike)) else as_cube(cube)
    seed = drawn_seed(random_state)
    answer = model if isinstance(model, Unmixing) else unmix(data, model, random_state=seed, **settings)
    recipe = Recipe.of(answer, settings)
    noise = noise_of(data, answer, replicas) if n_bootstrap else None
    doubt = "" if noise is None else doubt_about(answer, noise)
    if doubt:
        warn(doubt, NoiseWarning, stacklevel=2)
    sent = cube if isinstance(cube, (str, os.PathLike)) else data
    seeds = [int(one) for one in np.random.SeedSequence(seed).generate_state(n_init + n_bootstrap) >> 1]
    light = without_data(answer)
    tasks = [_Task(recipe, sent, one) for one in seeds[:n_init]]
    tasks += [_Task(recipe, sent, one, light, noise) for one in seeds[n_init:]]
    parts = [Runs(answer), Runs(answer)]
    for number, run in enumerate(_shown(_outcomes(tasks, data, executor), len(tasks), wanted=progress)):
        parts[number >= n_init].add(run)
    restarts, replicated = (part.spread(level) if len(part) else None for part in parts)
    return Stability(
        answer,
        replicated,
        restarts,
        noise.name if noise is not None else "none",
        level,
        None if noise is None else reach_of(data, answer, noise),
        doubt,
        {"n_init": n_init, "n_bootstrap": n_bootstrap, "random_state": seed},
    )


@dataclass(frozen=True, eq=False)
class _Task:
    """One run, with all that another process needs for it."""

    recipe: Recipe
    source: Any
    seed: int
    answer: Unmixing | None = None
    noise: Noise | None = None

    def run(self, data: xr.DataArray | None = None) -> Unmixing:
        """The answer of this run, without its data."""
        cube = self.source if data is None else data
        cube = read(cube) if isinstance(cube, (str, os.PathLike)) else cube
        if self.answer is None or self.noise is None:
            return without_data(self.recipe.follow(cube, self.seed))
        replica = self.noise.draw(cube, self.answer, np.random.default_rng(self.seed))
        return without_data(self.recipe.follow(replica, self.seed, self.answer))


def _run(task: _Task) -> Unmixing:
    return task.run()


def _outcomes(tasks: Sequence[_Task], data: xr.DataArray, executor: Any) -> Iterator[Unmixing]:
    """Answers in the order of their tasks, whoever runs them."""
    if executor is None:
        yield from (task.run(data) for task in tasks)
        return
    futures = [executor.submit(_run, task) for task in tasks]
    try:
        for number, future in enumerate(futures):
            yield future.result()
            futures[number] = None  # its maps are summed up by now
    finally:
        for future in futures:
            if future is not None:
                future.cancel()


def _shown(runs: Iterator[Unmixing], total: int, *, wanted: bool) -> Iterator[Unmixing]:
    if not wanted:
        return runs
    from tqdm.auto import tqdm  # noqa: PLC0415  pulls in ipywidgets in a notebook

    shown: Iterator[Unmixing] = iter(tqdm(runs, total=total, unit="run", desc="stability"))
    return shown


def _check(n_init: int, n_bootstrap: int, level: float) -> None:
    for name, number in (("n_init", n_init), ("n_bootstrap", n_bootstrap)):
        if not (isinstance(number, (int, np.integer)) and number >= 0 and number != 1):
            raise ValueError(f"{name} must be 0, or a whole number >= 2, got {number!r}")
    if n_init + n_bootstrap == 0:
        raise ValueError("nothing to do: ask for restarts, n_init=10 say, or for replicas, n_bootstrap=20 say")
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {level!r}")
    least = int(np.ceil(level / (1 - level) - 1e-9))
    if 0 < n_bootstrap < least:
        raise ValueError(
            f"{n_bootstrap} replicas cannot show a band of {100 * level:g} %: n_bootstrap={least} at least, "
            "or a lower level"
        )
