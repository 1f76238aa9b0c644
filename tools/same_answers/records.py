"""Flatten what a call returns into named arrays and scalars, and store them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from numbers import Number
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

# Parameters of a result that say when and where it was made.
_OF_THE_RUN = {"created", "versions", "source"}

Scalar = float | int | bool | str | None


class Fitted(NamedTuple):
    """A fitted scikit-learn estimator and the abundances (pixels, k) that it returned."""

    model: Any
    abundances: Any


@dataclass
class Record:
    """The result of one call.

    Attributes
    ----------
    arrays
        Numeric arrays by name.
    dims
        Names of the dimensions of labelled arrays.
    scalars
        Numbers, and strings that must stay the same (outcome, units).
    words
        Free text such as ``repr`` of a term: a difference is reported and does not count.
    warnings
        Class names of the warnings that the package gave, sorted.
    error
        Type and message, if the call failed.
    """

    arrays: dict[str, Any] = field(default_factory=dict)
    dims: dict[str, list[str]] = field(default_factory=dict)
    scalars: dict[str, Scalar] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    error: dict[str, str] | None = None

    def add(self, name: str, value: Any) -> None:
        """Take in a value of any type that the public functions return."""
        if value is None or isinstance(value, (str, bool, int, float)):
            self.scalars[name] = value
        elif isinstance(value, np.generic):
            self.scalars[name] = value.item()
        elif isinstance(value, np.ndarray):
            self.arrays[name] = value
        elif isinstance(value, xr.DataArray):
            self._add_labelled(name, value)
        elif isinstance(value, xr.Dataset):
            self._add_parts(name, {str(key): part for key, part in value.data_vars.items()})
        elif isinstance(value, pd.DataFrame):
            columns = {str(key): column.to_numpy() for key, column in value.items() if key != "seconds"}
            self._add_parts(name, {key: _plain(column) for key, column in columns.items()})
        elif isinstance(value, Fitted):
            self._add_fitted(name, value)
        elif isinstance(value, Mapping):
            self._add_parts(name, {str(key): part for key, part in value.items()})
        elif isinstance(value, (list, tuple)):
            self._add_sequence(name, value)
        elif hasattr(value, "endmembers") and hasattr(value, "reconstruction"):
            self._add_unmixing(name, value)
        else:
            raise TypeError(f"{name}: there is no rule to store a {type(value).__name__}")

    def _add_parts(self, name: str, parts: Mapping[str, Any]) -> None:
        for key, part in parts.items():
            self.add(f"{name}.{key}", part)

    def _add_sequence(self, name: str, values: list[Any] | tuple[Any, ...]) -> None:
        if values and all(isinstance(one, (Number, np.generic)) for one in values):
            self.arrays[name] = np.array(values)
        else:
            self._add_parts(name, {str(index): one for index, one in enumerate(values)})

    def _add_labelled(self, name: str, array: xr.DataArray) -> None:
        self.arrays[name] = np.asarray(array.values)
        self.dims[name] = [str(dim) for dim in array.dims]
        self.scalars[f"{name}.units"] = str(array.attrs.get("units"))
        for key, coordinate in array.coords.items():
            if coordinate.dtype.kind in "iufb":
                self.arrays[f"{name}@{key}"] = np.asarray(coordinate.values)

    def _add_unmixing(self, name: str, result: Any) -> None:
        """Everything that a user reads off a result, but for times."""
        parts = ("endmembers", "abundances", "gain", "alternative")
        self._add_parts(name, {part: getattr(result, part) for part in parts})
        self.add(f"{name}.reconstruction", result.reconstruction())
        self.add(f"{name}.trace", result.trace.drop_vars("seconds", errors="ignore"))
        self.scalars[f"{name}.outcome"] = result.outcome.name
        for key, value in result.parameters.items():
            if key in _OF_THE_RUN:
                continue
            if isinstance(value, str) or (isinstance(value, (list, tuple)) and any(isinstance(v, str) for v in value)):
                self.words[f"{name}.parameters.{key}"] = str(value)
            elif value is None or isinstance(value, (Number, np.generic, list, tuple, np.ndarray)):
                self.add(f"{name}.parameters.{key}", value)
            else:
                self.words[f"{name}.parameters.{key}"] = str(value)

    def _add_fitted(self, name: str, fitted: Fitted) -> None:
        self.arrays[f"{name}.abundances"] = np.asarray(fitted.abundances)
        self.dims[f"{name}.abundances"] = ["pixel", "component"]
        self.arrays[f"{name}.endmembers"] = np.asarray(fitted.model.components_)
        self.dims[f"{name}.endmembers"] = ["component", "channel"]
        for key, value in vars(fitted.model).items():
            # The attributes that scikit-learn's convention makes public; matrices and traces are not numbers.
            if not key.endswith("_") or key.startswith("_") or key == "components_":
                continue
            numeric = isinstance(value, np.ndarray) and value.dtype.kind in "iufb"
            if numeric or value is None or isinstance(value, (Number, np.generic)):
                self.add(f"{name}.{key}", value)

    def write(self, folder: Path, call: str) -> None:
        """Write ``call.npz`` and ``call.json``."""
        np.savez(folder / f"{call}.npz", **self.arrays)
        rest = {key: value for key, value in asdict(self).items() if key != "arrays"}
        (folder / f"{call}.json").write_text(json.dumps(rest, indent=1), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path, call: str) -> Record:
        """Read what :meth:`write` wrote."""
        with np.load(folder / f"{call}.npz") as stored:
            arrays = dict(stored)
        return cls(arrays, **json.loads((folder / f"{call}.json").read_text(encoding="utf-8")))


def _plain(column: Any) -> Any:
    """Numbers as an array of floats, anything else as text."""
    if column.dtype.kind in "iufb":
        return column
    try:
        return column.astype(np.float64)
    except (TypeError, ValueError):
        return "|".join(map(str, column))
