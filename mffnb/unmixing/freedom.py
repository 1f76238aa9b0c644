"""Freedom of a result: how far each endmember can turn without a worse fit, with labels and in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import xarray as xr

from mffnb.cubes.pixel_rows import is_in_memory
from mffnb.errors import UnsupportedCombinationError
from mffnb.geometry.freedom import EntryNoise, Rotations, RotationSearch, pattern_of_subspace
from mffnb.geometry.noise_angles import noise_angles
from mffnb.typing import Array, Float64Array
from mffnb.unmixing.record import in_force

_RESIDUALS = 1000  # number of pixels whose residual gives the noise
PATTERN = 1.25
"""Pattern in the residual, relative to that of plain noise, above which the model lacks something.

On 80 simulated scenes (``python -m benchmarks accuracy.freedom --seed 2``) 1 % were above it with the true number of
components, and 70 % with one less.
"""
MODEL_PATTERN = 1.2
"""Pattern in the residual, relative to that of the best subspace, above which constraints or penalties do not fit."""
NOISE = 0.1
"""Angle (rad) by noise above which a range that is smaller is doubted."""
_REQUESTS = {
    "sum_to_one": "the sum of one",
    "gain": "the sum of one up to a gain",
    "volume": "the volume",
    "sparsity": "the sparsity",
    "smoothness": "the smoothness",
    "known": "the known spectra",
    "terms": "your own terms",
}
_WEIGHTED = ("volume", "sparsity", "smoothness")
_CHOOSERS = {
    "volume": "the smallest volume chose these spectra",
    "sparsity": "the sparsity penalty chose these spectra, and may leave less",
    "smoothness": "the smoothness penalty chose these spectra",
    "terms": "your own terms chose these spectra, and may leave less",
}


@dataclass(frozen=True, eq=False)
class Freedom:
    """How far each endmember could turn: other non-negative factors fit the data as well, within the noise.

    It is a range, not a confidence interval, and an inner approximation: a longer walk may find more. It contains what
    the data leave open if the number of components, the noise and the linear model are right; ``pattern`` tests that.

    Attributes
    ----------
    angle
        Largest angle (rad) to another possible spectrum, ("component",); NaN for a component that is zero everywhere.
    pairs
        The same if only one other endmember is mixed with it, (component,).
    partner
        Number of the component with which it can be mixed farthest, ("component",); -1 if there is none.
    lower, upper
        Smallest and largest value of each endmember in the possible factors that were met, with the dimensions and in
        the units of the endmembers.
    moves
        Number of moves of the walk that found them.
    pattern
        Largest pattern in the residual, relative to that of plain noise; well above 1 if the model lacks something.
    chosen_by
        What chose these endmembers among the possible ones, for example the volume, and whether the range respects the
        sparsity; empty if there is no penalty.
    noise
        Angle (rad) by which the noise of the data turns each endmember for these maps, ("component",), see
        :func:`mffnb.geometry.noise_angles.noise_angles`; NaN for a component that is zero everywhere, None in older
        files.
    """

    angle: xr.DataArray
    pairs: xr.DataArray
    partner: xr.DataArray
    lower: xr.DataArray
    upper: xr.DataArray
    moves: int
    pattern: float
    chosen_by: str = ""
    subspace_pattern: float = np.nan
    requested: str = ""
    noise: xr.DataArray | None = None

    STORED: ClassVar[tuple[str, ...]] = tuple(
        f"freedom_{name}" for name in ("angle", "pairs", "partner", "lower", "upper")
    )
    """Names of the arrays of :meth:`arrays`."""
    _LATER: ClassVar[dict[str, Any]] = {"subspace_pattern": np.nan, "requested": ""}  # missing in older files

    def arrays(self) -> dict[str, xr.DataArray]:
        """Return the arrays for a file, with the numbers and the text as attributes of the first one."""
        arrays = {name: getattr(self, name.removeprefix("freedom_")) for name in self.STORED}
        about = {name: getattr(self, name) for name in ("moves", "pattern", "chosen_by", *self._LATER)}
        if self.noise is not None:
            about["noise"] = " ".join(map(str, self.noise.values.tolist()))
        return arrays | {"freedom_angle": self.angle.assign_attrs(about)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, xr.DataArray]) -> Freedom | None:
        """Return the freedom from the arrays of a file; None if the file holds none."""
        if not set(cls.STORED) <= set(arrays):
            return None
        found = {name: arrays[name].rename(name.removeprefix("freedom_")) for name in cls.STORED}
        about = found["freedom_angle"].attrs
        moves, pattern, chosen_by = (about.pop(name) for name in ("moves", "pattern", "chosen_by"))
        subspace, requested = (about.pop(name, missing) for name, missing in cls._LATER.items())
        angle, pairs, partner, lower, upper = found.values()
        turned = about.pop("noise", None)
        noise = None if turned is None else angle.copy(data=np.array(turned.split(), np.float64)).rename("noise")
        numbers = int(moves), float(pattern), str(chosen_by), float(subspace), str(requested)
        return cls(angle, pairs, partner, lower, upper, *numbers, noise)

    @property
    def in_degrees(self) -> list[int]:
        """The angles in whole degrees, rounded up, for text; without components that are zero everywhere."""
        return [int(np.ceil(np.rad2deg(one))) for one in self.angle.values if np.isfinite(one)]

    @property
    def doubt(self) -> str:
        """Sentence on what the range may not contain; empty if the residual looks like noise that is small enough."""
        return self._doubt_of_model or self._doubt_of_noise  # a residual with a pattern is more than noise

    @property
    def _doubt_of_noise(self) -> str:
        """Sentence on spectra that noise turns farther than the range says."""
        if self.noise is None:
            return ""
        beyond = np.flatnonzero(self.noise.values > np.maximum(np.nan_to_num(self.angle.values), NOISE))  # no NaN
        if not beyond.size:
            return ""
        angles = ", ".join(f"{np.rad2deg(self.noise.values[one]):.0f}" for one in beyond)
        return (
            f"noise alone turns component{'s' * (beyond.size > 1)} {', '.join(map(str, beyond))} by about {angles} "
            "degrees, more than this range: average pixels, or use fewer components"
        )

    @property
    def _doubt_of_model(self) -> str:
        """Sentence on a pattern in the residual."""
        if self.subspace_pattern <= min(PATTERN, self.pattern / MODEL_PATTERN):  # never for NaN
            return (
                f"without {self.requested}, as many components leave a residual with a pattern "
                f"{self.pattern / self.subspace_pattern:.1f} times smaller: {_advice(self.requested)}"
            )
        if self.pattern <= PATTERN:
            return ""
        return (
            f"the residual has a pattern {self.pattern:.1f} times as large as that of noise: "
            "true spectra may be outside of this range, look at the residual or try another k"
        )

    @property
    def sentence(self) -> str:
        """The angles as a phrase."""
        return f"spectra could turn by up to {', '.join(map(str, self.in_degrees))} degrees"

    @property
    def remarks(self) -> tuple[str, ...]:
        """The angles, and what the range may not contain: the sentences in the ``repr`` of a result and in figures."""
        return tuple(filter(None, (self.sentence, self.doubt)))

    @property
    def note(self) -> str:
        """The remarks as lines above the spectra of a figure, whose pale band is this range."""
        angles, *others = self.remarks
        return "\n".join([f"pale: {angles} and fit as well", *others])

    def __str__(self) -> str:
        """Return the freedom, what chose these spectra, and what the range may not contain."""
        return "; ".join(part for part in (f"{self.sentence} and fit as well", self.chosen_by, self.doubt) if part)

    def labelled(self, change: Callable[[xr.DataArray], xr.DataArray]) -> Freedom:
        """Return the same freedom after a change of the coordinates of its components."""
        angle, pairs, partner = (change(one) for one in (self.angle, self.pairs, self.partner))
        noise = None if self.noise is None else change(self.noise)
        return replace(
            self, angle=angle, pairs=pairs, partner=partner, lower=change(self.lower), upper=change(self.upper),
            noise=noise,
        )  # fmt: skip

    def converted(self, physical: Callable[[xr.DataArray], xr.DataArray]) -> Freedom:
        """Return the same freedom with its bands in other units, for example those of the data before preprocessing."""
        one, other = physical(self.lower), physical(self.upper)
        low, high = np.minimum(one.values, other.values), np.maximum(one.values, other.values)
        return replace(self, lower=one.copy(data=low).rename("lower"), upper=one.copy(data=high).rename("upper"))


def _advice(requested: str) -> str:
    """Return what may cause a residual that the requested constraints and penalties leave, and what to do."""
    parts = requested.split(" and ")
    strong = [text for name, text in _REQUESTS.items() if name in _WEIGHTED and text in parts]
    strict = [text for text in parts if text not in strong]
    if not strong:
        return "compare with a result without, or with less"
    weight = f"the weight of {' or '.join(strong)} may be too high, so lower it first"
    if not strict:
        return f"{weight}, and compare"
    return f"{weight}; if this pattern stays, {' or '.join(strict)} may not hold, so compare with a result without"


def freedom_of(
    endmembers: xr.DataArray,
    abundances: xr.DataArray,
    data: xr.DataArray,
    parameters: Mapping[str, Any],
    gain: xr.DataArray | None = None,
    moves: int | None = None,
) -> Freedom:
    """Compute the freedom of labelled factors; see :func:`growing_freedom_of` for the parameters."""
    *_, found = growing_freedom_of(endmembers, abundances, data, parameters, gain, moves)
    assert found is not None, "the last step returns the freedom"
    return found()


def growing_freedom_of(
    endmembers: xr.DataArray,
    abundances: xr.DataArray,
    data: xr.DataArray,
    parameters: Mapping[str, Any],
    gain: xr.DataArray | None = None,
    moves: int | None = None,
) -> Iterator[Callable[[], Freedom] | None]:
    """Compute the freedom of labelled factors in steps of some milliseconds; yield functions that return it so far.

    There is nothing to return (None) before each endmember has been mixed with each other one.

    Parameters
    ----------
    endmembers, abundances, gain
        Factors, ("component", channel dims), ("component", pixel dims) and (pixel dims); NaN where masked.
    data
        The image that they model, which need not be in memory; NaN where values are missing.
    parameters
        Record of the run.
    moves
        Number of moves of the walk, see :func:`mffnb.geometry.freedom.rotations`.
    """
    parameters = in_force(parameters)
    k = len(endmembers)
    E, A = (one.values.reshape(k, -1).astype(np.float64) for one in (endmembers, abundances))
    channels, pixels = (np.asarray(np.isfinite(one).all(axis=0)) for one in (E, A))
    E, A = E[:, channels], A[:, pixels]
    if gain is not None:
        A = A * gain.values.ravel()[pixels]
    signal = A.T @ E.sum(axis=1)
    mean = float(signal.mean()) if signal.size else 0.0
    used = np.flatnonzero((np.abs(E).max(axis=1, initial=0.0) > 0) & (np.abs(A).max(axis=1, initial=0.0) > 0))
    sampled = np.arange(0, A.shape[1], max(1, A.shape[1] // _RESIDUALS))
    dims = abundances.dims[1:], endmembers.dims[1:]
    residuals = _rows(data, *dims, np.flatnonzero(pixels)[sampled])[:, channels] - A[:, sampled].T @ E
    relative = signal / mean if mean > 0 else np.ones(len(signal))
    noise = EntryNoise.of(residuals, sampled, relative)
    fixed = [int(np.flatnonzero(used == one)[0]) for one in range(int(parameters.get("known") or 0)) if one in used]
    pattern = noise.pattern(residuals, sampled)
    turned = np.full(k, np.nan)
    turned[used] = noise_angles(A[used], E[used], noise)
    turned[: int(parameters.get("known") or 0)] = 0.0
    requested = [text for name, text in _REQUESTS.items() if parameters.get(name)]
    subspace = np.nan
    if requested and len(used):
        seen = A[:, sampled].T @ E + np.where(np.isnan(residuals), 0.0, residuals)
        subspace = pattern_of_subspace(seen, sampled, relative, len(used))
    search = RotationSearch(
        A[used],
        E[used],
        noise,
        fixed=fixed,
        signed=bool((E < 0).any()),
        fractions=bool(parameters.get("sum_to_one")),
        growth=_growth(parameters, A[used], E[used], noise) if len(used) else np.inf,
        moves=moves,
    )

    def so_far() -> Freedom:
        found = _labelled(search.found, endmembers, used, channels, pattern, parameters)
        by_noise = found.angle.copy(data=turned).rename("noise").assign_attrs(units="rad", long_name="angle by noise")
        return replace(found, subspace_pattern=subspace, requested=" and ".join(requested), noise=by_noise)

    for begun in search.steps():
        yield so_far if begun else None
    yield so_far


def _rows(data: xr.DataArray, pixels: tuple[Any, ...], channels: tuple[Any, ...], numbers: Array) -> Float64Array:
    """Return some pixels of an image, (some, channels); no others are loaded."""
    where = np.unravel_index(numbers, [data.sizes[name] for name in pixels])
    if not is_in_memory(data) and data.chunks is None:  # one by one: a file would be read from the first to the last
        each = (data.isel(dict(zip(pixels, map(int, index), strict=True))) for index in zip(*where, strict=True))
        return np.stack([np.asarray(one.transpose(*channels).values, np.float64).ravel() for one in each])
    picked = data.isel({name: xr.DataArray(index, dims="pixel") for name, index in zip(pixels, where, strict=True)})
    return np.asarray(picked.transpose("pixel", *channels).values, dtype=np.float64).reshape(len(numbers), -1)


def _labelled(
    found: Rotations, endmembers: xr.DataArray, used: Array, channels: Array, pattern: float, parameters: Any
) -> Freedom:
    """Return rotations with the labels of all endmembers."""
    each = endmembers.isel(dict.fromkeys(endmembers.dims[1:], 0), drop=True)

    def of_components(values: Array, empty: float, name: str) -> xr.DataArray:
        whole = np.full(len(endmembers), empty)
        whole[used] = values
        return each.copy(data=whole).rename(name).assign_attrs(units="rad", long_name=name)

    def of_spectra(values: Array, name: str) -> xr.DataArray:
        whole = endmembers.values.reshape(len(endmembers), -1).astype(np.float64)
        whole[np.ix_(used, np.flatnonzero(channels))] = values
        return endmembers.copy(data=whole.reshape(endmembers.shape)).rename(name)

    partners = np.where(found.partners < 0, -1, used[np.maximum(found.partners, 0)]) if len(used) else found.partners
    partner = of_components(partners, -1, "partner").astype(int)
    partner.attrs = {}
    return Freedom(
        angle=of_components(found.angles, np.nan, "freedom"),
        pairs=of_components(found.pairs, np.nan, "freedom of pairs"),
        partner=partner,
        lower=of_spectra(found.lower, "lower"),
        upper=of_spectra(found.upper, "upper"),
        moves=found.moves,
        pattern=pattern,
        chosen_by=_chosen_by(parameters),
    )


def _chosen_by(parameters: Mapping[str, Any]) -> str:
    """Return what chose these spectra among those that fit as well, and whether the range respects the sparsity."""
    found = {name: text for name, text in _CHOOSERS.items() if parameters.get(name)}
    if _limits_sparsity(parameters):
        found["sparsity"] = "the range respects the sparsity penalty"
    return "; ".join(found.values())


def _limits_sparsity(parameters: Mapping[str, Any]) -> bool:
    """Whether a sparsity penalty is in force in an objective whose scale follows from the factors."""
    known = parameters.get("similarity") in ("frobenius", "kl") and parameters.get("weights") is None
    return bool(parameters.get("sparsity")) and known and not parameters.get("terms")


def _growth(parameters: Mapping[str, Any], A: Float64Array, E: Float64Array, noise: EntryNoise) -> float:
    r"""Return the growth of the L1 norm of the maps that noise explains, relative to their L1 norm.

    The objective of the true factors exceeds that of the fitted ones by about :math:`\sigma^2 d / 2`, with d degrees of
    freedom, since the fit follows the noise of variance :math:`\sigma^2`. Maps whose penalty is higher by less than
    this cannot be told from the fitted ones.
    """
    if not _limits_sparsity(parameters):
        return np.inf
    k, n = A.shape
    variance = float(noise.pixels.mean() * noise.channels.sum())  # of a pixel, summed over its channels
    mean = float(A.sum(axis=1) @ E.sum(axis=1)) / n
    square = float(np.vdot(A @ A.T, E @ E.T)) / n + variance
    # Data are scaled to a mean pixel sum (counts) or a mean squared norm of 1. Counts have the variance of their mean.
    counts = parameters["similarity"] == "kl"
    scale, single = (1 / mean, variance / mean**2) if counts else (square**-0.5, variance / square / E.shape[1])
    norm = float(np.linalg.norm(E, axis=1) @ A.sum(axis=1))
    return float(k * (n + E.shape[1] - k) * single / 2 / (float(parameters["sparsity"]) * scale * norm))


def check_freedom(parameters: Mapping[str, Any], *, has_data: bool, whole: bool) -> None:
    """Refuse results whose freedom is not defined or cannot be computed.

    Raises
    ------
    UnsupportedCombinationError
        If there is a transformation, or the maps are the rows of one rank.
    ValueError
        If the result does not hold its data.
    """
    if parameters.get("transform") not in (None, "identity"):
        raise UnsupportedCombinationError("the freedom of spectra is defined for the linear model: leave out transform")
    if parameters.get("tie") is not None:
        raise UnsupportedCombinationError("the freedom is defined for spectra that all images share: leave out tie")
    if not whole:
        raise UnsupportedCombinationError("the freedom of spectra needs all pixels: use gather=True")
    if not has_data:
        raise ValueError("a result loaded from a file does not hold its cube: ask for result.freedom before saving it")
