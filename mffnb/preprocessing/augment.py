"""Feature maps, for example topography, as additional channels of a cube, and their separation from results."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from mffnb.cubes.align import align
from mffnb.cubes.layout import channel_names, frame_of
from mffnb.preprocessing.step import float_type, pixels, single_channel
from mffnb.typing import Array

__all__ = ["Parts", "augment", "split"]

_FLAGS = ("feature", "feature_scale", "feature_offset", "feature_units")


class Parts(NamedTuple):
    """Endmembers of an augmented cube, separated into spectra and features.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> from mffnb.preprocessing import augment, split
    >>> cube = xr.DataArray(np.ones((2, 3, 5)), dims=("y", "x", "energy"))
    >>> height = xr.DataArray(np.arange(6.0).reshape(2, 3), dims=("y", "x"), name="height")
    >>> parts = split(augment(cube, height))
    >>> parts.spectra.sizes["energy"], parts.features["feature"].values.tolist()
    (5, ['height'])
    """

    spectra: xr.DataArray
    features: xr.DataArray


def augment(cube: xr.DataArray, feature: Any, weight: float = 1.0, channel: str | None = None) -> xr.DataArray:
    r"""Append feature maps as channels, so that the unmixing fits them together with the spectra.

    A feature F becomes the channel :math:`\sqrt{w}\, (F - m) / s`. The scale s makes the sum of its squares over all
    pixels equal that of the whole spectrum: at weight 1 a feature counts as much in least squares as all other channels
    together. The offset m is its smallest value where that is negative (a topography around zero), else 0, so that no
    channel is negative.

    The channels are flagged by the coordinate ``feature``, which holds their names and is empty along the spectrum; the
    coordinates ``feature_scale``, ``feature_offset`` and ``feature_units`` hold the parameters of the inverse, and the
    endmembers inherit them. A numeric channel coordinate is continued with its last increment, so that spectra can be
    drawn.

    Parameters
    ----------
    cube
        Labelled spectral image with one channel dimension; a lazy one stays lazy.
    feature
        One map over the pixel dimensions, or several along one more dimension (whose coordinate names them). An array
        has pixel dimensions in the order of the cube, then the dimension of the features, if there are several.
    weight
        Weight w of the squared residuals of the features in the objective.
    channel
        Name of the channel dimension; the last one if None.

    Raises
    ------
    ValueError
        If the feature does not fit the pixels, or the weight is not a positive number.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> cube = xr.DataArray(np.ones((2, 3, 5)), dims=("y", "x", "energy"))
    >>> height = xr.DataArray(np.arange(6.0).reshape(2, 3), dims=("y", "x"), name="height", attrs={"units": "nm"})
    >>> augmented = augment(cube, height, weight=0.5)
    >>> augmented.sizes["energy"], str(augmented["feature"].values[-1])
    (6, 'height')
    >>> round(float((augmented[..., -1] ** 2).sum() / (cube**2).sum()), 6)
    0.5
    """
    if not (np.isfinite(weight) and weight > 0):
        raise ValueError(f"weight must be a positive number, got {weight!r}: leave the feature out instead of 0")
    names = channel_names(cube, channel)
    name = single_channel(cube, names, augment)
    maps = _stacked(feature, cube, name)
    low = maps.min(pixels(cube, names)).compute()
    offset = np.where(low < 0, low, 0.0)
    shifted = maps - xr.Variable((name,), offset)
    squares = xr.Dataset({"cube": (cube.astype(np.float64) ** 2).sum(), "maps": (shifted**2).sum(pixels(cube, names))})
    squares = squares.compute()
    ratio = weight * float(squares["cube"]) / np.where(squares["maps"] > 0, squares["maps"], np.inf)
    scale = np.where(ratio > 0, np.sqrt(ratio), 1.0)
    extra = (shifted * xr.Variable((name,), scale)).astype(float_type(cube)).transpose(*cube.dims)
    spectra = cube.variable.astype(float_type(cube), copy=False)
    values = xr.concat([xr.DataArray(spectra), xr.DataArray(extra.variable)], dim=name).variable
    return xr.DataArray(values, coords=_coords(cube, name, maps, scale, offset), name=cube.name, attrs=cube.attrs)


def split(endmembers: xr.DataArray) -> Parts:
    """Separate endmembers of an augmented cube into spectra and features in their own units.

    A feature is converted from the endmember value e to e / scale + offset. For a feature with an offset (negative
    values), this is its value in the pure component only if abundances sum to one.

    Parameters
    ----------
    endmembers
        ("component", channel), or any array with the channels of the augmented cube.

    Returns
    -------
    Parts
        ``spectra`` with the channels of the original cube, and ``features`` with the dimension "feature" in place of
        them.

    Raises
    ------
    ValueError
        If the endmembers have no coordinate ``feature`` that marks the feature channels.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> cube = xr.DataArray(np.ones((2, 3, 5)), dims=("y", "x", "energy"))
    >>> height = xr.DataArray(np.arange(6.0).reshape(2, 3) - 3, dims=("y", "x"), name="height")
    >>> parts = split(augment(cube, height))
    >>> parts.spectra.equals(cube), bool(np.allclose(parts.features.sel(feature="height"), height))
    (True, True)
    """
    if not all(flag in endmembers.coords for flag in _FLAGS):
        raise ValueError("these channels do not say which of them are features: they are not those of augment(...)")
    (name,) = endmembers["feature"].dims
    is_feature = endmembers["feature"].values != ""
    spectra = endmembers.isel({name: ~is_feature}).drop_vars(_FLAGS)
    spectra = spectra.assign_coords({name: spectra[name].variable}) if name in spectra.coords else spectra
    found = endmembers.isel({name: is_feature})
    labels = found["feature"].values
    values = found.variable / found["feature_scale"].variable + found["feature_offset"].variable
    units = dict(zip(labels.tolist(), found["feature_units"].values.tolist(), strict=True))
    coords = {key: c.variable for key, c in found.coords.items() if name not in c.dims}
    features = xr.DataArray(
        xr.Variable([dim if dim != name else "feature" for dim in values.dims], values.data),
        coords=coords | {"feature": labels, "units": ("feature", [units[label] for label in labels.tolist()])},
        name="feature",
    )
    return Parts(spectra, features)


def _stacked(feature: Any, cube: xr.DataArray, name: Hashable) -> xr.DataArray:
    """Return the features with the pixel dimensions of the cube and its channel dimension, labelled "feature"."""
    dims = pixels(cube, (name,))
    if not isinstance(feature, xr.DataArray):
        values = np.asarray(feature)
        feature = xr.DataArray(values, dims=[*dims, *(f"feature {i}" for i in range(values.ndim))][: values.ndim])
    more = [dim for dim in feature.dims if dim not in dims]
    fits = set(dims) <= set(feature.dims) and all(feature.sizes[dim] == cube.sizes[dim] for dim in dims)
    if len(more) > 1 or not fits:
        raise ValueError(
            f"a feature has the pixels of the cube, { {dim: cube.sizes[dim] for dim in dims} }, and at most one more "
            f"dimension; got {dict(feature.sizes)}"
        )
    aligned = align(feature, frame_of(cube, (name,)), "feature", [tuple(dims)], more=True)
    moved = aligned.transpose(*dims, ...)
    feature = xr.DataArray(
        xr.Variable((*dims, *more), moved.data),
        coords={key: feature.coords[key] for key in more if key in feature.coords},
        name=feature.name,
        attrs=feature.attrs,
    )
    if more and more[0] in feature.coords:
        labels = [str(label) for label in feature[more[0]].values]
    else:
        stem = str(feature.name or "feature")
        labels = [f"{stem} {i + 1}" for i in range(feature.sizes[more[0]])] if more else [stem]
    values = feature.variable if more else feature.variable.expand_dims("feature")
    values = values.transpose(*dims, ...).astype(np.float64)
    maps = xr.DataArray(xr.Variable((*dims, name), values.data))
    return maps.assign_coords({"label": (name, labels)}).assign_attrs(units=str(feature.attrs.get("units", "")))


def _coords(cube: xr.DataArray, name: Hashable, maps: xr.DataArray, scale: Array, offset: Array) -> dict[Hashable, Any]:
    """Return the coordinates of the augmented cube; other coordinates along the channel are dropped."""
    channels, more = cube.sizes[name], maps.sizes[name]
    kept = {key: c.variable for key, c in cube.coords.items() if name not in c.dims}
    flags: dict[Hashable, Any] = {
        "feature": (name, np.array([""] * channels + maps["label"].values.tolist())),
        "feature_scale": (name, np.concatenate([np.ones(channels), scale])),
        "feature_offset": (name, np.concatenate([np.zeros(channels), offset])),
        "feature_units": (name, np.array([""] * channels + [maps.attrs["units"]] * more)),
    }
    if name in cube.coords and cube[name].dtype.kind in "iuf":
        axis = cube[name].variable
        last = axis.values[-1]
        spacing = last - axis.values[-2] if channels > 1 else 1
        flags[name] = (name, np.concatenate([axis.values, last + spacing * np.arange(1, more + 1)]), axis.attrs)
    return kept | flags
