"""The page of `mffnb demo` without a browser: files, signals, explorer, and the sentence of an error."""

from __future__ import annotations

import numpy as np
import pytest

from mffnb.widgets.demo_page import DemoPage
from mffnb.widgets.file_chooser import FileChooser


@pytest.fixture
def folder(tmp_path, cube):
    (tmp_path / "maps").mkdir()
    (tmp_path / ".hidden").touch()
    np.save(tmp_path / "map.npy", cube.values)
    (tmp_path / "broken.npy").write_bytes(b"no array")
    np.savez(tmp_path / "maps" / "two.npz", first=cube.values, second=cube.values[:, :, ::-1])
    return tmp_path


def test_folders_come_first_and_hidden_names_are_left_out(folder):
    paths = []
    chooser = FileChooser(folder, paths.append)
    assert [value for _, value in chooser.list.options] == ["maps", "broken.npy", "map.npy"]
    chooser.button.click()  # the first line: a folder is entered
    assert chooser.folder == folder / "maps"
    chooser.upper.click()
    chooser.list.value = "map.npy"
    chooser.button.click()
    chooser.path.value = "maps/two.npz"
    assert paths == [folder / "map.npy", folder / "maps" / "two.npz"]
    chooser.path.value = "nowhere"
    assert "nowhere" in chooser.status.value
    assert chooser.folder == folder


def test_the_explorer_opens_on_the_selected_signal_and_closes(folder, cube):
    page = DemoPage(folder)
    page.files.choose("maps/two.npz")
    page.signals.select("second")
    page.explore.click()
    page.explorer.wait()
    assert page.explorer in page.children
    modelled = page.explorer.result.reconstruction()
    assert modelled.shape == cube.shape
    np.testing.assert_allclose(modelled.sum(), cube.values.sum(), rtol=0.1)
    page.another.click()
    assert page.explorer is None
    assert page.files in page.children


def test_a_damaged_file_becomes_a_sentence_and_the_list_stays(folder):
    page = DemoPage(folder / "broken.npy")
    assert 'role="alert"' in page.status.value
    assert "broken.npy" in page.status.value
    assert page.files in page.children
