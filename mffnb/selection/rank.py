"""How many components: every criterion there is, for each k of a range."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from mffnb.cube import as_cube
from mffnb.io import read
from mffnb.keywords import Physics, Prepared
from mffnb.labelling import assemble, record
from mffnb.matrices import Scaled, lean
from mffnb.model import MatrixFactorization, named_similarity
from mffnb.preprocessing import Step
from mffnb.protocols import Matrix, Similarity, Solver
from mffnb.result import Unmixing
from mffnb.selection.coherence import independent_images, levelled
from mffnb.selection.consensus import cophenetic_correlation, dispersion
from mffnb.selection.criteria import (
    elbow,
    explained_variance,
    information,
    largest_similarity,
    relative_error,
    silhouette,
)
from mffnb.selection.held_out import HeldOut
from mffnb.selection.lineage import Lineage
from mffnb.selection.recommendation import Recommendation, neighbours_alike, recommend
from mffnb.selection.restarts import Part, Restart, go_on, run_restarts
from mffnb.selection.split_half import Halves
from mffnb.typing import Array, Float64Array, Seed
from mffnb.validation import drawn_seed

CRITERIA = {
    "relative_error": "relative error |X - A E| / |X|",
    "explained_variance": "explained variance",
    "aic": "AIC",
    "bic": "BIC",
    "dispersion": "dispersion of the consensus",
    "cophenetic": "cophenetic correlation",
    "silhouette": "smallest silhouette of components over restarts",
    "similarity": "largest cosine of two components",
    "held_out": "error of held-out entries",
    "split_half": "largest angle between split halves (rad)",
}
"""Variables of :attr:`RankScan.evidence` and what they are."""

_SPARE_IMAGES = 4
_FINAL = 0.3  # of the tolerance of restarts: the answer that is shown
_HELD_PIXELS = 1000
_RESTART_PIXELS = 4096


@dataclass(frozen=True, eq=False)
class RankScan:
    """Evidence for the number of components.

    Attributes
    ----------
    evidence
        One variable for each criterion of :data:`CRITERIA` over ``k``; NaN where it was not wanted or means nothing.
        ``angles`` and ``within`` ("k", "split"): the largest angle between partners of two halves, and the smallest
        between two endmembers of one half. ``images`` ("image"): how far eigenvalues of the covariance of neighbours
        are above noise, see :func:`mffnb.selection.independent_images`. ``shared`` ("direction"): cosine of the
        largest angle between the spaces of so many leading singular vectors of two halves.
    results
        The best answer for each k.
    parameters
        Everything needed to run it again.
    elbow
        Where the relative error bends most; None where it does not, or where there are fewer than three k.

    Examples
    --------
    >>> import mffnb as mf
    >>> sample = mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60))
    >>> scan = mf.selection.scan_rank(sample.cube, range(2, 5), n_init=2, splits=0, random_state=0)
    >>> scan.recommend().k
    3
    >>> scan.results[3].abundances.dims
    ('component', 'y', 'x')
    """

    evidence: xr.Dataset
    results: dict[int, Unmixing]
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def ks(self) -> list[int]:
        """The numbers of components that were tried."""
        return [int(k) for k in self.evidence.k.values]

    @property
    def elbow(self) -> int | None:
        """See above."""
        return elbow(self.evidence.k.values, self.evidence.relative_error.values)

    @property
    def table(self) -> pd.DataFrame:
        """The criteria, a row for each k."""
        return self.evidence[list(CRITERIA)].to_dataframe()

    def recommend(self) -> Recommendation:
        """Choose k, with reasons, or say that the data do not tell and between which values."""
        return recommend(self.evidence)

    def lineage(self) -> Lineage:
        """Find which component splits into which as k grows."""
        return Lineage.of(self.results)

    def plot(self, **options: Any) -> Any:
        """Draw the criteria against k; see :func:`mffnb.plots.rank_scan`."""
        from mffnb import plots  # noqa: PLC0415  the floor above; matplotlib only when asked for

        return plots.rank_scan(self, **options)


def scan_rank(
    cube: Any,
    ks: Iterable[int] = range(2, 9),
    *,
    n_init: int = 10,
    similarity: str | Similarity = "frobenius",
    sparsity: float = 0.0,
    smoothness: float = 0.0,
    sum_to_one: bool = False,
    mask: Any = None,
    preprocess: Sequence[Step] = (),
    channel: str | Sequence[str] | None = None,
    solver: str | Solver = "auto",
    max_iter: int = 100,
    tol: float = 1e-3,
    random_state: Seed = None,
    held_out: float = 0.1,
    splits: int = 3,
    split_pixels: int = 2000,
    executor: Executor | None = None,
    callback: Callable[[RankScan], object] | None = None,
    progress: bool = False,
) -> RankScan:
    """Collect evidence for the number of components k.

    Parameters
    ----------
    cube
        Spectral image, as for :func:`mffnb.unmix`. It is not modified.
    ks
        Numbers of components to try.
    n_init
        Random starts for each k, on 4096 pixels drawn at random where there are more (on all with ``smoothness``):
        their agreement is evidence. The best of them, or the best for k - 1 with one
        component more where that is better, goes on to the answer that is kept.
    similarity, sparsity, smoothness, sum_to_one, mask, preprocess, channel, solver
        As for :func:`mffnb.unmix`.
    max_iter, tol
        End of each restart; the answer that is kept goes on to a third of ``tol``, in as many iterations again.
    random_state
        Seed: same seed, same answer, whatever the executor.
    held_out
        Share of entries, of 1000 pixels at most, that is hidden and foretold; 0 leaves that out.
    splits
        Pairs of halves of the pixels, whose endmembers of least volume are compared; 0 leaves that out.
    split_pixels
        Most pixels in a half.
    executor
        Of ``concurrent.futures``, threads say, which runs the restarts; one after the other if None.
    callback
        Called with the scan so far after each k; returning True ends it.
    progress
        Show a progress bar.

    Returns
    -------
    RankScan
        Where ended early, of the k so far.

    Raises
    ------
    ValueError
        If a k is not possible, with what to do.

    Examples
    --------
    >>> import mffnb as mf
    >>> sample = mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60))
    >>> scan = scan_rank(sample.cube, range(2, 5), n_init=3, splits=2, random_state=0)
    >>> print(scan.recommend())
    k = 3: 3 images stand above the noise; halves find the same 3 endmembers, and no more
    """
    steps = _steps(
        read(cube) if isinstance(cube, (str, os.PathLike)) else as_cube(cube),
        _checked(ks),
        int(n_init),
        similarity,
        Physics(sparsity, smoothness, sum_to_one=sum_to_one),
        (mask, preprocess, channel),
        {"solver": solver, "max_iter": max_iter, "tol": tol},
        drawn_seed(random_state),
        (held_out, splits, split_pixels),
        executor,
    )
    scan: RankScan | None = None
    with _bar(progress) as tick:
        for scan in steps:
            tick(scan)
            answer = None if callback is None else callback(scan)
            if isinstance(answer, (bool, np.bool_)) and answer:
                break
    if scan is None:
        raise ValueError("ks is empty: give the numbers of components to try, range(2, 9) say")
    return scan


def _checked(ks: Iterable[int]) -> list[int]:
    given = list(ks)
    if not all(isinstance(k, (int, np.integer)) and not isinstance(k, bool) and k >= 1 for k in given):
        raise ValueError(f"ks must be whole numbers >= 1, got {given!r}: range(2, 9) say")
    return sorted({int(k) for k in given})


def _steps(
    data: xr.DataArray,
    ks: list[int],
    n_init: int,
    similarity: str | Similarity,
    asked: Physics,
    look: tuple[Any, Sequence[Step], Any],
    ends: dict[str, Any],
    seed: int,
    extra: tuple[float, int, int],
    executor: Executor | None,
) -> Iterator[RankScan]:
    """The scan so far, after each k."""
    if n_init < 1:
        raise ValueError(f"n_init must be a whole number >= 1, got {n_init!r}")
    mask, preprocess, channel = look
    image = Prepared.of(data, channel, mask, preprocess)
    measure = named_similarity(similarity)
    image.check(measure)
    matrix = lean(image.layout.matrix(image.cube))
    if ks and ks[-1] > min(matrix.shape):
        raise ValueError(f"k = {ks[-1]} is more than {matrix.shape} pixels and channels can tell apart: lower it")
    terms: dict[str, Any] = {"similarity": similarity, "abundance_terms": asked.of_abundances(image)}
    # What couples neighbours needs all of them.
    part = Part(matrix) if asked.smoothness > 0 else Part.of(matrix, _RESTART_PIXELS, seed)
    looks = _Looks.of(matrix, image, ks, measure, extra, seed)
    parameters = {"n_init": n_init, "held_out": extra[0], "splits": extra[1], "split_pixels": extra[2]}
    rows: list[dict[str, Any]] = []
    results: dict[int, Unmixing] = {}
    smaller: Restart | None = None
    for k in ks:
        settings = {"n_components": k, **terms, **ends}
        seeds = [int(s % 2**31) for s in np.random.SeedSequence(seed, spawn_key=(36, k)).generate_state(n_init)]
        restarts = run_restarts(settings, part.matrix, seeds, executor)
        best = min(restarts, key=lambda one: one.model.objective_)
        smaller = smaller if smaller is not None and smaller.abundances.shape[1] == k - 1 else None
        best = smaller = go_on(settings, part, matrix, best, smaller, _FINAL * ends["tol"])
        rows.append(looks.row(k, best, restarts, MatrixFactorization(**{**settings, "random_state": seeds[0]})))
        results[k] = _labelled(data, image, best, asked, n_init, seed)
        yield RankScan(_dataset(rows, looks), dict(results), parameters | results[k].parameters)


@dataclass(frozen=True, eq=False)
class _Looks:
    """Everything that is looked at for each k, made ready."""

    matrix: Matrix
    similarity: Similarity
    seed: int
    images: Float64Array
    shared: Float64Array
    hidden: HeldOut | None
    halves: Halves | None

    @classmethod
    def of(
        cls,
        matrix: Matrix,
        image: Prepared,
        ks: Sequence[int],
        similarity: Similarity,
        extra: tuple[float, int, int],
        seed: int,
    ) -> _Looks:
        share, splits, pixels = extra
        whole = matrix.complete and len(ks) > 0
        most = ks[-1] + _SPARE_IMAGES if ks else 0
        images = independent_images(matrix, image.layout.graph, most, seed) if whole else np.empty(0)
        halves = Halves.of(matrix, ks, splits, pixels, seed) if whole and splits > 0 else None
        hidden = HeldOut.of(matrix, share, _HELD_PIXELS, seed) if whole and share > 0 else None
        shared = np.empty(0)
        if halves is not None:
            # Differences between neighbours that are not alike say nothing of the noise.
            alike = neighbours_alike(images)
            level = levelled(matrix, image.layout.graph, seed) if alike else Scaled(matrix, columns=halves.columns)
            shared = halves.shared_directions(level, most)
        return cls(matrix, similarity, seed, images, shared, hidden, halves)

    def row(self, k: int, best: Restart, restarts: Sequence[Restart], unfitted: MatrixFactorization) -> dict[str, Any]:
        """Every criterion for one k."""
        A = np.ascontiguousarray(best.abundances.T)
        E = best.endmembers
        groups = np.stack([one.labels for one in restarts])
        aic, bic = information(self.matrix, self.similarity, A, E)
        complete = self.matrix.complete
        nothing = np.full((0 if self.halves is None else self.halves.splits, 2), np.nan)
        apart = nothing if self.halves is None else np.array([self.halves.angles(k, s) for s in range(len(nothing))])
        return {
            "k": k,
            "relative_error": relative_error(self.matrix, A, E) if complete else best.model.relative_error_,
            "explained_variance": explained_variance(self.matrix, A, E) if complete else np.nan,
            "aic": aic,
            "bic": bic,
            "dispersion": dispersion(groups) if len(groups) > 1 else np.nan,
            "cophenetic": cophenetic_correlation(groups, self.seed) if len(groups) > 1 else np.nan,
            "silhouette": silhouette([one.endmembers for one in restarts], E),
            "similarity": largest_similarity(E),
            "held_out": np.nan if self.hidden is None else self.hidden.error(unfitted),
            "split_half": float(np.median(apart[:, 0])) if len(apart) else np.nan,
            "angles": apart[:, 0],
            "within": apart[:, 1],
        }


def _dataset(rows: Sequence[dict[str, Any]], looks: _Looks) -> xr.Dataset:
    variables: dict[str, Any] = {
        name: ("k", np.array([row[name] for row in rows], dtype=np.float64), {"long_name": text})
        for name, text in CRITERIA.items()
    }
    for name in ("angles", "within"):
        variables[name] = (("k", "split"), np.stack([row[name] for row in rows]), {"units": "rad"})
    variables["images"], variables["shared"] = ("image", looks.images), ("direction", looks.shared)
    numbers = {"k": [row["k"] for row in rows]}
    numbers |= {"image": list(range(1, len(looks.images) + 1)), "direction": list(range(1, len(looks.shared) + 1))}
    return xr.Dataset(variables, coords=numbers)


def _labelled(data: xr.DataArray, image: Prepared, best: Restart, asked: Physics, n_init: int, seed: int) -> Unmixing:
    """Components in falling order of their share."""
    model, A, E = best.model, best.abundances, best.endmembers
    order: Array = np.argsort(-A.sum(axis=0) * np.linalg.norm(E, axis=1), kind="stable")
    settings = {"k": len(E)} | asked.record() | record(image, model, "random", n_init, seed)
    return assemble(data, image, A.T[order], E[order], model.outcome_, model.trace_, settings, gain=model.gain_)


@contextmanager
def _bar(wanted: bool) -> Iterator[Callable[[RankScan], object]]:
    """A function that is to be called with each scan."""
    if not wanted:
        yield id
        return
    from tqdm.auto import tqdm  # noqa: PLC0415  pulls in ipywidgets in a notebook

    with tqdm(unit="k", desc="scan_rank") as bar:
        yield lambda scan: (bar.update(), bar.set_postfix(k=scan.ks[-1]))
