"""The decorator that compiles a kernel with numba and stores its machine code in the user's cache folder."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from typing import Any

from numba import njit
from numba.core.dispatcher import Dispatcher

from mffnb.kernels.cache import KernelCache, cache_folder

#: All kernels that this process has declared.
KERNELS: list[Dispatcher] = []
# A wrapper for calls from C is compiled for each kernel otherwise, and never called.
_OPTIONS: Any = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}


def kernel(
    fastmath: bool | set[str] = False,
    name: str = "",
    *,
    inlined: bool = False,
    internal: bool = False,
    allocates: bool = False,
) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function on its first call, without the global interpreter lock.

    Division by zero gives infinity, as in NumPy: a check would prevent vectorized loops.

    Machine code is stored in the user's cache folder, or in the one that ``MFFNB_CACHE_DIR`` names; see
    :mod:`mffnb.kernels.cache`. If no folder can be written, every process compiles its kernels again.

    Parameters
    ----------
    fastmath
        Floating-point rewrites that the compiler may apply; see :func:`numba.jit`.
    name
        Name in the cache, which must be unique in the module. A function that is defined for several constants needs
        one; others are known by their own.
    inlined
        Copy the function into the kernels that call it before they are compiled. This saves the compilation of the
        function itself, and is best for one that has a single caller. ``fastmath`` is that of the caller.
    internal
        The function is called by other kernels only. No wrapper for calls from Python is compiled, and such a call
        raises TypeError.
    allocates
        The function allocates arrays or returns one. Otherwise numba counts no references to arrays, which is a third
        of the code of a small kernel: the caller in Python holds all arrays.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        if name:
            function.__name__ = function.__qualname__ = name
        elif getattr(function, "__closure__", None):  # the cache would take one version of it for another
            raise TypeError(f"{function.__qualname__} depends on constants of the function around it: give it a name")
        options = _OPTIONS | {"_nrt": allocates, "no_cpython_wrapper": internal, "fastmath": fastmath}
        dispatcher = njit(**options, inline="always" if inlined else "never")(function)
        if not isinstance(dispatcher, Dispatcher):  # if NUMBA_DISABLE_JIT is set, numba returns the plain function
            return dispatcher
        if cache_folder() is None:
            _warn_without_cache()
        else:
            dispatcher._cache = KernelCache(function)  # type: ignore[attr-defined]  # as enable_caching does
        if internal:
            _refuse_calls_from_python(dispatcher)
        KERNELS.append(dispatcher)
        return dispatcher

    return compiled


def _refuse_calls_from_python(dispatcher: Any) -> None:
    """Raise TypeError for calls of a kernel from Python, for which it has no wrapper: the process would crash."""

    def refuse(*_: Any, **__: Any) -> None:
        raise TypeError(f"{dispatcher.py_func.__qualname__} is called by other kernels only")

    dispatcher._insert = lambda *_, **__: None  # keeps the missing wrapper out of the table of compiled versions
    dispatcher._compile_for_args = refuse  # the call of a version that is not in the table


def stored_specialisations() -> list[str]:
    """List the kernels in the cache, as ``module.name(types of arguments)``, in alphabetical order.

    A kernel is compiled once for each combination of types: each is an entry, also where only another kernel calls it.
    """
    stored = []
    for dispatcher in KERNELS:
        function, store = dispatcher.py_func, dispatcher._cache  # type: ignore[attr-defined]
        for types in store.signatures() if isinstance(store, KernelCache) else ():
            short = function.__module__.removeprefix("mffnb.kernels.")
            stored.append(f"{short}.{function.__qualname__}({', '.join(map(str, types))})")
    return sorted(stored)


@cache  # cached, so that only one warning is issued for all kernels
def _warn_without_cache() -> None:
    logging.getLogger(__name__).warning(
        "no folder for compiled code can be written, so every process compiles for some seconds: "
        "set MFFNB_CACHE_DIR to a folder of yours"
    )
