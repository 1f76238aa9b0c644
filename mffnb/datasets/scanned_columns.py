"""Images of atomic columns in a scanning transmission electron microscope: imperfect crystals, counted electrons."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage
from scipy.spatial import cKDTree

from mffnb.preprocessing import SlidingFFT
from mffnb.typing import Float64Array

PIXEL = 0.025
"""Side of a pixel in nm."""
_PROBE = 0.045  # nm, standard deviation of a column's image: probe and thermal motion
_DETECTOR = 0.12  # background, as a fraction of the mean signal
_CLOSEST = 0.25  # nm, smallest distance of atomic columns of different phases
_ROUGHNESS = 0.12  # spread of the columns' intensities: composition and vacancies
_STRAIN = 0.006  # nm, spread of the columns' static displacements


def imperfect(columns: Float64Array, generator: np.random.Generator) -> Float64Array:
    """Displace columns and vary their intensities, in place."""
    columns[:, :2] += generator.normal(0, _STRAIN, (len(columns), 2))
    columns[:, 2] *= generator.normal(1, _ROUGHNESS, len(columns)).clip(0.2)
    return columns


def join_crystals(first: Float64Array, second: Float64Array) -> Float64Array:
    """Join two crystals, without the columns of the second that are too close to the first."""
    apart, _ = cKDTree(first[:, :2]).query(second[:, :2], distance_upper_bound=_CLOSEST) if len(first) else (np.inf, 0)
    return np.concatenate([first, second[np.broadcast_to(np.isinf(apart), len(second))]])


def scan_columns(
    columns: Float64Array,
    thickness: NDArray[np.float32],
    counts: float,
    scan_noise: float,
    generator: np.random.Generator,
) -> NDArray[np.float32]:
    """Draw the electron counts of an image of the columns with displaced scan lines."""
    margin = 20  # pixels beyond the field, so that its edges are correct
    rows, columns_ = (n + 2 * margin for n in thickness.shape)
    place = columns[:, :2] / PIXEL + margin
    corner = np.floor(place).astype(np.intp)
    part = place - corner
    image = np.zeros(rows * columns_, dtype=np.float32)
    for down in (0, 1):
        for right in (0, 1):  # bilinear: a column contributes to four pixels
            weight = np.abs(1 - down - part[:, 0]) * np.abs(1 - right - part[:, 1]) * columns[:, 2]
            at = np.ravel_multi_index((corner[:, 0] + down, corner[:, 1] + right), (rows, columns_), mode="clip")
            image += np.bincount(at, weight, rows * columns_).astype(np.float32)
    image = ndimage.gaussian_filter(image.reshape(rows, columns_), _PROBE / PIXEL, output=np.float32)
    shift = generator.normal(0, scan_noise / PIXEL, rows).astype(np.float32)
    turn = np.exp(-2j * np.pi * fft.rfftfreq(columns_).astype(np.float32) * shift[:, None]).astype(np.complex64)
    image = fft.irfft(fft.rfft(image, axis=1) * turn, n=columns_, axis=1)[margin:-margin, margin:-margin]
    image = np.maximum(image / image.mean() + _DETECTOR, 0) * thickness
    image *= counts / image.mean()
    poisson_counts: NDArray[np.float32] = generator.poisson(image).astype(np.float32)
    return poisson_counts


def share_of_windows(mask: NDArray[np.bool_], windows: SlidingFFT) -> Float64Array:
    """Return the taper-weighted fraction of each window that a mask fills."""
    taper = windows.taper()
    taper /= taper.sum()
    step = windows.step if isinstance(windows.step, tuple) else (windows.step,) * 2
    parts = np.lib.stride_tricks.sliding_window_view(mask, taper.shape)[:: step[0], :: step[1]]
    return np.array([[np.sum(taper, where=window) for window in row] for row in parts])
