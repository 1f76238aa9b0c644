"""Chains of preprocessing steps, and their inverse for endmembers, abundances and reconstruction."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import xarray as xr

from mffnb.cubes.layout import channel_names
from mffnb.cubes.missing import check_infinite
from mffnb.matrices.cancellation import check_cancelled, checked
from mffnb.preprocessing.row_blocks import count_infinite
from mffnb.preprocessing.step import Fitted, Step, derived_classes
from mffnb.preprocessing.step_results import (
    check_steps,
    fitted_step,
    inverted,
    physical_abundances,
    physical_endmembers,
    transformed,
)
from mffnb.preprocessing.storage import from_plain, plain

__all__ = ["Chain", "Processed", "fit_chain", "steps_from"]

_LABELS = ("units", "long_name")
_RENAMED = {"Scaled": "AffineScaling"}  # class names in files of older versions, and their present names


@dataclass(frozen=True, eq=False)
class Chain:
    """Fitted steps in the order they were applied. Build it with :func:`fit_chain`.

    The inverse undoes the steps from the last to the first; it ends at a :class:`SlidingFFT`, which has no inverse.
    Steps that are not undone, such as crops and bins, are left: results stay on the cropped and binned grid.

    Attributes
    ----------
    steps, fitted
        The steps, and the fitted state of each.
    channel
        Channel dimensions after the last step.
    labels
        Units and long name of the data that the inverse returns.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> from mffnb.preprocessing import Log1p, fit_chain
    >>> cube = xr.DataArray(np.arange(1.0, 61).reshape(3, 4, 5), dims=("y", "x", "energy"))
    >>> processed, chain = fit_chain(cube, [Log1p()])
    >>> chain.bends, chain.channel, bool(np.allclose(chain.inverse(processed), cube))
    (True, ('energy',), True)
    """

    steps: tuple[Step, ...]
    fitted: tuple[Fitted, ...]
    channel: tuple[Hashable, ...]
    labels: dict[str, Any]

    @property
    def signed(self) -> bool:
        """Whether processed data can be negative although the cube is not."""
        return any(step.signed for step in self._undone_steps)

    @property
    def centred(self) -> bool:
        """Whether an offset was subtracted, so that zero no longer means absence of signal and NMF is meaningless."""
        return any(step.centred for step in self._undone_steps)

    @property
    def stabilizes(self) -> bool:
        """Whether the variance of counts was stabilised, so that a Poisson likelihood would be wrong."""
        return any(step.stabilizes for step in self._undone_steps)

    @property
    def bends(self) -> bool:
        """Whether a step is non-linear, so that the reconstruction is ``inverse(a e)`` of processed factors."""
        return any(step.bends for step in self._undone_steps)

    def transform(self, cube: xr.DataArray) -> xr.DataArray:
        """Apply all fitted steps to the cube that the chain was fitted to, or to a cube on the same grid."""
        for fitted in self.fitted:
            cube = transformed(fitted, cube)
        return cube

    def target(self, cube: xr.DataArray) -> xr.DataArray:
        """Return the data on the grid and in the units of :meth:`inverse`, to compare them with a reconstruction.

        These data are the cube after all steps that are not undone, such as crops and bins, or its sliding FFT.
        """
        begin = self._last_without_inverse + 1
        for fitted in self.fitted[:begin]:
            cube = transformed(fitted, cube)
        for step, fitted in zip(self.steps[begin:], self.fitted[begin:], strict=True):
            if not step.undone:
                cube = transformed(fitted, cube)
        return cube

    def inverse(self, cube: xr.DataArray) -> xr.DataArray:
        """Convert a processed cube, or a product of processed factors, to physical units."""
        for fitted in self._way_back():
            cube = inverted(fitted, cube)
        return self._labelled(cube)

    def endmembers(self, endmembers: xr.DataArray) -> xr.DataArray:
        """Convert processed spectra ("component", channel dims) to physical units."""
        for fitted in self._way_back():
            endmembers = physical_endmembers(fitted, endmembers)
        return self._labelled(endmembers)

    def abundances(self, abundances: xr.DataArray) -> xr.DataArray:
        """Convert processed maps ("component", pixel dims) to maps of the physical cube."""
        for fitted in self._way_back():
            abundances = physical_abundances(fitted, abundances)
        return abundances

    def prepare_endmembers(self, endmembers: xr.DataArray) -> xr.DataArray:
        """Convert physical spectra (known ones, or a start) on the processed grid to spectra of the processed cube."""
        for fitted in reversed(list(self._way_back())):
            endmembers = fitted.prepare_endmembers(endmembers)
        return endmembers

    def prepare_abundances(self, abundances: xr.DataArray) -> xr.DataArray:
        """Convert physical maps on the processed grid to maps of the processed cube."""
        for fitted in reversed(list(self._way_back())):
            abundances = fitted.prepare_abundances(abundances)
        return abundances

    def prepare_known(self, spectra: xr.DataArray) -> xr.DataArray:
        """Convert known spectra, in the units and on the grid of the cube, to those of the processed cube.

        Raises
        ------
        ValueError
            If a step has no exact rule; the message names it.
        """
        for fitted in self.fitted:
            spectra = fitted.prepare_known(spectra)
        return spectra

    def prepare_weights(self, weights: xr.DataArray) -> xr.DataArray:
        """Convert weights on the grid of the cube to weights on the grid of the processed cube.

        Raises
        ------
        ValueError
            If a step has no exact rule; the message names it.
        """
        for fitted in self.fitted:
            weights = fitted.prepare_weights(weights)
        return weights

    @property
    def alters_data(self) -> bool:
        """Whether results describe other data than the cube: a step that is not undone has changed values or grid."""
        return any(not (step.undone or step.selects) for step in self.steps)

    @property
    def scaling_of_pixels(self) -> str | None:
        """Name of a step that divides each pixel by a scale of this pixel, such as its sum; None if there is none."""
        pairs = zip(self.steps, self.fitted, strict=True)
        return next((type(step).__name__ for step, fitted in pairs if fitted.scales_pixels), None)

    def describe(self) -> list[dict[str, Any]]:
        """Return names and parameters of the steps as JSON-compatible values, which :func:`steps_from` reads.

        A step whose fit finds numbers in the data, such as the number of spikes, has them as "found".
        """
        described = []
        for i, step in enumerate(self.steps):
            one = plain(step, {})
            found = self.fitted[i].found if i < len(self.fitted) else {}
            described.append({"step": one["type"], "parameters": one["fields"]} | ({"found": found} if found else {}))
        return described

    def to_dataset(self) -> xr.Dataset:
        """Return steps and fitted states as a dataset of arrays and one JSON attribute, with unique dimension names."""
        arrays: dict[str, xr.Variable] = {}
        parts = {
            "steps": [plain(step, {}) for step in self.steps],
            "fitted": [plain(fitted, arrays, f"preprocessing_{i}") for i, fitted in enumerate(self.fitted)],
            "channel": [str(name) for name in self.channel],
            "labels": {key: str(value) for key, value in self.labels.items()},
        }
        return xr.Dataset(arrays, attrs={"preprocessing": json.dumps(parts)})

    @classmethod
    def from_dataset(cls, dataset: xr.Dataset, known: Iterable[type] = ()) -> Chain:
        """Return the chain that :meth:`to_dataset` stored; other variables and attributes of the dataset are ignored.

        Parameters
        ----------
        dataset
            Dataset with the arrays and the attribute "preprocessing".
        known
            Classes of steps and fitted states that are not part of this package.

        Raises
        ------
        ValueError
            If the dataset holds no chain, or a step of an unknown class.
        """
        if "preprocessing" not in dataset.attrs:
            raise ValueError("the dataset holds no preprocessing: it was not written by Chain.to_dataset")
        parts = json.loads(dataset.attrs["preprocessing"])
        classes = derived_classes(Step) | derived_classes(Fitted) | {one.__name__: one for one in known}
        classes |= {older: classes[name] for older, name in _RENAMED.items()}
        steps = from_plain(parts["steps"], {}, classes)
        fitted = from_plain(parts["fitted"], dataset.variables, classes)
        return cls(steps, fitted, tuple(parts["channel"]), parts["labels"])

    @property
    def _last_without_inverse(self) -> int:
        """Index of the last step without an inverse, such as :class:`SlidingFFT`; -1 if there is none."""
        return max((i for i, fitted in enumerate(self.fitted) if fitted.new_channel is not None), default=-1)

    @property
    def _undone_steps(self) -> tuple[Step, ...]:
        """Steps that the inverse of the chain undoes: those after the last step without an inverse."""
        return self.steps[self._last_without_inverse + 1 :]

    def _way_back(self) -> Iterator[Fitted]:
        """Return the fitted steps in inverse order, each cropped to the grid of the later crops."""
        later: list[Mapping[Hashable, slice]] = []
        begin = self._last_without_inverse + 1
        for step, fitted in reversed(list(zip(self.steps[begin:], self.fitted[begin:], strict=True))):
            if fitted.selected is not None:
                later.insert(0, fitted.selected)
            if not step.undone:
                continue
            for positions in later:
                fitted = fitted.cropped(positions)  # noqa: PLW2901  the same, for what is left
            yield fitted

    def _labelled(self, array: xr.DataArray) -> xr.DataArray:
        """Return the array with the units and long name of physical values."""
        return array.assign_attrs(self.labels) if self.fitted else array


class Processed(NamedTuple):
    """Result of :func:`fit_chain`: the processed cube, and the fitted chain with which it was processed.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> from mffnb.preprocessing import Crop, fit_chain
    >>> cube = xr.DataArray(np.ones((3, 4, 5)), dims=("y", "x", "energy"), coords={"energy": np.arange(5.0)})
    >>> found = fit_chain(cube, [Crop({"energy": (1, 3)})])
    >>> found.cube.sizes["energy"], len(found.chain.steps)
    (3, 1)
    """

    cube: xr.DataArray
    chain: Chain


def fit_chain(cube: xr.DataArray, steps: Sequence[Step], channel: str | Sequence[str] | None = None) -> Processed:
    """Fit and apply steps in sequence, each to the output of the step before.

    NaN marks missing values: they stay NaN and are ignored by fits. Lazy cubes stay lazy, but small states (means,
    extremes, fits) are computed with one pass over the cube per step, and an image for :class:`SlidingFFT` is read into
    memory.

    Parameters
    ----------
    cube
        Labelled spectral image, or an image for a :class:`SlidingFFT`. It is not modified.
    steps
        Steps of :mod:`mffnb.preprocessing`, or objects with the same methods.
    channel
        Name(s) of the channel dimension(s); None for the last one. An image has no channel dimension.

    Raises
    ------
    TypeError
        If an item of ``steps`` is not a preprocessing step.
    ValueError
        If a step does not suit the data or its position in the chain, or the data hold infinite values; the message
        says what to do.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> from mffnb.preprocessing import Crop, UnitSum
    >>> cube = xr.DataArray(np.arange(1.0, 61).reshape(3, 4, 5), dims=("y", "x", "energy"))
    >>> processed, chain = fit_chain(cube, [Crop({"energy": slice(1, 5)}), UnitSum()])
    >>> chain.describe()[1]
    {'step': 'UnitSum', 'parameters': {}}
    >>> bool(np.allclose(chain.inverse(processed), cube[..., 1:]))
    True
    """
    before, chain, last = fit_without_last(cube, steps, channel)
    return Processed(before if last is None else transformed(last, before), chain)


def fit_without_last(
    cube: xr.DataArray, steps: Sequence[Step], channel: str | Sequence[str] | None = None
) -> tuple[xr.DataArray, Chain, Fitted | None]:
    """Fit steps in sequence as :func:`fit_chain` does, and apply all but the last one.

    Returns the cube before the last step, the chain, and the fitted last step; None if there are no steps.
    """
    check_steps(steps)
    image = any(step.takes_image for step in steps) and channel is None
    names = () if image else channel_names(cube, channel)
    labels = _labels(cube)
    fitted: list[Fitted] = []
    for i, step in enumerate(checked(steps)):
        if not (step.undone or step.selects):
            _check_is_early(step, steps[:i], fitted)
        if not step.selects and all(before.selects for before in steps[:i]):
            check_infinite(count_infinite(cube))
        fitted.append(fitted_step(step, cube, names))
        check_cancelled()
        last = i == len(steps) - 1 and fitted[-1].new_channel is None
        cube = cube if last else transformed(fitted[-1], cube)
        if fitted[-1].new_channel is not None:
            names, labels = fitted[-1].new_channel, _labels(cube)
    unapplied = fitted[-1] if fitted and fitted[-1].new_channel is None else None
    return cube, Chain(tuple(steps), tuple(fitted), names, labels), unapplied


def steps_from(description: Iterable[dict[str, Any]], known: Iterable[type] = ()) -> list[Step]:
    """Build steps from the output of :meth:`Chain.describe`.

    Examples
    --------
    >>> steps_from([{"step": "Range", "parameters": {"low": -1.0, "high": 1.0, "each": "cube"}}])
    [Range(low=-1.0, high=1.0, each='cube')]
    """
    classes = derived_classes(Step) | {step.__name__: step for step in known}
    coded = [{"type": one["step"], "fields": one.get("parameters", {})} for one in description]
    return list(from_plain(coded, {}, classes))


def _check_is_early(step: Step, before: Sequence[Step], fitted: Sequence[Fitted]) -> None:
    """Raise an error for a step that is not undone, such as :class:`Bin`, after scaling or non-linear steps."""
    for earlier, state in zip(reversed(before), reversed(fitted), strict=True):
        if state.new_channel is not None:
            return
        if earlier.undone:
            name = type(earlier).__name__
            raise ValueError(f"put {type(step).__name__} before {name}: afterwards {name} could not be undone")


def _labels(cube: xr.DataArray) -> dict[str, Any]:
    return {key: cube.attrs[key] for key in _LABELS if key in cube.attrs}
