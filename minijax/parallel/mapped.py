"""The operation `shard_map`: one program, run by all devices of a mesh, each on its part.

An operand has a leading dimension for each axis of the mesh: of the axis's size, with a part for
each device, or of size 1, where all have the same. Results likewise. An operand without leading
dimensions is the same for all. So types say how operands are divided, and the rules are those of
`jit`'s operation: derive a program, bind it again. While they do that, the axes are in scope.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from typing import Any

from minijax.batching import AxisData, batch, batch_jaxpr, move_axis
from minijax.core import ShapedArray, Trace, current_trace, interpreting, to_numpy, typeof
from minijax.families import broadcast_in_dim, reduce_sum
from minijax.jaxpr import Jaxpr, derived
from minijax.jit import Call
from minijax.lax.all_reduce import psum_p
from minijax.lax.collectives import here
from minijax.lax.varying import pvary_p
from minijax.parallel.context import concrete, context_mesh
from minijax.parallel.engine import engine
from minijax.parallel.meshes import AbstractMesh, AxisType, BaseMesh, Mesh, PartitionSpec
from minijax.parallel.shardings import NamedSharding

__all__ = ["AxisTrace", "ShardMap", "axes_in_scope", "axis_traces", "get_abstract_mesh",
           "mesh_in_scope", "shard_map_p"]


class AxisTrace(Trace):
    """Knows a named axis. What is asked for is done by the parent."""

    def __init__(self, name: Any, mesh: Any, tracked: bool):
        super().__init__("shard_map", current_trace())
        self.axis_name, self.mesh, self.tracked = name, mesh, tracked
        self.size = mesh.shape[name]

    def process_primitive(self, prim, args, params):
        return self.parent.process_primitive(prim, args, params)

    def vary(self, x, vma):
        order = [n for n in typeof(x).vma | vma if (n in vma) != (n in typeof(x).vma)]
        less = tuple(sorted(n for n in order if n not in vma))
        more = tuple(sorted(n for n in order if n in vma))
        x = psum_p.bind(x, axes=less, axis_index_groups=None) if less else x
        return pvary_p.bind(x, axes=more) if more else x


@contextlib.contextmanager
def axes_in_scope(mesh: BaseMesh, axes: Sequence[Any], check_vma: bool) -> Iterator[None]:
    """In this block the axes have names. With `check_vma`, types say what varies over them."""
    with contextlib.ExitStack() as stack:
        for name in axes:
            stack.enter_context(interpreting(AxisTrace(name, mesh, check_vma)))
        yield


def axis_traces() -> list[AxisTrace]:
    """Those that know the axes in scope, innermost first."""
    trace, found = current_trace(), []
    while trace is not None:
        found += [trace] if isinstance(trace, AxisTrace) else []
        trace = trace.parent  # type: ignore[assignment]
    return found


def mesh_in_scope() -> Mesh:
    """The mesh of the function that is being traced, or of the context."""
    traces = axis_traces()
    return traces[0].mesh if traces else concrete(context_mesh())


def get_abstract_mesh() -> AbstractMesh:
    """The mesh of the context, without its devices. Inside of `shard_map`, its axes are `Manual`.

    >>> import minijax as jax
    >>> with jax.set_mesh(jax.make_mesh((1,), ("x",))):
    ...     jax.sharding.get_abstract_mesh().shape_tuple
    (('x', 1),)
    """
    traces = axis_traces()
    mesh = (traces[0].mesh if traces else context_mesh()).abstract_mesh
    return mesh.update_axis_types({t.axis_name: AxisType.Manual for t in traces})


class ShardMap(Call):
    """Run one program on all devices along `axes` of a mesh."""

    def scope(self, params: dict) -> Any:
        return axes_in_scope(params["mesh"], params["axes"], params["check_vma"])

    def evaluate(self, args, params):
        mesh, axes = params["mesh"], params["axes"]
        outs = self.impl(*map(to_numpy, args), **params)
        avals = self.abstract_eval(*map(typeof, args), **params)
        specs = [PartitionSpec(*(n if size == mesh.shape[n] else None
                                 for n, size in zip(axes, a.shape))) for a in avals]
        return [NamedSharding(mesh, spec).array(x, a) for x, a, spec in zip(outs, avals, specs)]

    def impl(self, *args, jaxpr, name, mesh, axes, check_vma):
        numbers, sizes = along_axes(mesh, axes)
        leading = leading_sizes(jaxpr, sizes, check_vma)
        if here.meeting is not None:  # inside of another one, this device does all the work
            return on_one_device(jaxpr, sizes, args, leading)
        return engine().run(jaxpr, name, sizes, numbers, args, leading)

    def abstract_eval(self, *avals, jaxpr, mesh, axes, check_vma, **params):
        sizes = [mesh.shape[n] for n in axes]
        for given, want in zip(avals, jaxpr.in_avals, strict=True):
            if (given.shape, given.dtype) == (want.shape, want.dtype):
                continue
            lead, shape = given.shape[:len(axes)], given.shape[len(axes):]
            fits = all(n in (1, size) for n, size in zip(lead, sizes))
            if not fits or (shape, given.dtype) != (want.shape, want.dtype):
                raise TypeError(f"shard_map over axes of sizes {sizes}, of a program that takes "
                                f"{jaxpr.in_avals}, got {list(avals)}")
        leading = leading_sizes(jaxpr, along_axes(mesh, axes)[1], check_vma)
        return [a.update(shape=(*lead, *a.shape), vma=a.vma - set(axes))
                for lead, a in zip(leading, jaxpr.out_avals)]

    def effects_of(self, params):
        return params["jaxpr"].effects - set(params["axes"])

    def jvp(self, primals, tangents, **params):
        with self.scope(params):
            return super().jvp(primals, tangents, **params)

    def linearize(self, active, *xs, **params):
        with self.scope(params):
            return super().linearize(active, *xs, **params)

    def split(self, unknown, args, params):
        with self.scope(params):
            return super().split(unknown, args, params)

    def transpose(self, cts, *args, **params):
        with self.scope(params):
            found = super().transpose(cts, *args, **params)
        return [ct if ct is None else summed_to(ct, x.aval, len(params["axes"]))
                for x, ct in zip(args, found)]


shard_map_p = ShardMap("shard_map")


@functools.lru_cache(256)
def along_axes(mesh: Mesh, axes: tuple) -> tuple[tuple[int, ...], tuple[tuple[Any, int], ...]]:
    """The numbers of the devices along these axes of the mesh, the first along others; the axes
    with their sizes."""
    one = tuple(slice(None) if n in axes else 0 for n in mesh.axis_names)
    return (tuple(d.id for d in mesh.devices[one].flat),
            tuple((n, mesh.shape[n]) for n in axes))


@derived
def leading_sizes(jaxpr: Jaxpr, axes: tuple[tuple[Any, int], ...], check_vma: bool
                  ) -> tuple[tuple[int, ...], ...]:
    """The leading dimensions of results: what does not vary along an axis is there once."""
    return tuple(tuple(1 if check_vma and n not in a.vma else size for n, size in axes)
                 for a in jaxpr.out_avals)


def summed_to(ct: Any, aval: ShapedArray, rank: int) -> Any:
    """The cotangent of an operand that is the same for all along some of `rank` axes."""
    if aval.ndim < typeof(ct).ndim:
        return reduce_sum(ct, tuple(range(rank)))
    over = tuple(i for i in range(rank) if aval.shape[i] < typeof(ct).shape[i])
    if not over:
        return ct
    kept = [i for i in range(aval.ndim) if i not in over]
    return broadcast_in_dim(reduce_sum(ct, over), aval.shape, kept)


@batch.register
def _(prim: ShardMap, axis, xs, dims, /, *, jaxpr, axes, **params):
    k = len(axes)
    leads = [k * (typeof(x).ndim - (d is not None) > a.ndim)
             for x, d, a in zip(xs, dims, jaxpr.in_avals)]
    xs = [x if d is None or d >= n else move_axis(x, d, n) for x, d, n in zip(xs, dims, leads)]
    inner = tuple(d if d is None else max(d - n, 0) for d, n in zip(dims, leads))
    if axis.name in axes:  # inside, this name is another axis
        axis = AxisData(axis.size)
    with prim.scope({"axes": axes, **params}):
        batched, dims_out = batch_jaxpr(jaxpr, axis, inner)
    outs = prim.bind(*xs, jaxpr=batched, axes=axes, **params)
    return outs, [None if d is None else d + k for d in dims_out]


def on_one_device(jaxpr: Jaxpr, axes: Sequence[tuple[Any, int]], args: Sequence[Any],
                  leading: Sequence[tuple[int, ...]]) -> list[Any]:
    """The results, where one device has the parts of all: `vmap` along each axis."""
    args = [x if x.ndim > a.ndim else x.reshape((1,) * len(axes) + x.shape)
            for x, a in zip(args, jaxpr.in_avals)]
    for i, (name, size) in reversed(list(enumerate(axes))):
        dims = tuple(0 if x.shape[i] == size else None for x in args)
        args = [x if d == 0 else x.squeeze(i) for x, d in zip(args, dims)]
        jaxpr, _ = batch_jaxpr(jaxpr, AxisData(size, name), dims, (True,) * len(jaxpr.outvars))
    outs = Call.impl(shard_map_p, *args, jaxpr=jaxpr)
    return [x[tuple(slice(n) for n in lead)] for x, lead in zip(outs, leading)]
