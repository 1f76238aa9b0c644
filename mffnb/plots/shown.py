"""Protocols of the results that figures show, so that plots do not depend on result classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import pandas as pd
import xarray as xr


class Factors(Protocol):
    """Protocol of a result with endmembers and abundance maps."""

    @property
    def endmembers(self) -> xr.DataArray:
        """Endmember spectra, ("component", channel dims)."""

    @property
    def abundances(self) -> xr.DataArray:
        """Abundance maps, ("component", pixel dims)."""


class Fit(Factors, Protocol):
    """Protocol of a result whose reconstruction can be compared with the data."""

    def residual(self, cube: Any = None) -> xr.DataArray:
        """Return the data minus the model, (pixel dims, channel dims)."""


class Advice(Protocol):
    """Protocol of a recommendation for the number of components."""

    @property
    def k(self) -> int | None:
        """Recommended number of components; None if the data do not determine it."""

    @property
    def between(self) -> tuple[int, int]:
        """Smallest and largest number of components that the criteria allow."""


class RankEvidence(Protocol):
    """Protocol of the criteria for the number of components k, as :func:`mffnb.selection.scan_rank` returns them."""

    @property
    def evidence(self) -> xr.Dataset:
        """Dataset with one variable over the dimension ``k`` for each criterion."""

    @property
    def ks(self) -> list[int]:
        """Numbers of components that were compared."""

    def recommend(self) -> Advice:
        """Return the recommended number of components."""


class ComponentTree(Protocol):
    """Protocol of results for several k in which each component is linked to its parent at the k before."""

    @property
    def results(self) -> Mapping[int, Factors]:
        """Result for each k."""

    @property
    def links(self) -> pd.DataFrame:
        """Table of the links between components: columns ``k``, ``component``, ``parent``, ``angle``, ``new``."""

    def families(self) -> dict[int, list[int]]:
        """Return the column in the figure of each component, for each k."""


class Spread(Protocol):
    """Protocol of the spread over repeated runs: bands of endmembers and standard deviation of abundances."""

    @property
    def lower(self) -> xr.DataArray:
        """Lower ends of the endmember bands, with the dimensions of the endmembers."""

    @property
    def upper(self) -> xr.DataArray:
        """Upper ends of the endmember bands, with the dimensions of the endmembers."""

    @property
    def deviation(self) -> xr.DataArray:
        """Standard deviations of the abundances, with their dimensions."""

    @property
    def score(self) -> xr.DataArray:
        """Stability of each component, 0 to 1."""


class Uncertainty(Protocol):
    """Protocol of a result with its spread over replicas of the noise and over restarts from other start values."""

    @property
    def answer(self) -> Factors:
        """The result to which the uncertainties belong."""

    @property
    def replicas(self) -> Spread | None:
        """Spread over runs on replicas of the data with other noise; None if there are no replicas."""

    @property
    def restarts(self) -> Spread | None:
        """Spread over runs with other start values; None if there are no restarts."""

    @property
    def lower(self) -> xr.DataArray:
        """Lower ends of the total endmember bands: noise, and the ambiguity that the data leave."""

    @property
    def upper(self) -> xr.DataArray:
        """Upper ends of the total endmember bands: noise, and the ambiguity that the data leave."""

    @property
    def deviation(self) -> xr.DataArray:
        """Standard deviations of the abundances over replicas or restarts."""

    @property
    def noise(self) -> str:
        """Noise model by which replicas were drawn."""

    @property
    def level(self) -> float:
        """Confidence level of the bands, 0 to 1."""

    @property
    def reach(self) -> object | None:
        """Distance by which equally good endmembers may differ from the result; None if it was not computed."""

    @property
    def doubt(self) -> str:
        """Reason why the bands may be unreliable; empty if no reason is known."""

    @property
    def score(self) -> xr.DataArray:
        """Stability of each component, 0 to 1."""


class Suggested(Protocol):
    """Protocol of suggested settings, as :func:`mffnb.suggest` returns them."""

    @property
    def settings(self) -> dict[str, Any]:
        """Suggested keywords, with the number of components ``k``."""

    @property
    def evidence(self) -> xr.Dataset:
        """Autocorrelation ``images`` of the images, and ``mean`` and ``variance`` of the noise of the channels."""
