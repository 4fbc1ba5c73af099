"""Python functions in the place of compiled kernels."""

import ctypes

from minijax.compiler.chunks import Call

ENTRY = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)


class PythonKernel:
    """`f(lo, hi)` as a kernel without arrays: for Python, and for other native code."""

    def __init__(self, f):
        self.f = f
        self.callback = ENTRY(lambda lo, hi, sizes, operands: f(lo, hi))
        self.chunk = ctypes.cast(self.callback, ctypes.c_void_p).value

    def __call__(self, lo, hi, sizes, *operands):
        self.f(lo, hi)


def row_by_row(f):
    """What a product calls with ranges of rows that are done."""
    return Call(PythonKernel(f), 1, 100, 0)
