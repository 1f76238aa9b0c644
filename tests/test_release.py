"""What is released: the source archive and the wheel hold all that a user needs, and nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
import yaml

import mffnb

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
VERSION = SETTINGS["project"]["version"]

# What a user starts with: the explorer of the installed wheel has its page, and the tutorials come with it.
USE = """
import sys
from pathlib import Path
for name in ["jupyterlab", "rsciio", "zarr", "tifffile", "openpyxl", "hyperspy", "pytest", "mpich"]:
    sys.modules[name] = None  # names that only the extras bring
import numpy as np
import mffnb as mf
from mffnb.cli.lab import copy_tutorials
target, folder = map(Path, sys.argv[1:])
assert Path(mf.__file__).is_relative_to(target), mf.__file__
result = mf.unmix(np.random.default_rng(0).random((4, 5, 9)), 2, random_state=0)
assert result.abundances.sizes["component"] == 2
assert "01_first_unmix.ipynb" in [path.name for path in copy_tutorials(folder)]
from mffnb.widgets.live_view.live_view import LiveView
view = LiveView()
assert "export" in view._esm and "{" in view._css
print(mf.__version__, end="")
"""


def command(*words, **options):
    """Run a module in a process of its own and return what it printed; a failure shows all of it."""
    run = subprocess.run([sys.executable, *map(str, words)], check=False, capture_output=True, text=True, **options)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The source archive, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    command("-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    (archive,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return archive, wheel


def of_the_repository(*folders):
    """Files of the repository in some folders, without those that git ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *folders],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return {name for name in listed.stdout.splitlines() if (ROOT / name).exists()}


def test_the_version_is_the_same_everywhere():
    assert mffnb.__version__ == VERSION
    assert f"\nversion: {VERSION}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_the_conda_recipe_repeats_the_requirements():
    recipe = yaml.safe_load((ROOT / "recipe" / "recipe.yaml").read_text(encoding="utf-8"))
    assert recipe["context"]["version"] == VERSION
    conda = {"matplotlib-base": "matplotlib"}  # a smaller package of the same program
    needed = [line.split(" ", 1) for line in recipe["requirements"]["run"] if not line.startswith("python ")]
    expected = [re.fullmatch(r"([\w-]+)(.*)", line).groups() for line in SETTINGS["project"]["dependencies"]]
    assert [(conda.get(name, name), limits) for name, limits in needed] == expected
    assert f">={recipe['context']['python_min']}" == SETTINGS["project"]["requires-python"]
    assert recipe["about"]["license_file"] == SETTINGS["project"]["license-files"]


def test_hosted_ci_says_that_it_was_never_run():
    text = (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")
    assert text.startswith("# Never run")
    jobs = yaml.safe_load(text)["jobs"]
    assert jobs["quick"]["strategy"]["matrix"]["os"] == ["ubuntu-latest", "macos-latest", "windows-latest"]
    classifiers = SETTINGS["project"]["classifiers"]
    supported = [one.split(" :: ")[-1] for one in classifiers if one.startswith("Programming Language :: Python :: 3.")]
    assert jobs["wheel"]["strategy"]["matrix"]["python"] == supported


def test_every_package_has_its_licence_in_the_table():
    assert "lacks" not in command("tools/licences.py", "--check", cwd=ROOT)
    bundled = json.loads((ROOT / "js" / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert {f"LICENSE-{name}" for name in bundled} <= set(SETTINGS["project"]["license-files"])


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_the_tutorials_only(built):
    files = {
        f"mffnb/{name}" if name.startswith("notebooks/") else name for name in of_the_repository("mffnb", "notebooks")
    }
    about = {f"mffnb-{VERSION}.dist-info/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt")}
    about |= {f"mffnb-{VERSION}.dist-info/licenses/{name}" for name in SETTINGS["project"]["license-files"]}
    inside = set(zipfile.ZipFile(built[1]).namelist())
    assert inside == files | about
    assert {
        "mffnb/py.typed",
        "mffnb/widgets/live_view/static/live_view.js",
        "mffnb/notebooks/01_first_unmix.ipynb",
    } < inside


@pytest.mark.slow
def test_the_source_archive_holds_the_repository(built):
    with tarfile.open(built[0]) as archive:
        inside = {name.split("/", 1)[1] for name in archive.getnames()}
    assert {"LICENSE", "pyproject.toml", "tests/test_release.py", "js/package-lock.json", "docs/conf.py"} < inside
    command("-m", "check_manifest", "--no-build-isolation", cwd=ROOT)


@pytest.mark.slow
def test_the_metadata_are_accepted_and_complete(built):
    command("-m", "twine", "check", "--strict", *built)
    with zipfile.ZipFile(built[1]) as wheel:
        about = Parser().parsestr(wheel.read(f"mffnb-{VERSION}.dist-info/METADATA").decode())
    assert about["License-Expression"] == "BSD-3-Clause"
    assert about["Requires-Python"] == SETTINGS["project"]["requires-python"]
    core = [one for one in about.get_all("Requires-Dist") if "extra ==" not in one]
    names = {re.match(r"[\w-]+", one)[0] for one in core}
    assert {"mpi4py", "ipyparallel", "hyperopt", "ipympl", "numba", "xarray", "anywidget"} <= names


@pytest.mark.slow
def test_the_installed_wheel_works_without_the_extras(built, tmp_path):
    target = tmp_path / "installed"
    command("-m", "pip", "install", "-q", "--no-deps", "--target", target, built[1])
    outside = {**os.environ, "PYTHONPATH": str(target)}
    assert command("-c", USE, target, tmp_path / "tutorials", cwd=tmp_path, env=outside) == VERSION
