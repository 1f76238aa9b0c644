"""Criteria for the number of components that need no fit: directions that are signal, and variations among them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import xarray as xr

from mffnb.component_count.counting import AFTER, count_images, count_signal, is_spatially_correlated
from mffnb.component_count.directions import WhitenedSample
from mffnb.component_count.variation import Variations, signal_images
from mffnb.geometry.coherence import SpatialImages, noise_whitened, smooth_noise
from mffnb.graphs import Graph
from mffnb.matrices import Scaled
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Float64Array


class Halves(Protocol):
    """Pairs of halves of the pixels, whose singular vectors are compared."""

    @property
    def columns(self) -> Float64Array:
        """Factors of the channels."""
        ...

    def shared_directions(self, whitened: Scaled, most: int) -> Float64Array:
        """Return the cosines between the subspaces of both halves."""
        ...


def _nothing() -> Float64Array:
    return np.empty(0)


@dataclass(frozen=True, eq=False)
class DataDirections:
    """Directions of the data: the variables ``images`` to ``straight`` of :attr:`mffnb.selection.RankScan.evidence`."""

    images: Float64Array = field(default_factory=_nothing)
    shared: Float64Array = field(default_factory=_nothing)
    variances: Float64Array = field(default_factory=_nothing)
    variations: Variations = field(default_factory=Variations.none)

    @classmethod
    def of(
        cls,
        matrix: Matrix,
        graph: Graph,
        halves: Halves | None,
        most: int,
        seed: int,
        *,
        ordered: bool,
        overlapping: bool = False,
    ) -> DataDirections:
        """Compute all criteria.

        Parameters
        ----------
        matrix
            Data matrix X, (pixels, channels), complete.
        graph
            Pixel adjacency graph.
        halves
            Pairs of halves; None leaves out ``shared``.
        most
            Number of directions.
        seed
            Seed of all random numbers.
        ordered
            Whether the channels are one axis, along which spectra can tilt and shift.
        overlapping
            Whether pixels are windows that overlap. One half of them then has the noise of the other, so that halves
            confirm nothing, and images alone are counted.
        """
        smooth = SpatialImages.of(matrix, graph, most, seed)
        whitened = Scaled(matrix, columns=np.ones(matrix.shape[1]) if halves is None else halves.columns)
        # Differences between neighbouring pixels estimate the noise only if the signal of neighbours is correlated.
        if is_spatially_correlated(smooth.ratios):
            whitened = noise_whitened(matrix, graph, seed)
        assert whitened.columns is not None
        columns = whitened.columns
        shared = np.empty(0) if halves is None or overlapping else halves.shared_directions(whitened, most)
        sample = WhitenedSample.of(matrix, columns, seed)
        confirmed = np.empty(0) if overlapping else sample.held_out_variances(most + AFTER)
        found = cls(smooth.ratios, shared, confirmed)
        count = count_signal(xr.Dataset(found.variables()))[0]
        if count.sure is None or count.sure > most:
            return found
        if count_images(smooth.ratios).sure == count.sure:
            fields = smooth_noise(graph, seed=seed) if smooth.centre > 0 else None
            variations = Variations.of(matrix, smooth.images[: count.sure], ordered=ordered, smooth=fields)
        else:
            images = signal_images(matrix, sample.factors, count.sure, seed)
            variations = Variations.of(matrix, images, ordered=ordered)
        return cls(found.images, found.shared, found.variances, variations)

    def variables(self) -> dict[str, Any]:
        """Return the variables of the evidence, each with its dimension."""
        varied = self.variations
        return {
            "images": ("image", self.images),
            "shared": ("direction", self.shared),
            "variances": ("vector", self.variances),
            "tilt": ("tilted", varied.tilt),
            "shift": ("shifted", varied.shift),
            "plain": ("tilted", varied.plain),
            "curve": ("coordinate", varied.curve),
            "straight": ("coordinate", varied.straight),
        }

    def coordinates(self) -> dict[str, list[int]]:
        """Return numbers from 1 for the images, directions and vectors."""
        sizes = {"image": self.images, "direction": self.shared, "vector": self.variances}
        return {name: list(range(1, len(values) + 1)) for name, values in sizes.items()}
