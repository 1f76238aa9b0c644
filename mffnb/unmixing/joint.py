"""The result of joint unmixing: endmembers that several images share, and an ordinary result for each image."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from mffnb.io.netcdf_store import groups_of, write_netcdf_groups
from mffnb.io.target import check_target
from mffnb.solvers import Outcome
from mffnb.unmixing.component_names import column_names, listed_names, named, renamed
from mffnb.unmixing.freedom import Freedom
from mffnb.unmixing.joint_export import export_folder, export_images, is_folder
from mffnb.unmixing.record import noise_words
from mffnb.unmixing.result import Unmixing

__all__ = ["JointUnmixing"]

_PRESENT = 0.01  # smallest share of a component whose spectrum in an image is worth a remark
JOINT_FORMAT = "mffnb joint unmixing 1"
"""Attribute "format" of the file of a joint result."""


@dataclass(frozen=True, eq=False)
class JointUnmixing:
    """Endmembers that several images share, and the abundance maps of each image; made by :func:`mffnb.unmix`.

    ``joint[0]``, or ``joint["name"]``, is the :class:`mffnb.Unmixing` of one image, with the shared endmembers and maps
    in the units of that image. ``len(joint)`` is the number of images, and ``for result in joint`` runs over them.

    Attributes
    ----------
    shared
        Result for the pixels of all images, dimensions ("component", "pixel"), with the trace and the record of the
        run; of a single image, its result.
    parts
        Result of each image; read them as ``joint[i]``, which adds the freedom of the shared spectra.
    names
        Name of each image.
    channels
        A sentence on channels that are not common to all images and were left out; "" if there are none.

    Examples
    --------
    >>> import mffnb as mf
    >>> first = mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube
    >>> second = mf.datasets.tof_sims_2d(seed=1, shape=(8, 12)).cube
    >>> joint = mf.unmix([first, second], 3, random_state=0)
    >>> joint[1].abundances.sizes["y"], joint[1].endmembers.equals(joint.endmembers)
    (8, True)
    >>> joint.table().shape
    (2, 3)
    """

    shared: Unmixing
    parts: tuple[Unmixing, ...]
    names: tuple[str, ...]
    channels: str = ""

    @property
    def endmembers(self) -> xr.DataArray:
        """The shared spectra, dimensions ("component", channel dims); with ``tie=``, ``joint[i]`` has its own."""
        return self.shared.endmembers

    @property
    def tie(self) -> float | None:
        """Strength by which endmembers of each image are tied to the shared ones; None if they are equal."""
        return self.parameters.get("tie")

    def deviations(self) -> pd.DataFrame:
        """Return the spectral angle (rad) between each endmember of each image and the shared one.

        It is zero where spectra are equal in all images. One row per image, one column per component. Amounts in
        :meth:`table` say which of them the image contains.
        """
        shared = self.endmembers.values.reshape(len(self.endmembers), -1)
        angles = []
        for part in self.parts:
            own = part.endmembers.values.reshape(shared.shape)
            angles.append([_angle(a, b) for a, b in zip(own, shared, strict=True)])
        columns = pd.Index(column_names(self.endmembers), name="component")
        return pd.DataFrame(np.array(angles), index=pd.Index(self.names, name="image"), columns=columns)

    @property
    def outcome(self) -> Outcome:
        """How the run ended, with advice in its value."""
        return self.shared.outcome

    @property
    def trace(self) -> xr.Dataset:
        """Objective, relative error, step and seconds for each iteration, of all images together."""
        return self.shared.trace

    @property
    def parameters(self) -> dict[str, Any]:
        """All settings that are needed to repeat the run, and the versions of the packages."""
        return self.shared.parameters

    @property
    def freedom(self) -> Freedom:
        """How far each shared endmember could turn without a worse fit of all images, see :attr:`Unmixing.freedom`."""
        return self.shared.freedom

    @cached_property
    def _freedom_or_none(self) -> Freedom | None:
        """The freedom; None where it is not defined or the data are missing."""
        try:
            return self.freedom
        except ValueError:
            return None

    def __len__(self) -> int:
        return len(self.parts)

    def __iter__(self) -> Iterator[Unmixing]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, image: int | str) -> Unmixing:
        """Return the result of one image, by its number or its name.

        Raises
        ------
        KeyError, IndexError
            If there is no such image.
        """
        if isinstance(image, str):
            if image not in self.names:
                raise KeyError(f"there is no image {image!r}: the names are {', '.join(self.names)}")
            image = self.names.index(image)
        part = self.parts[image]
        if part is self.shared or self.tie is not None:
            return part
        return replace(part, stored_freedom=self._freedom_or_none)

    def __repr__(self) -> str:
        sizes = ", ".join(" x ".join(str(size) for size in part.abundances.shape[1:]) for part in self.parts)
        spectra = " x ".join(f"{name} {size}" for name, size in self.endmembers.sizes.items() if name != "component")
        errors = [float(one) for one in self.trace.get("relative_error", ())]
        error = f", relative error {errors[-1]:.3g}" if errors else ""
        ending = self.outcome.name.lower().replace("_", " ")
        count = f"{len(self)} image{'s' if len(self) > 1 else ''} of {sizes} pixels"
        free = None if self.tie is not None else self._freedom_or_none
        turns = "" if free is None else "".join(f"; {part}" for part in free.remarks)
        left = f"; {self.channels}" if self.channels else ""
        if self.tie is not None:
            far = np.nanmax(np.where(self.table() > _PRESENT, self.deviations(), np.nan))
            left = f"; spectra of each image, tied by {self.tie:g}, differ by up to {np.degrees(far):.2g} degrees{left}"
        left = f"{self._absences}{left}"
        return (
            f"<JointUnmixing: {len(self.endmembers)} components{listed_names(self.endmembers)} shared by {count}, "
            f"spectra of {spectra}; {ending}{error}; {noise_words(self.parameters)}{turns}{left}>"
        )

    @property
    def _absences(self) -> str:
        """Text that names the images whose maps of a component are zero; empty if there are none."""
        found = self.table()
        lacking = [(name, found.columns[row == 0]) for name, row in zip(found.index, found.to_numpy(), strict=True)]
        parts = [f"{', '.join(map(str, absent))} from {name}" for name, absent in lacking if len(absent)]
        return f"; absent: {'; '.join(parts)}" if parts else ""

    def table(self) -> pd.DataFrame:
        """Return how much of each component is in each image: one row per image, which sums to 1.

        The entries are the mean abundances of the measured pixels, divided by their sum over the components. The
        brightness of an image has no influence. A component that an image lacks is exactly zero there, see
        ``sparse_images`` of :func:`mffnb.unmix`. An image without signal has NaN.
        """
        means = np.array([[np.nanmean(one.values) for one in part.abundances] for part in self.parts])
        total = means.sum(axis=1, keepdims=True)
        shares = means / np.where(total > 0, total, np.nan)
        columns = pd.Index(column_names(self.endmembers), name="component")
        return pd.DataFrame(shares, index=pd.Index(self.names, name="image"), columns=columns)

    def rename(self, names: Mapping[int | str, str] | Sequence[str]) -> JointUnmixing:
        """Return the result with names of its components, in all images; see :meth:`Unmixing.rename`.

        Examples
        --------
        >>> import mffnb as mf
        >>> images = [mf.datasets.tof_sims_2d(seed=0, shape=shape).cube for shape in [(8, 12), (9, 10)]]
        >>> joint = mf.unmix(images, 2, random_state=0).rename(["cellulose", "lignin"])
        >>> joint.table().columns.tolist()
        ['cellulose', 'lignin']
        """
        wanted = renamed(self.endmembers, names)
        shared = named(self.shared, wanted)
        parts = tuple(shared if one is self.shared else named(one, wanted) for one in self.parts)
        return replace(self, shared=shared, parts=parts)

    def plot(self, *, names: Mapping[int | str, str] | Sequence[str] | None = None, **options: Any) -> Any:
        """Draw the maps of each image above the shared spectra; see :func:`mffnb.plots.joint_overview`.

        A pale band behind each spectrum shows how far it could turn, see :attr:`freedom`; with ``tie=``, the range of
        the spectra of all images.

        Parameters
        ----------
        names
            Names of components for this figure, as :meth:`rename` takes them, which names them for good.
        options
            Keywords of :func:`mffnb.plots.joint_overview`.
        """
        from mffnb import plots  # noqa: PLC0415  imports matplotlib

        free = self._freedom_or_none if self.tie is None and {"band", "note"} - set(options) else None
        if free is not None:
            shown = {"band": (free.lower, free.upper), "note": free.note}
            options = shown | options
        if self.tie is not None:
            own = xr.concat([part.endmembers for part in self.parts], "image", coords="minimal", compat="override")
            shown = {"band": (own.min("image"), own.max("image")), "note": "pale: range over the images"}
            options = shown | options
        drawn = self if names is None else self.rename(names)
        return plots.joint_overview(drawn.parts, self.names, endmembers=drawn.endmembers, **options)

    def export(
        self,
        path: str | os.PathLike[str],
        formats: Sequence[str] = (".csv", ".tif"),
        *,
        cubes: Sequence[Any] | None = None,
        code: str | None = None,
    ) -> tuple[Path, ...]:
        """Write spectra, maps or whole results for other programs; formats are those of :meth:`Unmixing.export`.

        Shared spectra are written once; maps and whole results are written for each image, with its name at the end of
        the file name: ``maps-before.tif``. With ``tie=``, there are files with the spectra of each image as well.

        Parameters
        ----------
        path
            File whose suffix says the format; or a folder, without a suffix, for all ``formats`` and for
            :meth:`table` as ``table.csv`` (with ``tie=``, also ``deviations.csv``). The folder is made.
        formats
            Suffixes of the formats to write to a folder.
        cubes
            Data of each image, if the result was loaded from a file, see :meth:`Unmixing.export`.
        code
            Code that a report shows instead of the call from the record of the run.

        Returns
        -------
        tuple of Path
            The files that were written. Each is complete or does not change.

        Raises
        ------
        ValueError, FileNotFoundError
            If a suffix is unknown, a format cannot hold the result, or the parent folder does not exist.

        Examples
        --------
        >>> import mffnb as mf, os, tempfile
        >>> images = [mf.datasets.tof_sims_2d(seed=seed, shape=(8, 12)).cube for seed in (0, 1)]
        >>> joint = mf.unmix(images, 2, random_state=0)
        >>> [path.name for path in joint.export(os.path.join(tempfile.mkdtemp(), "exported"))]
        ['table.csv', 'spectra.csv', 'maps-intensity_0.tif', 'maps-intensity_1.tif']
        """

        def write(target: Path) -> tuple[Path, ...]:
            own = self.tie is not None
            return export_images(self.shared, list(self), self.names, target, cubes, code, own_spectra=own)

        if not is_folder(path):
            return write(Path(path))
        tables = {"table": self.table()}
        if self.tie is not None:
            tables["deviations"] = self.deviations()
        return export_folder(Path(path), formats, tables, write)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the result without its data to a NetCDF file with a group per image; :func:`mffnb.load` reads it.

        Raises
        ------
        ValueError
            If the suffix is not that of a NetCDF file.
        """
        check_target(path)
        if Path(path).suffix.lower() == ".zarr":
            raise ValueError("a joint result is saved as .nc: give the file that suffix, or save joint[i] as .zarr")
        single = self.parts[0] is self.shared
        parts = () if single else self.parts
        groups = {name: one.to_dataset() for name, one in zip(groups_of(len(parts)), parts, strict=True)}
        attrs = {"format": JOINT_FORMAT, "names": json.dumps(self.names), "channels": self.channels}
        write_netcdf_groups({"shared": self.shared.to_dataset(), **groups}, attrs, path)


def _angle(first: np.ndarray, second: np.ndarray) -> float:
    """Return the angle (rad) between two spectra, over the channels that both have; NaN if one is zero."""
    both = np.isfinite(first) & np.isfinite(second)
    a, b = (one[both] / (np.linalg.norm(one[both]) or np.nan) for one in (first, second))
    return float(2 * np.arcsin(min(float(np.linalg.norm(a - b)) / 2, 1.0)))
