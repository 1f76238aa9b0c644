"""Kernels that other kernels call by their address, so that their code is compiled once.

numba copies the code of a callee into each caller and optimises it there again, for every type of X. A kernel that
takes only float64 arrays and does much work in one call is compiled on its own instead. Its callers get its address as
an argument and call it by :attr:`SeparateKernel.call`. The call costs a few nanoseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from numba import types
from numba.core import cgutils
from numba.core.typing.templates import Signature
from numba.extending import intrinsic

from mffnb.kernels.compile import kernel

INTEGER, FLOAT = types.int64, types.float64
#: Types of array arguments: C order, float64, or bytes of any array for prefetching.
MATRIX = types.Array(types.float64, 2, "C")
READ_ONLY_MATRIX = types.Array(types.float64, 2, "C", readonly=True)
VECTOR = types.Array(types.float64, 1, "C")
READ_ONLY_VECTOR = types.Array(types.float64, 1, "C", readonly=True)
READ_ONLY_BYTES = types.Array(types.uint8, 1, "C", readonly=True)


@dataclass(frozen=True)
class SeparateKernel:
    """A kernel with one signature, which is compiled or loaded when its address is first read.

    Parameters
    ----------
    function
        The kernel, which Python cannot call.
    signature
        Types of its arguments and its result.
    """

    function: Any
    signature: Signature

    @cached_property
    def address(self) -> int:
        """Address of the machine code in this process."""
        self.function.compile(self.signature)
        compiled = self.function.overloads[self.signature.args]
        return int(compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name))

    @cached_property
    def call(self) -> Any:
        """Function ``call(address, (argument, ...))`` for other kernels: calls the kernel at that address."""
        return caller(self.signature)


def separate(
    signature: Signature, fastmath: bool | set[str] = False, name: str = ""
) -> Callable[[Any], SeparateKernel]:
    """Declare a kernel that others call by its address; see :func:`mffnb.kernels.compile.kernel` for the parameters."""
    return lambda function: SeparateKernel(kernel(fastmath, name, internal=True)(function), signature)


def caller(signature: Signature) -> Any:
    """Return the function ``call(address, (argument, ...))`` that calls a kernel of this signature."""
    result, arguments = signature.return_type, tuple(signature.args)

    @intrinsic
    def call(typing, address, values):  # type: ignore[no-untyped-def]  # noqa: ARG001
        def write(context: Any, builder: Any, _: Any, given: Any) -> Any:
            convention = context.call_conv
            kind = convention.get_function_type(result, arguments)
            callee = builder.inttoptr(given[0], kind.as_pointer())
            unpacked = cgutils.unpack_tuple(builder, given[1])
            status, value = convention.call_function(builder, callee, result, arguments, unpacked)
            with cgutils.if_unlikely(builder, status.is_error):
                convention.return_status_propagate(builder, status)
            return value

        return result(types.int64, types.Tuple(arguments)), write

    return call
