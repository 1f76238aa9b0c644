"""Factors of a run as a labelled result in the units of the data, and a result as factors to start from."""

from __future__ import annotations

import datetime
import importlib.metadata
import platform
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from mffnb.estimators.factorization import MatrixFactorization
from mffnb.estimators.names import mapped as map_of
from mffnb.io.parallel_write import Block
from mffnb.preprocessing import Chain
from mffnb.solvers import Outcome, State
from mffnb.transforms import Mapped
from mffnb.typing import Float64Array
from mffnb.unmixing.image import Prepared
from mffnb.unmixing.result import Processed, Unmixing


def record(image: Prepared, model: MatrixFactorization, init: str, n_init: int, seed: int) -> dict[str, Any]:
    """Note the settings of a run that are not on a slider, so that it can be run again."""
    through = map_of(model.similarity, model.get_params(deep=False)["transform"], None)
    return {
        "similarity": named(model.similarity),
        "weights": _weights_name(model.weights),
        "transform": None if through is None else through.name,
        "channel": [str(name) for name in image.layout.channel_shape],
        "masked_pixels": 0 if image.layout.pixel_mask is None else int((~image.layout.pixel_mask).sum()),
        "preprocess": [] if image.chain is None else image.chain.describe(),
        "init": init,
        "solver": named(model.solver),
        "n_init": n_init,
        "max_iter": model.max_iter,
        "tol": model.tol,
        "random_state": seed,
    }


def assemble(
    cube: xr.DataArray,
    image: Prepared,
    abundances: Float64Array,
    endmembers: Float64Array,
    outcome: Outcome,
    trace: Sequence[State],
    settings: dict[str, Any],
    gain: Float64Array | None = None,
    alternative: Float64Array | None = None,
    block: Block | None = None,
    mapped: Mapped | None = None,
) -> Unmixing:
    """Label the factors A (k, pixels) and E (k, channels) of a run, and what goes with them; note their origin."""
    found: dict[str, Any] = {
        "endmembers": image.layout.endmembers(endmembers),
        "abundances": image.layout.abundances(np.ascontiguousarray(abundances)),
        "gain": None if gain is None else image.layout.map(gain, "gain"),
    }
    if mapped is not None and mapped.intercept is not None:
        mapped = replace(mapped, intercept=image.layout.endmembers(mapped.intercept[None])[0].drop_vars("component"))
    other = None if alternative is None else image.layout.endmembers(alternative)
    if image.chain is not None:
        found = _in_physical_units(image.chain, settings, **found)
        other = None if other is None else image.chain.endmembers(other)
    return Unmixing(
        **found,
        alternative=None if other is None else other.rename("alternative"),
        outcome=outcome,
        trace=_trace(trace),
        parameters={
            **settings,
            "transform": None if mapped is None else mapped.name,
            "source": str(cube.attrs.get("source", "")),
            "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "versions": versions(),
        },
        cube=cube,
        block=block,
        mapped=mapped,
    )


def _in_physical_units(
    chain: Chain,
    settings: dict[str, Any],
    endmembers: xr.DataArray,
    abundances: xr.DataArray,
    gain: xr.DataArray | None,
) -> dict[str, Any]:
    """Lead factors back through preprocessing, and keep what was found before.

    What a step took from each pixel is a gain where abundances are fractions; else it goes into them, whose mean sum is
    then made 1 again.
    """
    processed = Processed(chain, endmembers, abundances, gain)
    spectra = chain.endmembers(endmembers)
    if settings.get("sum_to_one") or settings.get("gain") or gain is not None:
        factor = chain.abundances(xr.ones_like(abundances[:1]))[0].drop_vars("component", errors="ignore")
        factor = factor if gain is None else factor * gain
        only_ones = gain is None and bool((factor == 1).all())
        return {
            "endmembers": spectra,
            "abundances": abundances,
            "gain": None if only_ones else factor.rename("gain"),
            "processed": processed,
        }
    maps = chain.abundances(abundances)
    mean = float(maps.sum("component", skipna=False).mean()) or 1.0
    if not chain.bends and settings.get("known", 0) == 0:
        maps, spectra = (maps / mean).assign_attrs(maps.attrs), (spectra * mean).assign_attrs(spectra.attrs)
    return {"endmembers": spectra, "abundances": maps, "gain": gain, "processed": processed}


def matrices(result: Unmixing, image: Prepared) -> tuple[Float64Array, Float64Array]:
    """Turn a result into a start: A (pixels, k) and E (k, channels) of an image as it is factored."""
    layout = image.layout
    amounts = result.abundances if result.gain is None else result.abundances * result.gain
    spectra = result.endmembers
    if image.chain is not None:
        amounts, spectra = image.chain.prepare_abundances(amounts), image.chain.prepare_endmembers(spectra)
    A = amounts.transpose("component", *layout.pixel_shape).values
    E = spectra.transpose("component", *layout.channel_shape).values
    A, E = A.reshape(len(A), -1), E.reshape(len(E), -1)
    A = A if layout.pixel_mask is None else A[:, layout.pixel_mask.ravel()]
    E = E if layout.channel_mask is None else E[:, layout.channel_mask.ravel()]
    return A.T, E


def versions() -> dict[str, str]:
    """Versions of what decides the numbers."""
    packages = ("mffnb", "numpy", "scipy", "numba", "scikit-learn", "xarray")
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "unknown"
    return found


def _trace(states: Sequence[State]) -> xr.Dataset:
    names = ("objective", "relative_error", "step", "seconds")
    variables = {name: ("iteration", np.array([getattr(state, name) for state in states])) for name in names}
    return xr.Dataset(variables, coords={"iteration": np.array([state.iteration for state in states])})


def _weights_name(weights: Any) -> Any:
    if weights is None or isinstance(weights, str):
        return weights
    if isinstance(weights, (list, tuple)):
        return [_weights_name(part) for part in weights]
    return f"array {np.shape(weights)}"


def named(part: object) -> str:
    """The name of a part, or what it is made of."""
    return part if isinstance(part, str) else repr(part)
