"""Windows of the sliding FFT for a plain picture, from the lattice that the picture shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.ndimage
import xarray as xr

from mffnb.preprocessing import SlidingFFT
from mffnb.typing import Float64Array
from mffnb.unmixing.suggestion.suggestion import Reason

_LARGEST = 1024  # side of the central part of the picture that is transformed
_CLEAR = 8.0  # modulus of a spot relative to the median of its ring
_PERIODS = 6  # unit cells in a window: with 2 the spots of neighbouring windows differ, and one phase is split
_OVERLAP = 5  # steps in a window
_FEWEST = 6  # windows along each side, at least


def windows(picture: xr.DataArray) -> tuple[SlidingFFT, Reason]:
    """Return the sliding FFT whose windows span several periods of the picture, and the reason.

    Examples
    --------
    >>> x = np.arange(512.0)
    >>> lattice = np.cos(2 * np.pi * x / 16)[:, None] + np.cos(2 * np.pi * x / 16)
    >>> windows(xr.DataArray(lattice, dims=("y", "x")))[0].size
    98
    """
    values = np.nan_to_num(np.asarray(picture.squeeze().values, dtype=np.float64))
    shape: Any = values.shape
    longest, shortest = _periods(values)
    side = min(shape)
    if not longest:
        size = max(8, min(64, side // 4))
        step = SlidingFFT(size=size, step=max(1, size // _OVERLAP))
        text = f"a plain picture without spots in its Fourier transform, in windows of {size} pixels"
        return step, Reason("picture", text, 0.0, {"preprocess": [step]})
    size = int(min(max(16, _PERIODS * longest), side // 3))
    hop = max(1, min(size // _OVERLAP, (side - size) // _FEWEST))
    size -= size % 2
    zoom = float(max(1, int(shortest / 2.2)))
    step = SlidingFFT(size=size, step=hop, zoom=zoom)
    text = (
        f"a plain picture whose longest period is {longest:.0f} pixels, in windows of {size} pixels "
        f"({size / longest:.1f} periods)"
    )
    return step, Reason("picture", text, longest, {"preprocess": [step]})


def _periods(values: Float64Array) -> tuple[float, float]:
    """Return the longest and shortest period (pixels) of clear spots in the Fourier transform; 0 if there are none."""
    side = min(*values.shape, _LARGEST)
    top, left = ((length - side) // 2 for length in values.shape)
    part = values[top : top + side, left : left + side]
    taper = np.hanning(side)
    modulus = np.abs(np.fft.fftshift(np.fft.fft2((part - part.mean()) * np.outer(taper, taper))))
    y, x = np.indices(modulus.shape) - side // 2
    ring = np.hypot(y, x).astype(int)
    half = slice(4, side // 2)
    order = np.argsort(ring, axis=None, kind="stable")
    rings = np.split(modulus.ravel()[order], np.searchsorted(ring.ravel()[order], np.arange(1, half.stop + 1)))
    level = np.array([np.median(one) for one in rings[: half.stop]])
    level = scipy.ndimage.median_filter(level, 9)
    clear = (ring >= half.start) & (ring < half.stop)
    clear &= modulus > _CLEAR * np.maximum(level[np.minimum(ring, half.stop - 1)], np.finfo(float).tiny)
    clear &= modulus > 0.02 * modulus[ring >= half.start].max(initial=0.0)
    if not clear.any():
        return 0.0, 0.0
    radius = np.hypot(y, x)[clear]
    return side / float(radius.min()), side / float(radius.max())
