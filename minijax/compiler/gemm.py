"""Matrix products of our own, for processors whose vectors NumPy's BLAS does not use.

A product of n x n matrices reads each number n times. What makes it fast is where it is read from:

- A tile of the result, some rows by two vectors, stays in registers until it is done
  (`product_tile`).
- The two vectors of columns of `b` that it needs stay in the first cache while the tile moves down
  a block of rows of `a`, which is in the second cache.
- For both, the numbers are copied first, in the order in which they are needed: `a` in strips of
  ROWS rows, `b` in strips of a vector of columns; a strip is stored [length][width], and padded
  with zeros. So the strides of the operands matter for the copy only.

The sum over k is cut into parts of DEPTH, so that this holds for long rows too.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minijax.compiler import buffers
from minijax.compiler.load import native
from minijax.compiler.machine import vector_bytes, vector_registers
from minijax.compiler.threads import CHUNKS_PER_THREAD, parallel, share
from minijax.config import flags

DEPTH = 256  # of products that are added before the next part of the sum begins
TALLEST = 192  # rows of a block
CACHED = 1 << 19  # bytes of a block of the result that is still in the cache for its epilogue
GRAIN = 1 << 21  # multiply-adds: the least work of a block
AHEAD = 32  # columns of a matrix that are copied before the next strip

COPY = """
@inline
def {name}(x, across, along, size, length, to):
    # `size` lines of x, `across` apart, of numbers `along` apart, as strips of {WIDTH} lines
    for start in range(0, length, {AHEAD}):
        end = min(start + {AHEAD}, length)
        for line in range(0, size, {WIDTH}):
            strip = at(to, line * length)
            here = at(x, line * across)
            k = start
            if line + {WIDTH} <= size and across == 1:
                while k < end:
                    transpose(1, {WIDTH}, at(here, k * along), 0, at(strip, k * {WIDTH}))
                    k += 1
            elif line + {WIDTH} <= size and along == 1:
                while k + {LANES} <= end:
                    transpose({WIDTH}, {LANES}, at(here, k), across, at(strip, k * {WIDTH}))
                    k += {LANES}
            for i in range(k * {WIDTH}, end * {WIDTH}):
                k, r = i // {WIDTH}, i % {WIDTH}
                strip[i] = here[r * across + k * along] if line + r < size else {dtype}(0)
"""

COPY_RIGHT = """
def kernel(lo, hi, sizes, a0, a1):
    # strips lo to hi of all matrices of the right operand
    k, n, b_row, b_column = sizes[1], sizes[2], sizes[5], sizes[6]
    matrix, strips = sizes[11], (n + {LANES} - 1) // {LANES}
    b = data(a0, {dtype})
    copied = data(a1, {dtype})
    while lo < hi:
        number, first = lo // strips, lo % strips
        last = min(strips, first + hi - lo)
        column = first * {LANES}
        start = sizes[sizes[10] + number]
        copy_right(at(b, start + column * b_column), b_column, b_row, min(last * {LANES}, n) - column, k,
             at(copied, number * matrix + column * k))
        lo += last - first
"""

PRODUCT = """
def kernel(lo, hi, sizes, a0, a1, a2, a3, a4):
    # blocks lo to hi of all results, each of `height` rows
    m, k, n, a_row, a_column, b_row, b_column, c_row, height, copies = (
        sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5], sizes[6], sizes[7], sizes[8],
        sizes[9])
    matrix, blocks = sizes[11], (m + height - 1) // height
    a = data(a0, {dtype})
    b = data(a1, {dtype})
    c = data(a2, {dtype})
    copied = data(a3, {dtype})  # of the right operand
    edge = data(a4, {dtype})  # a tile that is not wholly in the result
    block = at(edge, {TILE})  # the copy of a block of the left operand
    for number in range(lo, hi):
        item, top = number // blocks, number % blocks * height
        rows = min(height, m - top)
        a_start = sizes[12 + 4 * item] + top * a_row
        b_start = sizes[13 + 4 * item]
        c_start = sizes[14 + 4 * item] + top * c_row
        right = at(copied, sizes[15 + 4 * item] * matrix)
        if copies and (top == 0 or number == lo):
            copy_right(at(b, b_start), b_column, b_row, n, k, right)
        for p in range(0, k, {DEPTH}):
            depth = min({DEPTH}, k - p)
            copy_left(at(a, a_start + p * a_column), a_row, a_column, rows, depth, block)
            down, over, first = {ROWS} * depth, {LANES} * k, p == 0
            for j in range(0, n, 2 * {LANES}):
                y = at(right, j * k + p * {LANES})
                wide = n - j > {LANES}
                for i in range(0, rows, 3 * {ROWS}):
                    x = at(block, i * depth)
                    z = at(c, c_start + i * c_row + j)
                    strips, vectors = min(3, (rows - i + {ROWS} - 1) // {ROWS}), 1 + wide
                    if rows - i >= 3 * {ROWS} and n - j >= 2 * {LANES}:
                        product_tile({ROWS}, 3, 2, depth, x, down, y, {LANES}, over, z, c_row, first)
                        continue
                    product_tile({ROWS}, strips, vectors, depth, x, down, y, {LANES}, over, edge,
                                 2 * {LANES}, True)
                    for r in range(min(3 * {ROWS}, rows - i)):
                        for q in range(min(2 * {LANES}, n - j)):
                            e = edge[r * 2 * {LANES} + q]
                            z[r * c_row + q] = e if first else z[r * c_row + q] + e
"""


@functools.cache
def kernels(dtype: str) -> tuple[Callable, Callable, int]:
    """The copy of the right operand, the product, and the width of a strip of the first."""
    lanes = vector_bytes() // np.dtype(dtype).itemsize
    rows = 4 if vector_registers() == 32 else 2
    names = {"dtype": dtype, "LANES": lanes, "ROWS": rows, "DEPTH": DEPTH, "AHEAD": AHEAD,
             "TILE": 6 * rows * lanes}
    right, product = sources(names)
    return native(right, 2), native(product, 5), lanes


def sources(names):
    right = COPY.format(name="copy_right", WIDTH=names["LANES"], **names)
    left = COPY.format(name="copy_left", WIDTH=names["ROWS"], **names)
    return right + COPY_RIGHT.format(**names), right + left + PRODUCT.format(**names)


class Arrangement:
    """How a product of these shapes is cut, as a table for the kernels."""

    def __init__(self, a: tuple, b: tuple, out: tuple, dtype: str, threads: int, by_rows: bool):
        (a_shape, a_strides), (b_shape, b_strides), (out_shape, out_strides) = a, b, out
        (*batch, m, n), k = out_shape, a_shape[-1]
        size = np.dtype(dtype).itemsize
        lanes = vector_bytes() // size
        step = 3 * (4 if vector_registers() == 32 else 2)
        items = math.prod(batch)
        wanted = max(1, min(items * m * k * n // GRAIN, CHUNKS_PER_THREAD * threads))
        height = -(-items * m // wanted)
        if by_rows:
            height = min(height, max(1, CACHED // (n * size)))
        height = min(m, TALLEST, height)
        self.height = height = min(m, max(step, height // step * step))
        self.blocks = -(-m // height)  # of a matrix
        numbers = np.arange(math.prod(b_shape[:-2])).reshape(b_shape[:-2])
        self.alone = len(numbers.ravel()) == items >= wanted > 0  # a task copies what it needs
        table = np.stack([
            starts(a_shape, a_strides, batch, size), starts(b_shape, b_strides, batch, size),
            starts(out_shape, out_strides, batch, size),
            np.zeros(items, int) if self.alone else np.broadcast_to(numbers, batch).ravel()], 1)
        own = starts(b_shape, b_strides, b_shape[:-2], size)
        matrix = -(-n // lanes) * lanes * k
        self.table = np.array([
            m, k, n, *(s // size for s in (*a_strides[-2:], *b_strides[-2:], out_strides[-2])),
            height, self.alone, 12 + table.size, matrix, *table.ravel(), *own], np.int64)
        self.address = self.table.ctypes.data
        self.copied = (matrix * (1 if self.alone else numbers.size),)
        self.strips = numbers.size * -(-n // lanes)
        self.grain = max(1, GRAIN // (8 * k * lanes))
        self.scratch = (2 * step * lanes + -(-height // step) * step * min(DEPTH, k),)
        self.total = items * self.blocks
        self.each = self.blocks * -(-items // wanted) if self.alone else -(-self.total // wanted) if not by_rows else 1
        self.tasks = -(-self.total // self.each)

    def row(self, number: int) -> int:
        item, block = divmod(number, self.blocks)
        m = int(self.table[0])
        return item * m + min(block * self.height, m)


arranged = functools.lru_cache(512)(Arrangement)


def starts(shape: tuple, strides: tuple, batch: Any, size: int) -> np.ndarray:
    """Where each matrix of a batch begins, in elements."""
    where = np.zeros((), np.int64)
    for i, n in enumerate(batch, -2 - len(batch)):
        step = strides[i] // size if -i <= len(shape) and shape[i] > 1 else 0
        where = np.add.outer(where, np.arange(n) * step)
    return where.ravel()


def product(a: np.ndarray, b: np.ndarray, out: np.ndarray,
            epilogue: Callable[[int, int], object] | None = None) -> None:
    dtype = out.dtype
    copy, multiply, _ = kernels(dtype.name)
    cut = arranged((a.shape, a.strides), (b.shape, b.strides), (out.shape, out.strides), dtype.name,
                   flags.minijax_num_threads, epilogue is not None)
    copied = None
    if not cut.alone:
        copied = buffers.empty(cut.copied, dtype)
        parallel(copy, cut.strips, cut.grain, cut.address, id(b), id(copied))

    def task(i: int) -> None:
        lo, hi = i * cut.each, min(cut.total, (i + 1) * cut.each)
        right = buffers.empty(cut.copied, dtype) if copied is None else copied
        scratch = buffers.empty(cut.scratch, dtype)
        multiply(lo, hi, cut.address, id(a), id(b), id(out), id(right), id(scratch))
        if epilogue:
            epilogue(cut.row(lo), cut.row(hi))

    share(task, cut.tasks)
