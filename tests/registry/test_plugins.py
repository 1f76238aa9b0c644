"""A distribution that registers a reader, a penalty and a similarity, and one that is broken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mffnb

MODULE = '''
"""A distribution with one part of each kind."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

import mffnb as mf
from mffnb.io.reader import Reader, starts_with
from mffnb.protocols import Distribution, TermTraits
from mffnb.similarities import Huber


@dataclass(frozen=True)
class Tilt:
    """Penalise the first component: a part of another distribution."""

    traits: ClassVar[TermTraits] = TermTraits(
        pixelwise=True,
        uniform=True,
        rowwise=False,
        convex=True,
        distribution=Distribution.ENTRYWISE,
        abundance_label="tilt",
        endmember_label=None,
    )
    weight: float = mf.knob(0.1, label="tilt", low=0.01, high=1.0)

    def value(self, factor):
        return self.weight * float(factor[0].sum())

    def fold(self, half):
        cross = half.cross.copy()
        cross[0] -= self.weight
        return replace(half, cross=cross)


@dataclass(frozen=True)
class Robust:
    """Huber's loss with a fixed threshold."""

    def misfit(self, matrix, gain=None, scale=None):
        return Huber(3.0).misfit(matrix, gain, scale)


def read(path, dataset, lazy):
    return np.frombuffer(path.read_bytes()[4:], dtype="f8").reshape(4, 5, 6)


MINE = Reader("mine", (".mine", ".h5"), read, sniff=starts_with(b"MINE"))
NO_READER = 3
'''
ENTRY_POINTS = """
[mffnb.readers]
mine = other_parts:MINE

[mffnb.parts]
tilt = other_parts:Tilt
robust = other_parts:Robust
kl = other_parts:Robust
"""
BROKEN = """
[mffnb.readers]
wrong = other_parts:NO_READER

[mffnb.parts]
missing = no_such_module:Part
"""
PROGRAM = """
import json, sys, warnings
import numpy as np
with warnings.catch_warnings(record=True) as raised:
    warnings.simplefilter("always")
    import mffnb as mf
    assert "other_parts" not in sys.modules, "plug-ins are loaded on import"
    rng = np.random.default_rng(0)
    X = rng.random((4, 5, 6))
    for suffix in ("mine", "h5"):
        with open(f"map.{suffix}", "wb") as file:
            file.write(b"MINE" + X.tobytes())
        assert np.array_equal(mf.read(f"map.{suffix}"), X)
    options = dict(random_state=0, max_iter=20)
    robust = mf.unmix(X, 2, similarity="robust", **options)
    assert np.array_equal(robust.endmembers, mf.unmix(X, 2, similarity=mf.Huber(3.0), **options).endmembers)
    from mffnb.estimators.names import SIMILARITIES, named_similarity
    assert named_similarity("kl") == mf.KullbackLeibler()
    from mffnb.widgets.session.catalogue import catalogue
    explorer = mf.explore(X, k=2)
    explorer.wait()
    explorer.controls.set(tilt=1.0)
    explorer.wait()
    terms = explorer.result.parameters["terms"]
    choices = [name for _, name in explorer.controls.similarity.options]
    explorer.close()
    try:
        mf.unmix(X, 2, similarity="robus")
    except ValueError as error:
        message = str(error)
print(json.dumps({
    "similarities": list(SIMILARITIES), "offers": [offer.label for offer in catalogue()], "terms": terms,
    "choices": choices, "message": message,
    "warnings": [str(one.message) for one in raised if issubclass(one.category, mf.errors.PluginWarning)],
}))
"""


def install(folder: Path, name: str, entry_points: str) -> None:
    """Put the files of an installed distribution into a folder that is on the path."""
    info = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry_points)


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What a new process with both distributions finds."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "other_parts.py").write_text(MODULE)
    install(folder, "other-parts", ENTRY_POINTS)
    install(folder, "broken-parts", BROKEN)
    path = os.pathsep.join([str(folder), str(Path(mffnb.__file__).parents[1])])
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        check=False, cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


def test_a_similarity_of_another_distribution_has_a_name(seen):
    assert seen["similarities"][-1] == "robust"
    assert seen["similarities"].count("kl") == 1
    assert "robust" in seen["choices"]
    assert "'robust'" in seen["message"]


def test_a_penalty_of_another_distribution_is_in_the_menu_of_the_explorer(seen):
    assert "tilt" in seen["offers"]
    assert seen["terms"] == ["Tilt(weight=1.0)"]


def test_broken_plug_ins_are_named_once_and_left_out(seen):
    assert len(seen["warnings"]) == 3
    wrong, missing, taken = sorted(seen["warnings"], key=lambda text: ("'wrong'" not in text, "'missing'" not in text))
    assert "plug-in 'wrong' of broken-parts (mffnb.readers) is left out, TypeError: 3 is no" in wrong
    assert "plug-in 'missing' of broken-parts (mffnb.parts) is left out, ModuleNotFoundError" in missing
    assert "plug-in 'kl' is left out: mffnb has a part of this name" in taken
