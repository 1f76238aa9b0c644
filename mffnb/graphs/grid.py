"""Nearest-neighbour graph of a pixel grid."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from mffnb.graphs.graph import Graph
from mffnb.keywords import checks_keywords
from mffnb.typing import Array, Float64Array

_BAND_PIXELS = 1024  # minimal size of a band: enough work for a thread, and about a dozen bands on a 128 x 128 map


@checks_keywords()
def grid(shape: tuple[int, ...], mask: Array | None = None, weights: Sequence[Array | float] | None = None) -> Graph:
    """Build the nearest-neighbour graph of a pixel grid, in one to four dimensions, C order.

    On a grid with d axes longer than 1 every pixel has ``2 d`` neighbours of weight ``1 / (2 d)``, so the degree is 1.
    Neighbours beyond the border and masked neighbours are replaced by the pixel itself (mirror boundary), which adds
    nothing to the roughness. A smoothness weight therefore has the same effect on maps of any size, and a map tiled by
    mirroring has the same solution.

    Bands are groups of whole rows (first axis) whose height depends on the shape only.

    Parameters
    ----------
    shape
        Lengths of the pixel dimensions.
    mask
        True where a pixel is used, of shape ``shape``; the graph then contains the used pixels only.
    weights
        Edge weights for each axis, instead of ``1 / (2 d)``: a number >= 0, or one for each step along the axis,
        (length - 1,). There is no edge where it is 0.

    Raises
    ------
    ValueError
        If a length is not positive, or ``weights`` do not fit the axes.

    Examples
    --------
    >>> from mffnb.graphs import grid
    >>> g = grid((2, 3))
    >>> g.indices[g.indptr[1]:g.indptr[2]].tolist()   # the neighbours of pixel (0, 1)
    [0, 2, 4]
    >>> grid((3, 2), weights=[[0.5, 0.25], 0]).roughness([[0, 0, 1, 1, 2, 2]])  # two columns, each of two steps
    1.5
    >>> g.roughness([[0, 1, 0, 0, 1, 0]])             # four steps of height 1, each of weight 1/4
    1.0
    """
    if not shape or min(shape) < 1:
        raise ValueError(f"a pixel grid needs positive lengths, got {shape}")
    steps = _step_weights(shape, weights)
    used = np.ones(prod(shape), dtype=bool) if mask is None else np.asarray(mask, dtype=bool).ravel()
    number = np.where(used, np.cumsum(used) - 1, -1).reshape(shape)
    pairs, of_pairs = [], []
    for axis, of_steps in enumerate(steps):
        low = number.take(range(shape[axis] - 1), axis)
        high = number.take(range(1, shape[axis]), axis)
        weight = np.broadcast_to(of_steps.reshape(-1, *(1,) * (len(shape) - axis - 1)), low.shape)
        both = (low >= 0) & (high >= 0) & (weight > 0)
        pairs += [(low[both], high[both]), (high[both], low[both])]
        of_pairs += [weight[both]] * 2
    here = np.concatenate([pair[0] for pair in pairs])
    there = np.concatenate([pair[1] for pair in pairs])
    order = np.lexsort((there, here))
    pixels = int(used.sum())
    counts = np.bincount(here, minlength=pixels)
    edges = np.concatenate(of_pairs)[order]
    even = weights is None and bool(edges.size)
    return Graph(
        indptr=np.concatenate(([0], np.cumsum(counts))),
        indices=there[order].astype(np.int32 if pixels < 2**31 else np.int64),
        weights=edges,
        degree=counts * edges[0] if even else np.bincount(here[order], edges, minlength=pixels).astype(np.float64),
        bands=bands(shape, mask),
    )


def _step_weights(shape: tuple[int, ...], weights: Sequence[Array | float] | None) -> list[Float64Array]:
    """Return the edge weight of each step along each axis, (length - 1,)."""
    if weights is None:
        weights = [1.0 / (2 * max(1, sum(length > 1 for length in shape)))] * len(shape)
    if len(weights) != len(shape):
        raise ValueError(f"a grid of {len(shape)} axes needs as many weights, got {len(weights)}")
    steps = []
    for axis, (length, given) in enumerate(zip(shape, weights, strict=True)):
        numbers = np.asarray(given, dtype=np.float64)
        if numbers.shape not in ((), (length - 1,)) or not (np.isfinite(numbers) & (numbers >= 0)).all():
            raise ValueError(
                f"the weights of axis {axis} must be a number >= 0, or {length - 1} of them, one for each step along it"
            )
        steps.append(np.broadcast_to(numbers, (length - 1,)))
    return steps


@checks_keywords()
def bands(shape: tuple[int, ...], mask: Array | None = None) -> Array:
    """Compute the limits of the bands of a grid, as indices of used pixels, without building the graph.

    Examples
    --------
    >>> bands((5, 512)).tolist()
    [0, 1024, 2048, 2560]
    """
    row = prod(shape[1:])
    ends = np.arange(shape[0] + 1) * row
    if mask is not None:
        ends = np.concatenate(([0], np.cumsum(np.asarray(mask, dtype=bool).reshape(shape[0], -1).sum(axis=1))))
    starts = np.arange(0, shape[0], max(1, _BAND_PIXELS // row))
    limits: Array = ends[np.append(starts, shape[0])]
    return limits
