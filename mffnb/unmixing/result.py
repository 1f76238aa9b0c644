"""The result of unmixing: labelled endmembers and abundance maps, the record of the run, and its file format."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.align import align
from mffnb.cubes.as_cube import as_cube
from mffnb.cubes.layout import frame_of
from mffnb.io.export import choose_writer, write_export
from mffnb.io.netcdf_store import write_netcdf
from mffnb.io.parallel_write import Block, write_blocks
from mffnb.io.read import read
from mffnb.io.target import check_target
from mffnb.io.zarr_store import write_zarr
from mffnb.preprocessing import Chain
from mffnb.solvers import Outcome
from mffnb.transforms import Mapped
from mffnb.unmixing.component_names import listed_names, named, renamed
from mffnb.unmixing.exporting import exported
from mffnb.unmixing.freedom import Freedom, check_freedom, growing_freedom_of
from mffnb.unmixing.record import noise_words
from mffnb.unmixing.row_blocks import block_lengths, in_blocks, product_of
from mffnb.unmixing.splits import Split, find_splits
from mffnb.unmixing.storable import aliases, plain, storable

__all__ = ["Unmixing"]

FORMAT = "mffnb unmixing 1"
"""Attribute "format" of the dataset of a result."""
FACTORS = ("endmembers", "abundances", "gain")
"""Names of the factors in a result and in its dataset."""
ARRAYS = (*FACTORS, "alternative")
"""Names of the labelled arrays of a result that its dataset holds."""


@dataclass(frozen=True, eq=False)
class ProcessedFactors:
    """The factors of a preprocessed image, and the fitted steps that convert them back to the units of the data.

    Attributes
    ----------
    chain
        The fitted preprocessing steps, in order.
    endmembers, abundances, gain
        The factors in the units of the preprocessed image.
    """

    chain: Chain
    endmembers: xr.DataArray
    abundances: xr.DataArray
    gain: xr.DataArray | None = None

    def reconstruction(self, mapped: Mapped | None, lengths: Mapping[Hashable, int]) -> xr.DataArray:
        """Return the reconstruction of the cube in data units from these factors and the fitted transformation."""
        return self.chain.inverse(_model(self.abundances, self.endmembers, self.gain, mapped, lengths))


@dataclass(frozen=True, eq=False)
class Unmixing:
    """Endmembers and abundance maps of a spectral image, with the record of the run.

    Attributes
    ----------
    endmembers
        Pure spectra, dimensions ("component", channel dims), in the units of the cube.
    abundances
        Maps, dimensions ("component", pixel dims); the abundances of the mean pixel sum to 1.
    outcome
        How the run ended, with advice in its value.
    trace
        Objective, relative error, step and seconds for each iteration.
    parameters
        All settings that are needed to repeat the run, and the versions of the packages.
    gain
        One scale factor for each pixel; None if the model has no gain.
    alternative
        Endmembers of the most different solution that fits the data as well, in the same order, each with the norm of
        its partner; None if there is none. ``parameters["disagreement"]`` is the mean spectral angle (rad) to it.
    cube
        The data, or None if the result was loaded from a file.
    processed
        The factors of the preprocessed image; None without preprocessing.
    block
        The rows of the maps that this MPI rank holds; None if the maps are whole.
    mapped
        The transformation f in X ~ f(A E), and its intercept over the channels of the processed image; None for the
        identity.
    stored_freedom
        The freedom that a file holds, see :attr:`freedom`; None if it is computed from the data.

    Examples
    --------
    >>> import mffnb as mf
    >>> sample = mf.datasets.tof_sims_2d(seed=0, shape=(16, 24))
    >>> result = mf.unmix(sample.cube, 3, random_state=0)
    >>> result.abundances.dims, dict(result.endmembers.sizes)["component"]
    (('component', 'y', 'x'), 3)
    >>> result  # doctest: +NORMALIZE_WHITESPACE
    <Unmixing: 3 components, maps of y 16 x x 24, spectra of mz 1535; converged, relative error 0.439; least squares;
     spectra could turn by up to 9, 17, 20 degrees>
    """

    endmembers: xr.DataArray
    abundances: xr.DataArray
    outcome: Outcome
    trace: xr.Dataset
    parameters: dict[str, Any] = field(default_factory=dict)
    gain: xr.DataArray | None = None
    alternative: xr.DataArray | None = None
    cube: xr.DataArray | None = None
    processed: ProcessedFactors | None = None
    block: Block | None = None
    mapped: Mapped | None = None
    stored_freedom: Freedom | None = None

    def __repr__(self) -> str:
        def sizes(array: xr.DataArray) -> str:
            return " x ".join(f"{name} {size}" for name, size in array.sizes.items() if name != "component")

        shapes = f"maps of {sizes(self.abundances)}, spectra of {sizes(self.endmembers)}"
        errors = [float(one) for one in self.trace.get("relative_error", ())]
        error = f", relative error {errors[-1]:.3g}" if errors else ""
        ending = self.outcome.name.lower().replace("_", " ")
        free = self._freedom_or_none()
        turns = "" if free is None else "".join(f"; {part}" for part in free.remarks)
        noise = noise_words(self.parameters)
        suggested = self.parameters.get("suggested")
        why = "" if suggested is None else f"; the data suggested {suggested['settings']}"
        components = f"{len(self.endmembers)} components{listed_names(self.endmembers)}"
        return f"<Unmixing: {components}, {shapes}; {ending}{error}; {noise}{turns}{why}>"

    @cached_property
    def freedom(self) -> Freedom:
        """How far each endmember could turn without a worse fit: angles, bands, and a sentence.

        Non-negative factors are rarely unique: mixtures of endmembers often fit as well, within the noise. The angle to
        the farthest one shows how much a spectrum tells. After preprocessing, angles are those of the processed image.

        Raises
        ------
        UnsupportedCombinationError
            If the result has a transformation or the maps of one rank only.
        ValueError
            If the result was loaded from a file, and its freedom had not been computed before it was saved.

        Examples
        --------
        >>> import mffnb as mf
        >>> sample = mf.datasets.raman_map(seed=0)
        >>> plain = mf.unmix(sample.cube, 3, random_state=0)
        >>> print(plain.freedom.sentence)
        spectra could turn by up to 12, 12, 13 degrees
        """
        if self.stored_freedom is not None:
            return self.stored_freedom
        *_, found = self._freedom_steps(None)
        assert found is not None, "the last step returns the freedom"
        return found()

    def growing_freedom(self, image: xr.DataArray | None = None) -> Iterator[Callable[[], Freedom] | None]:
        """Compute :attr:`freedom` in steps of some milliseconds, to be left at any of them; its range only grows.

        Parameters
        ----------
        image
            The preprocessed image, if it is known, so that it is not computed again.

        Yields
        ------
        Callable or None
            Returns what has been found so far; None as long as that is nothing. After the last one, :attr:`freedom`
            needs no further computation.

        Raises
        ------
        UnsupportedCombinationError, ValueError
            As :attr:`freedom`.
        """
        if self.stored_freedom is None and "freedom" not in self.__dict__:
            found = None
            for found in self._freedom_steps(image):
                yield found
            if found is not None:
                self.__dict__["freedom"] = found()  # where a cached property has its value
        yield lambda: self.freedom

    def _freedom_steps(self, image: xr.DataArray | None) -> Iterator[Callable[[], Freedom] | None]:
        """Compute the freedom from the data."""
        check_freedom(self.parameters, has_data=self.cube is not None, whole=self.block is None)
        if self.processed is None:
            yield from growing_freedom_of(
                self.endmembers, self.abundances, as_cube(self.cube), self.parameters, self.gain
            )
            return
        made, chain = self.processed, self.processed.chain
        image = chain.transform(as_cube(self.cube)) if image is None else image
        over = [name for name in self.endmembers.dims if name != "component"]
        sizes = [(one**2).sum(over) for one in (self.endmembers, chain.endmembers(made.endmembers))]
        scale = (sizes[0] / sizes[1].where(sizes[1] > 0, 1.0)) ** 0.5  # abundances took the inverse factor

        def physical(spectra: xr.DataArray) -> xr.DataArray:
            return chain.endmembers(spectra) * scale

        for found in growing_freedom_of(made.endmembers, made.abundances, image, self.parameters, made.gain):
            yield None if found is None else partial(_physical, found, physical)

    @cached_property
    def splits(self) -> list[Split]:
        """Pairs of components that look like one material, see :func:`mffnb.unmixing.splits.find_splits`."""
        found = find_splits(self.endmembers, self.abundances)
        return [one for one in found if one.second >= int(self.parameters.get("known") or 0)]

    def reconstruction(self) -> xr.DataArray:
        """Return f(gain A E) as a cube (pixel dims, channel dims), in the units of the data.

        For a cube on disk, and for a reconstruction of more than a quarter of the memory, it is a dask array: blocks of
        rows are computed when they are used, for example by ``result.reconstruction().to_zarr("model.zarr")``.
        """
        return self._reconstruction(self._lengths(self.cube))

    def _reconstruction(self, lengths: Mapping[Hashable, int]) -> xr.DataArray:
        """Return the reconstruction in blocks of these lengths; in memory if there are none."""
        if self.mapped is None and self.parameters.get("transform") not in (None, "identity"):
            raise ValueError(
                "a file does not hold a transformation of your own: apply it to result.abundances yourself"
            )
        pixels = [name for name in self.abundances.dims if name != "component"]
        if self.processed is not None:
            model = self.processed.reconstruction(self.mapped, lengths)
        else:
            model = _model(self.abundances, self.endmembers, self.gain, self.mapped, lengths)
        if self.mapped is not None and not self.mapped.fitted:
            model = self.mapped.apply(model)
        attrs = {key: value for key, value in self.endmembers.attrs.items() if key in ("units", "long_name")}
        return xr.DataArray(model.transpose(*pixels, ...)).rename("reconstruction").assign_attrs(attrs)

    def residual(self, cube: Any = None) -> xr.DataArray:
        """Return the residual: the data minus the reconstruction, with the dimensions of the reconstruction.

        A dask array where the reconstruction is one, see :meth:`reconstruction`.

        Parameters
        ----------
        cube
            The data or the path of their file, if the result was loaded from a file and does not hold them. Labelled
            data are aligned by the names and coordinates of their dimensions.

        Raises
        ------
        ValueError
            If the data do not fit the reconstruction.
        """
        cube = read(cube) if isinstance(cube, (str, os.PathLike)) else cube
        model = self._reconstruction(self._lengths(self.cube if cube is None else cube))
        data = self.target(cube, model, "residual").data
        values = model.data
        if isinstance(values, np.ndarray) and values.flags.writeable and values.dtype == np.result_type(values, data):
            return model.copy(data=np.subtract(data, values, out=values)).rename("residual")
        return model.copy(data=data - values).rename("residual")

    def target(self, cube: Any = None, model: xr.DataArray | None = None, use: str = "target") -> xr.DataArray:
        """Return the data that the reconstruction is compared with, in its dimensions.

        After a step that has no inverse, such as a sliding FFT, these are the data after that step.

        Parameters
        ----------
        cube
            The data, if the result was loaded from a file and does not hold them.
        model
            The reconstruction, if it is known already.
        use
            Name of the method for messages.

        Raises
        ------
        ValueError
            If the data are missing, or do not fit the reconstruction.
        """
        if cube is None and self.cube is None:
            raise ValueError(f"a result loaded from a file does not hold its cube: pass it, result.{use}(cube)")
        model = self._reconstruction(self._lengths(self.cube if cube is None else cube)) if model is None else model
        frame = frame_of(model, [name for name in self.endmembers.dims if name != "component"])
        data: Any = self.cube if cube is None else cube
        if isinstance(data, xr.DataArray):
            data = in_blocks(data, self._lengths(data))
        if self.processed is not None:
            data = self.processed.chain.target(as_cube(data))
        aligned = align(data, frame, f"the cube of the {use}", [tuple(frame.shape)])
        if set(aligned.dims) != set(model.dims):
            raise ValueError(
                f"the cube of the {use} has the dimensions {tuple(map(str, aligned.dims))} and the reconstruction "
                f"{tuple(map(str, model.dims))}: pass the cube that was unmixed"
            )
        return model.copy(data=aligned.transpose(*model.dims).data).rename("target")

    def _lengths(self, data: Any) -> dict[Hashable, int]:
        """Lengths of blocks in which a reconstruction is computed beside the data; empty where it is held in memory."""
        shapes = [self.abundances.sizes, self.endmembers.sizes]
        sizes = {name: size for shape in shapes for name, size in shape.items() if name != "component"}
        return block_lengths(data if isinstance(data, xr.DataArray) else None, sizes, self.abundances.ndim - 1)

    def normalized(self, how: str = "max") -> Unmixing:
        """Return the result with every endmember scaled to size 1, and its abundances by the inverse factor.

        Parameters
        ----------
        how
            Size that is scaled to 1: ``"max"``, ``"sum"``, ``"norm"`` (root of the sum of squares) or ``"area"``
            (integral over the channel coordinate).
        """
        over = [name for name in self.endmembers.dims if name != "component"]
        if how == "area":
            size = self.endmembers.fillna(0.0)  # masked channels add nothing to the size
            for name in over:
                size = size.integrate(name)
        elif how in ("max", "sum"):
            size = getattr(self.endmembers, how)(over)
        elif how == "norm":
            size = (self.endmembers**2).sum(over) ** 0.5
        else:
            raise ValueError(f"how={how!r} is not known: use 'max', 'sum', 'norm' or 'area'")
        size, other, stored = abs(size).where(size != 0, 1.0), self.alternative, self.stored_freedom
        return replace(
            self,
            stored_freedom=None if stored is None else stored.converted(lambda spectra: spectra / size),
            endmembers=(self.endmembers / size).assign_attrs(self.endmembers.attrs),
            alternative=None if other is None else (other / size).assign_attrs(other.attrs),
            abundances=(self.abundances * size).rename("abundance").assign_attrs(self.abundances.attrs),
        )

    def rename(self, names: Mapping[int | str, str] | Sequence[str]) -> Unmixing:
        """Return the result with names of its components, which reach figures, exports, files and the explorer.

        The names are in the coordinate ``label`` of spectra and maps. Known endmembers have the names that the user
        gave with ``known=``.

        Parameters
        ----------
        names
            A dictionary from the number or the present name of a component to its new name, or one name for each
            component. An empty name restores the number.

        Raises
        ------
        TypeError, ValueError
            If there is no such component, or two of them get the same name.

        Examples
        --------
        >>> import mffnb as mf
        >>> result = mf.unmix(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, 3, random_state=0)
        >>> result = result.rename({0: "cellulose", 2: "lignin"})
        >>> result.endmembers.label.values.tolist()
        ['cellulose', 'component 1', 'lignin']
        """
        return named(self, renamed(self.endmembers, names))

    def plot(self, *, names: Mapping[int | str, str] | Sequence[str] | None = None, **options: Any) -> Any:
        """Draw abundance maps above endmember spectra, one colour per component; see :func:`mffnb.plots.overview`.

        A pale band behind each spectrum shows how far it could turn, see :attr:`freedom`, and a note above says this
        and any doubt, as ``repr`` does; ``band=None, note=""`` leaves both out.

        Parameters
        ----------
        names
            Names of components for this figure, as :meth:`rename` takes them, which names them for good.
        options
            Keywords of :func:`mffnb.plots.overview`.
        """
        from mffnb import plots  # noqa: PLC0415  imports matplotlib

        free = self._freedom_or_none() if {"band", "note"} - set(options) else None
        if free is not None:
            shown = {"band": (free.lower, free.upper), "note": free.note}
            options = shown | options
        return plots.overview(self if names is None else self.rename(names), **options)

    def _freedom_or_none(self) -> Freedom | None:
        """Return the freedom; None where it is not defined or the data are missing."""
        try:
            return self.freedom
        except ValueError:
            return None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the result without its cube to a NetCDF file or a ``.zarr`` folder, which :func:`mffnb.load` reads.

        If the result holds the rows of one rank, all ranks call this together, and the whole maps are written.
        """
        check_target(path)
        dataset = self.to_dataset()
        if self.block is not None:
            write_blocks(dataset, Path(path), self.block)
        elif Path(path).suffix.lower() == ".zarr":
            write_zarr(dataset, path)
        else:
            write_netcdf(dataset, path)

    def to_dataset(self) -> xr.Dataset:
        """Return the result without its cube as the dataset that :meth:`save` writes."""
        arrays = {name: array for name in ARRAYS if (array := getattr(self, name)) is not None}
        if self.processed is not None:
            arrays |= {f"processed_{name}": array for name, array in _factors(self.processed).items()}
        if self.mapped is not None and self.mapped.intercept is not None:
            arrays["intercept"] = self.mapped.intercept
        if "freedom" in self.__dict__:  # it was computed
            arrays |= self.freedom.arrays()
        stored = {name: storable(array) for name, array in arrays.items()}
        other_names = aliases(stored.values(), reserved=(*ARRAYS, "iteration"))
        dataset = xr.Dataset(
            {name: array.rename({a: b for a, b in other_names.items() if a in (*array.dims, *array.coords)})
             for name, array in stored.items()}
            | {f"trace_{name}": value for name, value in self.trace.data_vars.items()}
        )  # fmt: skip
        steps = xr.Dataset() if self.processed is None else self.processed.chain.to_dataset()
        dataset.update(steps)
        dataset.attrs = steps.attrs | {
            "format": FORMAT,
            "names": json.dumps({alias: str(name) for name, alias in other_names.items()}),
            "outcome": self.outcome.name,
            "parameters": json.dumps(self.parameters, default=plain),
        }
        return dataset

    def export(self, path: str | os.PathLike[str], *, cube: Any = None, code: str | None = None) -> tuple[Path, ...]:
        """Write spectra, maps or the whole result for another program; the suffix says the format.

        ========================== ============================================================================
        suffix                     content
        ========================== ============================================================================
        .csv, .xlsx                spectra, one column for each component; units in the headers
        .msa                       spectra in the EMSA/MAS format, one file for each component
        .jdx, .dx                  spectra in JCAMP-DX, one block for each component
        .tif, .tiff                maps as an ImageJ hyperstack with names, colours and pixel size
        .ome.tif, .ome.tiff        the same as OME-TIFF
        .png, .pdf, .svg           maps with scale bars
        .gsf                       maps for Gwyddion, one file for each component
        .hspy                      data and factors as a HyperSpy signal with ``learning_results``
        .hf5                       maps and spectra as NSID datasets, which sidpy reads
        .html                      report: maps, spectra, residual, settings, code and warnings
        .living.html               page in which a reader moves k, sparsity and smoothness, without Python
        ========================== ============================================================================

        :meth:`save` writes the file that :func:`mffnb.load` reads.

        Parameters
        ----------
        path
            File to write. It is complete or does not change.
        cube
            The data, if the result was loaded from a file; for ``.hspy``, ``.living.html`` and the residual of a
            report.
        code
            Code that the report shows instead of the call from the record of the run.

        Returns
        -------
        tuple of Path
            The files that were written: with ``.msa`` and ``.gsf`` one for each component, ``NAME-LABEL.msa``.

        Raises
        ------
        ValueError
            If the suffix is unknown, the format cannot hold the result, or its package is not installed.

        Examples
        --------
        >>> import mffnb as mf, os, tempfile
        >>> sample = mf.datasets.tof_sims_2d(seed=0, shape=(16, 24))
        >>> result = mf.unmix(sample.cube, 2, random_state=0)
        >>> path, = result.export(os.path.join(tempfile.mkdtemp(), "spectra.csv"))
        >>> path.read_text().splitlines()[0]
        'm/z,component 0 (counts),component 1 (counts)'
        """
        writer, _suffix = choose_writer(path)
        return write_export(exported(self, self._freedom_or_none() if writer.bands else None, cube, code), path)

    def to_hyperspy(self, cube: Any = None) -> Any:
        """Return the data as a HyperSpy signal whose ``learning_results`` are the endmembers and abundances.

        ``signal.plot_decomposition_results()`` and ``signal.get_decomposition_loadings()`` then work. A gain is part of
        the loadings. Title, instrument, sample and signal type are those of the file or of the HyperSpy signal that was
        unmixed (``cube.attrs["metadata"]``, without the original metadata of the vendor).

        Raises
        ------
        ValueError
            If HyperSpy is not installed, the result does not hold its data, or its model is not linear.
        """
        from mffnb.io.hyperspy_signal import to_hyperspy  # noqa: PLC0415  HyperSpy is an optional dependency

        return to_hyperspy(exported(self, None, cube))

    def to_sidpy(self) -> dict[str, Any]:
        """Return maps, spectra and gain as sidpy datasets: ``"abundances"``, ``"endmembers"`` and perhaps ``"gain"``.

        Raises
        ------
        ValueError
            If sidpy is not installed.
        """
        from mffnb.io.sidpy_datasets import to_sidpy  # noqa: PLC0415  sidpy is an optional dependency

        return to_sidpy(exported(self, None))


def _physical(found: Callable[[], Freedom], physical: Callable[[xr.DataArray], xr.DataArray]) -> Freedom:
    """Return a freedom in other units."""
    return found().converted(physical)


def _model(
    abundances: xr.DataArray,
    endmembers: xr.DataArray,
    gain: xr.DataArray | None,
    mapped: Mapped | None,
    lengths: Mapping[Hashable, int],
) -> xr.DataArray:
    """Return the reconstruction f(gain A E) in blocks of these lengths; without a transformation f is the identity."""
    product = product_of(in_blocks(abundances, lengths), endmembers)
    product = product if gain is None else product * in_blocks(gain, lengths)
    return product if mapped is None or not mapped.fitted else xr.DataArray(mapped.apply(product))


def _factors(processed: ProcessedFactors) -> dict[str, xr.DataArray]:
    return {name: getattr(processed, name) for name in FACTORS if getattr(processed, name) is not None}
