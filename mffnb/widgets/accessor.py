"""Accessor ``cube.mffnb`` of xarray: unmix and explore a cube by methods."""

from __future__ import annotations

from typing import Any

import xarray as xr


class CubeAccessor:
    """Methods of this package on a DataArray: ``cube.mffnb.unmix(k)`` and ``cube.mffnb.explore()``.

    Examples
    --------
    >>> import mffnb as mf
    >>> cube = mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube
    >>> cube.mffnb.unmix(3, random_state=0).abundances.dims
    ('component', 'y', 'x')
    """

    def __init__(self, cube: xr.DataArray) -> None:
        self._cube = cube

    def unmix(self, *arguments: Any, **options: Any) -> Any:
        """Unmix the cube, see :func:`mffnb.unmix`."""
        from mffnb.unmixing.unmix import unmix  # noqa: PLC0415  numba is slow to import

        return unmix(self._cube, *arguments, **options)

    def explore(self, *arguments: Any, **options: Any) -> Any:
        """Open the live explorer of the cube, see :func:`mffnb.explore`."""
        from mffnb.widgets.explorer import explore  # noqa: PLC0415  widgets are slow to import

        return explore(self._cube, *arguments, **options)


def register() -> None:
    """Register the accessor once; leave an attribute of another package with the same name as it is."""
    if not hasattr(xr.DataArray, "mffnb"):
        xr.register_dataarray_accessor("mffnb")(CubeAccessor)  # type: ignore[no-untyped-call]
