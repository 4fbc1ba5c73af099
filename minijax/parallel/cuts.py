"""How `jit` divides operations that cut, pick and fill up: along other dimensions, part by part.

A dimension that is cut is gathered before; and afterwards divided again, if its new size allows it.
"""

from __future__ import annotations

from minijax.core import Primitive
from minijax.lax.dynamic import DynamicSlice, DynamicUpdateSlice
from minijax.lax.indexing import Gather
from minijax.lax.slicing import Pad, Slice
from minijax.parallel.partition import common, partition

__all__: list[str] = []


@partition.register
def _(prim: Slice, where, e, ins):
    shape, p = e.invars[0].aval.shape, e.params
    cut = [i for i, n in enumerate(shape)
           if (p["start_indices"][i], p["limit_indices"][i], (p["strides"] or shape)[i])
           not in ((0, n, 1), (0, n, n) if p["strides"] is None else (0, n, 1))]
    x = where.gathered(ins[0], cut)
    limits = tuple(p["limit_indices"][i] if i in cut else n for i, n in enumerate(x.shape))
    return where.cut_again(e, where.bind(e, [x], x.layout, limit_indices=limits), ins[0].layout)


@partition.register
def _(prim: Pad, where, e, ins):
    filled = [i for i, amounts in enumerate(e.params["padding_config"]) if any(amounts)]
    x = where.gathered(ins[0], filled)
    return where.cut_again(e, where.bind(e, [x, ins[1]], x.layout), ins[0].layout)


@partition.register
def _(prim: DynamicSlice, where, e, ins):
    shape, sizes = e.invars[0].aval.shape, e.params["slice_sizes"]
    cut = [i for i, n in enumerate(shape) if sizes[i] != n]
    x = where.gathered(ins[0], cut)
    local = tuple(sizes[i] if i in cut else n for i, n in enumerate(x.shape))
    outs = where.bind(e, [x, *map(where.gathered, ins[1:])], x.layout, slice_sizes=local)
    return where.cut_again(e, outs, ins[0].layout)


@partition.register
def _(prim: DynamicUpdateSlice, where, e, ins):
    avals = [v.aval for v in e.invars]
    layout = common(where, avals[0].shape, ins[:2], avals[:2])
    within = tuple(axes if n == size else () for axes, n, size in zip(
        layout, avals[0].shape, avals[1].shape))
    args = [where.relaid(x, within) for x in ins[:2]]
    outs = where.bind(e, [*args, *map(where.gathered, ins[2:])], within)
    return where.cut_again(e, outs, layout)


@partition.register
def _(prim: Gather, where, e, ins):
    """Windows that are whole along a dimension are divided along it; and so are the indices."""
    numbers, sizes = e.params["dimension_numbers"], e.params["slice_sizes"]
    if numbers.operand_batching_dims:
        return partition.dispatch(Primitive)(prim, where, e, ins)
    shape, gone = e.invars[0].aval.shape, numbers.collapsed_slice_dims
    x = where.gathered(ins[0], [i for i, n in enumerate(shape) if sizes[i] != n or i in gone])
    used = {name for axes in x.layout for name in axes}
    *kept, _ = (() if used.intersection(axes) else axes for axes in ins[1].layout)
    indices = where.relaid(ins[1], (*kept, ()))
    window = dict(zip(numbers.offset_dims, [axes for i, axes in enumerate(x.layout)
                                            if i not in gone]))
    batch = iter(kept)
    layout = tuple(window[i] if i in window else next(batch)
                   for i in range(e.outvars[0].aval.ndim))
    local = tuple(x.shape[i] if axes else sizes[i] for i, axes in enumerate(x.layout))
    return where.bind(e, [x, indices], layout, slice_sizes=local)
