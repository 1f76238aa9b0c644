"""Protocols of what figures show: labelled arrays by name, so that plots know no result class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import pandas as pd
import xarray as xr


class Factors(Protocol):
    """Endmembers and abundance maps."""

    @property
    def endmembers(self) -> xr.DataArray:
        """Spectra, ("component", channel dims)."""

    @property
    def abundances(self) -> xr.DataArray:
        """Maps, ("component", pixel dims)."""


class Fit(Factors, Protocol):
    """Factors that can be compared with the data."""

    def residual(self, cube: Any = None) -> xr.DataArray:
        """Return the data minus the model, (pixel dims, channel dims)."""


class Advice(Protocol):
    """A recommended number of components."""

    @property
    def k(self) -> int | None:
        """The number; None where the data do not determine it."""

    @property
    def between(self) -> tuple[int, int]:
        """Smallest and largest number that the data allow."""


class RankEvidence(Protocol):
    """Criteria for the number of components."""

    @property
    def evidence(self) -> xr.Dataset:
        """One variable over ``k`` for each criterion."""

    @property
    def ks(self) -> list[int]:
        """The numbers of components."""

    def recommend(self) -> Advice:
        """Return the recommendation."""


class ComponentTree(Protocol):
    """Results for several k, linked by the component that each component splits from."""

    @property
    def results(self) -> Mapping[int, Factors]:
        """The result for each k."""

    @property
    def links(self) -> pd.DataFrame:
        """One row for each link: ``k``, ``component``, ``parent``, ``angle``, ``new``."""

    def families(self) -> dict[int, list[int]]:
        """Return the column of each component, for each k."""


class Spread(Protocol):
    """Bands of endmembers and deviation of abundances over repeated runs."""

    @property
    def lower(self) -> xr.DataArray:
        """Lower ends of the bands, like the endmembers."""

    @property
    def upper(self) -> xr.DataArray:
        """Upper ends of the bands."""

    @property
    def deviation(self) -> xr.DataArray:
        """Standard deviations, like the abundances."""

    @property
    def score(self) -> xr.DataArray:
        """Stability of each component, 0 to 1."""


class Uncertainty(Protocol):
    """A result with its spread over replicas of the noise and over restarts."""

    @property
    def answer(self) -> Factors:
        """The result."""

    @property
    def replicas(self) -> Spread | None:
        """Spread over replicas; None without any."""

    @property
    def restarts(self) -> Spread | None:
        """Spread over restarts; None without any."""

    @property
    def lower(self) -> xr.DataArray:
        """Lower ends of the bands of noise and of what the data leave undetermined."""

    @property
    def upper(self) -> xr.DataArray:
        """Upper ends of those bands."""

    @property
    def deviation(self) -> xr.DataArray:
        """Standard deviations of the abundances."""

    @property
    def noise(self) -> str:
        """How replicas were drawn."""

    @property
    def level(self) -> float:
        """Level of the bands."""

    @property
    def reach(self) -> object | None:
        """How far the data leave endmembers undetermined; None where that was not computed."""

    @property
    def doubt(self) -> str:
        """Why bands may be wrong; empty where nothing speaks against them."""

    @property
    def score(self) -> xr.DataArray:
        """Stability of each component, 0 to 1."""
