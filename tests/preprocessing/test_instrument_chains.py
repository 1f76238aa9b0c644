"""The chains for instruments of docs/preprocessing.md, from simulated raw data to factors, and through a file."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb import preprocessing as pre
from tests.preprocessing import (
    test_detector_mask,
    test_drift,
    test_peak_picking,
    test_ppm_bins,
    test_spikes,
    test_zero_loss,
)

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")

CHAINS = {
    "Raman": (
        lambda: test_spikes.scene()[0],
        [pre.SpikeRemoval(), pre.AsymmetricBaseline(), pre.UnitNorm()],
    ),
    "EELS": (
        lambda: test_zero_loss.scene()[0],
        [pre.ZeroLossAlignment(), pre.Crop({"energy": (3, None)})],
    ),
    "ToF-SIMS": (
        lambda: test_peak_picking.scene(shape=(6, 8))[0],
        [pre.DeadTime(1000, dead_channels=2), pre.PeakPicking(), pre.PoissonScaling()],
    ),
    "imzML": (
        lambda: test_ppm_bins.sparse_cube(test_ppm_bins.dense()),
        [pre.PpmBins(30), pre.UnitSum()],
    ),
    "4D-STEM": (
        lambda: test_detector_mask.scene(shape=(4, 5))[0],
        [pre.DetectorMask(disc=(1.6, 2.0, 0.3)), pre.Bin(space=1, channel=2), pre.PoissonScaling()],
    ),
    "frames": (
        lambda: test_drift.scene()[0],
        [pre.DriftCorrection("frame"), pre.Bin(space={"frame": 6})],
    ),
}


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_gives_factors_and_their_reconstruction(name, tmp_path):
    make, steps = CHAINS[name]
    cube = make()
    channel = ("ky", "kx") if name == "4D-STEM" else None
    result = mf.unmix(cube, 2, preprocess=steps, channel=channel, random_state=0, max_iter=30)
    target = result.processed.chain.target(cube)
    model = result.reconstruction()
    np.testing.assert_allclose(model + result.residual(), target.transpose(*model.dims), rtol=1e-6, atol=1e-6)
    product = xr.dot(result.abundances, result.endmembers, dim="component").transpose(*model.dims)
    if name != "Raman":  # whose reconstruction has the baselines
        np.testing.assert_allclose(product, model, rtol=1e-6, atol=1e-9)
    result.save(tmp_path / "run.nc")
    loaded = mf.load(tmp_path / "run.nc")
    np.testing.assert_allclose(loaded.residual(cube), result.residual(), rtol=1e-9, atol=1e-9)
    assert loaded.parameters["preprocess"] == result.parameters["preprocess"]
