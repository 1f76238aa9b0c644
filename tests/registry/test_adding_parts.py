"""A new part is one file: in a copy of the package, each kind is found after the tables of names are generated."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import mffnb
from tools import generate_names

PACKAGE = Path(mffnb.__file__).parent
NEW = {
    "penalties/tilt": '''
from dataclasses import dataclass, replace
from typing import ClassVar

from mffnb.knobs import knob
from mffnb.protocols import Distribution, TermTraits

__all__ = ["Tilt"]


@dataclass(frozen=True)
class Tilt:
    """Penalise the first component."""

    traits: ClassVar[TermTraits] = TermTraits(
        pixelwise=True,
        uniform=True,
        rowwise=False,
        convex=True,
        distribution=Distribution.ENTRYWISE,
        abundance_label="tilt",
        endmember_label=None,
    )
    weight: float = knob(0.1, label="tilt", low=0.01, high=1.0)

    def value(self, factor):
        return self.weight * float(factor[0].sum())

    def fold(self, half):
        cross = half.cross.copy()
        cross[0] -= self.weight
        return replace(half, cross=cross)
''',
    "constraints/capped": '''
from dataclasses import dataclass

import numpy as np

__all__ = ["AtMostOne"]


@dataclass(frozen=True)
class AtMostOne:
    """Entries between zero and one."""

    def fold(self, half):
        return half

    def project(self, factor):
        return np.clip(factor, 0, 1)
''',
    "similarities/log_cosh": """
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mffnb.protocols import SimilarityTraits
from mffnb.similarities.banded_misfit import BandedMisfit
from mffnb.similarities.least_squares import Frobenius
from mffnb.similarities.measures import Entrywise

__all__ = ["LogCosh"]


@dataclass(frozen=True)
class LogCoshDistance:
    "Logarithm of the hyperbolic cosine of the residual."

    name: ClassVar[str] = "LogCosh"
    barrier: ClassVar[bool] = False
    curvature: ClassVar[float | None] = 1.0

    def value(self, x, y):
        return np.log(np.cosh(y - x))

    def slope(self, x, y):
        return np.tanh(y - x)

    def curvature_bound(self, x, y):
        return np.ones_like(y)


@dataclass(frozen=True)
class LogCosh:
    "A smooth loss: quadratic for small residuals, linear for large ones."

    traits: ClassVar[SimilarityTraits] = SimilarityTraits(
        label="log cosh", weight_power=None, distributed=False, scale_invariant=False, transform=None
    )

    def distance(self, scale):
        return LogCoshDistance()

    def misfit(self, matrix, gain=None, scale=None):
        scale = Frobenius().misfit(matrix, gain, scale).scale
        return BandedMisfit(matrix, gain, scale, Entrywise(self.distance(scale)))


NAMED = {"log-cosh": LogCosh()}
""",
    "solvers/idle": '''
from dataclasses import dataclass

__all__ = ["Idle"]


@dataclass(frozen=True)
class Idle:
    """Leave the factor as it is."""

    def refuses(self, half):
        return None

    def update(self, factor, half):
        return 0.0


NAMED = {"idle": Idle()}
''',
    "geometry/flat": '''
from dataclasses import dataclass

import numpy as np

__all__ = ["Flat"]


@dataclass(frozen=True)
class Flat:
    """Constant maps, random spectra."""

    def start(self, matrix, components, seed):
        rng = np.random.default_rng(seed)
        return np.ones((components, matrix.shape[0])), rng.random((components, matrix.shape[1]))


NAMED = {"flat": Flat()}
''',
    "preprocessing/doubling": '''
from dataclasses import dataclass

from mffnb.preprocessing.step import Fitted, Step

__all__ = ["Doubling"]


@dataclass(frozen=True)
class Doubling(Step, Fitted):
    """Multiply by two."""

    def fit(self, cube, channel):
        return self

    def transform(self, cube):
        return 2 * cube

    def inverse(self, cube):
        return cube / 2
''',
    "io/readers/mine": """
import numpy as np

from mffnb.io.reader import Reader, starts_with

__all__ = ["MINE"]


def read(path, dataset, lazy):
    return np.frombuffer(path.read_bytes()[4:], dtype="f8").reshape(4, 5, 6)


MINE = Reader("mine", (".mine",), read, sniff=starts_with(b"MINE"))
""",
    "datasets/flat_image": '''
__all__ = ["flat"]


def flat():
    """An image of ones."""
''',
}
PROGRAM = """
import numpy as np
import mffnb as mf
from mffnb.preprocessing import steps_from
from mffnb.protocols import traits_of
from mffnb.widgets.session.catalogue import catalogue
from tools import format_table, solver_table

X = np.random.default_rng(0).random((4, 5, 6))
with open("map.mine", "wb") as file:
    file.write(b"MINE" + X.tobytes())
cube = mf.read("map.mine")
assert np.array_equal(cube, X)
assert {"Tilt", "AtMostOne", "LogCosh"} <= set(mf.__all__) & set(dir(mf)), mf.__all__
assert mf.Tilt is mf.penalties.Tilt and mf.LogCosh is mf.similarities.LogCosh
assert "tilt" in [offer.label for offer in catalogue()]
assert mf.datasets.flat.__doc__ == "An image of ones."
options = dict(random_state=0, max_iter=20)
smooth = mf.unmix(cube, 2, similarity="log-cosh", **options)
squares = mf.unmix(cube, 2, **options)  # log cosh r = r^2 / 2 - r^4 / 12 + ..., so the results are close
difference = np.abs(smooth.reconstruction() - squares.reconstruction()).max()
assert 0 < difference < 0.1 * X.max(), float(difference)
assert "log cosh" in [traits_of(one).label for one in mf.similarities.NAMED.values()]
assert mf.unmix(cube, 2, init="flat", **options).endmembers.shape == (2, 6)
assert mf.unmix(cube, 2, solver="idle", **options).endmembers.shape == (2, 6)
steps = steps_from([{"step": "Doubling"}])
assert steps == [mf.preprocessing.Doubling()]
assert mf.unmix(cube, 2, preprocess=steps, **options).endmembers.shape == (2, 6)
rows = {part.name for part in solver_table.PARTS}
assert {"Tilt of A", "AtMostOne of A"} <= rows, rows
assert "log-cosh" in solver_table.SIMILARITIES and "idle" in solver_table.SOLVERS
assert "| mine | `.mine` |" in format_table.page()
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the package and of the tools, to which one file of each kind is added."""
    root = tmp_path_factory.mktemp("checkout")
    shutil.copytree(PACKAGE, root / "mffnb", ignore=shutil.ignore_patterns("__pycache__", "notebooks"))
    shutil.copytree(PACKAGE.parent / "tools", root / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in NEW.items():
        (root / "mffnb" / f"{name}.py").write_text(f'"""One new part."""\n{text}')
    return root


def test_the_tables_of_names_are_those_of_the_declarations():
    assert generate_names.stale(generate_names.ROOT) == []


def test_one_file_adds_a_part_of_each_kind(copy, capsys):
    assert generate_names.main(["--check"], copy) == 1
    assert "mffnb/penalties/__init__.py is stale: run python tools/generate_names.py" in capsys.readouterr().err
    assert generate_names.main([], copy) == 0
    assert generate_names.main(["--check"], copy) == 0
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        check=False, cwd=copy, env={**os.environ, "PYTHONPATH": str(copy)}, capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr


def test_a_name_that_is_declared_twice_is_refused(copy):
    twice = copy / "mffnb" / "penalties" / "again.py"
    twice.write_text('"""Again."""\n\n__all__ = ["Ridge"]\n')
    with pytest.raises(
        ValueError, match=r"Ridge is declared twice, in mffnb\.penalties\.again and in mffnb\.penalties\.ridge"
    ):
        generate_names.tables(copy)
    twice.unlink()
