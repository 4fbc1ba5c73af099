"""The element that max-pooling selects in each window: to gather from, or to scatter to."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence

import numpy as np

from minijax import dtypes
from minijax.compiler.expressions import NARROW, kernel_type
from minijax.compiler.lowering import Op, Place, lowering, only
from minijax.jaxpr import JaxprEqn
from minijax.lax.reducing import highest, lowest


def is_ordered(e: JaxprEqn) -> bool:
    return dtypes.kind(e.invars[1].aval.dtype) in "biuf"


@contextlib.contextmanager
def inside(op: Op, window: Sequence[str], offset: Sequence[str], shape: Sequence[int]
           ) -> Iterator[list[str]]:
    """A block for an element of a window, if it is no padding: its indices."""
    p, ones, tests, index = op.params, (1,) * len(shape), [], []
    for o, w, n, stride, padding, apart, base in zip(
            window, offset, shape, p["window_strides"], p["padding"],
            p.get("window_dilation", ones), p.get("base_dilation", ones)):
        at = op.let(f"{o} * {op.w.size(stride)} + {w} * {op.w.size(apart)} - "
                    f"{op.w.size(padding[0])}")
        if base > 1:
            tests.append(f"{at} % {op.w.size(base)} == 0")
            at = f"({at} // {op.w.size(base)})"
        if padding != (0, 0) or base > 1:
            tests.append(f"0 <= {at} < {op.w.size(n)}")
        index.append(at)
    with op.w.block(f"if {' and '.join(tests) or 'True'}:"):
        yield index


def select(op: Op, x: Place, target: Place, window: Sequence[str]) -> None:
    """Leave in `place` where in `target` the selected element of a window is; -1: in the padding.

    That element is selected which has the relation to all that come after it.
    """
    greatest = op.params["select_prim"].name == "ge"
    kind, sign = kernel_type(x.dtype), ">=" if greatest else "<="
    edge = op.number((lowest if greatest else highest)(x.dtype), x.dtype)
    op.line(f"place, first, best = -1, True, {edge}")
    with op.nest(op.params["window_dimensions"], "w") as offset:
        op.line(f"value, here = {edge}, -1")
        with inside(op, window, offset, x.shape) as index:
            op.line(f"value, here = {kind}({x(*index)}), {target.index(index)}")
        with op.w.block(f"if first or not (best {sign} value):"):
            op.line("place, first, best = here, False, value")


@lowering("select_and_gather_add", unless=only(is_ordered))
def _(op: Op) -> None:
    tangents, x, out = *op.ins, op.outs[0]
    with op.shared(math.prod(out.shape)) as r:
        window = op.split(r, out.shape)
        select(op, x, tangents, window)
        out.set(f"{tangents.element('place')} if place >= 0 else {op.number(0, out.dtype)}",
                *window)


@lowering("select_and_scatter_add", unless=only(is_ordered))
def _(op: Op) -> None:
    """Threads share the first axis, if no window reaches over from one index to another."""
    source, x, out = *op.ins, op.outs[0]
    sums = op.scratch(out.shape, np.dtype("float32")) if out.dtype.name in NARROW else out
    p, first = op.params, []
    apart = bool(x.shape) and (p["window_dimensions"][0], p["window_strides"][0],
                               p["padding"][0]) == (1, 1, (0, 0))
    with op.shared(x.shape[0] if apart else 1) as r:
        first = [r] if apart else []
        part = sums.at(*first)
        with op.nest(part.shape, "f") as f:
            part.set(op.number(0, sums.dtype), *f)
        with op.nest(source.shape[len(first):], "o") as others:
            window = [*first, *others]
            select(op, x, sums, window)
            with op.w.block("if place >= 0:"):
                total = f"{sums.element('place')} + {source(*window)}"
                op.line(f"{sums.element('place')} = {kernel_type(sums.dtype)}({total})")
        if sums is not out:
            op.copy(part, out.at(*first))
