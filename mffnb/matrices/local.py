"""What matrices share that lie in one process whole."""

from __future__ import annotations

from abc import ABC, abstractmethod

from mffnb.typing import Float64Array


class Local(ABC):
    """All rows are here, and a sum over rows is complete as it stands."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""

    @property
    def own(self) -> slice:
        """The rows that are here: all."""
        return slice(0, self.shape[0])

    def total(self, part: Float64Array) -> Float64Array:
        """Sum over all rows from the sum over the rows here: the same."""
        return part
