"""Scan the number of components k (rank selection) with one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from mffnb.keywords import checks_keywords
from mffnb.preprocessing import Step
from mffnb.protocols.similarity import Similarity
from mffnb.protocols.solver import Solver
from mffnb.selection.scan import RankScan
from mffnb.selection.scanning import Scanning, Stage
from mffnb.typing import Seed


@checks_keywords()
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
    executor: Any = None,
    image_weights: Sequence[float] | None = None,
    channels: str = "intersection",
    callback: Callable[[RankScan], object] | None = None,
    progress: bool = False,
) -> RankScan:
    """Scan the number of components k: fit each k from several random starts and compute criteria for choosing k.

    Parameters
    ----------
    cube
        Spectral image, as for :func:`mffnb.unmix`, or a list of images that share their endmembers; results then have
        the stacked pixels of all images. It is not modified.
    ks
        Numbers of components to try.
    n_init
        Random starts for each k. They use at most 4096 pixels, drawn at random (all pixels with ``smoothness``). Their
        agreement is one of the criteria. The best start is then refined on all pixels to the result that is kept, or
        the result for k - 1 plus one component if that has a lower objective.
    similarity, sparsity, smoothness, sum_to_one, weights, mask, preprocess, channel, solver
        As for :func:`mffnb.unmix`. With weights of single entries or missing entries, the criteria ``images`` and
        ``split_half`` are not computed, because they need complete data.
    max_iter, tol
        Stopping criteria of each restart. The result that is kept is refined to ``0.3 * tol`` with at most ``max_iter``
        more iterations.
    random_state
        Seed. The same seed gives the same result with every executor.
    held_out
        Fraction of the entries of at most 1000 pixels that is hidden and predicted; 0 switches this criterion off.
    splits
        Number of split-half pairs whose minimum-volume endmembers are compared; 0 switches this criterion off.
    split_pixels
        Largest number of pixels in a half.
    executor
        Where restarts run: ``concurrent.futures`` executor, ``dask.distributed.Client`` or
        :func:`mffnb.parallel.cluster`; None runs them one after the other.
    image_weights, channels
        For a list of images, as for :func:`mffnb.unmix`: the weight of each image in the fits, and how channels are
        aligned.
    callback
        Called with the scan so far after each k; if it returns True, the scan ends.
    progress
        Show a progress bar.

    Returns
    -------
    RankScan
        Criteria and results; only for the k that are done if the callback or Ctrl-C ended the scan. After Ctrl-C,
        ``interrupted`` is True; before the first k is done, Ctrl-C raises KeyboardInterrupt.

    Raises
    ------
    ValueError
        If a value of k or another parameter is invalid; the message says what to change.

    Examples
    --------
    >>> import mffnb as mf
    >>> sample = mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60))
    >>> scan = scan_rank(sample.cube, range(2, 5), n_init=3, splits=2, random_state=0)
    >>> print(scan.recommend())
    k = 3: 3 images stand above the noise; split halves reproduce 3 endmembers, and no more
    """
    work = Scanning(
        cube, ks, n_init=n_init, similarity=similarity, sparsity=sparsity, smoothness=smoothness, sum_to_one=sum_to_one,
        weights=weights, mask=mask, preprocess=preprocess, channel=channel, solver=solver, max_iter=max_iter, tol=tol,
        random_state=random_state, held_out=held_out, splits=splits, split_pixels=split_pixels, executor=executor,
        image_weights=image_weights, channels=channels,
    )  # fmt: skip
    scan: RankScan | None = None
    with _bar(progress, work) as tick:
        try:
            for stage in work.stages():
                tick(stage)
                if stage.scan is scan or stage.scan is None:
                    continue
                scan = stage.scan
                answer = None if callback is None else callback(scan)
                if isinstance(answer, (bool, np.bool_)) and answer:
                    break
        except KeyboardInterrupt:
            if scan is None:  # no k is complete, so there is nothing to return
                raise
            scan = replace(scan, interrupted=True)
    assert scan is not None  # the scan has at least one k
    return scan


@contextmanager
def _bar(wanted: bool, work: Scanning) -> Iterator[Callable[[Stage], object]]:
    """Yield a function that shows the stages of the scan on a progress bar; without ``wanted`` it shows nothing."""
    if not wanted:
        yield id
        return
    from tqdm.auto import tqdm  # noqa: PLC0415  pulls in ipywidgets in a notebook

    with tqdm(total=len(work.numbers), unit="k", desc="scan_rank") as bar:

        def tick(stage: Stage) -> None:
            bar.set_postfix_str(stage.text, refresh=False)
            bar.update(0 if stage.scan is None else len(stage.scan.ks) - bar.n)

        yield tick
