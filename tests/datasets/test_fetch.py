"""Getting files: from the cache, from the network, and what is said when neither works."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pooch
import pytest

from mffnb.datasets import fetch
from mffnb.errors import DatasetUnavailableError

CONTENT = b"not really a data set"
NAME = "tiny.rda"


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """A registered file of known content, and an empty cache folder."""
    file = fetch.RemoteFile(
        repository="someone/something",
        commit="0" * 40,
        path=f"data/{NAME}",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
    )
    monkeypatch.setitem(fetch.FILES, NAME, file)
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setenv("MFFNB_DATA", str(folder))
    return file, folder


def _network(monkeypatch, content):
    """Replace the download by writing content, or by raising it; return the list of addresses asked for."""
    asked = []

    def download(_self, url, output_file, _pooch, check_only=False):
        asked.append(url)
        if isinstance(content, Exception):
            raise content
        output_file.write(content) if hasattr(output_file, "write") else Path(output_file).write_bytes(content)

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", download)
    return asked


def test_every_file_is_pinned_to_a_commit_and_a_hash():
    assert {"tofsimsData.rda", "chondro.rda"} <= fetch.FILES.keys()
    for name, file in fetch.FILES.items():
        assert file.name == name
        assert len(bytes.fromhex(file.commit)) == 20
        assert len(bytes.fromhex(file.sha256)) == 32
        assert file.address.startswith("https://raw.githubusercontent.com/")
        assert file.address.endswith(f"/{file.commit}/{file.path}")


def test_folder_is_the_users_cache_unless_the_variable_says_otherwise(monkeypatch, tmp_path):
    monkeypatch.delenv("MFFNB_DATA", raising=False)
    assert fetch.data_folder() == Path(pooch.os_cache("mffnb"))
    monkeypatch.setenv("MFFNB_DATA", "")
    assert fetch.data_folder() == Path(pooch.os_cache("mffnb"))
    monkeypatch.setenv("MFFNB_DATA", str(tmp_path))
    assert fetch.data_folder() == tmp_path
    monkeypatch.setenv("MFFNB_DATA", "~/spectra")
    assert fetch.data_folder() == Path.home() / "spectra"


def test_download_lands_in_the_cache_once(monkeypatch, tiny):
    file, folder = tiny
    asked = _network(monkeypatch, CONTENT)
    assert fetch.fetch(NAME) == folder / NAME
    assert fetch.fetch(NAME).read_bytes() == CONTENT
    assert asked == [file.address]


def test_a_file_may_have_another_path_in_the_cache(monkeypatch, tiny):
    file, folder = tiny
    other = fetch.RemoteFile(file.repository, file.commit, file.path, file.sha256, cached="more/other.rda")
    monkeypatch.setitem(fetch.FILES, "more/other.rda", other)
    asked = _network(monkeypatch, CONTENT)
    assert fetch.fetch("more/other.rda") == folder / "more" / "other.rda"
    assert fetch.fetch("more/other.rda").read_bytes() == CONTENT
    assert asked == [file.address]


def test_present_file_is_only_read(monkeypatch, tiny):
    _, folder = tiny
    (folder / NAME).write_bytes(CONTENT)
    asked = _network(monkeypatch, OSError("no network"))
    before = folder.stat().st_mtime_ns

    def refuse(*_arguments, **_keywords):
        raise PermissionError("read-only file system")

    folder.chmod(0o555)
    # An administrator may write in spite of the permission bits, so refuse what would write as well.
    for function in ("mkdir", "makedirs", "remove", "rename"):
        monkeypatch.setattr(f"os.{function}", refuse)
    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
    try:
        assert fetch.fetch(NAME) == folder / NAME
    finally:
        monkeypatch.undo()
        folder.chmod(0o755)
    assert not asked
    assert folder.stat().st_mtime_ns == before
    assert [path.name for path in folder.iterdir()] == [NAME]


def test_offline_message_names_address_folder_and_variable(monkeypatch, tiny):
    file, folder = tiny
    _network(monkeypatch, OSError("network is unreachable"))
    with pytest.raises(DatasetUnavailableError) as caught:
        fetch.fetch(NAME)
    message = str(caught.value)
    assert file.address in message
    assert str(folder) in message
    assert "MFFNB_DATA" in message
    assert message.count(". ") == 0  # one sentence
    assert message.endswith(".")
    assert list(folder.iterdir()) == []


def test_folder_that_cannot_be_made_is_reported_like_no_network(monkeypatch, tiny, tmp_path):
    file, _ = tiny
    _network(monkeypatch, CONTENT)
    obstacle = tmp_path / "a file"
    obstacle.write_text("in the way")
    monkeypatch.setenv("MFFNB_DATA", str(obstacle / "cache"))
    with pytest.raises(DatasetUnavailableError, match="MFFNB_DATA") as caught:
        fetch.fetch(NAME)
    assert file.address in str(caught.value)


def test_damaged_download_is_not_kept(monkeypatch, tiny):
    _, folder = tiny
    _network(monkeypatch, b"an error page")
    with pytest.raises(DatasetUnavailableError):
        fetch.fetch(NAME)
    assert list(folder.iterdir()) == []


def test_wrong_file_is_reported_and_left_alone(monkeypatch, tiny):
    file, folder = tiny
    asked = _network(monkeypatch, CONTENT)
    (folder / NAME).write_bytes(b"somebody's own file")
    with pytest.raises(DatasetUnavailableError) as caught:
        fetch.fetch(NAME)
    message = str(caught.value)
    assert str(folder / NAME) in message
    assert hashlib.sha256(b"somebody's own file").hexdigest()[:12] in message
    assert file.sha256[:12] in message
    assert "remove it" in message
    assert (folder / NAME).read_bytes() == b"somebody's own file"
    assert not asked


def test_missing_rdata_says_what_to_install(monkeypatch, tiny):
    _, folder = tiny
    (folder / NAME).write_bytes(CONTENT)
    monkeypatch.setitem(sys.modules, "rdata", None)
    with pytest.raises(DatasetUnavailableError, match=r'pip install "mffnb\[io\]"'):
        fetch.read_rda(NAME)
