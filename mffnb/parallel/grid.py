"""A two-dimensional grid of MPI ranks: pixels are distributed over its rows, channels over its columns."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from mffnb.typing import Array


class Grid:
    """A grid of MPI ranks in rows and columns; pass it to :func:`mffnb.unmix` in place of a communicator.

    Rank (i, j) holds the pixels of row i and the channels of column j. One column suits images with far more pixels
    than channels; then an iteration reads X once, else twice.

    Parameters
    ----------
    communicator
        An mpi4py communicator; ranks are numbered row by row.
    shape
        Number of rows and columns; None for the shape that moves the fewest numbers, see :func:`best_shape`.

    Raises
    ------
    ValueError
        If the communicator has another number of ranks.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import mffnb as mf
    >>> world = SimpleNamespace(size=6, rank=4)  # stands for MPI.COMM_WORLD
    >>> grid = mf.parallel.Grid(world, (3, 2))
    >>> grid.shape, grid.place
    ((3, 2), (2, 0))
    """

    def __init__(self, communicator: Any, shape: tuple[int, int] | None = None):
        if shape is not None and (min(shape) < 1 or shape[0] * shape[1] != communicator.size):
            raise ValueError(
                f"a grid of {shape[0]} x {shape[1]} ranks needs {shape[0] * shape[1]} of them and there are "
                f"{communicator.size}: start as many, or leave out the shape"
            )
        self.communicator = communicator
        self.shape = shape
        self._kept: dict[tuple[int, int], Grid] = {}

    @classmethod
    def over(cls, communicator: Any) -> Grid:
        """Return a given grid unchanged, or create a grid without a fixed shape and store it with the communicator."""
        if isinstance(communicator, Grid):
            return communicator
        if not hasattr(communicator, "Get_attr"):
            return cls(communicator)
        kept: Grid | None = communicator.Get_attr(_key())
        if kept is None:
            kept = cls(communicator)
            communicator.Set_attr(_key(), kept)
        return kept

    def of_shape_for(self, pixels: int, channels: int) -> Grid:
        """Return the grid itself if its shape is fixed, else a grid with the best shape for an image of this size."""
        if self.shape is not None:
            return self
        shape = best_shape(self.communicator.size, pixels, channels)
        if shape not in self._kept:
            self._kept[shape] = Grid(self.communicator, shape)
        return self._kept[shape]

    def __getattr__(self, name: str) -> Any:
        """Return any other attribute of the communicator, so that a grid can be used as a communicator."""
        if name == "communicator":  # the communicator is not set yet while a grid is created or copied
            raise AttributeError(name)
        return getattr(self.communicator, name)

    @property
    def place(self) -> tuple[int, int]:
        """Row and column of this rank in the grid."""
        i, j = divmod(self.communicator.rank, self._columns)
        return i, j

    @cached_property
    def row(self) -> Any:
        """Communicator of the ranks in the same grid row as this rank; not used if the grid has one column."""
        i, j = self.place
        return self.communicator if self._columns == self.communicator.size else self.communicator.Split(i, j)

    @cached_property
    def column(self) -> Any:
        """Communicator of the ranks in the same grid column as this rank; not used if the grid has one row."""
        i, j = self.place
        return self.communicator if self._columns == 1 else self.communicator.Split(j, i)

    @property
    def _columns(self) -> int:
        return 1 if self.shape is None else self.shape[1]


def best_shape(size: int, pixels: int, channels: int) -> tuple[int, int]:
    """Return rows and columns of the grid of ``size`` ranks that communicates the fewest numbers.

    An iteration gathers and scatters both factors once: ``2 k [(rows - 1) channels + (columns - 1) pixels] / size``
    numbers for each rank. Of two equal grids, the one with fewer columns is chosen.

    Examples
    --------
    >>> best_shape(4, pixels=65536, channels=1535), best_shape(4, 3000, 2000), best_shape(4, 64, 20000)
    ((4, 1), (2, 2), (1, 4))
    """
    shapes = [(size // columns, columns) for columns in range(1, size + 1) if size % columns == 0]
    return min(shapes, key=lambda shape: (shape[0] - 1) * channels + (shape[1] - 1) * pixels)


def even_cuts(limits: Array, parts: int) -> Array:
    """Choose ``parts + 1`` of the given limits, including the first and the last, so that the parts are nearly equal.

    Some parts are empty if there are fewer pieces than parts.

    Examples
    --------
    >>> import numpy as np
    >>> even_cuts(np.array([0, 10, 20, 30, 36]), 2).tolist(), even_cuts(np.array([0, 5]), 3).tolist()
    ([0, 20, 36], [0, 0, 5, 5])
    """
    wanted = limits[0] + np.arange(1, parts) * (limits[-1] - limits[0]) / parts
    after = np.searchsorted(limits, wanted)
    before = np.maximum(after - 1, 0)
    cuts: Array = np.where(wanted - limits[before] < limits[after] - wanted, before, after)
    return np.asarray(limits[np.concatenate(([0], cuts, [limits.size - 1])).astype(int)])


def _key() -> int:
    """Return the MPI attribute key under which a communicator stores its grid."""
    global _keyval  # noqa: PLW0603  MPI has few keys
    if _keyval is None:
        from mpi4py import MPI  # noqa: PLC0415  raises where there is no MPI library

        _keyval = MPI.Comm.Create_keyval()
    return _keyval


_keyval: int | None = None
