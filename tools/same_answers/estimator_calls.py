"""Calls on plain matrices: presets, the estimator, starts by geometry, matching."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from scipy import sparse

import mffnb as mf
from mffnb import presets
from mffnb.geometry import minimum_volume
from mffnb.graphs import grid
from mffnb.matrices import Chunked, in_memory

from . import inputs
from .records import Fitted

_SHORT: dict[str, Any] = {"random_state": 0, "max_iter": 60}

ESTIMATORS: dict[str, Callable[[], Any]] = {
    "preset_svd": lambda: presets.svd(3),
    "preset_pca": lambda: presets.pca(3),
    "preset_nmf": lambda: presets.nmf(3, **_SHORT),
    "preset_nmf_kl": lambda: presets.nmf(3, similarity="kl", **_SHORT),
    "preset_plsi": lambda: presets.plsi(3, n_init=2, **_SHORT),
    "preset_sparse_nmf": lambda: presets.sparse_nmf(3, 1e-2, **_SHORT),
    "preset_spatial_nmf": lambda: presets.spatial_nmf(3, 1e-2, 0.1, grid(inputs.SHAPE), **_SHORT),
    "preset_bounded_nmf": lambda: presets.bounded_nmf(3, 0.0, 25.0, **_SHORT),
    "preset_orthogonal_nmf": lambda: presets.orthogonal_nmf(3, **_SHORT),
    "preset_minimum_volume_weight": lambda: presets.minimum_volume_nmf(3, 1e-3, gain=True, max_iter=60),
    "preset_minimum_volume_auto": lambda: presets.minimum_volume_nmf(3),
    "preset_minimum_volume_auto_gain": lambda: presets.minimum_volume_nmf(3, gain=True),
    "preset_archetypal": lambda: presets.archetypal(3, restarts=3),
    "preset_known": lambda: presets.known_endmembers(inputs.known(3).values),
    "preset_known_sum_to_one": lambda: presets.known_endmembers(inputs.known(3).values, sum_to_one=True),
    "preset_known_box": lambda: presets.known_endmembers(inputs.known(3).values, bounds=(0.0, 0.6)),
    "preset_known_signed": lambda: presets.known_endmembers(inputs.known(3).values, non_negative=False),
    "estimator_pinned": lambda: mf.MatrixFactorization(3, endmember_terms=[mf.Pinned(inputs.known().values)], **_SHORT),
    "estimator_poisson_weights": lambda: mf.MatrixFactorization(3, weights="poisson", **_SHORT),
}


def fitted(make: Callable[[], Any], X: Any = None) -> dict[str, Any]:
    """Fit, then use the model on other pixels: ``transform`` and ``inverse_transform``."""
    X = inputs.matrix() if X is None else X
    model = make()
    A = np.asarray(model.fit_transform(X))
    new = np.abs(X + inputs.rng(13).normal(0.0, 0.2, X.shape))
    return {
        "model": Fitted(model, A),
        "of_new_pixels": np.asarray(model.transform(new)),
        "product": np.asarray(model.inverse_transform(A)),
    }


def inputs_of_the_estimator() -> dict[str, Any]:
    """Sparse, integer, float32 and banded X, each with its own way through memory."""
    X, counts = inputs.matrix(), inputs.rng(9).poisson(0.05 * inputs.matrix())
    kinds: dict[str, tuple[Any, dict[str, Any]]] = {
        "csr": (sparse.csr_array(counts.astype(float)), {}),
        "csc_kl": (sparse.csc_array(counts.astype(float)), {"similarity": "kl"}),
        "csr_huber": (sparse.csr_array(counts.astype(float)), {"similarity": "huber"}),
        "integers_kl": (counts, {"similarity": "kl", "abundance_terms": (mf.Sparsity(1e-2),)}),
        "float32": (X.astype(np.float32), {}),
        "fortran": (np.asfortranarray(X), {}),
        "bands": (Chunked(X, band_bytes=16384), {"abundance_terms": (mf.Smoothness(0.1, grid(inputs.SHAPE)),)}),
        "bands_kl": (Chunked(counts.astype(float), band_bytes=16384), {"similarity": "kl"}),
    }
    found: dict[str, Any] = {}
    for name, (data, options) in kinds.items():
        model = mf.MatrixFactorization(3, **_SHORT, **options)
        found[name] = Fitted(model, model.fit_transform(data))
    return found


def missing_entries() -> dict[str, Any]:
    """Presets and the estimator around NaN."""
    X = np.where(inputs.rng(14).random((180, 40)) < 0.05, np.nan, inputs.matrix())
    models = {
        "bounded": presets.bounded_nmf(3, 0.0, 25.0, **_SHORT),
        "nmf": presets.nmf(3, **_SHORT),
        "angle": presets.nmf(3, similarity="angle", **_SHORT),
    }
    return {name: Fitted(model, model.fit_transform(X)) for name, model in models.items()}


def starts() -> dict[str, Any]:
    """Abundances and endmembers of every start object of :mod:`mffnb.geometry`."""
    matrix = in_memory(inputs.matrix())
    names = ("VCA", "SPA", "NFINDR", "SISAL", "Facets", "KMeans", "Groups", "Archetypal")
    found = {name: getattr(mf.geometry, name)().start(matrix, 3, 0) for name in names}
    return {name: {"abundances": A, "endmembers": E} for name, (A, E) in found.items()}


def volumes() -> dict[str, Any]:
    """The rule of the minimum volume, with and without gain, and its choice between the two models."""
    found: dict[str, Any] = {}
    for name, data in {"plain": inputs.cube(), "gain": inputs.with_gain()}.items():
        matrix = in_memory(data.values.reshape(-1, inputs.CHANNELS))
        answer, choice = minimum_volume(matrix, 3, 0), mf.geometry.choose_model(matrix, 3, 0)
        fields = ("endmembers", "abundances", "gain", "model", "rho", "threshold", "counts", "weight", "objective")
        found[name] = {field: getattr(answer, field) for field in (*fields, "disagreement", "alternative")}
        found[f"{name}_choice"] = {"gain": choice.gain, "rho": choice.rho, "threshold": choice.threshold}
    return found


def graphs_and_matching() -> dict[str, Any]:
    """Graphs as arrays, angles, and the partner of each component."""
    E, other = inputs.known(3).values, inputs.known(3).values[::-1] + inputs.rng(15).random((3, inputs.CHANNELS))
    image = inputs.cube().values
    made = {
        "grid": grid(inputs.SHAPE, mask=inputs.rng(8).random(inputs.SHAPE) < 0.9),
        "similar": mf.graphs.similar(image, 4),
        "alike": mf.graphs.alike(grid(inputs.SHAPE), image),
    }
    parts = ("indptr", "indices", "weights", "degree", "bands")
    found = {name: {part: getattr(graph, part) for part in parts} for name, graph in made.items()}
    return {**found, "angles": mf.selection.spectral_angles(E, other), "match": mf.selection.match(E, other)}


CALLS: dict[str, Callable[[], dict[str, Any]]] = {
    **{name: partial(fitted, make) for name, make in ESTIMATORS.items()},
    "estimator_inputs": inputs_of_the_estimator,
    "estimator_missing_entries": missing_entries,
    "geometry_starts": starts,
    "geometry_volumes": volumes,
    "graphs_and_matching": graphs_and_matching,
}
