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
LOW = 40  # rows of a result for which the right operand is read where it is
COPIES = 1 << 16  # elements: the least that is worth another thread
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
    # strips lo to hi of all right operands
    k, n, b_row, b_column = sizes[1], sizes[2], sizes[5], sizes[6]
    strips = (n + {LANES} - 1) // {LANES}
    b = data(a0, {dtype})
    copied = data(a1, {dtype})
    while lo < hi:
        number, first = lo // strips, lo % strips
        count = min(strips - first, hi - lo)
        j = first * {LANES}
        copy_right(at(b, sizes[sizes[12] + number] + j * b_column), b_column, b_row,
                   min(count * {LANES}, n - j), k, at(copied, lo * {LANES} * k))
        lo += count
"""

PRODUCT = """
def kernel(lo, hi, sizes, a0, a1, a2, a3, a4):
    # parts lo to hi of all results, each of `height` rows and `width` columns
    m, k, n = sizes[0], sizes[1], sizes[2]
    a_row, a_column, b_row, b_column, c_row = sizes[3], sizes[4], sizes[5], sizes[6], sizes[7]
    height, width, alone, in_place = sizes[8], sizes[9], sizes[10], sizes[11]
    a = data(a0, {dtype})
    b = data(a1, {dtype})
    c = data(a2, {dtype})
    copied = data(a3, {dtype})  # of right operands
    edge = data(a4, {dtype})  # a tile that is not wholly in the result
    block = at(edge, 6 * {ROWS} * {LANES})  # the copy of a block of a left operand
    down, across = (m + height - 1) // height, (n + width - 1) // width
    for number in range(lo, hi):
        item = 13 + number // (down * across) * 4
        top, left = number % down * height, number // down % across * width
        rows, end = min(height, m - top), min(left + width, n)
        b_start = sizes[item + 1]
        right = at(copied, sizes[item + 3])
        if alone:
            j = max(left, in_place)
            copy_right(at(b, b_start + j * b_column), b_column, b_row, end - j, k,
                       at(right, (j - in_place) * k))
        for p in range(0, k, {DEPTH}):
            depth = min({DEPTH}, k - p)
            copy_left(at(a, sizes[item] + top * a_row + p * a_column), a_row, a_column, rows, depth,
                      block)
            for j in range(left, end, 2 * {LANES}):
                y, y_row, y_next = at(right, (j - in_place) * k + p * {LANES}), {LANES}, {LANES} * k
                if j < in_place:
                    y, y_row, y_next = at(b, b_start + p * b_row + j), b_row, {LANES}
                columns = min(end - j, 2 * {LANES})
                vectors = 1 + (columns > {LANES})
                for i in range(0, rows, 3 * {ROWS}):
                    x = at(block, i * depth)
                    z = at(c, sizes[item + 2] + (top + i) * c_row + j)
                    here = min(rows - i, 3 * {ROWS})
                    if here == 3 * {ROWS} and columns == 2 * {LANES}:
                        product_tile({ROWS}, 3, 2, depth, x, {ROWS} * depth, y, y_row, y_next,
                                     z, c_row, p == 0)
                        continue
                    product_tile({ROWS}, (here + {ROWS} - 1) // {ROWS}, vectors, depth,
                                 x, {ROWS} * depth, y, y_row, y_next, edge, 2 * {LANES}, True)
                    for r in range(here):
                        for q in range(columns):
                            e = edge[r * 2 * {LANES} + q]
                            z[r * c_row + q] = e if p == 0 else z[r * c_row + q] + e
"""


def constants(dtype: str) -> dict[str, Any]:
    """What the sources name in braces."""
    return {"dtype": dtype, "LANES": vector_bytes() // np.dtype(dtype).itemsize,
            "ROWS": 4 if vector_registers() == 32 else 2, "DEPTH": DEPTH, "AHEAD": AHEAD}


def sources(names: dict[str, Any]) -> tuple[str, str]:
    """The kernel that copies right operands, and that of the product."""
    left, right = (COPY.format(name=f"copy_{side}", WIDTH=names[width], **names)
                   for side, width in (("left", "ROWS"), ("right", "LANES")))
    return right + COPY_RIGHT.format(**names), right + left + PRODUCT.format(**names)


@functools.cache
def kernels(dtype: str) -> tuple[Callable, Callable]:
    copy, multiply = sources(constants(dtype))
    return native(copy, 2), native(multiply, 5)


Layout = tuple[tuple[int, ...], tuple[int, ...]]  # shape and strides of an array


class Arrangement:
    """How a product of arrays of this layout is cut, and the table that tells the kernels."""

    def __init__(self, a: Layout, b: Layout, out: Layout, dtype: str, threads: int, by_rows: bool):
        self.names = constants(dtype)
        (*batch, m, n), k = out[0], a[0][-1]
        self.items = math.prod(batch)
        lanes = self.names["LANES"]
        self.m, self.k, self.n = m, k, n
        self.cut(threads, by_rows)
        size = np.dtype(dtype).itemsize
        number = np.arange(math.prod(b[0][:-2])).reshape(b[0][:-2])  # of right operands
        low = m <= LOW
        self.alone = self.down == 1 and (low or number.size == self.items)
        in_place = n // (2 * lanes) * 2 * lanes if low and self.alone and b[1][-1] == size else 0
        each = (-(-n // lanes) * lanes - in_place) * k
        table = [starts(a, batch, size), starts(b, batch, size), starts(out, batch, size),
                 np.broadcast_to(0 if self.alone else each * number, batch).ravel()]
        head = [m, k, n, *(s // size for s in (*a[1][-2:], *b[1][-2:], out[1][-2])),
                self.height, self.width, self.alone, in_place, 13 + 4 * self.items]
        self.table = np.concatenate([head, np.stack(table, 1).ravel(),
                                     starts(b, b[0][:-2], size)]).astype(np.int64)
        self.address = self.table.ctypes.data
        self.strips = number.size * -(-n // lanes)
        self.copied = (each if self.alone else each * number.size,)
        self.scratch = (6 * self.names["ROWS"] * lanes + (self.height + 3) * min(DEPTH, k),)

    def cut(self, threads: int, by_rows: bool) -> None:
        m, k, n, lanes, rows = self.m, self.k, self.n, self.names["LANES"], self.names["ROWS"]
        wanted = max(1, min(self.items * m * k * n // GRAIN, CHUNKS_PER_THREAD * threads)) if threads > 1 else 1
        parts = -(-wanted // self.items)  # of a matrix
        self.height, self.width = m, n
        if m <= LOW:
            self.width = min(n, round_up(-(-n // parts), 2 * lanes))
        else:
            parts = max(1, min(parts, m // (6 * rows) // threads * threads))
            tall = TALLEST
            if by_rows:
                tall = min(tall, max(6 * rows, CACHED // (n * 4)))
            if parts > 1 or m > tall:
                parts = round_up(max(parts, -(-m // tall)), threads if parts > 1 else 1)
            self.height = min(m, round_up(-(-m // parts), rows))
        self.down, self.across = -(-m // self.height), -(-n // self.width)
        self.parts = self.items * self.down * self.across
        self.each = max(1, -(-self.parts // max(wanted, 1))) if self.parts > wanted and not (by_rows and self.down > 1) else 1
        self.tasks = -(-self.parts // self.each)

    def row(self, number: int) -> int:
        item, block = divmod(number, self.down)
        return item * self.m + min(block * self.height, self.m)


def round_up(n: int, step: int) -> int:
    return -(-n // step) * step


arranged = functools.lru_cache(512)(Arrangement)


def starts(x: Layout, batch: Any, size: int) -> np.ndarray:
    """Where each matrix of a batch begins, in elements."""
    shape, strides = x
    where = np.zeros((), np.int64)
    for i, n in enumerate(batch, -2 - len(batch)):
        step = strides[i] // size if -i <= len(shape) and shape[i] > 1 else 0
        where = np.add.outer(where, np.arange(n) * step)
    return where.ravel()


def product(a: np.ndarray, b: np.ndarray, out: np.ndarray,
            epilogue: Callable[[int, int], object] | None = None) -> None:
    dtype = out.dtype
    copy, multiply = kernels(dtype.name)
    cut = arranged((a.shape, a.strides), (b.shape, b.strides), (out.shape, out.strides), dtype.name,
                   flags.minijax_num_threads, epilogue is not None)
    copied = None
    if not cut.alone:
        copied = buffers.empty(cut.copied, dtype)
        parallel(copy, cut.strips, max(1, COPIES // (cut.k * cut.names["LANES"])), cut.address, id(b), id(copied))

    def task(i: int) -> None:
        lo, hi = i * cut.each, min(cut.parts, (i + 1) * cut.each)
        right = buffers.empty(cut.copied, dtype) if copied is None else copied
        scratch = buffers.empty(cut.scratch, dtype)
        multiply(lo, hi, cut.address, id(a), id(b), id(out), id(right), id(scratch))
        if epilogue and cut.across == 1:
            epilogue(cut.row(lo), cut.row(hi))

    share(task, cut.tasks)
    if epilogue and cut.across > 1:
        epilogue(0, cut.m * cut.items)
