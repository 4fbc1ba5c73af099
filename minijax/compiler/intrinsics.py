"""What kernels need and Numba has no name for: one machine instruction, or a few, each.

This module imports Numba; it is imported when something is compiled for the first time. A function
here makes LLVM instructions for scalars; where a loop calls it, LLVM makes vectors of them.
"""

from __future__ import annotations

import functools
import operator
import types as python_types
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, lower_builtin, models, register_model

from minijax.compiler import atomics, target, tiles, vector_math
from minijax.compiler.addresses import HEADER, address, address_as_told

INTEGERS = (types.int8, types.int16, types.int32, types.int64,
            types.uint8, types.uint16, types.uint32, types.uint64)
TYPES: dict[str, Any] = {"bool": types.boolean} | {str(t): t for t in (
    *INTEGERS, types.float32, types.float64, types.complex64, types.complex128)}

# --- memory ----------------------------------------------------------------------------------

if address is address_as_told:
    raise ImportError("compiled kernels find the data of a NumPy array behind the header of its "
                      f"object ({HEADER} bytes). In this version of Python or NumPy it is "
                      "elsewhere. Use CPython with a NumPy that minijax supports.")


class Elements(types.CPointer):
    """A pointer to the elements of an array."""


register_model(Elements)(models.PointerModel)


def tables(module: Any) -> Any:
    """What LLVM calls the scope of the tables: arrays never lie there."""
    domain = module.add_metadata(["minijax"])
    return module.add_metadata([module.add_metadata(["tables", domain])])


@intrinsic
def data(typing: Any, address: Any, dtype: Any) -> Any:
    """The elements, of `dtype`, of the NumPy array object at `address`."""
    pointer = Elements(dtype.instance_type)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = context.get_value_type(pointer)
        where = builder.add(args[0], ir.Constant(args[0].type, HEADER))
        return builder.load(builder.inttoptr(where, kind.as_pointer()))

    return pointer(address, dtype), generate


@intrinsic
def shifted(typing: Any, pointer: Any, n: Any) -> Any:
    """The pointer to the n-th element from here."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.gep(args[0], [context.cast(builder, args[1], n, types.int64)])

    return pointer(pointer, n), generate


@intrinsic(prefer_literal=True)
def local(typing: Any, dtype: Any, n: Any) -> Any:
    """Memory for n elements while the kernel runs; n is written out. LLVM may do without it."""
    pointer, count = Elements(dtype.instance_type), n.literal_value

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = context.get_value_type(pointer).pointee
        return cgutils.alloca_once(builder, kind, count)

    return pointer(dtype, n), generate


@intrinsic
def same(typing: Any, a: Any, b: Any) -> Any:
    """Do two pointers point to the same element?"""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.icmp_unsigned("==", *args)

    return types.boolean(a, b), generate


@lower_builtin(operator.getitem, Elements, types.Integer)
def load(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    element = builder.load(builder.gep(args[0], [args[1]]))
    element.set_metadata("noalias", tables(builder.module))
    return context.data_model_manager[signature.return_type].from_data(builder, element)


@lower_builtin(operator.setitem, Elements, types.Integer, types.Any)
def store(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    pointer, _, kind = signature.args
    value = context.cast(builder, args[2], kind, pointer.dtype)
    element = context.data_model_manager[pointer.dtype].as_data(builder, value)
    written = builder.store(element, builder.gep(args[0], [args[1]]))
    written.set_metadata("noalias", tables(builder.module))
    return context.get_dummy_value()


@intrinsic
def lookup(typing: Any, table: Any, i: Any) -> Any:
    """The element i of a table, an array of numbers that never changes."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(table)(context, builder, args[0])
        found = builder.load(builder.gep(array.data, [args[1]]))
        found.set_metadata("alias.scope", tables(builder.module))
        return found

    return table.dtype(table, i), generate


@intrinsic
def copy_elements(typing: Any, target: Any, target_at: Any, source: Any, source_at: Any, n: Any
                  ) -> Any:
    """target[target_at + i] = source[source_at + i] for i < n, of arrays of one type."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        to, to_at, origin, origin_at, count = args
        size = context.get_abi_sizeof(to.type.pointee)
        cgutils.raw_memmove(builder, builder.gep(to, [to_at]), builder.gep(origin, [origin_at]),
                            count, size)
        return context.get_dummy_value()

    return types.void(target, target_at, source, source_at, n), generate


# --- floats ----------------------------------------------------------------------------------


def numbers(name: str, operands: int, make: Callable) -> Any:
    """The intrinsic `make(builder, *values)` of numbers, all taken in the type of the first."""

    def typed(*kinds: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return make(builder, *[context.cast(builder, x, k, kinds[0])
                                   for x, k in zip(args, kinds)])

        return kinds[0](*kinds), generate

    fun = {1: lambda typing, a: typed(a), 2: lambda typing, a, b: typed(a, b),
           3: lambda typing, a, b, c: typed(a, b, c)}[operands]
    fun.__name__ = name
    return intrinsic(fun)


def llvm(name: str, operands: int) -> Any:
    """The LLVM intrinsic of that name, for floats."""

    def call(builder: Any, *args: Any) -> Any:
        kind = args[0].type
        fun = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(kind, [kind] * operands),
            f"llvm.{name}.f{32 if isinstance(kind, ir.FloatType) else 64}")
        return builder.call(fun, args)

    return numbers(name, operands, call)


fma = llvm("fma", 3)  # a * b + c, rounded once
floor, ceil, trunc, rint = (llvm(n, 1) for n in ("floor", "ceil", "trunc", "rint"))
sqrt, fabs, copysign = llvm("sqrt", 1), llvm("fabs", 1), llvm("copysign", 2)
minimum, maximum = llvm("minimum", 2), llvm("maximum", 2)  # nan if one is; -0.0 is less than 0.0
# for sums and products in any order, so in vectors
ANY_ORDER = ("reassoc", "nsz")
add_reordered = numbers(
    "add_reordered", 2, lambda builder, a, b: builder.fadd(a, b, flags=ANY_ORDER))
mul_reordered = numbers(
    "mul_reordered", 2, lambda builder, a, b: builder.fmul(a, b, flags=ANY_ORDER))


@intrinsic
def square(typing: Any, x: Any) -> Any:
    """x * x, in the type of x."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if isinstance(x, types.Integer):
            return builder.mul(args[0], args[0])
        return context.get_function(operator.mul, x(x, x))(builder, (args[0], args[0]))

    return x(x), generate


def guarded(name: str) -> Callable:
    """Integer division that always has a result: by 0, and of the smallest number by -1."""

    def divide(typing: Any, x: Any, y: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            a, b = args
            zero, one, ones = (ir.Constant(a.type, n) for n in (0, 1, -1))
            by_zero = builder.icmp_unsigned("==", b, zero)
            negates = builder.icmp_unsigned("==", b, ones) if x.signed else by_zero
            safe = builder.select(builder.or_(by_zero, negates), one, b)
            if name == "quotient":
                out = (builder.sdiv if x.signed else builder.udiv)(a, safe)
                out = builder.select(negates, builder.neg(a), out)
                return builder.select(by_zero, ones, out)
            out = (builder.srem if x.signed else builder.urem)(a, safe)
            return builder.select(by_zero, a, out)

        return x(x, y), generate

    divide.__name__ = name
    return intrinsic(divide)


quotient = guarded("quotient")  # towards zero; by 0 every bit of it is set
remainder = guarded("remainder")  # with the sign of the dividend; by 0 it is the dividend


@intrinsic
def pair(typing: Any, x: Any, y: Any) -> Any:
    """The complex number x + iy."""
    kind = types.complex64 if x.bitwidth == 32 else types.complex128

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        z = context.make_complex(builder, kind)
        z.real, z.imag = args
        return z._getvalue()

    return kind(x, y), generate


@intrinsic
def select(typing: Any, which: Any, yes: Any, no: Any) -> Any:
    """`yes` if `which`, else `no` in the type of `yes`. Both are computed: there is no branch."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(args[0], args[1], context.cast(builder, args[2], no, yes))

    return yes(which, yes, no), generate


@intrinsic
def horner(typing: Any, x: Any, coefficients: Any) -> Any:
    """The polynomial of x; the first coefficient, of a tuple, is that of the highest power."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        point, table = args
        step = ir.FunctionType(point.type, [point.type] * 3)
        fun = cgutils.get_or_insert_function(
            builder.module, step, f"llvm.fma.f{x.bitwidth}")
        p = None
        for i, kind in enumerate(coefficients):
            c = context.cast(builder, builder.extract_value(table, i), kind, x)
            p = c if p is None else builder.call(fun, [p, point, c])
        return p

    return x(x, coefficients), generate


# --- bits ------------------------------------------------------------------------------------


@intrinsic
def bits(typing: Any, x: Any, dtype: Any) -> Any:
    """The bits of x as a number of another type of the same width."""
    target = dtype.instance_type

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_value_type(target))

    return target(x, dtype), generate


@intrinsic
def whole(typing: Any, x: Any) -> Any:
    """A whole float as an integer of the same width, to a quarter of what its fraction can count.

    Added to a number of that size it is in the last bits. For nan the result is any integer.
    """
    target, anchor = (types.int32, 1.5 * 2 ** 23) if x.bitwidth == 32 else (
        types.int64, 1.5 * 2 ** 52)
    zero = int(np.array(anchor, str(x)).view(str(target)))

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        moved = builder.fadd(args[0], ir.Constant(args[0].type, anchor))
        into = context.get_value_type(target)
        return builder.sub(builder.bitcast(moved, into), ir.Constant(into, zero))

    return target(x), generate


@intrinsic
def saturate(typing: Any, x: Any, dtype: Any) -> Any:
    """The float x, cut off after the point, as an integer: the nearest there is; 0 for nan."""
    target = dtype.instance_type

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        into = context.get_value_type(target)
        name = f"llvm.fpto{'s' if target.signed else 'u'}i.sat.i{into.width}.f{x.bitwidth}"
        fun = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(into, [args[0].type]), name)
        return builder.call(fun, args[:1])

    return target(x, dtype), generate


def shift(name: str) -> Any:
    """A shift by the unsigned count b. From the width on, the result is 0, or all sign bits."""

    def make(builder: Any, a: Any, b: Any) -> Any:
        last = ir.Constant(b.type, a.type.width - 1)
        inside = builder.icmp_unsigned("<=", b, last)
        count = builder.select(inside, b, last)
        if name == "shift_right_arithmetic":
            return builder.ashr(a, count)
        shifted = (builder.shl if name == "shift_left" else builder.lshr)(a, count)
        return builder.select(inside, shifted, ir.Constant(a.type, 0))

    return numbers(name, 2, make)


shift_left, shift_right_logical, shift_right_arithmetic = map(
    shift, ("shift_left", "shift_right_logical", "shift_right_arithmetic"))
population_count = numbers("population_count", 1, lambda builder, a: builder.ctpop(a))
clz = numbers("clz", 1, lambda builder, a: builder.ctlz(a, ir.Constant(ir.IntType(1), 0)))


@intrinsic
def mulhi(typing: Any, x: Any, y: Any) -> Any:
    """The upper half of the product of two integers."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        wide = ir.IntType(2 * x.bitwidth)
        extend = builder.sext if x.signed else builder.zext
        product = builder.mul(*[extend(a, wide) for a in args])
        return builder.trunc(builder.lshr(product, ir.Constant(wide, x.bitwidth)), args[0].type)

    return x(x, y), generate


# --- tiles of a product of matrices ----------------------------------------------------------


class Vectors:
    """Instructions on vectors of `lanes` numbers of one type."""

    def __init__(self, builder: Any, number: Any, element: ir.Type, lanes: int):
        self.builder, self.kind, self.lanes = builder, ir.VectorType(element, lanes), lanes
        self.bytes_each = number.bitwidth // 8
        self.fma = isinstance(number, types.Float) and cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(self.kind, [self.kind] * 3),
            f"llvm.fma.v{lanes}f{number.bitwidth}")

    def places(self, base: Any, index: Any, n: int) -> list[Any]:
        """Where the n vectors are that begin at an element."""
        b = self.builder
        return [b.bitcast(b.gep(base, [b.add(index, index.type(j * self.lanes))]),
                          self.kind.as_pointer()) for j in range(n)]

    def filled(self, value: Any) -> Any:
        """A vector of one number."""
        index = ir.IntType(32)
        first = self.builder.insert_element(ir.Constant(self.kind, ir.Undefined), value, index(0))
        everywhere = ir.Constant(ir.VectorType(index, self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(first, first, everywhere)

    def multiply_add(self, x: Any, y: Any, z: Any) -> Any:
        if self.fma:
            return self.builder.call(self.fma, [x, y, z])
        return self.builder.add(self.builder.mul(x, y), z)


@intrinsic(prefer_literal=True)
def add_products(typing: Any, out: Any, out_at: Any, out_rows: Any, x: Any, x_at: Any, x_rows: Any,
                 x_terms: Any, w: Any, w_at: Any, w_terms: Any, row: Any, n: Any, height: Any,
                 width: Any, lanes: Any) -> Any:
    """out[i, j] = the sum over k < n of x[i, k] w[k, j], for a tile that stays in registers.

    The tile has `height` rows, from `row` on, and `width` vectors of `lanes` columns. Tables say
    where things are: x[i, k] at x_at + x_rows[i] + x_terms[k], w[k, 0] at w_at + w_terms[k] and
    out[i, 0] at out_at + out_rows[i]. Columns lie next to each other.
    """
    rows, columns, size = (t.literal_value for t in (height, width, lanes))

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        out, out_at, out_rows, x_, x_at, x_rows, x_terms, w, w_at, w_terms, row, n = args[:12]
        v = Vectors(builder, x.dtype, x_.type.pointee, size)

        def entry(table: Any, index: Any) -> Any:
            return builder.load(builder.gep(table, [index]))

        places = [builder.add(row, row.type(i)) for i in range(rows)]
        starts = [builder.gep(x_, [builder.add(x_at, entry(x_rows, i))]) for i in places]
        sums = [[cgutils.alloca_once(builder, v.kind) for _ in range(columns)] for _ in places]
        for place in (p for some in sums for p in some):
            builder.store(ir.Constant(v.kind, None), place)
        with cgutils.for_range(builder, n, intp=n.type) as loop:
            at = builder.add(w_at, entry(w_terms, loop.index))
            factors = [builder.load(p, align=v.bytes_each) for p in v.places(w, at, columns)]
            offset = entry(x_terms, loop.index)
            for start, some in zip(starts, sums):
                value = v.filled(entry(start, offset))
                for place, factor in zip(some, factors):
                    builder.store(v.multiply_add(value, factor, builder.load(place)), place)
        for i, some in zip(places, sums):
            at = builder.add(out_at, entry(out_rows, i))
            for to, place in zip(v.places(out, at, columns), some):
                builder.store(builder.load(place), to, align=v.bytes_each)
        return context.get_dummy_value()

    return types.void(out, out_at, out_rows, x, x_at, x_rows, x_terms, w, w_at, w_terms, row, n,
                      height, width, lanes), generate


# --- the names of a kernel -------------------------------------------------------------------


@functools.cache
def namespace() -> dict[str, Any]:
    """Everything that the source of a kernel may name. A vector function is compiled when used."""
    names = {k: v for scope in (globals(), vars(tiles), vars(atomics)) for k, v in scope.items()
             if isinstance(v, type(data))}
    names |= TYPES | {"inline": inline, "np": np}
    for name, value in vector_math.definitions().items():
        if isinstance(value, python_types.FunctionType):
            value = inline(python_types.FunctionType(value.__code__, names, name))
        names[name] = value
    return names


def inline(fun: Callable) -> Callable:
    """`fun` compiled into its callers."""
    return target.inline(fun)
