"""Writer of maps and spectra as NSID datasets in HDF5, which pyNSID and sidpy read."""

from __future__ import annotations

import datetime
import platform
from pathlib import Path
from typing import Any

from mffnb.io.sidpy_datasets import Part, parts
from mffnb.io.writer import Export, Writer, one_line

__all__ = ["NSID"]

_VERSION = "0.0.7"  # of pyNSID, whose layout is written


def write_nsid(export: Export, path: Path) -> None:
    """Write abundances, endmembers and gain as channels of one measurement, with dimension scales and units."""
    import h5py  # noqa: PLC0415  slow import, needed for HDF5 only

    with h5py.File(path, "w") as file:
        measurement = file.create_group("Measurement_000")
        measurement.attrs.update({"title": one_line(export.source), "outcome": one_line(export.outcome)})
        measurement.attrs.update({f"parameter_{name}": one_line(value) for name, value in export.parameters.items()})
        for number, part in enumerate(parts(export)):
            channel = measurement.create_group(f"Channel_{number:03d}")
            _write_part(channel, part, export)


def _write_part(channel: Any, part: Part, export: Export) -> None:
    """Write one array as a main dataset of NSID, in a group of its name beside its dimensions."""
    group = channel.create_group(part.name)
    group.attrs.update(_book_keeping())
    main = group.create_dataset(part.name, data=part.values)
    main.attrs.update(
        {
            "quantity": part.quantity,
            "units": part.units,
            "main_data_name": part.name,
            "title": part.name,
            "data_type": part.data_type,
            "modality": "unmixing",
            "source": one_line(export.source),
            "pyNSID_version": _VERSION,
        }
    )
    for number, axis in enumerate(part.axes):
        scale = group.create_dataset(axis.name.replace("/", "_"), data=axis.values)
        scale.attrs.update(
            {"name": axis.name.replace("/", "_"), "units": axis.units, "quantity": axis.quantity,
             "dimension_type": axis.kind}
        )  # fmt: skip
        scale.make_scale(scale.attrs["name"])
        main.dims[number].label = scale.attrs["name"]
        main.dims[number].attach_scale(scale)
    group.create_group("metadata").attrs.update({"components": list(export.labels), "colors": list(export.colors)})


def _book_keeping() -> dict[str, str]:
    """Return the attributes that sidpy writes to each group."""
    return {
        "timestamp": f"{datetime.datetime.now(datetime.UTC):%Y_%m_%d-%H_%M_%S}",
        "platform": platform.platform(),
        "pyNSID_version": _VERSION,
    }


NSID = Writer("NSID", (".hf5",), write_nsid, "result")
