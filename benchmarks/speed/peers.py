"""Seconds to an excess over the minimum, start included, next to scikit-learn, torchnmf and PLANC, on eight problems.

    python -m benchmarks speed.peers                                      # everything: hours
    python -m benchmarks speed.peers --problems P1 P4 --peers CD --plot curves.png
    python -m benchmarks speed.peers --quick --repeats 1                  # does it run?

The protocol is that of `benchmarks/shared/contest.py`. Each method has the settings that its users get, but for the stopping rule,
and seed 0. float64, float32 and CSR are each compared with the same form. One thread.

Columns: if two minima differ by more than the tolerance, "minimum" says so, the method in the higher basin "never" reaches the
target, and seconds to the own minimum follow. "rad apart" is the largest angle between endmembers at the bottoms of both basins:
minima may be equal within the tolerance where endmembers are not. "our start" gives the start of mffnb to the peer and counts
its time for both, which shows how much of a ratio is due to the start. "Reads of X": milliseconds per iteration over those
of `X.sum()`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from statistics import median

import numpy as np
from threadpoolctl import threadpool_limits

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.contest import Comparison, Entrant, clock, compare, enter
from benchmarks.shared.problems import PROBLEMS, Problem
from benchmarks.shared.timing import pace
from benchmarks.shared.watched_methods import missing
from mffnb.errors import DatasetUnavailableError

ONE_THREAD = True
COLUMNS = ("problem", "excess", "peer", "iterations: ours, peer", "seconds: ours", "peer", "ratio")
COLUMNS += ("minimum", "seconds to the own minimum: ours", "peer", "ratio")


def race(problem: Problem, options: argparse.Namespace) -> tuple[dict[str, list[Entrant]], list[tuple[str, ...]]]:
    """Print the rows of a problem; return its entrants for each form of X, and rows of milliseconds per iteration."""
    raced, rows = {}, []
    for form in problem.forms:
        entrants = enter(problem, form, options.peers, options.patience)
        once = clock(entrants, problem.form(form), problem.tolerances, options.repeats)
        name, mine = f"{problem.name} {form}", entrants[0]
        for peer in entrants[1:]:
            for tolerance in problem.tolerances:
                row = compare(mine, peer, tolerance)
                print_row(*cells(name, row, [mine, peer], options.patience))
        for one in entrants:
            each = median(map(pace, one.stamps))
            rows.append((name, one.name, f"{1e3 * each:.3g}", f"{each / once:.1f}"))
        raced[form] = entrants
    return raced, rows


def cells(name: str, row: Comparison, entrants: list[Entrant], patience: float) -> list[str]:
    """Cells of a row of the table."""
    ended = ["never" if one.curve.settled else f"> {patience:g}" for one in entrants]
    counts = ", ".join("-" if n is None else str(n) for n in row.iterations)
    own = ["", "", ""] if row.same else timing(row.own, ended)
    return [name, f"{row.tolerance:g}", row.peer, counts, *timing(row.seconds, ended), row.minimum, *own]


def timing(seconds: tuple[float | None, float | None], ended: list[str]) -> list[str]:
    """Three cells: seconds of mffnb, of the peer, and how many times longer the peer took."""
    words = [word if s is None else f"{s:.3g}" for s, word in zip(seconds, ended, strict=True)]
    mine, peer = seconds
    if mine is None:
        return [*words, ""]
    if peer is None:
        return [*words, f"> {float(ended[1][2:]) / mine:.1f}" if ended[1].startswith(">") else ""]
    return [*words, f"{peer / mine:.1f}"]


def plot(raced: dict[str, dict[str, list[Entrant]]], file: str) -> None:
    """Draw the excess over the lowest minimum of a problem against seconds: line style by form of X, colour by method."""
    import matplotlib  # noqa: PLC0415  needed with --plot only

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    names = list(dict.fromkeys(one.name for forms in raced.values() for many in forms.values() for one in many))
    colors = dict(zip(names, mf.component_colors(len(names)), strict=True))
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


def options_of(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("--problems", nargs="+", default=list(PROBLEMS), choices=list(PROBLEMS))
    options.add_argument("--forms", nargs="+", default=["float64", "float32", "CSR"], help="forms of X")
    options.add_argument("--peers", nargs="*", default=[""], help="parts of names, such as CD, MU, nndsvda, PLANC")
    options.add_argument("--repeats", type=int, default=5)
    options.add_argument("--patience", type=float, default=120.0, help="seconds after which a run is stopped")
    options.add_argument("--plot", metavar="FILE", help="draw excess against seconds")
    return options.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    options = options_of(arguments)
    print_header(*COLUMNS)
    raced, rows, absent = {}, [], [f"Left out: {reason}." for reason in missing()]
    with threadpool_limits(1):
        for name in options.problems:
            try:
                problem = PROBLEMS[name](options.quick)
            except DatasetUnavailableError as error:
                absent.append(f"{name} is left out: {error}")
                continue
            raced[name], more = race(problem.only(options.forms), options)
            rows += more
    print()
    print_header("problem", "method", "ms per iteration", "reads of X")
    for row in rows:
        print_row(*row)
    print("\n".join(["", *absent]))
    if options.plot:
        plot(raced, options.plot)
