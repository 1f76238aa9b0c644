"""Disk cache of compiled kernels, shared by all checkouts of the same kernel sources.

numba's own cache has two faults here. Its folder name holds the path of the checkout, so a fresh clone compiles
everything again. Its freshness stamp covers the file of the caller only, so an edited kernel that is called from
another file is not compiled again. This cache is keyed by the code of all kernel modules: comments, docstrings and line
numbers do not count.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import os
import pickle
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

import llvmlite
import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile
from platformdirs import user_cache_path

#: Environment variables that name the folder of the cache; the first one that is set is used.
VARIABLES = ("MFFNB_CACHE_DIR", "NUMBA_CACHE_DIR")
#: Environment variable that selects plain loops instead of LLVM instructions, see :mod:`mffnb.kernels.register_choice`.
PLAIN_VARIABLE = "MFFNB_PLAIN_KERNELS"
#: Number of versions of the kernel sources whose machine code is kept; older versions are deleted.
KEPT_VERSIONS = 12
#: Begin of the names of files that tell which kernels are in the cache, see :mod:`mffnb.kernels.tiers.readiness`.
MARKER_PREFIX = "ready-"
#: Errors of kernels that could not be stored by this process.
FAILED_STORES: list[str] = []
_CHECKSUM_BYTES = hashlib.sha256().digest_size


class KernelLocator:
    """Locator for numba's cache: where the machine code of a kernel is stored, and for which version of the sources.

    Parameters
    ----------
    folder
        Existing folder that only this user can write.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def from_function(cls, _function: Callable[..., Any], _file: str) -> KernelLocator | None:
        """Return the locator of a kernel function, or None if no cache folder can be written."""
        folder = cache_folder()
        return None if folder is None else cls(folder)

    def get_cache_path(self) -> str:
        """Return the folder in which the machine code of the kernel is stored."""
        return str(self.folder)

    def get_source_stamp(self) -> str:
        """Return the fingerprint of all kernel sources, which invalidates machine code of other versions."""
        return source_key()

    def get_disambiguator(self) -> str:
        """Return a constant, because module and name already identify a kernel within the cache folder."""
        return "kernel"

    def ensure_cache_path(self) -> None:
        """Create the folder again if it was deleted while the process was running."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)


class _KernelCacheImpl(CompileResultCacheImpl):
    _locator_classes = [KernelLocator]  # type: ignore[list-item]  # noqa: RUF012  as in the class above


class _CheckedFile(IndexDataCacheFile):
    """Cache file of one kernel whose machine code is stored with a checksum: damaged code could crash the process."""

    def _dump(self, obj: Any) -> bytes:
        content = super()._dump(obj)
        return bytes(content) + hashlib.sha256(content).digest()  # pickle ignores what follows its end

    def save(self, key: Any, data: Any) -> None:
        """Store the machine code for ``key`` in a file whose name depends on the key alone.

        numba numbers the files. Two processes that compile at once can then give one number to two keys, and each index
        would refer to the code of the other. With names of the keys an index only loses entries, which are compiled
        again. Files are replaced as a whole, so that none is read before it is complete.
        """
        name = self._data_name(int.from_bytes(hashlib.sha256(str(key).encode()).digest()[:8]))
        self._save_data(name, data)
        self._save_index(self._load_index() | {key: name})

    def _load_data(self, name: str) -> Any:
        stored = Path(self._data_path(name)).read_bytes()
        content, checksum = stored[:-_CHECKSUM_BYTES], stored[-_CHECKSUM_BYTES:]
        if hashlib.sha256(content).digest() != checksum:
            raise ValueError("its checksum differs")
        return pickle.loads(content)  # the folder is private, see _check_private


class KernelCache(FunctionCache):
    """Load and store the machine code of one kernel; a damaged file is compiled again."""

    _impl_class = _KernelCacheImpl

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file = _CheckedFile(
            cache_path=self._cache_path,
            filename_base=self._impl.filename_base,
            source_stamp=self._impl.locator.get_source_stamp(),
        )

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        """Return the key of machine code in the file of one kernel: types of arguments and the processor.

        The folder stands for the code, see :func:`source_key`. The file stands for constants of an enclosing function.
        """
        return sig, codegen.magic_tuple()

    def signatures(self) -> list[tuple[Any, ...]]:
        """Return the types of arguments for which the kernel is stored; none if its file is damaged."""
        try:
            keys = self._cache_file._load_index()
        except Exception:  # as in load_overload
            return []
        # A kernel that is compiled for a declared signature is stored under it, the others under their arguments.
        return [tuple(getattr(key[0], "args", key[0])) for key in keys]

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Return the compiled kernel for a signature, or None where it must be compiled."""
        try:
            return super().load_overload(signature, context)
        except Exception:  # loading a truncated pickle may raise nearly any exception
            _warn_of_damage(self._cache_path)
            with contextlib.suppress(OSError):  # the folder may be read-only by now
                self.flush()
                _delete_markers(Path(self._cache_path))
            return None

    def save_overload(self, signature: Any, data: Any) -> None:
        """Store a compiled kernel; a damaged index is written anew, and a full disk only costs the next start time."""
        try:
            super().save_overload(signature, data)
        except Exception:  # as in load_overload
            _warn_of_damage(self._cache_path)
            try:
                self.flush()
                super().save_overload(signature, data)
            except Exception as error:
                FAILED_STORES.append(str(error))


@functools.cache  # cached, so that only one warning is issued for all kernels
def _warn_of_damage(folder: str) -> None:
    logging.getLogger(__name__).warning(
        "compiled kernels in %s are damaged: they are compiled again, which takes up to two minutes", folder
    )


@functools.cache
def cache_folder() -> Path | None:
    """Create and return the folder of the machine code of these kernel sources; None if no folder can be written."""
    named = next((os.environ[name] for name in VARIABLES if os.environ.get(name)), None)
    root = (Path(named) if named else user_cache_path("mffnb")) / "kernels"
    folder = root / source_key()[:16]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_private(folder)
        os.utime(folder)  # records the time of last use, by which old versions are deleted
        with tempfile.TemporaryFile(dir=folder):
            pass
        _delete_old_versions(root)
    except OSError:
        return None
    return folder


@functools.cache
def source_key() -> str:
    """Return a fingerprint of the code of all kernels, the versions of numba, llvmlite and Python, and the inner loops.

    The inner loops are plain loops or LLVM instructions. numba itself adds the type of the processor.
    """
    plain = os.environ.get(PLAIN_VARIABLE, "")
    digest = hashlib.sha256(f"{numba.__version__} {llvmlite.__version__} {sys.version_info[:2]} {plain}".encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode())
        _add_code(digest, compile(path.read_bytes(), path.name, "exec", dont_inherit=True, optimize=2))
    return digest.hexdigest()


def _add_code(digest: Any, code: CodeType) -> None:
    """Add byte code, names and constants of a code object to a digest, but no docstrings, line numbers or paths."""
    digest.update(code.co_code)
    digest.update(repr((code.co_name, code.co_names, code.co_varnames, code.co_freevars)).encode())
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            _add_code(digest, constant)
        else:
            # The order of a set's elements differs between processes.
            ordered = sorted(map(repr, constant)) if isinstance(constant, frozenset) else constant
            digest.update(repr(ordered).encode())


def _check_private(folder: Path) -> None:
    """Raise an error for a folder of another user: its files are pickles, which run code when they are loaded."""
    if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to another user")
    folder.chmod(0o700)


def _delete_markers(folder: Path) -> None:
    """Delete the markers of compiled kernels, because one of them is damaged."""
    for marker in folder.glob(f"{MARKER_PREFIX}*"):
        marker.unlink(missing_ok=True)


def _delete_old_versions(root: Path) -> None:
    """Delete the folders of all but the most recently used versions of the kernel sources."""
    folders = sorted(root.iterdir(), key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in folders[KEPT_VERSIONS:]:
        shutil.rmtree(folder, ignore_errors=True)
