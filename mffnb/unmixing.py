"""From a spectral image to its endmembers and abundance maps, and the result that keeps both."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from mffnb.constraints import Simplex
from mffnb.cube import as_cube
from mffnb.io import read, read_netcdf, write_netcdf
from mffnb.layout import Layout
from mffnb.model import Init, MatrixFactorization, warn_if_poor
from mffnb.parallel import ranks
from mffnb.penalties import Smoothness, Sparsity
from mffnb.protocols import Matrix, Similarity, Solver, Term
from mffnb.solvers import Outcome, State
from mffnb.typing import Float64Array, Seed

_FORMAT = "mffnb unmixing 1"


@dataclass(frozen=True, eq=False)
class Unmixing:
    """Endmembers and abundance maps of a spectral image, and how they were found.

    Attributes
    ----------
    endmembers
        Pure spectra, dimensions ("component", channel dims), in the units of the cube.
    abundances
        Maps, dimensions ("component", pixel dims); those of the mean pixel sum to 1.
    outcome
        How the run ended, with advice in its value.
    trace
        Objective, relative error, step and seconds for each iteration.
    parameters
        Everything needed to run it again, and the versions it ran with.
    gain
        One factor for each pixel, or None.
    cube
        The data, or None where the result was loaded from a file.

    Examples
    --------
    >>> import mffnb as mf
    >>> sample = mf.datasets.tof_sims_2d(seed=0, shape=(16, 24))
    >>> result = mf.unmix(sample.cube, 3, random_state=0)
    >>> result.abundances.dims, dict(result.endmembers.sizes)["component"]
    (('component', 'y', 'x'), 3)
    """

    endmembers: xr.DataArray
    abundances: xr.DataArray
    outcome: Outcome
    trace: xr.Dataset
    parameters: dict[str, Any] = field(default_factory=dict)
    gain: xr.DataArray | None = None
    cube: xr.DataArray | None = None

    def reconstruction(self) -> xr.DataArray:
        """A E: a cube with the dimensions (pixel dims, channel dims)."""
        pixels = [name for name in self.abundances.dims if name != "component"]
        model = xr.dot(self.abundances, self.endmembers, dim="component")
        model = model if self.gain is None else model * self.gain
        attrs = {key: value for key, value in self.endmembers.attrs.items() if key in ("units", "long_name")}
        return xr.DataArray(model.transpose(*pixels, ...)).rename("reconstruction").assign_attrs(attrs)

    def residual(self, cube: Any = None) -> xr.DataArray:
        """X - A E, with the dimensions of the reconstruction.

        Parameters
        ----------
        cube
            The data, where the result was loaded from a file and does not hold them.
        """
        if cube is None and self.cube is None:
            raise ValueError("a result loaded from a file does not hold its cube: pass it, result.residual(cube)")
        model = self.reconstruction()
        data = as_cube(self.cube if cube is None else cube)
        if set(data.dims) != set(model.dims) and data.shape == model.shape:
            data = xr.DataArray(data.values, dims=model.dims)  # a bare array, in the order of the reconstruction
        data = data.transpose(*model.dims)
        return model.copy(data=data.values - model.values).rename("residual")

    def normalized(self, how: str = "max") -> Unmixing:
        """The same product with every endmember scaled to 1, the abundances taking up the factor.

        Parameters
        ----------
        how
            What is scaled to 1: ``"max"``, ``"sum"``, ``"norm"`` (root of the sum of squares) or ``"area"``
            (integral over the channel coordinate).
        """
        over = [name for name in self.endmembers.dims if name != "component"]
        if how == "area":
            size = self.endmembers
            for name in over:
                size = size.integrate(name)
        elif how in ("max", "sum"):
            size = getattr(self.endmembers, how)(over)
        elif how == "norm":
            size = (self.endmembers**2).sum(over) ** 0.5
        else:
            raise ValueError(f"how={how!r} is not known: use 'max', 'sum', 'norm' or 'area'")
        size = abs(size).where(size != 0, 1.0)
        return replace(
            self,
            endmembers=(self.endmembers / size).assign_attrs(self.endmembers.attrs),
            abundances=(self.abundances * size).rename("abundance").assign_attrs(self.abundances.attrs),
        )

    def plot(self, **options: Any) -> Any:
        """Draw maps above spectra, one colour a component; see :func:`mffnb.plots.overview`."""
        from mffnb import plots  # noqa: PLC0415  the floor above; matplotlib only when asked for

        return plots.overview(self, **options)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the result, without the cube, as NetCDF; :func:`mffnb.load` reads it back."""
        dataset = xr.Dataset(
            {
                "endmembers": _storable(self.endmembers),
                "abundances": _storable(self.abundances),
                **{f"trace_{name}": _storable(value) for name, value in self.trace.data_vars.items()},
                **({} if self.gain is None else {"gain": _storable(self.gain)}),
            }
        )
        dataset.attrs = {
            "format": _FORMAT,
            "outcome": self.outcome.name,
            "parameters": json.dumps(self.parameters, default=_plain),
        }
        write_netcdf(dataset, path)


def load(path: str | os.PathLike[str]) -> Unmixing:
    """Read a result written by :meth:`Unmixing.save`.

    Raises
    ------
    ValueError
        If the file is not such a result.

    Examples
    --------
    >>> import mffnb as mf, numpy as np, os, tempfile
    >>> result = mf.unmix(np.random.default_rng(0).random((4, 5, 20)), 2, random_state=0)
    >>> path = os.path.join(tempfile.mkdtemp(), "run.nc")
    >>> result.save(path)
    >>> mf.load(path).endmembers.equals(result.endmembers)
    True
    """
    if not os.path.exists(path):
        raise FileNotFoundError(f"there is no file {path}")
    if os.path.isdir(path):
        raise ValueError(f"{path} is a folder: name the file in it")
    try:
        stored = read_netcdf(path)
    except Exception as error:  # HDF5 and its wrappers raise what they like on a damaged file
        raise ValueError(f"{path} is no NetCDF file that can be read, or it is cut short: {error}") from error
    if stored.attrs.get("format") != _FORMAT:
        raise ValueError(f"{path} was not written by Unmixing.save: read data with mffnb.read instead")
    missing = {"endmembers", "abundances", "iteration"} - set(stored.variables)
    if missing:
        raise ValueError(f"{path} is incomplete, it lacks {', '.join(sorted(missing))}: save the result again")
    prefix = "trace_"
    trace = {
        str(name).removeprefix(prefix): value.variable
        for name, value in stored.data_vars.items()
        if str(name).startswith(prefix)
    }
    return Unmixing(
        endmembers=stored["endmembers"].rename("endmember"),
        abundances=stored["abundances"].rename("abundance"),
        outcome=Outcome[stored.attrs["outcome"]],
        trace=xr.Dataset(trace, coords={"iteration": stored["iteration"].variable}),
        parameters=json.loads(stored.attrs["parameters"]),
        gain=stored.get("gain"),
    )


def unmix(
    cube: Any,
    k: int,
    *,
    similarity: str | Similarity = "frobenius",
    sparsity: float = 0.0,
    smoothness: float = 0.0,
    sum_to_one: bool = False,
    mask: Any = None,
    channel: str | Sequence[str] | None = None,
    init: Init | Unmixing = "auto",
    solver: str | Solver = "auto",
    n_init: int = 1,
    max_iter: int = 500,
    tol: float = 1e-4,
    random_state: Seed = None,
    callback: Callable[[State], object] | None = None,
    progress: bool = False,
    communicator: Any = None,
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
        ``"frobenius"`` or a similarity object.
    sparsity
        lambda_1, few endmembers per pixel; 1e-3 is a sensible start.
    smoothness
        lambda_2, neighbouring pixels alike; 1e-3 is a sensible start.
    sum_to_one
        Make the abundances of every pixel fractions that sum to exactly one.
    mask
        True where data are to be used: an array over the pixel or over the channel dimensions, or a list of both.
        Pixels and channels that hold nothing but NaN are left out as well; what is left out is NaN in the result.
    channel
        Name(s) of the channel dimension(s); the last one if None.
    init
        ``"auto"``, ``"nndsvd"``, ``"random"``, a start object, a pair of matrices (A, E), or an earlier result to
        go on from.
    solver
        ``"auto"``, ``"hals"`` or a solver object.
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
    communicator
        An mpi4py communicator whose ranks all make this same call: each reads and keeps its own rows of pixels, and
        each returns the whole result, equal to the serial one to about 1e-12.

    Returns
    -------
    Unmixing
        Components in falling order of their share, except after a given start, whose order is kept.

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
    data = read(cube) if isinstance(cube, (str, os.PathLike)) else as_cube(cube)
    layout = Layout.of(data, channel, mask)
    matrix = layout.matrix(data) if communicator is None else ranks.shared_matrix(layout, data, communicator)
    seed = _drawn_seed(random_state)
    given = isinstance(init, (tuple, Unmixing))
    model = MatrixFactorization(
        k,
        similarity=similarity,
        abundance_terms=abundance_terms(layout, sparsity, smoothness, sum_to_one, communicator),
        init=_own_rows(matrices(init, layout) if isinstance(init, Unmixing) else init, matrix),
        solver=solver,
        max_iter=max_iter,
        tol=tol,
        random_state=seed,
    )
    starts = [model] if n_init == 1 or given else _restarts(model, n_init, seed)
    with _progress(progress, len(starts) * max_iter) as show:
        fitted, A = _best(starts, matrix, _both(show, callback))
    if communicator is not None:
        A = ranks.gathered(A, communicator)
    E = fitted.components_
    if not given:
        order = np.argsort(-A.sum(axis=0) * np.linalg.norm(E, axis=1), kind="stable")
        A, E = A[:, order], E[order]
    warn_if_poor(np.count_nonzero(A, axis=0), E, fitted.outcome_, stacklevel=3)
    chosen = {
        "k": int(k),
        "sparsity": float(sparsity),
        "smoothness": float(smoothness),
        "sum_to_one": bool(sum_to_one),
    }
    settings = chosen | record(layout, model, "given" if given else _name(init), n_init, seed)
    return assemble(data, layout, A.T, E, fitted.outcome_, fitted.trace_, settings)


def record(layout: Layout, model: MatrixFactorization, init: str, n_init: int, seed: int) -> dict[str, Any]:
    """Note the settings of a run that are not on a slider, so that it can be run again."""
    return {
        "similarity": _name(model.similarity),
        "channel": [str(name) for name in layout.channel_shape],
        "masked_pixels": 0 if layout.pixel_mask is None else int((~layout.pixel_mask).sum()),
        "init": init,
        "solver": _name(model.solver),
        "n_init": n_init,
        "max_iter": model.max_iter,
        "tol": model.tol,
        "random_state": seed,
    }


def assemble(
    cube: xr.DataArray,
    layout: Layout,
    abundances: Float64Array,
    endmembers: Float64Array,
    outcome: Outcome,
    trace: Sequence[State],
    settings: dict[str, Any],
) -> Unmixing:
    """Label the factors A (k, pixels) and E (k, channels) of a run and note where they come from."""
    return Unmixing(
        endmembers=layout.endmembers(endmembers),
        abundances=layout.abundances(np.ascontiguousarray(abundances)),
        outcome=outcome,
        trace=_trace(trace),
        parameters={
            **settings,
            "source": str(cube.attrs.get("source", "")),
            "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "versions": versions(),
        },
        cube=cube,
    )


def abundance_terms(
    layout: Layout, sparsity: float, smoothness: float, sum_to_one: bool = False, communicator: Any = None
) -> tuple[Term, ...]:
    """Build the terms that the keywords of :func:`unmix` stand for; an exact zero leaves its term out."""
    terms: list[Term] = [Simplex()] if sum_to_one else []
    if sparsity != 0:
        terms.append(Sparsity(sparsity))
    if smoothness != 0:
        graph = layout.graph
        terms.append(Smoothness(smoothness, graph if communicator is None else ranks.own_part(graph, communicator)))
    return tuple(terms)


def matrices(result: Unmixing, layout: Layout) -> tuple[Float64Array, Float64Array]:
    """Turn a result into a start: A (pixels, k) and E (k, channels) in the order of a layout."""
    A = result.abundances.transpose("component", *layout.pixel_shape).values
    E = result.endmembers.transpose("component", *layout.channel_shape).values
    A, E = A.reshape(len(A), -1), E.reshape(len(E), -1)
    A = A if layout.pixel_mask is None else A[:, layout.pixel_mask.ravel()]
    E = E if layout.channel_mask is None else E[:, layout.channel_mask.ravel()]
    return A.T, E


def _own_rows(init: Any, matrix: Matrix) -> Any:
    return (np.asarray(init[0])[matrix.own], init[1]) if isinstance(init, tuple) else init


def versions() -> dict[str, str]:
    """Versions of what decides the numbers."""
    packages = ("mffnb", "numpy", "scipy", "numba", "scikit-learn", "xarray")
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "unknown"
    return found


def _drawn_seed(random_state: Seed) -> int:
    if isinstance(random_state, (int, np.integer)):
        return int(random_state)
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31))
    return int(np.random.default_rng(random_state).integers(2**31))


def _restarts(model: MatrixFactorization, n_init: int, seed: int) -> list[MatrixFactorization]:
    if not (isinstance(n_init, (int, np.integer)) and n_init >= 1):
        raise ValueError(f"n_init must be a whole number >= 1, got {n_init!r}")
    init = "random" if model.init in ("auto", "nndsvd") else model.init
    seeds = np.random.SeedSequence(seed).generate_state(n_init)
    parameters = model.get_params(deep=False)
    return [MatrixFactorization(**{**parameters, "init": init, "random_state": int(s % 2**31)}) for s in seeds]


def _best(
    starts: Sequence[MatrixFactorization], matrix: Matrix, callback: Callable[[State], object] | None
) -> tuple[MatrixFactorization, Float64Array]:
    best: tuple[MatrixFactorization, Float64Array] | None = None
    for model in starts:
        A = model.factorize(matrix, callback)
        ended = model.outcome_ in (Outcome.INTERRUPTED, Outcome.STOPPED)
        outcome = model.outcome_
        if best is None or model.objective_ < best[0].objective_:
            best = model, A
        if ended:
            best[0].outcome_ = outcome  # the best so far, but not of all that was asked for
            break
    if best is None:
        raise ValueError("n_init must be a whole number >= 1")
    return best


@contextmanager
def _progress(wanted: bool, total: int) -> Iterator[Callable[[State], object] | None]:
    if not wanted:
        yield None
        return
    from tqdm.auto import tqdm  # noqa: PLC0415  pulls in ipywidgets in a notebook

    with tqdm(total=total, unit="it", desc="unmix") as bar:

        def show(state: State) -> None:
            if state.iteration:
                bar.update()
            bar.set_postfix(error=f"{100 * state.relative_error:.2f} %", step=f"{state.step:.0e}", refresh=False)

        yield show


def _both(
    show: Callable[[State], object] | None, callback: Callable[[State], object] | None
) -> Callable[[State], object] | None:
    if show is None or callback is None:
        return show or callback

    def call(state: State) -> object:
        show(state)
        return callback(state)

    return call


def _trace(states: Sequence[State]) -> xr.Dataset:
    names = ("objective", "relative_error", "step", "seconds")
    variables = {name: ("iteration", np.array([getattr(state, name) for state in states])) for name in names}
    return xr.Dataset(variables, coords={"iteration": np.array([state.iteration for state in states])})


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else str(value)


def _name(part: object) -> str:
    return part if isinstance(part, str) else repr(part)


def _storable(array: xr.DataArray) -> xr.DataArray:
    """A copy whose attributes NetCDF can hold: what it cannot is kept as text."""

    def plain(attrs: dict[Any, Any]) -> dict[str, Any]:
        kept = (str, float, np.number)
        whole = {key: value for key, value in attrs.items() if isinstance(value, kept) or type(value) is int}
        lists = {
            key: value for key, value in attrs.items() if isinstance(value, np.ndarray) and value.dtype.kind in "iuf"
        }
        return {str(key): whole.get(key, lists.get(key, str(value))) for key, value in attrs.items()}

    # A pixel dimension stacked of several has one coordinate of tuples; its levels are kept one by one.
    stacked = [name for name, index in array.indexes.items() if isinstance(index, pd.MultiIndex) and name in array.dims]
    copy = array.reset_index(stacked) if stacked else array.copy(deep=False)
    copy.attrs = plain(array.attrs)
    for name in copy.coords:
        copy.coords[name].attrs = plain(array.coords[name].attrs)
    return copy
