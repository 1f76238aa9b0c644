"""Files that hold many named things: MATLAB's and R's, as nested dictionaries, and the arrays among them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mffnb.typing import Array


def matlab_objects(path: Path) -> dict[str, Any]:
    """What a ``.mat`` file up to version 7.2 holds; later ones are HDF5 and raise NotImplementedError."""
    from scipy import io  # noqa: PLC0415  a tenth of a second that other formats need not pay

    return {name: value for name, value in io.loadmat(path).items() if not name.startswith("__")}


def r_objects(path: Path) -> dict[str, Any]:
    """What an R data file holds: S4 objects of known classes and data frames become dictionaries.

    Returns
    -------
    dict
        Object names to values; an object of class ``MassImage`` or ``hyperSpec`` is a dictionary of its slots, a data
        frame one of its columns (which may be matrices).

    Raises
    ------
    ValueError
        If the ``rdata`` package is not installed.
    """
    try:
        import rdata  # noqa: PLC0415  an optional dependency
    except ImportError:
        raise ValueError(f'reading {path.name} needs the rdata package: pip install "mffnb[io]"') from None
    constructors = {
        **rdata.conversion.DEFAULT_CLASS_MAP,
        "MassImage": _slots,
        "MassSpectra": _slots,
        "hyperSpec": _slots,
        "data.frame": _columns,
    }
    return dict(rdata.conversion.convert(rdata.parser.parse_file(path), constructor_dict=constructors))


def arrays(objects: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Array]]:
    """Yield the numeric arrays in nested dictionaries with their paths, ``"object/slot/column"``.

    Examples
    --------
    >>> import numpy as np
    >>> [name for name, _ in arrays({"a": np.ones(3), "b": {"c": np.eye(2), "d": "text"}})]
    ['a', 'b/c']
    """
    for name, value in objects.items():
        if isinstance(value, Mapping):
            yield from arrays(value, f"{prefix}{name}/")
        elif hasattr(value, "ndim") and np.asarray(value).dtype.kind in "biuf":  # R's named arrays are labelled ones
            yield f"{prefix}{name}", np.asarray(value)


def _slots(_value: Any, attributes: Mapping[str, Any]) -> dict[str, Any]:
    return dict(attributes)


def _columns(value: Any, _attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): column for name, column in value.items()} if isinstance(value, dict) else {}
