"""Small data that many tests share."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest
import xarray as xr
from hypothesis import settings

import mffnb as mf
from tests import depth  # noqa: F401  which registers the profiles

settings.load_profile("quick")


def mixture(shape=(6, 10), channels=20, components=3, noise=0.05, seed=0):
    """A noisy non-square cube (y, x, channel) of smooth-ish spectra, with calibrated axes."""
    rng = np.random.default_rng(seed)
    abundances = rng.dirichlet(np.full(components, 0.5), shape)
    position = np.linspace(0, 1, channels)
    centres = (np.arange(components) + 0.5) / components
    spectra = np.exp(-(((position - centres[:, None]) / 0.25) ** 2)) + 0.1
    cube = abundances @ spectra
    cube = np.abs(cube + noise * rng.standard_normal(cube.shape))
    return xr.DataArray(
        cube,
        dims=("y", "x", "energy"),
        coords={
            "y": ("y", 0.5 * np.arange(shape[0]), {"units": "µm"}),
            "x": ("x", 0.5 * np.arange(shape[1]), {"units": "µm"}),
            "energy": (
                "energy",
                400.0 + 2 * np.arange(channels),
                {"units": "eV", "long_name": "energy loss"},
            ),
        },
        attrs={"units": "counts"},
        name="intensity",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """What keeps several processes busy is slow as well."""
    for item in items:
        if item.get_closest_marker("ranks"):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def browser():
    """Chromium for all browser tests of a process, which Playwright allows only once at a time."""
    from tests.browser.lab import chromium

    with chromium() as started:
        yield started


@pytest.fixture
def cube():
    return mixture()


@pytest.fixture
def X(cube):
    return cube.values.reshape(-1, cube.sizes["energy"])


@pytest.fixture
def start(X):
    rng = np.random.default_rng(1)
    return rng.random((len(X), 3)), rng.random((3, X.shape[1]))


@pytest.fixture(scope="session")
def mpi_engines():
    """Two MPI engines, started once; a test that kills one leaves it to the next call to start others."""
    with mf.parallel.cluster(2, mpi=True) as running:
        yield running


@pytest.fixture
def disk_of(tmp_path):
    """A function that mounts a disk of some size and returns its folder."""
    folder = tmp_path / "disk"

    def mounted(size):
        folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        try:
            done = subprocess.run(mount, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            pytest.skip("there is no mount command")
        if done.returncode:
            pytest.skip(f"a small disk cannot be mounted: {done.stderr.strip()}")
        return folder

    yield mounted
    if folder.is_mount():
        subprocess.run(["umount", str(folder)], check=True)
