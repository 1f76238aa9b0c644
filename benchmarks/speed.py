"""Seconds to an answer, start included, beside scikit-learn, torchnmf and the paper's C++ code, on eight problems.

    python benchmarks/speed.py                                # everything: hours; see --problems, --peers, --patience
    python benchmarks/speed.py --problems P1 P4 --peers CD --plot curves.png
    python benchmarks/speed.py --constrained --growth --threads 1 2     # milliseconds per iteration only
    python benchmarks/speed.py --small --repeats 1            # does it run?

What is compared is the time to an excess: the objective, in float64 and on all of X, is to come within a tolerance (1e-4, say)
of the minimum. Different starts may end in different minima, so

- each method runs once, unhurried, until its objective has settled or its patience is at an end, and the objective after each
  iteration is taken down; from where it ended, iterations of ours lead to the bottom of its basin, its own minimum;
- the target of a pair is the lower of its two minima. Where these differ by more than the tolerance, the table says so; who
  is in the higher basin never gets there, and seconds to the own minimum stand beside;
- "our start" hands the start of ours to the peer, and its time to both. It tells how much of a ratio is the start.

"rad apart" is the largest angle between the endmembers at the bottoms of both basins, matched: minima may be equal within the
tolerance where endmembers are not.

Iterations to the target are then a number, the same in every run, and only their time is measured: all methods in turn, again
and again, nothing else being done, medians. What comes after the last iteration is counted for neither. Ours has the settings
that a user gets, but for `tol`. float64, float32 and CSR are compared each with its own kind. One thread each. Random numbers
of all have seed 0.

"Reads of X" are milliseconds per iteration over those of `X.sum()`, for CSR of the values and the indices.

Memory: `memory.py`. From a slider to its picture: `live.py`.
"""

from __future__ import annotations

from one_thread import ask_for_one_thread

if __name__ == "__main__":  # before anything that has threads is loaded
    ask_for_one_thread()

import argparse
import itertools
import time
import warnings
from dataclasses import dataclass, field
from statistics import median

import numpy as np
from curves import Curve, Method, divergence, squared_residual
from peers import methods, missing, ours
from per_iteration import constrained, cost, growth, pace, threads
from problems import PROBLEMS, Problem
from scipy import sparse
from threadpoolctl import threadpool_limits

from mffnb.errors import DatasetUnavailableError
from mffnb.plots.palette import component_colors
from mffnb.selection import match, spectral_angles

HEADER = (
    "| problem | excess | peer | iterations: ours, peer | seconds: ours | peer | ratio | minimum "
    "| seconds to the own minimum: ours | peer | ratio |\n|---|---|---|---|---|---|---|---|---|---|---|"
)


@dataclass(eq=False)
class Entrant:
    """A method, how it came down, and the bottom of its basin."""

    name: str
    method: Method
    curve: Curve
    minimum: float
    endmembers: np.ndarray | None
    stamps: list[np.ndarray] = field(default_factory=list)

    def seconds_to(self, target: float) -> float | None:
        """Median over the timed runs; None if it is never reached."""
        n = self.curve.iterations_to(target)
        return None if n is None else median(float(stamps[n]) for stamps in self.stamps)


@dataclass(frozen=True)
class Row:
    """A pair at one tolerance: iterations and seconds of ours and of the peer, None where the target is not reached."""

    peer: str
    tolerance: float
    iterations: tuple[int | None, int | None]
    seconds: tuple[float | None, float | None]
    own: tuple[float | None, float | None]
    minimum: str
    same: bool


def enter(problem: Problem, form: str, chosen: list[str], patience: float) -> list[Entrant]:
    """Run each method once with an eye on its objective."""
    base = problem.form("CSR" if "CSR" in problem.forms else "float64")
    kl = problem.similarity == "kl"
    value = divergence(base) if kl else squared_residual(base)
    tolerance, entrants = min(problem.tolerances), []
    for name, make in methods(problem, form).items():
        if entrants and not any(word in name for word in chosen):
            continue
        method = make()
        method.stamps(2)  # compiled, and X in memory
        curve = method.curve(value, tolerance, patience)
        if curve.factors is None:
            entrants.append(Entrant(name, method, curve, float(curve.objective.min()), None))
            continue
        settings = {"similarity": problem.similarity, "init": curve.factors}
        end = ours(base, problem.k, **settings).curve(value, tolerance, patience)
        minimum = float(min(curve.objective.min(), end.objective.min()))
        entrants.append(Entrant(name, method, curve, minimum, end.factors[1] if end.factors else None))
    return entrants


def clock(entrants: list[Entrant], X: np.ndarray | sparse.csr_array, tolerances: tuple, repeats: int) -> float:
    """Time as many iterations as any target of theirs asks for, in turn; median seconds of one read of X."""
    needed = {entrant.name: 10 for entrant in entrants}  # enough for the pace
    mine = entrants[0]
    for peer, tolerance in itertools.product(entrants, tolerances):
        for one, other in ((mine, peer), (peer, mine)):
            for minimum in (one.minimum, min(one.minimum, other.minimum)):
                n = one.curve.iterations_to(minimum * (1 + tolerance))
                needed[one.name] = max(needed[one.name], n or 0)
    reads = [read(X)]
    for _ in range(repeats):
        for entrant in entrants:
            entrant.stamps.append(entrant.method.stamps(needed[entrant.name]))
            reads.append(read(X))
    return median(reads[1:])


def contest(mine: Entrant, peer: Entrant, tolerance: float) -> Row:
    lower, higher = sorted((mine.minimum, peer.minimum))
    pair, target = (mine, peer), lower * (1 + tolerance)
    same, words = higher <= target, "equal"
    if not same:
        words = f"{'ours' if mine.minimum > lower else 'peer'} {100 * (higher / lower - 1):.2g} % higher"
    if mine.endmembers is not None and peer.endmembers is not None:
        angles = spectral_angles(mine.endmembers, peer.endmembers)
        words += f", {angles[np.arange(len(angles)), match(mine.endmembers, peer.endmembers)].max():.3f} rad apart"
    return Row(
        peer.name,
        tolerance,
        tuple(one.curve.iterations_to(target) for one in pair),
        tuple(one.seconds_to(target) for one in pair),
        tuple(one.seconds_to(one.minimum * (1 + tolerance)) for one in pair),
        words,
        same,
    )


def table_row(name: str, row: Row, entrants: list[Entrant], patience: float) -> str:
    ended = ["never" if one.curve.settled else f"> {patience:g}" for one in entrants]
    counts = ", ".join("-" if n is None else str(n) for n in row.iterations)
    own = "| | |" if row.same else timing(row.own, ended)
    return f"| {name} | {row.tolerance:g} | {row.peer} | {counts} {timing(row.seconds, ended)} | {row.minimum} {own} |"


def timing(seconds: tuple[float | None, float | None], ended: list[str]) -> str:
    """Three cells: ours, the peer, and how many times longer it took."""
    first, second = (word if s is None else f"{s:.3g}" for s, word in zip(seconds, ended, strict=True))
    mine, peer = seconds
    if mine is None:
        return f"| {first} | {second} | "
    if peer is None:
        ratio = f"> {float(ended[1][2:]) / mine:.1f}" if ended[1].startswith(">") else ""
    else:
        ratio = f"{peer / mine:.1f}"
    return f"| {first} | {second} | {ratio}"


def read(X: np.ndarray | sparse.csr_array) -> float:
    begin = time.perf_counter()
    for part in (X.data, X.indices) if sparse.issparse(X) else (X,):
        part.sum()
    return time.perf_counter() - begin


def race(problem: Problem, options: argparse.Namespace) -> tuple[dict[str, list[Entrant]], list[str]]:
    """Print the rows of a problem; its entrants for each form of X, and rows about milliseconds per iteration."""
    raced, rows = {}, []
    for form in problem.forms:
        entrants = enter(problem, form, options.peers, options.patience)
        once = clock(entrants, problem.form(form), problem.tolerances, options.repeats)
        name, mine = f"{problem.name} {form}", entrants[0]
        for peer in entrants[1:]:
            for tolerance in problem.tolerances:
                row = contest(mine, peer, tolerance)
                print(table_row(name, row, [mine, peer], options.patience), flush=True)
        for one in entrants:
            each = median(map(pace, one.stamps))
            rows.append(f"| {name} | {one.name} | {1e3 * each:.3g} | {each / once:.1f} |")
        raced[form] = entrants
    return raced, rows


def plot(raced: dict[str, dict[str, list[Entrant]]], file: str) -> None:
    """Excess over the lowest minimum of a problem against seconds; a form of X is a kind of line, a method a colour."""
    import matplotlib  # noqa: PLC0415  only here

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    names = list(dict.fromkeys(one.name for forms in raced.values() for many in forms.values() for one in many))
    colors = dict(zip(names, component_colors(len(names)), strict=True))
    styles = {"float64": "-", "float32": "--", "CSR": ":"}
    columns = min(3, len(raced))
    shape = (-(-len(raced) // columns), columns)
    figure, axes = plt.subplots(
        *shape, figsize=(4.2 * columns, 3.2 * shape[0] + 1.0), squeeze=False, layout="constrained"
    )
    for ax, (name, forms) in zip(axes.flat, raced.items(), strict=False):
        lowest = min(one.minimum for many in forms.values() for one in many)
        for form, many in forms.items():
            for one in many:
                excess = np.maximum(one.curve.objective / lowest - 1, 1e-7)
                ax.loglog(one.curve.seconds, excess, styles[form], color=colors[one.name], linewidth=1.5)
        ax.set(title=name, xlabel="time (s)", ylabel="excess over the minimum", ylim=(1e-7, None))
    for ax in list(axes.flat)[len(raced) :]:
        ax.axis("off")
    lines = [plt.Line2D([], [], color=color, label=name) for name, color in colors.items()]
    used = {form for forms in raced.values() for form in forms}
    lines += [plt.Line2D([], [], color="0.4", linestyle=styles[form], label=form) for form in styles if form in used]
    figure.legend(handles=lines, loc="outside lower center", ncols=2 * columns, frameon=False)
    figure.savefig(file, dpi=150)


def arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", nargs="+", default=list(PROBLEMS), choices=list(PROBLEMS))
    parser.add_argument("--forms", nargs="+", default=["float64", "float32", "CSR"], help="how X is handed over")
    parser.add_argument("--peers", nargs="*", default=[""], help="parts of names, such as CD, MU, nndsvda, PLANC")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--patience", type=float, default=120.0, help="seconds for a run; slower ones count as more")
    parser.add_argument("--small", action="store_true", help="cut all problems down, to try the program")
    parser.add_argument("--plot", metavar="FILE", help="draw excess against seconds")
    parser.add_argument("--cost", action="store_true", help="processor time per iteration and read of X, alone")
    parser.add_argument("--growth", action="store_true", help="milliseconds with pixels, channels and k, alone")
    parser.add_argument("--constrained", action="store_true", help="milliseconds on P1 under constraints, alone")
    parser.add_argument("--threads", type=int, nargs="+", metavar="N", help="milliseconds on P3 with threads, alone")
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> None:
    options = arguments(words)
    warnings.simplefilter("ignore")  # runs are ended on purpose
    if options.constrained:
        constrained(PROBLEMS["P1"](options.small), options.repeats)
    if options.cost:
        cost([PROBLEMS[name](options.small) for name in options.problems if name[0] == "P"], options.repeats)
    if options.growth:
        growth(options.repeats, small=options.small)
    if options.threads:
        threads(PROBLEMS["P3"](options.small), options.threads, options.repeats)
    if options.constrained or options.cost or options.growth or options.threads:
        return
    for word in missing():
        print(f"Left out: {word}.")
    print("\n" + HEADER, flush=True)
    raced, rows, absent = {}, [], []
    with threadpool_limits(1):
        for name in options.problems:
            try:
                problem = PROBLEMS[name](options.small)
            except DatasetUnavailableError as error:
                absent.append(f"{name} is left out: {error}")
                continue
            problem = problem.only(options.forms)
            raced[name], more = race(problem, options)
            rows += more
    print("\n| problem | method | ms per iteration | reads of X |\n|---|---|---|---|")
    print("\n".join([*rows, "", *absent]))
    if options.plot:
        plot(raced, options.plot)


if __name__ == "__main__":
    main()
