"""A scan over a range of k, stage by stage, so that anyone may watch it and leave it."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.as_cube import as_cube
from mffnb.estimators.names import named_similarity
from mffnb.io.read import read
from mffnb.matrices import sparse_if_smaller
from mffnb.matrices.checking import drawn_seed
from mffnb.matrices.weighting import Weighting
from mffnb.preprocessing import Step
from mffnb.problem.degrees_of_freedom import Smoothed
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.misfit import Similarity
from mffnb.protocols.solver import Solver
from mffnb.selection.evidence import RankCriteria, Row
from mffnb.selection.restarts import PixelSubset, Restart, refine_best, run_restarts
from mffnb.selection.scan import RankScan
from mffnb.similarities import KullbackLeibler
from mffnb.typing import Array, Seed
from mffnb.unmixing.image import Prepared, weights_of
from mffnb.unmixing.label import assemble, record
from mffnb.unmixing.result import Unmixing
from mffnb.unmixing.task import Physics

_FINAL = 0.3  # of the tolerance of restarts: the answer that is shown
_RESTART_PIXELS = 4096


@dataclass(frozen=True, eq=False)
class Stage:
    """Where a scan stands.

    Attributes
    ----------
    share
        Of all the work, 0 to 1.
    text
        What is being done.
    scan
        What is known by now; None before the first k is done.
    """

    share: float
    text: str
    scan: RankScan | None = None


@dataclass(frozen=True, eq=False)
class Scanning:
    """A scan that has been asked for, with the keywords of :func:`scan_rank`, and checked; :meth:`stages` does it."""

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
    executor: Executor | None = None

    def __post_init__(self) -> None:
        if not (isinstance(self.n_init, (int, np.integer)) and self.n_init >= 1):
            raise ValueError(f"n_init must be a whole number >= 1, got {self.n_init!r}")
        _ = self.physics, self.numbers  # which refuse what is wrong

    @cached_property
    def data(self) -> xr.DataArray:
        """The labelled image."""
        return read(self.cube) if isinstance(self.cube, (str, os.PathLike)) else as_cube(self.cube)

    @cached_property
    def image(self) -> Prepared:
        """After its preprocessing."""
        image = Prepared.of(self.data, self.channel, self.mask, self.preprocess)
        image.check(named_similarity(self.similarity))
        return image

    @cached_property
    def matrix(self) -> Matrix:
        """X, (pixels, channels)."""
        return sparse_if_smaller(self.image.layout.matrix(self.image.cube))

    @cached_property
    def numbers(self) -> list[int]:
        """All k, rising."""
        numbers, shape = _checked(self.ks), self.matrix.shape
        if numbers[-1] > min(shape):
            raise ValueError(f"k = {numbers[-1]} is more than {shape} pixels and channels can tell apart: lower it")
        return numbers

    @cached_property
    def physics(self) -> Physics:
        """What is asked of an answer."""
        return Physics(self.sparsity, self.smoothness, sum_to_one=self.sum_to_one)

    @cached_property
    def seed(self) -> int:
        """Of everything drawn."""
        return drawn_seed(self.random_state)

    def stages(self) -> Iterator[Stage]:
        """Do it; may be left at any stage."""
        yield Stage(0.0, "a look at the data")
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
            scan = RankScan(
                work.criteria.dataset(rows), dict(results), self._record | results[k].parameters, self._settings
            )
            yield Stage(share, f"k = {k}: done", scan)

    @property
    def _record(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("n_init", "held_out", "splits", "split_pixels")}

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
        return {name: getattr(self, name) for name in names}

    def _labelled(self, best: Restart) -> Unmixing:
        """Components in falling order of their share."""
        model, A, E = best.model, best.abundances, best.endmembers
        order: Array = np.argsort(-A.sum(axis=0) * np.linalg.norm(E, axis=1), kind="stable")
        settings = {"k": len(E)} | self.physics.record() | record(self.image, model, "random", self.n_init, self.seed)
        A, E = A.T[order], E[order]
        return assemble(
            self.data, self.image, A, E, model.outcome_, model.trace_, settings, gain=model.gain_, mapped=model.mapped_
        )


@dataclass(frozen=True, eq=False)
class _Work:
    """What is the same for all k, made ready."""

    settings: dict[str, Any]
    n_init: int
    seed: int
    executor: Executor | None
    whole: PixelSubset
    part: PixelSubset
    criteria: RankCriteria

    @classmethod
    def of(cls, asked: Scanning) -> _Work:
        image, matrix, seed = asked.image, asked.matrix, asked.seed
        weights = weights_of(asked.weights, image.layout)
        similarity = named_similarity(asked.similarity)
        whole = PixelSubset(matrix, weights)
        coupled = asked.smoothness > 0  # neighbours need all of them
        part = whole if coupled else PixelSubset.of(matrix, weights, _RESTART_PIXELS, seed)
        extra = asked.held_out, asked.splits, asked.split_pixels
        weighting = Weighting.of(weights, matrix, similarity)
        counts = isinstance(similarity, KullbackLeibler)
        smoothed = Smoothed(float(asked.smoothness), image.layout.map_shape, asked.sum_to_one, counts)
        criteria = RankCriteria.of(weighting, image, asked.numbers, similarity, extra, seed, smoothed)
        settings = {
            "similarity": asked.similarity,
            "abundance_terms": asked.physics.of_abundances(image),
            "solver": asked.solver,
            "max_iter": asked.max_iter,
            "tol": asked.tol,
        }
        return cls(settings, int(asked.n_init), seed, asked.executor, whole, part, criteria)

    def steps(self, k: int, smaller: Restart | None) -> Generator[str, None, tuple[Restart, Row]]:
        """Say what is about to be done for one k; return the answer that is kept, and its evidence."""
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
