"""Assess the uncertainty of a factorization: endmember bands, standard deviations of maps, reproducibility scores."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.as_cube import as_cube, is_several
from mffnb.errors import NoiseWarning, UnsupportedCombinationError, warn
from mffnb.io.read import read
from mffnb.keywords import checks_keywords
from mffnb.matrices.checking import drawn_seed
from mffnb.parallel.executors import executor_of
from mffnb.solvers import Outcome
from mffnb.solvers.interrupts import require_uninterrupted
from mffnb.stability.agreement import Agreement, agreement_of
from mffnb.stability.ambiguity import Reach, reach_of
from mffnb.stability.bias import Bias, bias_of, weaker_fit
from mffnb.stability.efficiency import efficiency_warning
from mffnb.stability.refit import Refit, without_data
from mffnb.stability.replicas import Noise, noise_of
from mffnb.stability.spread import RunSpread, RunStatistics
from mffnb.stability.stability_summary import summary
from mffnb.typing import Seed
from mffnb.unmixing.joint import JointUnmixing
from mffnb.unmixing.result import Unmixing
from mffnb.unmixing.stacked_task import StackedTask
from mffnb.unmixing.task import check_names
from mffnb.unmixing.unmix import unmix


@dataclass(frozen=True, eq=False)
class Stability:
    """Uncertainty of a factorization from bootstrap replicas of the noise and from random restarts.

    Attributes
    ----------
    answer
        The result whose uncertainty is assessed. All components follow its order.
    replicas
        Spread over bootstrap replicas, each fitted with a warm start from the result; None without replicas. Its band
        contains the effect of noise only.
    restarts
        Spread over random starts on the original data; None without restarts.
    noise
        Noise model of the replicas: ``"poisson"`` or ``"residual"``.
    level
        Confidence level of the bands, for example 0.9.
    reach
        Rotational ambiguity of the endmembers; None without replicas.
    doubt
        Warning that the bands may be too narrow, with advice, or what they assume; empty if there is none.
    parameters
        Numbers of runs and the seed.
    interrupted
        Whether Ctrl-C ended the assessment. It then holds the complete runs only, ``doubt`` says how many there are,
        and a spread is None if its runs are too few.
    bias
        Bias of a result that a penalty or a volume selected, which widens the bands; None without one.
    images
        The images of the assessment as one task; None for one image that is not in a list. See :attr:`parts`.
    agreement
        How many restarts reach this solution, fit as well with other spectra, or fit better; None without restarts.

    Examples
    --------
    >>> import mffnb as mf
    >>> cube = mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60)).cube
    >>> found = mf.selection.stability(cube, 2, n_init=2, n_bootstrap=9, random_state=0)
    >>> found.noise, found.level, bool((found.lower <= found.upper).all())
    ('residual', 0.9, True)
    >>> print(found.verdict[:57])
    2 of 2 restarts fit as well within noise, with spectra up
    """

    answer: Unmixing
    replicas: RunSpread | None
    restarts: RunSpread | None
    noise: str
    level: float
    reach: Reach | None = None
    doubt: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    interrupted: bool = False
    bias: Bias | None = None
    images: StackedTask | None = field(default=None, repr=False)
    agreement: Agreement | None = None

    def __repr__(self) -> str:
        """Return a summary of about twelve lines.

        Its columns are the score, the largest angle over restarts, the quantile of the angles over replicas, and half
        of the width of the band relative to the spectrum.
        """
        return summary(self)

    @cached_property
    def parts(self) -> tuple[Stability, ...]:
        """The assessment for each image of a list, in its order: equal bands, and maps of that image.

        Raises
        ------
        ValueError
            If the assessment is of one image.
        """
        images = self.images
        if images is None:
            raise ValueError("the assessment is of one image: read deviation, lower and upper")

        def of_image(spread: RunSpread | None, number: int) -> RunSpread | None:
            return None if spread is None else replace(spread, deviation=images.maps(spread.deviation, number))

        return tuple(
            replace(
                self, answer=answer, replicas=of_image(self.replicas, number), restarts=of_image(self.restarts, number),
                images=None,
            )
            for number, answer in enumerate(images.joint(self.answer))
        )  # fmt: skip

    @property
    def verdict(self) -> str:
        """One sentence on the restarts: whether they reach this solution, or others that fit as well or better."""
        return "there are no restarts to compare" if self.agreement is None else self.agreement.sentence

    @property
    def lower(self) -> xr.DataArray:
        """The lower end of the endmember band (noise, rotational ambiguity, bias), ("component", channel dims)."""
        return self._band[0]

    @property
    def upper(self) -> xr.DataArray:
        """The upper end of the endmember band (noise, rotational ambiguity, bias), ("component", channel dims)."""
        return self._band[1]

    @property
    def deviation(self) -> xr.DataArray:
        """The standard deviation of the abundances over replicas, ("component", pixel dims)."""
        return self._replicas.deviation

    @property
    def score(self) -> xr.DataArray:
        """The reproducibility of each component, 0 to 1: the minimum over restarts and replicas, ("component",)."""
        scores = [part.score for part in (self.restarts, self.replicas) if part is not None]
        return scores[0].copy(data=np.minimum.reduce([one.values for one in scores]))

    def plot(self, **options: Any) -> Any:
        """Draw endmembers with their bands and standard deviation maps; see :func:`mffnb.plots.stability`."""
        from mffnb import plots  # noqa: PLC0415  imports Matplotlib, which only plots need

        return plots.stability(self, **options)

    @property
    def _band(self) -> tuple[xr.DataArray, xr.DataArray]:
        """Return both ends of the endmember band: that of noise, widened by the rotational ambiguity and the bias."""
        ends = self._replicas.lower, self._replicas.upper
        for part in (self.reach, self.bias):
            ends = ends if part is None else part.widen(*ends)
        return ends

    @property
    def _replicas(self) -> RunSpread:
        """Return the spread over the replicas; raise ValueError if there are none."""
        if self.replicas is None:
            if self.interrupted:
                raise ValueError("there are too few bootstrap replicas, Ctrl-C came before: run stability again")
            raise ValueError("there are no bootstrap replicas: set n_bootstrap, for example n_bootstrap=20")
        return self.replicas


@checks_keywords(unmix)
def stability(
    cube: Any,
    model: int | Unmixing | JointUnmixing,
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
    r"""Assess the uncertainty of a factorization by bootstrap replicas of the noise and by random restarts.

    Restarts repeat the fit from random starts. Replicas are simulated data with new noise
    (:func:`mffnb.stability.noise_of` selects the noise model), each fitted with a warm start. Components of every run
    are matched to those of the result (:func:`mffnb.selection.match`) and, unless abundances sum to one, rescaled to
    them.

    The noise band is :math:`\hat e \pm q`, with q the quantile of :math:`|e^* - \hat e|` over replicas: where this
    method would find the endmember in a repeated measurement. The rotational ambiguity
    (:func:`mffnb.stability.reach_of`) is added to it. If a penalty or a volume selected the result, its bias
    (:func:`mffnb.stability.bias_of`) is added instead; where that cannot be estimated, the freedom of the spectra
    replaces the band. Other model errors are not included.

    Parameters
    ----------
    cube
        Spectral image, or a list of images, as for :func:`mffnb.unmix`; not modified. Replicas are created in memory;
        those of a cube of more than 256 MB take a small part of its memory, unless it is preprocessed or has missing
        entries. Worker processes receive the path of a file, or a copy of the data.
    model
        A result of :func:`mffnb.unmix` for this cube, whose settings are reused, or k. For a list of images, its joint
        result; maps of the assessment then have the pixels of all images, and :attr:`Stability.parts` those of each.
    n_init
        Number of restarts, 0 for none.
    n_bootstrap
        Number of replicas, 0 for none; at least level / (1 - level), which is 9 for 90 %.
    level
        Confidence level of the bands, between 0 and 1.
    replicas
        Noise model: ``"auto"`` (Poisson for counts, else residuals with random signs), ``"poisson"`` or ``"residual"``.
    executor
        ``concurrent.futures`` executor, a ``dask.distributed.Client`` or :func:`mffnb.parallel.cluster`; None runs the
        fits one after the other in this thread. The result does not depend on it.
    random_state
        Seed; each run receives a seed derived from it.
    progress
        Show a progress bar.
    settings
        Keywords of :func:`mffnb.unmix`. With k: all settings. With a result: those that it does not store (known
        endmembers, weights, user-defined terms and objects).

    Returns
    -------
    Stability
        Bands, standard deviations and scores. After Ctrl-C, those of the complete runs, with ``interrupted=True``;
        KeyboardInterrupt is raised if the complete runs are too few for any of them.

    Raises
    ------
    TypeError, ValueError
        If a setting is invalid; the message says what to change.

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
    images: StackedTask | None = None
    if is_several(cube):
        check_names(name for name in settings if name not in ("image_weights", "channels"))
        images = _stacked(cube, model, settings)
        cube, settings = images.cube, images.settings
    check_names(settings)
    model = model.shared if isinstance(model, JointUnmixing) else model
    data = read(cube) if isinstance(cube, (str, os.PathLike)) else as_cube(cube)
    seed = drawn_seed(random_state)
    answer = model if isinstance(model, Unmixing) else unmix(data, model, random_state=seed, **settings)
    require_uninterrupted(answer.outcome if answer is not model else Outcome.RUNNING)
    refit = Refit.of(answer, settings)
    noise = noise_of(data, answer, replicas) if n_bootstrap else None
    doubt = "" if noise is None else efficiency_warning(answer, noise)
    if doubt:
        warn(doubt, NoiseWarning)
    sent = cube if isinstance(cube, (str, os.PathLike)) else data
    seeds = [int(one) for one in np.random.SeedSequence(seed).generate_state(n_init + n_bootstrap) >> 1]
    light = without_data(answer)
    tasks = [_RefitRun(refit, sent, one) for one in seeds[:n_init]]
    tasks += [_RefitRun(refit, sent, one, light, noise) for one in seeds[n_init:]]
    parts = [RunStatistics(answer), RunStatistics(answer)]
    reach: Reach | None = None
    bias: Bias | None = None
    interrupted = False
    try:
        for number, run in enumerate(_with_progress(_run_all(tasks, data, executor), len(tasks), wanted=progress)):
            parts[number >= n_init].add(run)
        if noise is not None:
            reach = reach_of(data, answer, noise)
            bias = bias_of(answer, parts[1], weaker_fit(answer, settings, data), data)
    except KeyboardInterrupt:
        interrupted = True
        enough = [len(part) >= fewest for part, fewest in zip(parts, (2, _fewest_replicas(level)), strict=True)]
        if not any(enough):
            raise
        doubt = "; ".join(filter(None, [doubt, _what_is_complete(parts, n_init, n_bootstrap)]))
        parts = [part if usable else RunStatistics(answer) for part, usable in zip(parts, enough, strict=True)]
    if bias is not None:
        doubt = "; ".join(filter(None, [doubt, bias.doubt]))
    restarts, replicated = (part.spread(level) if len(part) else None for part in parts)
    agreement = None if restarts is None else agreement_of(answer, restarts, replicated, level)
    if agreement is not None:
        doubt = "; ".join(filter(None, [agreement.doubt, doubt]))
    return Stability(
        answer,
        replicated,
        restarts,
        noise.name if noise is not None else "none",
        level,
        reach,
        doubt,
        {"n_init": n_init, "n_bootstrap": n_bootstrap, "random_state": seed},
        interrupted,
        bias,
        images,
        agreement,
    )


def _stacked(images: Sequence[Any], model: Any, settings: dict[str, Any]) -> StackedTask:
    """Return images as one task, with channels and steps of the joint result that is assessed.

    Raises
    ------
    UnsupportedCombinationError
        If the model of the result is not that of its repetitions.
    ValueError
        If the result has another number of images, or another setting that its record does not hold is missing.
    """
    if not isinstance(model, JointUnmixing):
        return StackedTask.of(images, settings, model if isinstance(model, Unmixing) else None)
    if len(model) != len(images):
        raise ValueError(
            f"the result has {len(model)} images and the list {len(images)}: pass the images of the result"
        )
    for name in ("tie", "sparse_images"):
        if model.parameters.get(name):
            raise UnsupportedCombinationError(
                f"stability does not repeat {name}: unmix the images without it, and assess that result"
            )
    noted = {name: model.parameters[name] for name in ("channels",) if name in model.parameters}
    return StackedTask.of(images, noted | settings, model.shared)


def _what_is_complete(parts: Sequence[RunStatistics], n_init: int, n_bootstrap: int) -> str:
    """Return a sentence that tells how many runs were complete when Ctrl-C ended the assessment."""
    return (
        f"interrupted after {len(parts[0])} of {n_init} restarts and {len(parts[1])} of {n_bootstrap} replicas: "
        "bands contain noise only, without the rotational ambiguity and the bias; run again for all of them"
    )


@dataclass(frozen=True, eq=False)
class _RefitRun:
    """One bootstrap or restart run with all its inputs, which is sent to a worker process as a whole."""

    refit: Refit
    source: Any
    seed: int
    answer: Unmixing | None = None
    noise: Noise | None = None

    def run(self, data: xr.DataArray | None = None) -> Unmixing:
        """Fit the data of this run and return the result without its cube."""
        cube = self.source if data is None else data
        cube = read(cube) if isinstance(cube, (str, os.PathLike)) else cube
        return without_data(self.refit.solve(cube, self.seed, self.answer, self.noise))


def _run(task: _RefitRun) -> Unmixing:
    """Execute a run; this is a module-level function, so that it can be pickled."""
    return task.run()


def _run_all(tasks: Sequence[_RefitRun], data: xr.DataArray, executor: Any) -> Iterator[Unmixing]:
    """Execute all runs and yield their results in the order of the tasks, from this thread or from an executor."""
    pool = executor_of(executor)
    if pool is None:
        yield from (task.run(data) for task in tasks)
        return
    futures = [pool.submit(_run, task) for task in tasks]
    try:
        for number, future in enumerate(futures):
            yield future.result()
            futures[number] = None  # release the maps of this run, which the statistics already contain
    finally:
        for future in futures:
            if future is not None:
                future.cancel()


def _with_progress(runs: Iterator[Unmixing], total: int, *, wanted: bool) -> Iterator[Unmixing]:
    """Yield the results of the runs, with a progress bar if ``wanted``."""
    if not wanted:
        return runs
    from tqdm.auto import tqdm  # noqa: PLC0415  pulls in ipywidgets in a notebook

    shown: Iterator[Unmixing] = iter(tqdm(runs, total=total, unit="run", desc="stability"))
    return shown


def _fewest_replicas(level: float) -> int:
    """Return the smallest number of replicas whose extremes span a band of this level."""
    return max(2, int(np.ceil(level / (1 - level) - 1e-9)))


def _check(n_init: int, n_bootstrap: int, level: float) -> None:
    """Raise ValueError for invalid numbers of runs or an invalid level."""
    for name, number in (("n_init", n_init), ("n_bootstrap", n_bootstrap)):
        if not (isinstance(number, (int, np.integer)) and number >= 0 and number != 1):
            raise ValueError(f"{name} must be 0 or an integer >= 2, got {number!r}")
    if n_init + n_bootstrap == 0:
        raise ValueError("nothing to do: request restarts (n_init=10) or replicas (n_bootstrap=20)")
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {level!r}")
    least = _fewest_replicas(level)
    if 0 < n_bootstrap < least:
        raise ValueError(
            f"{n_bootstrap} replicas are too few for a band of {100 * level:g} %: use n_bootstrap={least} or more, "
            "or a lower level"
        )
