"""Reductions over windows, as reductions along axes of a view.

All windows of an array side by side are a view of it: one axis that steps from window to window and
one that steps within them, for each axis that it has. Elements that are in several windows are seen
several times. Where there is padding, the array is padded first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minijax.compiler.plan import Planner, rewriting
from minijax.compiler.views import View
from minijax.core import ShapedArray
from minijax.families import reduce_sum_p
from minijax.jaxpr import Atom, JaxprEqn, Literal, Var
from minijax.lax.conv_shapes import dilate
from minijax.lax.folds import reduce_p
from minijax.lax.pooling import pad_config
from minijax.lax.reducing import reduce_max_p, reduce_min_p
from minijax.lax.slicing import pad_p, padded_shape

REDUCTIONS = {"reduce_window_sum": reduce_sum_p, "reduce_window_max": reduce_max_p,
              "reduce_window_min": reduce_min_p}


@rewriting(*REDUCTIONS, "reduce_window")
def _(planner: Planner, e: JaxprEqn) -> JaxprEqn:
    pads, operands = padding(e)
    for pad in pads:
        planner.add(pad)
    seen = [windows(planner.view(x), e) for x in operands]
    return reduction(e, planner.named([view for view, _ in seen]), seen[0][1])


def padding(e: JaxprEqn) -> tuple[list[JaxprEqn], list[Atom]]:
    """The equations that pad the operands, and what stands for these then."""
    n, config = len(e.outvars), tuple(pad_config(e.params))
    operands = list(e.invars[:n])
    if not any(map(any, config)):
        return [], operands
    wide = [Var(ShapedArray(padded_shape(x.aval.shape, config), x.aval.dtype)) for x in operands]
    starts = e.invars[n:] or [identity(e)]
    return [JaxprEqn(pad_p, [x, start], {"padding_config": config}, [v], e.line)
            for x, start, v in zip(operands, starts, wide)], [*wide]


def identity(e: JaxprEqn) -> Literal:
    dtype: np.dtype = e.invars[0].aval.dtype
    of_dtype: Any = vars(e.primitive)["identity"]
    return Literal(np.asarray(of_dtype(dtype)), ShapedArray((), dtype))


def windows(view: View, e: JaxprEqn) -> tuple[View, tuple[int, ...]]:
    """The windows of an operand, and the axes within them: before the last along which they move.

    So the elements of one row of the result are worked on together.
    """
    sizes, steps, apart = (e.params[f"window_{what}"] for what in (
        "dimensions", "strides", "dilation"))
    last = max((i for i, n in enumerate(sizes) if n > 1), default=0)
    outer = [*zip(counts(view.shape, e), (s * t for s, t in zip(view.strides, steps)))]
    inner = [*zip(sizes, (s * d for s, d in zip(view.strides, apart)))]
    axes = [*outer[:last], *inner, *outer[last:]]
    seen = View(view.base, tuple(n for n, _ in axes), tuple(s for _, s in axes), view.offset)
    return seen, tuple(range(last, last + len(sizes)))


def counts(shape: Sequence[int], e: JaxprEqn) -> list[int]:
    """How many windows there are along each axis."""
    p = e.params
    spans = dilate(p["window_dimensions"], p["window_dilation"])
    return [max(0, (n - span) // step + 1)
            for n, span, step in zip(shape, spans, p["window_strides"])]


def reduction(e: JaxprEqn, operands: Sequence[Atom], axes: tuple[int, ...]) -> JaxprEqn:
    """The equation on the windows."""
    params: dict[str, Any] = {"axes": axes}
    prim = REDUCTIONS.get(e.primitive.name, reduce_p)
    if prim is reduce_p:
        params = {"jaxpr": e.params["jaxpr"], "dimensions": axes}
    return JaxprEqn(prim, [*operands, *e.invars[len(operands):]], params, e.outvars, e.line)
