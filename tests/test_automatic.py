"""``volume="auto"``: the true spectra, without being told."""

from __future__ import annotations

import numpy as np
import pytest

import mffnb as mf
from mffnb.selection import match, spectral_angles


@pytest.mark.filterwarnings("ignore::mffnb.errors.DisagreementWarning")
def test_samson_is_unmixed_without_being_told():
    sample = mf.datasets.samson()
    result = mf.unmix(sample.cube, 3, volume="auto", random_state=0)
    order = match(sample.endmembers.values, result.endmembers.values)
    angles = np.diag(spectral_angles(sample.endmembers.values, result.endmembers.values[order]))
    assert angles.mean() < 0.05
    assert np.sqrt(np.mean((result.abundances.values[order] - sample.abundances.values) ** 2)) < 0.05
    np.testing.assert_allclose(result.abundances.sum("component"), 1)
    assert result.parameters["model"] == "gain"


def test_errors_say_what_to_do():
    cube = np.random.default_rng(0).random((6, 7, 9))
    with pytest.raises(ValueError, match="takes no sparsity"):
        mf.unmix(cube, 2, volume="auto", sparsity=0.1)
    with pytest.raises(ValueError, match="leave out init"):
        mf.unmix(cube, 2, volume="auto", similarity="kl")
    with pytest.raises(ValueError, match="use 'auto', or a weight"):
        mf.unmix(cube, 2, volume="much")
