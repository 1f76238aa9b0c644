"""Frame of a running fit (maps, spectra, status) and its compact encoding for the browser.

`encode` quantises maps to bytes, and reduces spectra to the minimum and maximum per screen pixel.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

LEVELS = 254
"""Code of the highest value in an encoded map; 0 is the code of the lowest value."""
MISSING = 255
"""Code of a missing (not finite) value in an encoded map."""


class Encodable(Protocol):
    """A part of a frame with its own encoding."""

    def encoded(self) -> tuple[dict[str, Any], bytes]:
        """Return an entry for the header, and binary data."""


@dataclass(frozen=True)
class Section:
    """The section of a stack that a frame shows, along one dimension.

    Parameters
    ----------
    name
        Name of the dimension.
    text
        Position of the section with its unit, for example "z = 3 µm".
    index, count
        Number of the section, counted from 0, and number of sections.
    maximum
        Whether the maps show the maximum over all sections.
    """

    name: str
    text: str
    index: int
    count: int
    maximum: bool = False


@dataclass(frozen=True)
class ImageTile:
    """One of several images that the maps show side by side.

    Parameters
    ----------
    name
        Name of the image.
    top, left, height, width
        Its rows and columns in the maps.
    pixel_size
        As for :class:`Frame`, of this image.
    """

    name: str
    top: int
    left: int
    height: int
    width: int
    pixel_size: tuple[float, float, str] | None = None


@dataclass(frozen=True)
class Frame:
    """Maps, spectra and status of a fit at one moment, as the live view shows them.

    Parameters
    ----------
    maps : ndarray of shape (k, h, w)
        One abundance map per component; values that are not finite are missing.
    spectra : ndarray of shape (k, m)
        One spectrum per component.
    channel : ndarray of shape (m,)
        Channel coordinate, ascending or descending.
    channel_label : str
        Name and unit of the channel, for example "m/z (u)".
    intensity_label : str
        Name and unit of the values of the spectra, for example "intensity (counts)".
    labels, colors : tuple of str
        Name and hexadecimal colour of each component.
    pixel_size : tuple (y, x, unit), optional
        Height and width of one pixel in `unit`; None if unknown.
    status : mapping
        Any of `iteration`, `relative_error`, `objective`, `outcome`, `milliseconds`, `text`.
    generation : int
        Number of the request that this frame belongs to; the view drops frames of older requests.
    parameters : mapping
        Parameters of the fit.
    final : bool
        True for the last frame of a fit.
    gain : ndarray of shape (h, w), optional
        Factor of each pixel, where the model has one.
    bands : tuple of two ndarrays of shape (k, m), optional
        Lower and upper end of the uncertainty band of each spectrum.
    held : frozenset of int
        Numbers of the components whose spectra stay as they are.
    sections : tuple of Section
        The section of a stack along each dimension but the last two; empty for an image.
    patterns : optional
        Endmembers as images, see :class:`mffnb.widgets.live_view.patterns.Patterns`; None for spectra.
    numbers : tuple of int, optional
        Persistent number of each component; 0, 1, ... if omitted.
    hidden : tuple of int
        Indices of components whose map and spectrum the page does not show.
    weights : tuple of float, optional
        Weight of each component in the composite; 1 if omitted.
    means : tuple of float, optional
        Mean abundance of each component over a stack, of which the maps are a part; None for an image.
    images : tuple of ImageTile
        Images that the maps show side by side; empty for one image.

    Examples
    --------
    >>> import numpy as np
    >>> maps, spectra = np.zeros((1, 4, 6)), np.ones((1, 9))
    >>> Frame(maps, spectra, np.arange(9.0), "m/z (u)", ("matrix",), ("#2b83d6",)).final
    False
    """

    maps: NDArray[np.floating[Any]]
    spectra: NDArray[np.floating[Any]]
    channel: NDArray[np.floating[Any]]
    channel_label: str
    labels: tuple[str, ...]
    colors: tuple[str, ...]
    pixel_size: tuple[float, float, str] | None = None
    status: Mapping[str, object] = field(default_factory=dict)
    generation: int = 0
    parameters: Mapping[str, object] = field(default_factory=dict)
    final: bool = False
    gain: NDArray[np.floating[Any]] | None = None
    bands: tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]] | None = None
    held: frozenset[int] = frozenset()
    intensity_label: str = "intensity"
    sections: tuple[Section, ...] = ()
    patterns: Encodable | None = None
    numbers: tuple[int, ...] = ()
    hidden: tuple[int, ...] = ()
    weights: tuple[float, ...] = ()
    means: tuple[float, ...] | None = None
    images: tuple[ImageTile, ...] = ()

    def __post_init__(self) -> None:
        k = len(self.labels)
        if self.maps.ndim != 3 or self.maps.shape[0] != k or 0 in self.maps.shape:
            raise ValueError(f"maps must have the shape ({k}, height, width), not {self.maps.shape}")
        if self.channel.ndim != 1 or self.spectra.shape != (k, self.channel.size) or self.channel.size == 0:
            raise ValueError(f"spectra must have the shape ({k}, {self.channel.size}), not {self.spectra.shape}")
        if self.bands is not None and any(end.shape != self.spectra.shape for end in self.bands):
            raise ValueError(f"both ends of bands must have the shape {self.spectra.shape} of the spectra")
        if len(self.colors) != k:
            raise ValueError(f"{k} components need {k} colors, not {len(self.colors)}")


def encode(frame: Frame, max_map_pixels: int, max_channels: int) -> tuple[dict[str, Any], bytes, bytes]:
    """Encode a frame for the browser: maps as bytes, spectra as float32 envelopes.

    Parameters
    ----------
    frame : Frame
        The frame to encode.
    max_map_pixels : int
        Longest side of an encoded map; larger maps are averaged over square blocks.
    max_channels : int
        Width of the plot in points; spectra with more than twice as many channels are reduced to the minimum
        and the maximum of each of `max_channels` bins, so that no narrow peak is lost.

    Returns
    -------
    header : dict
        JSON-ready: shapes, value range of each map, labels, status, parameters.
    maps : bytes
        uint8 of shape (k, h', w'), or (k + 1, h', w') with the gain as the last one: ``value = low + code / LEVELS *
        (high - low)``, `MISSING` where not finite.
    spectra : bytes
        Little-endian float32 of shape (1 + k, m'): the channel coordinate, then the spectra. Where there are bands
        (1 + 3 k, m'): then all their lower ends, and all their upper ones.

    Examples
    --------
    >>> import numpy as np
    >>> frame = Frame(np.ones((1, 4, 6)), np.ones((1, 9)), np.arange(9.0), "m/z (u)", ("a",), ("#111111",))
    >>> header, maps, spectra = encode(frame, max_map_pixels=3, max_channels=100)
    >>> header["map_shape"], header["block"], len(maps), len(spectra)
    ([2, 3], 2, 6, 72)
    """
    _, height, width = frame.maps.shape
    block = max(1, math.ceil(max(height, width) / max_map_pixels))
    maps = block_mean(frame.maps if frame.gain is None else np.concatenate([frame.maps, frame.gain[None]]), block)
    codes, ranges = quantise(maps)
    gain_range = None if frame.gain is None else ranges.pop()
    channel, spectra = envelope(frame.channel, frame.spectra, max_channels)
    header = {
        "labels": list(frame.labels),
        "colors": list(frame.colors),
        "numbers": list(frame.numbers or range(len(frame.labels))),
        "held": sorted(frame.held),
        "hidden": list(frame.hidden),
        "weights": list(frame.weights or [1.0] * len(frame.labels)),
        "means": plain(frame.means),
        "shape": [height, width],
        "map_shape": list(maps.shape[1:]),
        "block": block,
        "ranges": ranges,
        "gain_range": gain_range,
        "channels": int(channel.size),
        "bands": frame.bands is not None,
        "channel_label": frame.channel_label,
        "intensity_label": frame.intensity_label,
        "pixel_size": plain(frame.pixel_size),
        "status": plain(frame.status),
        "generation": frame.generation,
        "parameters": plain(frame.parameters),
        "final": frame.final,
        "sections": [asdict(one) for one in frame.sections],
        "images": [plain(asdict(one)) for one in frame.images],
    }
    bands = () if frame.bands is None else band_outline(frame.channel, *frame.bands, max_channels)
    return header, codes.tobytes(), np.vstack([channel[None], spectra, *bands]).astype("<f4").tobytes()


def block_mean(maps: NDArray[np.floating[Any]], block: int) -> NDArray[np.floating[Any]]:
    """Average maps over blocks of `block` x `block` pixels (smaller at the far edges), ignoring missing values.

    Examples
    --------
    >>> import numpy as np
    >>> block_mean(np.array([[[1.0, 3.0, 5.0], [1.0, np.nan, 7.0]]]), 2).round(3).tolist()
    [[[1.667, 6.0]]]
    """
    if block == 1:
        return maps
    observed = np.isfinite(maps)
    if observed.all():
        count = _block_sum(np.ones(maps.shape[1:])[None], block)
        return _block_sum(maps, block) / count
    count = _block_sum(observed.astype(np.float64), block)
    total = _block_sum(np.where(observed, maps, 0.0), block)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _block_sum(values: NDArray[np.floating[Any]], block: int) -> NDArray[np.floating[Any]]:
    # Adding strided slices is several times faster than reduceat or a reshaped sum.
    """Return the sums of maps over blocks of `block` x `block` pixels."""
    total = values[:, ::block].copy()
    for offset in range(1, min(block, values.shape[1])):
        part = values[:, offset::block]
        total[:, : part.shape[1]] += part
    values, total = total, total[:, :, ::block].copy()
    for offset in range(1, min(block, values.shape[2])):
        part = values[:, :, offset::block]
        total[:, :, : part.shape[2]] += part
    return total


def quantise(maps: NDArray[np.floating[Any]]) -> tuple[NDArray[np.uint8], list[list[float]]]:
    """Quantise each map to codes 0..`LEVELS`; return codes and (low, high) ranges. Zero lies exactly on a code.

    Examples
    --------
    >>> import numpy as np
    >>> codes, ranges = quantise(np.array([[[0.0, 2.0, np.nan]]]))
    >>> codes.tolist(), ranges
    ([[[0, 254, 255]]], [[0.0, 2.0]])
    """
    codes = np.full(maps.shape, MISSING, dtype=np.uint8)
    ranges = []
    for values, code in zip(maps, codes, strict=True):
        low, high = float(values.min()), float(values.max())
        finite = math.isfinite(low) and math.isfinite(high)
        observed = np.ones(values.shape, dtype=bool) if finite else np.isfinite(values)
        if not finite and observed.any():
            low, high = float(values[observed].min()), float(values[observed].max())
        elif not finite:
            low = high = 0.0
        low, high = _range_with_zero(low, high)
        # Dividing first avoids overflow for subnormal and very large ranges.
        scaled = (values - low) / (high - low) * LEVELS if high > low else np.zeros(values.shape)
        np.copyto(code, np.rint(np.where(observed, scaled, 0.0)).astype(np.uint8), where=observed)
        ranges.append([low, high])
    return codes, ranges


def _range_with_zero(low: float, high: float) -> tuple[float, float]:
    """Return the range (low, high) extended so that it contains zero exactly on a code."""
    if low >= 0.0:
        return 0.0, high
    high = max(high, 0.0)
    # Reserve one level: rounding the lower end down to a whole step must not cut off the upper end.
    step = high / (LEVELS - 1) - low / (LEVELS - 1)
    low = -math.ceil(-low / step) * step
    return low, low + LEVELS * step


def envelope(
    channel: NDArray[np.floating[Any]], spectra: NDArray[np.floating[Any]], bins: int
) -> tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]:
    """Reduce spectra to the minimum and the maximum of each of `bins` channel bins, in their order of appearance.

    Spectra with at most two channels per bin are not reduced; an unsorted channel coordinate is sorted.

    Examples
    --------
    >>> import numpy as np
    >>> spectrum = np.zeros((1, 100)); spectrum[0, 37] = 1.0
    >>> channel, outline = envelope(np.arange(100.0), spectrum, 10)
    >>> channel.size, outline.max()
    (20, np.float64(1.0))
    """
    size = channel.size
    if size > 1 and not _monotonic(channel):
        order = np.argsort(channel, kind="stable")
        channel, spectra = channel[order], spectra[:, order]
    if size <= 2 * bins:
        return channel, spectra
    starts = np.arange(bins) * size // bins
    ends = np.append(starts[1:], size)
    bin_of = np.repeat(np.arange(bins), ends - starts)
    low = np.fmin.reduceat(spectra, starts, axis=1)
    high = np.fmax.reduceat(spectra, starts, axis=1)
    # Each bin keeps (low, high) if its last maximum comes after its last minimum, and (high, low) otherwise.
    position = np.arange(size)
    last_high = np.maximum.reduceat(np.where(spectra == high[:, bin_of], position, -1), starts, axis=1)
    last_low = np.maximum.reduceat(np.where(spectra == low[:, bin_of], position, -1), starts, axis=1)
    rising = last_high >= last_low
    outline = np.empty((spectra.shape[0], 2 * bins), dtype=spectra.dtype)
    outline[:, 0::2] = np.where(rising, low, high)
    outline[:, 1::2] = np.where(rising, high, low)
    coordinate = np.empty(2 * bins, dtype=channel.dtype)
    coordinate[0::2], coordinate[1::2] = channel[starts], channel[ends - 1]
    return coordinate, outline


def band_outline(
    channel: NDArray[np.floating[Any]],
    lower: NDArray[np.floating[Any]],
    upper: NDArray[np.floating[Any]],
    bins: int,
) -> tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]:
    """Reduce an uncertainty band to the channels of :func:`envelope`: lowest and highest value of each bin.

    Examples
    --------
    >>> import numpy as np
    >>> lower = np.zeros((1, 100)); lower[0, 37] = -1.0
    >>> low, high = band_outline(np.arange(100.0), lower, lower + 2, 10)
    >>> low.shape, low[0, 6:8].tolist(), high[0, 6:8].tolist()
    ((1, 20), [-1.0, -1.0], [2.0, 2.0])
    """
    if channel.size > 1 and not _monotonic(channel):
        order = np.argsort(channel, kind="stable")
        lower, upper = lower[:, order], upper[:, order]
    if channel.size <= 2 * bins:
        return lower, upper
    starts = np.arange(bins) * channel.size // bins
    low, high = np.fmin.reduceat(lower, starts, axis=1), np.fmax.reduceat(upper, starts, axis=1)
    return np.repeat(low, 2, axis=1), np.repeat(high, 2, axis=1)


def _monotonic(channel: NDArray[np.floating[Any]]) -> bool:
    """Whether a channel coordinate is sorted in ascending or descending order."""
    steps = np.diff(channel)
    return bool((steps >= 0).all() or (steps <= 0).all())


def plain(value: object) -> Any:
    """Convert NumPy scalars, enums, tuples and similar values to JSON types; infinite values and NaN become None.

    Examples
    --------
    >>> import numpy as np
    >>> plain({"k": np.int64(4), "error": float("nan"), "bounds": (0, 1)})
    {'k': 4, 'error': None, 'bounds': [0, 1]}
    """
    if isinstance(value, enum.Enum):
        value = value.value
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def encoded(values: Mapping[str, Any]) -> dict[str, Any]:
    r"""Return values for the page, with arrays as bytes of little-endian float32.

    Examples
    --------
    >>> import numpy as np
    >>> encoded({"shown": True, "values": np.array([1.0])})
    {'shown': True, 'values': b'\x00\x00\x80?'}
    """
    return {
        name: value.astype("<f4").tobytes() if isinstance(value, np.ndarray) else value
        for name, value in values.items()
    }
