"""From the source text of a kernel to a function that Python can call.

Numba translates the source to object code, as a compiler writes it to a `.o` file; llvmlite loads
that. The two halves meet only in the bytes between them, so the second half works alone when the
bytes are known already: a program that compiles nothing never imports Numba, which takes half a
second.
"""

import ctypes
import functools
import threading
from collections.abc import Callable
from typing import NamedTuple

from minijax.compiler import intrinsics

__all__ = ["CannotCompile", "native"]


class CannotCompile(Exception):
    """Numba refuses a source. The message is its reason, in one line."""


class ObjectCode(NamedTuple):
    """Machine code, not yet at any address."""

    symbol: str  # the name of the function in it
    code: bytes  # in the object format of the platform: ELF, Mach-O, COFF


class Kernel:
    """One source, which at most one thread compiles."""

    def __init__(self, source: str, arity: int):
        self.source, self.arity = source, arity
        self.lock = threading.Lock()
        self.function: Callable | None = None

    def native(self) -> Callable:
        with self.lock:
            if self.function is None:
                self.function = linked(object_code(self.source, self.arity), self.arity)
        return self.function


_kernels: dict[tuple[str, int], Kernel] = {}


def native(source: str, arity: int) -> Callable:
    """The function `kernel(lo, hi, sizes, a0, ...)` of `arity` arrays that `source` defines.

    Equal sources are one function. It takes addresses (`id(x)` of a NumPy array) and returns None;
    other threads run while it does. CannotCompile: Numba refuses the source.
    """
    kernel = _kernels.get((source, arity))
    if kernel is None:
        kernel = _kernels.setdefault((source, arity), Kernel(source, arity))
    return kernel.function or kernel.native()


def object_code(source: str, arity: int) -> ObjectCode:
    """Compile a source."""
    import numba
    from numba.core.errors import NumbaError

    names = intrinsics.namespace()
    exec(compile(source, "<kernel>", "exec"), names)
    int64 = numba.types.int64
    signature = numba.types.void(
        int64, int64, numba.types.CPointer(int64), *[int64] * arity)
    try:
        function = numba.cfunc(
            signature, nopython=True, error_model="numpy", fastmath={"contract"}, boundscheck=False
        )(names["kernel"])
    except NumbaError as error:
        raise CannotCompile(reason(error)) from error
    _, _, (code, _) = function._library.serialize_using_object_code()
    return ObjectCode(function.native_name, code)


def reason(error: Exception) -> str:
    """The first line of Numba's message that says something of the source."""
    lines = [line.strip() for line in str(error).splitlines()]
    told = [line for line in lines if line and not line.startswith("Failed in nopython mode")]
    return told[0] if told else type(error).__name__


@functools.cache
def linker():
    """What gives object code an address in this process."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(
        codemodel="jitdefault", jit=True)
    return llvm.create_lljit_compiler(machine)


def linked(code: ObjectCode, arity: int) -> Callable:
    """Object code as a function. It lives as long as the function does."""
    from llvmlite.binding import JITLibraryBuilder

    library = (
        JITLibraryBuilder()
        .add_object_img(code.code)
        .add_current_process()  # for the functions of libm
        .export_symbol(code.symbol)
        .link(linker(), code.symbol)
    )
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * (arity + 3))(library[code.symbol])
    function.library = library
    return function
