"""Calls of ``mf.unmix``: similarities, solvers, penalties, constraints, weights, masks, starts, inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

import mffnb as mf
from mffnb import graphs
from mffnb.errors import UnsupportedCombinationError
from mffnb.protocols import Half
from mffnb.solvers import BlockPivoting, Extrapolated, Hals, Multiplicative, Newton, ProximalGradient

from . import inputs


@dataclass(frozen=True)
class SharedOut:
    """The user's own penalty of the README: a value, and what it adds to the half-step subproblem."""

    weight: float

    def value(self, factor: Any) -> float:
        """Half of the weighted sum of squares."""
        return self.weight / 2 * float(np.sum(factor**2))

    def fold(self, half: Half) -> Half:
        """Raise the diagonal of the Gram matrix."""
        return replace(half, gram=half.gram + self.weight * np.eye(len(half.gram)))


# Keywords of mf.unmix by the name of the call. Functions, so that a name which is missing fails its own call only.
OPTIONS: dict[str, Callable[[], dict[str, Any]]] = {
    "plain": dict,
    "sparsity": lambda: {"sparsity": 1e-2},
    "smoothness": lambda: {"smoothness": 0.1},
    "sparsity_and_smoothness": lambda: {"sparsity": 1e-2, "smoothness": 0.1},
    "sum_to_one": lambda: {"sum_to_one": True},
    "gain": lambda: {"cube": inputs.with_gain(), "gain": True},
    "volume_sum_to_one": lambda: {"sum_to_one": True, "volume": 1e-3},
    "volume_gain_smooth": lambda: {"cube": inputs.with_gain(), "gain": True, "volume": 1e-3, "smoothness": 0.1},
    "volume_model_from_data": lambda: {"volume": 1e-3},
    "volume_auto_from_data": lambda: {"volume": "auto"},
    "volume_auto_sum_to_one": lambda: {"volume": "auto", "sum_to_one": True},
    "volume_auto_gain": lambda: {"cube": inputs.with_gain(), "volume": "auto", "gain": True},
    "volume_auto_counts": lambda: {"cube": inputs.counts(), "volume": "auto"},
    "known_whole": lambda: {"known": inputs.known(2)},
    "known_in_part": lambda: {"known": inputs.known().where(inputs.known().energy < 450), "sparsity": 1e-2},
    "known_with_gain": lambda: {"cube": inputs.with_gain(), "known": inputs.known(), "gain": True},
    "known_all": lambda: {"known": inputs.known(3), "sum_to_one": True},
    "kl": lambda: {"cube": inputs.counts(), "similarity": "kl"},
    "kl_newton": lambda: {"cube": inputs.counts(), "similarity": "kl", "solver": "newton", "sparsity": 1e-2},
    "kl_newton_object": lambda: {"cube": inputs.counts(), "similarity": "kl", "solver": Newton(), "gain": True},
    "kl_multiplicative": lambda: {"cube": inputs.counts(), "similarity": "kl", "solver": "multiplicative"},
    "kl_multiplicative_object": lambda: {
        "cube": inputs.counts(), "similarity": mf.KullbackLeibler(), "solver": Multiplicative(), "smoothness": 0.1,
    },
    "kl_proximal": lambda: {"cube": inputs.counts(), "similarity": "kl", "solver": "proximal"},
    "itakura_saito": lambda: {"similarity": "itakura-saito"},
    "beta_divergence": lambda: {"similarity": mf.BetaDivergence(0.5), "smoothness": 0.1},
    "huber": lambda: {"similarity": "huber"},
    "huber_object": lambda: {"similarity": mf.Huber(1.0, 0.3), "solver": "hals", "sparsity": 1e-2},
    "angle": lambda: {"cube": inputs.with_gain(), "similarity": "angle"},
    "bernoulli": lambda: {"cube": inputs.yes_or_no(), "similarity": "bernoulli", "abundance_terms": [mf.Ridge(0.01)]},
    "frobenius_object": lambda: {"similarity": mf.Frobenius(), "init": "random"},
    "logistic": lambda: {"cube": inputs.chances(), "transform": "logistic", "abundance_terms": [mf.Ridge(0.01)]},
    "rounding": lambda: {"cube": inputs.counts(), "transform": "rounding"},
    "hals": lambda: {"solver": "hals"},
    "hals_object_extrapolated": lambda: {"solver": Extrapolated(Hals()), "sparsity": 1e-2},
    "pivoting": lambda: {"solver": "pivoting"},
    "pivoting_extrapolated": lambda: {"solver": Extrapolated(BlockPivoting())},
    "proximal": lambda: {"solver": "proximal", "sparsity": 1e-2},
    "proximal_object": lambda: {"solver": ProximalGradient(), "sum_to_one": True},
    "total_variation": lambda: {"abundance_terms": [mf.TotalVariation(0.05)]},
    "group_sparsity": lambda: {"k": 5, "abundance_terms": [mf.GroupSparsity(0.05)]},
    "ridge_of_both": lambda: {"abundance_terms": [mf.Ridge(1e-2)], "endmember_terms": [mf.Ridge(1e-3)]},
    "spectral_smoothness": lambda: {"endmember_terms": [mf.SpectralSmoothness(0.1)]},
    "sparse_endmembers": lambda: {"endmember_terms": [mf.Sparsity(1e-2)]},
    "bounds_of_both": lambda: {"abundance_terms": [mf.Bounds(0, 1)], "endmember_terms": [mf.Bounds(0.0, 18.0)]},
    "orthogonal": lambda: {"abundance_terms": [mf.Orthogonal()]},
    "unimodal": lambda: {"endmember_terms": [mf.Unimodal()]},
    "unit_ball": lambda: {"abundance_terms": [mf.UnitBall(15.0)]},
    "terms_of_the_model": lambda: {
        "abundance_terms": [mf.Simplex(), mf.NonNegative()], "endmember_terms": [mf.MinimumVolume(1e-3)],
    },
    "own_penalty": lambda: {"abundance_terms": [SharedOut(1e-2)]},
    "similar_graph": lambda: {"abundance_terms": [mf.Smoothness(1.0, graphs.similar(inputs.cube().values))]},
    "alike_graph": lambda: {
        "abundance_terms": [mf.Smoothness(1.0, graphs.alike(graphs.grid(inputs.SHAPE), inputs.cube().values))],
    },
    "combined_graphs": lambda: {
        "abundance_terms": [
            mf.Smoothness(1.0, graphs.combined(graphs.grid(inputs.SHAPE), graphs.similar(inputs.cube().values)))
        ],
    },
    "weights_of_pixels": lambda: {"weights": inputs.weights_of_pixels(), "smoothness": 0.1},
    "weights_of_channels": lambda: {"weights": inputs.weights_of_channels()},
    "weights_of_entries": lambda: {"weights": inputs.weights_of_entries(), "sparsity": 1e-2},
    "weights_poisson": lambda: {"cube": inputs.counts(), "weights": "poisson"},
    "weights_list": lambda: {"weights": [inputs.weights_of_pixels(), inputs.weights_of_channels()], "gain": True},
    "masks": lambda: {"mask": [inputs.rng(8).random(inputs.SHAPE) < 0.9, np.arange(inputs.CHANNELS) != 4]},
    "gaps": lambda: {"cube": inputs.with_gaps(), "smoothness": 0.1},
    "gaps_kl": lambda: {"cube": np.round(inputs.with_gaps()), "similarity": "kl"},
    "integers": lambda: {"cube": inputs.counts().astype(np.uint16)},
    "float32": lambda: {"cube": inputs.cube().astype(np.float32), "sparsity": 1e-2},
    "few_counts_kept_sparse": lambda: {"cube": inputs.rng(9).poisson(0.05 * inputs.cube()), "similarity": "kl"},
    "bare_array": lambda: {"cube": inputs.cube().values},
    "channel_first": lambda: {"cube": inputs.cube().transpose("energy", "y", "x"), "channel": "energy"},
    "two_channel_dims": lambda: {
        "cube": xr.DataArray(inputs.cube().values.reshape(12, 15, 5, 8), dims=("y", "x", "ky", "kx")),
        "channel": ("ky", "kx"), "smoothness": 0.1,
    },
    "line_of_pixels": lambda: {"cube": inputs.matrix(), "smoothness": 0.1},
    "volume_of_pixels": lambda: {"cube": inputs.cube().values.reshape(4, 3, 15, 40), "smoothness": 0.1},
    "more_components_than_channels": lambda: {"cube": inputs.cube()[..., :2], "k": 4},
    "many_starts": lambda: {"n_init": 3},
    "many_starts_kl": lambda: {"cube": inputs.counts(), "similarity": "kl", "n_init": 2, "sparsity": 1e-2},
    "init_random": lambda: {"init": "random", "random_state": 3},
    "init_nndsvd": lambda: {"init": "nndsvd"},
    "init_pair": lambda: {"init": (inputs.rng(10).random((180, 3)), inputs.rng(11).random((3, 40)))},
    "init_start_object": lambda: {"init": mf.geometry.VCA()},
    "long_run": lambda: {"max_iter": 1000, "tol": 1e-7},
}  # fmt: skip


def unmixed(options: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Unmix with few iterations: a wrong step shows in the first ones, and later ones multiply it."""
    keywords = {"cube": inputs.cube(), "k": 3, "random_state": 0, "max_iter": 60, **options()}
    return {"result": mf.unmix(keywords.pop("cube"), keywords.pop("k"), **keywords)}


def from_a_result() -> dict[str, Any]:
    """Go on from a result, with the same settings, another penalty, and a known endmember."""
    first = mf.unmix(inputs.cube(), 3, max_iter=10, random_state=0)
    known = inputs.known()
    return {
        "further": mf.unmix(inputs.cube(), 3, init=first, max_iter=20, random_state=0),
        "smoother": mf.unmix(inputs.cube(), 3, init=first, smoothness=1.0, max_iter=20, random_state=0),
        "known": mf.unmix(inputs.cube(), 3, init=first, known=known, max_iter=20, random_state=0),
    }


def stopped_by_a_callback() -> dict[str, Any]:
    """End a run after five iterations, and keep what the callback saw."""
    seen: list[float] = []

    def watch(state: Any) -> bool:
        seen.append(state.objective)
        return bool(state.iteration >= 5)

    return {"result": mf.unmix(inputs.cube(), 3, callback=watch, tol=1e-12, random_state=0), "seen": seen}


def methods_of_a_result() -> dict[str, Any]:
    """Residual and normalisations."""
    result = mf.unmix(inputs.cube(), 3, max_iter=20, random_state=0)
    scaled = {how: result.normalized(how).endmembers for how in ("max", "sum", "norm", "area")}
    return {"residual": result.residual(), "normalized": scaled}


def many_pixels() -> dict[str, Any]:
    """The start on a part of the pixels, which begins at 131072 of them; float32 with little noise."""
    random = inputs.rng(12)
    fractions = random.dirichlet(np.full(3, 0.4), (512, 256)).astype(np.float32)
    values = fractions @ random.random((3, 6), dtype=np.float32) + 0.01 * random.random((512, 256, 6), dtype=np.float32)
    result = mf.unmix(values, 3, max_iter=4, random_state=0)
    return {"endmembers": result.endmembers, "abundances": result.abundances[:, ::16]}


def refusals() -> dict[str, Any]:
    """Combinations that are refused: type and sentence."""
    cases: dict[str, dict[str, Any]] = {
        "sparse fractions": {"sum_to_one": True, "sparsity": 1e-2},
        "hals for counts": {"similarity": "kl", "solver": "hals"},
        "poisson twice": {"similarity": "kl", "weights": "poisson"},
        "volume without fractions": {"endmember_terms": [mf.MinimumVolume(1e-3)]},
        "auto with a start": {"volume": "auto", "init": (np.ones((180, 3)), np.ones((3, 40)))},
        "too many known": {"known": inputs.known(3), "k": 2},
        "unknown solver": {"solver": "unknown"},
    }
    said: dict[str, Any] = {}
    for name, options in cases.items():
        try:
            unmixed(partial(dict, options))
            said[name] = "no error"
        except (UnsupportedCombinationError, ValueError, TypeError) as error:
            said[name] = f"{type(error).__name__}: {error}"
    return said


CALLS: dict[str, Callable[[], dict[str, Any]]] = {
    **{f"unmix_{name}": partial(unmixed, options) for name, options in OPTIONS.items()},
    "unmix_from_a_result": from_a_result,
    "unmix_stopped_by_a_callback": stopped_by_a_callback,
    "unmix_many_pixels": many_pixels,
    "unmix_refusals": refusals,
    "result_methods": methods_of_a_result,
}
