"""Names of components: those of known spectra and of rename, in every place that shows a component."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import mffnb as mf
from mffnb.cubes.spectrum_names import spectrum_names
from tests.conftest import mixture

CUBE = mixture(shape=(5, 6), channels=16, components=3, seed=0).rename("intensity")
ENERGY = CUBE["energy"]
TRUE = mf.unmix(CUBE, 3, random_state=0).endmembers
SPECTRA = TRUE.values[:2]
TWO = ["calcite", "quartz", "component 2"]


def _labelled(spectrum, name=None):
    return xr.DataArray(spectrum, dims="energy", coords={"energy": ENERGY}, name=name)


GIVEN = {
    "dictionary of arrays": {"calcite": SPECTRA[0], "quartz": SPECTRA[1]},
    "dictionary of labelled spectra": {"calcite": _labelled(SPECTRA[0], "intensity"), "quartz": _labelled(SPECTRA[1])},
    "dictionary of both": {"calcite": _labelled(SPECTRA[0]), "quartz": SPECTRA[1]},
    "list of labelled spectra": [_labelled(SPECTRA[0], "calcite"), _labelled(SPECTRA[1], "quartz")],
    "coordinate of the spectra": xr.DataArray(
        SPECTRA, dims=("mineral", "energy"), coords={"mineral": ["calcite", "quartz"], "energy": ENERGY}
    ),
    "transposed": xr.DataArray(
        SPECTRA.T, dims=("energy", "mineral"), coords={"mineral": ["calcite", "quartz"], "energy": ENERGY}
    ),
    "table": pd.DataFrame(SPECTRA, index=["calcite", "quartz"], columns=ENERGY.values),
    "series": [pd.Series(one, ENERGY.values, name=name) for one, name in zip(SPECTRA, TWO, strict=False)],
}


@pytest.mark.parametrize("how", GIVEN)
def test_known_spectra_keep_the_names_that_the_user_gave(how):
    result = mf.unmix(CUBE, 3, known=GIVEN[how], random_state=0)
    assert result.endmembers.label.values.tolist() == result.abundances.label.values.tolist() == TWO
    np.testing.assert_allclose(result.endmembers.values[:2], SPECTRA)
    assert "(calcite, quartz, 2)" in repr(result)


def test_a_single_spectrum_has_the_name_of_its_coordinate_or_of_the_array():
    library = GIVEN["coordinate of the spectra"]
    assert spectrum_names(library.sel(mineral="quartz"), CUBE) == ["quartz"]
    assert spectrum_names(_labelled(SPECTRA[0], "calcite"), CUBE) == ["calcite"]
    assert spectrum_names(pd.Series(SPECTRA[0], name="calcite"), CUBE) == ["calcite"]


def test_names_of_quantities_and_numbers_are_no_names_of_materials():
    for unnamed in (SPECTRA, _labelled(SPECTRA[0], "intensity"), CUBE.mean(["y", "x"]), TRUE[:2], TRUE[1]):
        assert spectrum_names(unnamed, CUBE) == []
    styled = TRUE[:2].assign_coords(label=("component", ["component 4", "quartz"]), color=("component", ["#fff"] * 2))
    assert spectrum_names(styled, CUBE) == ["", "quartz"]
    assert "label" not in mf.unmix(CUBE, 3, known=SPECTRA, random_state=0).endmembers.coords


def test_a_dictionary_of_unequal_spectra_is_refused():
    with pytest.raises(ValueError, match="different channels: interpolate"):
        mf.unmix(
            CUBE, 3, known={"a": _labelled(SPECTRA[0]), "b": _labelled(SPECTRA[1]).assign_coords(energy=ENERGY + 1)}
        )
    with pytest.raises(ValueError, match=r"one shape each.*'b'"):
        mf.unmix(CUBE, 3, known={"a": SPECTRA[0], "b": SPECTRA[1][:-1]})
    with pytest.raises(ValueError, match="known is empty"):
        mf.unmix(CUBE, 3, known={})


def test_a_name_of_a_dictionary_selects_the_component_of_fixed():
    absent = mf.Fixed("quartz", np.arange(30).reshape(5, 6) < 6)
    result = mf.unmix(CUBE, 3, known=GIVEN["dictionary of arrays"], abundance_terms=[absent], random_state=0)
    assert not result.abundances.values[1, 0].any()
    assert result.abundances.values[1, 1:].any()


def _all_labels(result):
    figure = result.plot()
    return [ax.get_title() for ax in figure.axes if ax.images and ax.get_title()]


def test_names_reach_figures_files_and_exports(tmp_path):
    result = mf.unmix(CUBE, 3, known=GIVEN["dictionary of arrays"], random_state=0).rename({2: "olivine"})
    assert result.endmembers.label.values.tolist() == ["calcite", "quartz", "olivine"]
    assert _all_labels(result) == ["calcite", "quartz", "olivine"]
    for name in ("run.nc", "run.zarr"):
        result.save(tmp_path / name)
        assert mf.load(tmp_path / name).endmembers.label.values.tolist() == ["calcite", "quartz", "olivine"]
    (path,) = result.export(tmp_path / "spectra.csv")
    assert path.read_text().splitlines()[0].startswith("energy loss (eV),calcite (counts),quartz")
    again = mf.unmix(CUBE, 3, init=result, random_state=0, max_iter=3)
    assert again.endmembers.label.values.tolist() == ["calcite", "quartz", "olivine"]


def test_rename_takes_numbers_names_and_lists_and_refuses_what_is_unclear():
    result = mf.unmix(CUBE, 3, random_state=0)
    named = result.rename(["a", "b", "c"])
    assert named.rename({"b": "B", 0: ""}).endmembers.label.values.tolist() == ["component 0", "B", "c"]
    assert "label" not in named.rename(["", "", ""]).endmembers.coords
    assert named.endmembers.equals(result.endmembers.assign_coords(label=("component", ["a", "b", "c"])))
    for names, match in (
        (["a", "b"], "3 components and 2 names"),
        ({7: "a"}, "no component 7: use one of 0, 1, 2"),
        ({0: "a", 1: "a"}, "two components would be named 'a'"),
    ):
        with pytest.raises(ValueError, match=match):
            result.rename(names)
    with pytest.raises(TypeError, match="a dictionary or a list"):
        result.rename("a")


def test_names_of_a_plot_stay_with_the_plot_and_keep_the_freedom():
    result = mf.unmix(CUBE, 3, random_state=0)
    figure = result.plot(names={1: "quartz"})
    assert [ax.get_title() for ax in figure.axes if ax.images and ax.get_title()][1] == "quartz"
    assert "label" not in result.endmembers.coords
    assert result.rename({1: "quartz"}).freedom.angle.equals(result.freedom.angle.assign_coords(
        label=("component", ["component 0", "quartz", "component 2"]))
    )  # fmt: skip


def test_names_reach_every_image_of_a_joint_result_and_its_file(tmp_path):
    images = [CUBE[:2], CUBE[2:]]
    joint = mf.unmix(images, 3, known=GIVEN["dictionary of arrays"], random_state=0)
    assert [one.abundances.label.values.tolist() for one in joint] == [TWO, TWO]
    joint = joint.rename({"calcite": "aragonite"})
    joint.save(tmp_path / "joint.nc")
    loaded = mf.load(tmp_path / "joint.nc")
    for one in (joint, loaded, joint[1], loaded[1]):
        assert one.endmembers.label.values.tolist() == ["aragonite", "quartz", "component 2"]
    assert (
        joint.table().columns.tolist() == joint.deviations().columns.tolist() == ["aragonite", "quartz", "component 2"]
    )
    figure = joint.plot(names=["a", "b", "c"])
    assert any(ax.get_title().endswith(": b") for ax in figure.axes)
