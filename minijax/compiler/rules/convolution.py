"""Convolutions, as products of matrices whose elements are looked up where they are.

A row of the product is a place of the window, a column an output feature; they are summed over the
elements of a window. Tables say where in memory these are, so that the windows are never written
out, and so that gradients, whose axes have other roles, are the same loops with other tables.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from minijax import dtypes
from minijax.compiler.expressions import kernel_type
from minijax.compiler.lowering import Op, Place, lowering, only
from minijax.compiler.machine import vector_bytes
from minijax.compiler.rules.joining import spread
from minijax.compiler.views import contiguous
from minijax.jaxpr import JaxprEqn
from minijax.lax.contraction import sum_dtype
from minijax.lax.conv_shapes import dilate

ACCUMULATORS = 12  # vectors of a tile: registers for these, and for the factors


@dataclasses.dataclass
class Factor:
    """An operand in memory: where it is, and the step from one group to the next."""

    place: Place
    group: int
    terms: np.ndarray  # where the elements are that are summed over

    def start(self) -> str:
        return self.place.index(())


def positions(sizes: Sequence[int], strides: Sequence[int]) -> np.ndarray:
    """Where the elements of an array are, in row-major order."""
    grid = np.zeros(1, np.int64)
    for n, stride in zip(sizes, strides):
        grid = np.add.outer(grid, np.arange(n, dtype=np.int64) * stride).reshape(-1)
    return grid


def dtype_of(e: JaxprEqn) -> np.dtype:
    x, w = (v.aval.dtype for v in e.invars)
    return np.dtype(sum_dtype(x, w, e.params["preferred_element_type"]))


def is_real(e: JaxprEqn) -> bool:
    return dtypes.kind(dtype_of(e)) in "iuf"


@lowering("conv_general_dilated", unless=only(is_real))
def _(op: Op) -> None:
    """First what has to be copied is: padding, and kernels without vectors of features."""
    dtype, spec = dtype_of(op.eqn), op.params["dimension_numbers"]
    x, w = (p.moved(s[0], *s[2:], s[1]) for p, s in zip(op.ins, spec))
    out = op.outs[0].moved(spec[2][0], *spec[2][2:], spec[2][1])
    features, batches = op.params["feature_group_count"], op.params["batch_group_count"]
    groups = features * batches
    each = w.shape[0] // groups  # output features of a group
    lanes = min(vector_bytes() // dtype.itemsize, max(4, 1 << max(each - 1, 0).bit_length()))
    columns = -(-each // lanes) * lanes
    x = padded(op, x, dtype)
    kernel = kernel_of(op, w, dtype, groups, columns)
    rows = row_table(op, x, out.shape[0], out.shape[1:-1])
    inner = positions((*w.shape[1:-1], w.shape[-1]),
                      [*(s * d for s, d in zip(x.view.strides[1:-1], op.params["rhs_dilation"])),
                       x.view.strides[-1]])
    step = x.view.strides[-1] * w.shape[-1] if features > 1 else x.view.strides[0] * out.shape[0]
    order = np.argsort(kernel.terms, kind="stable")
    kernel.terms = kernel.terms[order]
    tiles(op, Factor(x, step, inner[order]), kernel, rows, out, each, columns, lanes, groups)


def padded(op: Op, x: Place, dtype: np.dtype) -> Place:
    """The operand (batch, space, features) with its padding and its holes."""
    config = [(lo, hi, d - 1)
              for (lo, hi), d in zip(op.params["padding"], op.params["lhs_dilation"])]
    if not any(map(any, config)) and x.dtype == dtype:
        return x
    sizes = [n + lo + hi for n, (lo, hi, _) in zip(
        dilate(x.shape[1:-1], op.params["lhs_dilation"]), config)]
    out = op.scratch((x.shape[0], *(max(n, 0) for n in sizes), x.shape[-1]), dtype)
    with op.shared(x.shape[0]) as r:
        row = out.at(r)
        flat = row.seen((math.prod(row.shape),), (1,))
        with op.nest(flat.shape, "f") as f:
            flat.set(op.number(0, dtype), *f)
        op.copy(*spread(op, x.at(r), row, config))
    op.barrier()
    return out


def kernel_of(op: Op, w: Place, dtype: np.dtype, groups: int, columns: int) -> Factor:
    """The kernel (output features, space, features), its output features next to each other."""
    each, inner = w.shape[0] // groups, w.shape[1:]
    if w.view.strides[0] == 1 and each == columns and w.dtype == dtype:
        return Factor(w, each, positions(inner, w.view.strides[1:]))
    n = math.prod(inner)
    packed, kind = op.scratch((n, groups, columns), dtype), kernel_type(dtype)
    with op.shared(n) as r, op.loop(groups, "g") as g:
        row, where = packed.at(r, g), op.split(r, inner)
        column = w.moved(*range(1, len(w.shape)), 0).at(*where)
        with op.loop(each, "j") as j:
            row.set(f"{kind}({column(f'({g} * {op.w.size(each)} + {j})')})", j)
        with op.loop(columns - each, "j") as j:
            row.set(op.number(0, dtype), f"({op.w.size(each)} + {j})")
    op.barrier()
    return Factor(packed, columns, positions((n,), (groups * columns,)))


def row_table(op: Op, x: Place, batch: int, space: Sequence[int]) -> np.ndarray:
    """Where the windows start, in the first group."""
    strides = [s * t for s, t in zip(x.view.strides[1:-1], op.params["window_strides"])]
    return positions((batch, *space), (x.view.strides[0], *strides))


def tiles(op: Op, x: Factor, w: Factor, rows: np.ndarray, out: Place, each: int, columns: int,
          lanes: int, groups: int) -> None:
    """The products, tile by tile. The last tile of the rows begins early, to be a whole one."""
    dtype, n = w.place.dtype, len(rows)
    if not out.shape or not math.prod(out.shape):
        with op.shared(1):
            op.line("pass")
        return
    width = 2 if columns % (2 * lanes) == 0 else 1
    height = min(ACCUMULATORS // width, n)
    direct = out.view.strides[-1] == 1 and each == columns and out.dtype == dtype
    result = out if direct else op.scratch((n, groups, columns), dtype)
    steps = out.view.strides[:-1] if direct else (groups * columns,)
    sizes = out.shape[:-1] if direct else (n,)
    near = np.argsort(rows, kind="stable")  # rows of a tile read what lies near
    tables = [op.table(t) for t in (positions(sizes, steps)[near], rows[near], x.terms, w.terms)]
    out_rows, x_rows, x_terms, w_terms = (op.w.array(t.view.base) for t in tables)
    number = -(-n // height)
    with op.shared(groups * number) as r:
        g, tile = op.split(r, (groups, number), "t")
        row = op.let(f"min({tile} * {height}, {op.w.size(n - height)})")
        with op.loop(columns // (width * lanes), "b") as b:
            at = f"{b} * {width * lanes}"
            names = [op.w.array(p.view.base) for p in (result, x.place, w.place)]
            starts = [f"{start} + {g} * {op.w.size(step)}" for start, step in (
                (result.index(()), columns), (x.start(), x.group), (w.start(), w.group))]
            op.line(f"add_products({names[0]}, {starts[0]} + {at}, {out_rows}, {names[1]}, "
                    f"{starts[1]}, {x_rows}, {x_terms}, {names[2]}, {starts[2]} + {at}, {w_terms}, "
                    f"{row}, {op.w.size(len(x.terms))}, {height}, {width}, {lanes})")
    op.work = max(n * groups * columns * len(x.terms) // 16 // max(groups * number, 1), 1)
    if not direct:
        op.barrier()
        outer = [s * groups * columns for s in contiguous(out.shape[:-1])]
        apart = result.seen((*out.shape[:-1], groups, each), (*outer, columns, 1))
        op.copy_shared(apart, out.seen(apart.shape, (
            *out.view.strides[:-1], out.view.strides[-1] * each, out.view.strides[-1])))
