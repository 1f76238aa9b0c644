"""Write docs/solvers.md: which solver supports what, and the declared capabilities of every part.

    python tools/solver_table.py            # write the page
    python tools/solver_table.py --check    # fail if the page is out of date

Every cell is computed: one iteration on a small image of counts, or the message of the refusal. That takes minutes; the
progress is written to the standard error output.
``tests/problem/test_combinations.py`` runs the supported combinations for longer.
"""

from __future__ import annotations

import enum
import itertools
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

import mffnb
from mffnb import (
    Bounds,
    Fixed,
    GroupSparsity,
    MatrixFactorization,
    MinimumVolume,
    Orthogonal,
    PatternSymmetry,
    Ridge,
    Simplex,
    Smoothness,
    Sparsity,
    SpectralSmoothness,
    TotalVariation,
    Unimodal,
    constraints,
    penalties,
)
from mffnb.constraints import NonNegative, Pinned, UnitBall
from mffnb.estimators.names import SIMILARITIES, SOLVERS, TRANSFORMS
from mffnb.graphs import grid
from mffnb.matrices import Chunked, Dense, Distributed, DistributedAxis
from mffnb.protocols import (
    Constraint,
    CoordinateDescent,
    DataDependent,
    EntrywiseSimilarity,
    Half,
    Proximal,
    traits_of,
)
from mffnb.widgets.session.catalogue import catalogue
from tools import parts as declared

OF_SEVERAL_SOLVERS = ("frobenius", "kl")
PAGE = Path(__file__).parents[1] / "docs" / "solvers.md"
MAP, CHANNELS, COMPONENTS = (6, 8), 14, 3
PIXELS = MAP[0] * MAP[1]
_rng = np.random.default_rng(0)
SPECTRA = 60 * _rng.dirichlet(np.full(CHANNELS, 0.5), COMPONENTS)
COUNTS = _rng.poisson(_rng.dirichlet(np.full(COMPONENTS, 0.5), PIXELS) @ SPECTRA).astype(float)


class FirstOfTwo:
    """Communicator of the first of two ranks, where the other one contributes nothing."""

    rank, size = 0, 2

    def Reduce(self, here: Any, everywhere: Any, root: int) -> None:  # noqa: D102
        everywhere[...] = here

    def Bcast(self, everywhere: Any, root: int) -> None:  # noqa: D102
        pass

    def allgather(self, here: Any) -> list[Any]:  # noqa: D102
        return [here]

    def allreduce(self, here: Any) -> Any:  # noqa: D102
        return here


def in_compressed_rows(X: Any) -> Any:
    """X as a sparse array."""
    return sparse.csr_array(X)


def in_bands(X: Any) -> Any:
    """X as it is read from a file, in bands."""
    return Chunked(X, band_bytes=1500)


def on_two_ranks(X: Any) -> Any:
    """X on the first of two ranks."""
    pixels = DistributedAxis(PIXELS, np.array([0, PIXELS // 2]), None, 0)
    channels = DistributedAxis(CHANNELS, np.array([0, CHANNELS]), None, 0)
    return Distributed(Dense(X[: PIXELS // 2]), pixels, channels, FirstOfTwo())


def with_gaps(X: Any) -> Any:
    """X with a fifth of its entries missing."""
    return np.where(np.random.default_rng(2).random(X.shape) < 0.2, np.nan, X)


@dataclass(frozen=True, eq=False)
class Part:
    """A feature of a model: keywords that are added to those of other parts, and the kind of data."""

    name: str
    weights: Any = None
    abundances: tuple[Any, ...] = ()
    endmembers: tuple[Any, ...] = ()
    kind: Any = None
    transform: str | None = None


@dataclass(frozen=True)
class WithoutTraits:
    """A user's penalty that declares no traits: a ridge."""

    weight: float = 0.1

    def value(self, factor: Any) -> float:
        """Value of the penalty."""
        return self.weight / 2 * float(np.vdot(factor, factor))

    def fold(self, half: Half) -> Half:
        """Raise the diagonal of the Gram matrix."""
        return replace(half, gram=half.gram + self.weight * np.eye(len(half.gram)))


_whole = Pinned(SPECTRA[:2])
_in_part = Pinned(np.where(np.arange(CHANNELS) < [[5], [9]], SPECTRA[:2], np.nan))
_volume = MinimumVolume(1e-2)
LISTED = (
    Part("weights of pixels", weights=_rng.uniform(0.2, 3, (PIXELS, 1))),
    Part("weights of channels", weights=_rng.uniform(0.2, 3, (1, CHANNELS))),
    Part("weights of entries", weights=_rng.random((PIXELS, CHANNELS))),
    Part('weights="poisson"', weights="poisson"),
    Part("missing entries (NaN)", kind=with_gaps),
    Part("sparse X", kind=in_compressed_rows),
    Part("X in a file, read in bands", kind=in_bands),
    Part("X distributed over MPI ranks", kind=on_two_ranks),
    Part("Sparsity of A", abundances=(Sparsity(0.02),)),
    Part("Smoothness of A", abundances=(Smoothness(0.1, grid(MAP)),)),
    Part("Simplex", abundances=(Simplex(),)),
    Part("Simplex(gain=True)", abundances=(Simplex(gain=True),)),
    Part("MinimumVolume", endmembers=(_volume,)),
    Part("MinimumVolume, Simplex", abundances=(Simplex(),), endmembers=(_volume,)),
    Part("MinimumVolume, Simplex(gain=True)", abundances=(Simplex(gain=True),), endmembers=(_volume,)),
    Part("Fixed of A", abundances=(Fixed(1, np.arange(PIXELS) < PIXELS // 4),)),
    Part("Pinned endmembers", endmembers=(_whole,)),
    Part("Pinned in some channels", endmembers=(_in_part,)),
    Part("Sparsity of E", endmembers=(Sparsity(0.02),)),
    Part("Smoothness of E", endmembers=(Smoothness(0.1, grid((CHANNELS,))),)),
    Part("UnitBall for A", abundances=(UnitBall(4.0),)),
    Part("UnitBall for E", endmembers=(UnitBall(0.5),)),
    Part("SpectralSmoothness", endmembers=(SpectralSmoothness(0.1),)),
    Part("Bounds of A", abundances=(Bounds(0.0, 0.8),)),
    Part("Bounds of E", endmembers=(Bounds(0.05, 12.0),)),
    Part("GroupSparsity", abundances=(GroupSparsity(0.02),)),
    Part("TotalVariation of A", abundances=(TotalVariation(0.01, grid(MAP)),)),
    Part("Unimodal E", endmembers=(Unimodal(),)),
    Part("PatternSymmetry E", endmembers=(PatternSymmetry(6, axes=(2, 7)),)),
    Part("Orthogonal A", abundances=(Orthogonal(),)),
    Part("Ridge of A", abundances=(Ridge(0.1),)),
    Part("Ridge of E", endmembers=(Ridge(0.1),)),
    Part("A penalty without traits", abundances=(WithoutTraits(),)),
    Part('transform="logistic"', transform="logistic"),
    Part('transform="rounding"', transform="rounding"),
    Part("NonNegative", abundances=(NonNegative(),), endmembers=(NonNegative(),)),
)


def found() -> Iterator[Part]:
    """Yield the penalties, constraints and transforms that have no row above, with their default parameters."""
    listed = {type(term) for part in LISTED for term in (*part.abundances, *part.endmembers)}
    for name in (*penalties.__all__, *constraints.__all__):
        kind = getattr(mffnb, name)
        if kind not in listed:
            places = [one.factor for one in catalogue() if isinstance(one.term, kind)] or ["abundances"]
            for place in places:
                with_graph = any(field.name == "graph" for field in fields(kind))
                shape = MAP if place == "abundances" else (CHANNELS,)
                term = kind(graph=grid(shape)) if with_graph else kind()
                yield Part(f"{name} of {'A' if place == 'abundances' else 'E'}", **{place: (term,)})
    for name in set(TRANSFORMS) - {"identity", *(part.transform for part in LISTED)}:
        yield Part(f'transform="{name}"', transform=name)


PARTS = (*LISTED, *found())


def suited(parts: Sequence[Part], similarity: str) -> Any:
    """Data that suit the parts, before they are converted to a kind of storage."""
    if traits_of(SIMILARITIES[similarity]).transform is not None or any(part.transform == "logistic" for part in parts):
        return (COUNTS > 3).astype(float)
    return COUNTS if _accepts_zeros(similarity) else COUNTS + 1.0


@cache
def _accepts_zeros(similarity: str) -> bool:
    """Whether data of a similarity may be zero."""
    try:
        SIMILARITIES[similarity].misfit(Dense(COUNTS))
    except ValueError:
        return False
    return True


def stated(parts: Sequence[Part], similarity: str, solver: str, **options: Any) -> tuple[MatrixFactorization, Any]:
    """Model with these parts, and its data."""
    data, abundances = (
        suited(parts, similarity),
        tuple(dict.fromkeys(itertools.chain(*(part.abundances for part in parts)))),
    )
    for part in parts:
        data = data if part.kind is None else part.kind(data)
    if isinstance(data, Distributed):  # a rank has the graph of its own pixels
        own = grid((MAP[0] // 2, MAP[1]))
        abundances = tuple(replace(term, graph=own) if isinstance(term, Smoothness) else term for term in abundances)
    model = MatrixFactorization(
        COMPONENTS,
        similarity=similarity,
        solver=solver,
        weights=[part.weights for part in parts if part.weights is not None] or None,
        transform=next((part.transform for part in parts if part.transform is not None), None),
        abundance_terms=abundances,
        endmember_terms=tuple(dict.fromkeys(itertools.chain(*(part.endmembers for part in parts)))),
        **{"init": "random", "random_state": 0, **options},
    )
    return model, data


def refusal(parts: Sequence[Part], similarity: str, solver: str) -> str | None:
    """Message of the refusal; None if the model runs."""
    try:
        model, data = stated(parts, similarity, solver, max_iter=1)
        for _ in model.iterate(data):
            pass
    except ValueError as error:
        return str(error)
    except Exception as error:
        listed = " + ".join(part.name for part in parts) or "no other part"
        error.add_note(f"This happened for similarity={similarity!r}, solver={solver!r}, {listed}.")
        raise
    return None


def compatible(pair: Iterable[Part]) -> bool:
    """Whether two parts can be combined at all: not two kinds of data, nor two terms where only one is possible."""
    first, second = pair
    return (
        not (first.kind and second.kind)
        and not (first.transform and second.transform)
        and not any(
            isinstance(a, kind) and isinstance(b, kind)
            for kind in (Simplex, Pinned, MinimumVolume)
            for a, b in itertools.product(first.abundances + first.endmembers, second.abundances + second.endmembers)
        )
    )


class Notes:
    """Messages, numbered in the order of their first use."""

    def __init__(self) -> None:
        self.number: dict[str, int] = {}

    def cell(self, sentence: str | None) -> str:
        """Yes, or no with the number of the reason."""
        return "yes" if sentence is None else f"no ({self.number.setdefault(sentence, len(self.number) + 1)})"

    def lines(self) -> Iterator[str]:
        """A numbered list."""
        for sentence, number in self.number.items():
            yield f"{number}. {sentence}"


INTRODUCTION = """\
<!-- Written by tools/solver_table.py: do not edit. -->
# Which solver supports what

For least squares, `hals` is exact coordinate descent over the rows of a factor (Cichocki & Phan 2009, IEICE Trans.
Fundamentals E92-A:708). `pivoting` solves each half-step subproblem exactly (Kim & Park 2011, SIAM J. Sci. Comput.
33:3261). For counts (`similarity="kl"`), `newton` makes guarded Newton steps for single entries (Hien & Gillis 2021,
J. Sci. Comput. 87:93). `multiplicative` makes the classical updates (Lee & Seung 2001, NIPS 13:556; Févotte & Idier
2011, Neural Comput. 23:2421). `proximal` is the general solver, for every term with a gradient, a proximal operator
or a projection. It uses accelerated proximal gradients (Beck & Teboulle 2009, SIAM J. Imaging Sci. 2:183). `auto`
uses `hals` for least squares and `newton` for counts, separately for each half step, and `proximal` where these
cannot be used. Where a table says yes, the objective never rises from one iteration to the next. Every other
combination is refused with a message, whose number is in brackets; nothing is ignored silently."""


CAPABILITIES = """\
## Declared capabilities

Every part declares what it can do in the fields of `traits`, which `mffnb/protocols/traits.py` explains. A part of your
own may declare `traits` too. Without them it is treated as coupled, which is always correct: see the row "without
traits"."""


def table(first: str, columns: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]]) -> Iterator[str]:
    """Lines of a table."""
    yield "| " + " | ".join([first, *columns]) + " |"
    yield "|---" * (len(columns) + 1) + "|"
    for name, cells in rows:
        yield "| " + " | ".join([name, *cells]) + " |"


def pairs_refused(notes: Notes) -> Iterator[tuple[str, list[str]]]:
    """Pairs of parts that run alone with ``auto`` but not together, for each similarity."""
    alone = {m: [refusal([part], m, "auto") is None for part in PARTS] for m in SIMILARITIES}
    for (i, first), (j, second) in itertools.combinations(enumerate(PARTS), 2):
        if j == i + 1:
            _report(f"pairs with {first.name} ({i + 1} of {len(PARTS)})")
        if not compatible((first, second)):
            continue
        asked = {m: alone[m][i] and alone[m][j] for m in SIMILARITIES}
        sentences = {m: refusal([first, second], m, "auto") if asked[m] else None for m in SIMILARITIES}
        if any(sentences.values()):
            cells = [notes.cell(sentences[m]) if asked[m] else "not alone" for m in SIMILARITIES]
            yield f"{first.name} + {second.name}", cells


CAPABILITY_TABLES: tuple[tuple[str, declared.Kind, dict[str, Any]], ...] = (
    ("Penalties and constraints", declared.TERMS, {"proximal operator": Proximal, "projection": Constraint}),
    ("Similarities", declared.SIMILARITIES, {"entrywise": EntrywiseSimilarity, "estimated from data": DataDependent}),
    ("Transforms", declared.TRANSFORMS, {}),
    ("Solvers", declared.SOLVERS, {"coordinate descent": CoordinateDescent}),
)


def capabilities(kind: declared.Kind, protocols: dict[str, Any]) -> Iterator[str]:
    """Table of the declared traits of all parts of a kind, and of their optional protocols."""
    names = [one.name for one in fields(kind.traits)]
    listed = [(part.__name__, declared.instance(part)) for part in declared.classes(kind)]
    listed += [("without traits", WithoutTraits())] if kind is declared.TERMS else []
    rows = [
        (
            f"`{name}`" if name != "without traits" else name,
            [shown(getattr(traits_of(part), field)) for field in names]
            + [shown(isinstance(part, protocol)) for protocol in protocols.values()],
        )
        for name, part in listed
    ]
    yield from table("", [*(name.replace("_", " ") for name in names), *protocols], rows)


def shown(value: Any) -> str:
    """Text of the value of a trait."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, enum.Enum):
        return value.name.lower()
    return "" if value is None else str(value)


def _report(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)


def page() -> str:
    """The whole page."""
    notes = Notes()

    def of_parts(asked: Sequence[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
        for number, part in enumerate(PARTS, 1):
            _report(f"{part.name} ({number} of {len(PARTS)})")
            yield part.name, [notes.cell(refusal([part], *one)) for one in asked]

    of_similarities = [
        (f'`similarity="{similarity}"`', [notes.cell(refusal([], similarity, solver)) for solver in SOLVERS])
        for similarity in SIMILARITIES
    ]
    lines = [INTRODUCTION, "", *table("", [f"`{name}`" for name in SOLVERS], of_similarities), ""]
    lines += ["## One part, with `auto`", ""]
    lines += [*table("", list(SIMILARITIES), of_parts([(m, "auto") for m in SIMILARITIES])), ""]
    for m in OF_SEVERAL_SOLVERS:
        fitting = [solver for solver in SOLVERS if solver != "auto" and refusal([], m, solver) is None]
        lines += [f'## One part, with the solvers for `similarity="{m}"`', ""]
        lines += [*table("", [f"`{one}`" for one in fitting], of_parts([(m, one) for one in fitting])), ""]
    lines += ["## Two parts", "", "Any two parts that run alone with `auto` run together, but for these:", ""]
    lines += [*table("", [f"{m}: `auto`" for m in SIMILARITIES], pairs_refused(notes)), ""]
    lines += ["## Reasons of refusals", "", *notes.lines(), "", CAPABILITIES, ""]
    for title, kind, protocols in CAPABILITY_TABLES:
        lines += [f"### {title}", "", *capabilities(kind, protocols), ""]
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Write the page, or compare it with the code."""
    found = page()
    if "--check" not in arguments:
        PAGE.write_text(found, encoding="utf-8")
        return 0
    if PAGE.read_text(encoding="utf-8") == found:
        return 0
    print("docs/solvers.md is stale: run python tools/solver_table.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
