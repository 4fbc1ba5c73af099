"""vmap: one program for a whole batch. Each operation learns to carry one more dimension."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from functools import singledispatch
from typing import Any, NamedTuple

from minijax.api_util import (
    FlatFun,
    check_callable,
    describe_function,
    flatten_args,
)
from minijax.core import (
    Primitive,
    ShapedArray,
    Trace,
    Tracer,
    current_trace,
    interpreting,
    tracing,
    typeof,
)
from minijax.families import Axiswise, Elementwise, Reduction, broadcast_in_dim, transpose
from minijax.jaxpr import Jaxpr, derive, derived
from minijax.jvp import as_array
from minijax.mapped_axes import check_axes, input_axes, output_axes
from minijax.selection import Select
from minijax.source_info import name_of
from minijax.tree_util import tree_unflatten

# --- the interpreter -----------------------------------------------------------------------


class AxisData(NamedTuple):
    """The mapped axis: its size, and its name if it has one."""

    size: int
    name: Any = None


class BatchTracer(Tracer):
    """One element of a batch, to whoever looks at it; `value` is the whole batch, along `dim`."""

    __slots__ = ("value", "dim")

    def __init__(self, trace: Trace, value: Any, dim: int):
        super().__init__(trace, element(typeof(value), dim))
        self.value, self.dim = value, dim

    def __repr__(self) -> str:
        return f"VmapTracer(aval={self.aval}, batched={typeof(self.value)})"


class BatchTrace(Trace):
    """Do each operation for the whole batch at once, in `parent`."""

    def __init__(self, name: str, parent: Trace, axis: AxisData):
        super().__init__(name, parent)
        self.axis, self.axis_name, self.size, self.tag = axis, axis.name, axis.size, axis

    def unbox(self, x: Any) -> tuple[Any, int | None]:
        """The whole batch and its dimension. What is not my tracer is the same for all: None."""
        mine = isinstance(x, BatchTracer) and x._trace.tag is self.tag
        return (x.value, x.dim) if mine else (x, None)

    def process_primitive(self, prim: Primitive, args: Sequence[Any], params: dict) -> list[Any]:
        args, params = prim.stage(self, args, params)
        boxes = [self.unbox(x) for x in args]
        values, dims = [x for x, _ in boxes], [d for _, d in boxes]
        if all(d is None for d in dims) and not self.named_in(prim, params):
            return self.parent.process_primitive(prim, values, params)  # type: ignore[union-attr]
        with interpreting(self.parent):  # type: ignore[arg-type]
            outs, dims_out = batch(prim, self.axis, values, dims, **params)
        return [x if d is None else BatchTracer(self, x, d) for x, d in zip(outs, dims_out)]

    def named_in(self, prim: Primitive, params: dict) -> bool:
        return self.axis_name is not None and self.axis_name in prim.effects_of(params)


# --- the rules, one for each family ----------------------------------------------------------


@singledispatch
def batch(prim: Primitive, axis: AxisData, xs: Sequence[Any], dims: Sequence[int | None], /,
          **params: Any) -> tuple[Sequence[Any], Sequence[int | None]]:
    """The results for the whole batch and their batch dimensions, from those of the operands."""
    raise NotImplementedError(f"Batching rule for '{prim.name}' not implemented")


def move_to_front(x: Any, dim: int | None, size: int) -> Any:
    """The batch with its dimension in front; what is the same for all is repeated."""
    shape = typeof(x).shape
    if dim is None:
        return broadcast_in_dim(x, (size, *shape), range(1, len(shape) + 1))
    return move_axis(x, dim, 0)


def move_axis(x: Any, source: int, destination: int) -> Any:
    if source == destination:
        return x
    permutation = [i for i in range(typeof(x).ndim) if i != source]
    permutation.insert(destination, source)
    return transpose(x, permutation)


def align(x: Any, dim: int | None, rank: int) -> Any:
    """Give an operand `rank` axes after the batch dimension, so that it broadcasts; () stays."""
    shape = typeof(x).shape
    if dim is None:
        return broadcast_in_dim(x, (1, *shape), range(1, len(shape) + 1)) if shape else x
    x = move_axis(x, dim, 0)
    shape = typeof(x).shape
    return broadcast_in_dim(x, shape + (1,) * (rank + 1 - len(shape)), range(len(shape)))


def place(x: Any, dim: int | None, wanted: int | None, size: int) -> Any:
    """A result with its batch dimension where `out_axes` wants it."""
    if wanted is None:
        return x
    rank = typeof(x).ndim + (dim is None)
    if not -rank <= wanted < rank:
        raise ValueError(f"axis {wanted} is out of bounds for array of dimension {rank}")
    if dim is None:
        x, dim = move_to_front(x, None, size), 0
    return move_axis(x, dim, wanted % rank)


@batch.register
def _(prim: Elementwise, axis, xs, dims, /, **params):  # a param may be called `axis`, too
    shapes = [typeof(x).shape for x in xs]
    mapped = {(d, len(s)) for d, s in zip(dims, shapes) if d is not None}
    if len(mapped) == 1 and not any(s for d, s in zip(dims, shapes) if d is None):
        return [prim.bind(*xs, **params)], [mapped.pop()[0]]
    rank = max(len(s) - (d is not None) for d, s in zip(dims, shapes))
    return [prim.bind(*[align(x, d, rank) for x, d in zip(xs, dims)], **params)], [0]


@batch.register
def _(prim: Select, axis, xs, dims, /):
    which, *cases = xs
    if dims[0] is None and not typeof(which).shape:
        return [prim.bind(which, *[move_to_front(x, d, axis.size)
                                   for x, d in zip(cases, dims[1:])])], [0]
    which, *cases = [move_to_front(x, d, axis.size) for x, d in zip(xs, dims)]
    if typeof(which).ndim == 1:
        which = broadcast_in_dim(which, typeof(cases[0]).shape, (0,))
    return [prim.bind(which, *cases)], [0]


@batch.register
def _(prim: Axiswise, axis, xs, dims, /, **params):
    xs = [move_to_front(x, d, axis.size) for x, d in zip(xs, dims)]
    outs = prim.bind(*xs, **prim.shift(params, axis.size))
    outs = outs if prim.multiple_results else [outs]
    return outs, [0] * len(outs)


@batch.register
def _(prim: Reduction, axis, xs, dims, /, *, axes, **params):
    (x,), (dim,) = xs, dims
    out = prim.bind(x, axes=tuple(a + (a >= dim) for a in axes), **params)
    return [out], [dim - sum(a < dim for a in axes)]


# --- programs --------------------------------------------------------------------------------


def batch_flat(f: Callable, axis: AxisData, xs: Sequence[Any], dims: Sequence[int | None],
               name: str) -> tuple[list[Any], list[int | None]]:
    """`f`, a function of flat arguments, on batches: the results and their batch dimensions."""
    with tracing(BatchTrace(name, current_trace(), axis)) as trace:
        outs = f(*[x if d is None else BatchTracer(trace, x, d) for x, d in zip(xs, dims)])
        boxes = [trace.unbox(x) for x in outs]
    return [x for x, _ in boxes], [d for _, d in boxes]


@derived
def batch_jaxpr(jaxpr: Jaxpr, axis: AxisData, dims: tuple[int | None, ...],
                wanted: tuple[bool, ...] | None = None
                ) -> tuple[Jaxpr, tuple[int | None, ...]]:
    """(batched, dims_out). The outputs in `wanted` get a batch dimension in front in any case."""
    made: list[Any] = []

    def batched(*xs: Any) -> list[Any]:
        outs, dims_out = batch_flat(jaxpr, axis, xs, dims, "vmap")
        if wanted:
            outs = [move_to_front(x, d, axis.size) if w else x
                    for x, d, w in zip(outs, dims_out, wanted)]
            dims_out = [0 if w else d for d, w in zip(dims_out, wanted)]
        made[:] = dims_out
        return outs

    out = derive(batched, [widen(a, axis.size, d) for a, d in zip(jaxpr.in_avals, dims)], "vmap")
    return out, tuple(made)


def widen(aval: ShapedArray, size: int, dim: int | None) -> ShapedArray:
    if dim is None:
        return aval
    divided = aval.divided and aval.divided.within(dim)
    return aval.update(shape=(*aval.shape[:dim], size, *aval.shape[dim:]), divided=divided)


def element(aval: ShapedArray, dim: int) -> ShapedArray:
    divided = aval.divided and aval.divided.without(dim)
    return aval.update(shape=aval.shape[:dim] + aval.shape[dim + 1:], divided=divided)


# --- the transformation ----------------------------------------------------------------------


def vmap(fun: Callable, in_axes: Any = 0, out_axes: Any = 0, axis_name: Any = None,
         axis_size: int | None = None, spmd_axis_name: Any = None) -> Callable:
    """`fun` for every element along an axis of its arguments, in one pass over the batch.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.vmap(jnp.dot, in_axes=(0, None))(jnp.ones((2, 3)), jnp.arange(3.0))
    Array([3., 3.], dtype=float32)

    Args:
      in_axes: the axis to map, for each argument: an int, None (the same for all), or a pytree
        of them that is a prefix of the arguments. Keyword arguments are mapped along axis 0.
      out_axes: where the mapped axis goes in the results, likewise.
      axis_name: a name by which collectives such as `lax.psum` refer to the axis.
      axis_size: the size of the axis, needed where no argument is mapped.

    Raises:
      ValueError: sizes that differ, an axis that an argument does not have, a wrong prefix.
    """
    check_callable(fun)
    check_axes("in_axes", in_axes)
    check_axes("out_axes", out_axes)
    in_axes = tuple(in_axes) if isinstance(in_axes, list) else in_axes

    @functools.wraps(fun)
    def vmap_f(*args: Any, **kwargs: Any) -> Any:
        leaves, in_tree = flatten_args(args, kwargs)
        dims, size = input_axes(fun, in_axes, axis_size, args, kwargs, leaves, in_tree)
        flat = FlatFun(fun, in_tree, "vmap")
        outs, dims_out = batch_flat(flat, AxisData(size, axis_name), leaves, dims,
                                    describe_function(fun, "vmap"))
        wanted = output_axes(out_axes, flat.out_tree, outs, dims_out, axis_name)
        return tree_unflatten(flat.out_tree, [
            as_array(place(x, d, w, size)) for x, d, w in zip(outs, dims_out, wanted)])

    if fun.__doc__:
        vmap_f.__doc__ = (f"Vectorized version of {name_of(fun)}: it takes arguments with a mapped "
                          f"axis more.\n\nOriginal documentation:\n\n{fun.__doc__}")
    return vmap_f
