"""What the evidence for k comes to."""

from __future__ import annotations

from dataclasses import dataclass

import xarray as xr


@dataclass(frozen=True)
class Recommendation:
    """A number of components, or why there is none.

    Attributes
    ----------
    k
        The number; None where the data do not tell.
    between
        The smallest and the largest that are left; both k where it is one.
    reasons
        What speaks for and against, a sentence each.
    """

    k: int | None
    between: tuple[int, int]
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        """The answer and its reasons in one line."""
        low, high = self.between
        head = f"k = {self.k}" if self.k is not None else f"cannot tell, between {low} and {high}"
        return f"{head}: {'; '.join(self.reasons)}"


def recommend(evidence: xr.Dataset) -> Recommendation:
    """Placeholder."""
    r = evidence.images.values
    k = int((r > 2).sum())
    return Recommendation(k, (k, k), (f"{k} images stand above the noise",))
