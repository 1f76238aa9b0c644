"""Unmix a spectral image into its endmembers and abundance maps, in one call."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, Concatenate, ParamSpec, Protocol, cast, overload

from xarray import DataArray

from mffnb.cubes.as_cube import is_several
from mffnb.errors import UnsupportedCombinationError
from mffnb.estimators.start_values import Init
from mffnb.keywords import checks_keywords
from mffnb.preprocessing import Step
from mffnb.protocols.similarity import Similarity
from mffnb.protocols.solver import Solver
from mffnb.protocols.terms import Term
from mffnb.solvers import State
from mffnb.solvers.checkpoint import Checkpoint
from mffnb.typing import Array, Seed
from mffnb.unmixing.defaults_from_data import fill_in, with_suggestion
from mffnb.unmixing.execution import Execution
from mffnb.unmixing.joint import JointUnmixing
from mffnb.unmixing.joint_input import JointInput, for_one_image
from mffnb.unmixing.joint_unmix import joint_of_one, shared_start, unmix_jointly
from mffnb.unmixing.pipeline import run
from mffnb.unmixing.remote_unmix import run_on_engines
from mffnb.unmixing.result import Unmixing
from mffnb.unmixing.sparse_images import check_sparse_images
from mffnb.unmixing.task import Task
from mffnb.unmixing.tied_endmembers import check_tie

__all__ = ["unmix"]


Images = Sequence[DataArray | Array | str | os.PathLike[str]]
P = ParamSpec("P")


class _Unmix(Protocol[P]):
    """Signature of :func:`unmix`: the type of the result depends on whether there are several images."""

    @overload
    def __call__(self, cube: Images, /, *args: P.args, **keywords: P.kwargs) -> JointUnmixing: ...
    @overload
    def __call__(self, cube: Any, /, *args: P.args, **keywords: P.kwargs) -> Unmixing: ...


def _overloaded(function: Callable[Concatenate[Any, P], Unmixing | JointUnmixing]) -> _Unmix[P]:
    """Return the function unchanged, with the type of its result for type checkers."""
    return cast("_Unmix[P]", function)


@_overloaded
@checks_keywords()
def unmix(
    cube: Any,
    k: int | None = None,
    *,
    similarity: str | Similarity = "frobenius",
    sparsity: float = 0.0,
    smoothness: float = 0.0,
    volume: float | str = 0.0,
    sum_to_one: bool = False,
    gain: bool = False,
    known: Any = None,
    weights: Any = None,
    image_weights: Sequence[float] | None = None,
    tie: float | None = None,
    sparse_images: float = 0.0,
    transform: Any = None,
    mask: Any = None,
    preprocess: Sequence[Step] = (),
    channel: str | Sequence[str] | None = None,
    channels: str = "intersection",
    init: Init | Unmixing | JointUnmixing = "auto",
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
    cluster: Any = None,
    checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
    gather: bool = True,
) -> Unmixing | JointUnmixing:
    r"""Unmix a spectral image: find k endmembers (pure spectra) and their abundance maps.

    .. math:: \min_{A, E \ge 0} \; \tfrac{1}{n} \bigl[ \tfrac12 \lVert s X - A E \rVert_F^2
              + \lambda_1 \lVert A \rVert_1 + \tfrac{\lambda_2}{2} \operatorname{tr}(A^T L A) \bigr]

    with the graph Laplacian L of the pixel grid and the scale s that makes the mean squared norm of a pixel 1, so
    that a weight has the same meaning for every image. Source: Kannan et al. 2018, Adv. Struct. Chem. Imaging 4:6.

    Parameters
    ----------
    cube
        Spectral image: an ``xarray.DataArray``, a HyperSpy signal, an array whose last axis is the channel, or the
        path of a file that :func:`mffnb.read` can read. It is not modified. A list of these is unmixed jointly: one
        set of endmembers, a map for each image, see *Several images* below.
    k
        Number of endmembers. If it is left out, k and all settings that are left at their defaults are those of
        :func:`mffnb.suggest`; ``result.parameters["suggested"]`` says which and why.
    similarity
        A name of ``mffnb.similarities.NAMED``, such as ``"frobenius"``, ``"kl"`` for counts, ``"itakura-saito"`` for
        noise in proportion to the signal, ``"huber"`` where there are outliers, ``"angle"`` for the directions of
        single spectra, ``"bernoulli"`` for Boolean data; or an object of :mod:`mffnb.similarities`.
    sparsity
        lambda_1, weight of the penalty for few endmembers per pixel; 1e-3 is a sensible start.
    smoothness
        lambda_2, weight of the penalty for similar neighbouring pixels; 1e-3 is a sensible start. For neighbours along
        some dimensions only, such as the time of a movie: ``abundance_terms=[mf.Smoothness(1e-3, along="time")]``.
    volume
        Weight of the volume that the endmembers span. It needs abundances that sum to one, with or without a gain; if
        neither ``sum_to_one`` nor ``gain`` is given, the data decide. "auto" determines model, start and weight from
        the data alone, see :func:`mffnb.geometry.minimum_volume`; ``result.parameters`` holds its evidence,
        ``result.alternative`` another solution that fits as well, if there is one. Counts are fitted with Poisson
        weights, and with no volume where spectra are unique without one, see :mod:`mffnb.unmixing.auto_counts`;
        ``result.parameters["weighting"]`` says why. ``weights="equal"`` or ``"poisson"`` overrides it.
    sum_to_one
        Make the abundances of every pixel fractions that sum to exactly one.
    gain
        Make them sum to one up to a factor for each pixel (illumination, thickness, total ion current), which is
        ``result.gain``.
    known
        Known endmembers: an array or DataArray (spectra, channel dimensions), or ``{"name": spectrum, ...}``, in the
        units of the cube, NaN in channels that are not known. They come first in the result, unchanged (with a gain,
        scaled to one maximum), with their names in the coordinate ``label``; the others are estimated.
    weights
        Weights of pixels, channels or entries in the misfit: an array over the pixel dimensions, over the channel
        dimensions or over the whole cube; ``"poisson"`` (each entry in inverse proportion to the means of its pixel and
        of its channel: nearly empty channels then count as much as bright ones, so leave them out with ``mask``);
        ``"equal"``, as None, but also with ``volume="auto"``; or a list of these, which are multiplied.
    image_weights
        For a list of images: one number > 0 for each, by which the misfit of its pixels is multiplied; 1 if None.
    tie
        For a list of images: let endmembers differ between images, as when a band shifts. ``joint[i].endmembers`` are
        then tied to the shared ones by this strength, see :func:`mffnb.unmixing.tied_endmembers.tied`; 0.01 to 0.1 is
        sensible, None keeps them equal. For non-negative least squares without penalties and weights.
    sparse_images
        For a list of images: weight of a penalty by which components that an image hardly contains are absent from it:
        their maps in this image are exactly zero. 1e-2 is sensible. The penalty decides what is absent; the abundances
        of the other components are not reduced.
    transform
        The transformation f in X ~ f(A E): ``"logistic"`` for data between 0 and 1, ``"rounding"`` for whole numbers,
        or an object of :mod:`mffnb.transforms`; ``result.reconstruction()`` applies it.
    mask
        True where data are to be used: an array over the pixel or over the channel dimensions, or a list of both.
        Pixels and channels that hold only NaN are left out as well. Masked pixels and channels are NaN in the result.
        Other NaN are missing entries: the fit ignores them, and ``result.reconstruction()`` predicts them.
    preprocess
        Steps of :mod:`mffnb.preprocessing`, applied in this order. The result has the units of the data again.
    channel
        Name(s) of the channel dimension(s); the last one if None.
    channels
        For a list of images whose channels differ: ``"intersection"`` keeps the channels that all have;
        ``"interpolate"`` interpolates each image linearly to the channels of the first, which changes its noise.
    init
        ``"auto"`` (the best of short runs from pure pixels, pure channels and NNDSVD; ``result.parameters["start"]``
        names it), ``"nndsvd"``, ``"random"``, a start object, an earlier result to continue from, or a pair: maps and
        spectra with labels, which are aligned, or matrices (A, E) of the used pixels and channels. All are in the units
        of the cube, on the grid of the result.
    solver
        ``"auto"`` (HALS or Newton steps from an extrapolated iterate, which needs few iterations: see
        :class:`mffnb.solvers.Extrapolated`), ``"hals"``, ``"newton"``, ``"multiplicative"``, ``"pivoting"`` or a solver
        object.
    n_init
        Number of starts; above 1 they are random, and the one with the lowest objective is kept.
    max_iter, tol
        Largest number of iterations, and the projected gradient (relative change of A E) below which the run ends.
    random_state
        Seed; the one used is kept in ``result.parameters``. ``rng=`` is another name of this keyword.
    callback
        Called with a :class:`mffnb.solvers.State` after each iteration; returning True ends the run.
    progress
        Show a progress bar.
    abundance_terms, endmember_terms
        Penalties and constraints as objects, also your own; see :mod:`mffnb.protocols`.
    communicator
        An mpi4py communicator whose ranks all make this same call, or a :class:`mffnb.parallel.Grid` of them: each
        reads and keeps its own block of the data, and each returns the whole result, equal to the serial one to about
        1e-12. With ``volume="auto"``, rank 0 takes all decisions, and it refuses counts without ``weights="equal"``;
        factors then equal the serial ones to 1e-6. A callback is called on every rank; one that returns True ends the
        run on all of them.
    cluster
        A running :func:`mffnb.parallel.cluster` or :func:`mffnb.parallel.attach`; the answer is the same. The starts of
        ``n_init`` are distributed over engines; over MPI engines it is the pixels. Pass the path of a file: engines
        read it themselves, and no data are sent. ``progress`` and ``callback`` work in this process. From MPI engines a
        callback gets a state a few times a second, with abundances as maps (k, rows, columns) averaged over blocks of
        pixels; from other engines it gets the last state of each start. Ctrl-C keeps the result so far. For ``n_init``
        also any executor of ``concurrent.futures``, or a ``dask.distributed.Client``.
    checkpoint
        A folder, or a :class:`mffnb.Checkpoint`, in which the run stores its state. The same call made again, after a
        fault or with a larger ``max_iter``, continues from there, to the same answer: to the last bit on the same grid
        of ranks, and to rounding errors on another number of ranks or another grid.
    gather
        With a communicator: whether each rank returns the maps of all pixels. If False each returns its own rows;
        ``result.block`` holds their numbers, and ``result.save``, called on all ranks, writes them by block.

    Returns
    -------
    Unmixing
        Components are in falling order of their share, see :mod:`mffnb.unmixing.component_order`. They keep their order
        after a given start, and with known endmembers or terms of your own. For a list of images, a
        :class:`mffnb.JointUnmixing`, whose ``joint[i]`` is the result of image i.

    Notes
    -----
    *Several images.* X holds the pixels of all images, at the channels that all have (aligned by their coordinates).
    L has no edge between two images, so no penalty acts across a border. Each image is first divided by its own
    brightness, see :class:`mffnb.preprocessing.ImageScaling`, so that none dominates; ``joint[i]`` is in the units of
    image i again. Counts (``similarity="kl"``, ``weights="poisson"``) carry their own weight and are not divided, nor
    are images with ``sum_to_one``, which states that all have one unit. ``mask`` and ``weights`` are lists with one
    entry for each image, or one array over the channels. The images are stacked in memory; with a
    communicator each rank stacks them, and unmixes its own pixels.

    Raises
    ------
    TypeError, ValueError
        If the data or a parameter cannot be used; the message says what to do.

    Examples
    --------
    >>> import mffnb as mf
    >>> sample = mf.datasets.tof_sims_2d(seed=0, shape=(16, 24))
    >>> result = mf.unmix(sample.cube, 4, sparsity=1e-3, smoothness=1e-3, random_state=0)
    >>> float(result.abundances.sum("component").mean().round(6))
    1.0
    """
    settings: dict[str, Any] = {
        "k": k, "similarity": similarity, "sparsity": sparsity, "smoothness": smoothness, "volume": volume,
        "sum_to_one": sum_to_one, "gain": gain, "known": known, "weights": weights, "transform": transform,
        "mask": mask, "preprocess": preprocess, "channel": channel, "init": init, "solver": solver, "n_init": n_init,
        "max_iter": max_iter, "tol": tol, "random_state": random_state, "abundance_terms": abundance_terms,
        "endmember_terms": endmember_terms,
    }  # fmt: skip
    settings["init"] = shared_start(init)
    several = is_several(cube) or isinstance(cube, JointInput)
    if image_weights is not None and not several:
        raise ValueError("image_weights is for a list of images: leave it out, or pass weights")
    if tie is not None:
        check_tie(tie, settings, several=several and len(cube) > 1, image_weights=image_weights)
    check_sparse_images(sparse_images, settings, several=several and len(cube) > 1, tie=tie)
    if channels != "intersection" and not (several and len(cube) > 1):
        raise ValueError("channels is for a list of several images: leave it out for one image")
    if several and not gather:
        raise UnsupportedCombinationError("a list of images needs all maps in each process: leave out gather")
    execution = Execution.of(communicator, cluster, checkpoint, callback, progress, gather)
    if several and len(cube) > 1:
        return unmix_jointly(cube, settings, image_weights, execution, tie, sparse_images, channels)
    if several:
        settings = for_one_image(settings, image_weights)
        return joint_of_one(cube[0], _unmix_one(cube[0], settings, execution))
    return _unmix_one(cube, settings, execution)


def _unmix_one(cube: Any, settings: dict[str, Any], execution: Execution) -> Unmixing:
    """Unmix one image, in this process or on MPI engines."""
    suggestion = None
    if settings["k"] is None:
        settings, suggestion = fill_in(cube, settings, alone=execution.alone)
    task = Task.of(**settings)
    execution.check(task)
    result = (run_on_engines if execution.on_mpi_engines else run)(task, cube, execution)
    return result if suggestion is None else with_suggestion(result, suggestion)
