"""Parts of a matrix product that need vector registers by name: a tile of it, and a transpose.

LLVM makes vectors of a loop by itself, but does not keep a block of a matrix in registers. So these
two say which vectors there are. This module imports Numba, like `intrinsics.py`.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from minijax.compiler.machine import vector_bytes


def vector_type(element: Any, count: int) -> ir.VectorType:
    return ir.VectorType(element, count)


def load(builder: Any, pointer: Any, kind: ir.VectorType) -> Any:
    """The vector that begins at the element `pointer` shows."""
    element = kind.element
    return builder.load(builder.bitcast(pointer, kind.as_pointer()), align=width_of(element))


def store(builder: Any, value: Any, pointer: Any) -> None:
    builder.store(value, builder.bitcast(pointer, value.type.as_pointer()),
                  align=width_of(value.type.element))


def width_of(element: Any) -> int:
    return 4 if isinstance(element, ir.FloatType) else 8


def broadcast(builder: Any, x: Any, kind: ir.VectorType) -> Any:
    """A vector whose elements are all x."""
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), x, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), kind.count), [0] * kind.count)
    return builder.shuffle_vector(first, ir.Constant(kind, ir.Undefined), zeros)


@intrinsic
def at(typing: Any, x: Any, i: Any) -> Any:
    """The elements of x from number i on."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.gep(args[0], [args[1]])

    return x(x, types.int64), generate


@intrinsic(prefer_literal=True)
def product_tile(typing: Any, rows: Any, strips: Any, vectors: Any, length: Any,
                 a: Any, a_next: Any, b: Any, b_step: Any, b_next: Any, c: Any, c_step: Any,
                 first: Any) -> Any:
    """A tile of a matrix product, of `strips * rows` rows and `vectors` vectors of columns.

    It is in registers until all `length` products of each element are added. Then it is stored, if
    this is the `first` part of the sum, or else added to what is in `c`, whose rows are `c_step`
    apart. `a` holds strips of `rows` rows, [length][rows] each, `a_next` apart. Row k of `b` begins
    at k * b_step; its next vectors follow at distances of `b_next`. There are 1 to 3 strips, and 1
    or 2 vectors.
    """
    i = types.int64
    signature = types.void(rows, i, i, i, a, i, b, i, i, c, i, types.boolean)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, strips, vectors, *rest = args
        height = rows.literal_value
        kind = vector_of(context, a)
        number = builder.add(builder.mul(strips, strips.type(2)), vectors)
        end = builder.append_basic_block("end")
        switch = builder.switch(number, end)
        for s in (1, 2, 3):
            for v in (1, 2):
                case = builder.append_basic_block(f"tile{s}{v}")
                switch.add_case(2 * s + v, case)
                builder.position_at_end(case)
                tile(builder, kind, s, v, height, *rest)
                builder.branch(end)
        builder.position_at_end(end)
        return context.get_dummy_value()

    return signature, generate


def vector_of(context: Any, pointer: Any) -> ir.VectorType:
    element = context.get_value_type(pointer.dtype)
    return ir.VectorType(element, vector_bytes() // width_of(element))


def tile(builder: Any, kind: ir.VectorType, strips: int, vectors: int, height: int, n: Any, a: Any,
         a_next: Any, b: Any, b_step: Any, b_next: Any, c: Any, c_step: Any, first: Any) -> None:
    lanes = kind.count
    fma = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(kind, [kind] * 3),
        f"llvm.fma.v{lanes}f{8 * width_of(kind.element)}")
    sums = [[cgutils.alloca_once_value(builder, ir.Constant(kind, None)) for _ in range(vectors)]
            for _ in range(strips * height)]
    for line in sums:
        for total in line:
            builder.store(ir.Constant(kind, None), total)
    strips_a = [builder.gep(a, [builder.mul(a_next, a_next.type(s))]) for s in range(strips)]
    strips_b = [builder.gep(b, [builder.mul(b_next, b_next.type(s))]) for s in range(vectors)]
    with cgutils.for_range(builder, n) as loop:
        row = builder.mul(loop.index, b_step)
        bs = [load(builder, builder.gep(s, [row]), kind) for s in strips_b]
        at_k = builder.mul(loop.index, n.type(height))
        for r, line in enumerate(sums):
            p = builder.gep(strips_a[r // height], [builder.add(at_k, n.type(r % height))])
            x = broadcast(builder, builder.load(p), kind)
            for total, y in zip(line, bs):
                builder.store(builder.call(fma, [x, y, builder.load(total)]), total)
    with builder.if_else(first) as (new, more):
        for branch, add in ((new, False), (more, True)):
            with branch:
                for r, line in enumerate(sums):
                    for v, total in enumerate(line):
                        where = builder.gep(c, [builder.add(
                            builder.mul(c_step, c_step.type(r)), c_step.type(v * lanes))])
                        value = builder.load(total)
                        if add:
                            value = builder.fadd(load(builder, where, kind), value)
                        store(builder, value, where)


@intrinsic(prefer_literal=True)
def transpose(typing: Any, rows: Any, columns: Any, x: Any, step: Any, to: Any) -> Any:
    """Write a block of x, of `rows` rows that are `step` apart, to `to`, column after column.

    Both are powers of two. One row is just copied.
    """
    count, width = rows.literal_value, columns.literal_value

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, _, x, step, to = args
        kind = ir.VectorType(x.type.pointee, width)
        vectors = [load(builder, builder.gep(x, [builder.mul(step, step.type(r))]), kind)
                   for r in range(count)]
        # Riffle the rows like the halves of a pack of cards, until what stood side by side stands
        # `rows` apart.
        for _ in range(count.bit_length() - 1):
            vectors = [riffle(builder, vectors[r // 2], vectors[r // 2 + count // 2], r % 2)
                       for r in range(count)]
        for r, vector in enumerate(vectors):
            store(builder, vector, builder.gep(to, [step.type(r * width)]))
        return context.get_dummy_value()

    return types.void(rows, columns, x, types.int64, to), generate


def riffle(builder: Any, x: Any, y: Any, upper: int) -> Any:
    """The elements of x and y in turn: from their lower halves, or from their upper ones."""
    lanes = x.type.count
    start = upper * lanes // 2
    order = [i + side for i in range(start, start + lanes // 2) for side in (0, lanes)]
    return builder.shuffle_vector(x, y, ir.Constant(ir.VectorType(ir.IntType(32), lanes), order))
