"""Blocks of rows for a reconstruction or residual that would fill the memory: dask arrays, computed when used."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from math import prod

import numpy as np
import xarray as xr

from mffnb.cubes.lazy_array import stored_chunks
from mffnb.cubes.pixel_rows import is_in_memory
from mffnb.io.choose import stays_on_disk

_BLOCK = 8 * 2**20  # float64 numbers in a block, 64 MB


def block_lengths(cube: xr.DataArray | None, sizes: Mapping[Hashable, int], pixels: int) -> dict[Hashable, int]:
    """Return the length of a block along pixel dimensions; empty where the whole model belongs in memory.

    Parameters
    ----------
    cube
        The data. If their values are on disk, so is the model; its blocks are whole chunks of the file.
    sizes
        Name and length of each dimension of the model, pixels first.
    pixels
        Number of pixel dimensions.

    Examples
    --------
    >>> block_lengths(None, {"y": 4, "x": 5, "energy": 10}, 2)
    {}
    >>> block_lengths(None, {"y": 10**6, "x": 1024, "energy": 1024}, 2)
    {'y': 8}
    """
    if not stays_on_disk(prod(sizes.values())) and (cube is None or is_in_memory(cube)):
        return {}
    chunks = {} if cube is None else stored_chunks(cube)
    rest, numbers = prod(sizes.values()), _BLOCK
    lengths: dict[Hashable, int] = {}
    for name in list(sizes)[:pixels]:
        rest //= max(1, sizes[name])
        piece = max(1, min(int(chunks.get(name, 1)), sizes[name]))
        lengths[name] = min(sizes[name], piece * max(1, numbers // max(1, piece * rest)))
        if piece * rest <= numbers:
            break  # one layer of chunks fits: the dimensions after this one stay whole
        numbers = max(1, numbers // lengths[name])
    return lengths


def in_blocks(array: xr.DataArray, lengths: Mapping[Hashable, int]) -> xr.DataArray:
    """Return an array as a dask array with blocks of these lengths; the array itself if none are given.

    Raises
    ------
    ImportError
        If dask is not installed.
    """
    if not lengths or array.chunks is not None:
        return array
    try:
        return array.chunk({name: length for name, length in lengths.items() if name in array.dims})
    except ImportError as error:
        raise ImportError(
            "a reconstruction or residual larger than a quarter of the memory, or of a cube on disk, is computed in "
            "blocks by dask, which is not installed: pip install 'mffnb[io]'"
        ) from error


def product_of(abundances: xr.DataArray, endmembers: xr.DataArray) -> xr.DataArray:
    """Return A E, (pixel dims, channel dims), with the blocks of the abundances.

    Examples
    --------
    >>> A = xr.DataArray([[1.0, 2.0], [0.0, 1.0]], dims=("component", "y"))
    >>> E = xr.DataArray([[3.0, 1.0], [1.0, 1.0]], dims=("component", "energy"))
    >>> product_of(A, E).values
    array([[3., 1.],
           [7., 3.]])
    """
    if abundances.chunks is None:
        found: xr.DataArray = xr.dot(abundances, endmembers, dim="component")
        return found
    channels = [name for name in endmembers.dims if name != "component"]
    product: xr.DataArray = xr.apply_ufunc(
        lambda maps, spectra: np.tensordot(maps, spectra, 1),
        abundances,
        endmembers,
        input_core_dims=[["component"], ["component", *channels]],
        output_core_dims=[channels],
        dask="parallelized",  # xarray.dot would split a block of rows into many small ones
        output_dtypes=[np.result_type(abundances, endmembers)],
        dask_gufunc_kwargs={"output_sizes": {name: endmembers.sizes[name] for name in channels}},
    )
    return product
