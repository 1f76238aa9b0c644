"""Placement of the pixels of an image: all in this process, or distributed over MPI ranks.

The unmixing pipeline gets from a :data:`Placement` the matrix X, the pixel adjacency graph, sums over all pixels and
values that all processes share. :func:`placement_of` creates it from the ``communicator`` keyword of
:func:`mffnb.unmix`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import xarray as xr

from mffnb.cubes.layout import Layout
from mffnb.graphs import Graph
from mffnb.io.parallel_write import Block
from mffnb.parallel import ranks
from mffnb.parallel.distributed_graph import graph_of_rank
from mffnb.protocols.communicator import SINGLE, Communicator, SingleProcess
from mffnb.protocols.matrix import Matrix
from mffnb.solvers.progress import Callback
from mffnb.typing import Float64Array


@dataclass(frozen=True)
class Local:
    """Placement of all pixels in this process. MPI is not imported.

    Examples
    --------
    >>> placement_of(None) == Local(), Local().communicator.size
    (True, 1)
    """

    @property
    def communicator(self) -> Communicator:
        """The communicator of a single process, which has the interface of an mpi4py communicator."""
        return SINGLE

    @property
    def holds_all_pixels(self) -> bool:
        """True: methods that need every pixel in one process may run."""
        return True

    @property
    def lazy(self) -> bool | None:
        """Keyword ``lazy`` of :func:`mffnb.read`: None, so that the size of the file decides."""
        return None

    def matrix(self, layout: Layout, cube: xr.DataArray, *, load: bool) -> Matrix:
        """Return the data matrix X of the whole image."""
        return layout.matrix(cube)

    def graph(self, layout: Layout, along: Mapping[str, float] | None = None) -> Graph:
        """Return the pixel adjacency graph of the whole image, along all pixel dimensions or along some."""
        return layout.graph if along is None else layout.graph_along(along)

    def block(self, layout: Layout) -> Block | None:
        """Return None: no other process holds rows of the map."""
        return None

    def grid_shape(self, layout: Layout) -> tuple[int, int]:
        """Return the number of processes along pixels and along channels."""
        return 1, 1

    def total(self, values: Any, matrix: Any) -> Any:
        """Return the values unchanged: sums over the pixels of this process are sums over all pixels."""
        return values

    def gather(self, values: Float64Array) -> Float64Array:
        """Return the values unchanged: this process has the values of all pixels."""
        return values

    def collective(self, callback: Callback | None) -> Callback | None:
        """Return the callback unchanged: there are no other processes that it must stop."""
        return callback


@dataclass(frozen=True)
class Ranks:
    """Placement of pixels and channels on the ranks of an MPI communicator, which all make the same calls.

    Attributes
    ----------
    communicator
        An mpi4py communicator or a :class:`mffnb.parallel.Grid`.
    """

    communicator: Any

    @property
    def holds_all_pixels(self) -> bool:
        """False: methods that need every pixel in one process are refused."""
        return False

    @property
    def lazy(self) -> bool | None:
        """Keyword ``lazy`` of :func:`mffnb.read`: True, since no rank needs all values."""
        return True

    def matrix(self, layout: Layout, cube: xr.DataArray, *, load: bool) -> Matrix:
        """Return this rank's block of X; with ``load`` it is read into memory if the blocks of one machine fit."""
        matrix = ranks.distributed_matrix(layout, cube, self.communicator)
        return ranks.load_if_small(matrix) if load else matrix

    def graph(self, layout: Layout, along: Mapping[str, float] | None = None) -> Graph:
        """Return the pixel adjacency graph of this rank's pixels, with ghost pixels for neighbours on other ranks."""
        return graph_of_rank(layout, self.communicator, along)

    def block(self, layout: Layout) -> Block | None:
        """Return the rows of the map that this rank holds."""
        return ranks.block_of_rank(layout, self.communicator)

    def grid_shape(self, layout: Layout) -> tuple[int, int]:
        """Return the number of ranks along pixels and along channels."""
        shape = ranks.grid_for(layout, self.communicator).shape
        assert shape is not None
        return shape

    def total(self, values: Any, matrix: Matrix) -> Any:
        """Return the sums of the values over all ranks, identical to the last bit on each rank."""
        return matrix.total(values)

    def gather(self, values: Float64Array) -> Float64Array:
        """Return the values (pixels of this rank, ...) of all ranks together, in pixel order, on every rank."""
        return ranks.gather(values, self.communicator)

    def collective(self, callback: Callback | None) -> Callback | None:
        """Wrap a callback so that the run ends on all ranks if the callback returns True on one of them."""
        return None if callback is None else ranks.collective_callback(callback, self.communicator)


Placement = Local | Ranks
"""Where the pixels of an image are."""


def placement_of(communicator: Any) -> Placement:
    """Return the placement for a ``communicator`` keyword: :class:`Local` for None, else :class:`Ranks`."""
    return Local() if communicator is None or isinstance(communicator, SingleProcess) else Ranks(communicator)
