"""Abundances that the user of an explorer knows in a region: a component is absent, pure, or of a known fraction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import xarray as xr

from mffnb.constraints import Fixed
from mffnb.problem.compatibility import as_terms
from mffnb.protocols.terms import Term
from mffnb.unmixing.physics import number_named


@dataclass(frozen=True, eq=False)
class FixedRegion:
    """Known fraction of one component in a region.

    Attributes
    ----------
    component
        Persistent number of the component.
    region
        Name of the region.
    mask
        True for its pixels (pixel dims).
    fraction
        0 where the component is absent, 1 where it is pure, or a fraction between them.
    """

    component: int
    region: str
    mask: xr.DataArray
    fraction: float

    def __eq__(self, other: object) -> bool:
        """Whether another object says the same of the same pixels."""
        return isinstance(other, FixedRegion) and self._key == other._key and bool(self.mask.equals(other.mask))

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[int, str, float]:
        return self.component, self.region, self.fraction

    @property
    def term(self) -> Fixed:
        """The constraint of the library; its component is the persistent number."""
        return Fixed(self.component, self.mask, self.fraction)

    @property
    def words(self) -> str:
        """What is known, as text: ``component 1 absent in R1``."""
        what = {0.0: "absent", 1.0: "pure"}.get(self.fraction, f"fixed to {self.fraction:.4g}")
        return f"component {self.component} {what} in {self.region}"

    def as_dict(self) -> dict[str, Any]:
        """Return component, region and fraction, for the page."""
        return {"component": self.component, "region": self.region, "fraction": self.fraction}


def with_region(
    fixed: Sequence[FixedRegion], component: int, region: str, mask: xr.DataArray, fraction: float | None
) -> tuple[FixedRegion, ...]:
    """Return what is known with another fraction of a component in a region; None says that it is not known."""
    others = tuple(one for one in fixed if (one.component, one.region) != (component, region))
    if fraction is None:
        return others
    return (*others, FixedRegion(component, region, mask.drop_vars(list(mask.coords)), fraction))


def redrawn(fixed: Sequence[FixedRegion], region: str, mask: xr.DataArray | None) -> tuple[FixedRegion, ...]:
    """Return what is known with other pixels in a region; without the region if the mask is None."""
    if mask is None:
        return tuple(one for one in fixed if one.region != region)
    pixels = mask.drop_vars(list(mask.coords))
    return tuple(replace(one, mask=pixels) if one.region == region else one for one in fixed)


def renamed(fixed: Sequence[FixedRegion], region: str, new: str) -> tuple[FixedRegion, ...]:
    """Return what is known with another name of a region."""
    return tuple(replace(one, region=new) if one.region == region else one for one in fixed)


def fixed_numbers(terms: Iterable[Term]) -> tuple[int, ...]:
    """Return the numbers of the components with known abundances, each once."""
    found = [term.component for term in terms if isinstance(term, Fixed) and not isinstance(term.component, str)]
    return tuple(dict.fromkeys(found))


def by_number(terms: Iterable[Term], known: Any) -> tuple[Term, ...]:
    """Return terms in which known abundances have the number of a known spectrum in place of its name."""
    return tuple(
        replace(term, component=number_named(term.component, known)) if isinstance(term, Fixed) else term
        for term in as_terms(terms)
    )


def on_rows(terms: Iterable[Term], names: Sequence[int]) -> tuple[Term, ...]:
    """Return terms in which known abundances name the row of their component in the solver, not its number."""
    return tuple(
        replace(term, component=names.index(int(term.component))) if isinstance(term, Fixed) else term for term in terms
    )


def first_rows(k: int, held: Sequence[int], fixed: Sequence[int], before: Sequence[int] = ()) -> tuple[int, ...]:
    """Return the numbers of the components of a run from the data, by row: held ones first, the others ascending.

    They are those of the state before, if it has as many components and all that are held or have known abundances.

    Raises
    ------
    ValueError
        If there are more such components than k.

    Examples
    --------
    >>> first_rows(3, [], [5]), first_rows(3, [2], [5]), first_rows(3, [], [5], before=[0, 5, 7])
    ((0, 1, 5), (2, 0, 5), (0, 5, 7))
    """
    needed = {*held, *fixed}
    if len(needed) > k:
        raise ValueError(
            f"k = {k} is less than the number of components that are held or have known abundances, {len(needed)}: "
            "raise k, or release one"
        )
    numbers = set(before) if len(before) == k and needed <= set(before) else needed
    free = (number for number in range(k + len(needed)) if number not in numbers)
    numbers = {*numbers, *(next(free) for _ in range(k - len(numbers)))}
    return (*held, *sorted(numbers - set(held)))
