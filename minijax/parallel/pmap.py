"""pmap: one program, run by several devices at once, each on its part of the arguments.

The operation `pmap` holds a program with a named axis. An operand with one dimension more than the
program's input has a row for each device; one of the same rank is the same for all. Every result
has a row for each device. So the operands' types say how they are mapped, and the rules are those
of `jit`'s operation: derive a program, bind it again. While they do that, the axis is in scope.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from minijax.api_util import check_callable, flatten_args, positions
from minijax.batching import AxisData, batch, batch_jaxpr, move_axis, place
from minijax.core import ArrayImpl, Trace, current_trace, interpreting, to_numpy, typeof
from minijax.devices import Device, local_devices
from minijax.donation import give_up
from minijax.families import reduce_sum
from minijax.fast_path import Shortened
from minijax.jit import Call, jit, programs_of, split_static, traced
from minijax.jvp import as_array
from minijax.lax.collectives import here
from minijax.lax.slicing import index_in_dim
from minijax.make_jaxpr import abstract
from minijax.mapped_axes import check_axes, input_axes
from minijax.parallel.engine import engine
from minijax.parallel.shardings import PmapSharding
from minijax.source_info import name_of
from minijax.tree_util import flatten_axes, tree_structure, tree_unflatten

__all__ = ["pmap", "pmap_p"]


class AxisTrace(Trace):
    """Knows a named axis. What is asked for is done by the parent."""

    def __init__(self, axis: AxisData):
        super().__init__("pmap", current_trace())
        self.axis_name, self.size = axis.name, axis.size

    def process_primitive(self, prim, args, params):
        return self.parent.process_primitive(prim, args, params)


# --- the operation -------------------------------------------------------------------------------


class PMap(Call):
    """Run one program on `axis_size` devices."""

    def scope(self, params: dict) -> Any:
        return interpreting(AxisTrace(AxisData(params["axis_size"], params["axis_name"])))

    def evaluate(self, args, params):
        devices = chosen_devices(params["devices"], params["axis_size"], params["name"])
        sharding = PmapSharding(devices, params["axis_name"])
        outs = self.impl(*map(to_numpy, args), **params)
        avals = self.abstract_eval(*map(typeof, args), **params)
        out = [ArrayImpl(x, a) for x, a in zip(outs, avals)]
        for x in out:
            x._sharding = sharding
        return out

    def impl(self, *args, jaxpr, name, axis_name, axis_size, devices):
        if here.meeting is not None:  # a pmap inside of one has one device for all its elements
            dims = tuple(0 if x.ndim > a.ndim else None for x, a in zip(args, jaxpr.in_avals))
            wanted = (True,) * len(jaxpr.outvars)
            inner, _ = batch_jaxpr(jaxpr, AxisData(axis_size, axis_name), dims, wanted)
            return super().impl(*args, jaxpr=inner)
        numbers = [d.id for d in chosen_devices(devices, axis_size, name)]
        return engine().run(jaxpr, name, axis_name, numbers, args)

    def abstract_eval(self, *avals, jaxpr, axis_size, **params):
        for given, want in zip(avals, jaxpr.in_avals, strict=True):
            shape = (axis_size, *want.shape) if given.ndim > want.ndim else want.shape
            if (given.shape, given.dtype) != (shape, want.dtype):
                raise TypeError(f"pmap over {axis_size} devices of a program that takes "
                                f"{jaxpr.in_avals}, got {list(avals)}")
        return [a.update(shape=(axis_size, *a.shape)) for a in jaxpr.out_avals]

    def effects_of(self, params):
        return params["jaxpr"].effects - {params["axis_name"]}

    def jvp(self, primals, tangents, **params):
        with self.scope(params):
            return super().jvp(primals, tangents, **params)

    def linearize(self, active, *xs, **params):
        with self.scope(params):
            return super().linearize(active, *xs, **params)

    def split(self, unknown, args, params):
        with self.scope(params):
            return super().split(unknown, args, params)

    def transpose(self, cts, *args, jaxpr, **params):
        with self.scope(params):
            found = super().transpose(cts, *args, jaxpr=jaxpr, **params)
        return [ct if ct is None or x.aval.ndim > a.ndim else reduce_sum(ct, (0,))
                for x, a, ct in zip(args, jaxpr.in_avals, found)]


pmap_p = PMap("pmap")


@batch.register
def _(prim: PMap, axis, xs, dims, /, *, jaxpr, axis_name, **params):
    mapped = [typeof(x).ndim - (d is not None) > a.ndim
              for x, d, a in zip(xs, dims, jaxpr.in_avals)]
    xs = [move_axis(x, 0, 1) if m and d == 0 else x for x, d, m in zip(xs, dims, mapped)]
    inner = tuple(d if d is None or not m else max(d - 1, 0) for d, m in zip(dims, mapped))
    if axis.name == axis_name:  # inside, this name is another axis
        axis = AxisData(axis.size)
    with prim.scope({"axis_name": axis_name, **params}):
        batched, dims_out = batch_jaxpr(jaxpr, axis, inner)
    outs = prim.bind(*xs, jaxpr=batched, axis_name=axis_name, **params)
    return outs, [None if d is None else d + 1 for d in dims_out]


# --- the transformation --------------------------------------------------------------------------


def chosen_devices(devices: Sequence[Device] | None, count: int, name: str) -> Sequence[Device]:
    """The devices for an axis of size `count`. ValueError: there are not as many."""
    if devices is not None:
        if len(devices) != count:
            raise ValueError(f"pmap of {name} over an axis of size {count} was given "
                             f"{len(devices)} devices: {list(devices)}")
        return devices
    there = local_devices()
    if len(there) < count:
        raise ValueError(
            f"compiling computation `{name}` that requires {count} logical devices, but only "
            f"{len(there)} devices are available. Say how many there are, at any time, with "
            f"jax.config.update('jax_num_cpu_devices', {count}), or in the environment with "
            f"JAX_NUM_CPU_DEVICES={count}.")
    return there[:count]


class Pmapped(Shortened):
    """A function that is traced once for each type of its arguments, then run on devices."""

    def __init__(self, fun: Callable, axis_name: Any, in_axes: Any, out_axes: Any, static: tuple,
                 devices: Sequence[Device] | None, axis_size: int | None, donated: tuple):
        super().__init__(fun)
        self.axis_name, self.axis_size = axis_name, axis_size
        self.in_axes, self.out_axes, self.static, self.donated = in_axes, out_axes, static, donated
        self.devices = None if devices is None else tuple(devices)
        self.programs = programs_of(fun)
        self.lower = jit(self).lower

    def long_way(self, args: tuple, kwargs: dict) -> Any:
        static, rest, _ = split_static(self.static, (), args, kwargs)
        in_axes = self.in_axes
        if isinstance(in_axes, tuple) and static and len(in_axes) == len(args):
            in_axes = tuple(d for i, d in enumerate(in_axes) if i not in dict(static))
        leaves, in_tree = flatten_args(rest, kwargs)
        dims, size = input_axes(self.fun, in_axes, self.axis_size, rest, kwargs, leaves, in_tree,
                                "pmap")
        name = name_of(self.fun)
        devices = chosen_devices(self.devices, size, name)
        given, leaves = leaves, [x if d is None else move_axis(as_array(x), d, 0)
                                 for x, d in zip(leaves, dims)]
        avals = tuple(a if d is None else a.update(shape=a.shape[1:])
                      for a, d in zip(map(abstract, leaves), dims))
        params = {"axis_name": self.axis_name, "axis_size": size, "devices": self.devices}
        with pmap_p.scope(params):
            found = traced(self.programs, self.fun, "pmap", avals, in_tree, static)
        outs = pmap_p.bind(*found.captured, *leaves, jaxpr=found.jaxpr, name=name, **params)
        wanted = flatten_axes("pmap out_axes", found.out_tree.unflatten(outs), self.out_axes)
        out = tree_unflatten(found.out_tree, [
            index_in_dim(x, 0, 0, keepdims=False) if w is None else place(x, 0, w, size)
            for x, w in zip(outs, wanted)])
        if self.donated:
            donated, others, _ = split_static(self.donated, (), args, kwargs)
            give_up([x for _, x in donated], others, kwargs, out)
        elif all(x is y for x, y in zip(given, leaves)) and set(wanted) <= {0} and (
                in_tree == tree_structure((args, {}))):
            run = functools.partial(pmap_p.impl, jaxpr=found.jaxpr, name=name, **params)
            self.remember(found, run, list(map(typeof, leaves)), list(map(typeof, outs)),
                          PmapSharding(devices, self.axis_name))
        return out


def pmap(fun: Callable, axis_name: Any = None, *, in_axes: Any = 0, out_axes: Any = 0,
         static_broadcasted_argnums: Any = (), devices: Sequence[Device] | None = None,
         backend: str | None = None, axis_size: int | None = None, donate_argnums: Any = (),
         global_arg_shapes: Any = None) -> Callable:
    """`fun` for every element along an axis of its arguments, each on a device of its own.

    A device is a process on this machine. There are as many as `jax.devices()` lists: one, until
    `jax.config.update("jax_num_cpu_devices", n)` says otherwise. Results stay in memory that all
    devices see, so nothing is copied when they are arguments of the next call, or are read.

    >>> import minijax as jax, minijax.numpy as jnp
    >>> jax.config.update("jax_num_cpu_devices", 2)
    >>> normalize = jax.pmap(lambda x: x / jax.lax.psum(x, "i"), axis_name="i")
    >>> normalize(jnp.array([1.0, 3.0]))
    Array([0.25, 0.75], dtype=float32)
    >>> jax.config.update("jax_num_cpu_devices", -1)

    Args:
      axis_name: a name by which collectives such as `lax.psum` refer to the axis.
      in_axes: the axis to map, for each argument: an int, None (the same for all), or a pytree
        of them that is a prefix of the arguments. Keyword arguments are mapped along axis 0.
      out_axes: where the mapped axis goes in the results, likewise; None: the first device's.
      static_broadcasted_argnums: arguments that are not traced, hashable, the same for all.
      devices: which devices, as many as the axis is long; by default the first ones.
      axis_size: the size of the axis, if it is to be checked.
      donate_argnums: arguments whose memory may be reused.

    Raises:
      ValueError: more elements than devices, sizes that differ, a wrong prefix.
      JaxRuntimeError: a device has failed. The next call has new ones.
    """
    check_callable(fun)
    check_axes("in_axes", in_axes, "pmap")
    check_axes("out_axes", out_axes, "pmap")
    in_axes = tuple(in_axes) if isinstance(in_axes, list) else in_axes
    return Pmapped(fun, axis_name, in_axes, out_axes, positions(static_broadcasted_argnums),
                   devices, axis_size, positions(donate_argnums))
