"""The record of a run in ``result.parameters``: every setting that is needed to repeat it."""

from __future__ import annotations

import datetime
import importlib.metadata
import platform
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from mffnb.estimators.names import mapped
from mffnb.protocols.similarity import Similarity
from mffnb.typing import Float64Array
from mffnb.unmixing.image import Prepared
from mffnb.unmixing.physics import Physics

_PACKAGES = ("mffnb", "numpy", "scipy", "numba", "scikit-learn", "xarray")


def record(
    image: Prepared,
    physics: Physics,
    *,
    k: int,
    similarity: str | Similarity,
    transform: Any,
    init: Any,
    solver: Any,
    **others: Any,
) -> dict[str, Any]:
    """Return the settings of a run on one image as plain values; parts are recorded by their ``repr``."""
    through = mapped(similarity, transform, None)
    mask = image.layout.pixel_mask
    return {
        "k": int(k),
        **physics.record(),
        **_known_abundances(image, physics),
        "known": 0 if physics.known is None else len(image.known_spectra(physics.known)),
        "similarity": _described(similarity),
        "weights": _described_weights(image.weights),
        "transform": None if through is None else through.name,
        "channel": [str(name) for name in image.layout.channel_shape],
        "masked_pixels": 0 if mask is None else int((~mask).sum()),
        "preprocess": [] if image.chain is None else image.chain.describe(),
        "init": _described(init),
        "solver": _described(solver),
        **others,
    }


def in_force(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a record whose volume is the weight that ``volume="auto"`` has found for counts, which may be 0.

    Any other record is returned as it is: a smallest simplex is the solution of no problem with a weight.
    """
    if parameters.get("volume") != "auto" or parameters.get("weights") != "poisson":
        return parameters
    return {**parameters, "volume": parameters.get("volume_weight", 0.0)}


def noise_words(parameters: Mapping[str, Any]) -> str:
    """Return in a few words which noise the misfit of a run assumes: its similarity and its weights.

    Examples
    --------
    >>> noise_words({"similarity": "frobenius", "weights": None})
    'least squares'
    >>> noise_words({"similarity": "frobenius", "weights": "poisson"})
    'least squares with Poisson weights'
    >>> noise_words({"similarity": "kl", "weights": ["array (1, 5)", "poisson"]})
    'Poisson likelihood with given and Poisson weights'
    """
    similarity = str(parameters.get("similarity") or "frobenius")
    misfit = {"frobenius": "least squares", "kl": "Poisson likelihood"}.get(similarity, f"misfit {similarity}")
    weights = parameters.get("weights")
    weights = weights if isinstance(weights, list) else [weights]
    kinds = ["Poisson" if one == "poisson" else "given" for one in weights if one not in (None, "equal")]
    return f"{misfit} with {' and '.join(dict.fromkeys(kinds))} weights" if kinds else misfit


def origin(source: Any) -> dict[str, Any]:
    """Return where the data came from, when the result was made, and the versions of the packages that made it."""
    return {
        "source": str(source),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that determine the numbers of a result."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "unknown"
    return found


def _known_abundances(image: Prepared, physics: Physics) -> dict[str, Any]:
    """Return the fixed abundances, if there are any, as runs [first, stop, fraction] of pixels in map order."""
    fixed = physics.fixed_on_map(image)
    runs = [{"component": number, "runs": runs_of(fractions)} for number, fractions in fixed]
    return {"fixed": runs} if runs else {}


def runs_of(values: Float64Array) -> list[list[float]]:
    """Return first and one-past-last index of each run of equal numbers with the number; runs of NaN are left out."""
    differs = (values[1:] != values[:-1]) & ~(np.isnan(values[1:]) & np.isnan(values[:-1]))
    limits = [0, *(np.flatnonzero(differs) + 1).tolist(), len(values)]
    return [[a, b, float(values[a])] for a, b in pairwise(limits) if not np.isnan(values[a])]


def _described(part: object) -> str:
    """Return a name (str) unchanged, and any other part of the model as its ``repr``."""
    return part if isinstance(part, str) else repr(part)


def _described_weights(weights: Any) -> Any:
    if weights is None or isinstance(weights, str):
        return weights
    if isinstance(weights, (list, tuple)):
        return [_described_weights(part) for part in weights]
    return f"array {np.shape(weights)}"
