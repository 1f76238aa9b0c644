"""Unmix a file while another process writes it: frames are pushed to a stream as they arrive."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

from mffnb.io.growing_file import GrowingFile
from mffnb.keywords import checks_keywords
from mffnb.unmixing.stream import Stream, stream

__all__ = ["Following", "follow"]


@checks_keywords(stream)
def follow(
    path: str | os.PathLike[str],
    k: int,
    *,
    dataset: str | None = None,
    frames: int | None = None,
    patience: float = 30.0,
    interval: float = 0.2,
    **settings: Any,
) -> Following:
    """Follow an HDF5 file that grows while it is measured: each new row or frame is unmixed when it arrives.

    The writer has to use HDF5's mode for single writer and multiple readers (SWMR), and to extend, fill and flush the
    dataset for each frame. One frame is in memory at a time, beside the memory of :func:`mffnb.stream`. Other formats
    do not tell which frames are complete, and are refused.

    Parameters
    ----------
    path
        Path of the file.
    k
        Number of endmembers.
    dataset
        Name or number of the dataset (frames, pixel dims..., channel) in the file; None for the only one.
    frames
        Number of frames at which the measurement is complete; None for the largest size of the dataset, if it has one.
    patience
        Seconds without a new frame after which the measurement counts as ended.
    interval
        Seconds between two checks of the file.
    **settings
        Keywords of :func:`mffnb.stream`.

    Returns
    -------
    Following
        Iterate over it: each step gives the stream with one frame more. ``break`` stops, and a later loop continues.

    Examples
    --------
    >>> import h5py, tempfile, pathlib
    >>> import mffnb as mf
    >>> cube = mf.datasets.raman_map(seed=0).cube.values
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "scan.h5"
    >>> with h5py.File(path, "w", libver="latest") as file:      # in practice another process
    ...     _ = file.create_dataset("rows", data=cube[:3], maxshape=(len(cube), *cube.shape[1:]))
    >>> scan = mf.follow(path, 2, patience=0.0, sparsity=1e-3, random_state=0)
    >>> for live in scan:
    ...     spectra = live.endmembers                            # also live.abundances, live.result()
    >>> print(scan)
    ended: 3 of 80 frames
    """
    return Following(path, stream(k, **settings), dataset, frames, patience, interval)


class Following:
    """A file that is unmixed while it grows, see :func:`follow`; its text says how far it is.

    Attributes
    ----------
    live
        The stream with the frames so far.

    Examples
    --------
    >>> import mffnb as mf
    >>> scan = mf.follow("scan.h5", 3, random_state=0)      # the file is opened when the loop begins
    >>> print(scan, scan.live)
    waiting: 0 frames <Stream: 3 components, no data yet>
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        live: Stream,
        dataset: str | None,
        frames: int | None,
        patience: float,
        interval: float,
    ):
        self.live = live
        self._path, self._dataset, self._patience, self._interval = path, dataset, patience, interval
        self._done, self._total, self._state = 0, frames, "waiting"

    def __str__(self) -> str:
        return f"{self._state}: {self._done}{'' if self._total is None else f' of {self._total}'} frames"

    @property
    def frames(self) -> tuple[int, int | None]:
        """Number of frames so far, and of all frames; None if that is not known."""
        return self._done, self._total

    def __iter__(self) -> Iterator[Stream]:
        for live in self.polls():
            if live is not None:
                yield live

    def polls(self) -> Iterator[Stream | None]:
        """Yield the stream after each frame, and None after each check of the file that found no new frame."""
        self._state = "following"
        try:
            with GrowingFile(self._path, self._dataset) as file:
                self._total = file.total if self._total is None else self._total
                yield from self._steps(file)
            self._state = "complete" if self._done == self._total else "ended"
        finally:
            if self._state == "following":
                self._state = "stopped"

    def _steps(self, file: GrowingFile) -> Iterator[Stream | None]:
        """Push frames as they arrive; end when all have arrived, or none has for the time of patience."""
        last = time.monotonic()
        while self._done != self._total:
            count = file.count() if self._total is None else min(file.count(), self._total)
            if count < self._done:
                raise ValueError(
                    f"{file.path.name} has {count} frames and {self._done} were followed: it is another file, so begin "
                    "again"
                )
            if count == self._done:
                if time.monotonic() - last >= self._patience:
                    return
                time.sleep(self._interval)
                yield None
                continue
            while self._done < count:
                self.live.push(file.frame(self._done))
                self._done += 1
                yield self.live
            last = time.monotonic()
