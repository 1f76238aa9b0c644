"""Draw hostile problems from seeds: data, parts and settings that break assumptions, for every way to call a fit.

Most problems are hostile in one respect only (``MILD``), so that they reach the solvers; the others in all of them.
A problem must give finite numbers, numbers with a warning of this package, or one sentence that refuses it: an
exception that a ``raise`` statement of this package or of scikit-learn's validation raised. Run many fresh draws with
``python -m tests.hostile 1000``, and one draw again with ``python -m tests.hostile --seed 12345``.
"""

from __future__ import annotations

import argparse
import linecache
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import xarray as xr

import mffnb as mf
from mffnb.errors import MffnbWarning
from mffnb.estimators.simplex_vertices import SimplexCorners
from mffnb.protocols.terms import GraphTerm
from mffnb.typing import Array

KINDS = (
    "uniform", "uniform", "zero", "constant", "negative", "shifted", "counts", "one pixel", "one channel", "equal pixels",
    "missing", "nan", "nan pixel", "nan channel", "one number", "infinite", "outlier", "probability", "boolean",
)  # fmt: skip
SCALES = (1.0, 1.0, 1.0, 1.0, 1e-160, 1e-100, 1e-30, 1e-6, 1e6, 1e30, 1e100, 1e160)
SIMILARITIES = (
    "frobenius",
    "kl",
    "huber",
    "itakura-saito",
    "angle",
    "bernoulli",
    mf.BetaDivergence(0.5),
    mf.Huber(0.1),
)
SOLVERS = ("auto", "auto", "hals", "pivoting", "newton", "multiplicative", "proximal")
PACKAGE = os.path.dirname(mf.__file__)

# Choices of a problem in all respects but the one in which it is hostile: name of the choice: (respect, mild values).
MILD: dict[str, tuple[str, tuple[Any, ...]]] = {
    "kind": ("data", ("uniform", "uniform", "counts")),
    "scale": ("scale", (1.0, 1.0, 100.0)),
    "weight size": ("weights", (1.0,)),
    "size of penalties": ("penalties", (0.01, 0.1)),
    "size on endmembers": ("penalties", (0.01, 0.05)),
    "size": ("penalties", (1e-3, 0.05)),
    "volume": ("penalties", ("auto", 1e-3)),
    "bounds": ("penalties", ((0, 1), (0, 200), (-1, 1))),
    "size of known": ("known", (1.0,)),
    "least squares": ("known", ({}, {"sum_to_one": True}, {"non_negative": False})),
    "size of init": ("start", (1.0,)),
    "init": ("start", ("auto", "auto", "random", "given", "SPA")),
    "map": ("shape", ((3, 4), (4, 5))),
    "channels": ("shape", (5, 6)),
    "k": ("shape", (1, 2, 3)),
    "similarity": ("model", ("frobenius", "frobenius", "kl", "huber", "itakura-saito", mf.BetaDivergence(0.5))),
    "transform": ("model", (None,)),
    "solver": ("solver", ("auto", "auto", "proximal")),
    "max_iter": ("solver", (30,)),
    "steps": ("data", ((), (), [mf.preprocessing.UnitSum()])),
    "share of mask": ("shape", (0.8,)),
}
RESPECTS = ("all", "terms", *sorted({respect for respect, _ in MILD.values()}))


class Draw:
    """Random choices of one problem, with the settings that it chose as ``settings``."""

    def __init__(self, seed: int):
        self.rng = np.random.default_rng(seed)
        self.respect = RESPECTS[self.rng.integers(len(RESPECTS))]
        self.settings: dict[str, Any] = {"seed": seed, "hostile in": self.respect}

    def hostile(self, respect: str) -> bool:
        """Return whether the problem is hostile in this respect."""
        return self.respect in ("all", respect)

    def one(self, name: str, choices: Any) -> Any:
        """Choose one of several values, or a mild one, and record it."""
        if name in MILD and not self.hostile(MILD[name][0]):
            choices = MILD[name][1]
        value = choices[self.rng.integers(len(choices))]
        self.settings[name] = value
        return value

    def chance(self, share: float) -> bool:
        """Return True with this probability."""
        return bool(self.rng.random() < share)

    def data(self, shape: tuple[int, ...]) -> Array:
        """Return data (pixel dims, channel) of a hostile kind and scale."""
        rng, kind = self.rng, self.one("kind", KINDS)
        data = rng.random(shape)
        if kind in ("zero", "constant", "nan"):
            data[:] = {"zero": 0.0, "constant": 0.5, "nan": np.nan}[kind]
        elif kind in ("negative", "shifted"):
            data = -data if kind == "negative" else data - 0.3
        elif kind in ("counts", "boolean"):
            data = rng.poisson(data).astype(float)
            data = data if kind == "counts" else np.minimum(data, 1.0)
        elif kind in ("one pixel", "one channel"):
            rows = data.reshape(-1, shape[-1])
            rows[1:] *= kind != "one pixel"
            rows[:, 1:] *= kind != "one channel"
        elif kind == "equal pixels":
            data[:] = data.reshape(-1, shape[-1])[0]
        elif kind in ("missing", "nan pixel", "nan channel", "one number", "infinite", "outlier"):
            rows = data.reshape(-1, shape[-1])
            row, column = rng.integers(rows.shape[0]), rng.integers(rows.shape[1])
            if kind == "missing":
                rows[rng.random(rows.shape) < rng.choice([0.1, 0.4, 0.8])] = np.nan
            elif kind == "one number":
                rows[np.arange(rows.shape[0]) != row] = np.nan
                rows[:, np.arange(rows.shape[1]) != column] = np.nan
            elif kind == "nan pixel":
                rows[row] = np.nan
            elif kind == "nan channel":
                rows[:, column] = np.nan
            else:
                rows[row, column] = np.inf if kind == "infinite" else 1e12
        kept = 1.0 if kind in ("boolean", "probability") else self.one("scale", SCALES)
        kinds = ("f8", "f8", "f4", ">f8", "f2") if kind not in ("counts", "boolean") else ("f8", "u2", "f4")
        with np.errstate(all="ignore"):
            return (data * kept).astype(self.one("type", kinds)) if kept == 1 or kind != "counts" else data * kept

    def weights(self, pixels: int, channels: int) -> Any:
        """Return weights of pixels, channels or entries, some of extreme size; None for the most part."""
        names = (None, None, None, "pixels", "channels", "entries", "all", "poisson")
        kind = self.one("weights", names if self.hostile("weights") else (*names[:-1], None))
        if kind is None or kind == "poisson":
            return kind
        size = self.one("weight size", (1.0, 1.0, 1e-200, 1e-30, 1e30, 1e200))
        wide = self.hostile("weights") and self.chance(0.2)
        uneven = 10.0 ** self.rng.integers(-200 if wide else -3, 3, (pixels, channels))
        if kind == "entries":
            return size * uneven * (self.rng.random((pixels, channels)) > 0.2)
        of_pixels, of_channels = size * uneven[:, :1], size * uneven[:1]
        return {"pixels": of_pixels, "channels": of_channels, "all": [of_pixels, of_channels]}[kind]

    def terms(self, map_shape: tuple[int, ...], k: int, channels: int) -> dict[str, Any]:
        """Return penalties and constraints of both factors, or of one of them only."""
        sides = self.rng.integers(3) if not self.hostile("terms") else 2
        return (
            {
                "abundance_terms": self.abundance_terms(map_shape) if sides != 1 else [],
                "endmember_terms": self.endmember_terms(k, channels) if sides != 0 else [],
            }
            if sides != 2 or self.hostile("terms")
            else {}
        )

    def abundance_terms(self, map_shape: tuple[int, ...]) -> list[Any]:
        """Return penalties and constraints of A."""
        graph = mf.graphs.grid(map_shape)
        size = self.one("size of penalties", (0.01, 0.01, 1.0, 1e-300, 1e30, 1e300))
        terms: tuple[Callable[[], list[Any]], ...] = (
            list, list, lambda: [mf.Sparsity(size)], lambda: [mf.Ridge(size)], lambda: [mf.Smoothness(size, graph)],
            lambda: [mf.TotalVariation(size, graph)], lambda: [mf.Bounds(0, size)], lambda: [mf.Simplex()],
            lambda: [mf.Simplex(gain=True)], lambda: [mf.Orthogonal()], lambda: [mf.GroupSparsity(size)],
            lambda: [mf.UnitBall(size)], lambda: [mf.Sparsity(size), mf.Smoothness(size, graph)],
            lambda: [mf.Simplex(), mf.Smoothness(size, graph)], lambda: [mf.NonNegative()],
        )  # fmt: skip
        number = self.rng.integers(len(terms))
        self.settings["abundance terms"] = number
        return terms[number]()

    def endmember_terms(self, k: int, channels: int) -> list[Any]:
        """Return penalties and constraints of E."""
        size = self.one("size on endmembers", (0.01, 0.01, 1.0, 1e-300, 1e30, 1e300))
        terms: tuple[Callable[[], list[Any]], ...] = (
            list, list, list, lambda: [mf.Sparsity(size)], lambda: [mf.Ridge(size)], lambda: [mf.Bounds(0, size)],
            lambda: [mf.SpectralSmoothness(size)], lambda: [mf.Unimodal()], lambda: [mf.Pinned(self.known(k, channels))],
            lambda: [mf.UnitBall(size)], lambda: [mf.MinimumVolume(size)],
        )[: None if self.hostile("terms") else -2]  # fmt: skip
        number = self.rng.integers(len(terms))
        self.settings["endmember terms"] = number
        return terms[number]()

    def known(self, k: int, channels: int) -> Array:
        """Return known spectra, some of extreme size, zero or unknown in part."""
        hostile = self.hostile("known")
        known = self.rng.random((self.rng.integers(1, k + 1 + hostile), channels)) * self.one(
            "size of known", (1.0, 1.0, 0, 1e-160, 1e160)
        )
        if not hostile:
            return known
        if self.chance(0.3):
            known[self.rng.random(known.shape) < 0.4] = np.nan
        if self.chance(0.1):
            known = -known
        return known

    def init(self, pixels: int, k: int, channels: int) -> Any:
        """Return a start: a name, an object or matrices, some of extreme size or zero."""
        geometry = mf.geometry
        kind = self.one(
            "init",
            (
                "auto",
                "auto",
                "nndsvd",
                "random",
                "given",
                "VCA",
                "SPA",
                "SISAL",
                "NFINDR",
                "Archetypal",
                "Groups",
                "KMeans",
                "Facets",
            ),
        )
        if kind == "given":
            size = self.one("size of init", (1.0, 0.0, 1e-200, 1e200))
            return size * self.rng.random((pixels, k)), self.rng.random((k, channels)) * (
                size if self.chance(0.3) else 1.0
            )
        return getattr(geometry, kind)() if hasattr(geometry, kind) else kind if kind[0].islower() else "auto"


def _estimator(draw: Draw) -> Iterator[Any]:
    """Fit MatrixFactorization with all kinds of parts, and transform the fitted data and new data."""
    map_shape = draw.one("map", ((1, 1), (1, 3), (2, 2), (3, 4), (1, 7)))
    pixels, channels, k = int(np.prod(map_shape)), draw.one("channels", (1, 2, 5, 6)), draw.one("k", (1, 2, 3, 4))
    data = draw.data((pixels, channels))
    model = mf.MatrixFactorization(
        k, similarity=draw.one("similarity", SIMILARITIES), **draw.terms(map_shape, k, channels),
        weights=draw.weights(pixels, channels),
        transform=draw.one("transform", (None, None, None, "logistic", "rounding", "identity")),
        init=draw.init(pixels, k, channels), solver=draw.one("solver", SOLVERS), max_iter=draw.one("max_iter", (0, 1, 30)),
        random_state=0,
    )  # fmt: skip
    A = model.fit_transform(data)
    used, there = ~np.isnan(data).all(axis=1), ~np.isnan(data).all(axis=0)
    yield from (A[used], model.components_[:, there], model.objective_, model.relative_error_)
    yield from () if model.gain_ is None else [model.gain_[used]]
    yield from () if model.intercept_ is None else [model.intercept_[there]]
    yield model.transform(data)[used]
    yield model.inverse_transform(A)[np.ix_(used, there)]
    if not any(isinstance(term, GraphTerm) for term in model.abundance_terms):  # a graph is that of the fitted pixels
        yield model.transform(data[:1])[used[:1]]


def _preset(draw: Draw) -> Iterator[Any]:
    """Fit an estimator of mffnb.presets, and transform the fitted data."""
    map_shape = draw.one("map", ((1, 1), (1, 3), (2, 2), (3, 4), (5, 6)))
    pixels, channels, k = int(np.prod(map_shape)), draw.one("channels", (1, 2, 5, 6)), draw.one("k", (1, 2, 3, 4))
    data, presets = draw.data((pixels, channels)), mf.presets
    size = draw.one("size", (0.0, 1e-3, 1e-3, 1.0, 1e30))
    makers: dict[str, Callable[[], Any]] = {
        "nmf": lambda: presets.nmf(k, max_iter=30, random_state=0),
        "sparse": lambda: presets.sparse_nmf(k, size, max_iter=30, random_state=0),
        "spatial": lambda: presets.spatial_nmf(k, size, size, mf.graphs.grid(map_shape), max_iter=30, random_state=0),
        "orthogonal": lambda: presets.orthogonal_nmf(k, max_iter=30, random_state=0),
        "bounded": lambda: presets.bounded_nmf(k, *draw.one("bounds", ((0, 1), (0.2, 0.9), (-1, 1), (1e-200, 1e200), (0, 1e-30))),
                                               random_state=0, max_iter=20, non_negative=draw.chance(0.7)),
        "volume": lambda: presets.minimum_volume_nmf(k, draw.one("volume", ("auto", 0.0, 1e-3, 1e3)), draw.one("gain", (None, True, False))),
        "plsi": lambda: presets.plsi(k, n_init=2, random_state=0, max_iter=50),
        "archetypal": lambda: presets.archetypal(k, restarts=2),
        "known": lambda: presets.known_endmembers(
            draw.known(k, channels), **draw.one("least squares", ({}, {"sum_to_one": True}, {"bounds": (0, 0.5)},
                                                                  {"non_negative": False}, {"bounds": (0.1, np.inf)}))),
        "svd": lambda: presets.svd(k), "pca": lambda: presets.pca(k),
        "pure pixels": lambda: SimplexCorners(k, finder=draw.one("finder", (mf.geometry.VCA(), mf.geometry.SPA(), mf.geometry.SISAL()))),
    }  # fmt: skip
    model = makers[draw.one("preset", tuple(makers))]()
    A = model.fit_transform(data)
    used, there = ~np.isnan(data).all(axis=1), ~np.isnan(data).all(axis=0)
    yield from (A[used], model.components_[:, there])
    yield model.transform(data)[used]
    yield model.inverse_transform(A)[np.ix_(used, there)]
    yield model.transform(data[:1])[used[:1]]


def _cube(draw: Draw) -> xr.DataArray:
    shape = draw.one("map", ((1, 1), (1, 3), (2, 2), (3, 4), (5, 6), (6,)))
    channels = draw.one("channels", (1, 2, 5, 6, 9))
    names = ("y", "x")[-len(shape):]  # fmt: skip
    data = draw.data((*shape, channels))
    return xr.DataArray(data, dims=(*names, "energy"), coords={"energy": np.arange(channels) * 2.0})


def _penalties(draw: Draw, size: float) -> dict[str, Any]:
    """Return any penalties and constraints of mf.unmix, or a combination that has a solution."""
    volume = draw.one("volume", (0.0, 0.0, 0.0, "auto", 1e-3, 1e3))
    if draw.hostile("terms"):
        return {
            "sparsity": size if draw.chance(0.3) else 0.0, "smoothness": size if draw.chance(0.3) else 0.0,
            "sum_to_one": draw.chance(0.2), "gain": draw.chance(0.2), "volume": volume,
        }  # fmt: skip
    choices: tuple[dict[str, Any], ...] = (
        {}, {"sparsity": size}, {"smoothness": size}, {"sparsity": size, "smoothness": size}, {"sum_to_one": True},
        {"gain": True}, {"sum_to_one": True, "volume": volume}, {"gain": True, "volume": volume},
    )  # fmt: skip
    return choices[draw.rng.integers(len(choices))]


def _is_volume(keywords: dict[str, Any]) -> bool:
    return bool(keywords.get("volume"))


def _keywords(draw: Draw, cube: xr.DataArray, k: int) -> dict[str, Any]:
    """Return keywords of mf.unmix."""
    map_shape, channels = cube.shape[:-1], cube.shape[-1]
    size = draw.one("size", (0.0, 0.0, 1e-3, 1.0, 1e30, 1e300))
    chain = mf.preprocessing
    steps = ((), (), (), [chain.UnitSum()])
    found: dict[str, Any] = {
        "similarity": draw.one("similarity", SIMILARITIES[:6]), "solver": draw.one("solver", SOLVERS),
        **_penalties(draw, size),
        "n_init": draw.one("n_init", (1, 1, 2)), "max_iter": draw.one("max_iter", (0, 1, 30)), "random_state": 0,
        "transform": draw.one("transform", (None, None, None, "logistic", "rounding")), "preprocess": draw.one("steps", steps),
    }  # fmt: skip
    if draw.chance(0.2) and (draw.hostile("terms") or not _is_volume(found)):
        found["known"] = draw.known(k, channels)
    if draw.chance(0.3):
        used = draw.rng.random(map_shape) < draw.one("share of mask", (0.0, 0.1, 0.5, 0.9))
        found["mask"] = [xr.DataArray(used, dims=cube.dims[:-1])]
        if draw.chance(0.3):
            found["mask"].append(xr.DataArray(draw.rng.random(channels) < 0.6, dims=("energy",)))
    if draw.chance(0.2):
        weights = draw.weights(int(np.prod(map_shape)), channels)
        if weights is not None and not isinstance(weights, (str, list)):
            full = np.broadcast_to(weights, (int(np.prod(map_shape)), channels)).reshape(cube.shape)
            found["weights"] = xr.DataArray(full, dims=cube.dims)
        else:
            found["weights"] = weights if isinstance(weights, str) else None
    draw.settings |= {name: value for name, value in found.items() if not isinstance(value, (xr.DataArray, list))}
    return found


def _parts(result: Any, cube: xr.DataArray) -> Iterator[Any]:
    """Yield the numbers of a result that must be finite: all except those of masked and missing pixels and channels."""
    A, E = result.abundances, result.endmembers
    used, there = A.notnull().any("component"), E.notnull().any("component")
    known = cube.notnull() & used & there
    yield from (A.where(used, 0.0), E.where(there, 0.0))
    yield used.any().astype(float).where(used.any())  # an answer must have pixels
    yield from () if result.gain is None else [result.gain.where(used, 0.0)]
    yield from (result.reconstruction().where(used & there, 0.0), result.residual().where(known, 0.0))
    yield from (result.trace.objective, result.trace.relative_error[-1])


def _unmix(draw: Draw) -> Iterator[Any]:
    """Unmix a cube."""
    cube, k = _cube(draw), draw.one("k", (1, 2, 3, 4))
    yield from _parts(mf.unmix(cube, k, **_keywords(draw, cube, k)), cube)


def _search(draw: Draw) -> Iterator[Any]:
    """Scan k, assess stability or tune settings of a cube."""
    cube, selection = _cube(draw), mf.selection
    common = {"similarity": draw.one("similarity", SIMILARITIES[:6]), "max_iter": 20}
    if draw.chance(0.3):
        common["smoothness"] = 1e-3
    if draw.chance(0.3):
        common["mask"] = [xr.DataArray(draw.rng.random(cube.shape[:-1]) < 0.6, dims=cube.dims[:-1])]
    call = draw.one("call", ("scan", "scan", "stability", "tune"))
    if call == "scan":
        scan = selection.scan_rank(
            cube, draw.one("ks", (range(1, 3), range(1, 5), (2,))), n_init=2, splits=1, random_state=0, **common
        )
        assert scan.recommend().reasons
        str(scan.recommend())
        scan.plot()
        for result in scan.results.values():
            yield from _parts(result, cube)
    elif call == "stability":
        found = selection.stability(cube, draw.one("k", (1, 2, 3)), n_init=2, n_bootstrap=9, random_state=0, **common)
        there = found.answer.endmembers.notnull()
        used = found.answer.abundances.notnull()
        yield from (
            found.lower.where(there, 0.0),
            found.upper.where(there, 0.0),
            found.deviation.where(used, 0.0),
            found.score,
        )
        found.plot()
    else:
        objectives = mf.tuning.objectives
        goal = draw.one(
            "objective", (None, objectives.BIC(), objectives.Repeatability(2), objectives.TargetSparsity(0.5))
        )
        found = mf.tuning.tune(
            cube, {"sparsity": (1e-3, 1.0)}, goal, algorithm="random", max_evals=2, k=draw.one("k", (1, 2, 3)), **common
        )
        for trial in found.trials:
            if trial.loss is None:
                assert trial.message, "a failed trial has no message"
                for raw in (
                    "broadcast",
                    "SVD",
                    "zero-size",
                    "argm",
                    "empty",
                    "LinAlg",
                    "IndexError",
                    "index ",
                    "not finite",
                    "RuntimeWarning",
                ):
                    assert raw not in trial.message, trial.message
            else:
                yield trial.loss
        found.plot()


ENTRIES = (_estimator, _preset, _unmix, _search)


REFUSED: dict[str, int] = {}


def fault_of(seed: int) -> str | None:
    """Draw and solve one problem; return what is wrong with the answer, or None."""
    draw = Draw(seed)
    entry = ENTRIES[draw.rng.choice(len(ENTRIES), p=[0.35, 0.25, 0.3, 0.1])]
    fault: str | None = None
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            broken = [
                number for number, part in enumerate(entry(draw)) if not np.isfinite(np.asarray(part, float)).all()
            ]
            fault = f"parts {broken} are not finite" if broken else None
        except Exception as error:
            REFUSED[str(error)[:70]] = REFUSED.get(str(error)[:70], 0) + 1
            fault = None if is_sentence(error) else "".join(traceback.format_exception(error)[-3:])
    leaked = [one for one in told if not issubclass(one.category, MffnbWarning)]
    if fault is None and leaked:
        fault = f"leaked {leaked[0].category.__name__}: {leaked[0].message} at {leaked[0].filename}:{leaked[0].lineno}"
    inside = [one for one in told if one.filename.startswith(PACKAGE)]
    if fault is None and inside:
        fault = f"warning points into the package, {inside[0].filename}:{inside[0].lineno}: {inside[0].message}"
    return None if fault is None else f"{entry.__name__} {draw.settings}\n{fault}"


def is_sentence(error: Exception) -> bool:
    """Return whether a ``raise`` statement of this package, or scikit-learn's validation, refused the problem."""
    if not isinstance(error, (ValueError, TypeError)) or isinstance(error, np.linalg.LinAlgError):
        return False
    last = traceback.extract_tb(error.__traceback__)[-1]
    if "sklearn" in last.filename:
        return "validation" in last.filename
    line = linecache.getline(last.filename, last.lineno or 0)
    return last.filename.startswith(PACKAGE) and line.strip().startswith("raise") and len(str(error)) > 20


def main() -> None:
    """Solve fresh draws, or one draw again, and print the faults."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("draws", nargs="?", type=int, default=1000)
    parser.add_argument("--seed", type=int, help="solve this one draw")
    parser.add_argument("--first", type=int, help="seed of the first draw; fresh if left out")
    given = parser.parse_args()
    first = given.first if given.first is not None else int(np.random.SeedSequence().generate_state(1)[0])
    seeds = [given.seed] if given.seed is not None else range(first, first + given.draws)
    faults = 0
    for seed in seeds:
        fault = fault_of(seed)
        faults += fault is not None
        if fault is not None:
            sys.stdout.write(f"--- {fault}\n")
    for text, count in sorted(REFUSED.items(), key=lambda one: -one[1]):
        sys.stdout.write(f"refused {count:4d}: {text}\n")
    sys.stdout.write(f"{len(seeds)} draws from {first}: {faults} faults, {sum(REFUSED.values())} refused\n")


if __name__ == "__main__":
    main()
