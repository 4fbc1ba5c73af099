"""What a matrix product needs vector registers for, by name: a tile of it, and a transpose.

LLVM makes vectors of a loop by itself, but it would not keep a block of a matrix in registers. So
here it is told which vectors there are. This module imports Numba, like `intrinsics.py`.
"""

from __future__ import annotations

import itertools
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from minijax.compiler.machine import vector_bytes

# --- vectors ---------------------------------------------------------------------------------


def width(element: ir.Type) -> int:
    """The bytes of a number."""
    return 4 if isinstance(element, ir.FloatType) else 8


def load(builder: ir.IRBuilder, pointer: ir.Value, lanes: int) -> ir.Value:
    """A vector: the number that `pointer` shows, and those that follow."""
    kind = ir.VectorType(pointer.type.pointee, lanes)
    return builder.load(builder.bitcast(pointer, kind.as_pointer()), align=width(kind.element))


def store(builder: ir.IRBuilder, vector: ir.Value, pointer: ir.Value) -> None:
    where = builder.bitcast(pointer, vector.type.as_pointer())
    builder.store(vector, where, align=width(vector.type.element))


def arranged(builder: ir.IRBuilder, x: ir.Value, y: ir.Value, order: list[int]) -> ir.Value:
    """The elements of x and y, counted on from x to y, in this order."""
    return builder.shuffle_vector(
        x, y, ir.Constant(ir.VectorType(ir.IntType(32), len(order)), order))


def broadcast(builder: ir.IRBuilder, number: ir.Value, lanes: int) -> ir.Value:
    undefined = ir.Constant(ir.VectorType(number.type, lanes), ir.Undefined)
    first = builder.insert_element(undefined, number, ir.IntType(32)(0))
    return arranged(builder, first, undefined, [0] * lanes)


def prefetch(builder: ir.IRBuilder, pointer: ir.Value) -> None:
    """Let the memory there come into the first cache, to be written."""
    byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
    fetch = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(ir.VoidType(), [byte, number, number, number]),
        "llvm.prefetch.p0")
    builder.call(fetch, [builder.bitcast(pointer, byte), number(1), number(3), number(1)])


def moved(builder: ir.IRBuilder, pointer: ir.Value, by: ir.Value, times: int = 1) -> ir.Value:
    """A pointer further on, by so many numbers, so many times."""
    return builder.gep(pointer, [builder.mul(by, by.type(times))])


# --- what kernels call -----------------------------------------------------------------------


@intrinsic
def at(typing: Any, x: Any, i: Any) -> Any:
    """The elements of x from number i on."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.gep(args[0], [args[1]])

    return x(x, types.int64), generate


@intrinsic(prefer_literal=True)
def product_tile(typing: Any, rows: Any, strips: Any, vectors: Any, length: Any,
                 a: Any, a_next: Any, b: Any, b_row: Any, b_next: Any,
                 c: Any, c_row: Any, first: Any) -> Any:
    """A tile of a matrix product: 1 to 3 strips of `rows` rows, by 1 or 2 vectors of columns.

    It stays in registers while `length` products are added to each element. Then it is stored in
    `c`, whose rows are `c_row` apart, if this is the `first` part of the sum, or else added there.
    `a` holds strips, [length][rows] each, that begin `a_next` apart. The rows of `b` are `b_row`
    apart, and their second vector is `b_next` after the first. `rows` is a literal number.
    """
    count = types.int64

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, strips, vectors, *rest = args
        end = builder.append_basic_block("end")
        switch = builder.switch(builder.add(builder.add(strips, strips), vectors), end)
        for s in (1, 2, 3):
            for v in (1, 2):
                case = builder.append_basic_block(f"tile{s}{v}")
                switch.add_case(2 * s + v, case)
                builder.position_at_end(case)
                tile(builder, (rows.literal_value, s, v), *rest)
                builder.branch(end)
        builder.position_at_end(end)
        return context.get_dummy_value()

    return types.void(rows, count, count, count, a, count, b, count, count, c, count,
                      types.boolean), generate


def tile(builder: ir.IRBuilder, shape: tuple[int, int, int], length: ir.Value,
         a: ir.Value, a_next: ir.Value, b: ir.Value, b_row: ir.Value, b_next: ir.Value,
         c: ir.Value, c_row: ir.Value, first: ir.Value) -> None:
    """Write the instructions of `product_tile` for one shape: rows, strips, vectors."""
    rows, strips, vectors = shape
    lanes = vector_bytes() // width(a.type.pointee)
    kind = ir.VectorType(a.type.pointee, lanes)
    fma = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(kind, [kind] * 3),
        f"llvm.fma.v{lanes}f{8 * width(kind.element)}")
    sums = [[cgutils.alloca_once_value(builder, ir.Constant(kind, None)) for _ in range(vectors)]
            for _ in range(strips * rows)]
    places = [[builder.gep(moved(builder, c, c_row, r), [length.type(v * lanes)])
               for v in range(vectors)] for r in range(len(sums))]
    for place in itertools.chain(*places):  # it comes into the cache while the sums are made
        prefetch(builder, place)
    with cgutils.for_range(builder, length) as loop:
        column = moved(builder, a, loop.index, rows)
        row = moved(builder, b, builder.mul(b_row, loop.index))
        ys = [load(builder, moved(builder, row, b_next, v), lanes) for v in range(vectors)]
        for r, line in enumerate(sums):
            strip = moved(builder, column, a_next, r // rows)
            x = broadcast(builder, builder.load(builder.gep(strip, [length.type(r % rows)])), lanes)
            for total, y in zip(line, ys):
                builder.store(builder.call(fma, [x, y, builder.load(total)]), total)
    with builder.if_else(first) as branches:
        for branch, fresh in zip(branches, (True, False)):
            with branch:
                for total, place in zip(itertools.chain(*sums), itertools.chain(*places)):
                    value = builder.load(total)
                    if not fresh:
                        value = builder.fadd(load(builder, place, lanes), value)
                    store(builder, value, place)


@intrinsic(prefer_literal=True)
def transpose(typing: Any, rows: Any, columns: Any, x: Any, step: Any, to: Any) -> Any:
    """Write a block of x, of `rows` rows that are `step` apart, to `to`: column after column.

    `rows` and `columns` are literal powers of two. One row is just copied.
    """
    height, lanes = rows.literal_value, columns.literal_value

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, _, x, step, to = args
        vectors = [load(builder, moved(builder, x, step, r), lanes) for r in range(height)]
        # Riffle the first half of the rows into the second, as one shuffles cards. Each time, what
        # stood side by side moves twice as far apart: in the end `rows` apart, as in a column.
        for _ in range(height.bit_length() - 1):
            pairs = zip(vectors[:height // 2], vectors[height // 2:])
            vectors = [half for pair in pairs for half in riffled(builder, *pair)]
        for r, vector in enumerate(vectors):
            store(builder, vector, builder.gep(to, [step.type(r * lanes)]))
        return context.get_dummy_value()

    return types.void(rows, columns, x, types.int64, to), generate


def riffled(builder: ir.IRBuilder, x: ir.Value, y: ir.Value) -> list[ir.Value]:
    """The elements of two vectors in turn, as two vectors."""
    lanes = x.type.count
    order = [i + side for i in range(lanes) for side in (0, lanes)]
    return [arranged(builder, x, y, half) for half in (order[:lanes], order[lanes:])]
