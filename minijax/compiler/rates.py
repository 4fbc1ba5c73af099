"""What this machine can do, measured once: bytes from and to memory, and multiplications."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minijax.compiler.buffers import empty
from minijax.compiler.chunks import parallel
from minijax.compiler.load import native

__all__ = ["Rates", "rates"]

MOVE = """
def kernel(lo, hi, sizes, a0, a1):
    x = data(a0, float64)
    y = data(a1, float64)
    for i in range(lo, hi):
        y[i] = x[i] + x[i]
"""

# Each element is in a register while it is multiplied, and enough are on their way at one time.
CHAIN = 32
MULTIPLY = """
def kernel(lo, hi, sizes, a0):
    n, again = sizes[0], sizes[1]
    y = data(a0, {T})
    for r in range(lo, hi):
        for _ in range(again):
            for i in range(n):
                v = y[r * n + i]
{chain}
                y[r * n + i] = v
"""
STEP = "                v = v * {T}(0.5) + {T}(0.25)"


class Rates(NamedTuple):
    """By all threads together, per second."""

    bytes_moved: float  # read and written, of arrays larger than any cache
    flops: dict[str, float]  # by dtype; a multiplication and the addition after it are two


@functools.cache
def rates(threads: int) -> Rates:
    """What the machine can do with this many threads, which is what is set now."""
    return Rates(memory(), {name: multiply_adds(name) for name in ("float32", "float64")})


def best(f: Callable[[], object], times: int = 7) -> float:
    """Seconds of the fastest of some calls."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        f()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def memory() -> float:
    n = 1 << 23
    x, y = (empty((n,), np.dtype(float)) for _ in range(2))
    x.fill(1.0)
    kernel = native(MOVE, 2)
    return 2 * x.nbytes / best(lambda: parallel(kernel, n, 1 << 16, 0, id(x), id(y)))


def multiply_adds(dtype: str) -> float:
    rows, n, again = 64, 1024, 16
    y = np.zeros((rows, n), dtype)
    sizes = np.array([n, again])
    source = MULTIPLY.replace("{chain}", "\n".join([STEP] * CHAIN)).replace("{T}", dtype)
    kernel = native(source, 1)
    return 2 * CHAIN * again * y.size / best(
        lambda: parallel(kernel, rows, 1, sizes.ctypes.data, id(y)))
