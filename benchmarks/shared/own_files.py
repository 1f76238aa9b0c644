"""Small files of the formats that this package or the package of the format can write: 4 x 6 pixels, 20 channels."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy import io, sparse

SHAPE = (4, 6, 20)


def numbers() -> np.ndarray:
    """1000 y + 100 x + c + 1: a transposed or flipped map is noticed."""
    y, x, c = np.meshgrid(*map(np.arange, SHAPE), indexing="ij")
    return (1000 * y + 100 * x + c + 1).astype(np.float32)


def write_own(folder: Path) -> list[Path]:
    """Write one file of each format into a folder, and return their paths."""
    cube = numbers()
    flat = cube.reshape(-1, SHAPE[-1])
    np.save(folder / "a.npy", cube)
    np.savez_compressed(folder / "a.npz", cube=cube)
    sparse.save_npz(folder / "rows.npz", sparse.csr_array(flat))
    io.savemat(folder / "packed.mat", {"cube": cube}, do_compression=True)
    io.savemat(folder / "plain.mat", {"cube": cube})
    _hdf5(folder / "a.h5", cube)
    _hdf5(folder / "seven.mat", cube.T)
    labelled = xr.DataArray(cube, dims=("y", "x", "energy"), coords={"energy": np.linspace(100, 290, 20)}, name="cube")
    labelled.to_netcdf(folder / "four.nc", engine="h5netcdf")
    labelled.to_netcdf(folder / "three.nc", engine="scipy")
    labelled.to_dataset().to_zarr(folder / "labelled.zarr", zarr_format=2)
    labelled.to_dataset().to_zarr(folder / "third.zarr", zarr_format=3)
    y, x = np.divmod(np.arange(24), 6)
    names = ["x", "y", *range(100, 300, 10)]
    pd.DataFrame(np.column_stack([x, y, flat]), columns=names).to_excel(folder / "a.xlsx", index=False)
    import_module("tifffile").imwrite(folder / "deflate.tif", np.moveaxis(cube, 2, 0), compression="zlib")
    import_module("tifffile").imwrite(folder / "b.ome.tif", np.moveaxis(cube, 2, 0), metadata={"axes": "CYX"})
    _jcamp(folder / "a.jdx", flat[0])
    write_zspy(folder / "a.zspy", cube)
    return [*sorted(folder.iterdir()), *_through_rosettasciio(folder, cube)]


def _hdf5(path: Path, cube: np.ndarray) -> None:
    with import_module("h5py").File(path, "w") as file:
        file.create_dataset("cube", data=cube, compression="gzip")


def _jcamp(path: Path, spectrum: np.ndarray) -> None:
    rows = "\n".join(f"{100 + 10 * n} {value:.0f}" for n, value in enumerate(spectrum))
    head = "##TITLE=a\n##JCAMP-DX=4.24\n##DATA TYPE=INFRARED SPECTRUM\n##XUNITS=1/CM\n##YUNITS=ABSORBANCE\n"
    head += f"##FIRSTX=100\n##LASTX=290\n##NPOINTS={spectrum.size}\n##XFACTOR=1\n##YFACTOR=1\n##DELTAX=10\n"
    path.write_text(f"{head}##XYDATA=(X++(Y..Y))\n{rows}\n##END=\n")


def write_hspy(path: Path, cube: np.ndarray) -> Path:
    import_module("rsciio.hspy").file_writer(str(path), _signal(cube))
    return path


def write_zspy(path: Path, cube: np.ndarray, **options: Any) -> Path:
    """Write a HyperSpy store as a copy of an HDF5 file; the writer of RosettaSciIO needs an older zarr package."""
    h5py, zarr = import_module("h5py"), import_module("zarr")
    source = write_hspy(path.with_suffix(".copied.hspy"), cube)
    with h5py.File(source) as file:
        made = zarr.open_group(path, mode="w", zarr_format=2)
        made.attrs.update(_plain(file.attrs))

        def copy(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                if item.dtype.kind in "iuf":
                    copied = made.create_array(name, data=item[()], **options)
                    copied.attrs.update(_plain(item.attrs))
            else:
                made.require_group(name).attrs.update(_plain(item.attrs))

        file.visititems(copy)
    source.unlink()
    return path


def _plain(attributes: Any) -> dict[str, Any]:
    return {key: value.item() if isinstance(value, np.generic) else value for key, value in attributes.items() if not isinstance(value, np.ndarray)}  # fmt: skip


def _through_rosettasciio(folder: Path, cube: np.ndarray) -> list[Path]:
    """Write the formats for which RosettaSciIO has a writer."""
    made = []
    for name, module in (("a.hspy", "hspy"), ("a.rpl", "ripple"), ("a.unf", "semper"), ("a.msa", "msa")):
        values = cube if module not in ("semper", "msa") else cube[0, 0] if module == "msa" else cube[:, :, 0]
        path = folder / name
        import_module(f"rsciio.{module}").file_writer(str(path), _signal(values))
        made.append(path)
    return made


def _signal(values: np.ndarray) -> dict[str, Any]:
    names = ("y", "x", "energy")[-values.ndim :]
    axes = [
        {"size": size, "name": name, "scale": 1.0, "offset": 0.0, "units": "", "navigate": n < values.ndim - 1, "index_in_array": n, "_type": "UniformDataAxis", "is_binned": False}
        for n, (name, size) in enumerate(zip(names, values.shape, strict=True))
    ]  # fmt: skip
    metadata = {"General": {"title": "a"}, "Signal": {"signal_type": ""}}
    return {"data": values, "axes": axes, "metadata": metadata, "original_metadata": {}, "attributes": {"_lazy": False, "ragged": False}, "learning_results": {}, "models": {}, "tmp_parameters": {}, "package_info": {"package": "", "package_version": ""}}  # fmt: skip
