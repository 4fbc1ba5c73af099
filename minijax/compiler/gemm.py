"""Matrix products of our own, for processors with wider vectors than NumPy's BLAS makes use of.

A product of two n x n matrices uses each number n times. What makes it fast is where it finds them:

- A tile of the result, some rows by two vectors, stays in registers until its sums are done: see
  `product_tile` in `tiles.py`.
- The columns of `b` below these two vectors stay in the first cache while the tile moves down a
  block of rows of `a`. The block stays in the second cache while the columns change.
- Both are copied first into the order in which the tiles want them: `a` in strips of ROWS rows, `b`
  in strips of as many columns as a vector has LANES. In memory a strip is [length][width], and the
  last is padded with zeros. So strides cost something in the copies only. Where the result has few
  rows, a copy of `b` does not pay; then it is read where it is, if its rows are contiguous.

Longer sums than DEPTH are made in parts, so that all this fits.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minijax.compiler import buffers
from minijax.compiler.chunks import CHUNKS_PER_THREAD, Call, chunked, parallel
from minijax.compiler.load import native
from minijax.compiler.machine import vector_bytes, vector_registers
from minijax.config import flags

DEPTH = 2048  # bytes of the numbers in a part of a sum; the next part is added to it
AHEAD = 32  # rows of a matrix that are copied at a time
SHALLOW = 1 << 14  # numbers in the part of `b` that stays in a cache while the rows change
TALLEST = 288  # rows of a block of `a`; of a result with no more rows, `b` is read where it is
LOW = 40  # rows: so many are one block, and threads share the columns
CACHED = 1 << 19  # bytes of a block of the result that is still in the cache for its epilogue
GRAIN = 1 << 20  # multiply-adds: the least work that is worth another thread
COPIES = 1 << 16  # numbers to copy, likewise

COPY = """
@inline
def {name}(x, across, along, size, length, to):
    # `size` lines of x, `across` apart, of numbers `along` apart, as strips of {WIDTH} lines
    step = {AHEAD} if across == 1 else max(length, 1)
    for start in range(0, length, step):
        end = min(start + step, length)
        for line in range(0, size, {WIDTH}):
            strip = at(to, line * length)
            here = at(x, line * across)
            k = start
            if line + {WIDTH} <= size and across == 1:
                while k < end:
                    transpose(1, {WIDTH}, at(here, k * along), 0, at(strip, k * {WIDTH}))
                    k += 1
            elif line + {WIDTH} <= size and along == 1:
                while k < end and end >= {LANES}:  # the last block begins so that it fits
                    k = min(k, end - {LANES})
                    transpose({WIDTH}, {LANES}, at(here, k), across, at(strip, k * {WIDTH}))
                    k += {LANES}
            for i in range(k * {WIDTH}, end * {WIDTH}):
                q, r = i // {WIDTH}, i % {WIDTH}
                strip[i] = here[r * across + q * along] if line + r < size else {dtype}(0)
"""

MULTIPLY = """
@inline
def tile(rows, columns, depth, x, y, y_row, y_next, z, z_row, first, edge):
    # one tile of the result, z; at the edges, where it is smaller, by way of `edge`
    if rows == 3 * {ROWS} and columns == 2 * {LANES}:
        product_tile({ROWS}, 3, 2, depth, x, depth * {ROWS}, y, y_row, y_next, z, z_row, first)
    else:
        product_tile({ROWS}, (rows + {ROWS} - 1) // {ROWS}, 1 + (columns > {LANES}), depth,
                     x, depth * {ROWS}, y, y_row, y_next, edge, 2 * {LANES}, True)
        for r in range(rows):
            for q in range(columns):
                e = edge[r * 2 * {LANES} + q]
                z[r * z_row + q] = e if first else z[r * z_row + q] + e

@inline
def multiply(m, k, n, a, a_row, a_column, b, b_row, in_place, copied, c, c_row, space):
    # c = a @ b. Of b, `in_place` columns are read where they are, the others from strips `copied`
    block = at(space, 6 * {ROWS} * {LANES})  # strips of the rows of a
    for p in range(0, k, {DEPTH}):
        depth = min({DEPTH}, k - p)
        copy_left(at(a, p * a_column), a_row, a_column, m, depth, block)
        # Where all columns of b fit into a cache, the result is written row after row
        step = 3 * {ROWS} if depth * n <= {SHALLOW} else m
        for start in range(0, m, step):
            end = min(start + step, m)
            for j in range(0, n, 2 * {LANES}):
                y, y_row, y_next = at(b, p * b_row + j), b_row, {LANES}
                if j >= in_place:
                    y = at(copied, (j - in_place) * k + p * {LANES})
                    y_row, y_next = {LANES}, {LANES} * k
                for i in range(start, end, 3 * {ROWS}):
                    tile(min(end - i, 3 * {ROWS}), min(n - j, 2 * {LANES}), depth,
                         at(block, i * depth), y, y_row, y_next,
                         at(c, i * c_row + j), c_row, p == 0, space)
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
def kernel(lo, hi, sizes, a0, a1, a2, a3, a4, then):
    # parts lo to hi of all results, each of `height` rows and `width` columns; rows that are done
    # are handed to the kernel `then`
    m, k, n = sizes[0], sizes[1], sizes[2]
    a_row, a_column, b_row, b_column, c_row = sizes[3], sizes[4], sizes[5], sizes[6], sizes[7]
    height, width, alone, in_place = sizes[8], sizes[9], sizes[10], sizes[11]
    a = data(a0, {dtype})
    b = data(a1, {dtype})
    c = data(a2, {dtype})
    down, across = (m + height - 1) // height, (n + width - 1) // width
    after = words(then)
    for number in range(lo, hi):
        item = 13 + number // (down * across) * 4
        i, j = number % down * height, number // down % across * width
        columns = min(width, n - j)
        here = min(max(0, in_place - j), columns)
        right = at(b, sizes[item + 1] + j * b_column)
        copied = at(data(a3, {dtype}), sizes[item + 3] + (j + here - in_place) * k)
        if alone:
            copy_right(at(right, here * b_column), b_column, b_row, columns - here, k, copied)
        multiply(min(height, m - i), k, columns, at(a, sizes[item] + i * a_row), a_row, a_column,
                 right, b_row, here, copied, at(c, sizes[item + 2] + i * c_row + j), c_row,
                 data(a4, {dtype}))
        if then != 0:
            first = number // down * m + i
            call(after[0], first * after[1], (first + min(height, m - i)) * after[1], after[2],
                 after[3])
"""


def constants(dtype: str) -> dict[str, Any]:
    """What the sources name in braces."""
    size = np.dtype(dtype).itemsize
    return {"dtype": dtype, "LANES": vector_bytes() // size, "DEPTH": DEPTH // size,
            "ROWS": 4 if vector_registers() == 32 else 2, "AHEAD": AHEAD, "SHALLOW": SHALLOW}


def functions(dtype: str) -> str:
    """The text of `multiply`, and of what it and its callers need, for a kernel to begin with."""
    names = constants(dtype)
    return (COPY.format(name="copy_left", WIDTH=names["ROWS"], **names)
            + COPY.format(name="copy_right", WIDTH=names["LANES"], **names)
            + MULTIPLY.format(**names))


@functools.cache
def kernels(dtype: str) -> tuple[Callable, Callable]:
    """The kernel that copies right operands, and that of the product."""
    copy, product = (functions(dtype) + text.format(**constants(dtype))
                     for text in (COPY_RIGHT, PRODUCT))
    return native(copy, 2), native(product, 6)


Layout = tuple[tuple[int, ...], tuple[int, ...]]  # shape and strides of an array


class Division:
    """How a product of arrays of such layouts is divided, with the table that tells its kernels.

    A part is a block of rows, or some columns of all rows if these are few. A task is a part, or
    some that follow each other.
    """

    def __init__(self, a: Layout, b: Layout, out: Layout, char: str, threads: int, by_rows: bool):
        (*batch, m, n), k = out[0], a[0][-1]
        self.dtype = np.dtype(char)
        self.copy, self.multiply = kernels(self.dtype.name)
        names = constants(self.dtype.name)
        self.lanes, self.rows, depth = names["LANES"], names["ROWS"], min(names["DEPTH"], k)
        self.items, self.m, self.k, self.n = math.prod(batch), m, k, n
        self.divide(threads, by_rows)
        self.tabulate(a, b, out, batch)
        # A tile at the edge, and the copy of a block of `a`
        self.scratch = (6 * self.rows * self.lanes
                        + round_up(self.height, self.rows) * depth,)

    def divide(self, threads: int, by_rows: bool) -> None:
        """Choose the size of a part, and how many are a task."""
        m, n, work = self.m, self.n, self.m * self.n * self.k
        wanted = max(1, min(self.items * work // GRAIN, CHUNKS_PER_THREAD * threads))
        pieces = -(-wanted // self.items) if threads > 1 else 1  # of a matrix
        self.height, self.width = m, n
        if m <= LOW:
            self.width = min(n, round_up(-(-n // pieces), 2 * self.lanes))
        else:
            tallest = TALLEST
            if by_rows:
                tallest = min(tallest, max(8 * self.rows, CACHED // (n * self.dtype.itemsize)))
            pieces = max(min(pieces, m // (8 * self.rows)), -(-m // tallest))
            if pieces > 1:  # as much for each thread
                pieces = round_up(pieces, threads)
            self.height = min(m, round_up(-(-m // pieces), self.rows))
        self.down, self.across = -(-m // self.height), -(-n // self.width)
        self.parts = self.items * self.down * self.across
        self.each = 1 if by_rows and self.down > 1 else max(1, self.parts // wanted)
        self.tasks = -(-self.parts // self.each)

    def tabulate(self, a: Layout, b: Layout, out: Layout, batch: Sequence[int]) -> None:
        """The table: what holds for all, then four numbers for each result of a batch."""
        n, size, vectors = self.n, self.dtype.itemsize, 2 * self.lanes
        number = np.arange(math.prod(b[0][:-2])).reshape(b[0][:-2])  # of right operands
        direct = self.m <= TALLEST and b[1][-1] == size
        in_place = n // vectors * vectors if direct else 0
        copied = (round_up(n, self.lanes) - in_place) * self.k
        # A task copies what it needs of `b`; otherwise all is copied before
        self.alone = direct or (self.down == 1 and number.size == self.items)
        self.copied = (copied if self.alone else copied * number.size,)
        self.strips = number.size * -(-n // self.lanes)
        head = [self.m, self.k, n, *(s // size for s in (*a[1][-2:], *b[1][-2:], out[1][-2])),
                self.height, self.width, self.alone, in_place, 13 + 4 * self.items]
        where = np.broadcast_to(0 if self.alone else copied * number, batch).ravel()
        results = np.stack([*(starts(x, batch, size) for x in (a, b, out)), where], 1)
        self.table = np.concatenate(
            [head, results.ravel(), starts(b, b[0][:-2], size)], dtype=np.int64)
        self.address = self.table.ctypes.data


divided = functools.lru_cache(512)(Division)


def round_up(n: int, step: int) -> int:
    return -(-n // step) * step


def starts(x: Layout, batch: Sequence[int], size: int) -> np.ndarray:
    """Where each matrix of a batch begins, in elements of that size."""
    shape, strides = x
    where = np.zeros((), np.int64)
    for i, n in enumerate(batch, -2 - len(batch)):
        step = strides[i] // size if -i <= len(shape) and shape[i] > 1 else 0
        where = np.add.outer(where, np.arange(n) * step)
    return where.ravel()


def product(a: np.ndarray, b: np.ndarray, out: np.ndarray, then: Call | None = None) -> None:
    """Write the product to `out`; see `matmul` in `blas.py`. The rows of `out` are contiguous.

    >>> a, b, out = np.ones((3, 4)), np.ones((4, 2)), np.empty((3, 2))
    >>> product(a, b.T.copy().T, out)
    >>> out
    array([[4., 4.],
           [4., 4.],
           [4., 4.]])
    """
    by = divided((a.shape, a.strides), (b.shape, b.strides), (out.shape, out.strides),
                 out.dtype.char, flags.minijax_num_threads, then is not None)
    threads = range(min(flags.minijax_num_threads, by.tasks))
    if by.alone:
        copies = [buffers.empty(by.copied, by.dtype) for _ in threads]
    else:
        copies = [buffers.empty(by.copied, by.dtype)] * len(threads)
        grain = max(1, COPIES // (by.k * by.lanes))
        parallel(by.copy, by.strips, grain, by.address, id(b), id(copies[0]))
    scratch = [buffers.empty(by.scratch, by.dtype) for _ in threads]
    inside = then.address if then and by.across == 1 else 0
    chunked(by.multiply, by.parts, by.each, by.address, *[
        (id(a), id(b), id(out), id(mine), id(own), inside) for mine, own in zip(copies, scratch)])
    if then and by.across > 1:
        then.over(by.items * by.m)
