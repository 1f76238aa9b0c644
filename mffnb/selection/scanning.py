"""Run a rank scan as an iterator of stages, for progress bars and live widgets."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.as_cube import as_cube, is_several
from mffnb.errors import UnsupportedCombinationError
from mffnb.estimators.names import named_similarity
from mffnb.io.read import read
from mffnb.matrices import sparse_if_smaller
from mffnb.matrices.checking import check_size, drawn_seed
from mffnb.matrices.weighting import Weighting
from mffnb.preprocessing import Step
from mffnb.problem.degrees_of_freedom import Smoothed
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.similarity import Similarity
from mffnb.protocols.solver import Solver
from mffnb.selection.evidence import RankCriteria, Row
from mffnb.selection.restarts import PixelSubset, Restart, refine_best, run_restarts
from mffnb.selection.scan import RankScan
from mffnb.similarities import KullbackLeibler
from mffnb.typing import Seed
from mffnb.unmixing.component_order import component_order
from mffnb.unmixing.image import Prepared
from mffnb.unmixing.pictures import warn_if_picture
from mffnb.unmixing.result import Unmixing
from mffnb.unmixing.solution import Solution
from mffnb.unmixing.stacked_task import StackedTask
from mffnb.unmixing.task import Task

_FINAL = 0.3  # tolerance of the result that is kept for each k, relative to that of the restarts
_RESTART_PIXELS = 4096
_OF_A_SCAN = ("n_init", "max_iter", "tol", "held_out", "splits", "split_pixels")
_OF_A_FIT = ("n_components", "weights", "init", "random_state")  # these parameters differ between the fits of one scan


@dataclass(frozen=True, eq=False)
class Stage:
    """Progress of a rank scan.

    Attributes
    ----------
    share
        Completed fraction of the whole scan, 0 to 1.
    text
        Text that names the step that runs now.
    scan
        The scan so far; None before the first k is done.
    """

    share: float
    text: str
    scan: RankScan | None = None


@dataclass(frozen=True, eq=False)
class Scanning:
    """A rank scan with the keywords of :func:`scan_rank`, checked; :meth:`stages` runs it."""

    cube: Any
    ks: Iterable[int] = range(2, 9)
    n_init: int = 10
    similarity: str | Similarity = "frobenius"
    sparsity: float = 0.0
    smoothness: float = 0.0
    sum_to_one: bool = False
    weights: Any = None
    mask: Any = None
    preprocess: Sequence[Step] = ()
    channel: str | Sequence[str] | None = None
    solver: str | Solver = "auto"
    max_iter: int = 100
    tol: float = 1e-3
    random_state: Seed = None
    held_out: float = 0.1
    splits: int = 3
    split_pixels: int = 2000
    executor: Any = None
    image_weights: Sequence[float] | None = None
    channels: str = "intersection"

    def __post_init__(self) -> None:
        several = is_several(self.cube)
        if self.image_weights is not None and not several:
            raise ValueError("image_weights is for a list of images: leave it out, or pass weights")
        if self.channels != "intersection" and not (several and len(self.cube) > 1):
            raise ValueError("channels is for a list of several images: leave it out for one image")
        if not (isinstance(self.n_init, (int, np.integer)) and self.n_init >= 1):
            raise ValueError(f"n_init must be a whole number >= 1, got {self.n_init!r}")
        warn_if_picture(self.data, self.channel, self.preprocess)
        _ = self.task, self.numbers  # compute both now, so that invalid keywords raise an error before the scan starts

    @cached_property
    def data(self) -> xr.DataArray:
        """The spectral image with labelled dimensions; of several images, the stack of their pixels."""
        if is_several(self.cube):
            return self._stacked.cube
        return read(self.cube) if isinstance(self.cube, (str, os.PathLike)) else as_cube(self.cube)

    @cached_property
    def _stacked(self) -> StackedTask:
        """The stack of several images, and the keywords for it."""
        if self.smoothness > 0:
            raise UnsupportedCombinationError("the scan of a list of images has no smoothness: leave it out")
        return StackedTask.of(self.cube, self._settings)

    @cached_property
    def _for_cube(self) -> dict[str, Any]:
        """The keywords of :func:`mffnb.unmix` for :attr:`data`."""
        return self._stacked.settings if is_several(self.cube) else self._settings

    @cached_property
    def image(self) -> Prepared:
        """The spectral image after mask and preprocessing."""
        return self.task.prepare(self.data)

    @cached_property
    def matrix(self) -> Matrix:
        """The data matrix X, (pixels, channels), of the preprocessed image."""
        return sparse_if_smaller(self.image.matrix)

    @cached_property
    def numbers(self) -> list[int]:
        """All numbers of components k of the scan, in ascending order."""
        numbers, shape = _checked(self.ks), self.matrix.shape
        check_size(self.matrix)
        if numbers[-1] > min(shape):
            raise ValueError(f"k = {numbers[-1]} is more than {shape} pixels and channels can tell apart: lower it")
        return numbers

    @cached_property
    def task(self) -> Task:
        """The settings that all fits of the scan have in common; each fit replaces k."""
        return Task.of(
            k=1, init="random", n_init=self.n_init, max_iter=self.max_iter, tol=self.tol, random_state=self.seed,
            **self._for_cube,
        )  # fmt: skip

    @cached_property
    def seed(self) -> int:
        """The seed of all random numbers of the scan."""
        return drawn_seed(self.random_state)

    def stages(self) -> Iterator[Stage]:
        """Run the scan and yield its stages; the caller may abandon the iteration at any stage."""
        yield Stage(0.0, "reading the data")
        work = _Work.of(self)
        rows: list[Row] = []
        results: dict[int, Unmixing] = {}
        scan: RankScan | None = None
        smaller: Restart | None = None
        each = 1 / (len(self.numbers) * (self.n_init + 2 + work.criteria.splits))
        share = 0.0
        for k in self.numbers:
            steps = work.steps(k, smaller)
            while True:
                try:
                    words = next(steps)
                except StopIteration as end:
                    smaller, row = end.value
                    break
                yield Stage(share, f"k = {k}: {words}", scan)
                share += each
            rows.append(row)
            results[k] = self._labelled(smaller)
            record, images = results[k].parameters | self._record, self._stacked if is_several(self.cube) else None
            scan = RankScan(work.criteria.dataset(rows), dict(results), record, self._settings, images=images)
            yield Stage(share, f"k = {k}: done", scan)

    @property
    def _record(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _OF_A_SCAN}

    @property
    def _settings(self) -> dict[str, Any]:
        names = (
            "similarity",
            "sparsity",
            "smoothness",
            "sum_to_one",
            "weights",
            "mask",
            "preprocess",
            "channel",
            "solver",
        )
        given = {name: getattr(self, name) for name in names}
        if is_several(self.cube):
            given |= {"image_weights": self.image_weights, "channels": self.channels}
        return given

    def _labelled(self, best: Restart) -> Unmixing:
        """Label the result for one k with the coordinates of the cube, as :func:`mffnb.unmix` does."""
        model, A, E = best.model, best.abundances, best.endmembers
        solution = Solution.of_model(model, A).reordered(component_order(A.sum(axis=0), E))
        task = replace(self.task, k=len(E), max_iter=model.max_iter, tol=model.tol)
        return task.label(self.data, self.image, solution)


@dataclass(frozen=True, eq=False)
class _Work:
    """Inputs of a scan that are the same for all k: settings of the fits, pixels and criteria."""

    settings: dict[str, Any]
    n_init: int
    seed: int
    executor: Any
    whole: PixelSubset
    part: PixelSubset
    criteria: RankCriteria

    @classmethod
    def of(cls, scanning: Scanning) -> _Work:
        image, matrix, seed = scanning.image, scanning.matrix, scanning.seed
        weights = image.weights
        similarity = named_similarity(scanning.similarity)
        whole = PixelSubset(matrix, weights)
        # smoothness couples neighbouring pixels, so that restarts then need all pixels
        coupled = scanning.smoothness > 0
        part = whole if coupled else PixelSubset.of(matrix, weights, _RESTART_PIXELS, seed)
        extra = scanning.held_out, scanning.splits, scanning.split_pixels
        weighting = Weighting.of(weights, matrix, similarity)
        counts = isinstance(similarity, KullbackLeibler)
        smoothed = Smoothed(float(scanning.smoothness), image.layout.map_shape, scanning.sum_to_one, counts)
        criteria = RankCriteria.of(weighting, image, scanning.numbers, similarity, extra, seed, smoothed)
        parameters = scanning.task.model(image).get_params(deep=False)
        settings = {name: value for name, value in parameters.items() if name not in _OF_A_FIT}
        return cls(settings, int(scanning.n_init), seed, scanning.executor, whole, part, criteria)

    def steps(self, k: int, smaller: Restart | None) -> Generator[str, None, tuple[Restart, Row]]:
        """Yield the name of each step for one k before it runs; return the result that is kept, and its criteria."""
        settings = {**self.settings, "n_components": k}
        seeds = [
            int(s % 2**31) for s in np.random.SeedSequence(self.seed, spawn_key=(36, k)).generate_state(self.n_init)
        ]
        restarts: list[Restart] = []
        running = run_restarts(settings, self.part, seeds, self.executor)
        for number in range(self.n_init):
            yield f"restart {number + 1} of {self.n_init}"
            restarts.append(next(running))
        yield "all pixels"
        best = min(restarts, key=lambda one: one.model.objective_)
        before = smaller if smaller is not None and smaller.abundances.shape[1] == k - 1 else None
        best = refine_best(settings, self.part, self.whole, best, before, _FINAL * self.settings["tol"])
        row = yield from self.criteria.row(k, best, restarts, settings | {"random_state": seeds[0]})
        return best, row


def _checked(ks: Iterable[int]) -> list[int]:
    given = list(ks)
    if not given:
        raise ValueError("ks is empty: give the numbers of components to try, range(2, 9) say")
    if not all(isinstance(k, (int, np.integer)) and not isinstance(k, bool) and k >= 1 for k in given):
        raise ValueError(f"ks must be whole numbers >= 1, got {given!r}: range(2, 9) say")
    return sorted({int(k) for k in given})
