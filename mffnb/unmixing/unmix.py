"""From a spectral image to its endmembers and abundance maps."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.as_cube import as_cube
from mffnb.errors import UnsupportedCombinationError
from mffnb.estimators.factorization import Init, MatrixFactorization
from mffnb.estimators.names import named_similarity
from mffnb.estimators.result_warnings import warn_if_certain, warn_if_poor
from mffnb.geometry import choose_model
from mffnb.io.read import read
from mffnb.matrices import sparse_if_smaller
from mffnb.matrices.checking import drawn_seed
from mffnb.parallel import Cluster, ranks, remote_unmix
from mffnb.parallel.preview_maps import Glimpses
from mffnb.parallel.sources import Source, in_file
from mffnb.preprocessing import Step
from mffnb.protocols.half import Term
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.misfit import Similarity
from mffnb.protocols.solver import Solver
from mffnb.solvers import State
from mffnb.solvers.checkpoint import Checkpoint, Keeper, digest, kept_seed
from mffnb.solvers.progress import Callback, bar, both
from mffnb.typing import Seed
from mffnb.unmixing.auto_volume import check, evidence, find_volume, warn_if_doubtful
from mffnb.unmixing.image import Prepared, Recipe, weights_of
from mffnb.unmixing.label import assemble, matrices, named, record
from mffnb.unmixing.multistart import several, solved
from mffnb.unmixing.result import Unmixing
from mffnb.unmixing.task import Physics

__all__ = ["unmix"]


def unmix(
    cube: Any,
    k: int,
    *,
    similarity: str | Similarity = "frobenius",
    sparsity: float = 0.0,
    smoothness: float = 0.0,
    volume: float | str = 0.0,
    sum_to_one: bool = False,
    gain: bool = False,
    known: Any = None,
    weights: Any = None,
    transform: Any = None,
    mask: Any = None,
    preprocess: Sequence[Step] = (),
    channel: str | Sequence[str] | None = None,
    init: Init | Unmixing = "auto",
    solver: str | Solver = "auto",
    n_init: int = 1,
    max_iter: int = 500,
    tol: float = 1e-4,
    random_state: Seed = None,
    callback: Callable[[State], object] | None = None,
    progress: bool = False,
    abundance_terms: Sequence[Term] = (),
    endmember_terms: Sequence[Term] = (),
    communicator: Any = None,
    cluster: Cluster | None = None,
    checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
    gather: bool = True,
) -> Unmixing:
    r"""Find k endmembers of a spectral image and where each one is.

    .. math:: \min_{A, E \ge 0} \; \tfrac{1}{n} \bigl[ \tfrac12 \lVert s X - A E \rVert_F^2
              + \lambda_1 \lVert A \rVert_1 + \tfrac{\lambda_2}{2} \operatorname{tr}(A^T L A) \bigr]

    with the graph Laplacian L of the pixel grid and the scale s that makes the mean squared norm of a pixel 1, so
    that the weights mean the same for every image. Source: Kannan et al. 2018, Adv. Struct. Chem. Imaging 4:6.

    Parameters
    ----------
    cube
        Spectral image: an ``xarray.DataArray``, a HyperSpy signal, an array whose last axis is the channel, or the
        path of a file that :func:`mffnb.read` can read. It is not modified.
    k
        Number of endmembers.
    similarity
        ``"frobenius"``, ``"kl"`` for counts, ``"itakura-saito"`` for noise in proportion to the signal, ``"huber"``
        where there are outliers, ``"angle"`` for the directions of single spectra, ``"bernoulli"`` for Boolean data, or
        an object of :mod:`mffnb.similarities`.
    sparsity
        lambda_1, few endmembers per pixel; 1e-3 is a sensible start.
    smoothness
        lambda_2, neighbouring pixels alike; 1e-3 is a sensible start.
    volume
        Weight of the volume that the endmembers span; for abundances that sum to one, with or without a gain, which the
        data decide where neither ``sum_to_one`` nor ``gain`` is given. "auto" finds model, start and weight by a rule
        that looks at the data only, see :func:`mffnb.geometry.minimum_volume`; ``result.parameters`` holds its
        evidence, ``result.alternative`` another answer that fits as well, if there is one.
    sum_to_one
        Make the abundances of every pixel fractions that sum to exactly one.
    gain
        Make them sum to one up to a factor for each pixel (illumination, thickness, total ion current), which is
        ``result.gain``.
    known
        Endmembers that are known: an array or DataArray (spectra, channel dimensions) in the units of the cube, NaN in
        channels that are not known. They come first in the result, unchanged (with a gain, scaled to one maximum); the
        others are found beside them.
    weights
        How much pixels, channels or entries count: an array over the pixel dimensions, over the channel dimensions or
        over the whole cube, ``"poisson"`` (each entry in inverse proportion to the means of its pixel and of its
        channel: nearly empty channels become as loud as bright ones, so leave them out with ``mask``), or a list of
        these, which multiply.
    transform
        F in X ~ f(A E): ``"logistic"`` for data between 0 and 1, ``"rounding"`` for whole numbers, or an object of
        :mod:`mffnb.transforms`; ``result.reconstruction()`` applies it.
    mask
        True where data are to be used: an array over the pixel or over the channel dimensions, or a list of both.
        Pixels and channels that hold nothing but NaN are left out as well; what is left out is NaN in the result.
        Other NaN are missing entries: they are fitted around, and predicted by ``result.reconstruction()``.
    preprocess
        Steps of :mod:`mffnb.preprocessing`, applied in this order. The result has the units of the data again.
    channel
        Name(s) of the channel dimension(s); the last one if None.
    init
        ``"auto"``, ``"nndsvd"``, ``"random"``, a start object, a pair of matrices (A, E), or an earlier result to
        go on from.
    solver
        ``"auto"`` (begins each iteration ahead of the last one, so that few are needed: see
        :class:`mffnb.solvers.Extrapolated`), ``"hals"``, ``"newton"``, ``"multiplicative"``, ``"pivoting"`` or a solver
        object.
    n_init
        Number of starts; above 1 they are random, and the one with the lowest objective is kept.
    max_iter, tol
        Most iterations, and the projected gradient (relative change of A E) that ends the run.
    random_state
        Seed; the one used is kept in ``result.parameters``.
    callback
        Called with a :class:`mffnb.solvers.State` after each iteration; returning True ends the run.
    progress
        Show a progress bar.
    abundance_terms, endmember_terms
        Penalties and constraints of your own; see :mod:`mffnb.protocols`.
    communicator
        An mpi4py communicator whose ranks all make this same call, or a :class:`mffnb.parallel.Grid` of them: each
        reads and keeps its own block of the data, and each returns the whole result, equal to the serial one to about
        1e-12. A callback is called on every rank; one that returns True ends the run on all of them.
    cluster
        A running :func:`mffnb.parallel.cluster`; the answer is the same. Engines share out the starts of ``n_init``;
        MPI engines share out the pixels. Pass the path of a file: engines read it themselves, and nothing is sent.
        ``progress`` and ``callback`` work from here. MPI engines show a callback a state a few times a second, with
        abundances as maps (k, rows, columns) averaged over blocks of pixels; other engines show it the state in which a
        start has ended. Ctrl-C keeps what was reached.

    checkpoint
        A folder, or a :class:`mffnb.Checkpoint`, where the run keeps what it needs to go on. The same call made again,
        after a fault or with a larger ``max_iter``, goes on from there, to the same answer to the last bit.

    gather
        With a communicator: whether each rank returns the maps of all pixels. If False it returns those of its own
        rows, ``result.block`` says which, and ``result.save``, called on all ranks, writes them by block.

    Returns
    -------
    Unmixing
        Components in falling order of their share, except where their numbers may mean something: after a given start,
        and with known endmembers or terms of your own.

    Raises
    ------
    TypeError, ValueError
        With what to do, if the data or a parameter cannot be used.

    Examples
    --------
    >>> import mffnb as mf
    >>> sample = mf.datasets.tof_sims_2d(seed=0, shape=(16, 24))
    >>> result = mf.unmix(sample.cube, 4, sparsity=1e-3, smoothness=1e-3, random_state=0)
    >>> float(result.abundances.sum("component").mean().round(6))
    1.0
    """
    arguments = dict(locals())
    given = isinstance(init, (tuple, Unmixing))
    _check_together(volume, given, preprocess, communicator, cluster, checkpoint, gather)
    if cluster is not None and cluster.mpi:
        return remote_unmix.unmix(unmix, arguments)  # type: ignore[no-any-return]
    # A volume for which the data decide the model has to see them here.
    apart = n_init != 1 and not given and (volume == 0 or (volume != "auto" and (sum_to_one or gain)))
    data, there = _opened(cube, cluster if apart else None, communicator)
    image = Prepared.of(data, channel, mask, preprocess, communicator)
    image.check(named_similarity(similarity))
    layout = image.layout
    matrix: Any  # or how engines make it
    matrix = _matrix(cube, image, communicator) if there is None else Recipe(there, channel, mask, preprocess)
    if isinstance(callback, Glimpses):
        callback.place(layout, matrix)
    seed = ranks.agreed(drawn_seed(random_state), communicator)
    callback = ranks.agreeing(callback, communicator)
    if checkpoint is not None and random_state is None:
        seed = kept_seed(Checkpoint.of(checkpoint), seed, communicator)
    asked = Physics(sparsity, smoothness, volume, sum_to_one, gain, known, abundance_terms, endmember_terms)
    if not isinstance(volume, str) and volume > 0 and not (sum_to_one or gain) and communicator is None:
        # A volume needs fractions; whether they need a gain is for the data to say.
        gain = choose_model(matrix, k, seed).gain
        sum_to_one = not gain
        asked = replace(asked, gain=gain, sum_to_one=sum_to_one)
    if volume == "auto":
        check(asked, matrix, similarity, weights)
        return _by_rule(data, image, matrix, k, asked, seed, callback, progress)
    matrix = matrix if there is not None else sparse_if_smaller(matrix)
    model = MatrixFactorization(
        k,
        similarity=similarity,
        abundance_terms=asked.of_abundances(image, communicator),
        endmember_terms=asked.of_endmembers(image),
        weights=weights_of(weights, layout),
        transform=transform,
        init=_own_rows(matrices(init, image) if isinstance(init, Unmixing) else init, matrix),
        solver=solver,
        max_iter=max_iter,
        tol=tol,
        random_state=seed,
    )
    starts = [model] if n_init == 1 or given else several(model, n_init, seed)
    settings = {"k": int(k)} | asked.record() | record(image, model, "given" if given else named(init), n_init, seed)
    keeper = None
    if checkpoint is not None:
        arrays = {"mask": mask, "weights": weights, "known": known, "init": model.init if given else None}
        keeper = _keeper(Checkpoint.of(checkpoint), settings, image, matrix, arrays, communicator)
    fitted, A, kept = solved(starts, matrix, cluster, callback, progress, keeper)
    E, share, used, block = fitted.components_, A.sum(axis=0), np.count_nonzero(A, axis=0), None
    if communicator is not None:
        share, used = matrix.total(share), matrix.total(used)
    if communicator is not None and gather:
        A = ranks.gathered(A, communicator)
        fitted.gain_ = None if fitted.gain_ is None else ranks.gathered(fitted.gain_, communicator)
    elif communicator is not None:
        block = ranks.own_block(layout, communicator)
        data = data.isel({block.dim: slice(block.start, block.stop)})
        image = Prepared(data, layout.section(block.start, block.stop))
    # A start, known endmembers and terms of one's own may speak of components by their number.
    if not given and known is None and not (abundance_terms or endmember_terms):
        order = np.argsort(-share * np.linalg.norm(E, axis=1), kind="stable")
        A, E, used = A[:, order], E[order], used[order]
    warn_if_poor(used, E, fitted.outcome_, stacklevel=3)
    warn_if_certain(A, E, fitted.mapped_, stacklevel=3)
    settings = {"k": int(k), "data": kept, "start": fitted.start_} | settings
    return assemble(
        data, image, A.T, E, fitted.outcome_, fitted.trace_, settings, fitted.gain_, block=block, mapped=fitted.mapped_
    )


def _check_together(
    volume: float | str,
    given: bool,
    preprocess: Sequence[Step],
    communicator: Any,
    cluster: Cluster | None,
    checkpoint: Any,
    gather: bool,
) -> None:
    """Refuse what cannot be asked for at once."""
    if cluster is not None and communicator is not None:
        raise UnsupportedCombinationError("a cluster has a communicator of its own: leave out communicator")
    if checkpoint is not None and (volume == "auto" or (cluster is not None and not cluster.mpi)):
        raise UnsupportedCombinationError(
            "a checkpoint is of one run, in this process or on ranks: leave it out, or give volume a weight and drop "
            "the cluster"
        )
    if preprocess and not gather:
        raise UnsupportedCombinationError(
            "the way back through preprocess needs the maps of all ranks: leave out gather"
        )
    if volume == "auto" and (communicator is not None or given):
        raise UnsupportedCombinationError(
            "volume='auto' finds its own start, in one process: leave out init, communicator and MPI engines, "
            "or give volume a weight"
        )


def _opened(cube: Any, engines: Cluster | None, communicator: Any) -> tuple[xr.DataArray, Source | None]:
    """The cube, and where engines find it by themselves if it is in a file."""
    if engines is not None:
        return in_file(cube, copies=engines.n)
    if not isinstance(cube, (str, os.PathLike)):
        return as_cube(cube), None
    return read(cube, lazy=None if communicator is None else True), None  # no rank needs all of it


def _matrix(cube: Any, image: Prepared, communicator: Any) -> Matrix:
    """X, or what this rank has of it."""
    if communicator is None:
        return image.layout.matrix(image.cube)
    matrix = ranks.shared_matrix(image.layout, image.cube, communicator)
    return ranks.held(matrix) if isinstance(cube, (str, os.PathLike)) else matrix  # a lazy cube stays so


def _by_rule(
    data: xr.DataArray,
    image: Prepared,
    matrix: Matrix,
    k: int,
    asked: Physics,
    seed: int,
    callback: Callback | None,
    progress: bool,
) -> Unmixing:
    """The answer with the volume that the data ask for."""
    with bar(progress, None) as show:
        found, outcome, trace = find_volume(matrix, k, seed, asked, both(show, callback))
    warn_if_doubtful(found, stacklevel=3)
    warn_if_poor(np.count_nonzero(found.abundances, axis=1), found.endmembers, outcome, stacklevel=4)
    settings = {"k": int(k)} | asked.record() | evidence(found)
    settings |= {"preprocess": [] if image.chain is None else image.chain.describe(), "random_state": seed}
    A, E = found.abundances, found.endmembers
    return assemble(data, image, A, E, outcome, trace, settings, found.gain, found.alternative)


def _keeper(
    checkpoint: Checkpoint,
    settings: dict[str, Any],
    image: Prepared,
    matrix: Matrix,
    arrays: dict[str, Any],
    communicator: Any,
) -> Keeper:
    """Keep a run of these settings; how long it is to go on is none of what makes it."""
    about = {name: value for name, value in settings.items() if name not in ("max_iter", "tol")}
    about |= {"pixels": matrix.shape[0], "channels": matrix.shape[1], "type": str(image.cube.dtype)}
    about |= {name: digest(value) for name, value in arrays.items() if value is not None}
    shape = (1, 1) if communicator is None else ranks.sized(communicator, image.layout).shape
    about["ranks"] = " x ".join(map(str, shape or ()))
    return Keeper(checkpoint, about, communicator)


def _own_rows(init: Any, matrix: Matrix) -> Any:
    return (np.asarray(init[0])[matrix.own], init[1]) if isinstance(init, tuple) else init
