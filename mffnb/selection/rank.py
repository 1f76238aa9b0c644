"""How many components: the scan as one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

import numpy as np

from mffnb.preprocessing import Step
from mffnb.protocols.misfit import Similarity
from mffnb.protocols.solver import Solver
from mffnb.selection.scan import RankScan
from mffnb.selection.scanning import Scanning, Stage
from mffnb.typing import Seed


def scan_rank(
    cube: Any,
    ks: Iterable[int] = range(2, 9),
    *,
    n_init: int = 10,
    similarity: str | Similarity = "frobenius",
    sparsity: float = 0.0,
    smoothness: float = 0.0,
    sum_to_one: bool = False,
    weights: Any = None,
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
    similarity, sparsity, smoothness, sum_to_one, weights, mask, preprocess, channel, solver
        As for :func:`mffnb.unmix`. Weights of single entries, and missing ones, leave out images and halves, which know
        of no such thing.
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
    work = Scanning(
        cube, ks, n_init=n_init, similarity=similarity, sparsity=sparsity, smoothness=smoothness, sum_to_one=sum_to_one,
        weights=weights, mask=mask, preprocess=preprocess, channel=channel, solver=solver, max_iter=max_iter, tol=tol,
        random_state=random_state, held_out=held_out, splits=splits, split_pixels=split_pixels, executor=executor,
    )  # fmt: skip
    scan: RankScan | None = None
    with _bar(progress, work) as tick:
        for stage in work.stages():
            tick(stage)
            if stage.scan is scan or stage.scan is None:
                continue
            scan = stage.scan
            answer = None if callback is None else callback(scan)
            if isinstance(answer, (bool, np.bool_)) and answer:
                break
    assert scan is not None  # there is at least one k, and it was done
    return scan


@contextmanager
def _bar(wanted: bool, work: Scanning) -> Iterator[Callable[[Stage], object]]:
    """A function that is to be called with each stage."""
    if not wanted:
        yield id
        return
    from tqdm.auto import tqdm  # noqa: PLC0415  pulls in ipywidgets in a notebook

    with tqdm(total=len(work.numbers), unit="k", desc="scan_rank") as bar:

        def tick(stage: Stage) -> None:
            bar.set_postfix_str(stage.text, refresh=False)
            bar.update(0 if stage.scan is None else len(stage.scan.ks) - bar.n)

        yield tick
