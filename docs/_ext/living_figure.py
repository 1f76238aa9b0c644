"""The living figure of the landing page, made when the site is built."""

from __future__ import annotations

from pathlib import Path


def write(path: Path) -> None:
    """Unmix a simulated image and export it as a living figure, unless the file is there."""
    if path.exists():
        return
    import mffnb as mf  # noqa: PLC0415  takes long

    cube = mf.datasets.tof_sims_2d(seed=0, shape=(48, 72)).cube
    mf.unmix(cube, 3, sparsity=1e-2, random_state=0).export(path)
