"""From the source text of a kernel to a function that Python can call.

Numba translates the source to object code, as a compiler writes it to a `.o` file; llvmlite loads
that. The two halves meet only in the bytes between them, so the second half works alone when the
bytes are known already: a program that compiles nothing never imports Numba, which takes half a
second.
"""

import ctypes
import itertools
import threading
from collections.abc import Callable

__all__ = ["CannotCompile", "native"]


class CannotCompile(Exception):
    """Numba refuses a source. The message is its reason, in one line."""


class Kernel:
    """One source, which at most one thread compiles."""

    def __init__(self, source: str, arity: int):
        self.source, self.arity = source, arity
        self.lock = threading.Lock()
        self.function: Callable | None = None

    def native(self) -> Callable:
        with self.lock:
            if self.function is None:
                self.function = linked(compile_source(self.source, self.arity), self.arity)
        return self.function


ENTRY = "kernel"
_numbers = itertools.count()  # names of libraries are used once
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


def compile_source(source: str, arity: int) -> bytes:
    """Compile a source to object code."""
    from numba.core.errors import NumbaError

    from minijax.compiler import intrinsics, target

    names = dict(intrinsics.namespace())
    exec(compile(source, "<kernel>", "exec"), names)
    try:
        return target.object_code(names["kernel"], arity)
    except NumbaError as error:
        raise CannotCompile(reason(error)) from error


def reason(error: Exception) -> str:
    """The first line of Numba's message that says something of the source."""
    lines = [line.strip() for line in str(error).splitlines()]
    told = [line for line in lines if line and not line.startswith("Failed in ")]
    return told[0] if told else type(error).__name__


def linked(code: bytes, arity: int) -> Callable:
    """Object code as a function. It lives as long as the function does."""
    from llvmlite.binding import JITLibraryBuilder

    from minijax.compiler import machine

    library = (
        JITLibraryBuilder()
        .add_object_img(code)
        .add_current_process()  # for the functions of libm
        .export_symbol(ENTRY)
        .link(machine.linker(), f"kernel{next(_numbers)}")
    )
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * (arity + 3))(library[ENTRY])
    function.library = library
    return function
