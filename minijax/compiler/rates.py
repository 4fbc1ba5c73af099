"""What this machine can do, measured once: bytes from and to memory, and multiplications."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minijax.compiler.buffers import empty
from minijax.compiler.chunks import parallel
from minijax.compiler.gemm import constants
from minijax.compiler.load import native

__all__ = ["Rates", "rates"]

MOVE = """
def kernel(lo, hi, sizes, a0, a1):
    x = data(a0, float64)
    y = data(a1, float64)
    for i in range(lo, hi):
        y[i] = x[i] + x[i]
"""

# A tile of a matrix product, whose operands are in the first cache: nothing is faster.
DEPTH, AGAIN, TILES = 128, 256, 64
MULTIPLY = """
def kernel(lo, hi, sizes, a0, a1, a2):
    x = data(a0, {dtype})
    y = data(a1, {dtype})
    depth, again = sizes[0], sizes[1]
    for i in range(lo, hi):
        z = at(data(a2, {dtype}), i * 6 * {ROWS} * {LANES})
        for _ in range(again):
            product_tile({ROWS}, 3, 2, depth, x, depth * {ROWS}, y, 2 * {LANES}, {LANES},
                         z, 2 * {LANES}, True)
"""


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
    names = constants(dtype)
    rows, columns = 3 * names["ROWS"], 2 * names["LANES"]
    x, y, z = (empty((n,), np.dtype(dtype)) for n in (
        rows * DEPTH, columns * DEPTH, rows * columns * TILES))
    x.fill(1)
    y.fill(1)
    sizes = np.array([DEPTH, AGAIN])
    kernel = native(MULTIPLY.format(**names), 3)
    seconds = best(lambda: parallel(kernel, TILES, 1, sizes.ctypes.data, id(x), id(y), id(z)))
    return 2 * z.size * DEPTH * AGAIN / seconds
