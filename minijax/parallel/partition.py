"""A program of whole arrays as the program of one device: how `jit` divides work.

Every value of the program gets a layout: for each dimension, the axes of the mesh it is divided
along. The arguments have one; each operation hands it on. What is elementwise is done part by part.
A sum over a divided dimension is a sum of parts, and then one over the devices. So it is with
matrix products. Where an operation does not know what to do with parts, the whole is gathered on
every device, and `whole` tells so.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import singledispatch
from typing import Any, NamedTuple

from minijax.compiler.flatten import called
from minijax.core import Primitive, ShapedArray, current_trace, typeof
from minijax.families import (
    BroadcastInDim,
    Elementwise,
    Reduction,
    Reshape,
    Transpose,
    broadcast_in_dim,
    reduce_sum_p,
    reshape,
    transpose,
)
from minijax.jaxpr import Jaxpr, JaxprEqn, Literal
from minijax.lax.all_reduce import pmax_p, pmin_p, psum_p
from minijax.lax.collectives import axis_index
from minijax.lax.contraction import DotGeneral, free_axes
from minijax.lax.dynamic import dynamic_slice_in_dim
from minijax.lax.exchanges import all_gather
from minijax.lax.joining import Stack
from minijax.lax.reducing import reduce_max_p, reduce_min_p
from minijax.lax.shaping import Squeeze
from minijax.parallel.constraint import Constraint
from minijax.parallel.mapped import ShardMap
from minijax.parallel.meshes import BaseMesh
from minijax.parallel.shardings import check_devices
from minijax.selection import Select

__all__ = ["Layout", "Part", "Partition", "common", "partition"]

Layout = tuple[tuple, ...]  # for each dimension, names of axes
OVER_DEVICES = {reduce_sum_p: psum_p, reduce_max_p: pmax_p, reduce_min_p: pmin_p}
# Operations that work along some dimensions, which these params name, and for others part by part.
ALONG = {"argmax": "axes", "argmin": "axes", "concatenate": "dimension", "cumlogsumexp": "axis",
         "cummax": "axis", "cummin": "axis", "cumprod": "axis", "cumsum": "axis",
         "rev": "dimensions", "sort": "dimension", "split": "axis", "top_k": "axis"}


class Part(NamedTuple):
    """What a device has of a value."""

    value: Any
    layout: Layout

    @property
    def shape(self) -> tuple[int, ...]:
        return typeof(self.value).shape


class Partition:
    """Runs a program on parts of its arguments."""

    def __init__(self, mesh: BaseMesh):
        self.mesh, self.whole = mesh, False

    def run(self, jaxpr: Jaxpr, args: Sequence[Part]) -> list[Part]:
        env: dict[Any, Part] = dict(zip(jaxpr.invars, args))
        env |= {v: all_of(x) for v, x in zip(jaxpr.constvars, jaxpr.consts)}

        def read(atom: Any) -> Part:
            return all_of(atom.val) if isinstance(atom, Literal) else env[atom]

        for e in jaxpr.eqns:
            ins, inner = [read(x) for x in e.invars], called(e)
            outs = self.run(inner, ins) if inner is not None else partition(e.primitive, self, e,
                                                                            ins)
            env.update(zip(e.outvars, outs))
        return [read(x) for x in jaxpr.outvars]

    def count(self, names: Sequence[Any]) -> int:
        return self.mesh.count(names)

    def fits(self, shape: Sequence[int], layout: Layout) -> Layout:
        """The layout, without what cannot be divided, and each axis once."""
        used: set = set()
        out = []
        for n, names in zip(shape, layout):
            good = not used.intersection(names) and n % self.count(names) == 0
            out.append(tuple(names) if good else ())
            used.update(out[-1])
        return tuple(out)

    def relaid(self, x: Part, layout: Layout) -> Part:
        """The same value in another layout: gathered, then cut."""
        value = x.value
        for dim, (have, want) in enumerate(zip(x.layout, layout)):
            if have != want and have:
                value = all_gather(value, have, axis=dim, tiled=True)
        for dim, (have, want) in enumerate(zip(x.layout, layout)):
            if have != want and want:
                size = typeof(value).shape[dim] // self.count(want)
                value = dynamic_slice_in_dim(value, axis_index(want) * size, size, dim)
        return Part(value, tuple(layout))

    def gathered(self, x: Part, dims: Sequence[int] | None = None) -> Part:
        """The value with these dimensions undivided; by default all."""
        return self.relaid(x, tuple(() if dims is None or i in dims else names
                                    for i, names in enumerate(x.layout)))

    def cut_again(self, e: JaxprEqn, outs: Sequence[Part], layout: Layout) -> list[Part]:
        """Results in the layout of an operand, as far as their own sizes allow it."""
        return [self.relaid(x, self.fits(v.aval.shape, layout)) for x, v in zip(outs, e.outvars)]

    def bind(self, e: JaxprEqn, ins: Sequence[Part], layout: Layout, **changes: Any) -> list[Part]:
        outs = e.primitive.bind(*[x.value for x in ins], **{**e.params, **changes})
        return [Part(x, layout) for x in (outs if e.primitive.multiple_results else [outs])]


def all_of(x: Any) -> Part:
    """What every device has."""
    return Part(x, ((),) * typeof(x).ndim)


# --- the rules, one for each family --------------------------------------------------------------


@singledispatch
def partition(prim: Primitive, where: Partition, e: JaxprEqn, ins: Sequence[Part]) -> list[Part]:
    """The parts of the results, from those of the operands.

    The whole is computed. A result is then divided like an operand of its shape; or like the
    first, as far as it fits; or, as with keys and their bits, like one that begins like it.
    """
    if prim.name in ALONG:
        return along(where, e, ins)
    where.whole |= any(any(x.layout) for x in ins) or bool(e.effects)
    args = [where.gathered(x).value for x in ins]
    outs = current_trace().process_primitive(prim, args, e.params)
    layouts = [(x.aval.shape, part.layout) for x, part in zip(e.invars, ins) if any(part.layout)]
    return [where.relaid(all_of(x), where.fits(v.aval.shape, like(v.aval.shape, layouts)))
            for x, v in zip(outs, e.outvars)]


def like(shape: tuple[int, ...], layouts: Sequence[tuple]) -> Layout:
    """The layout of the operand that is most like a result of this shape."""
    for n in (len(shape), 0):  # all sizes are the same; or the rank is
        for given, layout in layouts:
            if len(given) == len(shape) and given[:n] == shape[:n]:
                return layout
    for given, layout in layouts:
        if all(m == n for m, n in zip(given, shape)):
            return (*layout[:len(shape)], *[()] * (len(shape) - len(given)))
    return ((),) * len(shape)


def common(where: Partition, shape: Sequence[int], ins: Sequence[Part], avals: Sequence[ShapedArray]
           ) -> Layout:
    """The layout of a result of this shape: in each dimension, of the first operand divided."""
    rank = len(shape)
    full = [(x, a) for x, a in zip(ins, avals) if a.ndim == rank]
    return where.fits(shape, tuple(next(
        (x.layout[i] for x, a in full if x.layout[i] and a.shape[i] == shape[i]), ())
        for i in range(rank)))


@partition.register
def _(prim: Elementwise, where, e, ins):
    avals = [x.aval for x in e.invars]
    layout = common(where, e.outvars[0].aval.shape, ins, avals)
    shape = e.outvars[0].aval.shape
    args = [where.relaid(x, tuple(names if a.shape[i] == shape[i] else ()
                                  for i, names in enumerate(layout))) if a.ndim else x
            for x, a in zip(ins, avals)]
    return where.bind(e, args, layout)


partition.register(Select, partition.dispatch(Elementwise))


def along(where: Partition, e: JaxprEqn, ins: Sequence[Part]) -> list[Part]:
    """Dimensions along which the operation works are gathered, and cut again afterwards."""
    dims = e.params[ALONG[e.primitive.name]]
    dims = dims if isinstance(dims, tuple) else (dims,)
    wanted = tuple(next((x.layout[i] for x in ins if x.layout[i]), ())
                   for i in range(len(ins[0].layout)))
    layout = tuple(() if i in dims else names for i, names in enumerate(wanted))
    layout = where.fits(e.invars[0].aval.shape, layout)
    args = [where.relaid(x, layout) for x in ins]
    if e.outvars[0].aval.ndim < len(layout):
        return where.bind(e, args, tuple(n for i, n in enumerate(layout) if i not in dims))
    return where.cut_again(e, where.bind(e, args, layout), wanted)


@partition.register
def _(prim: Stack, where, e, ins):
    axis, avals = e.params["axis"], [x.aval for x in e.invars]
    layout = common(where, avals[0].shape, ins, avals)
    args = [where.relaid(x, layout) for x in ins]
    return where.bind(e, args, (*layout[:axis], (), *layout[axis:]))


@partition.register
def _(prim: Reduction, where, e, ins):
    (x,), axes = ins, e.params["axes"]
    over = [n for a in axes for n in x.layout[a]]
    if over and prim not in OVER_DEVICES:
        x, over = where.gathered(x, axes), []
    kept = tuple(names for i, names in enumerate(x.layout) if i not in axes)
    (out,) = where.bind(e, [x], kept)
    if over:
        out = Part(OVER_DEVICES[prim].bind(out.value, axes=tuple(over), axis_index_groups=None),
                   kept)
    return [out]


@partition.register
def _(prim: BroadcastInDim, where, e, ins):
    (x,), shape, dims = ins, e.params["shape"], e.params["broadcast_dimensions"]
    given = e.invars[0].aval.shape
    layout: list[tuple] = [()] * len(shape)
    for i, d in enumerate(dims):
        layout[d] = x.layout[i] if given[i] == shape[d] else ()
    x = where.relaid(x, tuple(layout[d] for d in dims))
    local = tuple(n // where.count(names) for n, names in zip(shape, layout))
    return [Part(broadcast_in_dim(x.value, local, dims), tuple(layout))]


@partition.register
def _(prim: Transpose, where, e, ins):
    return where.bind(e, ins, tuple(ins[0].layout[i] for i in e.params["permutation"]))


@partition.register
def _(prim: Squeeze, where, e, ins):
    dims = e.params["dimensions"]
    x = where.gathered(ins[0], dims)
    return where.bind(e, [x], tuple(n for i, n in enumerate(x.layout) if i not in dims))


@partition.register
def _(prim: Reshape, where, e, ins):
    (x,), before, after = ins, e.invars[0].aval.shape, e.params["new_sizes"]
    if order := e.params["dimensions"]:
        before = tuple(before[i] for i in order)
        x = Part(transpose(x.value, order), tuple(x.layout[i] for i in order))
    kept, layout = reshaped(before, x.layout, after, where.mesh.shape)
    local = tuple(n // where.count(names) for n, names in zip(after, layout))
    out = Part(reshape(where.relaid(x, kept).value, local), layout)
    if kept != x.layout and where.mesh.are_all_axes_explicit:  # as the user has been told
        out = where.relaid(out, merged(before, x.layout, after) or layout)
    return [out]


def merged(before: Sequence[int], layout: Layout, after: Sequence[int]) -> Layout | None:
    """The layout, if neighbours become one dimension: it is divided along the axes of them all.

    >>> merged((8, 6), (("x",), ("y",)), (48,))
    (('x', 'y'),)
    """
    more = len(before) - len(after)
    for i in range(len(after) if more > 0 else 0):
        end = i + more + 1
        if (*before[:i], math.prod(before[i:end]), *before[end:]) == tuple(after):
            names = sorted(layout[i:end], key=lambda names: not names)  # those that are divided
            if names == [*layout[i:end]]:
                return (*layout[:i], tuple(itertools.chain(*names)), *layout[end:])
    return None


def reshaped(before: Sequence[int], layout: Layout, after: Sequence[int], sizes: dict
             ) -> tuple[Layout, Layout]:
    """How an array can be divided before and after a reshape that each device does for itself.

    >>> reshaped((8, 6), (("x",), ("y",)), (4, 2, 6), {"x": 4, "y": 2})
    ((('x',), ('y',)), (('x',), (), ('y',)))
    >>> reshaped((8, 6), (("x",), ("y",)), (48,), {"x": 4, "y": 2})
    ((('x',), ()), (('x',),))
    """
    if not math.prod(before):
        return ((),) * len(before), ((),) * len(after)
    kept = list(layout)
    while isinstance(found := matched(before, kept, after, sizes), int):
        kept[found] = ()
    return tuple(kept), found


def matched(before: Sequence[int], layout: Sequence[tuple], after: Sequence[int], sizes: dict
            ) -> Layout | int:
    """The layout of the result; or which dimension cannot stay divided.

    A dimension is a product: of the sizes of its axes, and of what is left. So is the whole shape,
    and each new dimension takes factors from the left: first axes, then what is not divided.
    """
    factors: list[list] = []  # [size, name of the axis, dimension]
    for dim, (n, names) in enumerate(zip(before, layout)):
        factors += [[sizes[a], a, dim] for a in names]
        plain = n // math.prod(sizes[a] for a in names)
        if factors and factors[-1][1] is None:
            factors[-1][0] *= plain
        else:
            factors.append([plain, None, dim])
    out = []
    for rest in after:
        mine: list = []
        whole = True  # no part of it has been taken that is not divided
        while rest > 1 or factors and factors[0][0] == 1:
            size, name, dim = factors[0]
            if name is None and rest % size and size % rest or (
                    name is not None and (rest % size or not whole)):
                return next(d for _, n, d in factors if n is not None)
            if name is None and rest < size:
                factors[0][0], rest = size // rest, 1
                break
            factors.pop(0)
            rest //= size
            mine += [name] if name is not None else []
            whole = whole and (name is not None or size == 1)
        out.append(tuple(mine))
    return tuple(out)


@partition.register
def _(prim: DotGeneral, where, e, ins):
    lhs, rhs = ins
    (lc, rc), (lb, rb) = e.params["dimension_numbers"]
    lf, rf = (free_axes(len(x.layout), c, b) for x, c, b in ((lhs, lc, lb), (rhs, rc, rb)))
    shape = e.outvars[0].aval.shape
    layout = where.fits(shape, (
        *(lhs.layout[i] or rhs.layout[j] for i, j in zip(lb, rb)),
        *(lhs.layout[i] for i in lf), *(rhs.layout[j] for j in rf)))
    used = {n for names in layout for n in names}
    inner = [tuple(n for n in lhs.layout[i] or rhs.layout[j]) for i, j in zip(lc, rc)]
    inner = [() if used.intersection(names) else names for names in inner]
    over = tuple(n for names in inner for n in names)
    left = dict(zip([*lb, *lf, *lc], [*layout[:len(lb) + len(lf)], *inner]))
    right = dict(zip([*rb, *rf, *rc], [*layout[:len(rb)], *layout[len(lb) + len(lf):], *inner]))
    (out,) = where.bind(e, [where.relaid(x, tuple(want[i] for i in range(len(x.layout))))
                            for x, want in ((lhs, left), (rhs, right))], layout)
    return [out if not over else
            Part(psum_p.bind(out.value, axes=over, axis_index_groups=None), layout)]


@partition.register
def _(prim: Constraint, where, e, ins):
    """Axes of another mesh of the same devices are unknown here: then all have the whole."""
    sharding, rank = e.params["sharding"], len(ins[0].layout)
    if sharding.devices:
        check_devices("with_sharding_constraint", where.mesh.devices.flat, [sharding])
    mesh = getattr(sharding, "mesh", None)
    same = mesh is not None and mesh.abstract_mesh == where.mesh.abstract_mesh
    layout = tuple(() if not same else ins[0].layout[i] if sharding.spec.is_open(i) else
                   sharding.spec.names(i) for i in range(rank))
    return [where.relaid(ins[0], where.fits(e.invars[0].aval.shape, layout))]


@partition.register
def _(prim: ShardMap, where, e, ins):
    """Each device has what it needs, if the mesh is the same: its program goes on in this one."""
    axes, jaxpr = e.params["axes"], e.params["jaxpr"]
    if e.params["mesh"] != where.mesh or axes != where.mesh.axis_names:
        return partition.dispatch(Primitive)(prim, where, e, ins)
    args = [where.gathered(x) if v.aval.ndim == a.ndim else where.relaid(x, tuple(
        (axes[i],) if i < len(axes) and n > 1 else () for i, n in enumerate(v.aval.shape)))
        for x, v, a in zip(ins, e.invars, jaxpr.in_avals)]
    outs = jaxpr(*[reshape(x.value, a.shape) for x, a in zip(args, jaxpr.in_avals)])
    return [Part(reshape(x, (*[1] * len(axes), *typeof(x).shape)), tuple(
        (axes[i],) if i < len(axes) and n > 1 else () for i, n in enumerate(v.aval.shape)))
        for x, v in zip(outs, e.outvars)]
