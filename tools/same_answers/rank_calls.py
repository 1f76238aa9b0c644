"""Calls that two MPI ranks make together: each takes the communicator. The first rank's return value is recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import mffnb as mf

from . import inputs

# At least four bands of map rows, so that both ranks have pixels of their own.
_SHAPE = (4, 520)


def _wide() -> Any:
    """An image of few long rows."""
    random = inputs.rng(19)
    fractions = random.dirichlet(np.full(3, 0.5), _SHAPE)
    return fractions @ random.random((3, 11)) + 0.02 * random.random((*_SHAPE, 11))


def _counts() -> Any:
    return inputs.rng(20).poisson(4 * _wide()).astype(float)


CASES: dict[str, Callable[[], dict[str, Any]]] = {
    "plain": dict,
    "sparse_and_smooth": lambda: {"sparsity": 1e-2, "smoothness": 0.1},
    "volume_with_gain": lambda: {"gain": True, "volume": 1e-3, "smoothness": 0.1},
    "sum_to_one": lambda: {"sum_to_one": True},
    "weights": lambda: {"weights": inputs.rng(21).uniform(0.3, 2, _SHAPE), "solver": "hals", "n_init": 2},
    "pivoting": lambda: {"solver": "pivoting"},
    "known": lambda: {"known": _wide()[0, :1], "sparsity": 1e-2},
    "masked": lambda: {"mask": [inputs.rng(22).random(_SHAPE) < 0.9, np.arange(11) != 4], "weights": "poisson"},
    "counts": lambda: {"cube": _counts(), "similarity": "kl", "smoothness": 0.1},
    "newton": lambda: {"cube": _counts(), "similarity": "kl", "solver": "newton", "sparsity": 1e-2},
    "multiplicative": lambda: {"cube": _counts(), "similarity": "kl", "solver": "multiplicative"},
    "refused": lambda: {"solver": "proximal"},
}


def _unmixed(options: dict[str, Any], **more: Any) -> Any:
    keywords = {"cube": _wide(), "k": 3, "random_state": 0, "max_iter": 12, "tol": 1e-30, **options, **more}
    return mf.unmix(**keywords)


def all_on_a_grid(shape: tuple[int, int]) -> Callable[[Any], dict[str, Any]]:
    """All cases on one grid of ranks; a case that is refused on all ranks is its message."""

    def call(communicator: Any) -> dict[str, Any]:
        grid, found = mf.parallel.Grid(communicator, shape), {}
        for name, options in CASES.items():
            try:
                found[name] = _unmixed(options(), communicator=grid)
            except ValueError as error:
                found[name] = f"{type(error).__name__}: {error}"
        return found

    return call


def of_a_file(communicator: Any) -> dict[str, Any]:
    """Each rank reads its own rows; maps are not gathered, and written by block; then on from a checkpoint."""
    if communicator.rank == 0:
        np.save("map.npy", _wide())
    communicator.Barrier()
    options: dict[str, Any] = {"cube": "map.npy", "sparsity": 1e-2, "tol": 1e-12, "checkpoint": "kept"}
    _unmixed(options, max_iter=6, communicator=communicator)
    part = _unmixed(options, max_iter=14, communicator=communicator, gather=False)
    part.save("out.zarr")
    part.save("out.nc")
    communicator.Barrier()
    rows = (part.block.start, part.block.stop)
    return {"rows_of_the_first_rank": rows, "zarr": mf.load("out.zarr"), "netcdf": mf.load("out.nc")}


CALLS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "mpi_2_ranks_of_pixels": all_on_a_grid((2, 1)),
    "mpi_2_ranks_of_channels": all_on_a_grid((1, 2)),
    "mpi_2_ranks_of_a_file": of_a_file,
}
