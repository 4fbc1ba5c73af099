"""From the source text of a kernel to a function that Python can call.

Numba compiles the source to object code, which is what a C compiler puts into a `.o` file, and
llvmlite loads that. The two halves meet only in those bytes. So the second works alone if the bytes
are on disk already: a program that compiles nothing new never imports Numba, which takes a quarter
of a second.
"""

import ctypes
import itertools
import re
import time
import weakref
from collections.abc import Callable
from types import FunctionType

from minijax.compiler import cache, machine
from minijax.compiler.once import alone, undivided
from minijax.compiler.statistics import log, statistics

__all__ = ["CannotCompile", "native", "statistics"]


class CannotCompile(Exception):
    """Numba refuses a source, or the machine its object code. The message is one line: why."""


_kernels: weakref.WeakValueDictionary[tuple[str, int], Callable] = weakref.WeakValueDictionary()


def native(source: str, arity: int) -> Callable:
    """The function `kernel(lo, hi, sizes, a0, ...)` of `arity` arrays that `source` defines.

    Equal sources are one function, which lives as long as somebody holds it. It takes the bounds of
    the outer loop and addresses: of a table of sizes, and (`id(x)`) of NumPy arrays, which are
    contiguous and live while it runs. It returns None, checks nothing, and lets other threads run.
    CannotCompile: the source cannot be compiled.

    >>> import numpy as np
    >>> double = native('''
    ... def kernel(lo, hi, sizes, a0, a1):
    ...     x = data(a0, float32)
    ...     y = data(a1, float32)
    ...     for i in range(lo, hi):
    ...         y[i] = x[i] + x[i]
    ... ''', 2)
    >>> x, y, sizes = np.arange(4, dtype="float32"), np.zeros(4, "float32"), np.zeros(1, "int64")
    >>> double(0, 4, sizes.ctypes.data, id(x), id(y))
    >>> y
    array([0., 2., 4., 6.], dtype=float32)
    """
    key = source, arity
    with alone(key):
        kernel = _kernels.get(key)
        if kernel is None:
            with undivided:
                kernel = _kernels[key] = _from_disk(source, arity) or _compiled(source, arity)
        else:
            statistics.count(memory_hits=1)
        return kernel


def _from_disk(source: str, arity: int) -> Callable | None:
    code = cache.read(cache.key(source, arity))
    if code is None:
        return None
    try:
        function = linked(code, arity)
    except RuntimeError:  # not for this machine after all
        return None
    statistics.count(disk_hits=1)
    return function


def _compiled(source: str, arity: int) -> Callable:
    start = time.perf_counter()
    code = object_code(source, arity)
    try:
        function = linked(code, arity)
    except RuntimeError as error:  # it calls a function that this process does not have
        raise CannotCompile(str(error)) from error
    seconds = time.perf_counter() - start
    statistics.count(compilations=1, seconds=seconds)
    key = cache.key(source, arity)
    log("Compiled kernel %s, of %d arrays, in %.9f sec", key.hex()[:12], arity, seconds)
    cache.write(key, code)
    return function


def object_code(source: str, arity: int) -> bytes:
    """The object code of a source, from Numba. CannotCompile: Numba refuses it."""
    # Here and nowhere else: these import Numba
    from minijax.compiler import intrinsics, target

    names = dict(intrinsics.namespace())
    exec(compile(source, "<kernel>", "exec"), names)
    kernel = names.get("kernel")
    if not isinstance(kernel, FunctionType) or kernel.__code__.co_argcount != 3 + arity:
        raise CannotCompile("the text of a kernel for this number of arrays defines  "
                            f"kernel(lo, hi, sizes{''.join(f', a{i}' for i in range(arity))})")
    try:
        return target.object_code(kernel, arity)
    except target.REFUSALS as error:
        raise CannotCompile(reason(error, source)) from None  # what it says is in the reason


def reason(error: Exception, source: str) -> str:
    """What Numba's message says, in one line, and of which line of the source."""
    lines = [line.strip() for line in str(error).splitlines()]
    told = [line for line in lines if line and not line.startswith("Failed in ")] or [repr(error)]
    text = " ".join(told[:2] if told[0].endswith(":") else told[:1])
    where = re.search(r"<kernel>\"?,? (?:line |\()(\d+)", str(error))
    number = int(where[1]) if where else getattr(getattr(error, "loc", None), "line", None)
    if number is None:
        return text
    return f"{text}, in line {number}: {source.splitlines()[number - 1].strip()}"


_names = (f"kernel{i}" for i in itertools.count())  # of libraries, each is used once


def linked(code: bytes, arity: int) -> Callable:
    """Object code as a function, which keeps it in memory. RuntimeError: it cannot be loaded."""
    from llvmlite.binding import JITLibraryBuilder

    library = (
        JITLibraryBuilder()
        .add_object_img(code)
        .add_current_process()  # for what it calls: memset, the functions of libm
        .export_symbol("kernel")
        .export_symbol("chunk")
        .link(machine.linker(), next(_names))
    )
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * (arity + 3))(library["kernel"])
    function.library = library  # type: ignore[attr-defined]
    function.chunk = library["chunk"]  # type: ignore[attr-defined]
    function.code_size = len(code)  # type: ignore[attr-defined]
    return function
