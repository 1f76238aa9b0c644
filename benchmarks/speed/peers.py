"""Processor seconds to a minimum, start included, next to scikit-learn and any outside program, and the basin of each.

    python -m benchmarks speed.peers                                      # everything: hours
    python -m benchmarks speed.peers --problems P1 P1:16 --peers CD --forms CSR
    python -m benchmarks speed.peers --quick --repeats 1                  # does it run?

Problems are P1 to P6 (least squares), K1 and K2 (Kullback-Leibler divergence of counts); `P1:16` is P1 with 16 components.
Methods are mffnb, scikit-learn's NMF (CD; MU for counts) from three starts, its MiniBatchNMF, torchnmf and PLANC if installed, and
the programs of `MFFNB_PEERS`, whose protocol is in `benchmarks/shared/outside_program.py`. Each has the settings that its users
get, but for the stopping rule, and seed 0. float64, float32 and CSR are each compared with the same form. One thread.

The protocol is that of `benchmarks/shared/contest.py`. Columns, one row for each method:

- "to its own minimum": iterations and processor seconds until the objective is at most 1 + excess times the bottom of the basin in
  which this method ends; "of ours" is the time over that of mffnb to its own minimum, above 1 if mffnb is faster;
- "basin": the own minimum over the best one of all methods and forms on this problem, minus one;
- "to the best minimum": the same for the best minimum. A method in a higher basin "never" reaches it;
- "rad": largest angle between endmembers at the bottoms of the basins of the method and of mffnb: minima may be equal where
  endmembers are not.

"our start" gives the start of mffnb to the peer and counts its time for both, which shows how much of a ratio is due to the start.
Processor seconds of PLANC are those that it prints. `speed.iterations` compares an iteration with a read of X.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
from threadpoolctl import threadpool_limits

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.contest import Entrant, Reached, clock, enter, standing
from benchmarks.shared.problems import PROBLEMS, Problem
from benchmarks.shared.watched_methods import missing
from mffnb.errors import DatasetUnavailableError

ONE_THREAD = True
COLUMNS = ("problem", "X", "method", "excess", "to its own minimum: iterations", "seconds", "of ours", "basin")
COLUMNS += ("to the best minimum: iterations", "seconds", "of ours", "rad")
EVERYTHING = [*PROBLEMS, *(f"{name}:16" for name in PROBLEMS if name.startswith("P"))]


def race(problem: Problem, options: argparse.Namespace) -> tuple[dict[str, list[Entrant]], list[str]]:
    """Print the rows of a problem; return its entrants for each form of X, and what is left out."""
    raced, absent = {}, []
    for form in problem.forms:
        raced[form], reasons = enter(problem, form, options.peers, options.patience)
        absent += reasons
    best = min(one.minimum for entrants in raced.values() for one in entrants)
    for form, entrants in raced.items():
        clock(entrants, best, problem.tolerances, options.repeats)
        for tolerance in problem.tolerances:
            for one in entrants:
                cells = row(one, entrants[0], best, tolerance, options.patience)
                print_row(problem.name, form, one.name, f"{tolerance:g}", *cells)
        for one in entrants:
            one.close()
    return raced, absent


def row(one: Entrant, first: Entrant, best: float, tolerance: float, patience: float) -> list[str]:
    """Cells of a method, from the iterations to its own minimum on."""
    mine, its = standing(first, first, best, tolerance), standing(one, first, best, tolerance)
    ended = "never" if one.curve.settled else f"> {patience:g}"
    angle = "" if its.angle is None else f"{its.angle:.3f}"
    own, lowest = against(its.own, mine.own, ended), against(its.best, mine.best, ended)
    return [*own, "0" if its.basin < 1e-7 else f"{its.basin:.1e}", *lowest, angle]


def against(its: Reached, mine: Reached, ended: str) -> list[str]:
    """Three cells: iterations, seconds, and how many times longer than mffnb the method took."""
    if its.seconds is None:
        least = f"> {float(ended[1:]) / mine.seconds:.1f}" if ended.startswith(">") and mine.seconds else ""
        return ["-", ended, least]
    ratio = "ours never" if mine.seconds is None else f"{its.seconds / mine.seconds:.2f}"
    return [str(its.iterations), f"{its.seconds:.3g}", ratio]


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
        ax.set(title=name, xlabel="processor time (s)", ylabel="excess over the minimum", ylim=(1e-7, None))
    for ax in list(axes.flat)[len(raced) :]:
        ax.axis("off")
    lines = [plt.Line2D([], [], color=color, label=name) for name, color in colors.items()]
    used = {form for forms in raced.values() for form in forms}
    lines += [plt.Line2D([], [], color="0.4", linestyle=styles[form], label=form) for form in styles if form in used]
    figure.legend(handles=lines, loc="outside lower center", ncols=2 * columns, frameon=False)
    figure.savefig(file, dpi=150)


def options_of(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("--problems", nargs="+", default=EVERYTHING, type=problem_name, metavar="NAME")
    options.add_argument("--forms", nargs="+", default=["float64", "float32", "CSR"], help="forms of X")
    options.add_argument("--peers", nargs="*", default=[""], help="parts of names, such as CD, MU, nndsvda, PLANC")
    options.add_argument("--repeats", type=int, default=5)
    options.add_argument("--patience", type=float, default=120.0, help="processor seconds after which a run is stopped")
    options.add_argument("--plot", metavar="FILE", help="draw excess against seconds")
    return options.parse_args(arguments)


def problem_name(word: str) -> str:
    """Check a name such as P1, or P1:16 for another number of components."""
    name, colon, k = word.partition(":")
    if name not in PROBLEMS or (colon and not (k.isdigit() and int(k))):
        raise argparse.ArgumentTypeError(f"{word!r} is neither one of {' '.join(PROBLEMS)} nor one of them with :k")
    return word


def problem_of(word: str, *, quick: bool) -> Problem:
    """The problem of such a name."""
    name, _, k = word.partition(":")
    problem = PROBLEMS[name](quick)
    return problem.with_components(int(k)) if k else problem


def main(arguments: Sequence[str] | None = None) -> None:
    options = options_of(arguments)
    print_header(*COLUMNS)
    raced, absent = {}, [f"Left out: {reason}." for reason in missing()]
    with threadpool_limits(1):
        for name in options.problems:
            try:
                problem = problem_of(name, quick=options.quick)
            except DatasetUnavailableError as error:
                absent.append(f"{name} is left out: {error}")
                continue
            forms = problem.only(options.forms)
            if not forms.forms:
                absent.append(f"{name} is left out: it has the forms {', '.join(problem.forms)} only.")
                continue
            raced[name], reasons = race(forms, options)
            absent += reasons
    print("\n".join(["", *absent]))
    if options.plot:
        plot(raced, options.plot)
