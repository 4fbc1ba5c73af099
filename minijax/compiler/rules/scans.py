"""Operations along one axis: where the extremum is, what has come together so far, programs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from minijax import dtypes
from minijax.compiler.expressions import binary, expression, kernel_type, literal
from minijax.compiler.flatten import flatten
from minijax.compiler.lowering import Op, Place, lowering, merged, only
from minijax.compiler.plan import elementwise
from minijax.compiler.reductions import REDUCTIONS
from minijax.jaxpr import Jaxpr, JaxprEqn, Literal

# --- the place of an extremum ------------------------------------------------------------------


def is_long(e: JaxprEqn) -> bool:
    """NumPy searches a long row faster."""
    shape, (axis,) = e.invars[0].aval.shape, e.params["axes"]
    return axis == len(shape) - 1 and shape[axis] > 256


@lowering("argmax", "argmin", slower=is_long)
def _(op: Op) -> None:
    (x,), (out,), (axis,) = op.ins, op.outs, op.params["axes"]
    outer = x.shape[:axis]
    best = op.scratch((math.prod(outer), *x.shape[axis + 1:]), number_type(x.dtype))
    with op.shared(math.prod(outer)) as r:
        index = op.split(r, outer)
        n = x.shape[axis]
        rows, places, best = merged(
            x.at(*index), out.at(*index).again(n), best.at(r).again(n), keep=1)
        if rows.shape[1:]:
            search_together(op, rows, places.at("0"), best.at("0"))
        else:
            search(op, rows, places.at("0"))


def number_type(dtype: np.dtype) -> np.dtype:
    return np.dtype("uint8" if dtype.kind == "b" else kernel_type(dtype))


def search(op: Op, row: Place, out: Place) -> None:
    """The extremum first, then the first element that is equal to it, or nan: two fast loops."""
    n, dtype = row.shape[0], number_type(row.dtype)
    rule, number = REDUCTIONS[op.name.replace("arg", "reduce_")], (
        "int32" if n < 1 << 31 else "int64")
    op.line(f"best = {rule.start(dtype)}")
    with op.loop(n) as i:
        op.line(f"best = {rule.combine(dtype, 'best', f'{dtype.name}({row(i)})')}")
    op.line(f"place = {number}({op.w.size(n)})")
    with op.loop(n) as i:
        op.line(f"x = {dtype.name}({row(i)})")
        op.line(f"here = select((x == best) | (x != x), {number}({i}), {number}({op.w.size(n)}))")
        op.line("place = select(here < place, here, place)")
    out.set(f"{kernel_type(out.dtype)}(place)")


def search_together(op: Op, rows: Place, out: Place, best: Place) -> None:
    """All that lie next to each other at the same time; `best` has the extremum of each so far."""
    dtype, sign = number_type(rows.dtype).name, ">" if op.name == "argmax" else "<"
    with op.nest(out.shape, "k") as k:
        best.set(f"{dtype}({rows('0', *k)})", *k)
        out.set(f"{kernel_type(out.dtype)}(0)", *k)
    with op.loop(rows.shape[0]) as i, op.nest(out.shape, "k") as k:
        op.line(f"x, so_far = {dtype}({rows(i, *k)}), {best(*k)}")
        op.line(f"better = (x {sign} so_far) | ((x != x) & (so_far == so_far))")
        best.set("select(better, x, so_far)", *k)
        out.set(f"select(better, {kernel_type(out.dtype)}({i}), {out(*k)})", *k)


# --- cumulative operations ---------------------------------------------------------------------

STEPS = {"cumsum": "add", "cumprod": "mul", "cummax": "max", "cummin": "min"}


def sum_dtype(op: Op) -> np.dtype:
    """What is added up: floats in twice the width, for small errors add up too."""
    dtype = op.ins[0].dtype
    wide = {"f": "float64", "c": "complex128"}.get(dtypes.kind(dtype), dtype)
    return np.dtype(wide if op.name == "cumsum" else kernel_type(dtype))


def identity(name: str, dtype: np.dtype) -> str:
    if name == "cumlogsumexp":
        return literal(-np.inf, dtype)
    if name == "cumsum":  # so that the first sum is the first element, also if that is -0.0
        return literal({"f": -0.0, "c": complex(-0.0, -0.0)}.get(dtypes.kind(dtype), 0), dtype)
    return REDUCTIONS[name.replace("cum", "reduce_")].start(dtype)


def step(name: str, dtype: np.dtype, so_far: str, x: str) -> str:
    if name == "cumlogsumexp":
        return f"logaddexp_{'f32' if dtype == np.float32 else 'f64'}({so_far}, {x})"
    if name in ("cummax", "cummin") and dtypes.kind(dtype) == "f":  # the fewest instructions
        sign = ">" if name == "cummax" else "<"
        return f"select(({x} {sign} {so_far}) | ({x} != {x}), {x}, {so_far})"
    return str(binary(STEPS[name], dtype, so_far, x))


KINDS = {"cumsum": "iufc", "cumprod": "iufc", "cummax": "iuf", "cummin": "iuf", "cumlogsumexp": "f"}


def has_step(e: JaxprEqn) -> bool:
    return dtypes.kind(e.invars[0].aval.dtype) in KINDS[e.primitive.name]


def is_slow(e: JaxprEqn) -> bool:
    return e.primitive.name == "cumlogsumexp" and e.params["axis"] == e.invars[0].aval.ndim - 1


@lowering(*STEPS, "cumlogsumexp", unless=only(has_step), slower=is_slow)
def _(op: Op) -> None:
    """One step for all elements that lie next to each other; `sums` has a place for each."""
    (x,), (out,), axis = op.ins, op.outs, op.params["axis"]
    dtype, outer, n = sum_dtype(op), x.shape[:axis], x.shape[axis]
    sums = op.scratch((math.prod(outer), *x.shape[axis + 1:]), dtype)
    with op.shared(math.prod(outer)) as r:
        index = op.split(r, outer)
        rows, results, so_far = merged(
            x.at(*index), out.at(*index), sums.at(r).again(n), keep=1)
        so_far, inner, cast = so_far.at("0"), rows.shape[1:], kernel_type(dtype)
        if not inner:
            op.line(f"total = {identity(op.name, dtype)}")
        with op.nest(inner, "k") as k:
            if inner:
                so_far.set(identity(op.name, dtype), *k)
        with op.loop(n) as i, op.nest(inner, "k") as k:
            i = f"({op.w.size(n - 1)} - {i})" if op.params["reverse"] else i
            old = so_far(*k) if inner else "total"
            op.line(f"x = {cast}({rows(i, *k)})")
            op.line(f"total = {step(op.name, dtype, old, 'x')}")
            if inner:
                so_far.set("total", *k)
            results.set(f"{kernel_type(out.dtype)}(total)", i, *k)


# --- programs ----------------------------------------------------------------------------------


def is_elementwise(jaxpr: Jaxpr) -> bool:
    """Is it made of operations that have a text?"""
    return all(map(elementwise, flatten(jaxpr).eqns))


def inlined(op: Op, jaxpr: Jaxpr, args: Sequence[str]) -> list[str]:
    """Write the lines of a program of scalars; the names of its results."""
    flat = flatten(jaxpr)
    names = dict(zip(flat.invars, args))

    def read(x) -> str:
        return op.w.constant(x) if isinstance(x, Literal) else names[x]

    for e in flat.eqns:
        names[e.outvars[0]] = op.let(str(expression(e, list(map(read, e.invars)))))
    return list(map(read, flat.outvars))


@lowering("reduce", unless=only(lambda e: is_elementwise(e.params["jaxpr"])))
def _(op: Op) -> None:
    n, dimensions, shape = len(op.outs), op.params["dimensions"], op.ins[0].shape
    kept = [d for d in range(len(shape)) if d not in dimensions]
    casts = [kernel_type(out.dtype) for out in op.outs]
    with op.shared(math.prod(op.outs[0].shape)) as r:
        index = op.split(r, op.outs[0].shape)
        parts = [x.moved(*kept, *dimensions).at(*index) for x in op.ins[:n]]
        for k, init in enumerate(op.ins[n:]):
            op.line(f"total{k} = {casts[k]}({init()})")
        with op.nest([shape[d] for d in dimensions]) as place:
            new = inlined(op, op.params["jaxpr"],
                          [*(f"total{k}" for k in range(n)), *(p(*place) for p in parts)])
            op.line(f"{', '.join(f'total{k}' for k in range(n))} = "
                    f"{', '.join(f'{c}({x})' for c, x in zip(casts, new))}")
        for k, out in enumerate(op.outs):
            out.set(f"total{k}", *index)
