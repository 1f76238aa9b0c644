"""mffnb and other methods for the same problem, with a call after each iteration.

scikit-learn and torchnmf have no callbacks. Their own `fit` runs, and the function that updates one factor is replaced during
the run by itself plus a call of `step`: same arithmetic, same start, same checks of X.

PLANC, the C++ code of the paper, runs if the variable `MFFNB_PLANC` names its dense executable (`nmf`, built from
https://github.com/ramkikannan/planc). Its output is parsed: seconds and error of each iteration. Its random start and its
transposed copy of X are not timed. The parser follows PLANC's source and has not been tried with the executable.
"""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from scipy import sparse
from sklearn.decomposition import NMF, MiniBatchNMF, _nmf

import mffnb as mf
from benchmarks.shared.convergence import Curve, Method, Step, Stepwise, Value
from benchmarks.shared.outside_program import VARIABLE, outside_programs
from benchmarks.shared.problems import Problem

NAMES = {"frobenius": "CD", "kl": "MU"}
FOREVER = 10**6


class StopRun(Exception):  # noqa: N818  not an error
    """Raised by `step` to end a method that cannot be stopped otherwise."""


def ours(X: Any, k: int, **options: Any) -> Stepwise:
    """``mffnb.MatrixFactorization`` that never stops by itself."""
    kl = options.get("similarity") == "kl"
    # The callback gets the factors of the scaled problem: see mffnb.similarities.
    scale = X.shape[0] / X.sum() if kl else (X.shape[0] / squares(X)) ** 0.5

    def run(step: Step) -> None:
        model = mf.MatrixFactorization(k, **{"tol": 0.0, "max_iter": FOREVER, "random_state": 0} | options)
        model.fit_transform(X, callback=lambda state: step(lambda: (state.abundances.T / scale, state.endmembers)))

    return Stepwise(run)


def squares(X: Any) -> float:
    entries = (X.data if sparse.issparse(X) else X.ravel()).astype(np.float64, copy=False)
    return float(entries @ entries)


def scikit_learn(X: Any, k: int, similarity: str, init: str) -> Stepwise:
    """``NMF`` of scikit-learn; ``init="custom"`` gives it the start of mffnb."""
    kl = similarity == "kl"
    loss = {"solver": "mu", "beta_loss": "kullback-leibler"} if kl else {"solver": "cd"}

    def run(step: Step) -> None:
        start = {}
        if init == "custom":  # the start of mffnb; its time counts for both
            first = next(mf.MatrixFactorization(k, similarity=similarity, random_state=0).iterate(X))
            start = {"W": first.abundances.T.astype(X.dtype, order="C"), "H": first.endmembers.astype(X.dtype)}
        model = NMF(k, init=init, tol=0.0, max_iter=FOREVER, random_state=0, **loss)
        watched = watched_multiplicative(step) if kl else watched_descent(step)
        with watched, suppress(StopRun):
            model.fit_transform(X, **start)

    return Stepwise(run)


def report(step: Step, A: np.ndarray, E: np.ndarray) -> None:
    if step(lambda: (A, E)):
        raise StopRun


def watched_descent(step: Step) -> Any:
    """Patch `update(X, W, Ht, ...)`, which changes W in place and is then called for Ht with W: two calls an iteration."""
    update, calls = _nmf._update_coordinate_descent, itertools.count()

    def watched(X, factor, other, *rest):
        call = next(calls)
        if call == 0:
            report(step, factor, other.T)
        violation = update(X, factor, other, *rest)
        if call % 2:
            report(step, other, factor.T)
        return violation

    return patch.object(_nmf, "_update_coordinate_descent", watched)


def watched_multiplicative(step: Step) -> Any:
    """Patch the updates of W and of H; that of H is the last of an iteration."""
    of_W, of_H, begun = _nmf._multiplicative_update_w, _nmf._multiplicative_update_h, []

    def first(X, W, H, **rest):
        if not begun:
            begun.append(True)
            report(step, W, H)
        return of_W(X, W, H, **rest)

    def last(X, W, H, **rest):
        H = of_H(X, W, H, **rest)
        report(step, W, H)
        return H

    return patch.multiple(_nmf, _multiplicative_update_w=first, _multiplicative_update_h=last)


def mini_batch(X: Any, k: int, similarity: str) -> Stepwise:
    """``MiniBatchNMF`` of scikit-learn with its own start and batches of 1024 pixels; an iteration is one pass over X."""
    beta = "kullback-leibler" if similarity == "kl" else similarity

    def run(step: Step) -> None:
        model = MiniBatchNMF(
            k, tol=0.0, max_no_improvement=None, max_iter=FOREVER, random_state=0, beta_loss=beta
        )  # fmt: skip
        with watched_batches(step), suppress(StopRun):
            model.fit_transform(X)

    return Stepwise(run)


def watched_batches(step: Step) -> Any:
    """Patch the method that returns the start, W and H that change in place, and the check after each batch."""
    begin, check = MiniBatchNMF._check_w_h, MiniBatchNMF._minibatch_convergence
    kept: list[np.ndarray] = []

    def first(model, *data):
        kept[:] = begin(model, *data)
        report(step, *kept)
        return tuple(kept)

    def after_batch(model, X, cost, H, before, pixels, number, most):
        done = check(model, X, cost, H, before, pixels, number, most)
        if (number + 1) % -(-pixels // model._batch_size) == 0:
            report(step, kept[0], H)
        return done

    return patch.multiple(MiniBatchNMF, _check_w_h=first, _minibatch_convergence=after_batch)


def torchnmf(X: np.ndarray, k: int) -> Stepwise:
    import torch  # noqa: PLC0415  not in any extra
    from torchnmf import nmf  # noqa: PLC0415

    torch.set_num_threads(1)

    def run(step: Step) -> None:
        torch.manual_seed(0)
        data = torch.from_numpy(X)
        model = nmf.NMF(data.shape, rank=k).to(data.dtype)
        update, calls = nmf._double_backward_update, itertools.count()

        def now() -> None:
            report(step, model.H.detach().numpy(), model.W.detach().numpy().T)

        def watched(*arguments, **options):
            call = next(calls)
            if call == 0:
                now()
            update(*arguments, **options)
            if call % 2:
                now()

        with patch.object(nmf, "_double_backward_update", watched), suppress(StopRun):
            model.fit(data, beta=2, tol=-np.inf, max_iter=FOREVER)

    return Stepwise(run)


@dataclass(frozen=True, eq=False)
class Planc:
    """PLANC's solver 1 (HALS) or 2 (exact half steps, BPP)."""

    X: np.ndarray
    k: int
    solver: int

    def curve(self, value: Value, tolerance: float, patience: float) -> Curve:
        """Run for more and more iterations; PLANC prints its own error, in six digits."""
        seconds, errors = self.run(20)
        pace = max(float(seconds[-1]) / 20, 1e-6)
        iterations = 20
        while iterations < FOREVER and iterations * pace < patience:
            iterations = min(10 * iterations, int(patience / pace) + 1)
            seconds, errors = self.run(iterations)
            half = errors[len(errors) // 2]
            if half**2 - errors[-1] ** 2 <= 0.01 * tolerance * errors[-1] ** 2:
                return Curve(seconds, errors**2, settled=True)
        return Curve(seconds, errors**2, settled=False)

    def seconds_at(self, counts: Sequence[int]) -> dict[int, float]:
        stamps = self.run(max(1, *counts))[0]
        return {count: float(stamps[count]) for count in counts}

    def run(self, iterations: int) -> tuple[np.ndarray, np.ndarray]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "X.bin"
            with file.open("wb") as stream:  # format of Armadillo: a header, then the columns
                stream.write(f"ARMA_MAT_BIN_FN008\n{self.X.shape[0]} {self.X.shape[1]}\n".encode())
                np.ascontiguousarray(self.X.T, dtype="<f8").tofile(stream)
            options = {"-a": self.solver, "-k": self.k, "-i": file, "-t": iterations}
            command = [os.environ["MFFNB_PLANC"], *(str(word) for pair in options.items() for word in pair)]
            printed = subprocess.run(command, check=True, capture_output=True, text=True)
        return read_planc(printed.stdout + printed.stderr)


def read_planc(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Parse seconds since the first iteration began and |X - A E| / |X|, after each; PLANC does not print the start."""
    number = r"\s*=\s*([-+.\deE]+)"
    seconds = re.findall(r"completed it\s*[=(]\s*\S+ time(?: taken)?" + number, text, re.IGNORECASE)
    errors = re.findall(r"(?:halserr|bpperr)" + number, text, re.IGNORECASE)
    if not errors or len(seconds) != len(errors):
        raise ValueError(f"PLANC printed {len(seconds)} times and {len(errors)} errors")
    return np.cumsum([0.0, *map(float, seconds)]), np.array([np.inf, *map(float, errors)])


def methods(problem: Problem, form: str) -> dict[str, Callable[[], Method]]:
    """Constructors of mffnb, first, and of all other methods that are installed and take such data."""
    X, k, similarity = problem.form(form), problem.k, problem.similarity
    found: dict[str, Callable[[], Method]] = {"mffnb": lambda: ours(X, k, similarity=similarity)}
    for start, init in (("nndsvda", "nndsvda"), ("random", "random"), ("our start", "custom")):
        name = f"scikit-learn {NAMES[similarity]}, {start}"
        found[name] = lambda init=init: scikit_learn(X, k, similarity, init)
    found["scikit-learn MiniBatchNMF"] = lambda: mini_batch(X, k, similarity)
    if similarity == "frobenius" and form != "CSR" and find_spec("torchnmf"):
        found["torchnmf MU, random"] = lambda: torchnmf(X, k)
    if similarity == "frobenius" and form == "float64" and "MFFNB_PLANC" in os.environ:
        found |= {"PLANC HALS": lambda: Planc(X, k, 1), "PLANC BPP": lambda: Planc(X, k, 2)}
    return found | outside_programs(X, k, similarity)


def missing() -> list[str]:
    """Reasons why methods are left out on this machine."""
    words = {
        "torchnmf is not installed": not find_spec("torchnmf"),
        "MFFNB_PLANC does not name the executable of PLANC": "MFFNB_PLANC" not in os.environ,
        f"{VARIABLE} names no outside program": not os.environ.get(VARIABLE),
    }
    return [word for word, absent in words.items() if absent]
