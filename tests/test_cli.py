from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import mffnb as mf
from mffnb.cli import copy_tutorials, main


@pytest.fixture
def file(tmp_path, cube):
    path = tmp_path / "map.npy"
    np.save(path, cube.values)
    return path


def test_unmix_writes_result_and_picture(tmp_path, file, capsys, cube):
    out, picture = tmp_path / "out.nc", tmp_path / "out.png"
    arguments = ["-k", "3", "--sparsity", "1e-3", "--smoothness", "0.01", "--random-state", "0"]
    assert main(["unmix", str(file), *arguments, "-o", str(out), "--picture", str(picture)]) == 0
    result = mf.load(out)
    expected = mf.unmix(file, 3, sparsity=1e-3, smoothness=0.01, random_state=0)
    np.testing.assert_array_equal(result.endmembers, expected.endmembers)
    assert picture.read_bytes().startswith(b"\x89PNG")
    captured = capsys.readouterr()
    assert "relative error" in captured.out
    assert "out.png" in captured.out
    assert "it/s" in captured.err


def test_result_stands_beside_the_file_by_default(file):
    assert main(["unmix", str(file), "-k", "2", "-q"]) == 0
    assert mf.load(file.with_suffix(".mffnb.nc")).parameters["k"] == 2


def test_mistakes_end_with_one_line_and_code_2(tmp_path, file, capsys):
    for arguments in (
        ["unmix"],
        ["unmix", str(file), "--demo"],
        ["unmix", str(tmp_path / "no.npy")],
        ["unmix", str(file), "--sparsity", "-1"],
        ["unmix", str(file), "-k", "0"],
        ["unmix", str(file), "-o", str(tmp_path / "no" / "out.nc")],
    ):
        assert main(arguments) == 2
        lines = capsys.readouterr().err.strip().splitlines()
        assert lines[-1].startswith("mffnb: ")
        assert not any("Traceback" in line for line in lines)


def test_demo_runs_from_the_shell_without_a_file(tmp_path):
    command = [sys.executable, "-m", "mffnb", "unmix", "--demo", "--max-iter", "3", "-o", "demo.nc", "-q"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=240)
    assert mf.load(tmp_path / "demo.nc").abundances.sizes == {"component": 4, "y": 128, "x": 128}


def test_tutorials_are_copied_once_and_never_overwritten(tmp_path):
    copied = copy_tutorials(tmp_path / "t")
    assert "01_first_unmix.ipynb" in [path.name for path in copied]
    copied[0].write_text("mine")
    assert copy_tutorials(tmp_path / "t") == []
    assert copied[0].read_text() == "mine"


def test_help_and_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert mf.__version__ in capsys.readouterr().out
