"""Crystal structures of the M1 and M2 phases of a Mo-V-Te-Nb oxide along c, and their reflections."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import ndimage

from mffnb.typing import Float64Array


@dataclass(frozen=True)
class Phase:
    """A crystal seen along c: columns in a rectangular cell.

    Parameters
    ----------
    cell
        Lattice parameters a and b in nm.
    columns
        Fractional coordinates x and y, and mean intensity relative to a column of Mo, which goes as
        :math:`Z^{1.7}`.
    angle
        Angle of a to the fast scan direction in degrees.
    """

    cell: tuple[float, float]
    columns: tuple[tuple[float, float, float], ...]
    angle: float

    @property
    def axes(self) -> Float64Array:
        """Return the lattice vectors a and b as rows (y, x) in nm."""
        angle = np.deg2rad(self.angle)
        directions = np.array([[np.sin(angle), np.cos(angle)], [np.cos(angle), -np.sin(angle)]])
        return np.asarray(directions * np.array(self.cell)[:, None])

    def nearest_reflection(self, k: Float64Array) -> Float64Array:
        """Return the reciprocal lattice points closest to spatial frequencies (..., 2), ky and kx in 1/nm."""
        return np.asarray(np.round(k @ self.axes.T) @ np.linalg.inv(self.axes).T)

    def positions(self, extent: tuple[float, float]) -> Float64Array:
        """Return the columns in a field of given height and width: y, x in nm and intensity, (n, 3)."""
        axes = self.axes
        corners = np.array([(0, 0), (0, extent[1]), (extent[0], 0), extent]) @ np.linalg.inv(axes)
        low, high = np.floor(corners.min(axis=0)) - 1, np.ceil(corners.max(axis=0)) + 1
        a, b = np.meshgrid(*(np.arange(*ends) for ends in zip(low, high, strict=True)), indexing="ij")
        origins = np.stack([a.ravel(), b.ravel()], axis=1)
        sites = np.array(self.columns)
        place = (origins[:, None] + sites[:, :2]).reshape(-1, 2) @ axes
        inside = ((place > -0.5) & (place < np.array(extent) + 0.5)).all(axis=1)  # margin of half a nanometre
        columns = np.column_stack([place, np.tile(sites[:, 2], len(origins))])
        return np.asarray(columns[inside])


def _columns(sites: tuple[tuple[float, float, float], ...]) -> tuple[tuple[float, float, float], ...]:
    """Return all columns that the plane group p2gg generates from sites."""
    return tuple((*at, z) for x, y, z in sites for at in ((x, y), (-x, -y), (0.5 - x, 0.5 + y), (0.5 + x, 0.5 - y)))


# Intensities: V has 0.36 of Mo, Te 1.44; Te fills nine tenths of its channels, and V shares sites with Mo.
_NB, _MO, _MO_V, _TE = 0.96, 1.0, 0.7, 1.3

# Of the 40 metal columns in the cell of M1, 36 are here, among them the pentagonal clusters (the first is their centre,
# the next five its ring); four lie on the axes. Te is in the largest gaps between them.
_M1_SITES = (
    (0.762, 0.173, _NB), (0.916, 0.195, _MO), (0.783, 0.295, _MO), (0.622, 0.226, _MO), (0.655, 0.083, _MO),
    (0.837, 0.064, _MO), (0.652, 0.420, _MO_V), (0.332, 0.061, _MO_V), (0.042, 0.665, _MO_V), (0.940, 0.831, _TE),
)  # fmt: skip
_M1_AXES = ((0.0, 0.0, _MO_V), (0.5, 0.5, _MO_V), (0.5, 0.0, _MO), (0.0, 0.5, _MO))
_M2_COLUMNS = tuple(  # rings of six metal columns around Te: a hexagonal tungsten bronze in its rectangular cell
    ((x + shift) % 1, (y + shift) % 1, z)
    for shift in (0.0, 0.5)
    for x, y, z in ((0.0, 0.0, _TE), (0.0, 0.5, _MO), (0.25, 0.25, _MO_V), (0.25, 0.75, _MO_V))
)

M1 = Phase(cell=(2.1134, 2.6658), columns=_columns(_M1_SITES) + _M1_AXES, angle=8.0)
"""Orthorhombic, plane group p2gg along c."""

M2 = Phase(cell=(1.26294, 0.729156), columns=_M2_COLUMNS, angle=31.0)
"""Pseudo-hexagonal: a is the root of 3 times b."""


def reflections(pattern: xr.DataArray, count: int = 10) -> Float64Array:
    """Return ky and kx of the brightest spots of a pattern ("ky", "kx"), found to a fraction of a pixel, (count, 2).

    A pattern is the same at k and -k, so spots of the half ky >= 0 are taken, farther from zero than the width of the
    taper's own spot.

    Examples
    --------
    >>> k = np.arange(-8, 9) / 4
    >>> spot = np.exp(-((k[:, None] - 0.55) ** 2 + (k - 1.2) ** 2) / 0.1)
    >>> pattern = xr.DataArray(spot, dims=("ky", "kx"), coords={"ky": k, "kx": k})
    >>> reflections(pattern, 1).round(2).tolist()
    [[0.55, 1.2]]
    """
    ky, kx = pattern["ky"].values, pattern["kx"].values
    values = pattern.transpose("ky", "kx").values
    peak = (values == ndimage.maximum_filter(values, 5)) & (ky[:, None] >= 0)
    peak &= np.hypot(ky[:, None], kx) > 2.5 * (kx[1] - kx[0])
    peak[:, [0, -1]] = peak[[0, -1]] = False  # a spot at the edge is incomplete
    at = np.argwhere(peak)
    at = at[np.argsort(-values[tuple(at.T)], kind="stable")][:count]
    found = []
    for row, column in at:
        near = np.log(np.maximum(values[row - 1 : row + 2, column - 1 : column + 2], 1e-12 * values.max()))
        offsets = [(line[2] - line[0]) / (4 * line[1] - 2 * line[0] - 2 * line[2]) for line in (near[:, 1], near[1])]
        found.append((ky[row] + offsets[0] * (ky[1] - ky[0]), kx[column] + offsets[1] * (kx[1] - kx[0])))
    return np.array(found)
