from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest

import mffnb as mf
from mffnb.cli import main
from mffnb.cli.lab import copy_tutorials


@pytest.fixture
def file(tmp_path, cube):
    path = tmp_path / "map.npy"
    np.save(path, cube.values)
    return path


def test_unmix_exports_for_other_programs(tmp_path, file, capsys):
    table, maps = tmp_path / "spectra.csv", tmp_path / "maps.gsf"
    arguments = ["-k", "2", "--random-state", "0", "-o", str(tmp_path / "out.nc"), "-q"]
    assert main(["unmix", str(file), *arguments, "--export", str(table), "--export", str(maps)]) == 0
    assert table.read_text().startswith("channel,component 0,component 1\n")
    assert len(list(tmp_path.glob("maps-*.gsf"))) == 2
    assert main(["unmix", str(file), *arguments, "--export", str(tmp_path / "run.doc")]) != 0
    assert "no suffix of an export format" in capsys.readouterr().err


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


def test_without_k_the_data_decide_and_one_line_says_so(tmp_path, file, capsys):
    out = tmp_path / "out.nc"
    assert main(["unmix", str(file), "--random-state", "0", "-o", str(out)]) == 0
    expected = mf.unmix(file, random_state=0)
    result = mf.load(out)
    np.testing.assert_array_equal(result.endmembers, expected.endmembers)
    suggested = expected.parameters["suggested"]["settings"]
    assert result.parameters["suggested"]["settings"] == suggested
    (line,) = [one for one in capsys.readouterr().out.splitlines() if "no -k" in one]
    assert suggested in line
    assert main(["unmix", str(file), "-k", "2", "--max-iter", "30", "-o", str(out)]) == 0
    assert "no -k" not in capsys.readouterr().out


def test_mistakes_end_with_one_line_and_code_2(tmp_path, file, capsys):
    for arguments in (
        ["unmix"],
        ["unmix", str(file), "--demo"],
        ["unmix", str(tmp_path / "no.npy")],
        ["unmix", str(file), "-o", str(tmp_path / "no" / "out.nc")],
    ):
        assert main(arguments) == 2
        lines = capsys.readouterr().err.strip().splitlines()
        assert lines[-1].startswith("mffnb: ")
        assert not any("Traceback" in line for line in lines)


@pytest.fixture
def files(tmp_path, cube):
    """Two maps of one material: the second has its channels between those of the first, and lacks its last channel."""
    second = 10 * cube.isel(y=slice(0, 4)).drop_vars("y").rename("second")
    second = second.interp(energy=cube.energy.values[:-1] + 0.5).astype("float64")
    paths = []
    for name, one in {"first": cube, "second": second}.items():
        paths.append(tmp_path / f"{name}.nc")
        one.to_netcdf(paths[-1])
    return paths


@pytest.mark.parametrize(
    ("options", "keywords"),
    [
        (["--tie", "0.03"], {"tie": 0.03}),
        (["--sparse-images", "0.1"], {"sparse_images": 0.1}),
        (["--sparse-images", "0", "--channels", "interpolate"], {}),
    ],
    ids=["tie", "sparse-images", "channels"],
)
@pytest.mark.filterwarnings("ignore::mffnb.errors.MffnbWarning")
def test_options_of_several_files_are_keywords_of_unmix(tmp_path, files, capsys, options, keywords):
    out = tmp_path / "out.nc"
    options = ["--channels", "interpolate", *options]
    assert main(["unmix", *map(str, files), "-k", "2", "--random-state", "0", "-o", str(out), *options]) == 0
    expected = mf.unmix(files, 2, random_state=0, channels="interpolate", **keywords)
    joint = mf.load(out)
    for part, own in zip(joint, expected, strict=True):
        np.testing.assert_array_equal(part.endmembers, own.endmembers)
        np.testing.assert_array_equal(part.abundances, own.abundances)
    for name in ("tie", "sparse_images", "channels"):
        assert joint.parameters.get(name) == expected.parameters.get(name)
    shown = capsys.readouterr().out
    assert "second" in shown
    assert ("angle of the spectra of each image" in shown) == ("tie" in keywords)


@pytest.mark.parametrize(
    ("number", "options", "message"),
    [
        (1, ["--tie", "0.1"], "--tie is for several files"),
        (1, ["--sparse-images", "1e-2"], "--sparse-images is for several files"),
        (1, ["--channels", "interpolate"], "--channels is for several files"),
        (1, ["--smoothness-along", "y"], "add --smoothness 1e-3"),
        (1, ["--smoothness", "1e-3", "--smoothness-along", "time"], "use one of y, x"),
        (2, ["--smoothness", "1e-3", "--smoothness-along", "y"], "--smoothness-along is for one file"),
        (2, ["--tie", "0.1"], "add -k"),
        (2, ["--tie", "0"], "'0' is no number > 0"),
        (2, ["--tie", "x"], "'x' is no number > 0"),
        (2, ["-k", "2", "--tie", "0.1", "--sparsity", "1e-3"], "leave out sparsity"),
        (2, ["-k", "2", "--tie", "0.1", "--sparse-images", "1e-2"], "leave out"),
        (2, ["-k", "2", "--sum-to-one", "--sparse-images", "1e-2"], "leave out --sum-to-one or --sparse-images"),
        (2, ["--sparse-images", "-1"], "'-1' is no number >= 0"),
        (2, ["--channels", "union"], "choose from"),
    ],
)
def test_options_that_do_not_suit_the_files_are_refused_in_one_line(tmp_path, files, capsys, number, options, message):
    try:
        code = main(["unmix", *map(str, files[:number]), *options, "-o", str(tmp_path / "out.nc")])
    except SystemExit as end:  # argparse ends the process
        code = end.code
    error = capsys.readouterr().err
    assert code == 2
    assert len(error.splitlines()) == 1
    assert message in error
    assert not (tmp_path / "out.nc").exists()


def test_smoothness_along_some_dimensions_is_a_term(tmp_path, files):
    out = tmp_path / "out.nc"
    arguments = ["-k", "2", "--random-state", "0", "--smoothness", "0.1", "--smoothness-along", "y", "-q"]
    assert main(["unmix", str(files[0]), *arguments, "-o", str(out)]) == 0
    terms = [mf.Smoothness(0.1, along="y")]
    expected = mf.unmix(files[0], 2, abundance_terms=terms, random_state=0)
    np.testing.assert_array_equal(mf.load(out).abundances, expected.abundances)
    both = mf.unmix(files[0], 2, smoothness=0.1, random_state=0)
    assert float(abs(both.abundances - expected.abundances).max()) > 1e-3


@pytest.mark.parametrize(
    ("options", "keywords"),
    [
        (["--weights", "poisson"], {"weights": "poisson"}),
        (["--similarity", "kl"], {"similarity": "kl"}),
        (["--volume", "1e-3", "--sum-to-one", "--gain"], {"volume": 1e-3, "sum_to_one": True, "gain": True}),
        (["--volume", "auto", "--weights", "equal"], {"volume": "auto", "weights": "equal"}),
    ],
    ids=["poisson", "kl", "gain", "auto"],
)
@pytest.mark.filterwarnings("ignore::mffnb.errors.MffnbWarning")
def test_what_suggest_names_can_be_given(tmp_path, file, options, keywords):
    out = tmp_path / "out.nc"
    assert main(["unmix", str(file), "-k", "2", "--random-state", "0", "-q", "-o", str(out), *options]) == 0
    expected = mf.unmix(file, 2, random_state=0, **keywords)
    np.testing.assert_array_equal(mf.load(out).endmembers, expected.endmembers)


BAD = [
    ["--weights", "many"], ["--similarity", "cosine"], ["--volume", "much"],
    ["-k", "0"], ["-k", "x"], ["-k", "100000000000"], ["--sparsity", "nan"], ["--smoothness", "-1"], ["--tol", "inf"],
    ["--n-init", "1.5"], ["--max-iter", "-1"], ["--random-state", "-1"], ["--init", "nope"], ["--channel", "nope"],
    ["--channel", "x", "--channel", "x"], ["--dataset", "a"], ["--every", "nan"], ["--sparsty", "1"], ["-o", ""],
    ["-o", "map.csv"], ["-o", "."], ["--picture", "."], ["--picture", "a.jpg"], ["--checkpoint", "map.npy"],
]  # fmt: skip


@pytest.mark.parametrize("options", BAD, ids=" ".join)
def test_bad_options_are_refused_in_one_line_before_the_progress_bar(file, capsys, monkeypatch, options):
    monkeypatch.chdir(file.parent)
    before = {path.name for path in file.parent.iterdir()}
    try:
        code = main(["unmix", "map.npy", *options])
    except SystemExit as end:  # argparse ends the process
        code = end.code
    captured = capsys.readouterr()
    assert code == 2
    assert len(captured.err.splitlines()) == 1
    assert captured.err.startswith("mffnb")
    assert captured.out == ""
    assert {path.name for path in file.parent.iterdir()} == before
    option = options[0] if options[0] not in ("-o", "--dataset", "--picture") else ""
    assert option.removeprefix("--") in captured.err


@pytest.mark.parametrize("values", [np.full((4, 5, 9), np.nan), -np.ones((4, 5, 9)), np.full((4, 5, 9), np.inf)])
def test_data_that_cannot_be_unmixed_are_refused_without_a_progress_bar(tmp_path, capsys, values):
    np.save(tmp_path / "bad.npy", values)
    assert main(["unmix", str(tmp_path / "bad.npy")]) == 2
    text = capsys.readouterr().err
    assert text.startswith("mffnb: ")
    assert "bad.npy" in text
    assert len(text.splitlines()) == 1


def test_warnings_are_one_line_each(tmp_path, file):
    command = [sys.executable, "-m", "mffnb", "unmix", str(file), "-k", "2", "--max-iter", "1", "-q"]
    done = subprocess.run(command, cwd=tmp_path, check=True, timeout=240, capture_output=True, text=True)
    assert [line[:15] for line in done.stderr.splitlines()] == ["mffnb: warning:"]


@pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")
def test_demo_needs_no_file(tmp_path):
    assert main(["unmix", "--demo", "--max-iter", "1", "-o", str(tmp_path / "demo.nc"), "-q"]) == 0
    assert mf.load(tmp_path / "demo.nc").abundances.sizes == {"component": 4, "y": 128, "x": 128}


@pytest.mark.slow
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


def test_demo_starts_jupyterlab_on_a_page_of_widgets(tmp_path, monkeypatch, capsys):
    """The command line, without a server: the notebook, the settings, the extension that exists, and user options."""
    calls = []

    def call(command):
        options = dict(one.split("=", 1) for one in command if "=" in one)
        notebook = json.loads(next(Path(options["--ServerApp.root_dir"]).glob("*.ipynb")).read_text())
        settings = [
            json.loads(one.read_text()) for one in Path(options["--LabApp.user_settings_dir"]).rglob("*-settings")
        ]
        calls.append((command, options, notebook["cells"], settings))
        return 0

    monkeypatch.setattr("mffnb.cli.lab.importlib.util.find_spec", lambda name: name)
    monkeypatch.setattr("mffnb.cli.demo.subprocess.call", call)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "map.npy").touch()
    for arguments in ([], ["--", "--no-browser"], ["map.npy", "--", "--no-browser"]):
        assert main(["demo", *arguments]) == 0
    assert "Ctrl-C" in capsys.readouterr().out
    (_, options, (cell,), settings), (first, *_), (second, _, (other,), _) = calls
    assert f"DemoPage({str(tmp_path)!r})" in cell["source"]
    assert f"DemoPage({str(tmp_path / 'map.npy')!r})" in other["source"]
    assert first[-1] == second[-1] == "--no-browser"
    assert options["--LabApp.default_url"] == "/doc/tree/mffnb.ipynb"
    extension = Path(options["--LabApp.extra_labextensions_path"]) / "mffnb-kiosk"
    build = json.loads((extension / "package.json").read_text())["jupyterlab"]["_build"]
    assert (extension / build["load"]).is_file()
    assert any("fetchNews" in one for one in settings)
    assert not Path(options["--ServerApp.root_dir"]).exists()


@pytest.mark.parametrize("command", ["demo", "lab"])
def test_without_jupyterlab_one_line_says_what_to_install(command, monkeypatch, capsys):
    monkeypatch.setattr("mffnb.cli.lab.importlib.util.find_spec", lambda name: None)
    assert main([command]) == 2
    assert 'pip install "mffnb[lab]"' in capsys.readouterr().err


def test_demo_refuses_a_file_that_does_not_exist(capsys):
    assert main(["demo", "nowhere.npy"]) == 2
    assert "nowhere.npy" in capsys.readouterr().err


def test_lab_serves_the_tutorials(tmp_path):
    """The real server, started as a user starts it, without a browser of its own."""
    pytest.importorskip("jupyterlab", reason="the lab extra is not installed")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    options = ["--no-browser", f"--ServerApp.port={port}", "--IdentityProvider.token=secret"]
    process = subprocess.Popen(
        [sys.executable, "-m", "mffnb", "lab", "--folder", "mine", "--", *options],
        cwd=tmp_path,
        env={**os.environ, "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"), "JUPYTER_CONFIG_DIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        names = served(f"http://127.0.0.1:{port}/api/contents?token=secret", process)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)
    assert "01_first_unmix.ipynb" in names


def served(address, process):
    """Names of the files that a server which is still starting will offer."""
    end = time.monotonic() + 90
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return [item["name"] for item in json.load(answer)["content"]]
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the server did not start")
