"""Non-linear elementwise steps: logarithm, Anscombe transform. They have no parameters to fit."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from mffnb.preprocessing.row_blocks import elementwise, smallest
from mffnb.preprocessing.step import Fitted, Step, float_type, with_new_values

__all__ = ["Anscombe", "Log1p"]


@dataclass(frozen=True)
class Log1p(Step, Fitted):
    r"""Logarithm :math:`x = \log(1 + X)`, which compresses bright values; its inverse is :math:`e^x - 1`.

    The step is not linear: products of log spectra and maps are not mixtures. ``inverse(a e)`` is the reconstruction;
    endmembers are converted by ``inverse(e)``, abundances are unchanged, and their product is not the reconstruction.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> cube = xr.DataArray(np.arange(12.0).reshape(2, 2, 3), dims=("y", "x", "energy"))
    >>> fitted = Log1p().fit(cube, ("energy",))
    >>> bool(np.allclose(fitted.inverse(fitted.transform(cube)), cube))
    True
    """

    @property
    def bends(self) -> bool:
        """Whether the step is non-linear: always."""
        return True

    def fit(self, cube: xr.DataArray, channel: tuple[Hashable, ...]) -> Log1p:
        """Check that the logarithm exists for all values; nothing is fitted.

        Raises
        ------
        ValueError
            If values are -1 or less.
        """
        low = smallest(cube)
        if low <= -1:
            raise ValueError(f"Log1p needs values above -1 and the smallest is {low:g}: use Range() before it")
        return self

    def transform(self, cube: xr.DataArray) -> xr.DataArray:
        """Return log(1 + X) of the physical cube X."""

        def of(part: xr.DataArray, _: object) -> xr.DataArray:
            values = part.variable.astype(float_type(cube), copy=False)
            return with_new_values(part, xr.apply_ufunc(np.log1p, values, dask="allowed"), units=False)

        return elementwise(cube, of)

    def inverse(self, cube: xr.DataArray) -> xr.DataArray:
        """Return exp(x) - 1 of the processed cube x."""
        return with_new_values(cube, xr.apply_ufunc(np.expm1, cube.variable, dask="allowed"))

    def endmembers(self, endmembers: xr.DataArray) -> xr.DataArray:
        """Return exp(e) - 1 of processed spectra e."""
        return self.inverse(endmembers)

    def prepare_endmembers(self, endmembers: xr.DataArray) -> xr.DataArray:
        """Return log(1 + E) of physical spectra E."""
        return self.transform(endmembers)

    def prepare_known(self, spectra: xr.DataArray) -> xr.DataArray:
        """Raise ValueError for known spectra: a mixture of processed spectra is not the processed mixture."""
        raise _no_rule_for_known(self)


@dataclass(frozen=True)
class Anscombe(Step, Fitted):
    r"""Stabilise the variance of counts to one (Anscombe transform): :math:`x = 2 \sqrt{X + 3/8}`.

    A model y of x is an estimate of the mean of x, not of :math:`2 \sqrt{\bar X + 3/8}`, so squaring it would be biased
    low at few counts. The unbiased inverse maps y to the count whose transform has mean y, in closed form

    .. math:: X = \tfrac14 y^2 + \tfrac14 \sqrt{\tfrac32} y^{-1} - \tfrac{11}{8} y^{-2}
              + \tfrac58 \sqrt{\tfrac32} y^{-3} - \tfrac18

    and 0 for y up to the transform of zero counts. The step is not linear: ``inverse(a e)`` is the reconstruction,
    endmembers are converted by ``inverse(e)``, and abundances are unchanged.

    Sources: Anscombe 1948, Biometrika 35:246; Mäkitalo & Foi 2011, IEEE Trans. Image Process. 20:2697.

    Parameters
    ----------
    unbiased
        True: use the unbiased inverse, for models of noisy counts. False: use the algebraic inverse (y / 2)^2 - 3/8,
        which restores each single count.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> counts = xr.DataArray(np.random.default_rng(0).poisson(3.0, (100, 100, 4)), dims=("y", "x", "mass"))
    >>> fitted = Anscombe().fit(counts, ("mass",))
    >>> x = fitted.transform(counts)
    >>> float(x.var().round(1))
    1.0
    >>> float(fitted.inverse(x.mean(("y", "x"))).mean().round(1))
    3.0
    """

    unbiased: bool = True

    @property
    def bends(self) -> bool:
        """Whether the step is non-linear: always."""
        return True

    @property
    def stabilizes(self) -> bool:
        """Whether the step stabilises the variance of counts: always."""
        return True

    def fit(self, cube: xr.DataArray, channel: tuple[Hashable, ...]) -> Anscombe:
        """Check that no value is negative; nothing is fitted.

        Raises
        ------
        ValueError
            If there are negative values.
        """
        if smallest(cube) < 0:
            raise ValueError("Anscombe is for counts, and there are negative values: leave it out, or put it first")
        return self

    def transform(self, cube: xr.DataArray) -> xr.DataArray:
        """Return 2 sqrt(X + 3/8) of the physical cube X."""

        def of(part: xr.DataArray, _: object) -> xr.DataArray:
            values = part.variable.astype(float_type(cube), copy=False)
            return with_new_values(part, 2 * (values + 0.375) ** 0.5, units=False)

        return elementwise(cube, of)

    def inverse(self, cube: xr.DataArray) -> xr.DataArray:
        """Return the estimated mean counts of a processed cube, by the inverse that ``unbiased`` selects."""
        y = cube.clip(min=2 * 0.375**0.5).variable
        if not self.unbiased:
            return with_new_values(cube, y**2 / 4 - 0.375)
        root = 1.5**0.5
        counts = y**2 / 4 - 0.125 + root / 4 / y - 1.375 / y**2 + 0.625 * root / y**3
        return with_new_values(cube, xr.apply_ufunc(np.maximum, counts, 0.0, dask="allowed"))

    def endmembers(self, endmembers: xr.DataArray) -> xr.DataArray:
        """Return the inverse transform of processed spectra e."""
        return self.inverse(endmembers)

    def prepare_endmembers(self, endmembers: xr.DataArray) -> xr.DataArray:
        """Return 2 sqrt(E + 3/8) of physical spectra E."""
        return self.transform(endmembers)

    def prepare_known(self, spectra: xr.DataArray) -> xr.DataArray:
        """Raise ValueError for known spectra: a mixture of processed spectra is not the processed mixture."""
        raise _no_rule_for_known(self)


def _no_rule_for_known(step: Step) -> ValueError:
    """Return the error for known spectra with a step that is not linear."""
    return ValueError(
        f"{type(step).__name__} is not linear, so known endmembers in the units of the cube do not mix after it: "
        "leave out the step, or known"
    )
