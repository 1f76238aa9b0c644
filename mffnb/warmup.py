"""Compile all kernels by small runs, so that later runs do not wait for the compiler."""

from __future__ import annotations

import gc
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from scipy import sparse

from mffnb import presets
from mffnb.constraints import Bounds, Simplex
from mffnb.datasets import tof_sims_2d
from mffnb.estimators.factorization import MatrixFactorization
from mffnb.graphs import grid
from mffnb.kernels.cache import FAILED_STORES
from mffnb.kernels.tiers.compilation import alone_in_cache, lower_priority
from mffnb.kernels.tiers.readiness import EVERYTHING, Group, is_ready, mark_ready
from mffnb.kernels.uncoupled_sweeps import MAX_REGISTER_COMPONENTS, register_sweeps, sweep_in_blocks
from mffnb.penalties import Smoothness, Sparsity
from mffnb.preprocessing import AsymmetricBaseline
from mffnb.solvers.subsampled_start import SubsampledStart
from mffnb.unmixing.unmix import unmix

_ONCE: dict[str, Any] = {"max_iter": 1, "random_state": 0}
# Two iterations at least: from the second one on, another kernel computes both products in one pass over the data.
_TWICE: dict[str, Any] = _ONCE | {"max_iter": 2}
# Numbers of channels of tiny images with short and with long rows, and the share of nonzeros in sparse ones.
_SHORT, _LONG, _FILLED = 100, 2100, 0.01


def compile_kernels() -> None:
    """Compile every kernel for the array types that unmixing uses, and keep the results in the cache."""
    with _few_collections(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings about the results are irrelevant, because the results are not used
        for k in range(1, MAX_REGISTER_COMPONENTS + 1):
            _ = register_sweeps(k).address
        _ = sweep_in_blocks.address
        for run in _runs():
            run()
    if not FAILED_STORES:
        mark_ready(EVERYTHING)


def compile_for(text: str) -> None:
    """Compile the kernels that one run needs, at the lowest priority, and mark them as ready in the cache.

    Parameters
    ----------
    text
        The settings of the run, as in :class:`mffnb.kernels.tiers.readiness.Group`.

    Raises
    ------
    OSError
        If a kernel cannot be stored.
    """
    group = Group(text)
    lower_priority()
    with alone_in_cache():
        if is_ready(group):  # another process has compiled it meanwhile
            return
        with _few_collections(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _run_for(group.settings)
        _mark(group)


@contextmanager
def _few_collections() -> Iterator[None]:
    """Let Python's garbage collector search new objects only: it takes long for the many that numba keeps."""
    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*thresholds[:2], 1000)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


def _mark(group: Group) -> None:
    """Mark kernels as ready, if all of them could be stored."""
    if FAILED_STORES:
        raise OSError(f"compiled kernels cannot be stored: {FAILED_STORES[0]}")
    mark_ready(group)


def _run_for(settings: dict[str, Any]) -> None:
    """Unmix a tiny image that needs the kernels of these settings."""
    k = settings["k"]
    side = max(8, math.isqrt(k) + 1)
    shape = side, side, _LONG if settings["long"] else max(_SHORT, k)
    kind, storage = np.dtype(settings["dtype"]), settings["storage"]
    random = np.random.default_rng(0)
    if storage.startswith("compressed"):
        image = (random.random(shape) < _FILLED).astype(kind)
        # The type of the stored numbers is chosen by the largest count, and by whether the numbers are whole.
        image[0, 0, :2] = {"uint8": 1, "uint16": 300}.get(storage.split()[-1], 0.5)
    else:
        image = (1 + random.integers(0, 20, shape)).astype(kind)
    if storage == "missing entries":
        image[random.random(shape) < _FILLED] = np.nan
    weights: Any = {"entries": np.ones(shape), "axes": np.ones(shape[-1])}.get(settings["weights"], settings["weights"])
    volume = settings["volume"] if isinstance(settings["volume"], str) else 1e-3 * settings["volume"]
    unmix(
        image, k, similarity=settings["similarity"], transform=settings["transform"], solver=settings["solver"],
        sparsity=1e-3 * settings["sparsity"], smoothness=1e-3 * settings["smoothness"], volume=volume,
        sum_to_one=settings["sum_to_one"], gain=settings["gain"], weights=weights,
        init=SubsampledStart(pixels=side**2 // 2) if settings["many"] else "auto", **_TWICE,
    )  # fmt: skip


def _runs() -> Iterator[Any]:
    counts = tof_sims_2d(seed=0, shape=(8, 8)).cube[..., :40]
    image, X = counts.astype(np.float64), counts.values.reshape(64, 40)
    holes = image.where(np.random.default_rng(0).random(image.shape) > 0.1)
    for smoothness in (0.0, 1e-3):
        yield lambda s=smoothness: unmix(image, 2, smoothness=s, **_ONCE)
        yield lambda s=smoothness: unmix(image, 2, smoothness=s, sum_to_one=True, **_ONCE)
        yield lambda s=smoothness: unmix(image, 2, smoothness=s, gain=True, volume=1e-3, **_ONCE)
    for data in (holes, holes.astype(np.float32)):
        yield lambda d=data: unmix(d, 2, **_ONCE)
    few = (counts, counts.astype(np.int64), counts.astype(np.float32), image, holes)
    for data in (*few, *(one + 1 for one in few)):  # those with many zeros are stored as sparse
        yield lambda d=data: unmix(d, 2, similarity="kl", **_ONCE)
    for terms in ((Sparsity(1e-3),), (Smoothness(1e-3, grid((8, 8))),), (Simplex(),), (Simplex(gain=True),)):
        for matrix in (X.astype(np.float64), sparse.csr_array(X.astype(np.float64))):
            yield lambda t=terms, d=matrix: MatrixFactorization(2, similarity="kl", abundance_terms=t, **_ONCE).fit(d)
    for kind in (np.float64, np.float32, np.uint8, np.uint16):  # types that matrix products read without conversion
        thin = X.astype(kind)  # stored as a sparse matrix, because most entries are zero
        for matrix in (thin, thin + np.ones(1, kind), sparse.csr_array(thin)):
            for k in (3, 5):  # sparse products process four or eight components at once, by different kernels
                yield lambda d=matrix, k=k: MatrixFactorization(k, **_TWICE).fit(d)
        long = np.tile(thin + np.ones(1, kind), (1, 60))  # spectra with many channels use separate kernels
        yield lambda d=long: MatrixFactorization(2, **_TWICE).fit(d)
    yield lambda: unmix(counts, 2, similarity="kl", solver="multiplicative", **_ONCE)
    yield lambda: unmix(image, 2, solver="pivoting", **_ONCE).freedom
    yield lambda: unmix(image, 2, abundance_terms=[Bounds(0.0, 1.0)], **_ONCE)
    yield lambda: unmix(image, 2, volume="auto", random_state=0)
    yield lambda: unmix(image, 2, volume="auto", gain=True, random_state=0)
    yield lambda: unmix(image, 2, preprocess=[AsymmetricBaseline()], **_ONCE)
    for sum_to_one in (False, True):
        yield lambda one=sum_to_one: presets.known_endmembers(1.0 + np.eye(2, 40), sum_to_one=one).fit_transform(X)
