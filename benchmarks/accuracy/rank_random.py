"""Share of right recommendations of k on scenes drawn at random, beside NMFk.

    python -m benchmarks accuracy.rank_random [--seed 20261130] [--scenes 100] [--peers]

The scenes are those of ``benchmarks/shared/rank_scenes.py``: 2 to 6 materials in smooth, grained or unordered maps; noise of
15 to 40 dB or counts, also shared by neighbours or clipped; gains, tilts, shifts and bilinear mixing. Scans try k = 2 to
8. A bracket holds if the truth lies in it, or is the number that is named. NMFk (``--peers``) always names one. Endmembers of
halves take most of the time of a scan and change an answer only where images decide alone; by default they are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.nmfk import nmfk
from benchmarks.shared.rank_scenes import RankScene, rank_scene
from mffnb.selection import Recommendation, scan_rank

ONE_THREAD = True
KS = range(2, 9)


class Verdicts:
    """Counts of right, wrong and open answers, and of brackets that hold, for each kind of scene."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {}

    def add(self, scene: RankScene, k: int | None, between: tuple[int, int]) -> str:
        verdict = "open" if k is None else "right" if k == scene.k else "wrong"
        for kind in ("all", scene.maps, f"noise: {scene.noise}", f"variation: {scene.variation}"):
            counts = self.counts.setdefault(kind, Counter())
            counts.update([verdict])
            counts["held"] += between[0] <= scene.k <= between[1]
        return verdict

    def print(self, name: str) -> None:
        print(f"\n{name}\n")
        print_header("scenes", "number", "right", "wrong", "open", "brackets that hold")
        for kind, counts in self.counts.items():
            number = counts["right"] + counts["wrong"] + counts["open"]
            print_row(kind, number, *(counts[word] for word in ("right", "wrong", "open", "held")))


def recommended(scene: RankScene, init: int, splits: int) -> Recommendation:
    scan = scan_rank(scene.cube, KS, n_init=init, splits=splits, held_out=0, random_state=0)
    return scan.recommend()


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--seed", type=int, default=20261130, help="first number of the seed of each scene")
    options.add_argument("--first", type=int, default=0, help="second number of the seed of the first scene")
    options.add_argument("--scenes", type=int, default=100)
    options.add_argument("--init", type=int, default=1, help="restarts of each k")
    options.add_argument("--splits", type=int, default=0, help="pairs of halves")
    options.add_argument("--peers", action="store_true", help="NMFk, too")
    chosen = options.parse_args(arguments)
    ours, theirs = Verdicts(), Verdicts()
    number, splits = (1, 0) if chosen.quick else (chosen.scenes, chosen.splits)
    for each in range(chosen.first, chosen.first + number):
        scene = rank_scene(chosen.seed, each)
        answer = recommended(scene, 1 if chosen.quick else chosen.init, splits)
        if ours.add(scene, answer.k, answer.between) != "right":
            print(f"{each}: {scene.k} materials, {scene.maps}, {scene.noise}, {scene.variation}: {answer}", flush=True)
        if chosen.peers:
            X = scene.cube.reshape(-1, scene.cube.shape[-1])
            k = nmfk(X, range(2, 4) if chosen.quick else KS, copies=3 if chosen.quick else 20)
            theirs.add(scene, k, (k, k))
    ours.print("recommend()")
    if chosen.peers:
        theirs.print("NMFk")
