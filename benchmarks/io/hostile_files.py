"""Open damaged files and files made to harm in child processes: read or refused in one sentence, within 10 s and 2 GB (Linux).

    python -m benchmarks io.hostile_files                        # all kinds, a few minutes
    python -m benchmarks io.hostile_files --kinds bombs paths    # some kinds
    python -m benchmarks io.hostile_files --list                 # one line for each file

`truncated` (10, 50, 90 %), `empty`, `bit flips` (20 draws from one seed) and `wrong suffix` (6 draws) are made of every file of the data
folder (`MFFNB_DATA`) and of small files of all formats that Python packages can write; parts of stores and companions such as
`.ibd` are damaged in turn. `bombs` expand to 2.7 GB, `shapes` state impossible sizes, `entities` are XML entities, `paths` lead out
of the folder, `programs` are pickled. A file fails if it is neither read nor refused with an error that names it, if it takes more than
10 s of processor time, a minute of wall time or 2 GB, starts a program, or gives a number from outside its folder. The exit code is 1 if any file failed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.damaged_files import damaged
from benchmarks.shared.hostile_files import KINDS, hostile
from benchmarks.shared.limited_opening import MEMORY, Opening, open_limited, preload
from benchmarks.shared.own_files import write_own
from mffnb.datasets.fetch import data_folder

ONE_THREAD = True
DAMAGES = ("truncated", "empty", "bit flips", "wrong suffix")


def sources(folder: Path, measured: bool) -> list[Path]:
    """Files to damage: of the data folder, if it is there, and own ones, written into a folder."""
    own = write_own(folder)
    place = data_folder()
    found = [one for part in (place, place / "files") for one in sorted(part.glob("*.*")) if one.is_file()]
    companions = (".md", ".ibd")
    return own + [one for one in found if measured and one.suffix.lower() not in companions]


def openings(kinds: Sequence[str], folder: Path, measured: bool) -> Iterator[tuple[str, str, Opening]]:
    """Yield kind, description and outcome of every file of some kinds."""
    for kind in (one for one in kinds if one in KINDS):
        for name, path in hostile(kind, folder):
            yield kind, name, open_limited(path)
    if not {*kinds} & {*DAMAGES}:
        return
    (folder / "own").mkdir()
    for path in sources(folder / "own", measured):
        for kind, what, changed in damaged(path, folder / "changed"):
            if kind in kinds:
                yield kind, f"{path.name}: {what}", open_limited(changed)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--kinds", nargs="+", default=[*DAMAGES, *KINDS], choices=[*DAMAGES, *KINDS])
    options.add_argument("--own", action="store_true", help="damage only the files that the benchmark writes itself")
    options.add_argument("--list", action="store_true", help="print one line for each file")
    chosen = options.parse_args(arguments)
    kinds = ["programs", "entities"] if chosen.quick else chosen.kinds
    preload()
    found: dict[str, list[Opening]] = {kind: [] for kind in kinds}
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        for kind, name, opening in openings(kinds, Path(folder), not chosen.own):
            found[kind].append(opening)
            line = f"{kind}, {name}: {opening.outcome}, {opening.seconds:.1f} s, {opening.peak / 1e6:.0f} MB, {opening.text}"
            if chosen.list:
                print(line, flush=True)
            if opening.outcome == "failed":
                failures.append(line)
    print_header("kind", "files", "read", "refused", "failed", "longest, s", f"largest, MB (limit {MEMORY / 1e6:.0f})")
    for kind, some in found.items():
        counts = [sum(one.outcome == outcome for one in some) for outcome in ("read", "refused", "failed")]
        longest, largest = max(one.seconds for one in some), max(one.peak for one in some)
        print_row(kind, len(some), *counts, f"{longest:.1f}", f"{largest / 1e6:.0f}")
    if failures:
        raise SystemExit("\n".join(["failed:", *failures]))
