"""An HDF5 dataset that another process extends, read frame by frame (single writer, multiple readers: SWMR)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Self

import numpy as np
import xarray as xr

from mffnb.io.choose import check_numbers, choose_dataset
from mffnb.io.files import is_hdf5
from mffnb.io.readers.hdf5 import arrays_of, labelled
from mffnb.typing import Array


class GrowingFile:
    """A dataset of an HDF5 file whose first dimension grows; a context manager that closes the file.

    Parameters
    ----------
    path
        Path of the file. The writer has switched on SWMR, and extends, fills and flushes the dataset for each frame.
    dataset
        Name or number of the dataset; None for the only one that can be a spectral image.

    Attributes
    ----------
    total
        Number of frames that the dataset may get; None if it is unlimited. A dataset of fixed size is complete.

    Raises
    ------
    ValueError
        For other formats, or a file that cannot be read while it is written; the message says what to do.
    """

    total: int | None

    def __init__(self, path: str | os.PathLike[str], dataset: str | None = None):
        import h5py  # noqa: PLC0415  slow import

        self.path = Path(path)
        if not self.path.exists():
            raise FileNotFoundError(f"there is no file {self.path.name} yet: begin when the writer has created it")
        if not is_hdf5(self.path):
            raise ValueError(
                f"{self.path.name} is no HDF5 file, and only those tell a reader which frames are written: open it "
                "when it is complete, or pass frames to mf.stream(k).push"
            )
        try:
            self._file = h5py.File(self.path, "r", swmr=True)
        except OSError as error:
            raise ValueError(
                f"{self.path.name} cannot be read while it is written: its writer has to switch on SWMR, in h5py by "
                f"File(path, 'w', libver='latest') and file.swmr_mode = True ({error})"
            ) from error
        try:
            signals = arrays_of(self._file)
            name = signals[choose_dataset(self.path, signals, dataset)].name
            self._dataset: Any = self._file[name]
            check_numbers(self.path, name, self._dataset.dtype)
        except BaseException:
            self._file.close()
            raise
        self.total = self._dataset.maxshape[0]
        self._seen = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def count(self) -> int:
        """Return the number of frames that are written.

        Raises
        ------
        ValueError
            If there are fewer than before: the file was truncated.
        """
        self._dataset.refresh()
        count = int(self._dataset.shape[0])
        if count < self._seen:
            raise ValueError(
                f"{self.path.name} has shrunk from {self._seen} to {count} frames: the frames before are no longer "
                "those of the file, so begin again"
            )
        self._seen = count
        return count

    def frame(self, number: int) -> Array:
        """Return one frame."""
        return np.asarray(self._dataset[number])

    def grid(self) -> xr.DataArray:
        """Return one frame of zeros with the names, coordinates and units that the file states, in its order."""
        return labelled(self._dataset, np.zeros((1, *self._dataset.shape[1:]), np.float32))

    def cube(self, count: int) -> xr.DataArray:
        """Return the first frames as a labelled cube in memory."""
        cube = labelled(self._dataset, np.asarray(self._dataset[:count]))
        return cube.assign_attrs(source=str(self.path))
