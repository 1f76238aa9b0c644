"""Download, verify and cache the files of measured data sets."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pooch

from mffnb.errors import DatasetUnavailableError
from mffnb.io.readers.r import r_objects

VARIABLE = "MFFNB_DATA"


@dataclass(frozen=True)
class RemoteFile:
    """One file of a public repository, pinned to a commit and to its content.

    Parameters
    ----------
    repository
        ``owner/name`` on GitHub.
    commit
        Full hash of the commit.
    path
        Path of the file inside the repository.
    sha256
        SHA-256 of the content, hexadecimal.
    cached
        Path of the file in the cache, if it is another one than the name in the repository.
    """

    repository: str
    commit: str
    path: str
    sha256: str
    cached: str = ""

    @property
    def name(self) -> str:
        """Path of the file in the cache, relative to its folder."""
        return self.cached or PurePosixPath(self.path).name

    @property
    def address(self) -> str:
        """URL of the file."""
        return f"https://raw.githubusercontent.com/{self.repository}/{self.commit}/{self.path}"


FILES = {
    file.name: file
    for file in (
        RemoteFile(
            repository="bioc/tofsimsData",
            commit="aec79ec1f4006d81c83177fb28545108efc17c42",
            path="data/tofsimsData.rda",
            sha256="8b4f5927aa83c25b2c0db8059ff69019b34379bb2ed5d1d429d573d70e97bde6",
        ),
        RemoteFile(
            repository="r-hyperspec/hySpc.chondro",
            commit="1cb574ada1f43ae851f04b24ae9273d83517a42c",
            path="data/chondro.rda",
            sha256="9e0a84e9515b955751dc421889ca87c64289c21f220235c656ca3591cb80ebe1",
        ),
        RemoteFile(
            repository="UPCGIT/Hyperspectral-Unmixing-Models",
            commit="3ec77a26ce726c2843b4e29070b435056941df39",
            path="Datasets/Samson.mat",
            sha256="49530e80d0dabf6b1fb9cde2d6cf257f89a344afe9c13b2cc912eb22f344de18",
        ),
        RemoteFile(
            repository="pycroscopy/pycroscopy",
            commit="77a589b917f67dce50c7bd8dae1917518664ea53",
            path="sample_data/bfo_iv_final.hf5",
            sha256="0d833677015276895a19ebc9ea35fc4b16f8f091bb3a8b817e54b51d5c0fdd43",
        ),
        RemoteFile(
            repository="adriente/espm",
            commit="be48ed5e97892d130fc9fc17b84d0fd1c442bfc7",
            path="generated_datasets/88_ES-LP_G8_selection2_cropped2.hspy",
            sha256="7b980791c8b91b523f79904f22ab309c9e46762342e6b917a3913f1311139598",
        ),
        RemoteFile(
            repository="alexriss/SpmGrids.jl",
            commit="5f2909adde387212efc8e4662158a0cc59fe6a6f",
            path="v0.5.2/Z_spectroscopy.3ds",
            sha256="1d914bf639d9139cdccfb47c4a079131bb2266a1120f432db6860ec48da23efd",
            cached="files/grid_spectroscopy.3ds",
        ),
    )
}


def data_folder() -> Path:
    """Return the folder that holds downloaded data: ``MFFNB_DATA`` if set, else the user's cache folder."""
    chosen = os.environ.get(VARIABLE)
    return Path(chosen).expanduser() if chosen else Path(pooch.os_cache("mffnb"))


def fetch(name: str) -> Path:
    """Return the local path of a registered file, downloading it into the cache if it is not there yet.

    A file that is present is only read, so the folder may be write-protected.

    Parameters
    ----------
    name
        Path of the file in the cache, a key of ``FILES``.

    Returns
    -------
    pathlib.Path
        Path of a file whose SHA-256 has been checked.

    Raises
    ------
    DatasetUnavailableError
        If the file is absent and cannot be downloaded, or if the file in the cache is not the registered one.
    """
    file = FILES[name]
    folder = data_folder()
    local = folder / name
    if local.is_file():
        found = pooch.file_hash(str(local))
        if found != file.sha256:
            raise DatasetUnavailableError(
                f"{local} is not the expected file (its SHA-256 begins with {found[:12]}, "
                f"{file.sha256[:12]} was expected): remove it, so that {file.address} is downloaded in its "
                f"place, or set {VARIABLE} to a folder that holds the right one."
            )
        return local
    try:
        return Path(pooch.retrieve(file.address, f"sha256:{file.sha256}", fname=local.name, path=local.parent))
    except (OSError, ValueError) as error:  # no network, a read-only folder, or a wrong hash
        # The traceback of the failed request adds nothing to this sentence.
        raise DatasetUnavailableError(
            f"{name} is not in {folder} and could not be downloaded ({type(error).__name__}): "
            f"download {file.address} to that folder, or set {VARIABLE} to a folder that holds the file."
        ) from None


def read_rda(name: str) -> dict[str, Any]:
    """Return the objects in an R data file of the registry, see :func:`mffnb.io.readers.r.r_objects`.

    Parameters
    ----------
    name
        Plain file name, a key of ``FILES``.

    Raises
    ------
    DatasetUnavailableError
        If the file is not available, or the ``rdata`` package is not installed.
    """
    path = fetch(name)
    try:
        return r_objects(path)
    except ValueError as error:
        raise DatasetUnavailableError(str(error)) from error
