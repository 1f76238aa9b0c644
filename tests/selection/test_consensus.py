"""Dispersion and cophenetic correlation against a consensus matrix that is built explicitly."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.cluster.hierarchy import cophenet, linkage
from scipy.spatial.distance import squareform

from mffnb.selection import cophenetic_correlation, dispersion
from mffnb.selection.consensus import dominant_components

LABELS = hnp.arrays(np.int64, st.tuples(st.integers(1, 7), st.integers(1, 25)), elements=st.integers(0, 5))


def consensus(groups):
    """Consensus matrix (pixels, pixels), computed pair by pair."""
    restarts, pixels = groups.shape
    C = np.zeros((pixels, pixels))
    for i in range(pixels):
        for j in range(pixels):
            C[i, j] = sum(groups[r, i] == groups[r, j] for r in range(restarts)) / restarts
    return C


@given(LABELS)
def test_dispersion_equals_that_of_the_explicit_matrix(groups):
    C = consensus(groups)
    assert abs(dispersion(groups) - np.mean(4 * (C - 0.5) ** 2)) < 1e-12


@given(LABELS)
def test_cophenetic_correlation_equals_that_of_the_explicit_matrix(groups):
    distances = squareform(1 - consensus(groups), checks=False)
    if len(distances) == 0 or np.ptp(distances) < 1e-12:
        assert cophenetic_correlation(groups) == 1.0
    elif np.diff(np.unique(distances.round(12))).size == 1:
        # With at most two distances, the order of ties does not depend on rounding.
        assert abs(cophenetic_correlation(groups) - cophenet(linkage(distances, "average"), distances)[0]) < 1e-9


def test_large_images_are_sampled_reproducibly():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 50_000)
    groups = np.stack([np.where(rng.random(truth.size) < 0.1, rng.integers(0, 3, truth.size), truth) for _ in range(6)])
    first = cophenetic_correlation(groups, seed=1, pixels=300)
    assert first == cophenetic_correlation(groups, seed=1, pixels=300) != cophenetic_correlation(groups, 2, 300)
    assert 0.8 < first < 1.0
    assert 0.6 < dispersion(groups) < 0.95


def test_dominant_component_does_not_depend_on_the_scale_of_the_factors():
    rng = np.random.default_rng(0)
    A, E = rng.random((3, 20)), rng.random((3, 7))
    A[:, 4] = 0
    found = dominant_components(A, E)
    sizes = np.array([[10.0], [0.1], [3.0]])
    np.testing.assert_array_equal(dominant_components(A * sizes, E / sizes), found)
    assert found[4] == 3
    assert set(found) == {0, 1, 2, 3}


@pytest.mark.parametrize("bad", [np.zeros((2, 3)), np.zeros(3, int), np.zeros((0, 3), int)])
def test_invalid_labels_raise_an_error(bad):
    with pytest.raises(ValueError, match="whole numbers"):
        dispersion(bad)


R_CODE = """
suppressMessages(library(NMF))
C <- as.matrix(read.csv("{path}", header = FALSE)); dimnames(C) <- NULL
cat(sprintf("%.15g %.15g\\n", dispersion(C), cophcor(C)))
"""


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_values_agree_with_the_r_package_nmf(tmp_path):
    if subprocess.run(["Rscript", "-e", "library(NMF)"], check=False, capture_output=True, timeout=120).returncode:
        pytest.skip("R's package NMF is not installed (Debian: r-cran-nmf)")
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 3, 24)
    groups = np.stack([np.where(rng.random(24) < 0.15, rng.integers(0, 3, 24), truth) for _ in range(200)])
    path = tmp_path / "consensus.csv"
    np.savetxt(path, consensus(groups), delimiter=",", fmt="%.17g")
    answer = subprocess.run(
        ["Rscript", "-e", R_CODE.format(path=path)], capture_output=True, text=True, timeout=120, check=True
    ).stdout.split()
    assert abs(float(answer[-2]) - dispersion(groups)) < 1e-8
    assert abs(float(answer[-1]) - cophenetic_correlation(groups)) < 1e-8
